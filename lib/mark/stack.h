/*
 * mark/stack.h: a marker's private stack of entries: two packets, so that pushes and pops round an
 * edge do not exchange packets. Full packets go to the grey stack, where others take them; an empty
 * stack takes one from there.
 *
 * Invariant: of `top`, the entries [floor, next) are in use, and its count is stale until the
 * packet changes hands; `spare` is full or NULL. With no top all three are NULL. Used by the
 * marker's thread only.
 */
#ifndef LU_MARK_STACK_H
#define LU_MARK_STACK_H

#include <stdbool.h>
#include <stdint.h>
#include <lull/base.h>

struct lull_heap;
struct lu_packet;
struct lu_packets;

struct lu_stack {
  uintptr_t *next, *floor, *ceiling;
  struct lu_packet *top, *spare;
};

/* Makes room for one entry; false when no packet is free. May give a packet to the grey stack. */
bool lu_stack_grow(struct lull_heap *heap, struct lu_stack *stack);
/*
 * Goes on with the spare packet, or with one of the grey stack; false when there is none. The
 * stack's top is empty.
 */
bool lu_stack_refill(struct lull_heap *heap, struct lu_stack *stack);
/*
 * Gives a part to those who found the grey stack empty: the spare packet, or the older half of the
 * top one.
 */
void lu_stack_share(struct lull_heap *heap, struct lu_stack *stack);
/* Gives back everything; empty packets are freed. */
void lu_stack_release(struct lull_heap *heap, struct lu_stack *stack);

static inline bool lu_stack_push(struct lull_heap *heap, struct lu_stack *stack, uintptr_t entry) {
  if (LULL_UNLIKELY(stack->next == stack->ceiling) && !lu_stack_grow(heap, stack))
    return false;
  *stack->next++ = entry;
  return true;
}

/* 0 when there is nothing to take here or in the grey stack. */
static inline uintptr_t lu_stack_pop(struct lull_heap *heap, struct lu_stack *stack) {
  if (LULL_UNLIKELY(stack->next == stack->floor) && !lu_stack_refill(heap, stack))
    return 0;
  return *--stack->next;
}

#endif
