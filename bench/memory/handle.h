/*
 * handle.h: handles of managers that never move or look for objects: a word of malloc's. For the
 * header of a manager, which defines mem_thread before.
 */
#ifndef BENCH_MEMORY_HANDLE_H
#define BENCH_MEMORY_HANDLE_H

#include <stdlib.h>

#include "bench/common/fail.h"

typedef struct mem_handle {
  void *object;
} mem_handle;

static inline mem_handle *mem_handle_new(mem_thread *thread, void *object) {
  mem_handle *handle = malloc(sizeof *handle);

  (void)thread;
  if (!handle)
    bench_exhausted(sizeof *handle);
  handle->object = object;
  return handle;
}

static inline void *mem_handle_get(mem_thread *thread, const mem_handle *handle) {
  (void)thread;
  return handle->object;
}

static inline void mem_handle_release(mem_thread *thread, mem_handle *handle) {
  (void)thread;
  free(handle);
}

#endif
