/*
 * cycle/phases.h: the phases of a cycle as threads see them: what each handshake arms and asks.
 */
#ifndef LU_CYCLE_PHASES_H
#define LU_CYCLE_PHASES_H

#include "threads/registry.h"

struct lu_mutator;

/* The handshakes of a cycle, in their order; LU_SHAKE_FLUSH is repeated. */
enum lu_shake {
  LU_SHAKE_WINDOW,
  LU_SHAKE_BUMP,
  LU_SHAKE_SCAN,
  LU_SHAKE_FLUSH,
  LU_SHAKE_IDLE,
  LU_SHAKE_SETTLE,
  LU_SHAKES
};

struct lu_shake_desc {
  const char *name;           /* for the log */
  void (*arm)(void *owner);   /* under the registry lock, or with the world stopped; may be NULL */
  lu_closure *closure;
};

extern const struct lu_shake_desc lu_shakes[LU_SHAKES];

/* Under the registry lock, or with the world stopped: the thread is from now on as if it had
 * acknowledged what is armed. */
void lu_mutator_adopt(struct lu_mutator *mutator);

#endif
