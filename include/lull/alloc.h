/*
 * lull/alloc.h: allocation.
 *
 * Objects come zeroed, with their header set. They are FRESH until the thread's next call that may
 * poll (the next allocation is one): see lull_init in lull/barrier.h. All of these are for the
 * attached RUNNING thread. Allocation may poll; at the heap limit it waits (as a blocked region)
 * for the collector, then asks the out-of-memory hook, and returns NULL with lull_last_error() =
 * LULL_E_MEMORY at last, or LULL_E_PROGRESS when a thread without safepoints kept the collector
 * from freeing memory.
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
 * lull_new out of line, for languages that cannot inline it. NULL on failure
 * (LULL_E_MEMORY, LULL_E_PROGRESS; LULL_E_UNKNOWN for a type that does not exist or is an array;
 * LULL_E_THREAD, LULL_E_STATE).
 */
LULL_API void *lull_new_slow(lull_thread *thread, lull_type type) LULL_NONNULL(1);

/* The same for lull_new_sized; LULL_E_ARGUMENT when the type's size is another. */
LULL_API void *lull_new_sized_slow(lull_thread *thread, lull_type type, size_t size)
    LULL_NONNULL(1);

/*
 * Allocates an array with `length` elements; 0 is allowed. NULL on failure: as lull_new_slow
 * (LULL_E_UNKNOWN for a type that is no array), and LULL_E_RANGE when the size overflows or could
 * never fit the heap's limit. O(size), zeroing. Objects of more than 8 KB come from runs of pages
 * of their own.
 */
LULL_API void *lull_new_array(lull_thread *thread, lull_type type, size_t length) LULL_NONNULL(1);

/*
 * Allocates an object of a type that is not an array. The type must be one of this heap (checked in
 * debug builds and whenever the slow path runs). About 2 ns when the region has room. NULL on
 * failure, as lull_new_slow. The object is nobody's but this thread's until it is stored somewhere,
 * and kept by nothing until a root holds it.
 */
static inline void *lull_new(lull_thread *thread, lull_type type) {
#ifndef LULL_DEBUG
  size_t size = thread->types[type].fixed_size;
  char *object = thread->bump;
  if (LULL_LIKELY(size - 1 < (size_t)(thread->limit - object))) {
    uint64_t header = type | thread->birth_header;
    thread->bump = object + size;
    __builtin_memcpy(object, &header, sizeof header);
    return object;
  }
#endif
  return lull_new_slow(thread, type);
}

/* Whether a size is a constant that no type has. */
#define LULL_WRONG_SIZE_(size) (__builtin_constant_p(size) && (size) % 8 != 0)

/*
 * lull_new for a caller that knows the type's size in bytes, best as a constant (sizeof): about a
 * third cheaper, because nothing is looked up. Another size than the type's is LULL_E_ARGUMENT
 * where it is noticed: always in debug builds and for 0, in others when the slow path runs.
 */
static inline void *lull_new_sized(lull_thread *thread, lull_type type, size_t size) {
#ifndef LULL_DEBUG
  char *object = thread->bump;
  if (LULL_LIKELY(size - 1 < (size_t)(thread->limit - object) && !LULL_WRONG_SIZE_(size))) {
    uint64_t header = type | thread->birth_header;
    thread->bump = object + size;
    __builtin_memcpy(object, &header, sizeof header);
    return object;
  }
#endif
  return lull_new_sized_slow(thread, type, size);
}

#ifdef __cplusplus
}
#endif
#endif
