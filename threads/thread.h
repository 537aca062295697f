/*
 * threads/thread.h: the record of one attachment, and of the OS thread behind it.
 *
 * An OS thread attached to several heaps has one lu_os_thread and one lu_thread for each heap.
 * State, claims and the poll word belong to the OS thread, because a poll polls all heaps and a
 * wait is a blocked region in all of them. A heap embeds struct lu_thread as the first member of
 * its own larger record (lu_registry_hooks.record_bytes).
 *
 * Who may touch what: the owner, anything, while RUNNING; a collector, the same, between lu_claim
 * (granted) and lu_unclaim, or inside a handshake closure that it runs for a BLOCKED thread.
 *
 * Records outlive their threads: a collector may still store to the claims of a thread that has
 * left. A lu_thread is freed between handshakes (threads/limbo.h) and keeps its lu_os_thread alive
 * until then.
 */
#ifndef LU_THREADS_THREAD_H
#define LU_THREADS_THREAD_H

#include <stdatomic.h>
#include <sys/types.h>
#include <lull/thread.h>
#include "support/event.h"

struct lu_registry;

enum { LU_RUNNING = 1, LU_BLOCKED = 2 };

struct lu_os_thread {
  /* Not 0: some heap asked for something. Set by collectors (fetch_or, release) after their
   * request, and by the owner for a look of its own (lu_drive_poke); cleared by the owner
   * (exchange, acquire) before it looks at requests. Read by lull_poll (relaxed: a later poll sees
   * it). Every write is a read-modify-write, so one exchange
   * synchronises with all collectors before it. */
  _Atomic uint32_t poll_word;
  /* LU_RUNNING or LU_BLOCKED. Written by the owner only. Pairs with claims: design section 5,
   * claim.pml. */
  _Atomic uint32_t state;
  /* How many collectors act for this thread now. Written by collectors (fetch_add/sub); read by
   * the owner when it returns. */
  _Atomic uint32_t claims;
  /* The owner's hold and one for each lu_thread not freed yet. Raised by the owner; dropped by
   * whoever frees a record (acq_rel); the last drop frees. */
  _Atomic uint32_t holds;
  struct lu_event unclaimed;          /* claims is 0; the returning owner waits for it */
  uint32_t depth;                     /* nesting of blocked regions; the owner's */
  /* Attachments to heaps without membarrier; the owner's. Not 0: seq_cst state and claims. */
  uint32_t fenced;
  bool ending;                        /* the key destructor has run once; the owner's */
  struct lu_thread *attachments;      /* the owner's list, through next_of_os */
  pid_t tid;
  char name[16];                      /* as of the attachment, for the watchdog */
};

struct lu_thread {
  struct lull_thread pub;             /* first: a lull_thread * is a lu_thread * */
  struct lu_os_thread *os;
  struct lu_registry *registry;
  struct lu_thread *next_of_os;
  /* Registry list, in order of attachment. Both written under the registry lock; next is also read
   * by RCU readers (acquire, pairs with the release that links a record) and stays as it was in a
   * record that has left; prev then links the limbo lists. */
  struct lu_thread *prev;
  _Atomic(struct lu_thread *) next;
  struct lu_thread *pending;          /* the driver's list of threads to serve; the driver's */
  bool stopped;                       /* claimed until the world is resumed; the driver's */
  uint64_t joined_at;                 /* the last handshake armed before it joined; immutable */
  uint64_t id;                        /* counts attachments of the heap */
  /* The last handshake asked of this thread: written by the collector, or at attach under the
   * registry lock. */
  _Atomic uint64_t request;
  /* The last one done: written, after its closure, by who ran it (owner, or collector under a
   * claim), with a full fence. */
  _Atomic uint64_t acknowledged;
};

#endif
