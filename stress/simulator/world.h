/*
 * A program and a collector on a simulated machine, paced by the library's own arithmetic
 * (lib/cycle/policy.h).
 *
 * Each byte that is allocated is, with the probability `survival`, of a kind that lives long (so
 * long that `live` bytes of it are alive in the steady state), else of one that dies soon. Both
 * kinds die at random, so amounts are all there is to know: no objects are made. Threads share the
 * cores evenly. Fragmentation, caches, and memory that threads hold unused are not modelled.
 */
#ifndef STRESS_SIMULATOR_WORLD_H
#define STRESS_SIMULATOR_WORLD_H

#include "cycle/policy.h"

struct world_costs {
  double mark;          /* CPU ns for a byte that is marked */
  double sweep;         /* for a byte of what is swept */
  double cycle;         /* ns of a cycle beside marking and sweeping: handshakes, roots */
  double touched;       /* bytes of old objects that a minor scans, for a byte allocated */
};

struct world_program {
  double rate;          /* bytes a second that one thread allocates when nothing hinders it */
  double live;          /* bytes, in the steady state */
  double survival;      /* share */
  double limit;         /* bytes */
  unsigned threads;
};

struct world_result {
  double seconds;          /* simulated, of the steady state, as all that follows */
  double allocated;        /* bytes */
  double slowdown;         /* wall time over that of the same allocation without a collector */
  double stalled;          /* share of the threads' time */
  double longest_stall;    /* s */
  double slept;            /* share of the threads' time in sleeps of lu_policy_sleep */
  double collector;        /* share of all cores: cycles and assists */
  double collector_ns;     /* CPU time of cycles and assists, for a byte allocated */
  double missed;           /* share of cycles after which the heap was above the goal when marking
                              ended */
  unsigned minors, majors;
  bool out_of_memory;
};

/*
 * Builds the live bytes, then runs for `cycles` cycles, three majors and 20 times the live bytes of
 * allocation at least; at most for `seconds`.
 */
struct world_result world_run(const struct world_program *program, const struct world_costs *costs,
                              const struct lu_policy_config *config, unsigned cycles,
                              double seconds);

#endif
