/*
 * cycle/drivers.c: who moves a cycle on, and how far: from its beginning to its end, beside the threads.
 *
 * Threads: who holds cycle.driver, BLOCKED or not attached, so that its own handshakes can be acknowledged for it while it waits.
 */
#include "heap/heap.h"

void lu_cycle_run(lull_heap *heap, enum lu_cause cause) {
  lu_cycle_begin(heap, cause);
  while (lu_cycle_step(heap, 0) != LU_PACE_DONE)
    lu_cycle_await(heap);
}
