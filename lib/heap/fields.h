/*
 * heap/fields.h: the names of a type's fields, for reports.
 *
 * A table is made when its type is defined, is owned by the type's row, and never changes.
 */
#ifndef LU_HEAP_FIELDS_H
#define LU_HEAP_FIELDS_H

#include <stdbool.h>
#include <lull/object.h>

struct lu_type;

/* One part's names: the fixed part's, or those of each element. */
struct lu_field_list {
  size_t count;
  const lull_field *field; /* by offset, each at most once */
};

/* One block of memory: the lists, their fields, then the texts. */
struct lu_field_names {
  struct lu_field_list fixed, element;
};

/*
 * What contradicts itself in the names of a descriptor of the current version whose sizes have been
 * checked, or NULL. Reads no more fields than the object has words.
 */
const char *lu_fields_fault(const lull_type_desc *desc);

/*
 * Copies a descriptor's names, which have no fault, to *names; NULL there when it has none. Returns
 * NULL, or why not: names that stand twice (LULL_E_DESCRIPTOR in *status), no memory.
 */
const char *lu_fields_copy(const lull_type_desc *desc, struct lu_field_names **names,
                           lull_status *status);

/*
 * Writes which field the word at an offset of an object is: "node.left", "table[17].key",
 * "vector[3]", and where there is no name "node+24", "table[17]+8". At most `size` bytes with the 0
 * at the end, as snprintf; returns how many bytes the whole text has.
 */
size_t lu_field_text(const struct lu_type *type, size_t offset, char *text, size_t size);

/* The same, to be handed to a printf. */
struct lu_field_described {
  char text[160];
};
struct lu_field_described lu_field_describe(const struct lu_type *type, size_t offset);

#endif
