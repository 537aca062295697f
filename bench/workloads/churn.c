/*
 * churn: a forest of binary trees of a given live size, and three operations on it: build a list
 * and drop it, swap two subtrees, replace a subtree. Every operation is timed inside the mutator,
 * by wall time.
 *
 * Checked: the number of nodes and the sum of their keys over the whole forest.
 */
#include "bench/common/fail.h"
#include "bench/common/measure.h"
#include "bench/memory/memory.h"
#include "stress/common/arguments.h"
#include "stress/common/check.h"
#include "stress/common/random.h"

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

enum {
  DEPTH = 10,
  TREE_NODES = (2 << DEPTH) - 1,
  REPLACED_DEPTH = 5,
  LIST_NODES = 100,
  PAUSE = 50000 /* ns; the longest operation takes a tenth of it */
};

/* The one mutator's state. */
struct churn {
  mem_thread *thread;
  struct forest *forest;
  struct random random;
  struct measure_thread measure;
  uint64_t next_key;
  uint64_t key_sum; /* of all nodes of the forest */
  lull_histogram list_times, swap_times, replace_times;
};

static uint64_t live = 64u << 20, operations = 500000, seed = 1, heap_limit;
static mem_type node_type, forest_type;

static void define_types(void) {
  node_type = mem_record("node", sizeof(struct node),
                         LULL_BIT(struct node, child[0]) | LULL_BIT(struct node, child[1]));
  forest_type = mem_array("forest", sizeof(struct forest), offsetof(struct forest, length), 8,
                          true);
}

static struct node *new_node(struct churn *churn, struct node *left, struct node *right) {
  struct node *node = mem_new(churn->thread, node_type, sizeof *node);

  mem_init(churn->thread, node, &node->child[0], left);
  mem_init(churn->thread, node, &node->child[1], right);
  node->key = churn->next_key++;
  node->payload[0] = ~node->key;
  node->payload[1] = 0;
  return node;
}

static struct node *build(struct churn *churn, unsigned depth) {
  struct node *left = NULL, *right = NULL;
  MEM_ROOTS(churn->thread, left, right);

  if (depth > 0) {
    left = build(churn, depth - 1);
    right = build(churn, depth - 1);
  }
  return new_node(churn, left, right);
}

static void free_tree(mem_thread *thread, struct node *node) {
  if (!node)
    return;
  free_tree(thread, node->child[0]);
  free_tree(thread, node->child[1]);
  mem_free(thread, node);
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
  MEM_ROOTS(churn->thread, head);

  for (unsigned i = 0; i < LIST_NODES; i++)
    head = new_node(churn, head, NULL);
  if (MEM_FREES)
    for (struct node *next; head; head = next) {
      next = head->child[0];
      mem_free(churn->thread, head);
    }
}

/* Both subtrees hang at the same depth, so all trees stay full; they may be in one tree. */
static void swap_subtrees(struct churn *churn) {
  unsigned depth = 1 + random_below(&churn->random, DEPTH);
  void *one_owner, *two_owner;
  struct node **one = random_slot(churn, depth, &one_owner);
  struct node **two = random_slot(churn, depth, &two_owner);
  struct node *first = *one, *second = *two;

  mem_store(churn->thread, one_owner, one, second);
  mem_store(churn->thread, two_owner, two, first);
}

static void replace_subtree(struct churn *churn) {
  struct node *fresh = build(churn, REPLACED_DEPTH), *old;
  void *owner;
  struct node **slot = random_slot(churn, DEPTH - REPLACED_DEPTH, &owner);

  old = *slot;
  mem_store(churn->thread, owner, slot, fresh);
  if (MEM_FREES)
    free_tree(churn->thread, old);
}

static uint64_t timed(struct churn *churn, void (*operation)(struct churn *)) {
  measure_mark(&churn->measure);
  operation(churn);
  return measure_operation(&churn->measure);
}

/* The keys that one replacement adds and removes are counted outside the timed part: it looks up
 * beforehand which subtree goes. */
static uint64_t timed_replace(struct churn *churn) {
  struct random before = churn->random;
  uint64_t first_key = churn->next_key, nodes = 0, taken;
  void *owner;

  churn->key_sum -= sum_keys(*random_slot(churn, DEPTH - REPLACED_DEPTH, &owner), &nodes);
  churn->random = before;
  taken = timed(churn, replace_subtree);
  churn->key_sum += nodes * first_key + nodes * (nodes - 1) / 2;
  return taken;
}

static void one_operation(struct churn *churn) {
  uint32_t choice = random_below(&churn->random, 10);

  if (choice < 4)
    measure_record(&churn->list_times, timed(churn, make_list));
  else if (choice < 7)
    measure_record(&churn->swap_times, timed(churn, swap_subtrees));
  else
    measure_record(&churn->replace_times, timed_replace(churn));
}

static void plant(struct churn *churn, size_t trees) {
  churn->forest = mem_new_array(churn->thread, forest_type, trees);
  for (size_t i = 0; i < trees; i++)
    mem_store(churn->thread, churn->forest, &churn->forest->trees[i], build(churn, DEPTH));
  churn->key_sum = churn->next_key * (churn->next_key - 1) / 2;
}

static void check_forest(struct churn *churn) {
  uint64_t nodes = 0, sum = 0;

  for (size_t i = 0; i < churn->forest->length; i++) {
    sum += sum_keys(churn->forest->trees[i], &nodes);
    mem_poll(churn->thread);
  }
  STRESS_CHECK(nodes == churn->forest->length * TREE_NODES, "the forest has %llu nodes",
               (unsigned long long)nodes);
  STRESS_CHECK(sum == churn->key_sum, "the keys add up to %llu instead of %llu",
               (unsigned long long)sum, (unsigned long long)churn->key_sum);
}

static void fell(struct churn *churn) {
  for (size_t i = 0; i < churn->forest->length; i++)
    free_tree(churn->thread, churn->forest->trees[i]);
  mem_free(churn->thread, churn->forest);
}

static void run(struct churn *churn, size_t trees) {
  uint64_t keys_before;
  MEM_ROOTS(churn->thread, churn->forest);

  plant(churn, trees);
  keys_before = churn->next_key;
  measure_start();
  measure_thread_begin(&churn->measure, PAUSE);
  for (uint64_t i = 0; i < operations; i++)
    one_operation(churn);
  measure_thread_end(&churn->measure);
  measure_stop();
  check_forest(churn);
  if (MEM_FREES)
    fell(churn);
  measure_count("live", trees * TREE_NODES * sizeof(struct node));
  measure_count("allocated", (churn->next_key - keys_before) * sizeof(struct node));
  measure_times("list", &churn->list_times);
  measure_times("swap", &churn->swap_times);
  measure_times("replace", &churn->replace_times);
}

int main(int argc, char **argv) {
  const char *options = NULL;
  const struct argument table[] = {
      {"live", ARGUMENT_COUNT, &live, "bytes that stay alive"},
      {"operations", ARGUMENT_COUNT, &operations, "how many"},
      {"seed", ARGUMENT_COUNT, &seed, "of the random choices"},
      {"heap", ARGUMENT_COUNT, &heap_limit, "the heap's limit in bytes; 0: three times the live"},
      {"options", ARGUMENT_TEXT, &options, "options of the heap, as in LULL_OPTIONS"},
      {NULL, ARGUMENT_FLAG, NULL, NULL}};
  static struct churn churn;
  uint64_t trees;

  arguments_parse(argc, argv, "A forest of given size under change; times of each operation.",
                  table);
  trees = live / (TREE_NODES * sizeof(struct node));
  bench_require(trees > 0 && trees < UINT32_MAX, "--live must be 100K to 300000G");
  mem_open(heap_limit ? heap_limit : 3 * live, options);
  define_types();
  churn.random = random_seeded(seed, 0);
  churn.thread = mem_enter();
  run(&churn, trees);
  mem_leave(churn.thread);
  mem_report();
  measure_print("churn", MEM_NAME, 1, operations, churn.key_sum);
  mem_close();
  return 0;
}
