/*
 * mark/quiesce.c: the collector's side of marking: when is nothing grey any more outside the threads, and helpers.
 *
 * The question is answered by four loads in this order: pops, active == 0, grey_count == 0, pops again unchanged.
 *   Whoever takes a packet is in `active` before it counts the pop, and returns what it did not scan before it leaves (M.3). At the moment when active was 0
 *   all work stood in the grey stack; no pop was counted from before that moment to after grey_count was read, and one counted earlier had
 *   ended, since its taker had left. So the stack was empty at that moment too. All of these are seq_cst.
 * Model: mark.pml. (Workers that hide work from termination: OpenJDK 8253971.)
 *
 * Threads: the collector, but for the helpers' own loop. Helpers hold no reference to a heap's objects outside enter and leave.
 */
#include <string.h>
#include "heap/heap.h"
#include "mark/mark.h"
#include "support/assert.h"
#include "support/clock.h"
#include "support/memory.h"

struct lu_helper {
  pthread_t thread;
  lull_heap *heap;
};

static bool quiet(struct lu_marking *marking) {
  uint64_t pops = atomic_load(&marking->pops);
  return atomic_load(&marking->active) == 0 && atomic_load(&marking->packets.grey_count) == 0 &&
         atomic_load(&marking->pops) == pops;
}

/* Waits until somebody gave work back or nobody is at work; the timeout covers work given back by one who goes on. */
static void wait_for_others(struct lu_marking *marking) {
  uint32_t seen = lu_event_value(&marking->idle);
  if (atomic_load(&marking->active) != 0 && atomic_load(&marking->packets.grey_count) == 0)
    lu_event_wait(&marking->idle, seen, 50 * LU_MICROSECOND);
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

void lu_mark_quiesce(lull_heap *heap) {
  struct lu_marking *marking = &heap->marking;
  do {
    struct lu_marker marker;
    lu_marker_enter(&marker, heap, true);
    lu_marker_drain(&marker, 0);
    lu_marker_leave(&marker);
    wait_for_others(marking);
    if (quiet(marking) && atomic_load(&marking->rescans) != 0)
      rescan_alone(heap);
  } while (!quiet(marking) || atomic_load(&marking->rescans) != 0);
}

void lu_mark_close(lull_heap *heap) {
  shut(&heap->marking);
  LU_ASSERT(atomic_load(&heap->marking.packets.grey_count) == 0);
}

void lu_helpers_wake(lull_heap *heap) {
  if (heap->marking.helper_count != 0)
    lu_event_signal(&heap->marking.work);
}

static void *helper_main(void *arg) {
  struct lu_helper *helper = arg;
  struct lu_marking *marking = &helper->heap->marking;
  for (;;) {
    uint32_t seen = lu_event_value(&marking->work);
    struct lu_marker marker;
    if (atomic_load(&marking->helpers_stop))
      return NULL;
    if (atomic_load(&marking->packets.grey_count) != 0 && lu_marker_enter(&marker, helper->heap, false)) {
      lu_marker_drain(&marker, 0);
      uint64_t marked = marker.marked;
      lu_marker_leave(&marker);
      if (marked != 0)
        lu_count_shared(&helper->heap->figures.helper_packets, 1 + marked / LU_PACKET_ENTRIES);
      continue;
    }
    atomic_store_explicit(&marking->hungry, 1, memory_order_relaxed);
    lu_event_wait(&marking->work, seen, LU_FOREVER);
  }
}

lull_status lu_helpers_start(lull_heap *heap, unsigned count) {
  struct lu_marking *marking = &heap->marking;
  if (count == 0)
    return LULL_OK;
  marking->helpers = lu_zalloc_array(LU_FAULT_METADATA, count, sizeof *marking->helpers);
  if (marking->helpers == NULL)
    return LULL_E_MEMORY;
  for (unsigned i = 0; i < count; i++) {
    struct lu_helper *helper = &marking->helpers[i];
    helper->heap = heap;
    if (lu_fault(LU_FAULT_SPAWN) || pthread_create(&helper->thread, NULL, helper_main, helper) != 0) {
      lu_helpers_stop(heap);
      return LULL_E_SYSTEM;
    }
    pthread_setname_np(helper->thread, "lull-marker");
    marking->helper_count = i + 1;
  }
  return LULL_OK;
}

void lu_helpers_stop(lull_heap *heap) {
  struct lu_marking *marking = &heap->marking;
  if (marking->helpers == NULL)
    return;
  atomic_store(&marking->helpers_stop, true);
  lu_event_signal(&marking->work);
  for (unsigned i = 0; i < marking->helper_count; i++)
    pthread_join(marking->helpers[i].thread, NULL);
  lu_free(marking->helpers);
  marking->helpers = NULL;
  marking->helper_count = 0;
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
  status = lu_helpers_start(heap, (unsigned)settings->gc_helpers);
  if (status != LULL_OK)
    lu_packets_fini(&marking->packets);
  return status;
}

void lu_marking_fini(lull_heap *heap) {
  struct lu_marking *marking = &heap->marking;
  lu_helpers_stop(heap);
  lu_packets_fini(&marking->packets);
}
