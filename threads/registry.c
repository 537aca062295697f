/*
 * threads/registry.c: joining, leaving and walking.
 *
 * The registry lock guards the list, the count, the armed sequence number and the limbo lists.
 * Arming (threads/handshake.c), adoption by a joining thread and the last acknowledgement of a
 * leaving one are each one critical section, so a thread is in the snapshot of a handshake or
 * adopts what it armed, never both or neither (H.1, H.5). Joining and leaving are O(1) beside the
 * attachments of the calling thread.
 *
 * A thread waits for the lock as a blocked region and never waits for anything while it holds it:
 * lu_os_lock gives the lock back when it cannot return from the region at once. Order of locks: the
 * registry lock is a leaf but for what the hooks joined and leaving take.
 *
 * The list is read without the lock by lu_registry_each: a record is complete before the release
 * store that links it, and is freed only while no walk is under way that began before it was
 * unlinked (threads/limbo.c).
 */
#include "threads/registry.h"

#include "support/assert.h"
#include "support/memory.h"
#include "support/tool.h"
#include "threads/blocked.h"
#include "threads/claim.h"
#include "threads/handshake.h"
#include "threads/limbo.h"
#include "threads/os_thread.h"
#include "threads/stop.h"

/* Every registry of the process, through next_registry; under list_lock. */
static struct lu_lock list_lock = LU_LOCK_INITIALIZER;
static struct lu_registry *registries;

lull_status lu_registry_init(struct lu_registry *registry, const struct lu_registry_hooks *hooks,
                             void *owner, const struct lu_handshake_figures *figures,
                             uint64_t watchdog_ns, bool membarrier) {
  LU_ASSERT(hooks->record_bytes >= sizeof(struct lu_thread));
  *registry = (struct lu_registry){
      .hooks = hooks,
      .owner = owner,
      .figures = figures,
      .watchdog_ns = watchdog_ns,
      .membarrier = membarrier && lu_membarrier_ready(),
  };
  lu_lock_init(&registry->lock);
  lu_event_init(&registry->progress);
  lu_event_init(&registry->resumed);

  lu_lock(&list_lock);
  registry->next_registry = registries;
  registries = registry;
  lu_unlock(&list_lock);
  return LULL_OK;
}

size_t lu_registry_count(struct lu_registry *registry) {
  lu_lock(&registry->lock);
  size_t count = registry->count;
  lu_unlock(&registry->lock);
  return count;
}

lull_status lu_registry_fini(struct lu_registry *registry) {
  lu_lock(&registry->lock);
  size_t count = registry->count;
  struct lu_thread *records = count == 0 ? lu_limbo_take(registry, 1) : NULL;
  LU_CHECK(count != 0 || (!registry->driven && registry->held == NULL),
           "a registry ends during a handshake");
  lu_unlock(&registry->lock);
  if (count != 0)
    return LULL_E_BUSY;

  lu_limbo_free(records);
  lu_lock(&list_lock);
  struct lu_registry **link = &registries;
  while (*link != registry)
    link = &(*link)->next_registry;
  *link = registry->next_registry;
  lu_unlock(&list_lock);
  lu_lock_destroy(&registry->lock);
  return LULL_OK;
}

void lu_registries_each(void (*fn)(struct lu_registry *, void *), void *arg) {
  lu_lock(&list_lock);
  struct lu_registry *registry = registries;
  for (; registry != NULL; registry = registry->next_registry)
    fn(registry, arg);
  lu_unlock(&list_lock);
}

/* The word of the list that points, or is to point, to the record. */
static _Atomic(struct lu_thread *) *link_to(struct lu_registry *registry,
                                            struct lu_thread *thread) {
  return thread->prev != NULL ? &thread->prev->next : &registry->first;
}

/* With the registry lock; the record is complete. Appends, so that the list is in order of
 * attachment. */
static void link_record(struct lu_registry *registry, struct lu_thread *thread) {
  thread->prev = registry->last;
  atomic_store_explicit(link_to(registry, thread), thread, memory_order_release);
  registry->last = thread;
}

/* With the registry lock. thread->next stays for walks that are at this record. */
static void unlink_record(struct lu_registry *registry, struct lu_thread *thread) {
  struct lu_thread *next = atomic_load_explicit(&thread->next, memory_order_relaxed);
  atomic_store_explicit(link_to(registry, thread), next, memory_order_release);
  if (next != NULL)
    next->prev = thread->prev;
  else
    registry->last = thread->prev;
}

static struct lu_thread *attachment_to(const struct lu_os_thread *os,
                                       const struct lu_registry *registry) {
  struct lu_thread *thread = os->attachments;
  while (thread != NULL && thread->registry != registry)
    thread = thread->next_of_os;
  return thread;
}

struct lu_thread *lu_self(struct lu_registry *registry) {
  struct lu_os_thread *os = lu_os_current();
  return os != NULL ? attachment_to(os, registry) : NULL;
}

struct lu_thread *lu_own(const lull_thread *pointer) {
  struct lu_os_thread *os = lu_os_current();
  struct lu_thread *thread = os != NULL ? os->attachments : NULL;
  while (thread != NULL && &thread->pub != pointer)
    thread = thread->next_of_os;
  return thread;
}

/* The record with the heap's part prepared; it belongs to the caller and is known to nobody
 * else. */
static lull_status make_record(struct lu_registry *registry, struct lu_os_thread *os,
                               struct lu_thread **result) {
  struct lu_thread *thread = lu_zalloc(LU_FAULT_THREAD, registry->hooks->record_bytes);
  if (thread == NULL)
    return LULL_E_MEMORY;
  thread->os = os;
  thread->registry = registry;
  thread->pub.poll_word = (const uint32_t *)&os->poll_word;
  lull_status status = registry->hooks->create(thread, registry->owner);
  if (status != LULL_OK) {
    lu_free(thread);
    return status;
  }
  lu_os_hold(os);
  *result = thread;
  return LULL_OK;
}

/* Takes the registry lock at a moment when the world is not stopped. */
static void lock_unstopped(struct lu_os_thread *os, struct lu_registry *registry) {
  lu_os_lock(os, &registry->lock);
  while (atomic_load_explicit(&registry->stopping, memory_order_relaxed) != 0) {
    lu_unlock(&registry->lock);
    lu_os_wait_resumed(os, registry);
    lu_os_lock(os, &registry->lock);
  }
}

/* With the registry lock, RUNNING: adopts the armed handshake as done. */
static void register_record(struct lu_registry *registry, struct lu_thread *thread) {
  uint64_t armed = atomic_load_explicit(&registry->armed, memory_order_relaxed);
  uint64_t ever = atomic_load_explicit(&registry->attached_ever, memory_order_relaxed);
  thread->joined_at = armed;
  thread->id = ever;
  atomic_init(&thread->request, armed);
  atomic_init(&thread->acknowledged, armed);
  atomic_store_explicit(&registry->attached_ever, ever + 1, memory_order_relaxed);
  registry->count++;
  link_record(registry, thread);
  registry->hooks->joined(thread, registry->owner);
}

lull_status lu_join(struct lu_registry *registry, struct lu_thread **result) {
  struct lu_os_thread *os;
  *result = NULL;
  lull_status status = lu_os_obtain(&os);
  if (status != LULL_OK)
    return status;
  if ((*result = attachment_to(os, registry)) != NULL || os->depth != 0)
    return LULL_E_STATE;
  struct lu_thread *thread;
  if ((status = make_record(registry, os, &thread)) != LULL_OK)
    return status;

  if (os->attachments == NULL)
    pthread_getname_np(pthread_self(), os->name, sizeof os->name);
  os->fenced += !registry->membarrier;
  if (os->attachments == NULL)
    lu_os_return(os);
  lock_unstopped(os, registry);
  register_record(registry, thread);
  lu_unlock(&registry->lock);
  thread->next_of_os = os->attachments;
  os->attachments = thread;
  lu_poll(thread);
  *result = thread;
  return LULL_OK;
}

/* The owner's list, after the record has left the registry. */
static void forget_attachment(struct lu_os_thread *os, struct lu_thread *thread) {
  struct lu_thread **link = &os->attachments;
  while (*link != thread)
    link = &(*link)->next_of_os;
  *link = thread->next_of_os;
  os->fenced -= !thread->registry->membarrier;
  if (os->attachments == NULL)
    lu_os_block(os);
}

/* Takes the registry lock with every request acknowledged. */
static void lock_acknowledged(struct lu_thread *thread) {
  for (;;) {
    lock_unstopped(thread->os, thread->registry);
    if (atomic_load_explicit(&thread->request, memory_order_relaxed) ==
        atomic_load_explicit(&thread->acknowledged, memory_order_relaxed))
      return;
    lu_unlock(&thread->registry->lock);
    lu_requests_run(thread->os);
  }
}

/* In three steps: out of the list, with everything acknowledged; the heap's part undone without the
 * lock; into limbo. Only after the last may the registry, or the record, be gone. */
static void leave(struct lu_thread *thread) {
  struct lu_os_thread *os = thread->os;
  struct lu_registry *registry = thread->registry;

  lock_acknowledged(thread);
  registry->hooks->leaving(thread, registry->owner);
  unlink_record(registry, thread);
  uint64_t armed = atomic_load_explicit(&registry->armed, memory_order_relaxed);
  bool in_snapshot = registry->driven && thread->joined_at != armed;
  lu_unlock(&registry->lock);

  forget_attachment(os, thread);
  registry->hooks->destroy(thread, registry->owner);

  lu_os_lock(os, &registry->lock);
  lu_limbo_put(registry, thread, in_snapshot && registry->driven);
  struct lu_thread *records = lu_limbo_take(registry, LU_LEFT_MOST);
  registry->count--;
  lu_unlock(&registry->lock);
  lu_limbo_free(records);
}

lull_status lu_leave(struct lu_thread *thread) {
  LU_ASSERT(lu_own(&thread->pub) == thread);
  if (thread->os->depth != 0 || thread->pub.frames != NULL)
    return LULL_E_STATE;
  leave(thread);
  return LULL_OK;
}

void lu_forget_frames(struct lu_os_thread *os) {
  if (os->depth != 0) {
    os->depth = 0;
    lu_os_return(os);
  }
  for (struct lu_thread *thread = os->attachments; thread != NULL; thread = thread->next_of_os)
    thread->pub.frames = NULL;
}

/* The roots of all attachments are forgotten first: leaving one heap runs the requests of all. */
void lu_leave_by_force(struct lu_os_thread *os) {
  lu_forget_frames(os);
  for (struct lu_thread *thread = os->attachments; thread != NULL; thread = thread->next_of_os) {
    if (thread->registry->hooks->ended != NULL)
      thread->registry->hooks->ended(thread, thread->registry->owner);
  }
  while (os->attachments != NULL)
    leave(os->attachments);
}

void lu_registry_each(struct lu_registry *registry, void (*fn)(struct lu_thread *, void *),
                      void *arg) {
  atomic_fetch_add_explicit(&registry->walkers, 1, memory_order_relaxed);
  lu_fence();  /* pairs with the one in lu_limbo_take */
  struct lu_thread *thread = atomic_load_explicit(&registry->first, memory_order_acquire);
  while (thread != NULL) {
    fn(thread, arg);
    thread = atomic_load_explicit(&thread->next, memory_order_acquire);
  }
  atomic_fetch_sub_explicit(&registry->walkers, 1, memory_order_release);
}
