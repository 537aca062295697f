/*
 * lull/thread.h: attaching threads, safepoints and blocked regions.
 *
 * A thread that touches managed objects is a mutator: it attaches to the heap, and from then on
 * must reach a safepoint often: call lull_poll in loops that neither allocate nor block. At a
 * safepoint the thread runs, by itself and in microseconds, what the collector asked of it (a
 * handshake); it never waits for another thread's. It is held there only while the world is
 * stopped: in the stop-the-world mode, and while the verifier looks. In the incremental mode, and
 * in a heap too small for a collector thread, a poll or an allocation may do a step of the
 * collection itself (gc.step).
 *
 * Calls that may poll: lull_poll, every allocation, lull_attach, lull_detach,
 * lull_blocked_begin, lull_blocked_end, lull_collect, lull_collect_step, lull_verify,
 * lull_shared_range_add and lull_shared_range_remove. Stores, loads, frames, handles
 * and root stores never poll. Across a call that may poll an object is kept only
 * if a root holds it (lull/roots.h).
 *
 * A call that can wait (a lock, I/O, a condition) goes between lull_blocked_begin and
 * lull_blocked_end: meanwhile the collector acts for the thread. This holds for the
 * embedder's own locks too: a thread that waits for one while RUNNING holds the collector up.
 */
#ifndef LULL_THREAD_H
#define LULL_THREAD_H

#include <lull/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct lull_frame;
struct lull_type_info;

/*
 * The public prefix of an attachment, for the inline fast paths only. Everything here belongs to
 * the owning thread, except that *poll_word is written by collectors too.
 */
struct lull_thread {
  char *bump;                 /* next free byte of the allocation region */
  char *limit;                /* end of the zeroed part of the region */
  const uint32_t *poll_word;  /* not 0: a handshake waits. Shared by all heaps of the OS thread */
  uint32_t pass_epoch;        /* a store passes if the object's log equals this;
                                 LULL_PASS_NEVER in the start window of a cycle */
  uint32_t birth_epoch;       /* log of an object born now (16 bits) */
  struct lull_frame *frames;  /* innermost LULL_ROOTS frame */
  const struct lull_type_info *types;  /* by index; for lull_new */
  lull_heap *heap;
  uint64_t birth_header;      /* birth_epoch where a header has it: bits 32 to 47 */
};

#define LULL_PASS_NEVER 0x10000u

/*
 * Attaches the calling OS thread to the heap and makes it RUNNING there. A thread may be attached
 * to several heaps. Attaching twice to one heap is LULL_E_STATE (*thread is then the existing
 * attachment). LULL_E_STATE also inside a blocked region, and at the very end of a thread, after
 * its forced detach. LULL_E_MEMORY when there is no memory; LULL_E_SYSTEM when the process has no
 * thread-specific key left. *thread is NULL then. May poll; may wait for a lock as a blocked
 * region. The attachment belongs to the thread until lull_detach; if the thread ends without, it is
 * detached by force at its end. Cost: microseconds.
 */
LULL_API lull_status lull_attach(lull_heap *heap, lull_thread **thread) LULL_NODISCARD;

/*
 * Detaches: flushes what the thread holds for the collector, hands on its memory, unregisters. By
 * the owning thread only (LULL_E_THREAD otherwise, and for an attachment that is not one any more:
 * double detach). LULL_E_STATE with frames still pushed or inside a blocked region; the attachment
 * stays. May poll. Cost: microseconds.
 */
LULL_API lull_status lull_detach(lull_thread *thread);

/* The calling OS thread's attachment to the heap, or NULL. Any thread. O(heaps of the thread). */
LULL_API lull_thread *lull_self(lull_heap *heap);

/* The out-of-line part of lull_poll; use lull_poll. */
LULL_API void lull_poll_slow(lull_thread *thread) LULL_NONNULL(1);

/*
 * The safepoint: runs what collectors asked of this OS thread, in all heaps it is attached to. By
 * the owner, outside blocked regions (otherwise it does nothing but a log line, where it is
 * noticed). Costs two loads and a branch when nothing is asked.
 */
static inline void lull_poll(lull_thread *thread) {
  if (LULL_UNLIKELY(__atomic_load_n(thread->poll_word, __ATOMIC_RELAXED) != 0))
    lull_poll_slow(thread);
}

/*
 * Enters a blocked region: until its end the OS thread touches no managed object, handle, frame or
 * root of any heap it is attached to, and calls nothing of Lull but lull_blocked_begin and
 * lull_blocked_end, and what is for any thread. Regions nest. By the owner only. LULL_E_THREAD
 * otherwise. May poll. Cost: a few nanoseconds.
 */
LULL_API lull_status lull_blocked_begin(lull_thread *thread);

/*
 * Leaves it; the outermost one waits while somebody is just acting for the thread (microseconds;
 * while the world is stopped, until it goes on), then polls. By the owner only. LULL_E_THREAD
 * otherwise; LULL_E_STATE when there is no region to leave. Cost: a few nanoseconds without a wait.
 */
LULL_API lull_status lull_blocked_end(lull_thread *thread);

#ifdef __cplusplus
}
#endif
#endif
