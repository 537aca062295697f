/*
 * handshakes: 64 threads, a third of which only poll, a third sit in blocked regions, a third
 * allocate, while cycles are asked for back to back. The figures are what a handshake costs: the
 * closure that a thread runs, and the time from arming to its acknowledgement.
 *
 * Checked: each thread's own object at every step; that cycles went on; and that the collector
 * acted for blocked threads.
 */
#include "stress/common/arguments.h"
#include "stress/common/check.h"
#include "stress/common/clock.h"
#include "stress/common/figures.h"
#include "stress/common/heap.h"
#include "stress/common/team.h"

#include <stdatomic.h>
#include <stdio.h>

struct token {
  lull_object header;
  struct token *self;
  uint64_t number;
};

enum { LEAST_CYCLES = 3 };

static uint64_t threads = 64, seconds = 10, seed = 1;
static lull_type token_type;
/* Set by the main thread at the end; read by all (relaxed: it orders nothing). */
static atomic_bool over;
/* Loop turns of all threads: added to by each at its end, read after the join. */
static atomic_ullong turns;

static struct token *new_token(struct member *member, uint64_t number) {
  struct token *token = lull_new(member->thread, token_type);

  STRESS_CHECK(token != NULL, "no memory for a token");
  token->number = number;
  lull_init(member->thread, token, &token->self, token);
  return token;
}

static void poll_only(struct member *member) {
  for (unsigned i = 0; i < 1000; i++)
    lull_poll(member->thread);
}

/* Nested, so that the inner end does not yet leave. */
static void sit_blocked(struct member *member) {
  STRESS_OK(lull_blocked_begin(member->thread));
  clock_pause(random_below(&member->random, 200000));
  STRESS_OK(lull_blocked_begin(member->thread));
  clock_pause(random_below(&member->random, 200000));
  STRESS_OK(lull_blocked_end(member->thread));
  STRESS_OK(lull_blocked_end(member->thread));
}

static void allocate(struct member *member) {
  for (unsigned i = 0; i < 1000; i++)
    new_token(member, i);
}

static void work(struct member *member) {
  static void (*const kinds[])(struct member *) = {poll_only, sit_blocked, allocate};
  struct token *token = NULL;
  uint64_t done = 0;
  LULL_ROOTS(member->thread, token);

  token = new_token(member, 0);
  while (!atomic_load_explicit(&over, memory_order_relaxed)) {
    kinds[member->index % 3](member);
    STRESS_CHECK(token->number == done && token->self == token, "thread %u lost its token",
                 member->index);
    token->number = ++done;
    if (done % 64 == 0)
      token = new_token(member, done);
  }
  atomic_fetch_add_explicit(&turns, done, memory_order_relaxed);
}

/*
 * Asks for the next cycle as soon as the last one is over, for the time asked for and until some
 * were completed: on a loaded machine a handshake with 64 threads takes as long as the scheduler
 * takes to come round.
 */
static void drive(lull_heap *heap) {
  uint64_t began = clock_wall(), cycles = 0, asked = began;

  lull_collect_start(heap);
  while (clock_wall() - began < seconds * 1000000000u || cycles < LEAST_CYCLES) {
    uint64_t now = figures_stats(heap).cycles;
    if (now != cycles) {
      cycles = now;
      asked = clock_wall();
      lull_collect_start(heap);
    }
    STRESS_CHECK(clock_wall() - asked < 60000000000u, "no cycle ended for 60 s");
    clock_pause(20000);
  }
}

static void report(lull_heap *heap, double taken) {
  lull_stats stats = figures_stats(heap);

  figures_start("handshakes");
  figures_count("threads", threads);
  figures_real("seconds", taken);
  figures_count("turns", atomic_load(&turns));
  figures_count("handshakes", stats.handshakes);
  figures_count("claimed", stats.handshakes_claimed);
  figures_times("closure", &stats.handshake_closure);
  figures_times("time_to_handshake", &stats.time_to_handshake);
  figures_times("claim_wait", &stats.claim_wait);
  figures_heap(heap);
  figures_memory();
  figures_end();
}

int main(int argc, char **argv) {
  static const uint64_t map[] = {LULL_BIT(struct token, self)};
  const char *options = NULL;
  const struct argument table[] = {
      {"threads", ARGUMENT_COUNT, &threads, "threads"},
      {"seconds", ARGUMENT_COUNT, &seconds, "how long"},
      {"seed", ARGUMENT_COUNT, &seed, "of the random choices"},
      {"options", ARGUMENT_TEXT, &options, "options of the heap, as in LULL_OPTIONS"},
      {NULL, ARGUMENT_FLAG, NULL, NULL}};
  struct team team;
  lull_heap *heap;
  lull_stats stats;
  uint64_t began;

  arguments_parse(argc, argv, "Handshakes with many threads of different habits.", table);
  heap = heap_make("heap.max=256M", options);
  token_type = heap_type(
      heap, (lull_type_desc){.name = "token",
                             .size = sizeof(struct token),
                             .layout = {.refs = LULL_REFS_MAP, .map = map, .map_words = 1}});
  began = clock_wall();
  team_start(&team, heap, (unsigned)threads, seed, work, NULL);
  drive(heap);
  atomic_store_explicit(&over, true, memory_order_relaxed);
  team_join(&team);
  stats = figures_stats(heap);
  STRESS_CHECK(threads < 2 || stats.handshakes_claimed > 0,
               "the collector never acted for a blocked thread");
  report(heap, clock_seconds(began, clock_wall()));
  heap_end(heap);
  return 0;
}
