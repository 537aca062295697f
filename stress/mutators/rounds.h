/*
 * A round of the torture program: one or two fresh heaps with options chosen at random, and threads
 * that work on them for some seconds or some number of operations.
 */
#ifndef STRESS_MUTATORS_ROUNDS_H
#define STRESS_MUTATORS_ROUNDS_H

#include "stress/mutators/mutator.h"

enum { ACTORS_MOST = 64 };

struct round;

struct keeper {
  struct round *round;
  struct actor actor;
  pthread_t system;
};

struct round {
  uint64_t seed; /* of this round: from the program's and the round's number */
  unsigned number, worlds, actors;
  uint64_t operations; /* of each actor; 0: until `over` */
  char options[WORLDS_MOST][512];
  struct world world[WORLDS_MOST];
  struct keeper *keeper; /* `actors` of them */
  atomic_bool over;      /* set by the main thread; relaxed, orders nothing */
};

/* What the user of the program asked for; constant while rounds run. */
struct wishes {
  uint64_t seed, threads, operations, heap;
  const char *options;
  bool stop_the_world, incremental;
};

/* Sums over rounds. */
struct totals {
  uint64_t rounds, operations, allocations, failures, loads, lives, cycles, minors, verified;
};

/* lives.c */
void keeper_init(struct keeper *keeper, struct round *round, unsigned number);
void keeper_start(struct keeper *keeper);
void keeper_join(struct keeper *keeper);

/* choice.c: worlds, threads and options of a round from its seed. */
void round_choose(struct round *round, const struct wishes *wishes);

/* rounds.c: one round from beginning to end. */
void round_run(const struct wishes *wishes, unsigned number, uint64_t nanoseconds,
               struct totals *totals);

/*
 * census.c: bytes of all objects that a world's roots reach, which are checked on the way. By the
 * only thread that is attached.
 */
uint64_t census_bytes(struct round *round, unsigned world, lull_thread *thread);

/* rounds.c: prints the circumstances of a failure: seed, round, options, what each actor did last.
 */
void round_explain(void);
/* rounds.c: a number that grows as long as anything happens. */
uint64_t round_pulse(void);

#endif
