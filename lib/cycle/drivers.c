/*
 * cycle/drivers.c: who moves a cycle on, and how far.
 *
 * Threads: who holds cycle.driver, BLOCKED or not attached, so that its own handshakes can be acknowledged for it while it waits.
 */
#include "heap/heap.h"
#include "threads/stop.h"

void lu_cycle_run(lull_heap *heap, enum lu_cause cause) {
  lu_cycle_begin(heap, cause, false);
  while (lu_cycle_step(heap, 0) != LU_PACE_DONE)
    lu_cycle_await(heap);
}

/*
 * A thread does not stop: the request is dropped, and allocation asks again an eighth of the limit
 * later. Otherwise every allocation from here on would wait for stall.timeout.
 */
static void postpone(lull_heap *heap) {
  struct lu_cycle *cycle = &heap->cycle;
  atomic_store(&cycle->wanted, atomic_load(&cycle->begun));
  uint64_t allocated = atomic_load_explicit(&cycle->pacer.allocated, memory_order_relaxed);
  atomic_store_explicit(&cycle->pacer.trigger, allocated + heap->space.limit / 8,
                        memory_order_relaxed);
}

bool lu_cycle_run_stopped(lull_heap *heap, enum lu_cause cause) {
  if (!lu_stop_the_world(&heap->registry, heap->settings.stall_timeout)) {
    postpone(heap);
    return false;
  }
  lu_cycle_begin(heap, cause, true);
  LU_CHECK(lu_cycle_step(heap, 0) == LU_PACE_DONE, "a cycle of a stopped world waits");
  lu_resume_the_world(&heap->registry);
  return true;
}
