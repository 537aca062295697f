/*
 * boehm.h: Boehm's collector as memory.h wants it. Objects without references are allocated as
 * such. Threads are made by plain pthread_create and registered by mem_enter, from where on the
 * collector scans their stacks; so a thread holds references only between mem_enter and mem_leave.
 * Allocation is by the collector's thread-local free lists, marking by as many threads as it takes
 * by itself (GC_MARKERS in the environment changes that).
 *
 * The collector calls mem_on_event under its own lock, so the histogram of pauses has one writer at
 * a time; mem_report reads it when the threads have ended.
 */
#ifndef BENCH_MEMORY_BOEHM_H
#define BENCH_MEMORY_BOEHM_H

#define GC_THREADS
#define GC_NO_THREAD_REDIRECTS
#include <gc.h>
#include <stdlib.h>

#include "bench/common/fail.h"
#include "bench/common/measure.h"
#include "stress/common/clock.h"

#define MEM_NAME "boehm"
#define MEM_FREES 0

typedef struct mem_thread {
  bool registered; /* here, so to be undone here; the main thread is known from the start */
} mem_thread;

#include "bench/memory/plain.h"

/* Scanned by the collector, unlike malloc's memory. */
typedef struct mem_handle {
  void *object;
} mem_handle;

/* From the first signal that stops a thread until all run again. */
struct mem_pauses {
  uint64_t began;
  lull_histogram times;
};
struct mem_pauses mem_pauses __attribute__((weak, visibility("hidden")));

static inline void mem_on_event(GC_EventType event) {
  if (event == GC_EVENT_PRE_STOP_WORLD)
    mem_pauses.began = clock_wall();
  else if (event == GC_EVENT_POST_START_WORLD)
    measure_record(&mem_pauses.times, clock_wall() - mem_pauses.began);
}

static inline void mem_open(uint64_t limit, const char *options) {
  bench_require(!options, "Boehm's collector takes no --options");
  GC_set_on_collection_event(mem_on_event);
  GC_INIT();
  GC_allow_register_threads();
  if (limit > 0)
    GC_set_max_heap_size(limit);
}

static inline void mem_close(void) {
}

static inline mem_thread *mem_enter(void) {
  static mem_thread main_thread, other_thread = {true};
  struct GC_stack_base base;
  int status = GC_get_stack_base(&base);

  if (status == GC_SUCCESS)
    status = GC_register_my_thread(&base);
  bench_require(status == GC_SUCCESS || status == GC_DUPLICATE,
                "Boehm's collector does not take a thread");
  return status == GC_SUCCESS ? &other_thread : &main_thread;
}

static inline void mem_leave(mem_thread *thread) {
  if (thread->registered)
    GC_unregister_my_thread();
}

static inline void *mem_new(mem_thread *thread, mem_type type, size_t size) {
  void *object = type.references ? GC_MALLOC(size) : GC_MALLOC_ATOMIC(size);

  (void)thread;
  if (__builtin_expect(!object, 0))
    bench_exhausted(size);
  return object;
}

static inline void *mem_new_array(mem_thread *thread, mem_type type, size_t length) {
  size_t size = plain_array_size(type, length);

  return plain_set_length(mem_new(thread, type, size), type, length);
}

static inline void mem_free(mem_thread *thread, void *object) {
  (void)thread;
  (void)object;
}

static inline mem_handle *mem_handle_new(mem_thread *thread, void *object) {
  mem_handle *handle = GC_MALLOC_UNCOLLECTABLE(sizeof *handle);

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
  GC_FREE(handle);
}

static inline void mem_report(void) {
  measure_times("stopped", &mem_pauses.times);
  measure_count("cycles", GC_get_gc_no());
  measure_count("heap_committed", GC_get_heap_size());
}

#endif
