/*
 * steps: how long the steps of an incremental collection are, beside their budget (gc.step). One
 * thread allocates beside a forest of old objects; a share of what is young survives.
 *
 *   step                 CPU time of the steps, as `latency`
 *   budget               gc.step in ns
 *   step_p999_of_budget  p99.9 of the former by the latter
 *   control              the same steps, but for those that used up their budget: in their place,
 *                        in turns with the work, a loop on the same thread that does nothing but
 *                        look at the clock until the budget is over. What is more than the budget
 *                        is the machine's: interrupts are charged to whom they interrupt, and one
 *                        that comes before the deadline may end behind it
 *   control_p999_of_budget               the least that any step could show
 *   wall, cpu            with the control
 *   steps, cycles, cycles_minor, stalls   how many there were
 *
 * Checked: every node of the forest, every chain when it is replaced, and all that are left; that
 * there were steps and cycles.
 */
#include "bench/common/fail.h"
#include "bench/common/measure.h"
#include "bench/micro/forest.h"
#include "stress/common/arguments.h"
#include "stress/common/check.h"
#include "stress/common/figures.h"
#include "stress/common/heap.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static uint64_t live = 64u << 20, bytes = (uint64_t)2 << 30, step_us = 500, survivors = 10,
                chain_length = 100, seed = 1;
static const char *options;
static lull_histogram spins; /* of the control */

enum { TURNS = 64 };

/* Few chains meet at one leaf, so what survives is added to what lives. */
static lull_heap *make_heap(void) {
  char text[128];
  uint64_t most = live + bytes / 100 * survivors;

  snprintf(text, sizeof text, "heap.max=%" PRIu64 ",gc.mode=incremental,gc.step=%" PRIu64 "us",
           3 * most + (16u << 20), step_us);
  return heap_make(text, options);
}

static uint64_t now(clockid_t clock) {
  struct timespec time;

  clock_gettime(clock, &time);
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* Looks at the clock, and nothing else, for the budget of a step, and is measured as one is. */
static void spin(void) {
  uint64_t before = now(CLOCK_THREAD_CPUTIME_ID);
  uint64_t deadline = now(CLOCK_MONOTONIC) + step_us * 1000;

  while (now(CLOCK_MONOTONIC) < deadline)
    ;
  measure_record(&spins, now(CLOCK_THREAD_CPUTIME_ID) - before);
}

/* Of a bucket from here on times may be the budget's, or longer. */
static unsigned full_bucket(void) {
  unsigned bucket = 0;

  while (bucket + 1 < LULL_BUCKETS && lull_bucket_low(bucket + 1) <= step_us * 1000)
    bucket++;
  return bucket;
}

/* A spin for each step so far that used up its budget and has none yet. */
static void spin_as_often(lull_heap *heap) {
  lull_stats stats = figures_stats(heap);
  uint64_t full = 0;

  for (unsigned i = full_bucket(); i < LULL_BUCKETS; i++)
    full += stats.step.bucket[i];
  while (spins.count < full)
    spin();
}

/* Returns the sum of all numbers in the forest. */
static uint64_t work(lull_heap *heap, struct forest_worker *worker) {
  struct forest *forest = NULL;
  uint64_t sum;
  LULL_ROOTS(worker->thread, forest);

  forest = forest_plant(worker, worker->trees);
  for (int i = 0; i < TURNS; i++) {
    forest_churn(worker, forest, bytes / sizeof(struct node) / TURNS);
    spin_as_often(heap);
  }
  sum = forest_check(worker, forest);
  return sum;
}

/* The short steps as they were, and the spins. */
static lull_histogram control_of(const lull_histogram *step) {
  lull_histogram control = spins;

  if (control.count == 0)
    control.max = step->max;
  for (unsigned i = 0; i < full_bucket(); i++) {
    control.bucket[i] += step->bucket[i];
    control.count += step->bucket[i];
    control.sum += step->bucket[i] * lull_bucket_low(i);
  }
  return control;
}

static double of_budget(const lull_histogram *times) {
  return (double)lull_histogram_quantile(times, 0.999) / ((double)step_us * 1000);
}

static void report(lull_heap *heap) {
  lull_stats stats = figures_stats(heap);
  lull_histogram control = control_of(&stats.step);

  STRESS_CHECK(stats.step.count > 0 && stats.cycles > 0, "%" PRIu64 " steps, %" PRIu64 " cycles",
               stats.step.count, stats.cycles);
  measure_count("budget", step_us * 1000);
  measure_times("step", &stats.step);
  measure_real("step_p999_of_budget", of_budget(&stats.step));
  measure_times("control", &control);
  measure_real("control_p999_of_budget", of_budget(&control));
  measure_count("steps", stats.step.count);
  measure_count("cycles", stats.cycles);
  measure_count("cycles_minor", stats.cycles_minor);
  measure_count("stalls", stats.stalls);
}

int main(int argc, char **argv) {
  const struct argument table[] = {
      {"live", ARGUMENT_COUNT, &live, "bytes of the forest"},
      {"bytes", ARGUMENT_COUNT, &bytes, "allocated beside it"},
      {"step", ARGUMENT_COUNT, &step_us, "budget of a step in microseconds"},
      {"survivors", ARGUMENT_COUNT, &survivors, "percent of what is young"},
      {"chain", ARGUMENT_COUNT, &chain_length, "survivors for each store into an old object"},
      {"seed", ARGUMENT_COUNT, &seed, "of the random choices"},
      {"options", ARGUMENT_TEXT, &options, "options of the heap, as in LULL_OPTIONS"},
      {NULL, ARGUMENT_FLAG, NULL, NULL}};
  struct forest_work forest_work;
  struct forest_worker worker = {.work = &forest_work};
  struct measure_thread self;
  lull_heap *heap;
  uint64_t check;

  arguments_parse(argc, argv, "How long the steps of an incremental collection are.", table);
  bench_require(live >= FOREST_TREE_BYTES && live <= (uint64_t)1 << 38,
                "--live must be 100K to 256G");
  bench_require(bytes <= (uint64_t)1 << 44, "--bytes must be at most 16384G");
  bench_require(step_us >= 10 && step_us <= 1000000, "--step must be 10 to 1000000");
  bench_require(survivors <= 100, "--survivors must be 0 to 100");
  bench_require(chain_length > 0 && chain_length <= 1000000, "--chain must be 1 to 1000000");
  heap = make_heap();
  forest_types(heap, &forest_work);
  forest_work.survivors = survivors;
  forest_work.chain_length = chain_length;
  worker.thread = heap_attach(heap);
  worker.random = random_seeded(seed, 0);
  worker.trees = live / FOREST_TREE_BYTES;
  worker.next = (uint64_t)1 << 40;
  measure_start();
  measure_thread_begin(&self, MEASURE_IRREGULAR);
  check = work(heap, &worker);
  measure_thread_end(&self);
  measure_stop();
  report(heap);
  heap_detach(worker.thread);
  measure_print("steps", "lull", 1, bytes / sizeof(struct node), check);
  heap_end(heap);
  return 0;
}
