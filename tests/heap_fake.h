/*
 * tests/heap_fake.h: a heap without a collector: space, types and settings are real; threads are
 * records that only allocate. Tests mark by hand and sweep when they like.
 */
#ifndef LULL_TESTS_HEAP_FAKE_H
#define LULL_TESTS_HEAP_FAKE_H

#include "heap/heap.h"
#include "heap/holes.h"
#include "heap/large.h"
#include "heap/region.h"
#include "heap/sweep.h"
#include "tests/suite.h"

#define COUNT_OF(a) (sizeof(a) / sizeof(a)[0])

/* Fails the test in any thread: Check's own assertions are for the thread that runs the test. */
#define REQUIRE(condition) ((condition) ? (void)0 : fake_fail(__FILE__, __LINE__, #condition))
void fake_fail(const char *file, int line, const char *condition) __attribute__((noreturn));

lull_heap *fake_heap(size_t limit);
/* One whose large objects have cards of so many bytes. */
lull_heap *fake_heap_with_cards(size_t limit, size_t card_bytes);
void fake_heap_end(lull_heap *heap);

/* A mutator that has never been in a cycle. Ended without giving up its blocks unless the test
 * does. */
struct lu_mutator *fake_mutator(lull_heap *heap);
void fake_mutator_end(struct lu_mutator *mutator);

/* An array of bytes without references: the smallest object has 16 bytes. */
struct bytes {
  lull_object header;
  size_t length;
  unsigned char data[];
};
lull_type fake_bytes_type(lull_heap *heap);

/* Allocates a `struct bytes` of `size` bytes in all, a multiple of 8, 16 or more; checks that it is
 * zero. NULL: no memory. */
struct bytes *fake_new(struct lu_mutator *mutator, lull_type type, size_t size);

/* Sets the MARK bits as a marker would have. */
void fake_mark(lull_heap *heap, const void *object, unsigned map);

/* A sweep as of `cycle` with nothing born live but what carries that number. */
struct lu_sweep fake_sweep(lull_heap *heap, unsigned map, uint32_t cycle);

/* Whether no bit of a map is set in any block that is not UNUSED. */
bool fake_map_is_clear(lull_heap *heap, unsigned map);

/* Checks what holds of masks, states, counters and charges whenever nobody is claiming. */
void fake_check_space(const struct lu_space *space);

/* Runs fn(arg, index) in n threads and joins them. */
void fake_threads(unsigned n, void (*fn)(void *arg, unsigned index), void *arg);

#endif
