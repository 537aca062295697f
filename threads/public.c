/*
 * threads/public.c: the public calls about threads: arguments are checked here, the work is done
 * elsewhere.
 *
 * A lull_thread * from outside may be of another thread, of another heap's past, or freed: it is
 * compared with the calling thread's attachments (lu_own) before anything is read through it.
 */
#include "threads/public.h"

#include <lull/thread.h>

#include "support/error.h"
#include "threads/blocked.h"
#include "threads/registry.h"

static lull_status not_own(const char *call) {
  return lu_reject(LULL_E_THREAD, "%s: not an attachment of the calling thread", call);
}

lull_status lull_attach(lull_heap *heap, lull_thread **result) {
  if (heap == NULL || result == NULL)
    return lu_reject(LULL_E_ARGUMENT, "lull_attach: %s is NULL",
                     heap == NULL ? "the heap" : "the result");
  struct lu_thread *thread;
  lull_status status = lu_join(lu_heap_registry(heap), &thread);
  *result = thread != NULL ? &thread->pub : NULL;
  switch (status) {
    case LULL_OK:
      return LULL_OK;
    case LULL_E_STATE:
      return lu_reject(status, "lull_attach: %s",
                       thread != NULL ? "the thread is attached to this heap already"
                                      : "the thread is inside a blocked region, or at its end");
    case LULL_E_SYSTEM:
      return lu_reject(status, "lull_attach: the process has no thread-specific key left");
    default:
      return lu_reject(status, "lull_attach: no memory for the thread's record");
  }
}

lull_status lull_detach(lull_thread *pointer) {
  if (pointer == NULL)
    return lu_reject(LULL_E_ARGUMENT, "lull_detach: the thread is NULL");
  struct lu_thread *thread = lu_own(pointer);
  if (thread == NULL)
    return not_own("lull_detach");
  bool inside = thread->os->depth != 0;
  lull_status status = lu_leave(thread);
  if (status != LULL_OK)
    return lu_reject(status, "lull_detach: %s",
                     inside ? "inside a blocked region" : "LULL_ROOTS frames are still pushed");
  return LULL_OK;
}

lull_thread *lull_self(lull_heap *heap) {
  struct lu_thread *thread = heap != NULL ? lu_self(lu_heap_registry(heap)) : NULL;
  return thread != NULL ? &thread->pub : NULL;
}

/* A poll is one in all heaps of the thread. */
static void poll_all(struct lu_thread *thread) {
  struct lu_os_thread *os = thread->os;
  lu_poll(thread);
  for (struct lu_thread *each = os->attachments; each != NULL; each = each->next_of_os) {
    const struct lu_registry *registry = each->registry;
    if (registry->hooks->polled != NULL)
      registry->hooks->polled(each, registry->owner);
  }
}

void lull_poll_slow(lull_thread *pointer) {
  struct lu_thread *thread = lu_own(pointer);
  if (thread == NULL)
    not_own("lull_poll");
  else if (thread->os->depth != 0)
    lu_reject(LULL_E_STATE, "lull_poll: inside a blocked region");
  else
    poll_all(thread);
}

lull_status lull_blocked_begin(lull_thread *pointer) {
  if (pointer == NULL)
    return lu_reject(LULL_E_ARGUMENT, "lull_blocked_begin: the thread is NULL");
  struct lu_thread *thread = lu_own(pointer);
  if (thread == NULL)
    return not_own("lull_blocked_begin");
  lu_blocked_begin(thread);
  return LULL_OK;
}

lull_status lull_blocked_end(lull_thread *pointer) {
  if (pointer == NULL)
    return lu_reject(LULL_E_ARGUMENT, "lull_blocked_end: the thread is NULL");
  struct lu_thread *thread = lu_own(pointer);
  if (thread == NULL)
    return not_own("lull_blocked_end");
  if (thread->os->depth == 0)
    return lu_reject(LULL_E_STATE, "lull_blocked_end: the thread is in no blocked region");
  lu_blocked_end(thread);
  return LULL_OK;
}
