/*
 * mark/shade.h: making an object grey from a mutator: the private packet, flushing, overflow.
 *
 * A shaded object stands in the thread's private packet until it is full or the thread flushes in a
 * handshake or when it leaves. Nothing grey is ever dropped: when no packet is free, the object's
 * first MARK bit is set instead and its block gets a re-scan flag.
 */
#ifndef LU_MARK_SHADE_H
#define LU_MARK_SHADE_H

#include "heap/mutator.h"

/*
 * Shades unless MARK has it already (sound from the thread's own H2 on). object may be NULL. By the
 * owner, or in its closure.
 */
void lu_shade(struct lu_mutator *mutator, void *object);
/*
 * Shades in any case: for new values in the window of a major, where the MARK of the time says
 * nothing (mutant 12 of start.pml).
 */
void lu_shade_always(struct lu_mutator *mutator, void *object);

/* What a root store does before it stores: phases as design section 6. By the owner, RUNNING. */
static inline void lu_root_barrier(struct lu_mutator *mutator, void *old, void *value) {
  if (mutator->phase == LU_BUMPED || mutator->phase == LU_TRACE)
    lu_shade(mutator, old);
  if (mutator->phase == LU_WINDOW || mutator->phase == LU_BUMPED)
    lu_shade_always(mutator, value);
}

#endif
