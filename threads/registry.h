/*
 * threads/registry.h: which threads a heap has: joining, leaving, walking.
 */
#ifndef LU_THREADS_REGISTRY_H
#define LU_THREADS_REGISTRY_H

#include <lull/base.h>
#include "support/event.h"
#include "support/lock.h"
#include "threads/thread.h"

/*
 * What a heap does when a thread joins and leaves. `owner` is lu_registry.owner. None may wait.
 * create: no lock held; the record is zeroed; prepares the heap's part; may fail.
 * joined: registry lock held; adopts the armed phase. The thread is RUNNING and registered when it returns.
 * leaving: registry lock held, by the thread itself (or at its forced end), all requests acknowledged; flushes and hands on. After
 *   it the thread runs no closure any more.
 * destroy: no lock held; undoes create. The record itself is freed later by the registry.
 */
struct lu_registry_hooks {
  size_t record_bytes;
  lull_status (*create)(struct lu_thread *thread, void *owner);
  void (*joined)(struct lu_thread *thread, void *owner);
  void (*leaving)(struct lu_thread *thread, void *owner);
  void (*destroy)(struct lu_thread *thread, void *owner);
};

struct lu_handshake_figures;  /* threads/handshake.h */

struct lu_registry {
  struct lu_lock lock;                 /* list, armed sequence; never held across closures or waits */
  struct lu_thread *first;
  size_t count;
  _Atomic uint64_t attached_ever;      /* written under the lock; read by statistics */
  _Atomic uint64_t armed;              /* sequence number of the last handshake; written under the lock */
  struct lu_event progress;            /* an acknowledgement arrived; the handshake driver waits for it */
  /* Stop the world (threads/stop.h): not 0 while a stop is asked for. */
  _Atomic uint32_t stopping;
  struct lu_event resumed;
  /* When the current handshake began to wait for a RUNNING thread (lu_now_ns), 0 = not waiting. Written by
   * the driver; read by stalled allocators (relaxed: a hint with a timeout of seconds). */
  _Atomic uint64_t waiting_since;
  struct lu_registry *next_registry;   /* process-wide list, for thread exit and fork */
  const struct lu_registry_hooks *hooks;
  void *owner;
  const struct lu_handshake_figures *figures;
  uint64_t watchdog_ns;
  bool membarrier;                     /* else sequentially consistent state words */
};

/* Prepares a registry. `membarrier`: use it if the kernel has it (registration failure falls back). */
lull_status lu_registry_init(struct lu_registry *registry, const struct lu_registry_hooks *hooks, void *owner,
                             const struct lu_handshake_figures *figures, uint64_t watchdog_ns, bool membarrier);

/* LULL_E_BUSY with threads registered. */
lull_status lu_registry_fini(struct lu_registry *registry);

/* lull_attach, lull_detach, lull_self for this registry; the public calls are thin wrappers in threads/public.c. */
lull_status lu_join(struct lu_registry *registry, struct lu_thread **thread);
lull_status lu_leave(struct lu_thread *thread, bool forced);
struct lu_thread *lu_self(struct lu_registry *registry);

/* The calling OS thread's attachment that this pointer is, or NULL if it is none of them: the cheap check behind
 * LULL_E_THREAD. It does not dereference `thread`. */
struct lu_thread *lu_own(const lull_thread *thread);

/* Calls fn for each registered thread, under urcu-bp's read lock; for readers that are not mutators. Counters seen may be a moment old. */
void lu_registry_each(struct lu_registry *registry, void (*fn)(struct lu_thread *, void *), void *arg);

#endif
