/*
 * gcbench: the benchmark of Ellis, Kovac and Boehm, in our own code: binary trees of many depths
 * are built from the leaves up and from the root down and dropped again, while a tree and an array
 * of numbers stay alive throughout. Each thread runs the whole benchmark with its own long-lived
 * data.
 *
 * Checked: the node count of every tree, and the long-lived array's contents.
 */
#include "bench/common/crew.h"
#include "bench/common/fail.h"
#include "bench/common/measure.h"
#include "bench/memory/memory.h"
#include "stress/common/arguments.h"
#include "stress/common/check.h"

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

enum { LEAST_DEPTH = 4 };

static uint64_t stretch_depth = 18, long_depth = 16, array_length = 500000, threads = 1, heap_limit;
static mem_type node_type, numbers_type;
/* Nodes counted: added to by every thread when it is done (relaxed; read after all are joined). */
static uint64_t nodes_seen;

static struct node *new_node(mem_thread *thread, struct node *left, struct node *right) {
  struct node *node = mem_new(thread, node_type, sizeof *node);

  mem_init(thread, node, &node->left, left);
  mem_init(thread, node, &node->right, right);
  node->i = node->j = 0;
  return node;
}

/* From the root down: stores into objects that have become old meanwhile. */
static void populate(mem_thread *thread, uint64_t depth, struct node *node) {
  struct node *child;

  if (depth == 0)
    return;
  child = new_node(thread, NULL, NULL);
  mem_store(thread, node, &node->left, child);
  child = new_node(thread, NULL, NULL);
  mem_store(thread, node, &node->right, child);
  populate(thread, depth - 1, node->left);
  populate(thread, depth - 1, node->right);
}

static struct node *top_down(mem_thread *thread, uint64_t depth) {
  struct node *root = new_node(thread, NULL, NULL);
  MEM_ROOTS(thread, root);

  populate(thread, depth, root);
  return root;
}

/* From the leaves up: only initialising stores. */
static struct node *bottom_up(mem_thread *thread, uint64_t depth) {
  struct node *left = NULL, *right = NULL;
  MEM_ROOTS(thread, left, right);

  if (depth > 0) {
    left = bottom_up(thread, depth - 1);
    right = bottom_up(thread, depth - 1);
  }
  return new_node(thread, left, right);
}

/* Polls; the tree's root is in a root, and nobody changes the tree. */
static uint64_t count_nodes(mem_thread *thread, const struct node *node) {
  if (!node)
    return 0;
  mem_poll(thread);
  return 1 + count_nodes(thread, node->left) + count_nodes(thread, node->right);
}

static void free_tree(mem_thread *thread, struct node *node) {
  if (!node)
    return;
  free_tree(thread, node->left);
  free_tree(thread, node->right);
  mem_free(thread, node);
}

static uint64_t tree_size(uint64_t depth) {
  return ((uint64_t)2 << depth) - 1;
}

/* Counts a tree that is no longer needed, and drops it. */
static uint64_t count_and_drop(mem_thread *thread, struct node *root, uint64_t depth) {
  uint64_t nodes;
  MEM_ROOTS(thread, root);

  nodes = count_nodes(thread, root);
  STRESS_CHECK(nodes == tree_size(depth), "a tree of depth %u has %llu nodes", (unsigned)depth,
               (unsigned long long)nodes);
  if (MEM_FREES)
    free_tree(thread, root);
  return nodes;
}

/* Trees of one depth, as many as take the memory of two stretch trees, in both ways. Each is an
 * operation. */
static uint64_t build_trees(mem_thread *thread, struct measure_thread *measure, uint64_t depth) {
  uint64_t repeats = 2 * tree_size(stretch_depth) / tree_size(depth), nodes = 0;

  for (uint64_t i = 0; i < repeats; i++) {
    nodes += count_and_drop(thread, top_down(thread, depth), depth);
    measure_operation(measure);
  }
  for (uint64_t i = 0; i < repeats; i++) {
    nodes += count_and_drop(thread, bottom_up(thread, depth), depth);
    measure_operation(measure);
  }
  return nodes;
}

static struct numbers *new_numbers(mem_thread *thread) {
  struct numbers *array = mem_new_array(thread, numbers_type, array_length);

  for (uint64_t i = 0; i < array_length; i++)
    array->at[i] = 1.0 / (double)(i + 1);
  return array;
}

static void check_numbers(const struct numbers *array) {
  for (uint64_t i = 0; i < array_length; i++)
    STRESS_CHECK(array->at[i] == 1.0 / (double)(i + 1), "number %u of the array is wrong",
                 (unsigned)i);
}

/* Returns the nodes counted. */
static uint64_t run(mem_thread *thread, struct measure_thread *measure) {
  struct node *long_lived = NULL;
  struct numbers *array = NULL;
  uint64_t nodes;
  MEM_ROOTS(thread, long_lived, array);

  nodes = count_and_drop(thread, bottom_up(thread, stretch_depth), stretch_depth);
  long_lived = top_down(thread, long_depth);
  array = new_numbers(thread);
  measure_mark(measure);
  for (uint64_t depth = LEAST_DEPTH; depth <= long_depth; depth += 2)
    nodes += build_trees(thread, measure, depth);
  nodes += count_and_drop(thread, long_lived, long_depth);
  check_numbers(array);
  mem_free(thread, array);
  return nodes;
}

static void work(struct crew_member *member) {
  struct measure_thread measure;
  mem_thread *thread = mem_enter();

  (void)member;
  measure_thread_begin(&measure, MEASURE_IRREGULAR);
  __atomic_fetch_add(&nodes_seen, run(thread, &measure), __ATOMIC_RELAXED);
  measure_thread_end(&measure);
  mem_leave(thread);
}

/* Three times what lives: the stretch tree, then the long-lived data beside a tree. */
static uint64_t default_limit(void) {
  uint64_t first = tree_size(stretch_depth) * sizeof(struct node);
  uint64_t later = 2 * tree_size(long_depth) * sizeof(struct node) + 8 * array_length;
  uint64_t limit = 3 * threads * (first > later ? first : later);

  return limit > 16u << 20 ? limit : 16u << 20;
}

int main(int argc, char **argv) {
  const char *options = NULL;
  const struct argument table[] = {
      {"stretch", ARGUMENT_COUNT, &stretch_depth, "depth of the first tree"},
      {"long", ARGUMENT_COUNT, &long_depth,
       "depth of the long-lived and the largest short-lived trees"},
      {"array", ARGUMENT_COUNT, &array_length, "numbers in the long-lived array"},
      {"threads", ARGUMENT_COUNT, &threads, "threads, each with all of that"},
      {"heap", ARGUMENT_COUNT, &heap_limit, "the heap's limit in bytes; 0: three times the live"},
      {"options", ARGUMENT_TEXT, &options, "options of the heap, as in LULL_OPTIONS"},
      {NULL, ARGUMENT_FLAG, NULL, NULL}};

  arguments_parse(argc, argv, "Trees of many depths beside long-lived data.", table);
  bench_require(stretch_depth < 30 && long_depth < 30, "--stretch and --long must be less than 30");
  bench_require(array_length < (uint64_t)1 << 32, "--array must be less than 4G");
  crew_require(threads);
  mem_open(heap_limit ? heap_limit : default_limit(), options);
  node_type = mem_record("node", sizeof(struct node),
                         LULL_BIT(struct node, left) | LULL_BIT(struct node, right));
  numbers_type = mem_array("numbers", sizeof(struct numbers), offsetof(struct numbers, length),
                           sizeof(double), false);
  measure_start();
  crew_run(threads, work, NULL);
  measure_stop();
  mem_report();
  measure_print("gcbench", MEM_NAME, threads, nodes_seen, nodes_seen);
  mem_close();
  return 0;
}
