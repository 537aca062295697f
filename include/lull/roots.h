/*
 * lull/roots.h: what keeps objects alive from outside the heap.
 *
 *   owner        form                          written by                 scanned by
 *   one thread   LULL_ROOTS frame              plain assignments          that thread's handshake
 *   one thread   thread range, thread callback plain assignments          that thread's handshake
 *   the heap     handle                        lull_handle_set            the collector
 *   the heap     shared range                  lull_root_store            the collector
 *
 * Shared roots are written by root stores only: a raw store would hide an object from a collector
 * that is already marking. Loading from them is a lull_load.
 *
 * Every call here is for the attached RUNNING thread itself (LULL_E_THREAD, LULL_E_STATE otherwise,
 * where a status is returned or can be asked for; debug builds end the process where none can).
 */
#ifndef LULL_ROOTS_H
#define LULL_ROOTS_H

#include <lull/object.h>
#include <lull/thread.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A frame of local roots, linked into the thread, innermost first. The addresses of its `count`
 * locals follow it in memory. Made by LULL_ROOTS.
 */
struct lull_frame {
  struct lull_frame *outer;
  size_t count;
};

/*
 * What pops a frame at the end of its block. The compiler keeps it in registers, because its
 * address goes to inline functions only; so popping reads nothing back from the frame, whose
 * address others know.
 */
struct lull_scope {
  lull_thread *thread;
  struct lull_frame *frame, *outer;
};

/* Reports frames popped out of order (debug builds end the process with a message). */
LULL_API void lull_frame_disorder(const struct lull_scope *scope);

static inline struct lull_scope lull_frame_push(lull_thread *thread, struct lull_frame *frame) {
  struct lull_scope scope = {thread, frame, thread->frames};
  frame->outer = scope.outer;
  __atomic_store_n(&thread->frames, frame, __ATOMIC_RELAXED);
  return scope;
}

static inline void lull_frame_pop(struct lull_scope *scope) {
#ifdef LULL_DEBUG
  if (scope->thread->frames != scope->frame) {
    lull_frame_disorder(scope);
    return;
  }
#endif
  __atomic_store_n(&scope->thread->frames, scope->outer, __ATOMIC_RELAXED);
}

/*
 * LULL_ROOTS(thread, a, b, ...): the named local pointer variables (1 to 16, each a pointer to a
 * managed object or NULL, already initialised) are roots from here to the end of the enclosing
 * block, and are popped there by themselves, in C through the cleanup attribute, which gcc and
 * clang honour in C++ too. A store for each variable and three more; no call. Several in one block
 * are fine. Do not longjmp over one. While the thread is in a blocked region somebody else may scan
 * the variables: they are not written there.
 *
 * (Frames of addresses, linked on the stack: Henderson, "Accurate garbage collection in an
 * uncooperative environment", 2002.)
 */
#define LULL_ROOTS(thread_, ...) LULL_ROOTS_AT_(thread_, __COUNTER__, __VA_ARGS__)
#define LULL_ROOTS_AT_(thread_, id_, ...) LULL_ROOTS_AS_(thread_, id_, __VA_ARGS__)
#define LULL_ROOTS_AS_(thread_, id_, ...)                                                          \
  struct {                                                                                         \
    struct lull_frame frame;                                                                       \
    void *locals[LULL_COUNT_(__VA_ARGS__)];                                                        \
  } lull_frame_##id_ = {{NULL, LULL_COUNT_(__VA_ARGS__)}, {LULL_ADDRESSES_(__VA_ARGS__)}};         \
  struct lull_scope lull_scope_##id_ __attribute__((unused, cleanup(lull_frame_pop))) =            \
      lull_frame_push((thread_), (struct lull_frame *)(void *)&lull_frame_##id_)

#define LULL_COUNT_(...)                                                                           \
  LULL_NTH_(__VA_ARGS__, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define LULL_NTH_(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, N, ...) N
#define LULL_ADDRESSES_(...)                                                                      \
  LULL_PICK_(__VA_ARGS__, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)(__VA_ARGS__)
#define LULL_PICK_(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, N, ...) LULL_ADR_##N##_
#define LULL_ADR_1_(a) (void *)&(a)
#define LULL_ADR_2_(a, ...) (void *)&(a), LULL_ADR_1_(__VA_ARGS__)
#define LULL_ADR_3_(a, ...) (void *)&(a), LULL_ADR_2_(__VA_ARGS__)
#define LULL_ADR_4_(a, ...) (void *)&(a), LULL_ADR_3_(__VA_ARGS__)
#define LULL_ADR_5_(a, ...) (void *)&(a), LULL_ADR_4_(__VA_ARGS__)
#define LULL_ADR_6_(a, ...) (void *)&(a), LULL_ADR_5_(__VA_ARGS__)
#define LULL_ADR_7_(a, ...) (void *)&(a), LULL_ADR_6_(__VA_ARGS__)
#define LULL_ADR_8_(a, ...) (void *)&(a), LULL_ADR_7_(__VA_ARGS__)
#define LULL_ADR_9_(a, ...) (void *)&(a), LULL_ADR_8_(__VA_ARGS__)
#define LULL_ADR_10_(a, ...) (void *)&(a), LULL_ADR_9_(__VA_ARGS__)
#define LULL_ADR_11_(a, ...) (void *)&(a), LULL_ADR_10_(__VA_ARGS__)
#define LULL_ADR_12_(a, ...) (void *)&(a), LULL_ADR_11_(__VA_ARGS__)
#define LULL_ADR_13_(a, ...) (void *)&(a), LULL_ADR_12_(__VA_ARGS__)
#define LULL_ADR_14_(a, ...) (void *)&(a), LULL_ADR_13_(__VA_ARGS__)
#define LULL_ADR_15_(a, ...) (void *)&(a), LULL_ADR_14_(__VA_ARGS__)
#define LULL_ADR_16_(a, ...) (void *)&(a), LULL_ADR_15_(__VA_ARGS__)

/*
 * Thread-owned root range: the n words at `words` (pointers to objects or NULL) are roots of this
 * thread until removed or detached. Written by this thread with plain stores, outside blocked
 * regions. O(1), and O(n) at each root scan; no poll. LULL_E_ARGUMENT for NULL, unaligned or empty;
 * LULL_E_RANGE for more words than memory can hold; LULL_E_MEMORY. The memory stays the caller's,
 * and must stay until then.
 */
LULL_API lull_status lull_thread_range_add(lull_thread *thread, void *words, size_t n);
/*
 * Removes a range by its address. LULL_E_UNKNOWN if this thread has none there. O(ranges); no poll.
 */
LULL_API lull_status lull_thread_range_remove(lull_thread *thread, void *words);

/*
 * A root callback reports the slots (by lull_visit) in which its thread keeps objects, at each scan
 * of the thread's roots. Who runs it:
 *
 * - the thread itself, at a poll, when it is RUNNING;
 * - somebody else, when it is in a blocked region, waits in a call of the library, or is stopped:
 *   the collector thread; in the incremental mode, and in a heap too small for a collector thread,
 *   any other attached thread that takes a step, so in the middle of its allocation, poll,
 *   lull_collect or lull_collect_step; in the stop-the-world mode, and for lull_verify and the
 *   option verify, the one thread that stopped the others.
 *
 * So it must not rely on being in its thread: no thread-local data, no locks that a thread may hold
 * while it allocates, polls or calls anything else that may poll. What it reads is written by its
 * thread only, RUNNING, between two calls that may poll; the library orders those writes before the
 * callback, and never runs one for a thread that goes on meanwhile. It may be run more than once in
 * a cycle. It must not call Lull but for lull_visit, wait or store. It counts as part of a
 * handshake: what it takes delays its thread, or who runs it.
 */
typedef void lull_roots_fn(void *data, lull_visitor *visitor);

/*
 * Registers a pair of callback and data for the calling thread, until it is removed or the thread
 * detached. `data` stays the caller's. LULL_E_STATE for a pair that is registered already;
 * LULL_E_MEMORY. O(callbacks); no poll.
 */
LULL_API lull_status lull_thread_callback_add(lull_thread *thread, lull_roots_fn *fn, void *data);
/*
 * Takes the pair back. LULL_E_UNKNOWN if this thread has not registered it. O(callbacks); no poll.
 */
LULL_API lull_status lull_thread_callback_remove(lull_thread *thread, lull_roots_fn *fn,
                                                 void *data);

/*
 * A global handle: a shared root slot that the library keeps, until it is released or the heap
 * ends. Any attached thread may use it, also another one than made it.
 */
typedef struct lull_handle lull_handle;

/*
 * Makes a handle that holds object (or NULL). NULL on failure, with lull_last_error: LULL_E_MEMORY.
 * Amortised O(1). No poll.
 */
LULL_API lull_handle *lull_handle_new(lull_thread *thread, void *object) LULL_NONNULL(1);
/*
 * The object, or NULL; from then on it is this thread's to keep in a root. A released handle, where
 * that can still be told, gives NULL with LULL_E_UNKNOWN. A load and a branch; no poll.
 */
LULL_API void *lull_handle_get(lull_thread *thread, const lull_handle *handle) LULL_NONNULL(1, 2);
/*
 * Makes the handle hold another object, or NULL: a root store. For a released one: LULL_E_UNKNOWN,
 * nothing stored. No poll.
 */
LULL_API void lull_handle_set(lull_thread *thread, lull_handle *handle, void *object)
    LULL_NONNULL(1, 2);
/*
 * Gives the handle back; it must not be used again. LULL_E_UNKNOWN for one that is not live:
 * released twice, or another heap's. O(log of the handles ever made); no poll.
 */
LULL_API lull_status lull_handle_release(lull_thread *thread, lull_handle *handle);

/*
 * Shared root range: n words that any attached thread may write, by lull_root_store only. Until
 * removed. The words must hold NULL or objects held elsewhere when added. The memory stays the
 * caller's, and must stay until the range is removed or the heap ends. LULL_E_ARGUMENT for NULL,
 * unaligned or empty; LULL_E_RANGE for more words than memory can hold; LULL_E_MEMORY. May wait for
 * a lock (as a blocked region), so may poll. O(1).
 */
LULL_API lull_status lull_shared_range_add(lull_thread *thread, void *words, size_t n);
/*
 * Clears the words (by root stores) and removes the range. Any thread's, not only who added it.
 * LULL_E_UNKNOWN if there is none at this address, or another thread is just removing it. May poll.
 * O(ranges + n).
 */
LULL_API lull_status lull_shared_range_remove(lull_thread *thread, void *words);

/*
 * *slot = value, for an aligned word of a shared range. Release; no poll; a few ns when no cycle
 * runs.
 */
LULL_API void lull_root_store(lull_thread *thread, void *slot, void *value) LULL_NONNULL(1, 2);
/* Stores and returns the old object, atomically and sequentially consistent. No poll. */
LULL_API void *lull_root_exchange(lull_thread *thread, void *slot, void *value) LULL_NONNULL(1, 2);
/*
 * Stores value and returns true if *slot is *expected (a pointer to a pointer of any type); else
 * loads *slot into *expected and returns false. Strong; sequentially consistent. No poll.
 */
LULL_API bool lull_root_compare_exchange(lull_thread *thread, void *slot, void *expected,
                                         void *value) LULL_NONNULL(1, 2, 3);

#ifdef __cplusplus
}
#endif
#endif
