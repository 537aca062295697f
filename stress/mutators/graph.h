/*
 * The shadow graph: what one thread's private objects must look like, in malloc memory. A node
 * stands for an object, an edge for a reference in it. A node is foreign when it stands for a
 * shared object or a parcel, which a private object refers to: its address and id are known, its
 * references are not.
 *
 * Nothing here keeps an object alive: the addresses are compared, never followed. Owned by one
 * thread.
 */
#ifndef STRESS_MUTATORS_GRAPH_H
#define STRESS_MUTATORS_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stress/mutators/things.h"

enum {
  NOBODY = -1, /* the node of NULL */
  RANGE_ROOTS = 24,
  CALLBACK_ROOTS = 12,
  HANDLE_ROOTS = 12,
  ROOTS = RANGE_ROOTS + CALLBACK_ROOTS + HANDLE_ROOTS,
  HELD_MOST = 128
};

struct node {
  struct thing *thing;
  uint64_t id;
  int32_t *edge; /* of each slot, a node or NOBODY; NULL for foreign nodes */
  size_t slots, bytes;
  int32_t next_free;
  enum kind kind;
  bool used, foreign, marked;
};

struct graph {
  struct node *nodes;
  int32_t capacity, count, first_free;
  size_t bytes;            /* of all nodes' objects */
  int32_t root[ROOTS];     /* what each root holds */
  int32_t held[HELD_MOST]; /* what frames hold, a stack */
  int32_t held_count;
  int32_t *work; /* for graph_collect: a stack of `capacity` nodes */
};

void graph_init(struct graph *graph);
void graph_free(struct graph *graph);

/* A node for an object whose references are all NULL. */
int32_t graph_add(struct graph *graph, struct thing *thing, enum kind kind);
/* A node for an object of others. */
int32_t graph_add_foreign(struct graph *graph, struct thing *thing, enum kind kind);

/* Frees the nodes that no root reaches. */
void graph_collect(struct graph *graph);

/* What frames hold. */
void graph_hold(struct graph *graph, int32_t node);
void graph_let_go(struct graph *graph, int32_t count);

static inline struct node *graph_node(const struct graph *graph, int32_t node) {
  return &graph->nodes[node];
}

#endif
