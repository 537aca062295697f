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
 * What a heap does when a thread joins, leaves, or has polled. `owner` is lu_registry.owner. None
 * but polled may wait.
 *
 * create: no lock held; the record is zeroed; prepares the heap's part; may fail.
 * joined: registry lock held; adopts the armed phase. The thread is RUNNING and registered when it
 *   returns.
 * ended (may be NULL): forced detach only, by the thread at its end, RUNNING, no lock held, before
 *   anything else: its frames, ranges and callbacks point to what is gone and are to be forgotten
 *   unread. pub.frames is NULL already.
 * leaving: registry lock held, by the thread itself (or at its forced end), all requests
 *   acknowledged; flushes and hands on. After it the thread runs no closure any more.
 * polled (may be NULL): the thread has run what was asked of it at a poll, for each of its heaps;
 *   RUNNING, outside blocked regions, no lock held. May wait as a blocked region; attaches and
 *   detaches nothing.
 * destroy: no lock held; undoes create. The record itself is freed later by the registry.
 */
struct lu_registry_hooks {
  size_t record_bytes;
  lull_status (*create)(struct lu_thread *thread, void *owner);
  void (*joined)(struct lu_thread *thread, void *owner);
  void (*ended)(struct lu_thread *thread, void *owner);
  void (*leaving)(struct lu_thread *thread, void *owner);
  void (*polled)(struct lu_thread *thread, void *owner);
  void (*destroy)(struct lu_thread *thread, void *owner);
};

/* What a handshake asks of a thread. */
typedef void lu_closure(struct lu_thread *thread, void *arg);

struct lu_handshake_figures;  /* threads/handshake.h */

struct lu_registry {
  struct lu_lock lock;                 /* list, armed, limbo; never held across closures or waits */
  /* The registered threads. Written under the lock; first is also read by walks (acquire). */
  _Atomic(struct lu_thread *) first;
  struct lu_thread *last;
  /* Registered threads and those whose leaving is not over; under the lock. The last step of
   * leaving lowers it and touches the registry no more, so at 0 the registry may be finished. */
  size_t count;
  _Atomic uint64_t attached_ever;      /* written under the lock; read by statistics */
  _Atomic uint64_t armed;              /* number of the last handshake; written under the lock */
  struct lu_event progress;            /* an acknowledgement arrived; the driver waits for it */
  /* A handshake or a stop is between its arming and its end; under the lock. */
  bool driven;
  /* The running handshake: written by the driver before it makes requests, constant until the last
   * acknowledgement, read by who has seen a request of it (acquire). */
  lu_closure *closure;
  void *closure_arg;
  uint64_t armed_ns;
  /* Records of threads that left (threads/limbo.h), linked by prev; under the lock. held: the
   * running handshake may still look at them. */
  struct lu_thread *held, *left;
  /* Walks by lu_registry_each under way. Raised and lowered by readers; read by who takes records
   * out of limbo (threads/limbo.c). */
  _Atomic uint32_t walkers;
  size_t held_count, left_count;
  /* Stop the world (threads/stop.h): not 0 while a stop is asked for. */
  _Atomic uint32_t stopping;
  struct lu_event resumed;
  /* When the current handshake or stop began to wait for a RUNNING thread (lu_now_ns), 0 = not
   * waiting. Written by the driver; read by stalled allocators (relaxed: a hint with a timeout of
   * seconds) and by threads that acknowledge, which signal progress when it is not 0 (after a full
   * fence; pairs with the driver's before it looks at acknowledgements a last time and waits). */
  _Atomic uint64_t waiting_since;
  struct lu_registry *next_registry;   /* process-wide list, for thread exit and fork */
  const struct lu_registry_hooks *hooks;
  void *owner;
  const struct lu_handshake_figures *figures;
  uint64_t watchdog_ns;                /* 0 = off */
  bool membarrier;                     /* else sequentially consistent state words */
};

/* Prepares a registry. `membarrier`: use it if the kernel has it (registration failure falls
 * back). */
lull_status lu_registry_init(struct lu_registry *registry, const struct lu_registry_hooks *hooks,
                             void *owner, const struct lu_handshake_figures *figures,
                             uint64_t watchdog_ns, bool membarrier);

/* Registered threads, and those whose leaving is not over. Any thread; takes the lock for a
 * moment. */
size_t lu_registry_count(struct lu_registry *registry);

/* LULL_E_BUSY with threads registered. */
lull_status lu_registry_fini(struct lu_registry *registry);

/*
 * lull_attach, lull_detach, lull_self for this registry; the public calls are thin wrappers in
 * threads/public.c.
 * lu_join: LULL_E_STATE when attached already (*thread is the attachment), in a blocked region, or
 * at the end of the thread after its forced detach; LULL_E_MEMORY, LULL_E_SYSTEM; what hooks.create
 * returns. *thread is NULL then.
 * lu_leave: by the owner; LULL_E_STATE in a blocked region or with frames.
 */
lull_status lu_join(struct lu_registry *registry, struct lu_thread **thread);
lull_status lu_leave(struct lu_thread *thread);
struct lu_thread *lu_self(struct lu_registry *registry);

/*
 * Forgets the calling thread's frames in all its heaps and leaves its blocked regions; for the end
 * of the thread only.
 */
void lu_forget_frames(struct lu_os_thread *os);

/* Detaches the calling thread from all its heaps, whatever it was doing; for the end of the
 * thread only. */
void lu_leave_by_force(struct lu_os_thread *os);

/* The calling OS thread's attachment that this pointer is, or NULL if it is none of them: the cheap
 * check behind LULL_E_THREAD. It does not dereference `thread`. */
struct lu_thread *lu_own(const lull_thread *thread);

/* Calls fn for each heap's registry of the process, under the list's lock; for fork and tests.
 * fn makes and ends no registry. */
void lu_registries_each(void (*fn)(struct lu_registry *, void *), void *arg);

/*
 * Calls fn for each registered thread, without a lock; for readers that are not mutators. Counters
 * seen may be a moment old. fn does not wait.
 */
void lu_registry_each(struct lu_registry *registry, void (*fn)(struct lu_thread *, void *),
                      void *arg);

#endif
