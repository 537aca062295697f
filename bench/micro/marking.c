/*
 * marking: how many objects a second a core marks, in a heap of small live objects of 48 bytes with
 * two references each, that lie in memory in another order than they are reached in. The heap is
 * built, then collected a number of times without any change. Four graphs:
 *
 *   array   an array of all objects in random order is the root; their references are NULL
 *   tree    a binary tree, its places given to objects in random order: each is reached once
 *   graph   the array, and each object refers to two random ones: each is reached three times
 *   list    one list in random order: nothing can be prefetched
 *
 * and two kinds of memory: pages of 4 KB, and transparent huge pages (heap.huge). With both, the
 * heap is made and measured twice; fields are small_* and huge_*. `huge_pages` is what of them the
 * system gave, `beside` the heap's resident memory that is not blocks, divided by blocks.
 *
 * Beside each collection the main thread walks the array, where there is one, reads every object
 * with as many prefetches under way as the marker has, and adds something up: `walk` is what the
 * machine gives for such reads at that moment, without marking.
 *
 * CPU time of marking is that of all threads but the main one, from the main thread's root scan,
 * after which marking begins, until the collector asks it for what is left to mark; the main thread
 * sleeps meanwhile. No helpers, unless --options asks for them: then it is the sum of several
 * cores.
 *
 * Checked: that each collection marks each object once, by the library's count, with options hardly
 * any twice; the sum that the walk found.
 */
#include "bench/common/fail.h"
#include "bench/common/measure.h"
#include "bench/micro/cycle.h"
#include "bench/micro/rounds.h"
#include "stress/common/arguments.h"
#include "stress/common/check.h"
#include "stress/common/figures.h"
#include "stress/common/heap.h"
#include "stress/common/random.h"

#include <inttypes.h>
#include <string.h>

struct object {
  lull_object header;
  struct object *left, *right;
  uint64_t number, payload[2];
};

struct order {
  lull_object header;
  size_t length;
  struct object *items[];
};

enum { PREFETCHED = 32 };
enum shape { ARRAY, TREE, GRAPH, LIST, SHAPES };
static const char *const shape_names[SHAPES] = {"array", "tree", "graph", "list"};

/* A heap under measurement. */
struct bench {
  lull_heap *heap;
  lull_thread *thread;
  lull_type object_type, order_type;
  struct random random;
  enum shape shape;
  struct order *order; /* in a root */
  struct object *top;  /* of the tree or list; in a root */
  uint64_t resident;   /* of the process, before the heap was made */
  uint64_t marked;     /* what a cycle must mark */
};

static uint64_t bytes = (uint64_t)1 << 30, collections = 5, seed = 1;
static const char *options;
static uint64_t check; /* objects marked in all measured collections */

static size_t any_below(struct random *random, size_t limit) {
  return (size_t)((random_next(random) >> 11) % limit);
}

static void set_item(struct bench *bench, size_t i, struct object *object) {
  lull_store(bench->thread, bench->order, &bench->order->items[i], object);
}

static void new_objects(struct bench *bench, size_t count) {
  bench->order = lull_new_array(bench->thread, bench->order_type, count);
  STRESS_CHECK(bench->order != NULL, "no memory for %zu objects", count);
  for (size_t i = 0; i < count; i++) {
    size_t other = any_below(&bench->random, i + 1);
    struct object *object = lull_new(bench->thread, bench->object_type);
    STRESS_CHECK(object != NULL, "no memory for an object");
    object->number = i;
    set_item(bench, i, bench->order->items[other]);
    set_item(bench, other, object);
  }
}

static void link(struct bench *bench, size_t i, size_t left, size_t right) {
  struct order *order = bench->order;
  struct object *object = order->items[i];

  if (left < order->length)
    lull_store(bench->thread, object, &object->left, order->items[left]);
  if (right < order->length)
    lull_store(bench->thread, object, &object->right, order->items[right]);
}

static void link_objects(struct bench *bench) {
  size_t count = bench->order->length;

  for (size_t i = 0; i < count && bench->shape != ARRAY; i++)
    if (bench->shape == TREE)
      link(bench, i, 2 * i + 1, 2 * i + 2);
    else if (bench->shape == LIST)
      link(bench, i, i + 1, count);
    else
      link(bench, i, any_below(&bench->random, count), any_below(&bench->random, count));
  bool from_top = bench->shape == TREE || bench->shape == LIST;
  if (from_top) {
    bench->top = bench->order->items[0];
    bench->order = NULL;
  }
  bench->marked = from_top ? count : count + 1;
}

/* Objects by CPU time. 0 without an array. */
static double walk(const struct bench *bench) {
  size_t count = bench->order ? bench->order->length : 0;
  uint64_t before = process_thread_cpu(), sum = 0;

  for (size_t i = 0; i < count; i++) {
    if (i + PREFETCHED < count)
      __builtin_prefetch(bench->order->items[i + PREFETCHED]);
    sum += bench->order->items[i]->number;
  }
  before = process_thread_cpu() - before;
  STRESS_CHECK(count == 0 || sum == count * (count - 1) / 2, "the numbers add up to %" PRIu64, sum);
  return (double)count * 1e9 / (double)before;
}

/* What one round gave, objects by time. */
struct result {
  double per_second, per_core_second, walk;
};

static struct result collect(struct bench *bench) {
  lull_stats before = figures_stats(bench->heap), after;
  struct cycle cycle = cycle_begin(bench->heap, bench->thread);
  uint64_t cpu = cycle_others_cpu(), marked;

  cycle_await_marked(&cycle);
  cpu = cycle_others_cpu() - cpu;
  cycle_end(&cycle);
  after = figures_stats(bench->heap);
  marked = after.objects_marked - before.objects_marked;
  uint64_t twice = options != NULL ? bench->marked / 10 : 0;
  STRESS_CHECK(marked >= bench->marked && marked - bench->marked <= twice,
               "%" PRIu64 " objects were marked of %" PRIu64, marked, bench->marked);
  check += marked;
  return (struct result){
      (double)marked * 1e9 / (double)(after.phase_mark.sum - before.phase_mark.sum),
      (double)marked * 1e9 / (double)(cpu > 0 ? cpu : 1), walk(bench)};
}

/* Anonymous memory of the process that is in huge pages, in bytes. */
static uint64_t huge_bytes(void) {
  char line[256];
  uint64_t kilobytes = 0;
  FILE *file = fopen("/proc/self/smaps_rollup", "re");

  while (file && fgets(line, sizeof line, file))
    if (sscanf(line, "AnonHugePages: %" SCNu64, &kilobytes) == 1)
      break;
  if (file)
    fclose(file);
  return kilobytes << 10;
}

static void report(const struct bench *bench, const char *pages, const struct result *results) {
  double *values = stress_malloc(collections * sizeof *values);
  lull_stats stats = figures_stats(bench->heap);
  double blocks = (double)(stats.heap_committed - stats.heap_metadata);
  char key[64];

  for (uint64_t i = 0; i < collections; i++)
    values[i] = results[i].per_second;
  snprintf(key, sizeof key, "%s_per_second", pages);
  rounds_report(key, values, collections);
  for (uint64_t i = 0; i < collections; i++)
    values[i] = results[i].per_core_second;
  snprintf(key, sizeof key, "%s_per_core_second", pages);
  rounds_report(key, values, collections);
  for (uint64_t i = 0; i < collections; i++)
    values[i] = results[i].walk;
  snprintf(key, sizeof key, "%s_walk", pages);
  if (values[0] > 0)
    rounds_report(key, values, collections);
  snprintf(key, sizeof key, "%s_huge_pages", pages);
  measure_count(key, huge_bytes());
  snprintf(key, sizeof key, "%s_beside", pages);
  measure_real(key, ((double)process_resident() - (double)bench->resident) / blocks - 1);
  free(values);
}

/* The first collection is not counted: it takes the garbage of building, and touches what bitmaps
 * there are for the first time. */
static void measure_collections(struct bench *bench, const char *pages) {
  struct result *results = stress_calloc(collections, sizeof *results);
  LULL_ROOTS(bench->thread, bench->order, bench->top);

  new_objects(bench, bytes / sizeof(struct object));
  link_objects(bench);
  STRESS_OK(lull_collect(bench->thread));
  for (uint64_t i = 0; i < collections; i++)
    results[i] = collect(bench);
  report(bench, pages, results);
  free(results);
}

static void measure_heap(enum shape shape, bool huge) {
  static const uint64_t map[] = {LULL_BIT(struct object, left) | LULL_BIT(struct object, right)};
  struct bench bench = {
      .shape = shape, .random = random_seeded(seed, 0), .resident = process_resident()};
  uint64_t limit = 2 * bytes + (64 << 20);
  char text[128];

  snprintf(text, sizeof text, "heap.max=%" PRIu64 ",heap.initial=%" PRIu64
           ",watchdog=0,gc.helpers=0,heap.huge=%s", limit, limit, huge ? "true" : "false");
  bench.heap = heap_make(text, options);
  bench.object_type = heap_type(
      bench.heap, (lull_type_desc){.name = "object",
                                   .size = sizeof(struct object),
                                   .layout = {.refs = LULL_REFS_MAP, .map = map, .map_words = 1}});
  bench.order_type = heap_type(bench.heap,
                               (lull_type_desc){.name = "order",
                                                .size = sizeof(struct order),
                                                .element_size = sizeof(struct object *),
                                                .length_offset = offsetof(struct order, length),
                                                .element = {.refs = LULL_REFS_ALL}});
  bench.thread = heap_attach(bench.heap);
  measure_collections(&bench, huge ? "huge" : "small");
  heap_detach(bench.thread);
  heap_end(bench.heap);
}

static enum shape shape_named(const char *name) {
  unsigned shape = 0;

  while (shape < SHAPES && strcmp(name, shape_names[shape]) != 0)
    shape++;
  bench_require(shape < SHAPES, "--shape must be array, tree, graph or list");
  return (enum shape)shape;
}

int main(int argc, char **argv) {
  const char *shape_name = "array", *pages = "both";
  const struct argument table[] = {
      {"bytes", ARGUMENT_COUNT, &bytes, "of live objects"},
      {"shape", ARGUMENT_TEXT, &shape_name, "array, tree, graph or list"},
      {"pages", ARGUMENT_TEXT, &pages, "small, huge or both"},
      {"collections", ARGUMENT_COUNT, &collections, "that are measured"},
      {"seed", ARGUMENT_COUNT, &seed, "of the random order"},
      {"options", ARGUMENT_TEXT, &options, "options of the heap, as in LULL_OPTIONS"},
      {NULL, ARGUMENT_FLAG, NULL, NULL}};
  struct measure_thread self;
  bool small, huge;
  enum shape shape;

  arguments_parse(argc, argv, "How many objects a second a core marks.", table);
  shape = shape_named(shape_name);
  small = strcmp(pages, "small") == 0 || strcmp(pages, "both") == 0;
  huge = strcmp(pages, "huge") == 0 || strcmp(pages, "both") == 0;
  bench_require(small || huge, "--pages must be small, huge or both");
  bench_require(bytes >= 1 << 16 && bytes <= (uint64_t)1 << 38, "--bytes must be 64K to 256G");
  bench_require(collections > 0 && collections <= 100000, "--collections must be 1 to 100000");
  measure_start();
  measure_thread_begin(&self, MEASURE_IRREGULAR);
  measure_text("shape", shape_name);
  measure_count("objects", bytes / sizeof(struct object));
  if (small)
    measure_heap(shape, false);
  if (huge)
    measure_heap(shape, true);
  measure_thread_end(&self);
  measure_stop();
  measure_print("marking", "lull", 1, collections, check);
  return 0;
}
