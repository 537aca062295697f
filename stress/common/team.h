/* A team of threads attached to one heap that run the same function. */
#ifndef STRESS_COMMON_TEAM_H
#define STRESS_COMMON_TEAM_H

#include <lull.h>
#include <pthread.h>

#include "stress/common/random.h"

struct member {
  lull_heap *heap;
  lull_thread *thread;  /* set while the function runs */
  unsigned index;       /* from 0 */
  unsigned count;       /* members of the team */
  struct random random; /* a stream of its own */
  void *data;           /* the team's */
  void (*work)(struct member *);
  pthread_t system;
};

struct team {
  unsigned count;
  struct member *members;
};

/* Starts the threads; each attaches, runs work and detaches. The calling thread need not be
 * attached. */
void team_start(struct team *team, lull_heap *heap, unsigned count, uint64_t seed,
                void (*work)(struct member *), void *data);

/* Waits for all of them and frees the team. The caller must not be attached and RUNNING. */
void team_join(struct team *team);

/* Both. */
void team_run(lull_heap *heap, unsigned count, uint64_t seed, void (*work)(struct member *),
              void *data);

#endif
