/*
 * recycle.h: bump allocation that starts over in the same 1 MB of each thread, which stays in the
 * cache: the least that allocation can cost. An object is overwritten when its thread has allocated
 * 1 MB more.
 *
 * As the yardstick for Lull the memory is zeroed in steps just ahead of the bump, so that objects
 * come zeroed; with --options raw it is not, which is what is left when nobody promises contents.
 * The inline path is the same for both, and sets a header, as any runtime's objects have one.
 */
#ifndef BENCH_MEMORY_RECYCLE_H
#define BENCH_MEMORY_RECYCLE_H

#include <stdlib.h>
#include <string.h>

#include "bench/common/fail.h"
#include "bench/common/measure.h"

#define MEM_NAME "recycle"
#define MEM_FREES 0

enum { RECYCLE_BUFFER = 1 << 20, RECYCLE_STEP = 2048 };

typedef struct mem_thread {
  char *next, *end; /* what is ready to be allocated */
  bool raw;
  char *buffer;
} mem_thread;

#include "bench/memory/handle.h"
#include "bench/memory/plain.h"

/* Written before other threads exist. */
bool recycle_raw __attribute__((weak, visibility("hidden")));

static inline void mem_open(uint64_t limit, const char *options) {
  (void)limit;
  bench_require(!options || strcmp(options, "raw") == 0, "--options must be raw or left out");
  recycle_raw = options != NULL;
}

static inline void mem_close(void) {
}

static inline mem_thread *mem_enter(void) {
  mem_thread *thread = calloc(1, sizeof *thread);

  if (!thread || !(thread->buffer = aligned_alloc(4096, RECYCLE_BUFFER)))
    bench_exhausted(RECYCLE_BUFFER);
  thread->raw = recycle_raw;
  thread->next = thread->end = thread->buffer;
  return thread;
}

static inline void mem_leave(mem_thread *thread) {
  free(thread->buffer);
  free(thread);
}

/* Makes more of the buffer ready: a step from `end` on, or as much as the object takes. Without
 * zeroing there are no steps. */
static __attribute__((noinline, unused)) void *recycle_slow(mem_thread *thread, size_t size) {
  char *buffer_end = thread->buffer + RECYCLE_BUFFER, *object;
  size_t ready;

  bench_require(size <= RECYCLE_BUFFER, "an object is larger than the buffer that is recycled");
  if (size > (size_t)(buffer_end - thread->next))
    thread->next = thread->end = thread->buffer;
  object = thread->next;
  ready = (size_t)(thread->end - object);
  if (thread->raw) {
    thread->end = buffer_end;
  } else {
    size_t step = size - ready > RECYCLE_STEP ? size - ready : RECYCLE_STEP;
    if (step > (size_t)(buffer_end - thread->end))
      step = (size_t)(buffer_end - thread->end);
    memset(thread->end, 0, step);
    thread->end += step;
  }
  thread->next = object + size;
  return object;
}

static inline void *mem_new(mem_thread *thread, mem_type type, size_t size) {
  char *object = thread->next;
  uint64_t header = type.references;

  size = (size + 7) & ~(size_t)7;
  if (__builtin_expect(size > (size_t)(thread->end - object), 0))
    object = recycle_slow(thread, size);
  else
    thread->next = object + size;
  memcpy(object, &header, sizeof header);
  return object;
}

static inline void *mem_new_array(mem_thread *thread, mem_type type, size_t length) {
  size_t size = plain_array_size(type, length);
  void *array = mem_new(thread, type, size);

  if (thread->raw && type.references)
    memset(array, 0, size);
  return plain_set_length(array, type, length);
}

static inline void mem_free(mem_thread *thread, void *object) {
  (void)thread;
  (void)object;
}

static inline void mem_report(void) {
  measure_count("zeroed", !recycle_raw);
}

#endif
