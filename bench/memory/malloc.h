/*
 * malloc.h: malloc and free as memory.h wants them. Objects have the word of the header, so that
 * their sizes are those of the other managers, but nothing is written to it.
 */
#ifndef BENCH_MEMORY_MALLOC_H
#define BENCH_MEMORY_MALLOC_H

#include <stdlib.h>

#include "bench/common/fail.h"

#define MEM_NAME "malloc"
#define MEM_FREES 1

typedef struct mem_thread {
  char unused;
} mem_thread;

#include "bench/memory/handle.h"
#include "bench/memory/plain.h"

static inline void mem_open(uint64_t limit, const char *options) {
  (void)limit;
  bench_require(!options, "malloc takes no --options");
}

static inline void mem_close(void) {
}

static inline mem_thread *mem_enter(void) {
  static mem_thread any;

  return &any;
}

static inline void mem_leave(mem_thread *thread) {
  (void)thread;
}

static inline void *mem_new(mem_thread *thread, mem_type type, size_t size) {
  void *object = malloc(size);

  (void)thread;
  (void)type;
  if (__builtin_expect(!object, 0))
    bench_exhausted(size);
  return object;
}

static inline void *mem_new_array(mem_thread *thread, mem_type type, size_t length) {
  size_t size = plain_array_size(type, length);
  void *array = type.references ? calloc(1, size) : malloc(size);

  (void)thread;
  if (__builtin_expect(!array, 0))
    bench_exhausted(size);
  return plain_set_length(array, type, length);
}

static inline void mem_free(mem_thread *thread, void *object) {
  (void)thread;
  free(object);
}

static inline void mem_report(void) {
}

#endif
