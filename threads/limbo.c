/*
 * threads/limbo.c: freeing the records of threads that have left.
 *
 * Two kinds of readers may still look at such a record: the driver of the handshake in whose
 * snapshot it was, and walks of lu_registry_each under urcu-bp's read lock. The first end with the
 * handshake; `held` collects what they may see, and the driver moves it to `left` at its end. A
 * thread that joined after the arming is in no snapshot and goes to `left` at once, so that births
 * and deaths during a handshake that somebody holds up do not pile up.
 *
 * For the second, whoever takes a batch waits with synchronize_rcu and frees. call_rcu would need a
 * helper thread of urcu in every process that uses the library, which a fork would lose; a batch
 * costs one grace period of microseconds (longer only while a statistics reader is preempted in its
 * walk), shared by all its records. Normally the driver pays. A thread that leaves pays only when
 * LU_LEFT_MOST have gathered, which is when no cycle runs: it is not registered here any more, and
 * waits as a blocked region of its other heaps.
 *
 * All lists are under the registry lock; a batch that was taken belongs to the taker.
 */
#include "threads/limbo.h"

#include <urcu-bp.h>

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
  struct lu_thread *list = registry->left;
  registry->left = NULL;
  registry->left_count = 0;
  return list;
}

void lu_limbo_free(struct lu_thread *list) {
  if (list == NULL)
    return;
  urcu_bp_synchronize_rcu();
  /* The address only; pairs with the end of a walk in lu_registry_each. */
  LU_TSAN_ACQUIRE(&list->registry->hooks);
  while (list != NULL) {
    struct lu_thread *thread = list;
    list = thread->prev;
    lu_os_drop(thread->os);
    lu_free(thread);
  }
}
