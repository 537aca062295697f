/*
 * mark/shade.c: mutators make objects grey: private packets, flushing, and what happens when no
 * packet is free.
 *
 * Invariants: M.2 of mark/mark.h. Shading reads no object, only MARK. mutator->grey belongs to the
 * owner, or to whoever runs a closure for it.
 *
 * Ordering: a filled packet is pushed to the flushed stack by cds_wfs_push, which is a full barrier
 * (an exchange) before the collector can see it. A private packet that is not full is read by a
 * closure, ordered by the handshake. MARK is read relaxed: a bit seen set stays set for the cycle,
 * one seen clear only costs a duplicate.
 */
#include "mark/shade.h"

#include "heap/heap.h"
#include "heap/large.h"
#include "mark/mark.h"
#include "support/assert.h"
#include "support/tool.h"

static void push_flushed(struct lu_mutator *mutator, struct lu_packet *packet) {
  struct lu_marking *marking = &mutator->heap->marking;
  lu_count(&mutator->counters.satb_packets, 1);
  cds_wfs_node_init(&packet->flushed_link);
  LU_TSAN_RELEASE(&marking->flushed);
  cds_wfs_push(&marking->flushed, &packet->flushed_link);
}

/* The private packet with room for one entry more, or NULL when none can be had. */
static struct lu_packet *packet_with_room(struct lu_mutator *mutator) {
  lull_heap *heap = mutator->heap;
  struct lu_packet *packet = mutator->grey;
  if (packet != NULL && packet->count < heap->marking.packets.entries)
    return packet;
  struct lu_packet *next = lu_packet_new(&heap->marking.packets);
  if (next == NULL)
    return NULL;
  if (packet != NULL)
    push_flushed(mutator, packet);
  mutator->grey = next;
  return next;
}

void lu_shade_overflow(lull_heap *heap, void *object, unsigned map, bool window) {
  uint64_t bit = lu_map_bit(object);
  if (atomic_fetch_or_explicit(lu_map_at(object, map), bit, memory_order_relaxed) & bit)
    return;
  if (window)
    atomic_fetch_or_explicit(lu_map_at(object, map ^ 1), bit, memory_order_relaxed);
  bool small = atomic_load_explicit(&lu_slab_of(&heap->space, object)->kind,
                                    memory_order_relaxed) == LU_SLAB_SMALL;
  _Atomic uint8_t *flag = small ? &lu_block_of(&heap->space, object)->rescan
                                : &lu_large_of(object)->rescan;
  atomic_store_explicit(flag, 1, memory_order_release);
  atomic_fetch_add(&heap->marking.rescans, 1);
  lu_count_shared(&heap->figures.total.packet_overflows, 1);
}

void lu_shade_always(struct lu_mutator *mutator, void *object) {
  if (object == NULL)
    return;
  LU_ASSERT(mutator->phase != LU_IDLE);
  LU_ASSERT(lu_space_holds(&mutator->heap->space, object));
  struct lu_packet *packet = packet_with_room(mutator);
  if (packet == NULL) {
    /* Before its own H2 a thread knows the MARK of the cycle before. A major will use the spare,
     * clear so far, and a minor the same as before. The spare tells whether the object has been met
     * here before, since what is old has its bit in the other. */
    bool window = mutator->phase == LU_WINDOW;
    lu_shade_overflow(mutator->heap, object, window ? mutator->mark_map ^ 1 : mutator->mark_map,
                      window);
    return;
  }
  packet->entry[packet->count++] = (uintptr_t)object;
}

void lu_shade(struct lu_mutator *mutator, void *object) {
  if (object != NULL && !lu_is_marked(object, mutator->mark_map))
    lu_shade_always(mutator, object);
}

void lu_shade_flush(struct lu_mutator *mutator) {
  struct lu_packet *packet = mutator->grey;
  if (packet == NULL)
    return;
  mutator->grey = NULL;
  if (packet->count > 0)
    push_flushed(mutator, packet);
  else
    lu_packet_drop(&mutator->heap->marking.packets, packet);
}

void lu_shade_discard(struct lu_mutator *mutator) {
  if (mutator->grey == NULL)
    return;
  lu_packet_drop(&mutator->heap->marking.packets, mutator->grey);
  mutator->grey = NULL;
}

static void take_all(lull_heap *heap) {
  struct cds_wfs_head *head = __cds_wfs_pop_all(&heap->marking.flushed);
  struct cds_wfs_node *node, *next;

  if (head == NULL)
    return;
  LU_TSAN_ACQUIRE(&heap->marking.flushed);
  cds_wfs_for_each_blocking_safe(head, node, next)
    lu_grey_push(&heap->marking.packets, caa_container_of(node, struct lu_packet, flushed_link));
}

bool lu_mark_any_flushed(lull_heap *heap) { return !cds_wfs_empty(&heap->marking.flushed); }

bool lu_mark_take_flushed(lull_heap *heap, struct lu_budget *budget) {
  struct cds_wfs_node *node;
  if (budget == NULL) {
    take_all(heap);
    return true;
  }
  while (lu_mark_any_flushed(heap) &&
         (node = __cds_wfs_pop_blocking(&heap->marking.flushed)) != NULL) {
    LU_TSAN_ACQUIRE(&heap->marking.flushed);
    lu_grey_push(&heap->marking.packets, caa_container_of(node, struct lu_packet, flushed_link));
    if (lu_budget_over(budget))
      return false;
  }
  return true;
}

void lu_mark_discard_flushed(lull_heap *heap) {
  struct cds_wfs_head *head = __cds_wfs_pop_all(&heap->marking.flushed);
  struct cds_wfs_node *node, *next;

  if (head == NULL)
    return;
  LU_TSAN_ACQUIRE(&heap->marking.flushed);
  cds_wfs_for_each_blocking_safe(head, node, next)
    lu_packet_drop(&heap->marking.packets, caa_container_of(node, struct lu_packet, flushed_link));
}
