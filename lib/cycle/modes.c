/*
 * cycle/modes.c: choosing who drives, at run time.
 *
 * A change only says who begins and drives from now on. A cycle under way is never thrown away: its
 * state belongs to no driver (cycle/steps.h), so whoever drives next ends it, in the way of the new
 * mode; the collector thread ends the one that it is in, and leaves then.
 *
 * Threads: any. The mode is written under thread_lock, so that the collector thread, which looks at
 * it under that lock before it leaves, and who starts a new one, agree.
 */
#include "heap/heap.h"
#include "support/error.h"

_Static_assert((int)LULL_CONCURRENT == (int)LU_GC_CONCURRENT &&
               (int)LULL_INCREMENTAL == (int)LU_GC_INCREMENTAL &&
                   (int)LULL_STOP_THE_WORLD == (int)LU_GC_STW,
               "modes have one numbering");

lull_mode lull_heap_mode(lull_heap *heap) { return (lull_mode)lu_cycle_mode(&heap->cycle); }

lull_status lull_heap_set_mode(lull_heap *heap, lull_mode mode) {
  if (heap == NULL || (unsigned)mode > LULL_STOP_THE_WORLD)
    return lu_reject(LULL_E_ARGUMENT, "lull_heap_set_mode: no heap, or %d is not a mode",
                     (int)mode);
  struct lu_cycle *cycle = &heap->cycle;
  lu_lock(&cycle->thread_lock);
  atomic_store(&cycle->mode, (uint32_t)mode);
  lu_pacer_set_mode(heap, (enum lu_gc_mode)mode);
  lu_unlock(&cycle->thread_lock);
  /*
   * Who asked for a cycle in another mode may not be waiting for it, and nobody may be going to
   * allocate.
   */
  bool under_way = atomic_load(&cycle->begun) != atomic_load(&cycle->ended);
  if (under_way || lu_cycle_due(cycle) || heap->settings.stress_loop ||
      heap->settings.gc_thread_from == 0)
    lu_collector_start(heap);
  /* The collector thread leaves, or goes on; who waits for a cycle sees who drives it now. */
  lu_event_signal(&cycle->wake);
  lu_event_signal(&cycle->progress);
  return LULL_OK;
}
