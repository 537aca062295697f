/*
 * threads/blocked.c: blocked regions, waits inside the library, and the safepoint.
 *
 * A region is entered with no request open that the thread could have seen: it runs them first, so
 * that they do not have to wait for the collector's claim. A request that comes later is the
 * collector's to run. Only the outermost region changes the state; depth is the owner's alone.
 *
 * Nothing waits for a claim with a lock held: lu_os_lock gives the lock back and waits without it.
 * The world may be stopped for long, and who stopped it may need the lock.
 *
 * A stopped thread is BLOCKED in all its heaps, so handshakes of the others go on (run by their
 * collectors), and two heaps may stop it at once. It waits until every heap that it is attached to
 * has been resumed; a heap that asks while it waits for another is found by going round again.
 */
#include "threads/blocked.h"

#include "support/assert.h"
#include "threads/claim.h"
#include "threads/handshake.h"

static bool asked(const struct lu_os_thread *os) {
  return atomic_load_explicit(&os->poll_word, memory_order_relaxed) != 0;
}

/* The outermost entry. */
static void enter(struct lu_os_thread *os) {
  while (LULL_UNLIKELY(asked(os)))
    lu_requests_run(os);
  lu_os_block(os);
}

void lu_blocked_begin(struct lu_thread *thread) {
  struct lu_os_thread *os = thread->os;
  if (os->depth++ == 0)
    enter(os);
}

void lu_blocked_end(struct lu_thread *thread) {
  struct lu_os_thread *os = thread->os;
  LU_ASSERT(os->depth != 0);
  if (--os->depth != 0)
    return;
  lu_os_return(os);
  if (LULL_UNLIKELY(asked(os)))
    lu_poll(thread);
}

void lu_os_lock(struct lu_os_thread *os, struct lu_lock *lock) {
  if (lu_trylock(lock))
    return;
  if (os->depth != 0 || os->attachments == NULL) {
    lu_lock(lock);
    return;
  }
  enter(os);
  for (;;) {
    lu_lock(lock);
    if (lu_os_try_return(os))
      return;
    lu_unlock(lock);
    lu_os_await_unclaimed(os);
  }
}

void lu_lock_blocking(struct lu_thread *thread, struct lu_lock *lock) {
  if (thread != NULL)
    lu_os_lock(thread->os, lock);
  else
    lu_lock(lock);
}

bool lu_wait_blocking(struct lu_thread *thread, struct lu_event *event, uint32_t value,
                      uint64_t timeout_ns) {
  lu_blocked_begin(thread);
  bool changed = lu_event_wait(event, value, timeout_ns);
  lu_blocked_end(thread);
  return changed;
}

/* Outside blocked regions. Without an attachment nobody looks at the state. */
void lu_os_wait_resumed(struct lu_os_thread *os, struct lu_registry *registry) {
  LU_ASSERT(os->depth == 0);
  bool attached = os->attachments != NULL;
  if (attached)
    enter(os);
  lu_event_signal(&registry->progress);
  for (;;) {
    uint32_t seen = lu_event_value(&registry->resumed);
    if (atomic_load_explicit(&registry->stopping, memory_order_acquire) == 0)
      break;
    lu_event_wait(&registry->resumed, seen, LU_FOREVER);
  }
  if (attached)
    lu_os_return(os);
}

static struct lu_registry *stopping_registry(const struct lu_os_thread *os) {
  struct lu_thread *thread = os->attachments;
  while (thread != NULL &&
         atomic_load_explicit(&thread->registry->stopping, memory_order_acquire) == 0)
    thread = thread->next_of_os;
  return thread != NULL ? thread->registry : NULL;
}

void lu_poll(struct lu_thread *thread) {
  struct lu_os_thread *os = thread->os;
  LU_ASSERT(os->depth == 0);
  struct lu_registry *stopping;
  do {
    while (asked(os))
      lu_requests_run(os);
    if ((stopping = stopping_registry(os)) != NULL)
      lu_os_wait_resumed(os, stopping);
  } while (stopping != NULL || asked(os));
}
