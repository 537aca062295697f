/*
 * threads/claim.h: the two words by which a collector acts for a BLOCKED thread, and a thread comes
 * back.
 *
 * Guarantees (model: tests/models/claim.pml; argument: threads/claim.c):
 *   C.1  Between lu_claim with lu_claim_granted true and lu_unclaim the thread is not inside: it
 *        has not come back from the blocked region in which it was found.
 *   C.2  What the thread did before lu_os_block happens before what the collector does under the
 *        claim; that happens before lu_os_return returns.
 *   C.3  A thread that waits for a claim is BLOCKED, so other collectors can act for it meanwhile.
 */
#ifndef LU_THREADS_CLAIM_H
#define LU_THREADS_CLAIM_H

#include "support/lock.h"
#include "threads/thread.h"

/* Registers the process with membarrier, once. Returns whether lu_claim_barrier may use it; never
 * under ThreadSanitizer, which does not know it. */
bool lu_membarrier_ready(void);

/* The collector's side, in this order; several claims may share one barrier. Any collector;
 * claims of several count. */
void lu_claim(struct lu_os_thread *os);
void lu_claim_barrier(bool membarrier);
bool lu_claim_granted(struct lu_os_thread *os);
void lu_unclaim(struct lu_os_thread *os);

/* The owner's side. It owns its record; nothing here looks at nesting or at requests. */

/* RUNNING to BLOCKED. */
void lu_os_block(struct lu_os_thread *os);
/* BLOCKED to RUNNING, unless it is claimed: then it stays BLOCKED and the answer is false. */
bool lu_os_try_return(struct lu_os_thread *os);
/* Waits, BLOCKED, until nobody claims it. */
void lu_os_await_unclaimed(struct lu_os_thread *os);
/* BLOCKED to RUNNING; waits while it is claimed, which is measured. */
void lu_os_return(struct lu_os_thread *os);

#endif
