/*
 * threads/handshake.h: asking each thread of a heap for one thing, once, at its next safepoint.
 *
 * Guarantees (model: tests/models/claim.pml):
 *   H.1  The closure runs exactly once for each thread registered when the handshake was armed, and
 *        for no other.
 *   H.2  It runs in the thread itself at a safepoint, or in the collector while the thread is
 *        BLOCKED and cannot return.
 *   H.3  What the thread did before its closure happens before lu_handshake returns, or
 *        lu_handshake_try returns true; what the collector did before arming happens before the
 *        closure.
 *   H.4  No thread waits for another thread's closure.
 *   H.5  A thread that joins later adopts the armed phase (hooks.joined) under the lock under which
 *        it was armed.
 */
#ifndef LU_THREADS_HANDSHAKE_H
#define LU_THREADS_HANDSHAKE_H

#include "observe/histogram.h"
#include "threads/driver.h"
#include "threads/registry.h"

/* Where the handshakes of a heap are counted; all multi-writer. */
struct lu_handshake_figures {
  struct lu_histogram *closure;        /* thread CPU time */
  struct lu_histogram *time_to;        /* wall, arming to acknowledgement */
  struct lu_histogram *claim_wait;     /* wall */
  struct lu_histogram *caused;         /* closures again, beside what else the library causes */
  _Atomic uint64_t *handshakes, *claimed, *slow_polls;
};

/*
 * One handshake. `arm` (may be NULL) runs under the registry lock, before any request is made, and
 * publishes what joining threads adopt. Returns when every thread of the snapshot has acknowledged.
 * By one thread at a time for each registry (the cycle's driver). The driver is not attached as
 * RUNNING: it is the collector thread, or BLOCKED. Names a thread that does not poll for
 * watchdog_ns in one log line a handshake. `name` is for the log.
 */
void lu_handshake(struct lu_registry *registry, const char *name, void (*arm)(void *owner),
                  lu_closure *closure, void *arg);

/*
 * The same in pieces, for a driver that does not wait. `drive` is where the handshake stands; it
 * stays in place until the end. One handshake at a time for each registry; calls by one thread at a
 * time, who is BLOCKED or not attached, and has what earlier callers wrote (they took turns by a
 * lock). In between, nobody need be driving.
 */
void lu_handshake_begin(struct lu_drive *drive, struct lu_registry *registry, const char *name,
                        void (*arm)(void *owner), lu_closure *closure, void *arg);
/*
 * Serves threads that are BLOCKED, in batches, until lu_now_ns has passed deadline_ns (0: none).
 * True when all have acknowledged: the handshake is over. Looks after the watchdog.
 */
bool lu_handshake_try(struct lu_drive *drive, uint64_t deadline_ns);
/* After a try that said false: waits for a thread as lu_handshake does. */
void lu_handshake_wait(struct lu_drive *drive);

/*
 * The same with the world stopped, by who stopped it: arms, and runs the closure for each thread.
 * No request is made.
 */
void lu_handshake_stopped(struct lu_registry *registry, void (*arm)(void *owner),
                          lu_closure *closure, void *arg);

/* The owner's side, at a safepoint: takes the poll word and runs every open request of every
 * heap of the thread. RUNNING. */
void lu_requests_run(struct lu_os_thread *os);

/* How long the running handshake has waited for a RUNNING thread, in ns; 0 = it does not. Any
 * thread. */
uint64_t lu_handshake_waiting_ns(const struct lu_registry *registry);

#endif
