/*
 * Object graphs for the simulation of marking: which object refers to which. Object 0 is the root.
 */
#ifndef STRESS_MARKING_GRAPH_H
#define STRESS_MARKING_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

enum shape {
  SHAPE_RANDOM,   /* each object refers to two others; 64 of them are roots */
  SHAPE_TREE,     /* binary, complete */
  SHAPE_TABLE,    /* an array of chains of three */
  SHAPE_ARRAY,    /* an array of leaves */
  SHAPE_RECORDS,  /* a list; each cell refers to a tree of 15 objects */
  SHAPE_LISTS,    /* 64 lists */
  SHAPE_LIST,     /* one list */
  SHAPES
};
extern const char *const shape_names[SHAPES];

/* References of object i: to[first[i]] up to to[first[i + 1]]. */
struct graph {
  uint32_t count;
  uint32_t *first, *to;
  uint32_t reachable;   /* from the root, itself included */
};

/* About so many objects; the same for the same seed. */
struct graph graph_make(enum shape shape, uint32_t count, uint64_t seed);
void graph_free(struct graph *graph);

#endif
