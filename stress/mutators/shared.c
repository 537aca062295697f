/*
 * Operations on what all threads of a world share: root slots, handles, objects whose references
 * any of them may change at any time. What a field holds cannot be foretold; but whatever is loaded
 * must be alive and whole: its type, id and checksum are checked at every load.
 *
 * Rule: as in private.c, what was loaded is in no root of its own and not used after a call that
 * may poll, unless put into a frame before.
 */
#include <inttypes.h>
#include <string.h>

#include "stress/common/check.h"
#include "stress/common/clock.h"
#include "stress/mutators/mutator.h"

enum { STEPS_MOST = 5, INIT_MOST = 8, COPY_MOST = 48, TRANSFERS_MOST = 400, NURSERY = 4 };

/* Checks an object that was loaded from a racy field; NULL passes. */
static struct thing *expect(struct mutator *m, struct thing *thing) {
  m->actor->loads++;
  if (!thing)
    return NULL;
  thing_check(&m->world->kinds, thing);
  STRESS_CHECK(thing_class(thing) == CLASS_SHARED || thing_class(thing) == CLASS_PARCEL,
               "a shared field holds %p with id %" PRIx64, (void *)thing, thing->id);
  return thing;
}

/* Takes the lock of a random shared handle if it is free. */
static struct shared_handle *try_handle(struct mutator *m) {
  struct shared_handle *shared = &m->world->handles[below(m, SHARED_HANDLES)];
  return pthread_mutex_trylock(&shared->lock) == 0 ? shared : NULL;
}

static struct thing *from_handle(struct mutator *m) {
  struct shared_handle *shared = try_handle(m);
  struct thing *thing = NULL;

  if (!shared)
    return NULL;
  if (shared->handle)
    thing = lull_handle_get(m->thread, shared->handle);
  pthread_mutex_unlock(&shared->lock);
  return thing;
}

struct thing *shared_pick(struct mutator *m) {
  struct thing *thing =
      once(m, 6) ? from_handle(m) : lull_load(&m->world->slots[below(m, SHARED_SLOTS)]);

  if (!expect(m, thing))
    return NULL;
  for (uint32_t steps = below(m, STEPS_MOST + 1); steps > 0; steps--) {
    enum kind kind = thing_kind(&m->world->kinds, thing);
    size_t slots = thing_slots(kind, thing);
    struct thing *next;
    if (slots == 0)
      break;
    next = expect(m, lull_load(thing_slot(kind, thing, below(m, (uint32_t)slots))));
    if (next)
      thing = next;
  }
  return thing;
}

/* A shared object with references, or NULL. */
static struct thing *pick_changeable(struct mutator *m) {
  struct thing *thing = shared_pick(m);

  if (thing && thing_class(thing) == CLASS_SHARED &&
      thing_slots(thing_kind(&m->world->kinds, thing), thing) > 0)
    return thing;
  return NULL;
}

static struct thing *pick_contiguous(struct mutator *m) {
  struct thing *thing = pick_changeable(m);
  return thing && kind_contiguous(thing_kind(&m->world->kinds, thing)) ? thing : NULL;
}

static struct thing *pick_value(struct mutator *m) {
  return once(m, 4) ? NULL : shared_pick(m);
}

static void **random_field(struct mutator *m, struct thing *thing) {
  enum kind kind = thing_kind(&m->world->kinds, thing);
  return thing_slot(kind, thing, below(m, (uint32_t)thing_slots(kind, thing)));
}

static void **random_root(struct mutator *m) {
  return (void **)&m->world->slots[below(m, SHARED_SLOTS)];
}

/* Stores into a shared root slot in one of three ways. */
static void store_root(struct mutator *m, void **slot, struct thing *value) {
  struct thing *expected = expect(m, lull_load(slot));

  switch (below(m, 3)) {
  case 0:
    lull_root_store(m->thread, slot, value);
    break;
  case 1:
    expect(m, lull_root_exchange(m->thread, slot, value));
    break;
  default:
    if (!lull_root_compare_exchange(m->thread, slot, &expected, value))
      expect(m, expected);
    break;
  }
}

static void set_handle(struct mutator *m, struct thing *value) {
  struct shared_handle *shared = try_handle(m);

  if (!shared)
    return;
  if (shared->handle && once(m, 3)) {
    struct thing *thing = lull_handle_get(m->thread, shared->handle);
    STRESS_OK(lull_handle_release(m->thread, shared->handle));
    shared->handle = NULL;
    expect(m, thing);
  } else if (shared->handle) {
    lull_handle_set(m->thread, shared->handle, value);
  } else {
    shared->handle = lull_handle_new(m->thread, value);
    STRESS_CHECK(shared->handle != NULL, "no memory for a handle");
  }
  pthread_mutex_unlock(&shared->lock);
}

void shared_handle(struct mutator *m) {
  set_handle(m, pick_value(m));
}

static void clear_handle(struct mutator *m, struct shared_handle *shared) {
  if (pthread_mutex_trylock(&shared->lock) != 0)
    return;
  if (shared->handle)
    lull_handle_set(m->thread, shared->handle, NULL);
  pthread_mutex_unlock(&shared->lock);
}

/* Clears one in n of all shared roots. */
static void clear_some(struct mutator *m, uint32_t n) {
  for (unsigned i = 0; i < SHARED_SLOTS; i++)
    if (once(m, n))
      lull_root_store(m->thread, &m->world->slots[i], NULL);
  for (unsigned i = 0; i < SHARED_HANDLES; i++)
    if (once(m, n))
      clear_handle(m, &m->world->handles[i]);
}

void shared_clear(struct mutator *m) {
  atomic_fetch_add_explicit(&m->world->clearings, 1, memory_order_relaxed);
  clear_some(m, 1);
}

/* Half of the roots are cleared for so many bytes made, so that what is shared lives for some
 * cycles. */
static void count_made(struct mutator *m, const struct thing *thing) {
  size_t bytes = lull_size_of(m->world->heap, thing);

  if (atomic_fetch_add_explicit(&m->world->shared_bytes, bytes, memory_order_relaxed) + bytes <=
      m->world->shared_budget)
    return;
  atomic_store_explicit(&m->world->shared_bytes, 0, memory_order_relaxed);
  clear_some(m, 2);
}

static void init_fields(struct mutator *m, struct thing *fresh, enum kind kind) {
  size_t slots = thing_slots(kind, fresh);

  for (uint32_t n = slots ? below(m, INIT_MOST + 1) : 0; n > 0; n--)
    lull_init(m->thread, fresh, thing_slot(kind, fresh, below(m, (uint32_t)slots)), shared_pick(m));
}

static void publish(struct mutator *m, struct thing *thing) {
  struct thing *owner = once(m, 2) ? pick_changeable(m) : NULL;

  if (once(m, 3))
    lull_root_store(m->thread, &m->world->slots[below(m, NURSERY)], thing);
  else if (owner)
    lull_store(m->thread, owner, random_field(m, owner), thing);
  else if (once(m, 5))
    set_handle(m, thing);
  else
    store_root(m, random_root(m), thing);
}

void shared_new(struct mutator *m) {
  enum kind kind = (enum kind)below(m, KINDS);
  size_t length = thing_random_length(m->random, kind, m->world->shared_budget > 1u << 20);
  struct thing *thing = control_new(m, CLASS_SHARED, kind, length);

  if (!thing)
    return;
  init_fields(m, thing, kind);
  publish(m, thing);
  count_made(m, thing);
}

void shared_store(struct mutator *m) {
  struct thing *owner = pick_changeable(m), *value = pick_value(m);

  if (!owner)
    return;
  if (once(m, 2))
    lull_store(m->thread, owner, random_field(m, owner), value);
  else
    expect(m, lull_exchange(m->thread, owner, random_field(m, owner), value));
}

void shared_compare_exchange(struct mutator *m) {
  struct thing *owner = pick_changeable(m), *value = pick_value(m), *expected;
  void **field;

  if (!owner)
    return;
  field = random_field(m, owner);
  expected = once(m, 4) ? value : expect(m, lull_load(field));
  if (!lull_compare_exchange(m->thread, owner, field, &expected, value))
    expect(m, expected);
}

/* An object with references that was made not long ago: the first root slots hold many of them. */
static struct thing *pick_young(struct mutator *m) {
  struct thing *thing = expect(m, lull_load(&m->world->slots[below(m, NURSERY)]));

  if (thing && thing_class(thing) == CLASS_SHARED &&
      thing_slots(thing_kind(&m->world->kinds, thing), thing) > 0)
    return thing;
  return NULL;
}

/* Stands still without a safepoint, as a thread does that the system gives no processor: others go
 * on. */
static void linger(struct mutator *m) {
  if (once(m, 200))
    clock_pause(below(m, 400000));
}

/*
 * Takes references out of fields and puts each into another object, young ones above all, many
 * times without a poll between. Meanwhile other threads go through phases that this one has not
 * seen: what it takes out of an object that was not logged, and puts into one that will not be
 * scanned, stands nowhere else.
 */
void shared_transfer(struct mutator *m) {
  for (uint32_t n = 1 + below(m, TRANSFERS_MOST); n > 0; n--) {
    struct thing *from = pick_changeable(m), *to;
    struct thing *thing;
    if (!from)
      continue;
    thing = expect(m, lull_exchange(m->thread, from, random_field(m, from), NULL));
    linger(m);
    to = once(m, 4) ? pick_changeable(m) : pick_young(m);
    if (thing && to)
      lull_store(m->thread, to, random_field(m, to), thing);
  }
}

/* Between two shared objects, or within one with overlap, while others change both. */
void shared_copy(struct mutator *m) {
  struct thing *to = pick_contiguous(m), *from = once(m, 2) ? to : pick_contiguous(m);
  enum kind to_kind, from_kind;
  size_t to_slots, from_slots, at, start, n;

  if (!to || !from)
    return;
  to_kind = thing_kind(&m->world->kinds, to);
  from_kind = thing_kind(&m->world->kinds, from);
  to_slots = thing_slots(to_kind, to);
  from_slots = thing_slots(from_kind, from);
  at = below(m, (uint32_t)to_slots);
  start = below(m, (uint32_t)from_slots);
  n = to_slots - at < from_slots - start ? to_slots - at : from_slots - start;
  if (!once(m, 10) && n > COPY_MOST)
    n = COPY_MOST;
  lull_copy(m->thread, to, thing_slot(to_kind, to, at), thing_slot(from_kind, from, start), n);
}

void shared_fill(struct mutator *m) {
  struct thing *to = pick_contiguous(m), *value = pick_value(m);
  enum kind kind;
  size_t slots, at;

  if (!to)
    return;
  kind = thing_kind(&m->world->kinds, to);
  slots = thing_slots(kind, to);
  at = below(m, (uint32_t)slots);
  lull_fill(m->thread, to, thing_slot(kind, to, at), value, below(m, (uint32_t)(slots - at) + 1));
}

void shared_root(struct mutator *m) {
  store_root(m, random_root(m), pick_value(m));
}

/* From one root slot to another, clearing the first. */
void shared_move(struct mutator *m) {
  void **from = random_root(m), **to = random_root(m);
  struct thing *thing;

  if (once(m, 2)) {
    thing = expect(m, lull_root_exchange(m->thread, from, NULL));
    lull_root_store(m->thread, to, thing);
  } else {
    thing = expect(m, lull_load(from));
    lull_root_store(m->thread, to, thing);
    lull_root_store(m->thread, from, NULL);
  }
}

/* Puts an object into one of the thread's own roots, as a foreign node of the shadow graph. */
void shared_adopt(struct mutator *m) {
  struct thing *thing = shared_pick(m);

  if (thing)
    root_set(m, below(m, ROOTS), thing,
             graph_add_foreign(&m->graph, thing, thing_kind(&m->world->kinds, thing)));
}

/* Copies racy fields into a private object and learns afterwards what came. */
void shared_adopt_many(struct mutator *m) {
  struct thing *from = pick_contiguous(m);
  struct spot to = private_pick(m);
  enum kind kind;
  size_t n, slots;

  if (!from || !to.thing || !kind_contiguous(graph_node(&m->graph, to.node)->kind) ||
      graph_node(&m->graph, to.node)->foreign)
    return;
  kind = thing_kind(&m->world->kinds, from);
  slots = graph_node(&m->graph, to.node)->slots;
  n = thing_slots(kind, from) < slots ? thing_slots(kind, from) : slots;
  n = n < INIT_MOST ? n : INIT_MOST;
  lull_copy(m->thread, to.thing, thing_slot(graph_node(&m->graph, to.node)->kind, to.thing, 0),
            thing_slot(kind, from, 0), n);
  for (size_t i = 0; i < n; i++) {
    struct thing *value =
        expect(m, lull_load(thing_slot(graph_node(&m->graph, to.node)->kind, to.thing, i)));
    int32_t node =
        value ? graph_add_foreign(&m->graph, value, thing_kind(&m->world->kinds, value)) : NOBODY;
    graph_node(&m->graph, to.node)->edge[i] = node;
  }
}

/* Holds an object that others may drop at any time, across calls that poll. */
void shared_hold(struct mutator *m) {
  struct thing *thing = shared_pick(m);
  uint64_t id = thing ? thing->id : 0;
  LULL_ROOTS(m->thread, thing);

  if (!thing || m->actor->depth >= NEST_MOST)
    return;
  m->actor->depth++;
  operation(m->actor);
  control_poll(m);
  m->actor->depth--;
  thing_check_all(m->world->heap, &m->world->kinds, thing);
  STRESS_CHECK(thing->id == id, "object %p held by a frame has id %" PRIx64 " instead of %" PRIx64,
               (void *)thing, thing->id, id);
  if (thing_class(thing) == CLASS_PARCEL)
    parcel_check(m->world, thing);
}
