/*
 * binarytrees: full binary trees of depths 4 to N, many of the small ones and few of the large
 * ones, shared out among threads, beside one long-lived tree. After an idea of Ellis, Kovac and
 * Boehm, as the Computer Language Benchmarks Game poses it. The trees of the least depth are timed
 * in batches.
 *
 * Checked: the node count of every tree, and the sum over all.
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
};

enum {
  LEAST_DEPTH = 4,
  STEP = 2,
  UNPOLLED = 10 /* levels: some 10 us */,
  BATCH = 32 /* trees of the least depth: 992 nodes */
};

static uint64_t depth = 16, threads = 2, heap_limit;
static mem_type node_type;
/* Nodes counted in short-lived trees: added to by every thread when it is done (relaxed; read after
 * all are joined). */
static uint64_t nodes_seen;

static struct node *new_node(mem_thread *thread, struct node *left, struct node *right) {
  struct node *node = mem_new(thread, node_type, sizeof *node);

  mem_init(thread, node, &node->left, left);
  mem_init(thread, node, &node->right, right);
  return node;
}

static struct node *build_inner(mem_thread *thread, uint64_t levels);

/* A leaf is built without a frame of roots. */
static inline struct node *build(mem_thread *thread, uint64_t levels) {
  return levels == 0 ? new_node(thread, NULL, NULL) : build_inner(thread, levels);
}

static struct node *build_inner(mem_thread *thread, uint64_t levels) {
  struct node *left = NULL, *right = NULL;
  MEM_ROOTS(thread, left, right);

  left = build(thread, levels - 1);
  right = build(thread, levels - 1);
  return new_node(thread, left, right);
}

static uint64_t count_unpolled(const struct node *node) {
  return node ? 1 + count_unpolled(node->left) + count_unpolled(node->right) : 0;
}

/* Polls between subtrees; the tree's root is in a root, and nobody changes the tree. */
static uint64_t count_nodes(mem_thread *thread, const struct node *node, uint64_t levels) {
  if (!node || levels <= UNPOLLED)
    return count_unpolled(node);
  mem_poll(thread);
  return 1 + count_nodes(thread, node->left, levels - 1) +
         count_nodes(thread, node->right, levels - 1);
}

static void free_tree(mem_thread *thread, struct node *node) {
  if (!node)
    return;
  free_tree(thread, node->left);
  free_tree(thread, node->right);
  mem_free(thread, node);
}

static uint64_t tree_size(uint64_t levels) {
  return ((uint64_t)2 << levels) - 1;
}

/* Counts a tree that is no longer needed, and drops it. */
static uint64_t count_and_drop(mem_thread *thread, struct node *root, uint64_t levels) {
  uint64_t nodes;
  MEM_ROOTS(thread, root);

  nodes = count_nodes(thread, root, levels);
  STRESS_CHECK(nodes == tree_size(levels), "a tree of depth %u has %llu nodes", (unsigned)levels,
               (unsigned long long)nodes);
  if (MEM_FREES)
    free_tree(thread, root);
  return nodes;
}

static uint64_t build_and_count(mem_thread *thread, uint64_t levels) {
  return count_and_drop(thread, build(thread, levels), levels);
}

static uint64_t repeats(uint64_t levels) {
  return (uint64_t)1 << (depth - levels + LEAST_DEPTH);
}

/* The small trees. Every count-th is this member's; what does not fill a batch is not timed. */
static uint64_t build_batches(mem_thread *thread, const struct crew_member *member,
                              struct measure_thread *measure) {
  uint64_t nodes = 0, done = 0;

  measure_mark(measure);
  for (uint64_t i = member->index; i < repeats(LEAST_DEPTH); i += member->count) {
    nodes += build_and_count(thread, LEAST_DEPTH);
    if (++done % BATCH == 0)
      measure_operation(measure);
  }
  return nodes;
}

static uint64_t build_larger(mem_thread *thread, const struct crew_member *member) {
  uint64_t nodes = 0;

  for (uint64_t levels = LEAST_DEPTH + STEP; levels <= depth; levels += STEP)
    for (uint64_t i = member->index; i < repeats(levels); i += member->count)
      nodes += build_and_count(thread, levels);
  return nodes;
}

static void work(struct crew_member *member) {
  struct measure_thread measure;
  mem_thread *thread = mem_enter();
  uint64_t nodes;

  measure_thread_begin(&measure, MEASURE_IRREGULAR);
  nodes = build_batches(thread, member, &measure);
  nodes += build_larger(thread, member);
  __atomic_fetch_add(&nodes_seen, nodes, __ATOMIC_RELAXED);
  measure_thread_end(&measure);
  mem_leave(thread);
}

static uint64_t nodes_expected(void) {
  uint64_t nodes = 0;
  for (uint64_t levels = LEAST_DEPTH; levels <= depth; levels += STEP)
    nodes += repeats(levels) * tree_size(levels);
  return nodes;
}

/* The main thread's part, beside the crew. */
static void run(mem_thread *thread) {
  struct measure_thread measure;
  mem_handle *long_lived;

  measure_thread_begin(&measure, MEASURE_IRREGULAR);
  build_and_count(thread, depth + 1);
  long_lived = mem_handle_new(thread, build(thread, depth));
  mem_block(thread);
  crew_run(threads, work, NULL);
  mem_unblock(thread);
  count_and_drop(thread, mem_handle_get(thread, long_lived), depth);
  mem_handle_release(thread, long_lived);
  measure_thread_end(&measure);
}

/* Three times what lives: the long-lived tree and the largest of each thread, or in the beginning
 * one twice as large. */
static uint64_t default_limit(void) {
  uint64_t trees = 1 + (threads > 2 ? threads : 2), limit;

  limit = 3 * trees * tree_size(depth) * sizeof(struct node);
  return limit > 16u << 20 ? limit : 16u << 20;
}

int main(int argc, char **argv) {
  const char *options = NULL;
  const struct argument table[] = {
      {"depth", ARGUMENT_COUNT, &depth, "depth of the largest short-lived trees, at least 4"},
      {"threads", ARGUMENT_COUNT, &threads, "threads"},
      {"heap", ARGUMENT_COUNT, &heap_limit, "the heap's limit in bytes; 0: three times the live"},
      {"options", ARGUMENT_TEXT, &options, "options of the heap, as in LULL_OPTIONS"},
      {NULL, ARGUMENT_FLAG, NULL, NULL}};
  mem_thread *thread;

  arguments_parse(argc, argv, "Full binary trees, built and dropped.", table);
  bench_require(depth >= LEAST_DEPTH && depth < 30, "--depth must be 4 to 29");
  crew_require(threads);
  mem_open(heap_limit ? heap_limit : default_limit(), options);
  node_type = mem_record("node", sizeof(struct node),
                         LULL_BIT(struct node, left) | LULL_BIT(struct node, right));
  thread = mem_enter();
  measure_start();
  run(thread);
  measure_stop();
  mem_leave(thread);
  STRESS_CHECK(nodes_seen == nodes_expected(), "%llu nodes instead of %llu",
               (unsigned long long)nodes_seen, (unsigned long long)nodes_expected());
  measure_count("depth", depth);
  mem_report();
  measure_print("binarytrees", MEM_NAME, threads, nodes_seen, nodes_seen);
  mem_close();
  return 0;
}
