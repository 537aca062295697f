/*
 * threads/handshake.c: the handshake: a request, a closure, an acknowledgement.
 *
 * The guarantees H.1 to H.5 stand in threads/handshake.h, those of claims, C.1 to C.3, in
 * threads/claim.h. The words:
 *
 *   registry->armed       the number of the last handshake. Written by the driver under the
 *                         registry lock.
 *   thread->request       the number of the last handshake asked of the thread. Written by the
 *                         driver (release) under the registry lock, or at joining; read by the
 *                         owner (acquire). Only grows.
 *   thread->acknowledged  the number of the last one done. Written by who ran the closure; only
 *                         grows, at most to request.
 *   os->poll_word         a hint that some request of some heap is open; see below.
 *
 * H.1, at least once: lu_handshake_try does not answer true before each thread of the snapshot has
 * acknowledged this number, and acknowledging follows the closure. It cannot be false for ever for
 * a thread that goes on: a request is found at the next poll (below), and a thread that is BLOCKED
 * instead is claimed, because each try looks at its state until it has acknowledged. A thread
 * leaves only with request = acknowledged, seen under the lock under which handshakes are armed.
 * H.1, at most once: the owner and the driver both look at acknowledged first. The owner does while
 * it is inside; the driver under a granted claim, so by C.1 not at the same time, and by C.2 each
 * sees the other's acknowledgement. The driver must look again after the claim, not before it: in
 * between the thread may have returned, acknowledged and blocked again. A thread that joins starts
 * with request = acknowledged = armed.
 * Between two tries nobody may be driving, and the next to try may be another thread. What holds
 * the handshake together then is in the registry and in the lu_drive, both left as they are: the
 * armed phase that joiners adopt (H.5), the closure for owners that poll, `driven`, by which limbo
 * keeps the records of the snapshot (L.1), and the list of those pending. Drivers take turns by a
 * lock that the caller holds, so the list and what a claim's closure wrote pass from one to the
 * next with it (H.3).
 * H.2 is C.1 for the driver, and the owner runs closures only in lu_requests_run, which only
 * safepoints call, RUNNING.
 *
 * No request is lost. The driver stores request, then sets poll_word; the owner takes poll_word by
 * exchange, then looks at the requests of all attachments. All writes to poll_word are
 * read-modify-writes, in one order. If the owner's exchange comes after the driver's fetch_or, it
 * reads from it or from a later one in the same release sequence, so it synchronises with the
 * driver and the request is seen. If it comes before, the bit is still set and the next poll takes
 * it. The relaxed load in lull_poll decides only when: coherence gives it the bit eventually, at
 * once on the machines we have.
 *
 * H.3: closure and closure_arg are written before request (release/acquire). Back, the
 * acknowledgement is a release that the driver acquires. It stands between two full fences. The one
 * before makes what the thread did before its closure (stores that passed the barrier of the old
 * phase) visible before it counts as done, also against the thread's own later loads; the one after
 * keeps loads of the new phase (of logs, marks, phases) from being done before the acknowledgement,
 * from when on the collector changes them. x86 would need only the second (a store may pass a later
 * load); ARM reorders all of these. Under ThreadSanitizer an exchange says the same in a way that
 * it understands. The fence after it also pairs with the driver's in lu_drive_wait: the thread sees
 * that the driver waits, or the driver sees the acknowledgement before it sleeps.
 *
 * H.4: the lock is not held across closures, waits for it are blocked regions, and nothing here
 * waits for an acknowledgement but the driver. Only a thread that returns while it is claimed
 * waits, for closures of at most LU_CLAIM_BATCH threads (claim_wait).
 */
#include "threads/handshake.h"

#include "support/assert.h"
#include "support/clock.h"
#include "support/tool.h"
#include "threads/blocked.h"
#include "threads/driver.h"
#include "threads/stop.h"

static void acknowledge(struct lu_thread *thread, uint64_t sequence) {
#if LU_TSAN
  atomic_exchange_explicit(&thread->acknowledged, sequence, memory_order_seq_cst);
#else
  lu_fence();
  atomic_store_explicit(&thread->acknowledged, sequence, memory_order_release);
  lu_fence();
#endif
}

/* The owner's turn. `caused` counts what the thread itself spends. */
static void run_request(struct lu_thread *thread, uint64_t sequence) {
  struct lu_registry *registry = thread->registry;
  const struct lu_handshake_figures *figures = registry->figures;
  uint64_t start = lu_thread_cpu_ns();
  registry->closure(thread, registry->closure_arg);
  uint64_t spent = lu_thread_cpu_ns() - start;
  lu_histogram_add(figures->closure, spent);
  lu_histogram_add(figures->caused, spent);
  lu_histogram_add(figures->time_to, lu_now_ns() - registry->armed_ns);
  acknowledge(thread, sequence);
  if (atomic_load_explicit(&registry->waiting_since, memory_order_relaxed) != 0)
    lu_event_signal(&registry->progress);
}

void lu_requests_run(struct lu_os_thread *os) {
  LU_ASSERT(atomic_load_explicit(&os->state, memory_order_relaxed) == LU_RUNNING);
  atomic_exchange_explicit(&os->poll_word, 0, memory_order_acquire);
  for (struct lu_thread *thread = os->attachments; thread != NULL; thread = thread->next_of_os) {
    uint64_t request = atomic_load_explicit(&thread->request, memory_order_acquire);
    if (request != atomic_load_explicit(&thread->acknowledged, memory_order_relaxed))
      run_request(thread, request);
  }
}

static bool acknowledged(const struct lu_drive *drive, const struct lu_thread *thread) {
  return atomic_load_explicit(&thread->acknowledged, memory_order_acquire) == drive->sequence;
}

/* The driver's turn, under a claim. Its CPU clock runs on from thread to thread, to be read once
 * for each. */
static bool run_for_blocked(struct lu_drive *drive, struct lu_thread *thread) {
  struct lu_registry *registry = drive->registry;
  const struct lu_handshake_figures *figures = registry->figures;
  registry->closure(thread, registry->closure_arg);
  uint64_t now = lu_thread_cpu_ns();
  lu_histogram_add(figures->closure, now - drive->cpu_ns);
  lu_histogram_add(figures->time_to, lu_now_ns() - drive->start_ns);
  atomic_fetch_add_explicit(figures->claimed, 1, memory_order_relaxed);
  drive->cpu_ns = now;
  acknowledge(thread, drive->sequence);
  return false;
}

/* Target, snapshot and requests: one critical section. */
static void arm_requests(struct lu_drive *drive, void (*arm)(void *owner), lu_closure *closure,
                         void *arg) {
  struct lu_registry *registry = drive->registry;
  lu_lock(&registry->lock);
  lu_drive_begin(drive);
  registry->closure = closure;
  registry->closure_arg = arg;
  registry->armed_ns = drive->start_ns;
  if (arm != NULL)
    arm(registry->owner);
  drive->sequence = atomic_load_explicit(&registry->armed, memory_order_relaxed) + 1;
  atomic_store_explicit(&registry->armed, drive->sequence, memory_order_relaxed);
  for (struct lu_thread *thread = drive->pending; thread != NULL; thread = thread->pending) {
    atomic_store_explicit(&thread->request, drive->sequence, memory_order_release);
    lu_drive_poke(thread);
  }
  lu_unlock(&registry->lock);
}

void lu_handshake_begin(struct lu_drive *drive, struct lu_registry *registry, const char *name,
                        void (*arm)(void *owner), lu_closure *closure, void *arg) {
  *drive = (struct lu_drive){
      .registry = registry, .name = name, .done = acknowledged, .act = run_for_blocked};
  arm_requests(drive, arm, closure, arg);
  atomic_fetch_add_explicit(registry->figures->handshakes, 1, memory_order_relaxed);
}

bool lu_handshake_try(struct lu_drive *drive, uint64_t deadline_ns) {
  drive->deadline_ns = deadline_ns;
  bool goes_on = true;
  while (drive->pending != NULL && goes_on)
    goes_on = lu_drive_pass(drive) && !lu_drive_late(drive);
  if (drive->pending != NULL) {
    lu_drive_watch(drive);
    return false;
  }
  lu_drive_end(drive);
  return true;
}

void lu_handshake_wait(struct lu_drive *drive) { lu_drive_wait(drive); }

void lu_handshake(struct lu_registry *registry, const char *name, void (*arm)(void *owner),
                  lu_closure *closure, void *arg) {
  struct lu_drive drive;
  lu_handshake_begin(&drive, registry, name, arm, closure, arg);
  while (!lu_handshake_try(&drive, 0))
    lu_handshake_wait(&drive);
}

/*
 * Every thread is claimed, so H.2 holds, and by C.2 with it H.3. Nobody joins or leaves: the
 * registered threads are the snapshot, and who joins later takes the registry lock after it was
 * given back by the resumption, so sees what is armed.
 */
void lu_handshake_stopped(struct lu_registry *registry, void (*arm)(void *owner),
                          lu_closure *closure, void *arg) {
  LU_ASSERT(atomic_load_explicit(&registry->stopping, memory_order_relaxed) != 0);
  if (arm != NULL)
    arm(registry->owner);
  lu_stopped_each(registry, closure, arg);
}

uint64_t lu_handshake_waiting_ns(const struct lu_registry *registry) {
  uint64_t since = atomic_load_explicit(&registry->waiting_since, memory_order_relaxed);
  return since != 0 ? lu_now_ns() - since : 0;
}
