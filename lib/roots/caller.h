/*
 * roots/caller.h: who calls a root function: an attached thread, for itself, RUNNING.
 */
#ifndef LU_ROOTS_CALLER_H
#define LU_ROOTS_CALLER_H

#include "heap/mutator.h"
#include "support/assert.h"
#include "support/error.h"
#include "threads/registry.h"

/* Refuses (one log line naming `call`) unless `thread` is the calling thread's own attachment and
 * RUNNING. A few ns. */
static inline lull_status lu_check_caller(const lull_thread *thread, const char *call) {
  const struct lu_thread *own = lu_own(thread);
  if (LULL_UNLIKELY(own == NULL))
    return lu_reject(LULL_E_THREAD, "%s: the thread is not the caller's attachment", call);
  if (LULL_UNLIKELY(own->os->depth != 0))
    return lu_reject(LULL_E_STATE, "%s: called inside a blocked region", call);
  return LULL_OK;
}

/* The same for calls that have no status to return and must cost nothing: debug builds end the
 * process. */
static inline struct lu_mutator *lu_caller(lull_thread *thread) {
  LU_ASSERT(lu_own(thread) != NULL && "the thread is not the caller's attachment");
  LU_ASSERT(((struct lu_thread *)thread)->os->depth == 0 && "called inside a blocked region");
  return lu_mutator_of(thread);
}

#endif
