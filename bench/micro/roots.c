/*
 * roots: what it costs to scan the frames of a thread deep in a recursion, each frame with one
 * root and an object of its own. For few and for many frames, and twice each, in a heap of its
 * own:
 *
 *   running  the thread polls and scans its frames itself
 *   blocked  it waits for the collection, and the collector scans them
 *
 * Fields are few_running_*, many_blocked_* and so on: root_scan (thread CPU time of one scan),
 * frame (the median of that for each frame, ns), caused (the longest delay that the library caused
 * the thread, ns of CPU time).
 *
 * Checked: each frame's object when its call returns, and that roots were scanned once in each
 * cycle for each thread.
 */
#include "bench/common/fail.h"
#include "bench/common/measure.h"
#include "bench/micro/cycle.h"
#include "stress/common/arguments.h"
#include "stress/common/check.h"
#include "stress/common/figures.h"
#include "stress/common/heap.h"
#include "stress/common/sanitizer.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

struct token {
  lull_object header;
  uint64_t number;
};

/* Stack for each call, and for the rest. Sanitizers need much more. */
#define CALL_BYTES ((size_t)(SANITIZED ? 2048 : 256))
#define STACK_BYTES ((size_t)4 << 20)

/* Belongs to the main thread before its thread begins and after it has ended. */
struct deep {
  const char *name;
  uint64_t frames;
  bool blocks;
  lull_heap *heap;
  lull_thread *thread;
  lull_type token_type;
  uint64_t check;
};

static uint64_t few = 1000, many = 1000000, cycles = 50;
static const char *options;

static void collect(const struct deep *deep) {
  for (uint64_t i = 0; i < cycles; i++) {
    if (deep->blocks) {
      STRESS_OK(lull_collect(deep->thread));
    } else {
      struct cycle cycle = cycle_begin(deep->heap, deep->thread);
      while (figures_stats(deep->heap).cycles == cycle.cycles)
        for (unsigned polls = 0; polls < 10000; polls++)
          lull_poll(deep->thread);
    }
  }
}

static __attribute__((noinline)) void descend(struct deep *deep, uint64_t left) {
  struct token *token = NULL;
  LULL_ROOTS(deep->thread, token);

  token = lull_new(deep->thread, deep->token_type);
  STRESS_CHECK(token != NULL, "no memory for a token");
  token->number = left;
  if (left > 1)
    descend(deep, left - 1);
  else
    collect(deep);
  STRESS_CHECK(token->number == left, "the token of frame %" PRIu64 " is overwritten", left);
  deep->check += token->number;
}

static void *run_thread(void *argument) {
  struct deep *deep = argument;
  struct measure_thread self;

  measure_thread_begin(&self, MEASURE_IRREGULAR);
  deep->thread = heap_attach(deep->heap);
  descend(deep, deep->frames);
  heap_detach(deep->thread);
  measure_thread_end(&self);
  return NULL;
}

static void run_on_large_stack(struct deep *deep) {
  pthread_attr_t attributes;
  pthread_t system;

  STRESS_CHECK(pthread_attr_init(&attributes) == 0, "no memory");
  STRESS_CHECK(pthread_attr_setstacksize(&attributes, STACK_BYTES + deep->frames * CALL_BYTES) == 0,
               "a stack for %" PRIu64 " frames is refused", deep->frames);
  STRESS_CHECK(pthread_create(&system, &attributes, run_thread, deep) == 0,
               "no thread with a stack for %" PRIu64 " frames", deep->frames);
  STRESS_CHECK(pthread_join(system, NULL) == 0, "a thread cannot be joined");
  pthread_attr_destroy(&attributes);
}

static void report(const struct deep *deep) {
  lull_stats stats = figures_stats(deep->heap);
  char key[64];

  STRESS_CHECK(stats.cycles >= cycles && stats.root_scan.count == stats.cycles,
               "%" PRIu64 " scans in %" PRIu64 " cycles", stats.root_scan.count, stats.cycles);
  snprintf(key, sizeof key, "%s_root_scan", deep->name);
  measure_times(key, &stats.root_scan);
  snprintf(key, sizeof key, "%s_frame", deep->name);
  measure_real(key, (double)lull_histogram_quantile(&stats.root_scan, 0.5) / (double)deep->frames);
  snprintf(key, sizeof key, "%s_caused", deep->name);
  measure_count(key, stats.caused.max);
}

static uint64_t measure(const char *name, uint64_t frames, bool blocks) {
  struct deep deep = {.name = name, .frames = frames, .blocks = blocks};
  uint64_t limit = (256 << 20) + 4 * frames * sizeof(struct token);
  char text[64];

  snprintf(text, sizeof text, "heap.max=%" PRIu64 ",heap.initial=%" PRIu64, limit, limit);
  deep.heap = heap_make(text, options);
  deep.token_type = heap_type(
      deep.heap, (lull_type_desc){.name = "token", .size = sizeof(struct token)});
  run_on_large_stack(&deep);
  STRESS_CHECK(deep.check == frames * (frames + 1) / 2, "the frames' tokens add up to %" PRIu64,
               deep.check);
  report(&deep);
  heap_end(deep.heap);
  return deep.check;
}

int main(int argc, char **argv) {
  const struct argument table[] = {
      {"few", ARGUMENT_COUNT, &few, "frames"},
      {"many", ARGUMENT_COUNT, &many, "frames"},
      {"cycles", ARGUMENT_COUNT, &cycles, "of each part"},
      {"options", ARGUMENT_TEXT, &options, "options of the heaps, as in LULL_OPTIONS"},
      {NULL, ARGUMENT_FLAG, NULL, NULL}};
  uint64_t check = 0;

  arguments_parse(argc, argv, "What it costs to scan deep stacks of frames.", table);
  bench_require(few > 0 && few <= 100000000 && many > 0 && many <= 100000000,
                "--few and --many must be 1 to 100000000");
  bench_require(cycles > 0, "--cycles must be 1 or more");
  measure_start();
  check += measure("few_running", few, false);
  check += measure("few_blocked", few, true);
  check += measure("many_running", many, false);
  check += measure("many_blocked", many, true);
  measure_stop();
  measure_count("few", few);
  measure_count("many", many);
  measure_print("roots", "lull", 1, cycles, check);
  return 0;
}
