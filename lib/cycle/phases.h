/*
 * cycle/phases.h: what a thread takes over from the armed phase when it joins.
 */
#ifndef LU_CYCLE_PHASES_H
#define LU_CYCLE_PHASES_H

struct lu_mutator;

/* Under the registry lock, or with the world stopped: the thread is from now on as if it had acknowledged what is armed. */
void lu_mutator_adopt(struct lu_mutator *mutator);

#endif
