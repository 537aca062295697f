/*
 * mark/remember.c: the remembered set: objects stored into in the current epoch.
 *
 * rs(k) is the union of the `remembered` stack and the threads' private packets while the heap is idle in epoch k; from a thread's H1
 * on its entries go to rs(k+1): its private packet was published at H1, and full ones are pushed to remembered_next.
 * A major ignores rs(k) and keeps rs(k+1) complete for the minor that may follow.
 *
 * Entries: an object; or LU_ENTRY_CARD with a large object: some of its cards are logged in this epoch.
 * A set over its budget is dropped (remembered_lost), which asks for a major; the packets are then free for marking.
 *
 * Threads: lu_remember and lu_remember_publish by the owner or in its closure; drop and filter by the collector. The stacks order packet contents as in
 * mark/shade.c.
 */
#include "heap/heap.h"
#include "mark/mark.h"
#include "support/assert.h"
#include "support/tool.h"

static void push(struct lu_mutator *mutator, struct lu_packet *packet) {
  struct lu_marking *marking = &mutator->heap->marking;
  struct cds_wfs_stack *stack = mutator->phase == LU_IDLE ? &marking->remembered : &marking->remembered_next;
  cds_wfs_node_init(&packet->flushed_link);
  LU_TSAN_RELEASE(stack);
  cds_wfs_push(stack, &packet->flushed_link);
}

/* A private packet with room, or NULL when the budget or the reserve is used up. */
static struct lu_packet *packet_with_room(struct lu_mutator *mutator) {
  struct lu_marking *marking = &mutator->heap->marking;
  struct lu_packet *packet = mutator->remembered;
  if (packet != NULL && packet->count < marking->packets.entries)
    return packet;
  if (atomic_load_explicit(&marking->remembered_packets, memory_order_relaxed) >= marking->remembered_max)
    return NULL;
  struct lu_packet *next = lu_packet_new(&marking->packets);
  if (next == NULL)
    return NULL;
  atomic_fetch_add_explicit(&marking->remembered_packets, 1, memory_order_relaxed);
  if (packet != NULL)
    push(mutator, packet);
  mutator->remembered = next;
  return next;
}

void lu_remember(struct lu_mutator *mutator, uintptr_t entry) {
  struct lu_packet *packet = packet_with_room(mutator);
  if (packet == NULL)
    atomic_store_explicit(&mutator->heap->marking.remembered_lost, true, memory_order_relaxed);
  else
    packet->entry[packet->count++] = entry;
}

void lu_remember_publish(struct lu_mutator *mutator) {
  if (mutator->remembered == NULL)
    return;
  push(mutator, mutator->remembered);
  mutator->remembered = NULL;
}

static void drop_stack(lull_heap *heap, struct cds_wfs_stack *stack) {
  struct lu_marking *marking = &heap->marking;
  struct cds_wfs_head *head = __cds_wfs_pop_all(stack);
  struct cds_wfs_node *node, *next;
  if (head == NULL)
    return;
  LU_TSAN_ACQUIRE(stack);
  cds_wfs_for_each_blocking_safe(head, node, next) {
    lu_packet_drop(&marking->packets, caa_container_of(node, struct lu_packet, flushed_link));
    atomic_fetch_sub_explicit(&marking->remembered_packets, 1, memory_order_relaxed);
  }
}

void lu_remembered_drop(lull_heap *heap) {
  drop_stack(heap, &heap->marking.remembered);
}

void lu_remembered_begin(lull_heap *heap) {
  atomic_store_explicit(&heap->marking.remembered_lost, false, memory_order_relaxed);
}

/* Keeps the entries of a packet whose object is marked. */
static void filter_packet(lull_heap *heap, struct lu_packet *packet) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < packet->count; i++) {
    const void *object = (const void *)(packet->entry[i] & ~LU_ENTRY_TAGS);
    LU_ASSERT(lu_space_holds(&heap->space, object));
    if (lu_is_marked(object, heap->marking.map))
      packet->entry[kept++] = packet->entry[i];
  }
  packet->count = kept;
}

size_t lu_remembered_filter(lull_heap *heap) {
  struct lu_marking *marking = &heap->marking;
  struct cds_wfs_head *head = __cds_wfs_pop_all(&marking->remembered_next);
  struct cds_wfs_node *node, *next;
  size_t kept = 0;
  if (head == NULL)
    return 0;
  LU_TSAN_ACQUIRE(&marking->remembered_next);
  cds_wfs_for_each_blocking_safe(head, node, next) {
    struct lu_packet *packet = caa_container_of(node, struct lu_packet, flushed_link);
    filter_packet(heap, packet);
    kept += packet->count;
    if (packet->count == 0) {
      lu_packet_drop(&marking->packets, packet);
      atomic_fetch_sub_explicit(&marking->remembered_packets, 1, memory_order_relaxed);
      continue;
    }
    cds_wfs_node_init(&packet->flushed_link);
    LU_TSAN_RELEASE(&marking->remembered);
    cds_wfs_push(&marking->remembered, &packet->flushed_link);
  }
  return kept;
}
