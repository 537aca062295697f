/*
 * roots/shared.h: the roots that belong to the heap: handles and shared ranges.
 *
 * Slots are written by root stores only (design section 6): from a thread's H2 on, the old value is shaded; in the window the new one as well. The collector
 * reads the slots after all threads acknowledged H3.
 *
 * Handles live in chunks that are only added until the heap ends, so the scan needs no lock: it follows the chunk list (release/acquire) and
 * loads each slot. A free handle's slot holds a tagged link of the free list (bit 0 set), never an object.
 */
#ifndef LU_ROOTS_SHARED_H
#define LU_ROOTS_SHARED_H

#include <lull/roots.h>
#include "support/lock.h"

struct lu_handle_chunk;
struct lu_shared_range;

struct lu_shared_roots {
  struct lu_lock lock;                        /* ranges list, chunk making, handle free list */
  struct lu_handle_chunk *_Atomic chunks;     /* newest first; pushed under lock, read by the scan */
  struct lull_handle *free_handles;           /* under lock */
  struct lu_shared_range *ranges;             /* under lock */
  size_t handles_live;                        /* under lock */
};

lull_status lu_shared_roots_init(struct lu_shared_roots *roots);
void lu_shared_roots_fini(struct lu_shared_roots *roots);

/* Calls fn with each non-NULL object held by a handle or a shared range. By the collector, or with the world stopped. Takes the lock in short pieces. */
size_t lu_shared_roots_each(struct lu_shared_roots *roots, void (*fn)(void *object, void *arg), void *arg);

#endif
