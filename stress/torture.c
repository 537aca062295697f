/*
 * torture: random mutators with a shadow graph. Threads, more than there are processors, allocate,
 * load, store, exchange, copy, hold, pass on and drop objects of all kinds, are born and die, block
 * and collect; every object has an id and a checksum that are verified at every load, private
 * objects are compared with a shadow graph in malloc memory, and shared ones are under races all
 * the time. The run consists of rounds of some seconds; each round makes fresh heaps with options
 * of its own: tiny regions, one-entry packets, random delays, scribbled dead memory, back-to-back
 * cycles, narrow epochs, all modes, and changes of the mode, and more.
 *
 * All choices follow from --seed, which is printed: by it, the number of a round and of a thread.
 * With --ops each thread does a fixed number of operations per round; with --mode stw and one
 * thread a run repeats exactly.
 *
 * The program's parts are in stress/mutators/.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stress/common/arguments.h"
#include "stress/common/check.h"
#include "stress/common/clock.h"
#include "stress/common/figures.h"
#include "stress/common/log.h"
#include "stress/mutators/rounds.h"

enum { SILENCE_SECONDS = 60 };

static struct wishes wishes = {.threads = 8};
static uint64_t seconds = 60, round_seconds = 4, first_round, rounds;
static const char *mode = "concurrent";
static bool echo;

static void explain(void) {
  fprintf(stderr, "torture: --seed %" PRIu64 " --threads %" PRIu64 "\n", wishes.seed,
          wishes.threads);
  round_explain();
}

/* Ends the program with a report when nothing has moved for a minute. */
static void *watch(void *argument) {
  uint64_t pulse = round_pulse(), since = clock_wall();

  (void)argument;
  for (;;) {
    clock_pause(500000000);
    if (round_pulse() != pulse) {
      pulse = round_pulse();
      since = clock_wall();
    }
    STRESS_CHECK(clock_wall() - since < SILENCE_SECONDS * UINT64_C(1000000000),
                 "nothing has moved for %d seconds", SILENCE_SECONDS);
  }
  return NULL;
}

static void start_watch(void) {
  pthread_t system;

  STRESS_CHECK(pthread_create(&system, NULL, watch, NULL) == 0, "no thread");
  pthread_detach(system);
}

/* Rounds until the time is over; or the number asked for. */
static void run(struct totals *totals) {
  uint64_t began = clock_wall(), most = seconds * 1000000000;
  unsigned number = (unsigned)first_round;

  for (uint64_t done = 0; rounds ? done < rounds : clock_wall() - began < most; done++, number++) {
    uint64_t left = most - (clock_wall() - began), span = round_seconds * 1000000000;
    round_run(&wishes, number, !rounds && left < span ? left : span, totals);
  }
}

static void report(const struct totals *totals, double taken) {
  figures_start("torture");
  figures_count("seed", wishes.seed);
  figures_real("seconds", taken);
  figures_count("rounds", totals->rounds);
  figures_count("operations", totals->operations);
  figures_count("allocations", totals->allocations);
  figures_count("failures", totals->failures);
  figures_count("loads_checked", totals->loads);
  figures_count("lives", totals->lives);
  figures_count("cycles", totals->cycles);
  figures_count("minors", totals->minors);
  figures_count("heaps_verified", totals->verified);
  figures_memory();
  figures_end();
}

int main(int argc, char **argv) {
  const struct argument table[] = {
      {"seconds", ARGUMENT_COUNT, &seconds, "how long"},
      {"threads", ARGUMENT_COUNT, &wishes.threads, "threads at most, up to 64"},
      {"seed", ARGUMENT_COUNT, &wishes.seed, "of all choices; 0: from the clock"},
      {"ops", ARGUMENT_COUNT, &wishes.operations,
       "operations of each thread per round; 0: by time"},
      {"heap", ARGUMENT_COUNT, &wishes.heap, "limit of each heap; 0: chosen at random"},
      {"options", ARGUMENT_TEXT, &wishes.options, "options that override those chosen"},
      {"mode", ARGUMENT_TEXT, &mode,
       "concurrent: any mode, by chance; incremental; or stw: one thread, repeatable"},
      {"round", ARGUMENT_COUNT, &round_seconds, "seconds of each round"},
      {"first", ARGUMENT_COUNT, &first_round, "number of the first round"},
      {"rounds", ARGUMENT_COUNT, &rounds, "how many rounds; 0: by time"},
      {"log", ARGUMENT_FLAG, &echo, "print the library's log lines"},
      {NULL, ARGUMENT_FLAG, NULL, NULL}};
  struct totals totals = {0};
  uint64_t began = clock_wall();

  arguments_parse(argc, argv, "Random mutators with a shadow graph.", table);
  wishes.stop_the_world = strcmp(mode, "stw") == 0;
  wishes.incremental = strcmp(mode, "incremental") == 0;
  if (wishes.stop_the_world)
    wishes.threads = 1;
  STRESS_CHECK(wishes.threads >= 1 && wishes.threads <= ACTORS_MOST, "--threads must be 1 to %d",
               ACTORS_MOST);
  if (wishes.seed == 0)
    wishes.seed = random_mix2((uint64_t)time(NULL), clock_wall()) >> 32;
  fprintf(stderr, "torture: --seed %" PRIu64 "\n", wishes.seed);
  log_capture(echo);
  stress_on_failure(explain);
  start_watch();
  run(&totals);
  report(&totals, clock_seconds(began, clock_wall()));
  return 0;
}
