/* The shadow graph: nodes in one growing array with a free list; unreachable ones are found by
 * marking. */
#include "stress/mutators/graph.h"

#include <stdlib.h>

#include "stress/common/check.h"

enum { FIRST_CAPACITY = 256 };

void graph_init(struct graph *graph) {
  *graph = (struct graph){.first_free = NOBODY};
  for (unsigned i = 0; i < ROOTS; i++)
    graph->root[i] = NOBODY;
}

void graph_free(struct graph *graph) {
  for (int32_t i = 0; i < graph->capacity; i++)
    free(graph->nodes[i].edge);
  free(graph->nodes);
  free(graph->work);
  graph_init(graph);
}

static void free_node(struct graph *graph, int32_t index) {
  struct node *node = &graph->nodes[index];

  graph->bytes -= node->bytes;
  graph->count--;
  free(node->edge);
  *node = (struct node){.next_free = graph->first_free};
  graph->first_free = index;
}

static void grow(struct graph *graph) {
  int32_t capacity = graph->capacity ? 2 * graph->capacity : FIRST_CAPACITY;
  struct node *nodes = realloc(graph->nodes, (size_t)capacity * sizeof *nodes);
  int32_t *work = realloc(graph->work, (size_t)capacity * sizeof *work);

  STRESS_CHECK(nodes && work, "no memory for the shadow graph");
  for (int32_t i = capacity; i-- > graph->capacity;) {
    nodes[i] = (struct node){.next_free = graph->first_free};
    graph->first_free = i;
  }
  graph->nodes = nodes;
  graph->work = work;
  graph->capacity = capacity;
}

static int32_t new_node(struct graph *graph, struct thing *thing, enum kind kind, bool foreign) {
  int32_t index;
  struct node *node;

  if (graph->first_free == NOBODY)
    grow(graph);
  index = graph->first_free;
  node = &graph->nodes[index];
  graph->first_free = node->next_free;
  graph->count++;
  *node = (struct node){
      .thing = thing, .id = thing->id, .kind = kind, .used = true, .foreign = foreign};
  return index;
}

int32_t graph_add(struct graph *graph, struct thing *thing, enum kind kind) {
  int32_t index = new_node(graph, thing, kind, false);
  struct node *node = &graph->nodes[index];

  node->slots = thing_slots(kind, thing);
  node->bytes = 64 + 8 * node->slots + (kind == LEAF ? thing_length(kind, thing) : 0);
  graph->bytes += node->bytes;
  node->edge = stress_malloc(node->slots * sizeof *node->edge);
  for (size_t i = 0; i < node->slots; i++)
    node->edge[i] = NOBODY;
  return index;
}

int32_t graph_add_foreign(struct graph *graph, struct thing *thing, enum kind kind) {
  return new_node(graph, thing, kind, true);
}

/* Marks a node and puts it on the stack of `depth` nodes, once; returns the new depth. */
static int32_t mark(struct graph *graph, int32_t index, int32_t depth) {
  if (index == NOBODY || graph->nodes[index].marked)
    return depth;
  graph->nodes[index].marked = true;
  graph->work[depth] = index;
  return depth + 1;
}

static void mark_all(struct graph *graph) {
  int32_t depth = 0;

  for (unsigned i = 0; i < ROOTS; i++)
    depth = mark(graph, graph->root[i], depth);
  for (int32_t i = 0; i < graph->held_count; i++)
    depth = mark(graph, graph->held[i], depth);
  while (depth > 0) {
    struct node *node = &graph->nodes[graph->work[--depth]];
    for (size_t i = 0; i < node->slots; i++)
      depth = mark(graph, node->edge[i], depth);
  }
}

void graph_collect(struct graph *graph) {
  mark_all(graph);
  for (int32_t i = 0; i < graph->capacity; i++) {
    if (graph->nodes[i].used && !graph->nodes[i].marked)
      free_node(graph, i);
    graph->nodes[i].marked = false;
  }
}

void graph_hold(struct graph *graph, int32_t node) {
  STRESS_CHECK(graph->held_count < HELD_MOST, "too many nested frames");
  graph->held[graph->held_count++] = node;
}

void graph_let_go(struct graph *graph, int32_t count) {
  graph->held_count -= count;
}
