/*
 * heap/mutator.h: what a heap keeps for each attached thread.
 *
 * Touched by the owner while RUNNING, and by whoever runs a handshake closure for it
 * (threads/thread.h says when that may be).
 */
#ifndef LU_HEAP_MUTATOR_H
#define LU_HEAP_MUTATOR_H

#include "heap/region.h"
#include "observe/counters.h"
#include "roots/thread_roots.h"
#include "threads/thread.h"

struct lu_packet;

/* What the thread last acknowledged. */
enum lu_phase {
  LU_IDLE,    /* remembers stores; no marking for this thread */
  LU_WINDOW,  /* after H1: every store is slow and shades the new value */
  LU_BUMPED,  /* after H2: new epoch, births live; still in the window */
  LU_TRACE    /* after H3: own roots scanned; first store into an object in the epoch logs it */
};

struct lu_mutator {
  struct lu_thread thread;       /* first */
  lull_heap *heap;
  struct lu_region small;        /* bump and limit: thread.pub's */
  struct lu_region overflow;
  enum lu_phase phase;
  uint16_t epoch;                /* even; window log value of the next cycle is epoch + 1 */
  bool born_live;                /* births are live: from own H2 until SETTLE */
  bool pressed;                  /* a cycle that began after its allocation failed has ended, and it
                                    failed again */
  bool in_hook;                  /* inside the out-of-memory hook */
  unsigned mark_map;             /* current MARK for this thread: LU_MAP_A or LU_MAP_B */
  uint32_t cycle;                /* the cycle whose H2 it last acknowledged */
  struct lu_packet *grey;        /* shaded objects, not yet flushed; NULL until the first */
  struct lu_packet *remembered;  /* its private part of the remembered set */
  struct lu_thread_roots roots;
  struct lu_counters counters;
  uint64_t assist_debt;          /* bytes of marking that it owes */
  uint64_t sleep_ns;             /* how long its next allocation is to wait, so that the limit is
                                    not reached before marking ends */
  uint64_t refills;              /* slow paths of small allocation, for sampling */
  size_t charged;                /* bytes charged for a large object that has no run yet; it may
                                    wait for a lock meanwhile */
  size_t handed_out;             /* usable bytes of blocks that heap/region.c took and heap/alloc.c
                                    has not told the pacer of yet */
};

static inline struct lu_mutator *lu_mutator_of(const lull_thread *thread) {
  return (struct lu_mutator *)(uintptr_t)thread;
}

#endif
