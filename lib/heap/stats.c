/*
 * heap/stats.c: lull_heap_stats: a heap's figures, for any thread.
 *
 * A reader is no mutator: it walks the registry by lu_registry_each, so records of threads
 * that leave meanwhile stay readable, and no mutator waits for it. All words are
 * relaxed atomics; figures of different fields may be a moment apart.
 */
#include <lull/stats.h>

#include "heap/heap.h"
#include "support/error.h"

struct walk {
  lu_counters_fn *fn;
  void *sum;
};

static void one_thread(struct lu_thread *thread, void *arg) {
  const struct walk *walk = arg;
  walk->fn(&lu_mutator_of(&thread->pub)->counters, walk->sum);
}

static void each_thread(void *source, lu_counters_fn *fn, void *sum) {
  lull_heap *heap = source;
  struct walk walk = {fn, sum};
  lu_registry_each(&heap->registry, one_thread, &walk);
}

lull_status lull_heap_stats(lull_heap *heap, lull_stats *stats) {
  if (heap == NULL || stats == NULL)
    return lu_reject(LULL_E_ARGUMENT, "lull_heap_stats: no heap or nowhere to put its figures");
  const struct lu_space *space = &heap->space;
  struct lu_gauges gauges = {
      .heap_used = atomic_load_explicit(&space->used, memory_order_relaxed),
      .heap_committed = atomic_load_explicit(&space->committed, memory_order_relaxed),
      .heap_metadata = atomic_load_explicit(&space->metadata, memory_order_relaxed),
      .heap_limit = space->limit,
      .threads = lu_registry_count(&heap->registry),
      .threads_attached =
          atomic_load_explicit(&heap->registry.attached_ever, memory_order_relaxed)};
  return lu_figures_collect(&heap->figures, &gauges, each_thread, heap, stats);
}
