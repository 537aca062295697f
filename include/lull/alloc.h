/*
 * lull/alloc.h: allocation.
 *
 * Objects come zeroed, with their header set. They are FRESH until the thread's next call that
 * may poll (the next allocation is one): see lull_init in lull/barrier.h.
 * Allocation may poll; at the heap limit it waits (as a blocked region) for the collector, then asks the
 * out-of-memory hook, and returns NULL with lull_last_error() = LULL_E_MEMORY at last, or LULL_E_PROGRESS when a
 * thread without safepoints kept the collector from freeing memory.
 *
 * Bump allocation into recycled holes follows Immix (Blackburn and McKinley, 2008).
 */
#ifndef LULL_ALLOC_H
#define LULL_ALLOC_H

#include <lull/object.h>
#include <lull/thread.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What lull_new needs of a type; lives as long as the heap, immutable. */
struct lull_type_info {
  uint32_t fixed_size; /* bytes of an object without elements if it can be bump allocated, else 0 */
};

/*
 * Allocates an object of a type that is not an array, out of line. NULL on failure
 * (LULL_E_MEMORY, LULL_E_PROGRESS; LULL_E_UNKNOWN for a type that does not exist or is an array).
 */
LULL_API void *lull_new_slow(lull_thread *thread, lull_type type) LULL_NONNULL(1);

/*
 * Allocates an array with `length` elements. NULL on failure: as lull_new, and LULL_E_RANGE
 * when the size overflows or could never fit the heap's limit. O(size), zeroing.
 */
LULL_API void *lull_new_array(lull_thread *thread, lull_type type, size_t length) LULL_NONNULL(1);

/*
 * Allocates an object of a type that is not an array. The type must be one of this heap (checked in debug
 * builds and whenever the slow path runs). About 2 ns when the region has room.
 */
static inline void *lull_new(lull_thread *thread, lull_type type) {
#ifndef LULL_DEBUG
  size_t size = thread->types[type].fixed_size;
  char *object = thread->bump;
  if (LULL_LIKELY(size - 1 < (size_t)(thread->limit - object))) {
    uint64_t header = (uint64_t)type | (uint64_t)thread->birth_epoch << 32;
    thread->bump = object + size;
    __builtin_memcpy(object, &header, sizeof header);
    return object;
  }
#endif
  return lull_new_slow(thread, type);
}

#ifdef __cplusplus
}
#endif
#endif
