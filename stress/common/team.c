/*
 * Teams of threads. A member's record is written by the starter before its thread exists and
 * belongs to that thread until it is joined.
 */
#include "stress/common/team.h"

#include <stdlib.h>

#include "stress/common/check.h"
#include "stress/common/heap.h"

static void *run_member(void *argument) {
  struct member *member = argument;

  member->thread = heap_attach(member->heap);
  member->work(member);
  heap_detach(member->thread);
  return NULL;
}

void team_start(struct team *team, lull_heap *heap, unsigned count, uint64_t seed,
                void (*work)(struct member *), void *data) {
  team->count = count;
  team->members = stress_calloc(count, sizeof *team->members);
  for (unsigned i = 0; i < count; i++) {
    struct member *member = &team->members[i];
    *member = (struct member){.heap = heap,
                              .index = i,
                              .count = count,
                              .random = random_seeded(seed, i),
                              .data = data,
                              .work = work};
    STRESS_CHECK(pthread_create(&member->system, NULL, run_member, member) == 0,
                 "thread %u of %u cannot be made", i, count);
  }
}

void team_join(struct team *team) {
  for (unsigned i = 0; i < team->count; i++)
    STRESS_CHECK(pthread_join(team->members[i].system, NULL) == 0, "thread %u cannot be joined", i);
  free(team->members);
  *team = (struct team){0};
}

void team_run(lull_heap *heap, unsigned count, uint64_t seed, void (*work)(struct member *),
              void *data) {
  struct team team;

  team_start(&team, heap, count, seed, work, data);
  team_join(&team);
}
