/*
 * tree: small garbage beside a large live structure. Every thread has a binary tree of its own;
 * together they have about the nodes of one tree of the given depth. An operation builds a list of
 * 100 items, adds it up and drops it; every tenth also replaces a random subtree of depth 3. Both
 * are timed together.
 *
 * Checked: the sum of every list; at the end the shape of the trees and a hash of the tags of all
 * their nodes, which come from a running number.
 */
#include "bench/workloads/gate.h"
#include "stress/common/arguments.h"
#include "stress/common/random.h"

enum { ITEMS = 100, REPLACED_DEPTH = 3, REPLACE_EVERY = 10, SEED = 1 };
enum { PAUSE = 50000 }; /* ns; the least that counts as a pause */

/* The header's 16 bits that are the user's hold the node's tag. */
struct node {
  lull_object header;
  struct node *child[2];
};

struct item {
  lull_object header;
  struct item *next;
  uint64_t value;
};

/* One thread's work. */
struct worker {
  mem_thread *thread;
  struct node *tree; /* in a root of the thread */
  unsigned depth;
  struct random random;
  uint64_t nodes_made; /* the next tag */
};

static uint64_t depth = 20, operations = 1000000, threads = 1, heap_limit;
static mem_type node_type, item_type;
static struct gate gate;
static uint64_t check;

static void define_types(void) {
  node_type = mem_record("node", sizeof(struct node),
                         LULL_BIT(struct node, child[0]) | LULL_BIT(struct node, child[1]));
  item_type = mem_record("item", sizeof(struct item), LULL_BIT(struct item, next));
}

static struct node *build(struct worker *worker, unsigned levels) {
  struct node *left = NULL, *right = NULL, *node;
  MEM_ROOTS(worker->thread, left, right);

  if (levels > 0) {
    left = build(worker, levels - 1);
    right = build(worker, levels - 1);
  }
  node = mem_new(worker->thread, node_type, sizeof *node);
  node->header.user = (uint16_t)worker->nodes_made++;
  mem_init(worker->thread, node, &node->child[0], left);
  mem_init(worker->thread, node, &node->child[1], right);
  return node;
}

static void free_tree(mem_thread *thread, struct node *node) {
  if (!MEM_FREES || !node)
    return;
  free_tree(thread, node->child[0]);
  free_tree(thread, node->child[1]);
  mem_free(thread, node);
}

/* Checks that the tree is full; polls; its root is in a root. */
static uint64_t hash_tree(mem_thread *thread, const struct node *node, unsigned levels) {
  uint64_t left, right;

  STRESS_CHECK(node != NULL, "a subtree of depth %u is missing", levels);
  if (levels == 0) {
    STRESS_CHECK(!node->child[0] && !node->child[1], "a leaf has children");
    return random_mix(node->header.user);
  }
  mem_poll(thread);
  left = hash_tree(thread, node->child[0], levels - 1);
  right = hash_tree(thread, node->child[1], levels - 1);
  return random_mix2(left, right) + node->header.user;
}

static struct item *make_list(mem_thread *thread, uint64_t first) {
  struct item *head = NULL;
  MEM_ROOTS(thread, head);

  for (uint64_t value = first; value < first + ITEMS; value++) {
    struct item *item = mem_new(thread, item_type, sizeof *item);
    item->value = value;
    mem_init(thread, item, &item->next, head);
    head = item;
  }
  return head;
}

static void list_and_drop(mem_thread *thread, uint64_t first) {
  struct item *head = make_list(thread, first), *next;
  uint64_t sum = 0;

  for (const struct item *item = head; item; item = item->next)
    sum += item->value;
  STRESS_CHECK(sum == ITEMS * first + ITEMS * (ITEMS - 1) / 2, "a list adds up to %llu",
               (unsigned long long)sum);
  for (; MEM_FREES && head; head = next) {
    next = head->next;
    mem_free(thread, head);
  }
}

static void replace_subtree(struct worker *worker) {
  struct node *fresh = build(worker, REPLACED_DEPTH), *owner = worker->tree, *old;
  uint64_t turns = random_next(&worker->random);

  for (unsigned levels = worker->depth; levels > REPLACED_DEPTH + 1; levels--, turns >>= 1)
    owner = owner->child[turns & 1];
  old = owner->child[turns & 1];
  mem_store(worker->thread, owner, &owner->child[turns & 1], fresh);
  free_tree(worker->thread, old);
}

static void operate(struct worker *worker, struct measure_thread *measure, uint64_t count) {
  for (uint64_t i = 0; i < count; i++) {
    list_and_drop(worker->thread, i);
    if (i % REPLACE_EVERY == 0)
      replace_subtree(worker);
    measure_operation(measure);
  }
}

/* The depth at which the trees of all threads have no more nodes than one of the whole depth. */
static int own_depth(void) {
  int levels = (int)depth;

  for (uint64_t parts = 1; parts < threads && levels > 0; parts *= 2)
    levels--;
  return levels;
}

static void work(struct crew_member *member) {
  struct measure_thread measure = {0};
  struct worker worker = {.thread = mem_enter(),
                          .depth = (unsigned)own_depth(),
                          .random = random_seeded(SEED, member->index)};

  {
    MEM_ROOTS(worker.thread, worker.tree);
    worker.tree = build(&worker, worker.depth);
    gate_begin(&gate, worker.thread, &measure, PAUSE);
    operate(&worker, &measure, gate_share(member, operations));
    gate_end(&gate, worker.thread, &measure);
    gate_add(&check, hash_tree(worker.thread, worker.tree, worker.depth) ^ worker.nodes_made);
    free_tree(worker.thread, worker.tree);
  }
  mem_leave(worker.thread);
}

static uint64_t live_bytes(void) {
  return sizeof(struct node) << (depth + 1);
}

static void check_arguments(void) {
  crew_require(threads);
  bench_require(depth < 32, "--depth must be less than 32");
  bench_require(own_depth() > REPLACED_DEPTH,
                "--depth is too small: each thread's part must be deeper than 3");
}

int main(int argc, char **argv) {
  const char *options = NULL;
  const struct argument table[] = {
      {"depth", ARGUMENT_COUNT, &depth, "depth of the tree that all threads share out"},
      {"operations", ARGUMENT_COUNT, &operations, "lists, of all threads"},
      {"threads", ARGUMENT_COUNT, &threads, "threads"},
      {"heap", ARGUMENT_COUNT, &heap_limit, "the heap's limit; 0: three times the tree and 16M"},
      {"options", ARGUMENT_TEXT, &options, "options of the heap, as in LULL_OPTIONS"},
      {NULL, ARGUMENT_FLAG, NULL, NULL}};

  arguments_parse(argc, argv, "Small garbage beside a large live tree.", table);
  check_arguments();
  mem_open(heap_limit ? heap_limit : 3 * live_bytes() + (16u << 20), options);
  define_types();
  gate_open(&gate, threads);
  crew_run(threads, work, NULL);
  mem_report();
  measure_print("tree", MEM_NAME, threads, operations, check);
  mem_close();
  gate_close(&gate);
  return 0;
}
