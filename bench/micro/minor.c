/*
 * minor: what a minor cycle costs beside a large live heap. The heap is a forest of full trees,
 * which one major cycle makes old. Then threads allocate, in windows; of what is young a share
 * survives, in chains that take the place of older chains at random leaves of the forest: one store
 * into an old object for each chain. A cycle is due whenever so much has been allocated (gc.every).
 *
 *   minor_mutator_cpu     what the library causes in one mutator for a minor: closures, assists,
 *                         slow paths as far as they are timed (lull_stats.caused)
 *   minor_closures        of that, handshake closures
 *   minor_collector_cpu   CPU time of all other threads of the process, for a minor
 *   minor_wall            from its begin to its end
 *   barrier_slow          slow paths of the barrier, for a minor: most enter an object into the
 *                         set, but between a cycle's first two handshakes every store takes one
 *   remembered            entries of the remembered set when a cycle ends
 *   minors, majors        cycles in all windows
 *
 * The first five are means over the minors of a window; windows in which a major cycle ran are left
 * out. A window ends when no cycle is under way, so CPU time goes to the minor that took it.
 *
 * Checked: every node of the forest, every chain when it is replaced, and all that are left.
 */
#include "bench/common/crew.h"
#include "bench/common/fail.h"
#include "bench/common/measure.h"
#include "bench/common/process.h"
#include "bench/micro/forest.h"
#include "bench/micro/rounds.h"
#include "stress/common/arguments.h"
#include "stress/common/check.h"
#include "stress/common/clock.h"
#include "stress/common/figures.h"
#include "stress/common/heap.h"

#include <inttypes.h>
#include <pthread.h>

enum { WINDOW = 4 }; /* minors, as far as they come when they are due */

static uint64_t live = (uint64_t)4 << 30, young = 16u << 20, minors = 48, survivors = 10,
                chain_length = 100, threads = 1, seed = 1;
static const char *options;

static lull_heap *heap;
static struct forest_work forest_work;
static lull_handle *forest_handle;
static pthread_barrier_t barrier;

/* CPU time of the mutators in a window: each adds its own before the barrier at the window's end
 * (relaxed); member 0 takes it after. */
static uint64_t mutators_cpu;

/* What the windows gave; member 0's. */
static struct results {
  double *mutator_cpu, *closures, *collector_cpu, *wall, *logged, *remembered;
  size_t count;
  uint64_t minors, majors;
} results;

/* The process and the heap at a window's begin. */
struct moment {
  lull_stats stats;
  uint64_t cpu;
};

/* Waits, BLOCKED, until all members are here. */
static void meet(lull_thread *thread) {
  STRESS_OK(lull_blocked_begin(thread));
  pthread_barrier_wait(&barrier);
  STRESS_OK(lull_blocked_end(thread));
}

/* Waits, BLOCKED, until no cycle is under way. */
static struct moment look(lull_thread *thread) {
  struct moment now;

  STRESS_OK(lull_blocked_begin(thread));
  now.stats = figures_stats(heap);
  while (now.stats.cycles != now.stats.cycles_started) {
    clock_pause(100000);
    now.stats = figures_stats(heap);
  }
  now.cpu = process_cpu();
  STRESS_OK(lull_blocked_end(thread));
  return now;
}

static void keep(const struct moment *from, const struct moment *to, uint64_t own_cpu) {
  const lull_stats *before = &from->stats, *after = &to->stats;
  uint64_t count = after->cycles_minor - before->cycles_minor;
  uint64_t majors = after->cycles_major - before->cycles_major;
  uint64_t cpu = to->cpu - from->cpu;
  size_t i = results.count;
  double each = (double)count, of = (double)threads;

  results.minors += count;
  results.majors += majors;
  if (count == 0 || majors > 0)
    return;
  results.count++;
  results.mutator_cpu[i] = (double)(after->caused.sum - before->caused.sum) / each / of;
  results.closures[i] =
      (double)(after->handshake_closure.sum - before->handshake_closure.sum) / each / of;
  results.collector_cpu[i] = (double)(cpu > own_cpu ? cpu - own_cpu : 0) / each;
  results.wall[i] = (double)(after->minor.sum - before->minor.sum) / each;
  results.logged[i] = (double)(after->barrier_slow - before->barrier_slow) / each;
  results.remembered[i] = (double)after->remembered;
}

/* One window: all members allocate; member 0 looks before and after. */
static void window(const struct crew_member *member, struct forest_worker *worker,
                   struct forest *forest) {
  static struct moment before;
  uint64_t cpu, nodes = WINDOW * young / sizeof(struct node) / member->count;
  LULL_ROOTS(worker->thread, forest);

  meet(worker->thread);
  if (member->index == 0) {
    before = look(worker->thread);
    mutators_cpu = 0;
  }
  meet(worker->thread);
  cpu = process_thread_cpu();
  forest_churn(worker, forest, nodes);
  __atomic_fetch_add(&mutators_cpu, process_thread_cpu() - cpu, __ATOMIC_RELAXED);
  meet(worker->thread);
  if (member->index == 0) {
    struct moment after = look(worker->thread);
    keep(&before, &after, mutators_cpu);
  }
}

static void work(struct crew_member *member) {
  size_t own = live / FOREST_TREE_BYTES / member->count;
  struct forest_worker worker = {.work = &forest_work,
                                 .thread = heap_attach(heap),
                                 .random = random_seeded(seed, member->index),
                                 .first = own * member->index,
                                 .trees = own,
                                 .next = (uint64_t)(member->index + 1) << 40};
  struct measure_thread self;

  measure_thread_begin(&self, MEASURE_IRREGULAR);
  for (uint64_t done = 0; done < minors; done += WINDOW)
    window(member, &worker, lull_handle_get(worker.thread, forest_handle));
  measure_thread_end(&self);
  heap_detach(worker.thread);
}

static void report(void) {
  measure_count("minors", results.minors);
  measure_count("majors", results.majors);
  if (results.count == 0)
    return;
  rounds_report("minor_mutator_cpu", results.mutator_cpu, results.count);
  rounds_report("minor_closures", results.closures, results.count);
  rounds_report("minor_collector_cpu", results.collector_cpu, results.count);
  rounds_report("minor_wall", results.wall, results.count);
  rounds_report("barrier_slow", results.logged, results.count);
  rounds_report("remembered", results.remembered, results.count);
}

static void make_results(void) {
  double **arrays[] = {&results.mutator_cpu, &results.closures, &results.collector_cpu,
                       &results.wall,        &results.logged,   &results.remembered};

  for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
    *arrays[i] = stress_malloc((minors / WINDOW + 1) * sizeof(double));
}

/* Room for the forest, all that survives, and half of the forest: no major is due. With much more
 * room the pacer finds that majors alone would cost less than minors. */
static void make_heap(void) {
  uint64_t limit = live + live / 2 + young * minors / 100 * survivors + (16u << 20);
  char text[160];

  snprintf(text, sizeof text,
           "heap.max=%" PRIu64 ",heap.initial=%" PRIu64 ",heap.growth=1000%%,gc.young=%" PRIu64,
           limit, limit, young);
  heap = heap_make(text, options);
  forest_types(heap, &forest_work);
}

/* Plants the forest, without a cycle but one major at the end: minors that find all alive would
 * make the pacer give them up for a while. From then on a cycle comes whenever it should, but not
 * before the pacer lets the collector run again: a long cycle uses up its share of the CPU (gc.cpu)
 * for a second. */
static void plant(struct forest_worker *gardener, size_t trees) {
  lull_pacing usual = {.struct_size = sizeof usual}, none;
  struct forest *forest = NULL;
  LULL_ROOTS(gardener->thread, forest);

  STRESS_OK(lull_heap_pacing(heap, &usual));
  none = usual;
  none.every = (uint64_t)1 << 40;
  STRESS_OK(lull_heap_set_pacing(heap, &none));
  forest = forest_plant(gardener, trees);
  STRESS_OK(lull_collect(gardener->thread));
  STRESS_OK(lull_blocked_begin(gardener->thread));
  clock_pause(1200000000);
  STRESS_OK(lull_blocked_end(gardener->thread));
  usual.every = young;
  STRESS_OK(lull_heap_set_pacing(heap, &usual));
  forest_handle = lull_handle_new(gardener->thread, forest);
  STRESS_CHECK(forest_handle != NULL, "no memory for a handle");
}

int main(int argc, char **argv) {
  const struct argument table[] = {
      {"live", ARGUMENT_COUNT, &live, "bytes of the forest"},
      {"young", ARGUMENT_COUNT, &young, "bytes allocated between two minors"},
      {"minors", ARGUMENT_COUNT, &minors, "how many times that much is allocated"},
      {"survivors", ARGUMENT_COUNT, &survivors, "percent of what is young"},
      {"chain", ARGUMENT_COUNT, &chain_length, "survivors for each store into an old object"},
      {"threads", ARGUMENT_COUNT, &threads, "mutators"},
      {"seed", ARGUMENT_COUNT, &seed, "of the random choices"},
      {"options", ARGUMENT_TEXT, &options, "options of the heap, as in LULL_OPTIONS"},
      {NULL, ARGUMENT_FLAG, NULL, NULL}};
  struct forest_worker gardener = {.work = &forest_work};
  uint64_t trees, check;

  arguments_parse(argc, argv, "What a minor cycle costs beside a large live heap.", table);
  crew_require(threads);
  trees = live / FOREST_TREE_BYTES;
  bench_require(trees >= threads && live <= (uint64_t)1 << 40,
                "--live must be at least 100K for each thread, and at most 1024G");
  bench_require(young >= 64 << 10 && young <= (uint64_t)1 << 36, "--young must be 64K to 64G");
  bench_require(minors > 0 && minors <= 1000000, "--minors must be 1 to 1000000");
  bench_require(survivors <= 100, "--survivors must be 0 to 100");
  bench_require(chain_length > 0 && chain_length <= 1000000, "--chain must be 1 to 1000000");
  make_heap();
  make_results();
  forest_work.survivors = survivors;
  forest_work.chain_length = chain_length;
  gardener.thread = heap_attach(heap);
  plant(&gardener, trees);
  pthread_barrier_init(&barrier, NULL, (unsigned)threads);
  measure_start();
  STRESS_OK(lull_blocked_begin(gardener.thread));
  crew_run(threads, work, NULL);
  STRESS_OK(lull_blocked_end(gardener.thread));
  measure_stop();
  pthread_barrier_destroy(&barrier);
  check = forest_check(&gardener, lull_handle_get(gardener.thread, forest_handle));
  report();
  STRESS_OK(lull_handle_release(gardener.thread, forest_handle));
  heap_detach(gardener.thread);
  measure_print("minor", "lull", threads, minors, check);
  heap_end(heap);
  return 0;
}
