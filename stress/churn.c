/*
 * churn: a forest of binary trees of a given live size, and three operations on it: build a list
 * and drop it, swap two subtrees, replace a subtree. Every operation is timed inside the mutator,
 * by wall time; beside that stands the longest delay that the library itself measured by the
 * thread's CPU clock. --malloc runs the same on malloc and free, as a control of what the machine
 * alone does to the times.
 *
 * Checked: the number of nodes and the sum of their keys over the whole forest.
 */
#include "stress/common/arguments.h"
#include "stress/common/check.h"
#include "stress/common/clock.h"
#include "stress/common/figures.h"
#include "stress/common/heap.h"
#include "stress/common/random.h"

#include <stdio.h>
#include <stdlib.h>

struct node {
  lull_object header;
  struct node *child[2];
  uint64_t key;
  uint64_t payload[2];
};

struct forest {
  lull_object header;
  size_t length;
  struct node *trees[];
};

enum { DEPTH = 10, TREE_NODES = (2 << DEPTH) - 1, REPLACED_DEPTH = 5, LIST_NODES = 100 };

/* The one mutator's state. */
struct churn {
  lull_thread *thread; /* NULL: the control on malloc */
  struct forest *forest;
  struct random random;
  uint64_t next_key;
  uint64_t key_sum; /* of all nodes of the forest */
  uint64_t bytes;   /* allocated */
  lull_histogram list_times, swap_times, replace_times, all_times;
};

static uint64_t live = 64u << 20, heap_percent = 300, seconds = 10, seed = 1;
static bool on_malloc;
static lull_type node_type, forest_type;

static void define_types(lull_heap *heap) {
  static const uint64_t map[] = {LULL_BIT(struct node, child[0]) | LULL_BIT(struct node, child[1])};

  node_type = heap_type(
      heap, (lull_type_desc){.name = "node",
                             .size = sizeof(struct node),
                             .layout = {.refs = LULL_REFS_MAP, .map = map, .map_words = 1}});
  forest_type = heap_type(heap, (lull_type_desc){.name = "forest",
                                                 .size = sizeof(struct forest),
                                                 .element_size = 8,
                                                 .length_offset = offsetof(struct forest, length),
                                                 .element = {.refs = LULL_REFS_ALL}});
}

static struct node *new_node(struct churn *churn, struct node *left, struct node *right) {
  lull_thread *thread = churn->thread;
  struct node *node = thread ? lull_new(thread, node_type) : stress_calloc(1, sizeof *node);

  STRESS_CHECK(node != NULL, "no memory for a node");
  node->key = churn->next_key++;
  node->payload[0] = ~node->key;
  churn->bytes += sizeof *node;
  if (thread) {
    lull_init(thread, node, &node->child[0], left);
    lull_init(thread, node, &node->child[1], right);
  } else {
    node->child[0] = left;
    node->child[1] = right;
  }
  return node;
}

static void set(struct churn *churn, void *object, struct node **slot, struct node *value) {
  if (churn->thread)
    lull_store(churn->thread, object, slot, value);
  else
    *slot = value;
}

static struct node *build_managed(struct churn *churn, unsigned depth) {
  struct node *left = NULL, *right = NULL;
  LULL_ROOTS(churn->thread, left, right);

  if (depth > 0) {
    left = build_managed(churn, depth - 1);
    right = build_managed(churn, depth - 1);
  }
  return new_node(churn, left, right);
}

static struct node *build(struct churn *churn, unsigned depth) {
  struct node *left = NULL, *right = NULL;

  if (churn->thread)
    return build_managed(churn, depth);
  if (depth > 0) {
    left = build(churn, depth - 1);
    right = build(churn, depth - 1);
  }
  return new_node(churn, left, right);
}

static void free_tree(struct node *node) {
  if (!node)
    return;
  free_tree(node->child[0]);
  free_tree(node->child[1]);
  free(node);
}

/* The sum of a subtree's keys; counts its nodes and checks each. */
static uint64_t sum_keys(const struct node *node, uint64_t *nodes) {
  if (!node)
    return 0;
  STRESS_CHECK(node->payload[0] == ~node->key && node->payload[1] == 0, "a node is overwritten");
  ++*nodes;
  return node->key + sum_keys(node->child[0], nodes) + sum_keys(node->child[1], nodes);
}

/* Finds a random slot `depth` levels below the root of a random tree; its object in *owner. No
 * poll. */
static struct node **random_slot(struct churn *churn, unsigned depth, void **owner) {
  uint32_t tree = random_below(&churn->random, (uint32_t)churn->forest->length);
  struct node *node = churn->forest->trees[tree];
  uint64_t turns = random_next(&churn->random);

  for (; depth > 1; depth--, turns >>= 1)
    node = node->child[turns & 1];
  *owner = node;
  return &node->child[turns & 1];
}

static void make_list(struct churn *churn) {
  struct node *head = NULL;

  if (churn->thread) {
    LULL_ROOTS(churn->thread, head);
    for (unsigned i = 0; i < LIST_NODES; i++)
      head = new_node(churn, head, NULL);
    return;
  }
  for (unsigned i = 0; i < LIST_NODES; i++)
    head = new_node(churn, head, NULL);
  free_tree(head);
}

/* Both subtrees hang at the same depth, so all trees stay full; they may be in one tree. */
static void swap_subtrees(struct churn *churn) {
  unsigned depth = 1 + random_below(&churn->random, DEPTH);
  void *one_owner, *two_owner;
  struct node **one = random_slot(churn, depth, &one_owner);
  struct node **two = random_slot(churn, depth, &two_owner);
  struct node *first = *one, *second = *two;

  set(churn, one_owner, one, second);
  set(churn, two_owner, two, first);
}

static void replace_subtree(struct churn *churn) {
  struct node *fresh = build(churn, REPLACED_DEPTH), *old;
  void *owner;
  struct node **slot = random_slot(churn, DEPTH - REPLACED_DEPTH, &owner);

  old = *slot;
  set(churn, owner, slot, fresh);
  if (!churn->thread)
    free_tree(old);
}

/* The keys that one replacement adds and removes are counted outside the timed part: it looks up
 * beforehand which subtree goes. */
static uint64_t timed_replace(struct churn *churn) {
  struct random before = churn->random;
  uint64_t first_key = churn->next_key, nodes = 0, began, ended;
  void *owner;

  churn->key_sum -= sum_keys(*random_slot(churn, DEPTH - REPLACED_DEPTH, &owner), &nodes);
  churn->random = before;
  began = clock_wall();
  replace_subtree(churn);
  ended = clock_wall();
  churn->key_sum += nodes * first_key + nodes * (nodes - 1) / 2;
  return ended - began;
}

static uint64_t timed(struct churn *churn, void (*operation)(struct churn *)) {
  uint64_t began = clock_wall();
  operation(churn);
  return clock_wall() - began;
}

static void one_operation(struct churn *churn) {
  lull_histogram *times;
  uint64_t taken;
  uint32_t choice = random_below(&churn->random, 10);

  if (choice < 4) {
    times = &churn->list_times;
    taken = timed(churn, make_list);
  } else if (choice < 7) {
    times = &churn->swap_times;
    taken = timed(churn, swap_subtrees);
  } else {
    times = &churn->replace_times;
    taken = timed_replace(churn);
  }
  figures_record(times, taken);
  figures_record(&churn->all_times, taken);
}

static void plant(struct churn *churn, size_t trees) {
  size_t size = sizeof(struct forest) + trees * sizeof(struct node *);

  if (churn->thread) {
    churn->forest = lull_new_array(churn->thread, forest_type, trees);
  } else {
    churn->forest = stress_calloc(1, size);
    churn->forest->length = trees;
  }
  STRESS_CHECK(churn->forest != NULL, "no memory for the forest");
  for (size_t i = 0; i < trees; i++)
    set(churn, churn->forest, &churn->forest->trees[i], build(churn, DEPTH));
  churn->key_sum = churn->next_key * (churn->next_key - 1) / 2;
}

static void check_forest(struct churn *churn) {
  uint64_t nodes = 0, sum = 0;

  for (size_t i = 0; i < churn->forest->length; i++) {
    sum += sum_keys(churn->forest->trees[i], &nodes);
    if (churn->thread)
      lull_poll(churn->thread);
  }
  STRESS_CHECK(nodes == churn->forest->length * TREE_NODES, "the forest has %llu nodes",
               (unsigned long long)nodes);
  STRESS_CHECK(sum == churn->key_sum, "the keys add up to %llu instead of %llu",
               (unsigned long long)sum, (unsigned long long)churn->key_sum);
}

static uint64_t operate(struct churn *churn) {
  uint64_t began = clock_wall(), last = began, now;

  for (uint64_t operations = 1;; operations++) {
    one_operation(churn);
    now = clock_wall();
    if (now - began > seconds * 1000000000u)
      return operations;
    if (now - last > 5000000000u) {
      last = now;
      fprintf(stderr, "churn: %.0f s, %llu operations\n", clock_seconds(began, now),
              (unsigned long long)operations);
    }
  }
}

static void report(const struct churn *churn, lull_heap *heap, uint64_t operations, double taken) {
  figures_start("churn");
  figures_text("memory", heap ? "lull" : "malloc");
  figures_count("live_mb", live >> 20);
  figures_count("operations", operations);
  figures_real("seconds", taken);
  figures_real("mb_per_s", (double)churn->bytes / 1048576 / taken);
  figures_tail("op", &churn->all_times);
  figures_times("list", &churn->list_times);
  figures_times("swap", &churn->swap_times);
  figures_times("replace", &churn->replace_times);
  if (heap)
    figures_heap(heap);
  figures_memory();
  figures_end();
}

static void run(struct churn *churn, lull_heap *heap) {
  size_t trees = live / (TREE_NODES * sizeof(struct node));
  uint64_t began, ended, operations;

  STRESS_CHECK(trees > 0, "--live must be at least %zu", TREE_NODES * sizeof(struct node));
  plant(churn, trees);
  churn->bytes = 0;
  began = clock_wall();
  operations = operate(churn);
  ended = clock_wall();
  check_forest(churn);
  report(churn, heap, operations, clock_seconds(began, ended));
}

static void run_managed(struct churn *churn, const char *options) {
  char limit[64];
  lull_heap *heap;

  snprintf(limit, sizeof limit, "heap.max=%lluK",
           (unsigned long long)(live / 100 * heap_percent >> 10));
  heap = heap_make(limit, options);
  define_types(heap);
  churn->thread = heap_attach(heap);
  {
    LULL_ROOTS(churn->thread, churn->forest);
    run(churn, heap);
  }
  heap_detach(churn->thread);
  heap_end(heap);
}

int main(int argc, char **argv) {
  const char *options = NULL;
  const struct argument table[] = {
      {"live", ARGUMENT_COUNT, &live, "bytes that stay alive"},
      {"heap", ARGUMENT_COUNT, &heap_percent, "limit of the heap, percent of --live"},
      {"seconds", ARGUMENT_COUNT, &seconds, "how long"},
      {"seed", ARGUMENT_COUNT, &seed, "of the random choices"},
      {"malloc", ARGUMENT_FLAG, &on_malloc, "on malloc and free instead"},
      {"options", ARGUMENT_TEXT, &options, "options of the heap, as in LULL_OPTIONS"},
      {NULL, ARGUMENT_FLAG, NULL, NULL}};
  static struct churn churn;

  arguments_parse(argc, argv, "A forest of given size under change; times of each operation.",
                  table);
  churn.random = random_seeded(seed, 0);
  if (on_malloc)
    run(&churn, NULL);
  else
    run_managed(&churn, options);
  return 0;
}
