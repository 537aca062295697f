/*
 * lull/barrier.h: stores of references into objects.
 *
 * Every store of a reference into a managed object goes through one of these forms. They keep the
 * collector's snapshot whole while it marks (an object is logged, its old fields copied, before its
 * first change of a cycle) and feed the remembered set. Storing NULL takes the barrier like any
 * other store.
 *
 * Rules:
 *   B.1  No form polls. By attached RUNNING threads. The object and the value are held by a root of
 *        this thread, or were loaded or allocated since its last call that may poll.
 *   B.2  The value is visible to other threads with everything written before (release).
 *   B.3  A slot is an aligned word inside `object`, one that its type's layout names.
 *   B.4  Values are objects of the same heap, or NULL.
 *   B.5  A form that changes n words may be seen in part by other threads and by the collector;
 *        each word is stored whole.
 * Inside a loop, the fast path costs a load, a compare and a branch beside the store; the first
 * store into an object in each cycle takes the slow path, which copies the object's references (at
 * most 8 KB; of a large object those of one card: the option rs.card, 512 bytes unless set). During
 * the start window of a cycle every store is slow (tens of ns).
 *
 * The log is that of Levanoni and Petrank's sliding views (2001), per object as in Yuasa's snapshot
 * barrier.
 */
#ifndef LULL_BARRIER_H
#define LULL_BARRIER_H

#include <lull/object.h>
#include <lull/thread.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A word that may alias any pointer type: fields are declared as what they are. */
typedef void *__attribute__((may_alias)) lull_word;

/*
 * The slow path of a store: logs the object, shades the value where a cycle asks for it. Stores
 * nothing.
 */
LULL_API void lull_barrier_slow(lull_thread *thread, void *object, void *slot, const void *value)
    LULL_NONNULL(1, 2, 3);

/*
 * The barrier alone. Between it and the store that it belongs to there must be no call that may
 * poll.
 */
static inline void lull_barrier(lull_thread *thread, void *object, void *slot, const void *value) {
  uint32_t log = __atomic_load_n(&((lull_object *)object)->log_epoch, __ATOMIC_RELAXED);
#ifdef LULL_DEBUG
  lull_barrier_slow(thread, object, slot, value);
  (void)log;
#else
  if (LULL_UNLIKELY(log != thread->pass_epoch))
    lull_barrier_slow(thread, object, slot, value);
#endif
}

/*
 * *slot = value, where slot is a reference field of object. `slot` is the field's address, of any
 * pointer type.
 */
static inline void lull_store(lull_thread *thread, void *object, void *slot, const void *value) {
  lull_barrier(thread, object, slot, value);
  __atomic_store_n((lull_word *)slot, (void *)value, __ATOMIC_RELEASE);
}

/*
 * An initialising store: *slot = value, where `object` was allocated by this thread and this thread
 * has made no call that may poll since. Cheaper than lull_store (it does not touch the header).
 * Anything else is lull_store's.
 */
static inline void lull_init(lull_thread *thread, void *object, void *slot, const void *value) {
  if (LULL_UNLIKELY(thread->pass_epoch == LULL_PASS_NEVER))
    lull_barrier_slow(thread, object, slot, value);
  __atomic_store_n((lull_word *)slot, (void *)value, __ATOMIC_RELAXED);
}

/*
 * Loads a reference that other threads may be storing. (A field that no other thread stores to
 * meanwhile may be read directly.) What the storing thread wrote before its lull_store is visible.
 */
static inline void *lull_load(const void *slot) {
  return (void *)__atomic_load_n((const lull_word *)slot, __ATOMIC_ACQUIRE);
}

/*
 * Stores value and returns what was there, atomically. The barrier comes first. Sequentially
 * consistent.
 */
static inline void *lull_exchange(lull_thread *thread, void *object, void *slot,
                                  const void *value) {
  lull_barrier(thread, object, slot, value);
  return (void *)__atomic_exchange_n((lull_word *)slot, (void *)value, __ATOMIC_SEQ_CST);
}

/*
 * If *slot is *expected, stores value and returns true; else loads *slot into *expected and returns
 * false. Strong; sequentially consistent; the barrier comes first, also when the comparison then
 * fails. `expected` points to a pointer of any type (a local).
 */
static inline bool lull_compare_exchange(lull_thread *thread, void *object, void *slot,
                                         void *expected, const void *value) {
  lull_barrier(thread, object, slot, value);
  return __atomic_compare_exchange_n((lull_word *)slot, (lull_word *)expected, (void *)value, false,
                                     __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/*
 * Copies n consecutive references from `from` (in an object or not) to `slot` in object, as
 * memmove, word by word (each read once, shaded, stored). O(n), without a poll: divide what is
 * long, if the thread is to reach safepoints in time. Overlap is allowed. n = 0 does nothing;
 * `from` is not looked at then.
 */
LULL_API void lull_copy(lull_thread *thread, void *object, void *slot, const void *from, size_t n)
    LULL_NONNULL(1, 2);

/*
 * Stores value (an object or NULL) into n consecutive reference fields of object. O(n), without a
 * poll.
 */
LULL_API void lull_fill(lull_thread *thread, void *object, void *slot, const void *value, size_t n)
    LULL_NONNULL(1, 2);

#ifdef __cplusplus
}
#endif
#endif
