/*
 * tests/one_heap.h: one heap at a time, main's thread attached to it, and the type of its cells.
 *
 * For test programs whose tests each have one heap. Everything here is main's thread's.
 */
#ifndef LULL_TESTS_ONE_HEAP_H
#define LULL_TESTS_ONE_HEAP_H

#include "tests/fixture.h"

static lull_heap *heap;
static lull_thread *thread;
static lull_type type;

/* A heap with options as in LULL_OPTIONS. */
static inline void set_up(const char *options) {
  heap = heap_with(options);
  thread = attach(heap);
  type = cell_type(heap);
}

static inline void tear_down(void) { end_heap(heap, thread); }

static inline void collect(void) { ck_assert_int_eq(lull_collect(thread), LULL_OK); }

#endif
