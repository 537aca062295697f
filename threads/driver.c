/*
 * threads/driver.c: serving the threads of a handshake or a stop until none is pending.
 *
 * The snapshot is the driver's list through lu_thread.pending, made under the registry lock. Its
 * records stay while the registry is driven (threads/limbo.c), so the driver walks it without the
 * lock, also past threads that have left; those are done.
 *
 * The driver looks again and again at both ways in which a thread is served, because either may be
 * the one that comes: the thread acknowledges by itself, or it is BLOCKED, perhaps for good,
 * without having seen the request. It looks at done again after a successful claim: the thread may
 * have acknowledged, left, and be BLOCKED for another reason by then.
 *
 * No claim is held while the driver waits or takes a lock, except those that a stop keeps on
 * purpose.
 */
#include "threads/driver.h"

#include "observe/log.h"
#include "support/assert.h"
#include "support/clock.h"
#include "support/tool.h"
#include "threads/claim.h"
#include "threads/handshake.h"
#include "threads/limbo.h"

enum { SPINS = 32 };
#define SHORTEST_PAUSE (50 * LU_MICROSECOND)
#define LONGEST_PAUSE LU_MILLISECOND

void lu_drive_begin(struct lu_drive *drive) {
  struct lu_registry *registry = drive->registry;
  LU_CHECK(!registry->driven, "two handshakes or stops of one heap at a time");
  registry->driven = true;
  drive->start_ns = lu_now_ns();
  drive->pause_ns = SHORTEST_PAUSE;
  struct lu_thread **link = &drive->pending;
  struct lu_thread *thread = atomic_load_explicit(&registry->first, memory_order_relaxed);
  for (; thread != NULL; thread = atomic_load_explicit(&thread->next, memory_order_relaxed)) {
    *link = thread;
    link = &thread->pending;
  }
  *link = NULL;
}

/* Release, and a read-modify-write: the owner's exchange that takes this bit, or one that a later
 * collector has set over it, sees the request. If the exchange came first, the bit stays for the
 * next poll. */
void lu_drive_poke(const struct lu_thread *thread) {
  atomic_fetch_or_explicit(&thread->os->poll_word, 1, memory_order_release);
}

/* Threads that are not BLOCKED after all are let go before the first act, so that they do not
 * wait for it. */
static bool serve_batch(struct lu_drive *drive, struct lu_thread **batch, unsigned n) {
  unsigned granted = 0;
  bool served = false;
  for (unsigned i = 0; i < n; i++)
    lu_claim(batch[i]->os);
  lu_claim_barrier(drive->registry->membarrier);
  for (unsigned i = 0; i < n; i++) {
    if (lu_claim_granted(batch[i]->os))
      batch[granted++] = batch[i];
    else
      lu_unclaim(batch[i]->os);
  }
  drive->cpu_ns = granted != 0 ? lu_thread_cpu_ns() : 0;
  for (unsigned i = 0; i < granted; i++) {
    bool keep = false;
    if (!drive->done(drive, batch[i])) {
      keep = drive->act(drive, batch[i]);
      served = true;
    }
    if (!keep)
      lu_unclaim(batch[i]->os);
  }
  return served;
}

bool lu_drive_late(const struct lu_drive *drive) {
  return drive->deadline_ns != 0 && lu_now_ns() >= drive->deadline_ns;
}

bool lu_drive_pass(struct lu_drive *drive) {
  struct lu_thread *batch[LU_CLAIM_BATCH];
  unsigned most = drive->registry->membarrier ? LU_CLAIM_BATCH : 1;
  unsigned n = 0;
  bool progress = false;
  struct lu_thread **link = &drive->pending;
  while (*link != NULL) {
    struct lu_thread *thread = *link;
    if (drive->done(drive, thread)) {
      *link = thread->pending;
      progress = true;
      continue;
    }
    link = &thread->pending;
    if (atomic_load_explicit(&thread->os->state, memory_order_relaxed) == LU_BLOCKED)
      batch[n++] = thread;
    if (n == most) {
      progress |= serve_batch(drive, batch, n);
      n = 0;
      if (lu_drive_late(drive))
        return progress;
    }
  }
  return (n != 0 && serve_batch(drive, batch, n)) || progress;
}

static bool any_done(const struct lu_drive *drive) {
  const struct lu_thread *thread = drive->pending;
  while (thread != NULL && !drive->done(drive, thread))
    thread = thread->pending;
  return thread != NULL;
}

/* One line, about the first thread that is pending. */
static void name_the_slow(struct lu_drive *drive, uint64_t waited_ns) {
  const struct lu_thread *slow = drive->pending;
  unsigned others = 0;
  for (const struct lu_thread *thread = slow->pending; thread != NULL; thread = thread->pending)
    others++;
  drive->named = true;
  atomic_fetch_add_explicit(drive->registry->figures->slow_polls, 1, memory_order_relaxed);
  LU_LOG(lu_log_levels(), LU_TAG_HANDSHAKE, LU_LOG_WARNING,
         "Thread \"%s\" (tid %d) has not polled for %.0f ms; %s(%llu) waits for it and %u others",
         slow->os->name, (int)slow->os->tid, (double)waited_ns / 1e6, drive->name,
         (unsigned long long)drive->sequence, others);
}

void lu_drive_watch(struct lu_drive *drive) {
  uint64_t limit = drive->registry->watchdog_ns, waited = lu_now_ns() - drive->start_ns;
  if (limit != 0 && !drive->named && waited >= limit)
    name_the_slow(drive, waited);
}

static bool spin(const struct lu_drive *drive) {
  for (unsigned i = 0; i < SPINS; i++) {
    if (any_done(drive))
      return true;
    lu_cpu_relax();
  }
  return false;
}

void lu_drive_wait(struct lu_drive *drive) {
  struct lu_registry *registry = drive->registry;
  if (!drive->spun) {
    drive->spun = true;
    if (spin(drive))
      return;
  }
  if (atomic_load_explicit(&registry->waiting_since, memory_order_relaxed) == 0)
    atomic_store_explicit(&registry->waiting_since, lu_now_ns(), memory_order_relaxed);
  lu_drive_watch(drive);

  /* Again: entering a blocked region takes the poll word and serves requests, but not a stop; a
   * thread that is back before the driver looked would never be asked. */
  for (const struct lu_thread *thread = drive->pending; thread != NULL; thread = thread->pending)
    lu_drive_poke(thread);
  uint32_t seen = lu_event_value(&registry->progress);
  lu_fence();  /* orders waiting_since before done; pairs with the one after an acknowledgement */
  if (any_done(drive))
    return;
  lu_event_wait(&registry->progress, seen, drive->pause_ns);
  if (drive->pause_ns < LONGEST_PAUSE)
    drive->pause_ns *= 2;
}

void lu_drive_end(struct lu_drive *drive) {
  struct lu_registry *registry = drive->registry;
  atomic_store_explicit(&registry->waiting_since, 0, memory_order_relaxed);
  lu_lock(&registry->lock);
  LU_ASSERT(registry->driven);
  registry->driven = false;
  lu_limbo_settle(registry);
  struct lu_thread *records = lu_limbo_take(registry, LU_LEFT_SOME);
  lu_unlock(&registry->lock);
  lu_limbo_free(records);
}
