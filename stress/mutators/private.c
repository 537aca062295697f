/*
 * Operations on private objects, which only their thread changes: after each the shadow graph says
 * exactly what every field holds, and every load is compared with it.
 *
 * Rule: what private_pick returns is in no root of its own, so it is not used after a call that may
 * poll unless it was put into a frame (LULL_ROOTS) and into the graph's list of held nodes before.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "stress/common/check.h"
#include "stress/mutators/mutator.h"

enum { STEPS_MOST = 6, INIT_MOST = 8, LOCALS_MOST = 16, NESTED_OPERATIONS = 4, WORDS = 4 };

static const struct spot nowhere = {NULL, NOBODY};

void private_expect(struct mutator *m, const void *value, int32_t node) {
  const struct node *shadow;

  m->actor->loads++;
  if (node == NOBODY) {
    STRESS_CHECK(value == NULL, "a field that must be NULL holds %p", value);
    return;
  }
  shadow = graph_node(&m->graph, node);
  STRESS_CHECK(value == shadow->thing, "a field holds %p instead of %s %p, id %" PRIx64, value,
               kind_name(shadow->kind), (void *)shadow->thing, shadow->id);
  STRESS_CHECK(
      thing_check(&m->world->kinds, value) == shadow->kind && shadow->thing->id == shadow->id,
      "%s %p is dead: its id is %" PRIx64 " instead of %" PRIx64, kind_name(shadow->kind), value,
      shadow->thing->id, shadow->id);
}

static struct thing *load_slot(struct mutator *m, const struct node *node, size_t i) {
  struct thing *value = lull_load(thing_slot(node->kind, node->thing, i));

  private_expect(m, value, node->edge[i]);
  return value;
}

static struct spot start(struct mutator *m) {
  struct spot spot = nowhere;

  for (unsigned tries = 0; tries < 4 && !spot.thing; tries++) {
    unsigned root = below(m, ROOTS);
    spot = (struct spot){root_get(m, root), m->graph.root[root]};
    private_expect(m, spot.thing, spot.node);
  }
  return spot;
}

struct spot private_pick(struct mutator *m) {
  struct spot spot = start(m);

  if (!spot.thing)
    return nowhere;
  for (uint32_t steps = below(m, STEPS_MOST + 1); steps > 0; steps--) {
    const struct node *node = graph_node(&m->graph, spot.node);
    size_t slot;
    struct thing *next;
    if (node->slots == 0)
      break;
    slot = below(m, (uint32_t)node->slots);
    next = load_slot(m, node, slot);
    if (next)
      spot = (struct spot){next, node->edge[slot]};
  }
  return spot;
}

/* An object that has references and is this thread's; else nowhere. */
static struct spot pick_changeable(struct mutator *m) {
  for (unsigned tries = 0; tries < 4; tries++) {
    struct spot spot = private_pick(m);
    if (spot.thing && graph_node(&m->graph, spot.node)->slots > 0)
      return spot;
  }
  return nowhere;
}

/* The same, with its references in one piece. */
static struct spot pick_contiguous(struct mutator *m) {
  struct spot spot = pick_changeable(m);

  if (spot.thing && kind_contiguous(graph_node(&m->graph, spot.node)->kind))
    return spot;
  return nowhere;
}

/* What to store: mostly an object, sometimes NULL. */
static struct spot pick_value(struct mutator *m) {
  return once(m, 5) ? nowhere : private_pick(m);
}

static void **slot_of(struct mutator *m, struct spot spot, size_t slot) {
  return thing_slot(graph_node(&m->graph, spot.node)->kind, spot.thing, slot);
}

static size_t random_slot(struct mutator *m, struct spot spot) {
  return below(m, (uint32_t)graph_node(&m->graph, spot.node)->slots);
}

static void set_edge(struct mutator *m, struct spot spot, size_t slot, int32_t node) {
  graph_node(&m->graph, spot.node)->edge[slot] = node;
}

void private_walk(struct mutator *m) {
  struct spot spot = private_pick(m);

  if (spot.thing)
    thing_check_all(m->world->heap, &m->world->kinds, spot.thing);
}

/* Fills some fields of a fresh object: no call that may poll since it was allocated. */
static void init_fields(struct mutator *m, struct spot fresh) {
  size_t slots = graph_node(&m->graph, fresh.node)->slots;

  for (uint32_t n = slots ? below(m, INIT_MOST + 1) : 0; n > 0; n--) {
    size_t slot = below(m, (uint32_t)slots);
    struct spot value = pick_value(m);
    if (once(m, 4))
      lull_store(m->thread, fresh.thing, slot_of(m, fresh, slot), value.thing);
    else
      lull_init(m->thread, fresh.thing, slot_of(m, fresh, slot), value.thing);
    set_edge(m, fresh, slot, value.node);
  }
}

/* Fields stored after a poll: the object is not fresh any more. */
static void store_fields_later(struct mutator *m, struct spot *spot) {
  size_t slots = graph_node(&m->graph, spot->node)->slots;
  LULL_ROOTS(m->thread, spot->thing);

  graph_hold(&m->graph, spot->node);
  lull_poll(m->thread);
  for (uint32_t n = slots ? below(m, INIT_MOST + 1) : 0; n > 0; n--) {
    size_t slot = below(m, (uint32_t)slots);
    struct spot value = pick_value(m);
    lull_store(m->thread, spot->thing, slot_of(m, *spot, slot), value.thing);
    set_edge(m, *spot, slot, value.node);
    lull_poll(m->thread);
  }
  graph_let_go(&m->graph, 1);
}

/* Into a root or into an object. */
static void place(struct mutator *m, struct spot spot) {
  struct spot owner = once(m, 2) ? pick_changeable(m) : nowhere;

  if (owner.thing) {
    size_t slot = random_slot(m, owner);
    lull_store(m->thread, owner.thing, slot_of(m, owner, slot), spot.thing);
    set_edge(m, owner, slot, spot.node);
  } else {
    root_set(m, below(m, ROOTS), spot.thing, spot.node);
  }
}

void private_new(struct mutator *m) {
  enum kind kind = (enum kind)below(m, KINDS);
  struct spot spot;

  control_budget(m);
  spot.thing =
      control_new(m, CLASS_PRIVATE, kind,
                  thing_random_length(m->random, kind, m->world->private_budget > 1u << 20));
  if (!spot.thing)
    return;
  spot.node = graph_add(&m->graph, spot.thing, kind);
  init_fields(m, spot);
  if (once(m, 4))
    store_fields_later(m, &spot);
  place(m, spot);
}

void private_store(struct mutator *m) {
  struct spot owner = pick_changeable(m), value = pick_value(m);
  size_t slot;

  if (!owner.thing)
    return;
  slot = random_slot(m, owner);
  lull_store(m->thread, owner.thing, slot_of(m, owner, slot), value.thing);
  set_edge(m, owner, slot, value.node);
}

void private_exchange(struct mutator *m) {
  struct spot owner = pick_changeable(m), value = pick_value(m);
  size_t slot;
  void *old;

  if (!owner.thing)
    return;
  slot = random_slot(m, owner);
  old = lull_exchange(m->thread, owner.thing, slot_of(m, owner, slot), value.thing);
  private_expect(m, old, graph_node(&m->graph, owner.node)->edge[slot]);
  set_edge(m, owner, slot, value.node);
}

/* With the right expected value it must succeed, with another it must fail and give the right one.
 */
void private_compare_exchange(struct mutator *m) {
  struct spot owner = pick_changeable(m), value = pick_value(m), guess = pick_value(m);
  size_t slot;
  void *expected, *actual;
  bool stored;

  if (!owner.thing)
    return;
  slot = random_slot(m, owner);
  actual = load_slot(m, graph_node(&m->graph, owner.node), slot);
  expected = once(m, 2) ? actual : guess.thing;
  stored = expected == actual;
  STRESS_CHECK(lull_compare_exchange(m->thread, owner.thing, slot_of(m, owner, slot), &expected,
                                     value.thing) == stored,
               "compare-exchange of a private field must %s", stored ? "succeed" : "fail");
  STRESS_CHECK(expected == actual, "compare-exchange gave %p instead of %p", expected, actual);
  if (stored)
    set_edge(m, owner, slot, value.node);
}

/* From one object to another, or within one with overlap. */
void private_copy(struct mutator *m) {
  struct spot to = pick_contiguous(m), from = once(m, 2) ? to : pick_contiguous(m);
  struct node *source, *target;
  size_t at, start_at, n, most;

  if (!to.thing || !from.thing)
    return;
  source = graph_node(&m->graph, from.node);
  target = graph_node(&m->graph, to.node);
  start_at = below(m, (uint32_t)source->slots);
  at = below(m, (uint32_t)target->slots);
  most =
      source->slots - start_at < target->slots - at ? source->slots - start_at : target->slots - at;
  n = below(m, (uint32_t)most + 1);
  lull_copy(m->thread, to.thing, slot_of(m, to, at), slot_of(m, from, start_at), n);
  memmove(&target->edge[at], &source->edge[start_at], n * sizeof *target->edge);
}

/* From words that are not in an object. */
void private_copy_locals(struct mutator *m) {
  struct spot to = pick_contiguous(m);
  void *locals[LOCALS_MOST];
  int32_t nodes[LOCALS_MOST];
  size_t slots, n;

  if (!to.thing)
    return;
  slots = graph_node(&m->graph, to.node)->slots;
  n = 1 + below(m, (uint32_t)(slots < LOCALS_MOST ? slots : LOCALS_MOST));
  for (size_t i = 0; i < n; i++) {
    struct spot value = pick_value(m);
    locals[i] = value.thing;
    nodes[i] = value.node;
  }
  lull_copy(m->thread, to.thing, slot_of(m, to, slots - n), locals, n);
  memcpy(&graph_node(&m->graph, to.node)->edge[slots - n], nodes, n * sizeof *nodes);
}

void private_fill(struct mutator *m) {
  struct spot to = pick_contiguous(m), value = pick_value(m);
  struct node *target;
  size_t at, n;

  if (!to.thing)
    return;
  target = graph_node(&m->graph, to.node);
  at = below(m, (uint32_t)target->slots);
  n = below(m, (uint32_t)(target->slots - at) + 1);
  lull_fill(m->thread, to.thing, slot_of(m, to, at), value.thing, n);
  for (size_t i = at; i < at + n; i++)
    target->edge[i] = value.node;
}

void private_root(struct mutator *m) {
  struct spot value = pick_value(m);

  root_set(m, below(m, ROOTS), value.thing, value.node);
}

/* Takes an object from a handle, gives the handle back at once, and only then puts the object
 * elsewhere. */
void private_release(struct mutator *m) {
  unsigned root = RANGE_ROOTS + CALLBACK_ROOTS + below(m, HANDLE_ROOTS);
  struct spot spot = {root_get(m, root), m->graph.root[root]};

  root_set(m, root, NULL, NOBODY);
  if (!spot.thing)
    return;
  private_expect(m, spot.thing, spot.node);
  if (once(m, 2))
    store_fields_later(m, &(struct spot){spot.thing, spot.node});
  else
    place(m, spot);
}

/* Held by a frame alone, as far as this operation sees to it, while others run inside. */
void private_nest(struct mutator *m) {
  struct spot one = private_pick(m), two = private_pick(m);
  unsigned root = below(m, ROOTS);
  LULL_ROOTS(m->thread, one.thing, two.thing);

  if (m->actor->depth >= NEST_MOST)
    return;
  graph_hold(&m->graph, one.node);
  graph_hold(&m->graph, two.node);
  root_set(m, root, NULL, NOBODY);
  m->actor->depth++;
  for (uint32_t n = below(m, NESTED_OPERATIONS + 1); n > 0; n--)
    operation(m->actor);
  lull_poll(m->thread);
  m->actor->depth--;
  private_expect(m, one.thing, one.node);
  private_expect(m, two.thing, two.node);
  graph_let_go(&m->graph, 2);
  if (one.thing)
    place(m, one);
}

static void store_word(struct mutator *m, void **word, int32_t *node) {
  struct spot value = pick_value(m);
  void *old = lull_load(word);

  private_expect(m, old, *node);
  switch (below(m, 3)) {
  case 0:
    lull_root_store(m->thread, word, value.thing);
    break;
  case 1:
    STRESS_CHECK(lull_root_exchange(m->thread, word, value.thing) == old,
                 "a root exchange gave another object");
    break;
  default:
    STRESS_CHECK(lull_root_compare_exchange(m->thread, word, &old, value.thing),
                 "a root compare-exchange failed");
    break;
  }
  *node = value.node;
}

/* A shared root range of the thread's own, which comes and goes while others run inside. */
void private_shared_range(struct mutator *m) {
  void *words[WORDS] = {NULL};
  int32_t *nodes;

  if (m->actor->depth >= NEST_MOST)
    return;
  STRESS_OK(lull_shared_range_add(m->thread, words, WORDS));
  nodes = &m->graph.held[m->graph.held_count];
  for (unsigned i = 0; i < WORDS; i++)
    graph_hold(&m->graph, NOBODY);
  m->actor->depth++;
  for (uint32_t n = below(m, NESTED_OPERATIONS + 1); n > 0; n--) {
    uint32_t i = below(m, WORDS);
    store_word(m, &words[i], &nodes[i]);
    operation(m->actor);
  }
  m->actor->depth--;
  for (unsigned i = 0; i < WORDS; i++)
    private_expect(m, lull_load(&words[i]), nodes[i]);
  graph_let_go(&m->graph, WORDS);
  STRESS_OK(lull_shared_range_remove(m->thread, words));
  for (unsigned i = 0; i < WORDS; i++)
    STRESS_CHECK(words[i] == NULL, "a removed shared range was not cleared");
}

static void check_node(struct mutator *m, struct node *node) {
  thing_check_all(m->world->heap, &m->world->kinds, node->thing);
  if (node->foreign)
    return;
  for (size_t i = 0; i < node->slots; i++)
    private_expect(m, lull_load(thing_slot(node->kind, node->thing, i)), node->edge[i]);
}

/* Checks what a node reaches and was not checked yet. The objects are alive through the root that
 * holds the node. */
static void check_from(struct mutator *m, int32_t from) {
  struct graph *graph = &m->graph;
  int32_t depth = 0;

  if (from == NOBODY || graph_node(graph, from)->marked)
    return;
  graph_node(graph, from)->marked = true;
  graph->work[depth++] = from;
  while (depth > 0) {
    struct node *node = graph_node(graph, graph->work[--depth]);
    check_node(m, node);
    for (size_t i = 0; i < node->slots; i++) {
      int32_t next = node->edge[i];
      if (next != NOBODY && !graph_node(graph, next)->marked) {
        graph_node(graph, next)->marked = true;
        graph->work[depth++] = next;
      }
    }
  }
}

void private_check_all(struct mutator *m) {
  for (unsigned i = 0; i < ROOTS; i++) {
    private_expect(m, root_get(m, i), m->graph.root[i]);
    check_from(m, m->graph.root[i]);
    lull_poll(m->thread);
  }
  for (int32_t i = 0; i < m->graph.held_count; i++)
    check_from(m, m->graph.held[i]);
  for (int32_t i = 0; i < m->graph.capacity; i++)
    m->graph.nodes[i].marked = false;
}
