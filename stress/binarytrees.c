/*
 * binarytrees: full binary trees of depths 4 to N, many of the small ones and few of the large
 * ones, shared out among threads, beside one long-lived tree. After an idea of Ellis, Kovac and
 * Boehm, as the Computer Language Benchmarks Game poses it.
 *
 * Checked: the node count of every tree, and the sum over all.
 */
#include "stress/common/arguments.h"
#include "stress/common/check.h"
#include "stress/common/clock.h"
#include "stress/common/figures.h"
#include "stress/common/heap.h"
#include "stress/common/team.h"

struct node {
  lull_object header;
  struct node *left, *right;
};

enum { LEAST_DEPTH = 4 };

static uint64_t depth = 16, threads = 2;
static lull_type node_type;
/* Nodes counted in short-lived trees: added to by every thread when it is done (relaxed; read after
 * all are joined). */
static uint64_t nodes_seen;

static struct node *build(lull_thread *thread, uint64_t levels) {
  struct node *left = NULL, *right = NULL, *node;
  LULL_ROOTS(thread, left, right);

  if (levels > 0) {
    left = build(thread, levels - 1);
    right = build(thread, levels - 1);
  }
  node = lull_new(thread, node_type);
  STRESS_CHECK(node != NULL, "no memory for a node");
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

static uint64_t tree_size(uint64_t levels) {
  return ((uint64_t)2 << levels) - 1;
}

static uint64_t count_tree(lull_thread *thread, struct node *root) {
  LULL_ROOTS(thread, root);

  return count_nodes(thread, root);
}

static uint64_t build_and_count(lull_thread *thread, uint64_t levels) {
  uint64_t nodes = count_tree(thread, build(thread, levels));

  STRESS_CHECK(nodes == tree_size(levels), "a tree of depth %u has %llu nodes", (unsigned)levels,
               (unsigned long long)nodes);
  return nodes;
}

static uint64_t repeats(uint64_t levels) {
  return (uint64_t)1 << (depth - levels + LEAST_DEPTH);
}

/* Every count-th tree of each depth is this member's. */
static void work(struct member *member) {
  uint64_t nodes = 0;

  for (uint64_t levels = LEAST_DEPTH; levels <= depth; levels += 4)
    for (uint64_t i = member->index; i < repeats(levels); i += member->count)
      nodes += build_and_count(member->thread, levels);
  __atomic_fetch_add(&nodes_seen, nodes, __ATOMIC_RELAXED);
}

static uint64_t nodes_expected(void) {
  uint64_t nodes = 0;
  for (uint64_t levels = LEAST_DEPTH; levels <= depth; levels += 4)
    nodes += repeats(levels) * tree_size(levels);
  return nodes;
}

int main(int argc, char **argv) {
  static const uint64_t map[] = {LULL_BIT(struct node, left) | LULL_BIT(struct node, right)};
  const char *options = NULL;
  const struct argument table[] = {
      {"depth", ARGUMENT_COUNT, &depth, "depth of the largest short-lived trees, at least 4"},
      {"threads", ARGUMENT_COUNT, &threads, "threads"},
      {"options", ARGUMENT_TEXT, &options, "options of the heap, as in LULL_OPTIONS"},
      {NULL, ARGUMENT_FLAG, NULL, NULL}};
  lull_heap *heap;
  lull_thread *thread;
  lull_handle *long_lived;
  uint64_t began;

  arguments_parse(argc, argv, "Full binary trees, built and dropped.", table);
  STRESS_CHECK(depth >= LEAST_DEPTH && depth < 30, "--depth must be 4 to 29");
  heap = heap_make("heap.max=512M", options);
  node_type = heap_type(
      heap, (lull_type_desc){.name = "node",
                             .size = sizeof(struct node),
                             .layout = {.refs = LULL_REFS_MAP, .map = map, .map_words = 1}});
  began = clock_wall();
  thread = heap_attach(heap);
  build_and_count(thread, depth + 1);
  long_lived = lull_handle_new(thread, build(thread, depth));
  STRESS_CHECK(long_lived != NULL, "no memory for a handle");
  STRESS_OK(lull_blocked_begin(thread));
  team_run(heap, (unsigned)threads, 1, work, NULL);
  STRESS_OK(lull_blocked_end(thread));
  STRESS_CHECK(count_tree(thread, lull_handle_get(thread, long_lived)) == tree_size(depth),
               "the long-lived tree lost nodes");
  STRESS_OK(lull_handle_release(thread, long_lived));
  heap_detach(thread);
  STRESS_CHECK(nodes_seen == nodes_expected(), "%llu nodes instead of %llu",
               (unsigned long long)nodes_seen, (unsigned long long)nodes_expected());
  figures_start("binarytrees");
  figures_count("depth", depth);
  figures_count("threads", threads);
  figures_count("nodes", nodes_seen);
  figures_real("seconds", clock_seconds(began, clock_wall()));
  figures_heap(heap);
  figures_memory();
  figures_end();
  heap_end(heap);
  return 0;
}
