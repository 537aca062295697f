/*
 * forest.h: many old objects and few young ones that survive. Full trees, each with a chain of
 * nodes at any of its leaves; work on it makes garbage, and puts new chains, some percent of what
 * it allocates, into the place of older ones. Nodes are checked: a wrong one ends the program.
 *
 * Several threads may work on one forest, each on trees of its own. All functions but forest_types
 * poll; `forest` is kept alive by a root of the caller.
 */
#ifndef BENCH_MICRO_FOREST_H
#define BENCH_MICRO_FOREST_H

#include <inttypes.h>
#include <lull.h>

#include "stress/common/check.h"
#include "stress/common/heap.h"
#include "stress/common/random.h"

struct node {
  lull_object header;
  struct node *left, *right; /* of a chain: left is the next one */
  struct node *chain;        /* of leaves; NULL or a chain */
  uint64_t number, inverse;  /* inverse: ~number */
};

struct forest {
  lull_object header;
  size_t length;
  struct node *trees[];
};

enum {
  FOREST_DEPTH = 10,
  FOREST_TREE_NODES = (2 << FOREST_DEPTH) - 1,
  FOREST_TREE_BYTES = FOREST_TREE_NODES * sizeof(struct node)
};

/* What the work on a forest is like. */
struct forest_work {
  lull_type node_type, forest_type;
  uint64_t survivors;    /* percent */
  uint64_t chain_length; /* nodes */
};

/* One thread's share of the work: the trees [first, first + trees), and numbers for new chains. */
struct forest_worker {
  const struct forest_work *work;
  lull_thread *thread;
  struct random random;
  size_t first, trees;
  uint64_t next;
};

static inline void forest_types(lull_heap *heap, struct forest_work *work) {
  static const uint64_t map[] = {LULL_BIT(struct node, left) | LULL_BIT(struct node, right) |
                                 LULL_BIT(struct node, chain)};
  work->node_type = heap_type(
      heap, (lull_type_desc){.name = "node",
                             .size = sizeof(struct node),
                             .layout = {.refs = LULL_REFS_MAP, .map = map, .map_words = 1}});
  work->forest_type = heap_type(
      heap, (lull_type_desc){.name = "forest",
                             .size = sizeof(struct forest),
                             .element_size = sizeof(struct node *),
                             .length_offset = offsetof(struct forest, length),
                             .element = {.refs = LULL_REFS_ALL}});
}

static inline struct node *forest_node(const struct forest_worker *worker, uint64_t number,
                                       struct node *left, struct node *right) {
  struct node *node = lull_new(worker->thread, worker->work->node_type);

  STRESS_CHECK(node != NULL, "no memory for a node");
  lull_init(worker->thread, node, &node->left, left);
  lull_init(worker->thread, node, &node->right, right);
  node->number = number;
  node->inverse = ~number;
  return node;
}

static inline struct node *forest_build(const struct forest_worker *worker, unsigned depth,
                                        uint64_t *next) {
  struct node *left = NULL, *right = NULL;
  LULL_ROOTS(worker->thread, left, right);

  if (depth > 0) {
    left = forest_build(worker, depth - 1, next);
    right = forest_build(worker, depth - 1, next);
  }
  return forest_node(worker, (*next)++, left, right);
}

static inline struct forest *forest_plant(const struct forest_worker *worker, size_t trees) {
  struct forest *forest = NULL;
  uint64_t next = 0;
  LULL_ROOTS(worker->thread, forest);

  forest = lull_new_array(worker->thread, worker->work->forest_type, trees);
  STRESS_CHECK(forest != NULL, "no memory for the forest");
  for (size_t i = 0; i < trees; i++) {
    struct node *tree = forest_build(worker, FOREST_DEPTH, &next);
    lull_store(worker->thread, forest, &forest->trees[i], tree);
  }
  return forest;
}

/* The sum of a chain's numbers; each is one less than that of the node before. */
static inline uint64_t forest_check_chain(const struct forest_work *work, const struct node *node) {
  uint64_t count = 0, sum = 0, first = node ? node->number : 0;

  for (; node; node = node->left, count++) {
    STRESS_CHECK(node->number == first - count && node->inverse == ~node->number,
                 "node %" PRIu64 " of a chain is overwritten", count);
    sum += node->number;
  }
  STRESS_CHECK(count == 0 || count == work->chain_length, "a chain has %" PRIu64 " nodes", count);
  return sum;
}

static inline uint64_t forest_check_tree(const struct forest_work *work, const struct node *node,
                                         uint64_t *nodes) {
  if (!node)
    return 0;
  STRESS_CHECK(node->inverse == ~node->number, "a node of the forest is overwritten");
  ++*nodes;
  return node->number + forest_check_chain(work, node->chain) +
         forest_check_tree(work, node->left, nodes) + forest_check_tree(work, node->right, nodes);
}

/* Checks all; the sum of all numbers. */
static inline uint64_t forest_check(const struct forest_worker *worker,
                                    const struct forest *forest) {
  uint64_t sum = 0, nodes = 0;

  for (size_t i = 0; i < forest->length; i++) {
    sum += forest_check_tree(worker->work, forest->trees[i], &nodes);
    lull_poll(worker->thread);
  }
  STRESS_CHECK(nodes == forest->length * FOREST_TREE_NODES, "the forest has %" PRIu64 " nodes",
               nodes);
  return sum;
}

static inline struct node *forest_leaf(struct forest_worker *worker, const struct forest *forest) {
  size_t tree = worker->first + random_below(&worker->random, (uint32_t)worker->trees);
  struct node *node = forest->trees[tree];
  uint64_t turns = random_next(&worker->random);

  for (; node->left; turns >>= 1)
    node = turns & 1 ? node->left : node->right;
  return node;
}

static inline struct node *forest_chain(struct forest_worker *worker) {
  struct node *chain = NULL;
  LULL_ROOTS(worker->thread, chain);

  for (uint64_t i = 0; i < worker->work->chain_length; i++)
    chain = forest_node(worker, worker->next++, chain, NULL);
  return chain;
}

/* Allocates so many nodes, or a few more. */
static inline void forest_churn(struct forest_worker *worker, struct forest *forest,
                                uint64_t nodes) {
  const struct forest_work *work = worker->work;
  uint64_t surviving = work->survivors > 0 ? work->chain_length : 0;
  uint64_t unit = work->survivors > 0 ? surviving * 100 / work->survivors : 1000;
  LULL_ROOTS(worker->thread, forest);

  for (uint64_t done = 0; done < nodes; done += unit) {
    if (surviving > 0) {
      struct node *chain = forest_chain(worker);
      struct node *leaf = forest_leaf(worker, forest);
      forest_check_chain(work, leaf->chain);
      lull_store(worker->thread, leaf, &leaf->chain, chain);
    }
    for (uint64_t i = surviving; i < unit; i++)
      forest_node(worker, i, NULL, NULL);
  }
}

#endif
