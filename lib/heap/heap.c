/*
 * heap/heap.c: making and ending a heap, and what happens when threads join and leave it.
 *
 * Invariants: everything hangs off struct lull_heap; nothing here is process-wide. A thread that
 * joins takes over the armed phase under the registry lock, as if it had acknowledged it; a thread
 * that leaves has acknowledged everything, and gives away under the same lock what it holds for the
 * collector, so that a cycle that arms its next step finds it all (exit before flush: mutant of
 * join.pml).
 */
#include "heap/heap.h"

#include <string.h>
#include "cycle/phases.h"
#include "mark/remember.h"
#include "mark/shade.h"
#include "observe/log.h"
#include "support/assert.h"
#include "support/error.h"
#include "support/memory.h"
#include "support/tool.h"
#include "threads/public.h"
#include "verify/audit.h"

static lull_status mutator_create(struct lu_thread *thread, void *owner) {
  struct lu_mutator *mutator = lu_mutator_of(&thread->pub);
  lull_heap *heap = owner;
  mutator->heap = heap;
  thread->pub.heap = heap;
  thread->pub.types = heap->types.infos;
  return LULL_OK;
}

static void mutator_joined(struct lu_thread *thread, void *owner) {
  (void)owner;
  lu_mutator_adopt(lu_mutator_of(&thread->pub));
}

/* The thread's stack is going: nothing on it is a root any more. */
static void mutator_ended(struct lu_thread *thread, void *owner) {
  struct lu_mutator *mutator = lu_mutator_of(&thread->pub);
  (void)owner;
  mutator->roots.range_count = 0;
  mutator->roots.callback_count = 0;
}

static void mutator_leaving(struct lu_thread *thread, void *owner) {
  struct lu_mutator *mutator = lu_mutator_of(&thread->pub);
  lull_heap *heap = owner;
  if (mutator->phase == LU_IDLE)
    LU_ASSERT(mutator->grey == NULL);
  lu_shade_flush(mutator);
  lu_remember_publish(mutator);
  lu_region_abandon(mutator);
  lu_counters_leave(&mutator->counters, &heap->figures);
}

static void mutator_polled(struct lu_thread *thread, void *owner) {
  (void)owner;
  lu_cycle_polled(lu_mutator_of(&thread->pub));
}

static void mutator_destroy(struct lu_thread *thread, void *owner) {
  (void)owner;
  lu_thread_roots_fini(&lu_mutator_of(&thread->pub)->roots);
}

const struct lu_registry_hooks lu_mutator_hooks = {.record_bytes = sizeof(struct lu_mutator),
                                                   .create = mutator_create,
                                                   .joined = mutator_joined,
                                                   .ended = mutator_ended,
                                                   .leaving = mutator_leaving,
                                                   .polled = mutator_polled,
                                                   .destroy = mutator_destroy};

struct lu_registry *lu_heap_registry(lull_heap *heap) { return &heap->registry; }

static lull_status init_registry(lull_heap *heap) {
  struct lu_heap_figures *figures = &heap->figures;
  heap->handshake_figures = (struct lu_handshake_figures){.closure = &figures->handshake_closure,
                                                          .time_to = &figures->time_to_handshake,
                                                          .claim_wait = &figures->claim_wait,
                                                          .caused = &figures->caused,
                                                          .handshakes = &figures->handshakes,
                                                          .claimed = &figures->handshakes_claimed,
                                                          .slow_polls = &figures->slow_polls};
  return lu_registry_init(&heap->registry, &lu_mutator_hooks, heap, &heap->handshake_figures,
                          heap->settings.watchdog, heap->settings.stress_membarrier);
}

/* The parts in the order in which they are made; each can rely on those before it. */
static lull_status init_types(lull_heap *heap) { return lu_types_init(&heap->types); }
static lull_status init_space(lull_heap *heap) {
  return lu_space_init(&heap->space, &heap->settings);
}
static lull_status init_shared(lull_heap *heap) { return lu_shared_roots_init(&heap->shared); }
static void fini_types(lull_heap *heap) { lu_types_fini(&heap->types); }
static void fini_space(lull_heap *heap) { lu_space_fini(&heap->space); }
static void fini_shared(lull_heap *heap) { lu_shared_roots_fini(&heap->shared); }
static void fini_registry(lull_heap *heap) {
  LU_CHECK(lu_registry_fini(&heap->registry) == LULL_OK, "a heap ends with threads attached");
}

static const struct part {
  lull_status (*init)(lull_heap *heap);
  void (*fini)(lull_heap *heap);
} parts[] = {{init_types, fini_types},           {init_space, fini_space},
             {init_shared, fini_shared},         {init_registry, fini_registry},
             {lu_marking_init, lu_marking_fini}, {lu_audit_init, lu_audit_fini},
             {lu_cycle_init, lu_cycle_fini}};
#define PARTS (sizeof parts / sizeof parts[0])

static void fini_parts(lull_heap *heap, size_t count) {
  while (count-- > 0)
    parts[count].fini(heap);
  lu_free(heap);
}

lull_status lull_heap_create(const lull_config *config, lull_heap **out) {
  if (out == NULL)
    return lu_reject(LULL_E_ARGUMENT, "lull_heap_create: nowhere to put the heap");
  *out = NULL;
  lull_heap *heap = lu_zalloc_aligned(LU_FAULT_METADATA, LU_CACHE_LINE, sizeof *heap);
  if (heap == NULL)
    return lu_reject(LULL_E_MEMORY, "lull_heap_create: no memory for the heap's record");
  lull_status status = lu_settings_resolve(config, &heap->settings);
  if (status != LULL_OK) {
    lu_free(heap);
    return status;
  }
  for (size_t i = 0; i < PARTS; i++) {
    status = parts[i].init(heap);
    if (status != LULL_OK) {
      fini_parts(heap, i);
      return lu_reject(status, "lull_heap_create: the system refused what a heap needs (part %zu)",
                       i);
    }
  }
  *out = heap;
  return LULL_OK;
}

lull_status lull_heap_destroy(lull_heap *heap) {
  if (heap == NULL)
    return lu_reject(LULL_E_ARGUMENT, "lull_heap_destroy: no heap");
  if (lu_registry_count(&heap->registry) != 0)
    return lu_reject(LULL_E_BUSY, "lull_heap_destroy: threads are still attached");
  fini_parts(heap, PARTS);
  return LULL_OK;
}
