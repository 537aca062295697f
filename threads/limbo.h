/*
 * threads/limbo.h: records of threads that have left, until nobody can look at them.
 *
 *   L.1  A record is freed only after the handshake in whose snapshot it was has ended, and after
 *        every walk by lu_registry_each that could have seen it.
 *   L.2  Beyond the records that a running handshake holds, at most LU_LEFT_MOST wait for each
 *        registry, and those left while walks were under way, whether cycles run or not; a
 *        handshake holds at most the threads of its snapshot.
 */
#ifndef LU_THREADS_LIMBO_H
#define LU_THREADS_LIMBO_H

#include "threads/registry.h"

/* A driver frees from the first number on, at the end of a handshake; a thread that leaves only at
 * the second, which cycles keep it from reaching. */
enum { LU_LEFT_SOME = 16, LU_LEFT_MOST = 128 };

/* With the registry lock. Puts in a record that has left; held: the running handshake may look
 * at it. */
void lu_limbo_put(struct lu_registry *registry, struct lu_thread *thread, bool held);
/* With the registry lock, by the driver: its handshake has ended, what was held is left. */
void lu_limbo_settle(struct lu_registry *registry);
/* With the registry lock: takes all that are left if there are at least that many and no walk is
 * under way, else returns NULL. */
struct lu_thread *lu_limbo_take(struct lu_registry *registry, size_t least);

/* Frees a list from lu_limbo_take; NULL is an empty list. Does not touch the registry. */
void lu_limbo_free(struct lu_thread *list);

#endif
