/*
 * threads/stop.c: stopping the world: the driver claims every thread and keeps the claims.
 *
 * `stopping` is set with the snapshot taken, under the registry lock, and then every thread is made
 * to poll. A thread that polls finds it (the poll word orders it as it orders requests,
 * threads/handshake.c) and becomes BLOCKED; the driver claims it there, or wherever it was BLOCKED
 * already. From then on it cannot come back (C.1) until the claim is dropped. A thread that joins
 * or leaves looks at `stopping` under the lock, so the registered threads stay the snapshot until
 * the end.
 *
 * The claims are the only ones that the library holds while it does long work. A thread that meets
 * one waits BLOCKED and without locks, so handshakes and stops of other heaps are not held up, also
 * where two heaps stop threads attached to both.
 */
#include "threads/stop.h"

#include "support/assert.h"
#include "support/clock.h"
#include "threads/claim.h"
#include "threads/driver.h"

static bool is_stopped(const struct lu_drive *drive, const struct lu_thread *thread) {
  (void)drive;
  return thread->stopped;
}

static bool keep_claim(struct lu_drive *drive, struct lu_thread *thread) {
  (void)drive;
  thread->stopped = true;
  return true;
}

static void ask(struct lu_drive *drive) {
  struct lu_registry *registry = drive->registry;
  lu_lock(&registry->lock);
  lu_drive_begin(drive);
  drive->sequence = atomic_load_explicit(&registry->armed, memory_order_relaxed);
  atomic_store_explicit(&registry->stopping, 1, memory_order_release);
  for (struct lu_thread *thread = drive->pending; thread != NULL; thread = thread->pending)
    lu_drive_poke(thread);
  lu_unlock(&registry->lock);
}

bool lu_stop_the_world(struct lu_registry *registry, uint64_t timeout_ns) {
  struct lu_drive drive = {
      .registry = registry, .name = "Stop", .done = is_stopped, .act = keep_claim};
  ask(&drive);
  while (drive.pending != NULL) {
    if (lu_drive_pass(&drive))
      continue;
    if (lu_now_ns() - drive.start_ns >= timeout_ns) {
      lu_resume_the_world(registry);
      return false;
    }
    lu_drive_wait(&drive);
  }
  atomic_store_explicit(&registry->waiting_since, 0, memory_order_relaxed);
  return true;
}

static void let_go(struct lu_thread *thread, void *arg) {
  (void)arg;
  if (thread->stopped) {
    thread->stopped = false;
    lu_unclaim(thread->os);
  }
}

/* The claims are dropped before a thread can leave, which the lock keeps it from. */
void lu_resume_the_world(struct lu_registry *registry) {
  struct lu_drive drive = {.registry = registry};
  lu_lock(&registry->lock);
  LU_CHECK(atomic_load_explicit(&registry->stopping, memory_order_relaxed) != 0,
           "the world is not stopped");
  atomic_store_explicit(&registry->stopping, 0, memory_order_release);
  lu_stopped_each(registry, let_go, NULL);
  lu_unlock(&registry->lock);
  lu_event_signal(&registry->resumed);
  lu_drive_end(&drive);
}

void lu_stopped_each(struct lu_registry *registry, void (*fn)(struct lu_thread *, void *),
                     void *arg) {
  struct lu_thread *thread = atomic_load_explicit(&registry->first, memory_order_relaxed);
  while (thread != NULL) {
    struct lu_thread *next = atomic_load_explicit(&thread->next, memory_order_relaxed);
    fn(thread, arg);
    thread = next;
  }
}
