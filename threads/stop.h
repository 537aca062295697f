/*
 * threads/stop.h: stopping every thread of a heap, for the stop-the-world mode and the verifier
 * only.
 *
 * A stopped thread waits as a blocked region. The caller is BLOCKED or not attached, and holds the
 * lock that makes it the only driver of the registry. Every thread is claimed until
 * lu_resume_the_world, so a thread that returns from a blocked region waits, and a thread that
 * joins meanwhile waits in lu_join.
 */
#ifndef LU_THREADS_STOP_H
#define LU_THREADS_STOP_H

#include "threads/registry.h"

/* Returns true when all threads are stopped; false, with nothing stopped, if a thread did not
 * poll for timeout_ns. */
bool lu_stop_the_world(struct lu_registry *registry, uint64_t timeout_ns);
void lu_resume_the_world(struct lu_registry *registry);

/* While stopped: every registered thread, in order of attachment. */
void lu_stopped_each(struct lu_registry *registry, void (*fn)(struct lu_thread *, void *),
                     void *arg);

#endif
