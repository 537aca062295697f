/*
 * tests/threads_fake.c: the heap of threads_fake.h.
 */
#include "tests/threads_fake.h"

#include <sched.h>
#include <stdlib.h>

#include "threads/public.h"

static struct fake_thread *fake_of(struct lu_thread *thread) {
  return (struct fake_thread *)thread;
}

struct lu_registry *lu_heap_registry(lull_heap *heap) { return &heap->registry; }

static lull_status create(struct lu_thread *thread, void *owner) {
  struct lull_heap *heap = owner;
  if (heap->create_status != LULL_OK)
    return heap->create_status;
  LU_CHECK(fake_of(thread)->phase == 0 && thread->pub.frames == NULL, "the record is not zeroed");
  thread->pub.heap = heap;
  atomic_fetch_add(&heap->created, 1);
  return LULL_OK;
}

static void joined(struct lu_thread *thread, void *owner) {
  struct lull_heap *heap = owner;
  fake_of(thread)->phase = heap->phase;
  atomic_fetch_add(&heap->joined, 1);
}

static void ended(struct lu_thread *thread, void *owner) {
  struct lull_heap *heap = owner;
  fake_of(thread)->inside = false;
  LU_CHECK(thread->pub.frames == NULL, "frames of a thread that has ended");
  atomic_fetch_add(&heap->ended, 1);
}

static void leaving(struct lu_thread *thread, void *owner) {
  struct lull_heap *heap = owner;
  LU_CHECK(fake_of(thread)->phase == heap->phase, "a thread leaves with an open request");
  LU_CHECK(!fake_of(thread)->inside, "a thread leaves from inside");
  atomic_fetch_add(&heap->left, 1);
}

static void destroy(struct lu_thread *thread, void *owner) {
  struct lull_heap *heap = owner;
  fake_of(thread)->phase = UINT64_MAX;
  atomic_fetch_add(&heap->destroyed, 1);
}

static const struct lu_registry_hooks hooks = {
    .record_bytes = sizeof(struct fake_thread),
    .create = create,
    .joined = joined,
    .ended = ended,
    .leaving = leaving,
    .destroy = destroy,
};

struct lull_heap *fake_heap_new(bool membarrier, uint64_t watchdog_ns) {
  struct lull_heap *heap = calloc(1, sizeof *heap);
  LU_CHECK(heap != NULL, "no memory");
  heap->figures = (struct lu_handshake_figures){
      .closure = &heap->closure,
      .time_to = &heap->time_to,
      .claim_wait = &heap->claim_wait,
      .caused = &heap->caused,
      .handshakes = &heap->handshakes,
      .claimed = &heap->claimed,
      .slow_polls = &heap->slow_polls,
  };
  lull_status status = lu_registry_init(&heap->registry, &hooks, heap, &heap->figures, watchdog_ns,
                                        membarrier);
  LU_CHECK(status == LULL_OK, "no registry");
  return heap;
}

void fake_heap_free(struct lull_heap *heap) {
  LU_CHECK(lu_registry_fini(&heap->registry) == LULL_OK, "threads are still attached");
  LU_CHECK(heap->created == heap->joined && heap->joined == heap->left &&
               heap->left == heap->destroyed,
           "hooks without their counterparts");
  free(heap);
}

/* Under the registry lock. */
static void arm(void *owner) {
  struct lull_heap *heap = owner;
  heap->phase++;
  heap->expected = 0;
  struct lu_thread *thread = atomic_load(&heap->registry.first);
  for (; thread != NULL; thread = atomic_load(&thread->next)) {
    LU_CHECK(fake_of(thread)->snapshot < heap->phase, "a thread is registered twice");
    fake_of(thread)->snapshot = heap->phase;
    heap->expected++;
  }
}

static void closure(struct lu_thread *thread, void *arg) {
  struct lull_heap *heap = arg;
  struct fake_thread *fake = fake_of(thread);
  LU_CHECK(!fake->inside, "a closure runs while the thread is inside");
  LU_CHECK(fake->phase + 1 == heap->phase,
           "a closure runs twice, or for a thread that adopted its phase");
  LU_CHECK(fake->snapshot == heap->phase, "a closure runs for a thread outside the snapshot");
  fake->phase = heap->phase;
  fake->work++;
  if (heap->in_closure != NULL)
    heap->in_closure(thread, heap);
  atomic_fetch_add_explicit(&heap->ran, 1, memory_order_relaxed);
}

uint64_t fake_handshake(struct lull_heap *heap) {
  heap->ran = 0;
  heap->driver = pthread_self();
  lu_handshake(&heap->registry, "Test", arm, closure, heap);
  LU_CHECK(heap->ran == heap->expected, "closures are missing at the end of the handshake");
  return heap->ran;
}

lull_thread *fake_attach(struct lull_heap *heap) {
  lull_thread *thread;
  LU_CHECK(lull_attach(heap, &thread) == LULL_OK, "attach");
  return thread;
}

void fake_detach(lull_thread *thread) { LU_CHECK(lull_detach(thread) == LULL_OK, "detach"); }

void fake_work(lull_thread *thread, unsigned n) {
  struct fake_thread *fake = fake_of((struct lu_thread *)thread);
  fake->inside = true;
  for (unsigned i = 0; i < n; i++)
    fake->work++;
  fake->inside = false;
}

void fake_await(const _Atomic uint32_t *word, uint32_t value) {
  while (atomic_load(word) != value)
    sched_yield();
}
