/*
 * threads/limbo.c: freeing the records of threads that have left.
 *
 * Two kinds of readers may still look at such a record: the driver of the handshake in whose
 * snapshot it was, and walks of lu_registry_each. The first end with the
 * handshake; `held` collects what they may see, and the driver moves it to `left` at its end. A
 * thread that joined after the arming is in no snapshot and goes to `left` at once, so that births
 * and deaths during a handshake that somebody holds up do not pile up.
 *
 * For the second, records are taken out of limbo only while no walk is under way
 * (registry->walkers). A record was unlinked before; the full fences on both sides say that a walk
 * which raised `walkers` too late for the taker to see it reads the list too late to find the
 * record. If a walk is under way the records wait for the next occasion: nobody ever waits here.
 * A grace period of liburcu would do the same with a wait, and that wait is for every reader of the
 * process: a host that allocates inside its own urcu-bp section would wait for a cycle that waits
 * for that very section.
 *
 * Normally the driver frees, at the end of a handshake; a thread that leaves does when LU_LEFT_MOST
 * have gathered, which is when no cycle runs.
 *
 * All lists are under the registry lock; a batch that was taken belongs to the taker.
 */
#include "threads/limbo.h"

#include "support/memory.h"
#include "support/tool.h"
#include "threads/os_thread.h"

void lu_limbo_put(struct lu_registry *registry, struct lu_thread *thread, bool held) {
  struct lu_thread **list = held ? &registry->held : &registry->left;
  thread->prev = *list;
  *list = thread;
  ++*(held ? &registry->held_count : &registry->left_count);
}

void lu_limbo_settle(struct lu_registry *registry) {
  while (registry->held != NULL) {
    struct lu_thread *thread = registry->held;
    registry->held = thread->prev;
    lu_limbo_put(registry, thread, false);
  }
  registry->held_count = 0;
}

struct lu_thread *lu_limbo_take(struct lu_registry *registry, size_t least) {
  if (registry->left_count < least)
    return NULL;
  lu_fence();
  if (atomic_load_explicit(&registry->walkers, memory_order_acquire) != 0)
    return NULL;
  struct lu_thread *list = registry->left;
  registry->left = NULL;
  registry->left_count = 0;
  return list;
}

void lu_limbo_free(struct lu_thread *list) {
  while (list != NULL) {
    struct lu_thread *thread = list;
    list = thread->prev;
    lu_os_drop(thread->os);
    lu_free(thread);
  }
}
