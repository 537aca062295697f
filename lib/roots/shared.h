/*
 * roots/shared.h: the roots that belong to the heap: handles and shared ranges.
 *
 * Slots are written by root stores only (design section 6): from a thread's H2 on, the old value is
 * shaded; in the window the new one as well. The collector reads the slots after all threads
 * acknowledged H3.
 *
 * Handles live in chunks that are only added until the heap ends, so neither the scan nor making
 * and releasing handles needs a lock: "no poll" calls never wait. Chunk k has LU_HANDLE_CHUNK << k
 * handles. A free handle's word holds a tagged link of the free list (bit 0 set), never an object,
 * so that the scan passes over it.
 */
#ifndef LU_ROOTS_SHARED_H
#define LU_ROOTS_SHARED_H

#include <lull/roots.h>
#include <stdatomic.h>
#include "support/lock.h"

#define LU_HANDLE_CHUNK 64u
#define LU_HANDLE_CHUNKS 25u
#define LU_HANDLES_MAX (LU_HANDLE_CHUNK * ((1u << LU_HANDLE_CHUNKS) - 1))

struct lu_shared_range;

struct lu_shared_roots {
  struct lu_lock lock;            /* ranges and the scan's place in them */
  struct lu_shared_range *ranges; /* newest first; under lock */
  struct lu_shared_range
      *scan_range; /* what the running scan looks at next; NULL = none; under lock */
  size_t scan_word;
  /* Set once each, in order, by the thread that carves the chunk's first handle (CAS, release);
   * read by the scan and by whoever follows an index (acquire). */
  struct lull_handle *_Atomic chunks[LU_HANDLE_CHUNKS];
  /* Handles ever used, from index 0 on: those below exist. Grows by CAS (acq_rel); read by the scan
   * (acquire). */
  _Atomic uint32_t carved;
  /* Free list: index + 1 of its first handle (0 = empty) below, a count of changes in the upper
   * half, so that a handle that left and came back is noticed. Changed by CAS (acq_rel) by any
   * attached thread. */
  _Atomic uint64_t free_handles;
};

lull_status lu_shared_roots_init(struct lu_shared_roots *roots);
void lu_shared_roots_fini(struct lu_shared_roots *roots);

/* Calls fn with each non-NULL object held by a handle or a shared range. By the collector, or with
 * the world stopped. Takes the lock in short pieces. */
size_t lu_shared_roots_each(struct lu_shared_roots *roots, void (*fn)(void *object, void *arg),
                            void *arg);

#endif
