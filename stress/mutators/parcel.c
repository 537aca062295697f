/*
 * Parcels: trees that never change after they were made, and whose whole contents follow from the
 * id of the root: shape, kinds, lengths, ids of the children. Any thread that gets hold of one can
 * check all of it.
 *
 * The lowest bits of an id are the depth of the tree below it.
 */
#include <inttypes.h>

#include "stress/common/check.h"
#include "stress/mutators/mutator.h"

enum { DEPTH_BITS = 3, DEPTH_MOST = 6, CHILDREN = 2 };

static uint64_t parcel_id(uint64_t hash, unsigned depth) {
  return thing_id(CLASS_PARCEL, hash << DEPTH_BITS | depth);
}

static unsigned parcel_depth(uint64_t id) {
  return (unsigned)(id & ((1u << DEPTH_BITS) - 1));
}

static enum kind parcel_kind(uint64_t id) {
  static const enum kind inner[] = {PAIR, TAIL, RECORD, ARRAY, ELEMENTS};
  return parcel_depth(id) == 0 ? LEAF : inner[random_mix2(id, 1) % 5];
}

static size_t parcel_length(uint64_t id) {
  uint64_t hash = random_mix2(id, 2);

  switch (parcel_kind(id)) {
  case LEAF:
    return hash % 300;
  case ARRAY:
  case ELEMENTS:
    return CHILDREN + hash % 30;
  default:
    return 0;
  }
}

/* Whether there is an i-th child, and its id. */
static bool parcel_child(uint64_t id, unsigned i, uint64_t *child) {
  if (parcel_depth(id) == 0 || random_mix2(id, 3 + i) % 8 == 0)
    return false;
  *child = parcel_id(random_mix2(id, 5 + i), parcel_depth(id) - 1);
  return true;
}

static struct thing *build(struct mutator *m, uint64_t id);

/* Children first, which is all initialising stores. NULL when memory ran out. */
static struct thing *build_upwards(struct mutator *m, uint64_t id) {
  void *left = NULL, *right = NULL;
  struct thing *thing;
  uint64_t child;
  LULL_ROOTS(m->thread, left, right);

  if (parcel_child(id, 0, &child) && !(left = build(m, child)))
    return NULL;
  if (parcel_child(id, 1, &child) && !(right = build(m, child)))
    return NULL;
  thing = control_new_id(m, parcel_kind(id), parcel_length(id), id);
  if (!thing || parcel_depth(id) == 0)
    return thing;
  lull_init(m->thread, thing, thing_slot(parcel_kind(id), thing, 0), left);
  lull_init(m->thread, thing, thing_slot(parcel_kind(id), thing, 1), right);
  return thing;
}

/* The parent first, so that the children are stored into an object that has been through polls. */
static struct thing *build_downwards(struct mutator *m, uint64_t id) {
  struct thing *thing = control_new_id(m, parcel_kind(id), parcel_length(id), id);
  LULL_ROOTS(m->thread, thing);

  for (unsigned i = 0; thing && i < CHILDREN; i++) {
    struct thing *below_it;
    uint64_t child;
    if (!parcel_child(id, i, &child))
      continue;
    below_it = build(m, child);
    if (!below_it)
      return NULL;
    lull_store(m->thread, thing, thing_slot(parcel_kind(id), thing, i), below_it);
  }
  return thing;
}

static struct thing *build(struct mutator *m, uint64_t id) {
  return random_mix2(id, 7) % 2 ? build_upwards(m, id) : build_downwards(m, id);
}

static void check(const struct world *world, struct thing *thing, uint64_t id) {
  enum kind kind;

  STRESS_CHECK(thing != NULL, "a part of a parcel is lost: id %" PRIx64, id);
  STRESS_CHECK(thing_check(&world->kinds, thing) == parcel_kind(id) && thing->id == id,
               "a part of a parcel at %p has id %" PRIx64 " instead of %" PRIx64, (void *)thing,
               thing->id, id);
  thing_check_all(world->heap, &world->kinds, thing);
  kind = parcel_kind(id);
  STRESS_CHECK(kind < ARRAY || thing_length(kind, thing) == parcel_length(id),
               "a part of a parcel has length %zu", thing_length(kind, thing));
  for (size_t i = 0; i < thing_slots(kind, thing); i++) {
    struct thing *value = lull_load(thing_slot(kind, thing, i));
    uint64_t child;
    if (i < CHILDREN && parcel_child(id, (unsigned)i, &child))
      check(world, value, child);
    else
      STRESS_CHECK(value == NULL, "slot %zu of a parcel's %s %p is not NULL", i, kind_name(kind),
                   (void *)thing);
  }
}

void parcel_check(const struct world *world, const struct thing *root) {
  check(world, (struct thing *)root, root->id);
}

void parcel_send(struct mutator *m) {
  uint64_t id = parcel_id(random_next(m->random), below(m, DEPTH_MOST + 1));
  struct thing *parcel = build(m, id);

  if (parcel)
    lull_root_store(m->thread, &m->world->slots[below(m, SHARED_SLOTS)], parcel);
}

/* Takes one out of a shared slot, holds it alone for a while, and sometimes passes it on. */
void parcel_receive(struct mutator *m) {
  struct thing *thing =
      lull_root_exchange(m->thread, &m->world->slots[below(m, SHARED_SLOTS)], NULL);
  LULL_ROOTS(m->thread, thing);

  if (!thing)
    return;
  thing_check(&m->world->kinds, thing);
  m->actor->loads++;
  if (thing_class(thing) == CLASS_PARCEL)
    parcel_check(m->world, thing);
  if (once(m, 2))
    control_poll(m);
  if (thing_class(thing) == CLASS_PARCEL)
    parcel_check(m->world, thing);
  if (once(m, 2))
    lull_root_store(m->thread, &m->world->slots[below(m, SHARED_SLOTS)], thing);
}
