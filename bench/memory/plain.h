/*
 * plain.h: what managers that know nothing of references have in common: types are sizes, stores
 * are stores, roots and safepoints are nothing. For the header of a manager, which defines
 * mem_thread before.
 */
#ifndef BENCH_MEMORY_PLAIN_H
#define BENCH_MEMORY_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/common/fail.h"

typedef struct mem_type {
  size_t size;          /* bytes without elements */
  size_t length_offset; /* of arrays: where their length stands */
  size_t element_size;
  bool references; /* in the fixed part of a record, in the elements of an array */
} mem_type;

/* A word that may alias any pointer type. */
typedef void *__attribute__((may_alias)) mem_word;

static inline mem_type mem_record(const char *name, size_t size, uint64_t refs) {
  (void)name;
  return (mem_type){.size = size, .references = refs != 0};
}

static inline mem_type mem_array(const char *name, size_t size, size_t length_offset,
                                 size_t element_size, bool refs) {
  (void)name;
  return (mem_type){size, length_offset, element_size, refs};
}

/* Bytes of an array. Ends the program when they are too many for a size_t. */
static inline size_t plain_array_size(mem_type type, size_t length) {
  size_t size;

  if (__builtin_mul_overflow(length, type.element_size, &size) ||
      __builtin_add_overflow(size, type.size, &size))
    bench_exhausted(SIZE_MAX);
  return size;
}

static inline void *plain_set_length(void *array, mem_type type, size_t length) {
  *(size_t *)(void *)((char *)array + type.length_offset) = length;
  return array;
}

static inline void mem_init(mem_thread *thread, void *object, void *slot, const void *value) {
  (void)thread;
  (void)object;
  *(mem_word *)slot = (void *)value;
}

/* Released to other threads, as Lull's store is. */
static inline void mem_store(mem_thread *thread, void *object, void *slot, const void *value) {
  (void)thread;
  (void)object;
  __atomic_store_n((mem_word *)slot, (void *)value, __ATOMIC_RELEASE);
}

static inline void *mem_load(const void *slot) {
  return (void *)__atomic_load_n((const mem_word *)slot, __ATOMIC_ACQUIRE);
}

#define MEM_ROOTS(thread_, ...) ((void)(thread_))

static inline void mem_poll(mem_thread *thread) {
  (void)thread;
}

static inline void mem_block(mem_thread *thread) {
  (void)thread;
}

static inline void mem_unblock(mem_thread *thread) {
  (void)thread;
}

#endif
