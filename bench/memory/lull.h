/*
 * lull.h: this library as memory.h wants it. The heap is written by mem_open before other threads
 * exist.
 */
#ifndef BENCH_MEMORY_LULL_H
#define BENCH_MEMORY_LULL_H

#include <inttypes.h>
#include <lull.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/common/fail.h"
#include "bench/common/measure.h"
#include "stress/common/check.h"
#include "stress/common/heap.h"

#define MEM_NAME "lull"
#define MEM_FREES 0

typedef lull_thread mem_thread;
typedef lull_type mem_type;
typedef lull_handle mem_handle;

lull_heap *mem_heap __attribute__((weak, visibility("hidden")));

/* Refuses what heap_make would abort for. The library has logged the reason. */
static inline void mem_check_options(const char *options, const char *message) {
  lull_config *config = lull_config_new();
  char *copy = strdup(options), *rest, *entry, *value;

  if (!config || !copy)
    bench_exhausted(strlen(options));
  for (entry = strtok_r(copy, ",", &rest); entry; entry = strtok_r(NULL, ",", &rest)) {
    if ((value = strchr(entry, '=')))
      *value++ = '\0';
    bench_require(value && lull_option_set(config, entry, value) == LULL_OK, message);
  }
  free(copy);
  lull_config_free(config);
}

static inline void mem_open(uint64_t limit, const char *options) {
  char text[64] = "";

  if (limit > 0)
    snprintf(text, sizeof text, "heap.max=%" PRIu64, limit);
  mem_check_options(text, "--heap is not a size that Lull takes");
  mem_check_options(options ? options : "", "--options must be NAME=VALUE,... as in LULL_OPTIONS");
  mem_heap = heap_make(text, options);
}

static inline void mem_close(void) {
  heap_end(mem_heap);
}

static inline mem_thread *mem_enter(void) {
  return heap_attach(mem_heap);
}

static inline void mem_leave(mem_thread *thread) {
  heap_detach(thread);
}

static inline mem_type mem_record(const char *name, size_t size, uint64_t refs) {
  lull_type_desc desc = {.name = name, .size = size};

  if (refs != 0)
    desc.layout = (lull_layout){.refs = LULL_REFS_MAP, .map = &refs, .map_words = 1};
  return heap_type(mem_heap, desc);
}

static inline mem_type mem_array(const char *name, size_t size, size_t length_offset,
                                 size_t element_size, bool refs) {
  return heap_type(mem_heap,
                   (lull_type_desc){.name = name,
                                    .size = size,
                                    .element_size = element_size,
                                    .length_offset = length_offset,
                                    .element = {.refs = refs ? LULL_REFS_ALL : LULL_REFS_NONE}});
}

static inline void *mem_new(mem_thread *thread, mem_type type, size_t size) {
  void *object = lull_new_sized(thread, type, size);

  if (LULL_UNLIKELY(!object))
    bench_exhausted(size);
  return object;
}

static inline void *mem_new_array(mem_thread *thread, mem_type type, size_t length) {
  void *array = lull_new_array(thread, type, length);

  if (LULL_UNLIKELY(!array))
    bench_exhausted(length);
  return array;
}

static inline void mem_free(mem_thread *thread, void *object) {
  (void)thread;
  (void)object;
}

static inline void mem_init(mem_thread *thread, void *object, void *slot, const void *value) {
  lull_init(thread, object, slot, value);
}

static inline void mem_store(mem_thread *thread, void *object, void *slot, const void *value) {
  lull_store(thread, object, slot, value);
}

static inline void *mem_load(const void *slot) {
  return lull_load(slot);
}

#define MEM_ROOTS(thread_, ...) LULL_ROOTS(thread_, __VA_ARGS__)

static inline void mem_poll(mem_thread *thread) {
  lull_poll(thread);
}

static inline void mem_block(mem_thread *thread) {
  STRESS_OK(lull_blocked_begin(thread));
}

static inline void mem_unblock(mem_thread *thread) {
  STRESS_OK(lull_blocked_end(thread));
}

static inline mem_handle *mem_handle_new(mem_thread *thread, void *object) {
  mem_handle *handle = lull_handle_new(thread, object);

  if (!handle)
    bench_exhausted(sizeof(void *));
  return handle;
}

static inline void *mem_handle_get(mem_thread *thread, const mem_handle *handle) {
  return lull_handle_get(thread, handle);
}

static inline void mem_handle_release(mem_thread *thread, mem_handle *handle) {
  STRESS_OK(lull_handle_release(thread, handle));
}

static inline void mem_report(void) {
  lull_stats stats = {.struct_size = sizeof stats};

  STRESS_OK(lull_heap_stats(mem_heap, &stats));
  measure_times("caused", &stats.caused);
  measure_times("stall", &stats.stall);
  measure_times("claim_wait", &stats.claim_wait);
  measure_times("time_to_handshake", &stats.time_to_handshake);
  measure_count("cycles", stats.cycles);
  measure_count("cycles_minor", stats.cycles_minor);
  measure_count("stalls", stats.stalls);
  measure_count("stall_failures", stats.stall_failures);
  measure_count("assists", stats.assists);
  measure_count("sleeps", stats.sleeps);
  measure_count("live", stats.bytes_live);
  measure_count("heap_limit", stats.heap_limit);
  measure_count("heap_committed", stats.heap_committed);
  measure_count("heap_metadata", stats.heap_metadata);
}

#endif
