/*
 * threads/blocked.h: blocked regions and waits inside the library.
 */
#ifndef LU_THREADS_BLOCKED_H
#define LU_THREADS_BLOCKED_H

#include "support/lock.h"
#include "threads/thread.h"

/* Nesting; begin polls first if something is asked. end waits for claims, then polls. */
void lu_blocked_begin(struct lu_thread *thread);
void lu_blocked_end(struct lu_thread *thread);

/* Takes a lock: at once if it is free, else waits as a blocked region (so it may poll). `thread`
 * NULL: plain wait (a thread that is not attached anywhere). The lock is released with
 * lu_unlock. */
void lu_lock_blocking(struct lu_thread *thread, struct lu_lock *lock);

/* Waits on an event as a blocked region; result as lu_event_wait. */
bool lu_wait_blocking(struct lu_thread *thread, struct lu_event *event, uint32_t value,
                      uint64_t timeout_ns);

/*
 * The same for the calling thread by its OS record. lu_os_lock is for a thread that is attached
 * nowhere, too, and never waits for a claim while it holds the lock. lu_os_wait_resumed waits while
 * the registry is stopped.
 */
void lu_os_lock(struct lu_os_thread *os, struct lu_lock *lock);
void lu_os_wait_resumed(struct lu_os_thread *os, struct lu_registry *registry);

/* The safepoint's slow part: runs every pending request of every heap of the OS thread, then
 * waits while one of them is stopped. */
void lu_poll(struct lu_thread *thread);

#endif
