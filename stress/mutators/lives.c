/*
 * The lives of an actor. A keeper, a thread that never attaches, lets the actor be born as a thread
 * of the system, waits for its end, and lets it be born again while its round lasts. A life may end
 * by detaching, by the thread's end without detaching, and that also inside a blocked region.
 *
 * Between two lives the actor belongs to its keeper; pthread_create and pthread_join order the
 * accesses.
 */
#include "stress/common/check.h"
#include "stress/mutators/rounds.h"

_Thread_local struct actor *actor_self;

static bool goes_on(const struct round *round, const struct actor *actor) {
  if (atomic_load_explicit(&round->over, memory_order_relaxed))
    return false;
  return round->operations == 0 ||
         atomic_load_explicit(&actor->operations, memory_order_relaxed) < round->operations;
}

static void attach(struct actor *actor) {
  for (unsigned i = 0; i < actor->worlds; i++)
    mutator_attach(&actor->mutator[i]);
}

static void detach(struct actor *actor) {
  for (unsigned i = 0; i < actor->worlds; i++)
    mutator_detach(&actor->mutator[i]);
}

/* Leaves by detaching and comes back at once, or ends the thread. */
static void *live(void *argument) {
  struct keeper *keeper = argument;
  struct actor *actor = &keeper->actor;

  actor_self = actor;
  actor->leave = STAY;
  actor->lives++;
  attach(actor);
  while (goes_on(keeper->round, actor) && actor->leave != LEAVE_BY_EXIT) {
    operation(actor);
    if (actor->leave == LEAVE_BY_DETACH) {
      detach(actor);
      attach(actor);
      actor->leave = STAY;
      actor->lives++;
    }
  }
  if (actor->leave == LEAVE_BY_EXIT && random_once(&actor->random, 3))
    STRESS_OK(lull_blocked_begin(actor->mutator[0].thread));
  else if (actor->leave != LEAVE_BY_EXIT)
    detach(actor);
  return NULL;
}

static void one_life(struct keeper *keeper) {
  pthread_t system;

  STRESS_CHECK(pthread_create(&system, NULL, live, keeper) == 0, "a thread cannot be made");
  STRESS_CHECK(pthread_join(system, NULL) == 0, "a thread cannot be joined");
  for (unsigned i = 0; i < keeper->actor.worlds; i++)
    if (keeper->actor.mutator[i].thread)
      mutator_abandoned(&keeper->actor.mutator[i]);
}

static void *keep(void *argument) {
  struct keeper *keeper = argument;

  do
    one_life(keeper);
  while (goes_on(keeper->round, &keeper->actor));
  return NULL;
}

void keeper_init(struct keeper *keeper, struct round *round, unsigned number) {
  struct actor *actor = &keeper->actor;

  *keeper = (struct keeper){.round = round};
  actor->number = number;
  actor->worlds = round->worlds;
  actor->random = random_seeded(round->seed, number);
  for (unsigned i = 0; i < round->worlds; i++)
    mutator_init(&actor->mutator[i], actor, &round->world[i]);
}

void keeper_start(struct keeper *keeper) {
  STRESS_CHECK(pthread_create(&keeper->system, NULL, keep, keeper) == 0, "a thread cannot be made");
}

void keeper_join(struct keeper *keeper) {
  STRESS_CHECK(pthread_join(keeper->system, NULL) == 0, "a thread cannot be joined");
}
