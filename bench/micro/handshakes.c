/*
 * handshakes: what a handshake costs the threads that take part and the collector. Three parts,
 * each in a heap of its own, each with collections one after the other, driven by the main thread:
 *
 *   running   threads with roots that do nothing but poll
 *   blocked   threads with roots in a blocked region, for which the collector acts
 *   bare      threads without roots in a blocked region, and before them none: what the collector
 *             spends more with them, divided by threads and handshakes, is `blocked_thread` (ns)
 *
 * A thread's roots are frames of eight variables each, with an object of its own in each variable,
 * and as many handles. Handles belong to the heap, so the collector scans them, not the closure.
 *
 * Fields PART_closure, PART_root_scan and PART_time_to_handshake are the library's histograms; the
 * first two are thread CPU time. A closure is any of a cycle's six or more, of which one scans
 * roots. The collector's CPU time is the process's without the main thread's, so only where all
 * others sleep.
 *
 * `control` is what the machine does to such figures: the same few microseconds of work, which
 * touch no memory, again and again beside the polling threads, by the thread's CPU clock. On a
 * virtual machine that clock goes on while the host runs something else.
 *
 * Checked: every root's object at the end, and that the library counted as many closures as there
 * were threads and handshakes.
 */
#include "bench/common/fail.h"
#include "bench/common/measure.h"
#include "bench/micro/cycle.h"
#include "stress/common/arguments.h"
#include "stress/common/check.h"
#include "stress/common/figures.h"
#include "stress/common/heap.h"
#include "stress/common/team.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

struct token {
  lull_object header;
  uint64_t number;
};

enum { FRAME = 8 }; /* variables */

/* One part's state. The team's threads read all but the last three, which have a comment each. */
struct part {
  const char *name;
  lull_heap *heap;
  lull_type token_type;
  uint64_t roots; /* of each thread */
  bool blocks;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  unsigned ready;      /* threads that have their roots; under the lock */
  atomic_bool over;    /* set by the main thread under the lock; relaxed: it orders nothing */
  atomic_ullong check; /* added to by each thread at its end */
};

static uint64_t threads = 2, blocked = 256, roots = 1000, cycles = 200;
static const char *options;

static struct token *new_token(struct member *member, uint64_t number) {
  struct part *part = member->data;
  struct token *token = lull_new(member->thread, part->token_type);

  STRESS_CHECK(token != NULL, "no memory for a token");
  token->number = number;
  return token;
}

static void get_ready(struct part *part) {
  pthread_mutex_lock(&part->lock);
  part->ready++;
  pthread_cond_broadcast(&part->changed);
  pthread_mutex_unlock(&part->lock);
}

static void wait_until_over(struct member *member) {
  struct part *part = member->data;

  STRESS_OK(lull_blocked_begin(member->thread));
  get_ready(part);
  pthread_mutex_lock(&part->lock);
  while (!atomic_load_explicit(&part->over, memory_order_relaxed))
    pthread_cond_wait(&part->changed, &part->lock);
  pthread_mutex_unlock(&part->lock);
  STRESS_OK(lull_blocked_end(member->thread));
}

static void poll_until_over(struct member *member) {
  struct part *part = member->data;

  STRESS_OK(lull_blocked_begin(member->thread));
  get_ready(part);
  STRESS_OK(lull_blocked_end(member->thread));
  while (!atomic_load_explicit(&part->over, memory_order_relaxed))
    lull_poll(member->thread);
}

/* Returns the sum of the roots' numbers, from `from` to `to` in steps of one. */
static uint64_t hold_frames(struct member *member, uint64_t from, uint64_t to) {
  struct part *part = member->data;
  struct token *a = NULL, *b = NULL, *c = NULL, *d = NULL;
  struct token *e = NULL, *f = NULL, *g = NULL, *h = NULL;
  struct token **const all[FRAME] = {&a, &b, &c, &d, &e, &f, &g, &h};
  uint64_t sum = 0;
  LULL_ROOTS(member->thread, a, b, c, d, e, f, g, h);

  for (uint64_t i = 0; i < FRAME && from + i < to; i++)
    *all[i] = new_token(member, from + i);
  if (from + FRAME < to)
    sum = hold_frames(member, from + FRAME, to);
  else if (part->blocks)
    wait_until_over(member);
  else
    poll_until_over(member);
  for (unsigned i = 0; i < FRAME; i++)
    sum += *all[i] ? (*all[i])->number : 0;
  return sum;
}

static uint64_t release_handles(struct member *member, lull_handle **handles, uint64_t count) {
  uint64_t sum = 0;

  for (uint64_t i = 0; i < count; i++) {
    sum += ((struct token *)lull_handle_get(member->thread, handles[i]))->number;
    STRESS_OK(lull_handle_release(member->thread, handles[i]));
  }
  return sum;
}

static void work(struct member *member) {
  struct part *part = member->data;
  uint64_t count = part->roots, sum, expected = count * (count + 1) / 2;
  lull_handle **handles = stress_calloc(count + 1, sizeof(lull_handle *));
  struct measure_thread self;

  measure_thread_begin(&self, MEASURE_IRREGULAR);
  for (uint64_t i = 0; i < count; i++) {
    handles[i] = lull_handle_new(member->thread, new_token(member, i + 1));
    STRESS_CHECK(handles[i] != NULL, "no memory for a handle");
  }
  sum = hold_frames(member, 1, count + 1);
  STRESS_CHECK(sum == expected, "thread %u: the frames' tokens add up to %" PRIu64, member->index,
               sum);
  sum = release_handles(member, handles, count);
  STRESS_CHECK(sum == expected, "thread %u: the handles' tokens add up to %" PRIu64, member->index,
               sum);
  atomic_fetch_add_explicit(&part->check, 2 * sum, memory_order_relaxed);
  free(handles);
  measure_thread_end(&self);
}

/* What the collector spent in some cycles, in which it made some handshakes. */
struct spent {
  uint64_t cpu, handshakes;
};

static struct spent collect(struct part *part, lull_thread *thread) {
  uint64_t handshakes = figures_stats(part->heap).handshakes, cpu = cycle_others_cpu();

  for (uint64_t i = 0; i < cycles; i++)
    STRESS_OK(lull_collect(thread));
  cpu = cycle_others_cpu() - cpu;
  return (struct spent){cpu, figures_stats(part->heap).handshakes - handshakes};
}

/* As many samples as there were closures. The work is about 5 microseconds. */
static void measure_control(uint64_t samples) {
  static lull_histogram times;
  volatile uint64_t result = 1;

  for (uint64_t i = 0; i < samples; i++) {
    uint64_t before = process_thread_cpu(), value = result;
    for (unsigned step = 0; step < 1000; step++)
      value = random_mix(value);
    result = value;
    measure_record(&times, process_thread_cpu() - before);
  }
  measure_times("control", &times);
}

static void await_ready(struct part *part, unsigned count) {
  pthread_mutex_lock(&part->lock);
  while (part->ready < count)
    pthread_cond_wait(&part->changed, &part->lock);
  pthread_mutex_unlock(&part->lock);
}

static void end_threads(struct part *part, struct team *team) {
  pthread_mutex_lock(&part->lock);
  atomic_store_explicit(&part->over, true, memory_order_relaxed);
  pthread_cond_broadcast(&part->changed);
  pthread_mutex_unlock(&part->lock);
  team_join(team);
}

/* A cycle that ran while the threads came counts others. The main thread is one more, mostly
 * blocked. */
static struct spent collect_with(struct part *part, unsigned count, lull_thread *thread) {
  lull_stats before, after;
  struct team team;
  struct spent spent;

  STRESS_OK(lull_blocked_begin(thread));
  team_start(&team, part->heap, count, 1, work, part);
  await_ready(part, count);
  STRESS_OK(lull_blocked_end(thread));
  STRESS_OK(lull_collect(thread));
  before = figures_stats(part->heap);
  spent = collect(part, thread);
  after = figures_stats(part->heap);
  STRESS_CHECK(after.handshake_closure.count - before.handshake_closure.count ==
                   spent.handshakes * (count + 1),
               "%" PRIu64 " closures in %" PRIu64 " handshakes with %u threads",
               after.handshake_closure.count - before.handshake_closure.count, spent.handshakes,
               count + 1);
  STRESS_OK(lull_blocked_begin(thread));
  if (!part->blocks)
    measure_control(after.handshake_closure.count - before.handshake_closure.count);
  end_threads(part, &team);
  STRESS_OK(lull_blocked_end(thread));
  return spent;
}

static lull_thread *begin(struct part *part, uint64_t count) {
  uint64_t limit = (64 << 20) + 4 * count * 2 * part->roots * sizeof(struct token);
  char text[64];

  snprintf(text, sizeof text, "heap.max=%" PRIu64 ",heap.initial=%" PRIu64, limit, limit);
  part->heap = heap_make(text, options);
  part->token_type = heap_type(
      part->heap, (lull_type_desc){.name = "token", .size = sizeof(struct token)});
  pthread_mutex_init(&part->lock, NULL);
  pthread_cond_init(&part->changed, NULL);
  return heap_attach(part->heap);
}

static uint64_t end(struct part *part, lull_thread *thread) {
  heap_detach(thread);
  heap_end(part->heap);
  return atomic_load(&part->check);
}

static void times(const struct part *part, const char *key, const lull_histogram *histogram) {
  char name[64];

  snprintf(name, sizeof name, "%s_%s", part->name, key);
  measure_times(name, histogram);
}

static void report(const struct part *part) {
  lull_stats stats = figures_stats(part->heap);

  times(part, "closure", &stats.handshake_closure);
  times(part, "root_scan", &stats.root_scan);
  times(part, "time_to_handshake", &stats.time_to_handshake);
  times(part, "claim_wait", &stats.claim_wait);
  times(part, "caused", &stats.caused);
}

static uint64_t run_with_roots(struct part *part, uint64_t count) {
  lull_thread *thread = begin(part, count);

  collect_with(part, (unsigned)count, thread);
  report(part);
  return end(part, thread);
}

static double per_cycle(uint64_t value) {
  return (double)value / (double)cycles;
}

static uint64_t run_bare(struct part *part) {
  lull_thread *thread = begin(part, blocked);
  struct spent alone, with;
  lull_stats stats;
  double ratio, more;

  STRESS_OK(lull_collect(thread));
  alone = collect(part, thread);
  with = collect_with(part, (unsigned)blocked, thread);
  ratio = (double)with.handshakes / (double)alone.handshakes;
  more = (double)with.cpu - (double)alone.cpu * ratio;
  measure_real("blocked_thread", more / ((double)with.handshakes * (double)blocked));
  measure_real("handshakes_per_cycle", per_cycle(with.handshakes));
  measure_real("cycle_cpu_alone", per_cycle(alone.cpu));
  measure_real("cycle_cpu_with_blocked", per_cycle(with.cpu));
  stats = figures_stats(part->heap);
  times(part, "closure", &stats.handshake_closure);
  return end(part, thread);
}

int main(int argc, char **argv) {
  const struct argument table[] = {
      {"threads", ARGUMENT_COUNT, &threads, "that poll"},
      {"blocked", ARGUMENT_COUNT, &blocked, "threads in blocked regions"},
      {"roots", ARGUMENT_COUNT, &roots, "of each thread in frames; as many handles"},
      {"cycles", ARGUMENT_COUNT, &cycles, "of each part"},
      {"options", ARGUMENT_TEXT, &options, "options of the heaps, as in LULL_OPTIONS"},
      {NULL, ARGUMENT_FLAG, NULL, NULL}};
  struct part running = {.name = "running"}, blocking = {.name = "blocked", .blocks = true};
  struct part bare = {.name = "bare", .blocks = true};
  uint64_t check = 0;

  arguments_parse(argc, argv, "What handshakes cost threads and the collector.", table);
  bench_require(threads > 0 && threads <= 4096, "--threads must be 1 to 4096");
  bench_require(blocked > 0 && blocked <= 4096, "--blocked must be 1 to 4096");
  bench_require(roots > 0 && roots <= 100000, "--roots must be 1 to 100000");
  bench_require(cycles > 0, "--cycles must be 1 or more");
  running.roots = blocking.roots = roots;
  measure_start();
  check += run_with_roots(&running, threads);
  check += run_with_roots(&blocking, blocked);
  check += run_bare(&bare);
  measure_stop();
  measure_count("blocked", blocked);
  measure_count("roots", roots);
  measure_print("handshakes", "lull", threads, cycles, check);
  return 0;
}
