/*
 * heap/alloc.c: the public allocation calls: arguments, polls, refills, stalls, headers.
 *
 * The inline part of lull_new bumps through [bump, limit), which is zeroed a step at a time; so the
 * slow path runs at least once a step, and polls there. Order in the slow path: poll, then
 * allocate, then set the header, then pay: no poll comes between the memory and its header, so a
 * region that is split in a handshake has no object without one; and nothing after the header
 * polls, so the new object needs no root yet.
 *
 * Threads: the owner. Ordering: an object's header and zeroed fields are plain stores, published by
 * the store barrier's release.
 */
#include <lull/alloc.h>

#include <string.h>
#include "heap/heap.h"
#include "heap/large.h"
#include "mark/mark.h"
#include "observe/log.h"
#include "support/assert.h"
#include "support/clock.h"
#include "support/error.h"

#define SAMPLE 256   /* one refill in so many is timed: reading a thread's clock is a system call */

static void set_header(void *object, lull_type type, uint16_t log) {
  uint64_t header = (uint64_t)type | (uint64_t)log << 32;
  memcpy(object, &header, sizeof header);
}

/* Where no collector thread is, the threads that allocate drive. */
static void collect_if_due(struct lu_mutator *mutator) {
  if (LULL_UNLIKELY(!lu_collector_runs(&mutator->heap->cycle)))
    lu_cycle_help(mutator);
}

/* Tells the pacer what heap/region.c took since the last time; may assist. */
static void pay(struct lu_mutator *mutator) {
  size_t bytes = mutator->handed_out;
  if (bytes == 0)
    return;
  mutator->handed_out = 0;
  lu_count(&mutator->counters.bytes_allocated, bytes);
  lu_pacer_allocated(mutator, bytes);
}

/* Memory for a small object. NULL: there is no block to be had. */
static char *take_small(struct lu_mutator *mutator, size_t size) {
  bool timed = mutator->refills++ % SAMPLE == 0;
  uint64_t before = timed ? lu_thread_cpu_ns() : 0;
  char *memory = lu_region_allocate(mutator, size);
  if (timed)
    lu_caused(&mutator->heap->figures, &mutator->heap->figures.alloc_slow_path,
              lu_thread_cpu_ns() - before);
  return memory;
}

static void *allocate_small(struct lu_mutator *mutator, lull_type type, size_t size) {
  struct lu_stall stall = {0};
  char *memory;
  do
    lu_stall_attempt(mutator, &stall);
  while ((memory = take_small(mutator, size)) == NULL && lu_stall_wait(mutator, &stall, size));
  lu_stall_end(mutator, &stall);
  if (memory != NULL)
    set_header(memory, type, mutator->epoch);
  pay(mutator);
  return memory;
}

static void *finish_large(struct lu_mutator *mutator, struct lu_large *large, lull_type type) {
  void *object = lu_large_object(large);
  set_header(object, type, LU_LOG_LARGE);
  if (mutator->born_live) {
    large->live_cycle = mutator->cycle;
    atomic_fetch_or_explicit(lu_map_at(object, mutator->mark_map), lu_map_bit(object),
                             memory_order_relaxed);
  }
  lu_count(&mutator->counters.objects_large, 1);
  lu_count(&mutator->counters.bytes_allocated, large->run_bytes);
  return object;
}

static void *allocate_large(struct lu_mutator *mutator, lull_type type, size_t size,
                            size_t length_offset, size_t length) {
  lull_heap *heap = mutator->heap;
  struct lu_stall stall = {0};
  struct lu_large *large;
  unsigned shift = lu_large_card_shift(&heap->space, &heap->types.rows[type], size);
  uint64_t before = lu_thread_cpu_ns();
  do
    lu_stall_attempt(mutator, &stall);
  while ((large = lu_large_allocate(mutator, size, shift)) == NULL &&
         lu_stall_wait(mutator, &stall, size));
  lu_stall_end(mutator, &stall);
  if (large == NULL)
    return NULL;
  void *object = finish_large(mutator, large, type);
  if (length_offset != 0)
    memcpy((char *)object + length_offset, &length, sizeof length);
  size_t bytes = large->run_bytes;
  lu_large_publish(&heap->space, large);
  lu_pacer_large(heap);
  if (stall.began_ns == 0)
    lu_caused(&heap->figures, &heap->figures.alloc_slow_path, lu_thread_cpu_ns() - before);
  lu_pacer_allocated(mutator, bytes);
  return object;
}

/* The attachment if the call may allocate through it; else NULL with the error set. */
static struct lu_mutator *checked(lull_thread *thread, const char *call) {
  struct lu_thread *own = lu_own(thread);
  if (own == NULL) {
    lu_reject(LULL_E_THREAD, "%s: the calling thread is not attached here", call);
    return NULL;
  }
  if (own->os->depth != 0) {
    lu_reject(LULL_E_STATE, "%s: inside a blocked region", call);
    return NULL;
  }
  return lu_mutator_of(&own->pub);
}

static const struct lu_type *type_row(lull_heap *heap, lull_type type) {
  if (type == LU_FILLER_TYPE ||
      type >= atomic_load_explicit(&heap->types.count, memory_order_acquire))
    return NULL;
  return &heap->types.rows[type];
}

/* The size of a type without elements; 0 with the error set if it is not one. */
static size_t record_size(lull_heap *heap, lull_type type, const char *call) {
  const struct lu_type *row = type_row(heap, type);
  if (row != NULL && row->element_size == 0)
    return row->size;
  lu_reject(LULL_E_UNKNOWN, "%s: %u is not a type without elements", call, (unsigned)type);
  return 0;
}

/*
 * The slow path that costs least, and runs for every 4 KB: nothing to wait for, to pay or to drive.
 * NULL: not that case.
 */
static inline void *extend(struct lu_mutator *mutator, lull_type type, size_t size) {
  if (mutator->sleep_ns != 0 || !lu_collector_runs(&mutator->heap->cycle))
    return NULL;
  void *object = lu_region_extend(mutator, size);
  if (object != NULL)
    set_header(object, type, mutator->epoch);
  return object;
}

static void *allocate_record(struct lu_mutator *mutator, lull_type type, size_t size) {
  lull_poll(&mutator->thread.pub);
  void *object = extend(mutator, type, size);
  if (LULL_LIKELY(object != NULL))
    return object;
  collect_if_due(mutator);
  if (size > LU_SMALL_MAX)
    return allocate_large(mutator, type, size, 0, 0);
  return allocate_small(mutator, type, size);
}

void *lull_new_slow(lull_thread *thread, lull_type type) {
  struct lu_mutator *mutator = checked(thread, "lull_new");
  if (mutator == NULL)
    return NULL;
  size_t size = record_size(mutator->heap, type, "lull_new");
  return size != 0 ? allocate_record(mutator, type, size) : NULL;
}

void *lull_new_sized_slow(lull_thread *thread, lull_type type, size_t size) {
  struct lu_mutator *mutator = checked(thread, "lull_new_sized");
  if (mutator == NULL)
    return NULL;
  size_t true_size = record_size(mutator->heap, type, "lull_new_sized");
  if (true_size == 0)
    return NULL;
  if (size != true_size) {
    lu_reject(LULL_E_ARGUMENT, "lull_new_sized: an object of type %u has %zu bytes, not %zu",
              (unsigned)type, true_size, size);
    return NULL;
  }
  return allocate_record(mutator, type, size);
}

/* Bytes of an array, or 0 when they overflow or are beyond every limit. */
static size_t array_size(const lull_heap *heap, const struct lu_type *row, size_t length) {
  size_t elements, size;
  if (__builtin_mul_overflow(length, (size_t)row->element_size, &elements) ||
      __builtin_add_overflow(elements, row->size + (size_t)7, &size))
    return 0;
  size &= ~(size_t)7;
  return size > LULL_SIZE_MAX || size > heap->space.limit ? 0 : size;
}

void *lull_new_array(lull_thread *thread, lull_type type, size_t length) {
  struct lu_mutator *mutator = checked(thread, "lull_new_array");
  if (mutator == NULL)
    return NULL;
  const struct lu_type *row = type_row(mutator->heap, type);
  if (row == NULL || row->element_size == 0) {
    lu_reject(LULL_E_UNKNOWN, "lull_new_array: %u is not an array type", (unsigned)type);
    return NULL;
  }
  size_t size = array_size(mutator->heap, row, length);
  if (size == 0) {
    lu_reject(LULL_E_RANGE,
              "lull_new_array: %zu elements of %u bytes can never fit (heap.max is %zu bytes)",
              length,
              (unsigned)row->element_size, mutator->heap->space.limit);
    return NULL;
  }
  lull_poll(thread);
  collect_if_due(mutator);
  if (size > LU_SMALL_MAX)
    return allocate_large(mutator, type, size, row->length_offset, length);
  char *object = thread->bump;
  if (LULL_LIKELY(size <= (size_t)(thread->limit - object))) {
    thread->bump = object + size;
    set_header(object, type, mutator->epoch);
  } else if ((object = allocate_small(mutator, type, size)) == NULL) {
    return NULL;
  }
  memcpy(object + row->length_offset, &length, sizeof length);
  return object;
}
