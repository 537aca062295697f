/*
 * gcbench: the benchmark of Ellis, Kovac and Boehm, in our own code: binary trees of many depths
 * are built from the leaves up and from the root down and dropped again, while a tree and an array
 * of numbers stay alive throughout. Each thread runs the whole benchmark with its own long-lived
 * data.
 *
 * Checked: the node count of every tree, and the long-lived array's contents.
 */
#include "stress/common/arguments.h"
#include "stress/common/check.h"
#include "stress/common/clock.h"
#include "stress/common/figures.h"
#include "stress/common/heap.h"
#include "stress/common/team.h"

#include <stdio.h>

struct node {
  lull_object header;
  struct node *left, *right;
  uint64_t i, j;
};

struct numbers {
  lull_object header;
  size_t length;
  double at[];
};

static uint64_t stretch_depth = 18, long_depth = 16, array_length = 500000, threads = 1, seed = 1;
static lull_type node_type, numbers_type;

static void define_types(lull_heap *heap) {
  static const uint64_t map[] = {LULL_BIT(struct node, left) | LULL_BIT(struct node, right)};

  node_type = heap_type(
      heap, (lull_type_desc){.name = "node",
                             .size = sizeof(struct node),
                             .layout = {.refs = LULL_REFS_MAP, .map = map, .map_words = 1}});
  numbers_type =
      heap_type(heap, (lull_type_desc){.name = "numbers",
                                       .size = sizeof(struct numbers),
                                       .element_size = sizeof(double),
                                       .length_offset = offsetof(struct numbers, length)});
}

static struct node *new_node(lull_thread *thread) {
  struct node *node = lull_new(thread, node_type);
  STRESS_CHECK(node != NULL, "no memory for a node");
  return node;
}

/* From the root down: stores into objects that have become old meanwhile. */
static void populate(lull_thread *thread, uint64_t depth, struct node *node) {
  struct node *child;

  if (depth == 0)
    return;
  child = new_node(thread);
  lull_store(thread, node, &node->left, child);
  child = new_node(thread);
  lull_store(thread, node, &node->right, child);
  populate(thread, depth - 1, node->left);
  populate(thread, depth - 1, node->right);
}

static struct node *top_down(lull_thread *thread, uint64_t depth) {
  struct node *root = new_node(thread);
  LULL_ROOTS(thread, root);

  populate(thread, depth, root);
  return root;
}

/* From the leaves up: only initialising stores. */
static struct node *bottom_up(lull_thread *thread, uint64_t depth) {
  struct node *left = NULL, *right = NULL, *node;
  LULL_ROOTS(thread, left, right);

  if (depth > 0) {
    left = bottom_up(thread, depth - 1);
    right = bottom_up(thread, depth - 1);
  }
  node = new_node(thread);
  lull_init(thread, node, &node->left, left);
  lull_init(thread, node, &node->right, right);
  return node;
}

/* Polls; the tree's root is in a root, and nobody changes the tree. */
static uint64_t count_nodes(lull_thread *thread, const struct node *node) {
  if (!node)
    return 0;
  lull_poll(thread);
  return 1 + count_nodes(thread, node->left) + count_nodes(thread, node->right);
}

static uint64_t tree_size(uint64_t depth) {
  return ((uint64_t)2 << depth) - 1;
}

static void check_tree(lull_thread *thread, struct node *root, uint64_t depth) {
  uint64_t nodes;
  LULL_ROOTS(thread, root);

  nodes = count_nodes(thread, root);
  STRESS_CHECK(nodes == tree_size(depth), "a tree of depth %u has %llu nodes", (unsigned)depth,
               (unsigned long long)nodes);
}

/* Trees of one depth, as many as take the memory of two stretch trees. */
static void build_trees(lull_thread *thread, uint64_t depth) {
  uint64_t repeats = 2 * tree_size(stretch_depth) / tree_size(depth);

  for (uint64_t i = 0; i < repeats; i++)
    check_tree(thread, top_down(thread, depth), depth);
  for (uint64_t i = 0; i < repeats; i++)
    check_tree(thread, bottom_up(thread, depth), depth);
}

static void check_numbers(const struct numbers *array) {
  for (uint64_t i = 0; i < array_length; i++)
    STRESS_CHECK(array->at[i] == 1.0 / (double)(i + 1), "number %u of the array is wrong",
                 (unsigned)i);
}

static void work(struct member *member) {
  lull_thread *thread = member->thread;
  struct node *long_lived = NULL;
  struct numbers *array = NULL;
  LULL_ROOTS(thread, long_lived, array);

  check_tree(thread, bottom_up(thread, stretch_depth), stretch_depth);
  long_lived = top_down(thread, long_depth);
  array = lull_new_array(thread, numbers_type, array_length);
  STRESS_CHECK(array != NULL, "no memory for the array");
  for (uint64_t i = 0; i < array_length; i++)
    array->at[i] = 1.0 / (double)(i + 1);
  for (uint64_t depth = 4; depth <= long_depth; depth += 2) {
    build_trees(thread, depth);
    fprintf(stderr, "gcbench: thread %u depth %u done\n", member->index, (unsigned)depth);
  }
  check_tree(thread, long_lived, long_depth);
  check_numbers(array);
}

int main(int argc, char **argv) {
  const char *options = NULL;
  const struct argument table[] = {
      {"stretch", ARGUMENT_COUNT, &stretch_depth, "depth of the first tree"},
      {"long", ARGUMENT_COUNT, &long_depth,
       "depth of the long-lived and the largest short-lived trees"},
      {"array", ARGUMENT_COUNT, &array_length, "numbers in the long-lived array"},
      {"threads", ARGUMENT_COUNT, &threads, "threads, each with all of that"},
      {"options", ARGUMENT_TEXT, &options, "options of the heap, as in LULL_OPTIONS"},
      {NULL, ARGUMENT_FLAG, NULL, NULL}};
  lull_heap *heap;
  uint64_t began;

  arguments_parse(argc, argv, "Trees of many depths beside long-lived data.", table);
  heap = heap_make("heap.max=512M", options);
  define_types(heap);
  began = clock_wall();
  team_run(heap, (unsigned)threads, seed, work, NULL);
  figures_start("gcbench");
  figures_count("threads", threads);
  figures_real("seconds", clock_seconds(began, clock_wall()));
  figures_heap(heap);
  figures_memory();
  figures_end();
  heap_end(heap);
  return 0;
}
