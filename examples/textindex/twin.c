/*
 * twin.c: what both twins share: the sizes of the types. Constant after twin_define_types.
 */
#include "examples/textindex/objects.h"

struct types types;
lull_handle twin_handle;

const struct twin_type twin_types[] = {
  {sizeof(struct cell), 0, true},
  {sizeof(struct chunk), sizeof(struct posting), false},
  {sizeof(struct document), 0, true},
  {sizeof(struct index), 0, true},
  {sizeof(struct table), sizeof(void *), true},
  {sizeof(struct text), 1, false},
  {sizeof(struct word), sizeof(void *), true},
  {sizeof(struct word_list), sizeof(void *), true},
};

void twin_define_types(void) {
  types = (struct types){.cell = 0, .chunk = 1, .document = 2, .index = 3,
                         .table = 4, .text = 5, .word = 6, .word_list = 7};
}
