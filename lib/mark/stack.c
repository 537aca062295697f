/*
 * mark/stack.c: a marker's private stack, where packets change hands.
 *
 * Invariants: mark/stack.h; M.2 of mark/mark.h. Threads: the marker's own. Ordering: that of the
 * packet stacks (mark/packet.c); `pops` is raised before a packet is taken, so that whoever looks
 * for the end of marking sees that one may be (mark/quiesce.c).
 */
#include "mark/stack.h"

#include <string.h>
#include "heap/heap.h"
#include "mark/mark.h"
#include "support/assert.h"

static void settle(struct lu_stack *stack) {
  if (stack->top != NULL)
    stack->top->count = (uint32_t)(stack->next - stack->floor);
}

static void use(struct lu_packets *packets, struct lu_stack *stack, struct lu_packet *packet) {
  stack->top = packet;
  stack->floor = packet->entry;
  stack->next = packet->entry + packet->count;
  stack->ceiling = packet->entry + packets->entries;
}

static void give(lull_heap *heap, struct lu_packet *packet) {
  lu_grey_push(&heap->marking.packets, packet);
  lu_mark_wake(heap);
}

bool lu_stack_grow(lull_heap *heap, struct lu_stack *stack) {
  struct lu_packets *packets = &heap->marking.packets;
  struct lu_packet *fresh = lu_packet_new(packets);
  if (fresh == NULL)
    return false;
  settle(stack);
  if (stack->spare != NULL)
    give(heap, stack->spare);
  stack->spare = stack->top;
  use(packets, stack, fresh);
  return true;
}

/* A packet of the grey stack, or NULL. */
static struct lu_packet *take_grey(struct lu_marking *marking) {
  if (atomic_load(&marking->packets.grey_count) == 0)
    return NULL;
  atomic_fetch_add(&marking->pops, 1);
  return lu_grey_pop(&marking->packets);
}

bool lu_stack_refill(lull_heap *heap, struct lu_stack *stack) {
  struct lu_marking *marking = &heap->marking;
  struct lu_packet *next = stack->spare != NULL ? stack->spare : take_grey(marking);
  LU_ASSERT(stack->next == stack->floor);
  if (next == NULL)
    return false;
  LU_ASSERT(next->count > 0);
  if (stack->top != NULL)
    lu_packet_drop(&marking->packets, stack->top);
  stack->spare = NULL;
  use(&marking->packets, stack, next);
  return true;
}

/* The older half of the top packet, in a packet of its own; NULL when no packet is free. */
static struct lu_packet *split_top(struct lu_packets *packets, struct lu_stack *stack) {
  struct lu_packet *half = lu_packet_new(packets);
  if (half == NULL)
    return NULL;
  size_t count = (size_t)(stack->next - stack->floor), given = count / 2;
  half->count = (uint32_t)given;
  memcpy(half->entry, stack->floor, given * sizeof half->entry[0]);
  memmove(stack->floor, stack->floor + given, (count - given) * sizeof half->entry[0]);
  stack->next -= given;
  return half;
}

void lu_stack_share(lull_heap *heap, struct lu_stack *stack) {
  struct lu_marking *marking = &heap->marking;
  if (atomic_load_explicit(&marking->hungry, memory_order_relaxed) == 0 ||
      stack->next - stack->floor < 2)
    return;
  struct lu_packet *gift =
      stack->spare != NULL ? stack->spare : split_top(&marking->packets, stack);
  if (gift == NULL)
    return;
  stack->spare = NULL;
  atomic_store_explicit(&marking->hungry, 0, memory_order_relaxed);
  give(heap, gift);
}

static void give_back(lull_heap *heap, struct lu_packet *packet) {
  if (packet == NULL)
    return;
  if (packet->count == 0)
    lu_packet_drop(&heap->marking.packets, packet);
  else
    give(heap, packet);
}

void lu_stack_release(lull_heap *heap, struct lu_stack *stack) {
  settle(stack);
  give_back(heap, stack->spare);
  give_back(heap, stack->top);
  *stack = (struct lu_stack){0};
}
