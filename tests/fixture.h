/*
 * tests/fixture.h: what tests of whole heaps share: a heap with options, an attached main thread,
 * and a linked list.
 */
#ifndef LULL_TESTS_FIXTURE_H
#define LULL_TESTS_FIXTURE_H

#include <lull.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/suite.h"

/* An assertion for loops: Check's own writes to a pipe each time it is passed. */
#define EXPECT(condition)                                                                         \
  do {                                                                                            \
    if (!(condition))                                                                             \
      ck_abort_msg("%s:%d: %s", __FILE__, __LINE__, #condition);                                  \
  } while (0)

/*
 * A heap with options as in LULL_OPTIONS ("heap.max=64M,verify=phase"), the environment not read.
 */
static inline lull_heap *heap_with(const char *options) {
  lull_config *config = lull_config_new();
  char *text = strdup(options), *rest = NULL;
  ck_assert(config != NULL && text != NULL);
  ck_assert_int_eq(lull_config_environment(config, NULL), LULL_OK);
  for (char *entry = strtok_r(text, ",", &rest); entry != NULL;
       entry = strtok_r(NULL, ",", &rest)) {
    char *value = strchr(entry, '=');
    ck_assert(value != NULL);
    *value++ = '\0';
    ck_assert_msg(lull_option_set(config, entry, value) == LULL_OK, "option %s", entry);
  }
  lull_heap *heap = NULL;
  ck_assert_int_eq(lull_heap_create(config, &heap), LULL_OK);
  free(text);
  lull_config_free(config);
  return heap;
}

static inline lull_thread *attach(lull_heap *heap) {
  lull_thread *thread = NULL;
  ck_assert_int_eq(lull_attach(heap, &thread), LULL_OK);
  return thread;
}

static inline void end_heap(lull_heap *heap, lull_thread *thread) {
  if (thread != NULL)
    ck_assert_int_eq(lull_detach(thread), LULL_OK);
  ck_assert_int_eq(lull_heap_destroy(heap), LULL_OK);
}

struct cell {
  lull_object header;
  struct cell *next;
  uint64_t value;
};

static inline lull_type cell_type(lull_heap *heap) {
  static const uint64_t map[] = {LULL_BIT(struct cell, next)};
  lull_type_desc desc = {.struct_size = sizeof desc,
                         .name = "cell",
                         .size = sizeof(struct cell),
                         .layout = {.refs = LULL_REFS_MAP, .map = map, .map_words = 1}};
  lull_type type = 0;
  ck_assert_int_eq(lull_type_define(heap, &desc, &type), LULL_OK);
  return type;
}

struct vector {
  lull_object header;
  size_t length;
  struct cell *item[];
};

static inline lull_type vector_type(lull_heap *heap) {
  lull_type_desc desc = {.struct_size = sizeof desc,
                         .name = "vector",
                         .size = sizeof(struct vector),
                         .layout = {.refs = LULL_REFS_NONE},
                         .element_size = sizeof(void *),
                         .length_offset = offsetof(struct vector, length),
                         .element = {.refs = LULL_REFS_ALL}};
  lull_type type = 0;
  ck_assert_int_eq(lull_type_define(heap, &desc, &type), LULL_OK);
  return type;
}

/* A list of n cells with values first, first + 1, ... */
static inline struct cell *make_list(lull_thread *thread, lull_type type, size_t n,
                                     uint64_t first) {
  struct cell *list = NULL;
  LULL_ROOTS(thread, list);
  for (size_t i = n; i-- > 0;) {
    struct cell *cell = (struct cell *)lull_new(thread, type);
    EXPECT(cell != NULL);
    lull_init(thread, cell, &cell->next, list);
    cell->value = first + i;
    list = cell;
  }
  return list;
}

/* Fails unless the list has exactly these values. */
static inline void check_list(const struct cell *list, size_t n, uint64_t first) {
  for (size_t i = 0; i < n; i++, list = (const struct cell *)lull_load(&list->next)) {
    EXPECT(list != NULL);
    EXPECT(list->value == first + i);
  }
  ck_assert_ptr_null(list);
}

static inline lull_stats stats_of(lull_heap *heap) {
  lull_stats stats = {.struct_size = sizeof stats};
  ck_assert_int_eq(lull_heap_stats(heap, &stats), LULL_OK);
  return stats;
}

#endif
