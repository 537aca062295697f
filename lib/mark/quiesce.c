/*
 * mark/quiesce.c: the collector's side of marking: when is nothing grey any more outside the
 * threads, and what a heap has for it.
 *
 * The question is answered by four loads in this order: pops, active == 0, grey_count == 0, pops
 * again unchanged.
 *   Whoever takes a packet is in `active` before it counts the pop, and returns what it did not
 *   scan before it leaves (M.3). At the moment when active was 0 all work stood in the grey stack;
 *   no pop was counted from before that moment to after grey_count was read, and one counted
 *   earlier had ended, since its taker had left. So the stack was empty at that moment too. All of
 *   these are seq_cst.
 * Model: mark.pml. (Workers that hide work from termination: OpenJDK 8253971.)
 *
 * Threads: the collector. While it drains it looks for idle cores now and then (cycle/helpers.h).
 */
#include "heap/heap.h"
#include "mark/mark.h"
#include "support/assert.h"
#include "support/clock.h"

static bool quiet(struct lu_marking *marking) {
  uint64_t pops = atomic_load(&marking->pops);
  return atomic_load(&marking->active) == 0 && atomic_load(&marking->packets.grey_count) == 0 &&
         atomic_load(&marking->pops) == pops;
}

/*
 * Waits until somebody gives a packet or nobody is at work. The driver is hungry then, as a helper
 * would be: a helper may have got the larger part. Who gives raises grey_count, then looks at
 * driver_waits; the driver the other way round (both seq_cst).
 */
static void wait_for_others(struct lu_marking *marking) {
  uint32_t seen = lu_event_value(&marking->idle);
  atomic_store(&marking->driver_waits, true);
  if (atomic_load(&marking->active) != 0 && atomic_load(&marking->packets.grey_count) == 0) {
    atomic_store_explicit(&marking->hungry, 1, memory_order_relaxed);
    lu_event_wait(&marking->idle, seen, LU_MILLISECOND);
  }
  atomic_store(&marking->driver_waits, false);
}

void lu_mark_wake(lull_heap *heap) {
  lu_helpers_wake(heap);
  if (atomic_load(&heap->marking.driver_waits))
    lu_event_signal(&heap->marking.idle);
}

/* Lets nobody in any more and waits for those who are. */
static void shut(struct lu_marking *marking) {
  atomic_store(&marking->tracing, false);
  for (;;) {
    uint32_t seen = lu_event_value(&marking->idle);
    if (atomic_load(&marking->active) == 0)
      return;
    lu_event_wait(&marking->idle, seen, LU_MILLISECOND);
  }
}

/* The re-scan reads MARK as a row of whole extents, so nobody may be filling one meanwhile. */
static void rescan_alone(lull_heap *heap) {
  struct lu_marker marker;
  shut(&heap->marking);
  lu_marker_enter(&marker, heap, true);
  lu_mark_rescan(&marker);
  lu_marker_leave(&marker);
  atomic_store(&heap->marking.tracing, true);
  lu_helpers_wake(heap);
}

/* Nothing is left in the marker's stack and the grey stack when it returns. */
static void drain(lull_heap *heap, struct lu_marker *marker) {
  struct lu_budget look = lu_budget_of_time(LU_HELPERS_FIRST_NS);
  while (!lu_marker_drain(marker, &look)) {
    lu_helpers_look(heap);
    look = lu_budget_of_time(LU_HELPERS_LOOK_NS);
  }
}

void lu_mark_quiesce(lull_heap *heap) {
  struct lu_marking *marking = &heap->marking;
  do {
    struct lu_marker marker;
    lu_marker_enter(&marker, heap, true);
    drain(heap, &marker);
    lu_marker_leave(&marker);
    wait_for_others(marking);
    if (quiet(marking) && atomic_load(&marking->rescans) != 0)
      rescan_alone(heap);
  } while (!quiet(marking) || atomic_load(&marking->rescans) != 0);
}

/*
 * In pieces nobody waits for helpers. The question is the same, asked once more each time: an
 * answer that is no only puts off the flush round. For a re-scan the helpers are shut out, which
 * lasts until those inside have run out of work.
 */
enum lu_mark_state lu_mark_some(lull_heap *heap, struct lu_budget *budget) {
  struct lu_marking *marking = &heap->marking;
  for (;;) {
    struct lu_marker marker;
    lu_marker_enter(&marker, heap, true);
    bool drained = lu_marker_drain(&marker, budget);
    lu_marker_leave(&marker);
    if (!drained)
      return LU_MARK_MORE;
    if (!quiet(marking))
      return LU_MARK_OTHERS;
    if (atomic_load(&marking->rescans) == 0)
      return LU_MARK_QUIET;
    rescan_alone(heap);
  }
}

void lu_mark_await_others(lull_heap *heap) { wait_for_others(&heap->marking); }

void lu_mark_close(lull_heap *heap) {
  shut(&heap->marking);
  LU_ASSERT(atomic_load(&heap->marking.packets.grey_count) == 0);
}

lull_status lu_marking_init(lull_heap *heap) {
  struct lu_marking *marking = &heap->marking;
  const struct lu_settings *settings = &heap->settings;
  uint32_t entries = settings->stress_packet != 0 && settings->stress_packet < LU_PACKET_ENTRIES
                         ? (uint32_t)settings->stress_packet
                         : LU_PACKET_ENTRIES;
  lull_status status = lu_packets_init(&marking->packets, settings->gc_packets, entries);
  if (status != LULL_OK)
    return status;
  cds_wfs_init(&marking->flushed);
  cds_wfs_init(&marking->remembered);
  cds_wfs_init(&marking->remembered_next);
  cds_wfs_init(&marking->survivors);
  marking->promote = (uint8_t)settings->gc_promote;
  marking->remembered_max = settings->rs_max / LU_PACKET_BYTES;
  if (marking->remembered_max > marking->packets.capacity / 2)
    marking->remembered_max = marking->packets.capacity / 2;
  marking->map = LU_MAP_A;
  marking->epoch_mask = (uint16_t)((1u << settings->stress_epoch_bits) - 1);
  lu_helpers_init(heap);
  return LULL_OK;
}

void lu_marking_fini(lull_heap *heap) {
  lu_helpers_fini(heap);
  lu_packets_fini(&heap->marking.packets);
}
