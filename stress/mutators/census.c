/*
 * What a world's roots reach, counted by a walk of its own while no other thread is attached: after
 * a collection the heap has this alive and nothing else, so what died in the round, young or old,
 * has been found.
 */
#include <stdlib.h>

#include "stress/common/check.h"
#include "stress/mutators/rounds.h"

/*
 * Every object that was met: in a list, in which the walk goes on, and in a table with room for
 * twice as many.
 */
struct census {
  const struct kinds *kinds;
  struct thing **met, **table;
  size_t count, room;
};

static size_t place_of(const struct census *census, const struct thing *thing) {
  size_t at = random_mix2((uint64_t)(uintptr_t)thing, 0) & (2 * census->room - 1);

  while (census->table[at] && census->table[at] != thing)
    at = (at + 1) & (2 * census->room - 1);
  return at;
}

static void grow(struct census *census) {
  struct thing **before = census->met;

  census->room *= 2;
  free(census->table);
  census->table = stress_calloc(2 * census->room, sizeof *census->table);
  census->met = stress_calloc(census->room, sizeof *census->met);
  for (size_t i = 0; i < census->count; i++) {
    census->met[i] = before[i];
    census->table[place_of(census, before[i])] = before[i];
  }
  free(before);
}

static void meet(struct census *census, struct thing *thing) {
  size_t at;

  if (!thing)
    return;
  if (census->count == census->room)
    grow(census);
  at = place_of(census, thing);
  if (census->table[at])
    return;
  census->table[at] = thing;
  census->met[census->count++] = thing;
}

static void meet_roots(struct census *census, struct round *round, unsigned world,
                       lull_thread *thread) {
  struct world *of = &round->world[world];

  for (unsigned i = 0; i < SHARED_SLOTS; i++)
    meet(census, lull_load(&of->slots[i]));
  for (unsigned i = 0; i < SHARED_HANDLES; i++)
    if (of->handles[i].handle)
      meet(census, lull_handle_get(thread, of->handles[i].handle));
  for (unsigned i = 0; i < round->actors; i++)
    for (unsigned j = 0; j < HANDLE_ROOTS; j++) {
      lull_handle *handle = round->keeper[i].actor.mutator[world].handle[j];
      if (handle)
        meet(census, lull_handle_get(thread, handle));
    }
}

uint64_t census_bytes(struct round *round, unsigned world, lull_thread *thread) {
  struct census census = {.kinds = &round->world[world].kinds, .room = 512};
  uint64_t bytes = 0;

  grow(&census);
  meet_roots(&census, round, world, thread);
  for (size_t i = 0; i < census.count; i++) {
    struct thing *thing = census.met[i];
    enum kind kind = thing_check(census.kinds, thing);
    for (size_t j = 0, slots = thing_slots(kind, thing); j < slots; j++)
      meet(&census, lull_load(thing_slot(kind, thing, j)));
    bytes += lull_size_of(round->world[world].heap, thing);
  }
  free(census.met);
  free(census.table);
  return bytes;
}
