/*
 * test_interleavings_minor.c: minor cycles, step by step: two threads are led through one handshake
 * after the other (tests/puppets.h), and do at each step what would lose a young object, or keep an
 * old one from being found again, if a rule were missing (doc/design/generations.md).
 *
 * The victim is young, in a block that the minor sweeps, and scribbled over when it is taken for
 * dead. `shared` is old. The verifier looks at the heap after each cycle; two more minors and a
 * major follow, by which what should have been remembered is missed.
 */
#include "heap/large.h"
#include "mark/age.h"
#include "mark/mark.h"
#include "support/fault.h"
#include "tests/victim.h"

/* Where a cycle stands. b is ahead of a at some steps. */
enum step {
  BEFORE,
  WINDOW_AHEAD,
  WINDOW,
  BUMPED_AHEAD,
  BUMPED,
  TRACE_AHEAD,
  TRACE,
  IDLE_ARMED,
  IDLE_AHEAD,
  SETTLING,
  AFTER,
  STEPS
};

static struct vector *second;   /* like `shared`, old and held by a handle */
static struct cell *gone;       /* old; a's root[1] */
static struct cell *passed;     /* what one puppet holds and another takes over */

/* Wide epochs in debug builds too: with 4 bits every fourth cycle has to be a major. */
#define OPTIONS                                                                                    \
  "heap.max=64M,gc.every=1G,gc.helpers=0,heap.return=false,stress.scribble=true,"                  \
  "stress.epoch_bits=15,verify=cycle"

static struct vector *make_vector(struct puppet *puppet) {
  struct vector *vector = (struct vector *)lull_new_array(puppet->thread, vectors, length);
  EXPECT(vector != NULL && lull_handle_new(puppet->thread, vector) != NULL);
  return vector;
}

static void make_old(struct puppet *puppet) {
  shared = make_vector(puppet);
  second = make_vector(puppet);
  gone = puppet->root[1] = new_cell(puppet, MAGIC);
  grow_old(puppet);
}

/* root[3] is the victim's neighbour. */
static void make_young(struct puppet *puppet) {
  bear_victim(puppet);
  puppet->root[3] = new_cell(puppet, MAGIC);
  leave_blocks(puppet);
}

static void set_up_with(const char *options) {
  heap = heap_with(options);
  cells = cell_type(heap);
  vectors = vector_type(heap);
  create(&a);
  let(&a, make_old);
  create(&b);
  let(&a, make_young);
}

static void set_up(void) { set_up_with(OPTIONS); }

static bool is_old(const void *object) { return lu_is_marked(object, heap->marking.map); }

/* Makes a puppet that is attached do something. */
static void each(void (*act)(struct puppet *puppet)) {
  struct puppet *const all[] = {&a, &b, &c};
  for (int i = 0; i < 3; i++)
    if (all[i]->thread != NULL)
      let(all[i], act);
}

/* From where a minor has brought both to. */
static void lead_on(enum step from, enum step to) {
  static const enum lu_phase phases[] = {
      [WINDOW_AHEAD] = LU_WINDOW, [WINDOW] = LU_WINDOW,     [BUMPED_AHEAD] = LU_BUMPED,
      [BUMPED] = LU_BUMPED,       [TRACE_AHEAD] = LU_TRACE, [TRACE] = LU_TRACE};
  for (int step = from + 1; step <= (int)to; step++) {
    if (step == WINDOW_AHEAD)
      begin_minor();
    if (step <= TRACE)
      lead(step % 2 != 0 ? &b : &a, phases[step]);
    else if (step == IDLE_AHEAD)
      lead(&b, LU_IDLE);
    else if (step == AFTER)
      finish();
    else {
      stop_at = step == IDLE_ARMED ? is_idle_armed : is_settling;
      start(&a, take_requests_until);
      let(&b, take_requests_until);
      await(&a);
    }
  }
}

static void lead_to(enum step step) { lead_on(BEFORE, step); }

/* The cycle that `step` has left under way, or one that is yet to begin. */
static void complete(enum step step) {
  if (step == BEFORE)
    begin_minor();
  finish();
  ck_assert_uint_eq(atomic_load(&heap->cycle.ended), target);
  ck_assert_int_eq(heap->cycle.kind, LU_MINOR);
}

/*
 * The rest of the cycle, and what would miss the victim if it were not where the next cycles look.
 */
static void outlive(enum step step) {
  complete(step);
  check_victim();
  for (int i = 0; i < 2; i++) {
    each(leave_blocks);
    complete(BEFORE);
    check_victim();
  }
  begin();
  finish();
  check_victim();
}

/* Things that puppets do. */

/*
 * A birth in the middle of `shared`, with one that an initialising store has put into it; held by
 * `shared` alone.
 */
static void bear_into_shared(struct puppet *puppet) {
  puppet->root[2] = new_cell(puppet, MAGIC + 3);
  struct cell *birth = new_cell(puppet, MAGIC + 2);
  lull_init(puppet->thread, birth, &birth->next, puppet->root[2]);
  puppet->root[2] = NULL;
  lull_store(puppet->thread, shared, &shared->item[length / 2], birth);
}

static void check_birth(void) {
  const struct cell *birth = shared->item[length / 2];
  ck_assert_uint_eq(birth->value, MAGIC + 2);
  ck_assert_uint_eq(birth->next->value, MAGIC + 3);
}

/* Old to young. */

/* At each step an old object gets the only reference to a young one. */
START_TEST(an_old_object_gets_a_young_one) {
  enum step step = (enum step)(_i / 2 % STEPS);
  length = _i % 2 == 0 ? SMALL : ITEMS;
  set_up();
  lead_to(step);
  let(&a, put_and_forget);
  outlive(step);
  tear_down();
}
END_TEST

/* Births of each step. */
START_TEST(an_old_object_gets_a_birth) {
  enum step step = (enum step)(_i / 4 % STEPS);
  struct puppet *actor = _i / 2 % 2 == 0 ? &a : &b;
  length = _i % 2 == 0 ? SMALL : ITEMS;
  set_up();
  lead_to(step);
  let(actor, bear_into_shared);
  complete(step);
  check_birth();
  for (int i = 0; i < 2; i++) {
    each(leave_blocks);
    complete(BEFORE);
    check_birth();
  }
  check_victim();
  tear_down();
}
END_TEST

static void store_card(struct puppet *puppet) {
  size_t card = (size_t)puppet->root[3]->value,
         per = (size_t)heap->settings.rs_card / sizeof(void *);
  size_t i = card * per + per / 2 < length ? card * per + per / 2 : length - 1;
  lull_store(puppet->thread, shared, &shared->item[i], new_cell(puppet, MAGIC + card));
  passed = shared->item[i];
  leave_blocks(puppet);
}

static void make_counter(struct puppet *puppet) { puppet->root[3] = new_cell(puppet, 0); }

/* A large array, by cards of each size: one card is stored into before each minor. */
START_TEST(an_old_array_gets_young_ones_card_by_card) {
  static const char *const cards[] = {",rs.card=64", ",rs.card=512", ",rs.card=8K"};
  char options[sizeof OPTIONS + 16];
  snprintf(options, sizeof options, "%s%s", OPTIONS, cards[_i]);
  length = ITEMS;
  set_up_with(options);
  let(&a, make_counter);
  size_t count = lu_large_of(shared)->card_count;
  for (size_t card = 0; card < count; card += 1 + count / 40) {
    a.root[3]->value = card;
    let(&a, store_card);
    complete(BEFORE);
    ck_assert_uint_eq(passed->value, MAGIC + card);
    ck_assert(is_old(passed));
  }
  tear_down();
}
END_TEST

/* Hiding. */

static void take_out(void (*take)(struct puppet *puppet)) {
  let(&a, put_and_forget);
  lead_to(TRACE_AHEAD);
  let(&b, take);
  outlive(TRACE_AHEAD);
  tear_down();
}

START_TEST(a_scanned_thread_takes_the_only_reference) {
  length = _i == 0 ? SMALL : ITEMS;
  set_up();
  take_out(take_from_shared);
}
END_TEST

START_TEST(a_scanned_thread_clears_the_only_reference) {
  length = _i == 0 ? SMALL : ITEMS;
  set_up();
  take_out(load_and_clear);
}
END_TEST

/*
 * b is scanned already; a, which is not, stores what only a holds into an object that is logged,
 * and lets it go.
 */
START_TEST(a_new_value_passes_to_a_scanned_thread) {
  length = _i == 0 ? SMALL : ITEMS;
  set_up();
  lead_to(TRACE_AHEAD);
  let(&a, store_elsewhere);
  let(&a, put_and_forget);
  let(&b, take_from_shared);
  outlive(TRACE_AHEAD);
  tear_down();
}
END_TEST

/*
 * a stores in the window: barrier and store stand on two sides of b's first store in the new epoch.
 */
static void straddle(void) {
  lead_to(WINDOW);
  let(&a, barrier_only);
  lead(&b, LU_BUMPED);
  let(&b, store_elsewhere);
  let(&a, store_now);
  lead(&a, LU_BUMPED);
  lead(&b, LU_TRACE);
  let(&b, take_from_shared);
}

START_TEST(a_store_in_the_window_straddles_the_first_log) {
  set_up();
  straddle();
  outlive(TRACE_AHEAD);
  tear_down();
}
END_TEST

/*
 * Without packets an object is kept by its mark and a flag; the spare bitmap is clear all the same
 * when the next cycle begins.
 */
START_TEST(a_store_in_the_window_without_packets) {
  set_up();
  lu_fault_arm(LU_FAULT_PACKET, 1, false);
  straddle();
  complete(TRACE_AHEAD);
  check_victim();
  ck_assert_uint_gt(stats_of(heap).packet_overflows, 0);
  lu_fault_clear();
  begin();
  finish();
  check_victim();
  tear_down();
}
END_TEST

/* An object that was stored into in the window has not been copied. */
START_TEST(a_log_of_the_window_is_no_log_of_the_cycle) {
  set_up();
  let(&a, put_and_forget);
  lead_to(WINDOW);
  let(&a, store_elsewhere);
  lead_on(WINDOW, TRACE_AHEAD);
  let(&b, take_from_shared);
  outlive(TRACE_AHEAD);
  tear_down();
}
END_TEST

/* Threads that come and go. */

static void bear_and_leave(struct puppet *puppet) {
  bear_into_shared(puppet);
  detach(puppet);
}

/* What a thread has remembered stays remembered when it leaves. */
START_TEST(a_thread_stores_and_leaves) {
  enum step step = (enum step)(_i / 2);
  length = _i % 2 == 0 ? SMALL : ITEMS;
  set_up();
  lead_to(step);
  let(&b, bear_and_leave);
  outlive(step);
  check_birth();
  tear_down();
}
END_TEST

/*
 * A thread joins at each step, takes the only reference to the victim, and stores a birth of its
 * own.
 */
START_TEST(a_thread_joins_and_takes) {
  enum step step = (enum step)(_i / 2);
  length = _i % 2 == 0 ? SMALL : ITEMS;
  set_up();
  let(&a, put_and_forget);
  lead_to(step);
  create(&c);
  let(&c, take_from_shared);
  let(&c, bear_into_shared);
  outlive(step);
  check_birth();
  end(&c);
  tear_down();
}
END_TEST

/* Large births. */

static bool born_live;

/* May poll, and so bring the puppet a step further. */
static void bear_large(struct puppet *puppet) {
  puppet->root[2] = (struct cell *)lull_new_array(puppet->thread, vectors, ITEMS);
  EXPECT(puppet->root[2] != NULL);
  born_live = mutator_of(puppet)->born_live;
}

static void forget_birth(struct puppet *puppet) { puppet->root[2] = NULL; }

/*
 * A large object that is born at any step is young when the minor is over, whether it had to be
 * kept or was marked: the next frees it, or makes it old.
 */
START_TEST(a_large_birth_is_not_old_at_once) {
  enum step step = (enum step)(_i / 2);
  set_up();
  let(&b, bear_large);
  lead_to(step);
  let(&a, bear_large);
  const void *birth = a.root[2];
  bool young = born_live || step > TRACE;
  complete(step);
  ck_assert(is_old(b.root[2]));
  ck_assert_int_eq(is_old(birth), !young);
  if (_i % 2 != 0)
    let(&a, forget_birth);
  complete(BEFORE);
  ck_assert_uint_eq(heap->cycle.run.sweep.large_freed, young && _i % 2 != 0);
  if (_i % 2 == 0)
    ck_assert(is_old(birth));
  tear_down();
}
END_TEST

/* Lost entries. With a budget of one packet, which is a's, what b enters is lost. */

static void bear_into_second(struct puppet *puppet) {
  lull_store(puppet->thread, second, &second->item[0], new_cell(puppet, MAGIC));
}

static void bear(struct puppet *puppet) { passed = puppet->root[2] = new_cell(puppet, MAGIC); }
static void put_passed_into_second(struct puppet *puppet) {
  lull_store(puppet->thread, second, &second->item[0], passed);
}

/* A minor is asked for, and a major must come of it. */
static void complete_as_major(void) {
  begin_minor();
  finish();
  ck_assert_int_eq(heap->cycle.kind, LU_MAJOR);
  ck_assert_uint_eq(second->item[0]->value, MAGIC);
  check_victim();
  complete(BEFORE);
  ck_assert_uint_eq(second->item[0]->value, MAGIC);
}

START_TEST(a_lost_entry_makes_the_minor_a_major) {
  length = _i == 0 ? SMALL : ITEMS;
  set_up_with(OPTIONS ",rs.max=4K");
  let(&a, store_elsewhere);
  let(&b, bear_into_second);
  each(leave_blocks);
  complete_as_major();
  tear_down();
}
END_TEST

/*
 * b loses an entry in the window, when the set of the epoch before, which a major drops, is still
 * in use. `second` is logged from then on, so nothing else tells of the birth that it gets.
 */
START_TEST(an_entry_is_lost_in_the_window) {
  set_up_with(OPTIONS ",rs.max=4K");
  let(&a, store_elsewhere);
  if (_i == 0)
    begin();
  else
    begin_minor();
  lead(&b, LU_WINDOW);
  let(&b, bear_into_second);
  lead(&a, LU_WINDOW);
  lead(&a, LU_BUMPED);
  let(&a, bear);
  let(&b, put_passed_into_second);
  let(&a, forget_birth);
  finish();
  ck_assert_int_eq(heap->cycle.kind, _i == 0 ? LU_MAJOR : LU_MINOR);
  each(leave_blocks);
  complete_as_major();
  tear_down();
}
END_TEST

/*
 * b loses an entry when it is idle already and the set of the new epoch has not become the current
 * one yet.
 */
START_TEST(an_entry_is_lost_before_the_sweep) {
  set_up_with(OPTIONS ",rs.max=4K");
  lead_to(TRACE);
  let(&a, store_elsewhere);
  lead_on(TRACE, IDLE_AHEAD);
  let(&b, bear_into_second);
  complete(IDLE_AHEAD);
  each(leave_blocks);
  complete_as_major();
  tear_down();
}
END_TEST

/* Promotion after the second cycle. */

static void put_neighbour_into_shared(struct puppet *puppet) {
  lull_store(puppet->thread, shared, &shared->item[0], puppet->root[3]);
  puppet->root[3] = NULL;
}

/*
 * The victim is marked, counted and listed; then its neighbour, for which there was no packet, has
 * the block scanned again, which promotes what it meets, whatever it takes otherwise.
 */
START_TEST(a_survivor_is_met_by_a_rescan) {
  set_up_with(_i == 2 ? OPTIONS ",gc.promote=2" : OPTIONS ",gc.promote=3");
  ck_assert_ptr_eq(lu_block_of(&heap->space, victim), lu_block_of(&heap->space, a.root[3]));
  lead_to(WINDOW);
  let(&a, store_elsewhere);
  lead_on(WINDOW, BUMPED);
  lu_fault_arm(LU_FAULT_PACKET, 1, false);
  let(&a, put_neighbour_into_shared);
  lu_fault_clear();
  complete(BUMPED);
  ck_assert_uint_eq(stats_of(heap).packet_overflows, 1);
  ck_assert_int_eq(lu_age(victim), _i);
  ck_assert(is_old(victim));
  outlive(BEFORE);
  tear_down();
}
END_TEST

/*
 * A node whose layout is told by a callback, which lets a test look into the middle of the marker's
 * work.
 */
struct node {
  lull_object header;
  struct cell *held;
  void *other;
};

static lull_type nodes;
static struct node *node;
static lull_handle *node_handle;
static _Atomic int traces_left;   /* calls of the callback before the one in which b takes what the
                                     node holds; negative: none will */
static _Atomic bool taken;

static void take_from_node(struct puppet *puppet) {
  passed = puppet->root[0] = (struct cell *)lull_exchange(puppet->thread, node, &node->held, NULL);
}

static void trace_node(void *object, lull_visitor *visitor) {
  struct node *traced = object;
  if (traced == node && atomic_fetch_sub(&traces_left, 1) == 0) {
    let(&b, take_from_node);
    atomic_store(&taken, true);
  }
  lull_visit(visitor, &traced->held);
  lull_visit(visitor, &traced->other);
}

static void make_node(struct puppet *puppet) {
  node = (struct node *)lull_new(puppet->thread, nodes);
  node_handle = lull_handle_new(puppet->thread, node);
}

static void fill_node(struct puppet *puppet) {
  lull_store(puppet->thread, node, &node->held, new_cell(puppet, MAGIC));
  leave_blocks(puppet);
}

static void set_up_nodes(void) {
  lull_type_desc desc = {.struct_size = sizeof desc,
                         .name = "node",
                         .size = sizeof(struct node),
                         .layout = {.refs = LULL_REFS_TRACE},
                         .trace = trace_node};
  atomic_store(&traces_left, -1);
  set_up_with(OPTIONS ",gc.promote=2");
  ck_assert_int_eq(lull_type_define(heap, &desc, &nodes), LULL_OK);
  let(&a, make_node);
  each(leave_blocks);
}

/*
 * The node is promoted, by this minor or before, and holds what is not: its log is set by the
 * marker. b takes the cell out of it in the middle of the marker's first or second look at its
 * fields.
 */
START_TEST(a_store_comes_while_the_marker_remembers) {
  set_up_nodes();
  for (int i = 0; i < 1 + _i / 2; i++)
    complete(BEFORE);
  ck_assert_int_eq(is_old(node), _i / 2);
  let(&a, fill_node);
  lead_to(TRACE_AHEAD);
  atomic_store(&traces_left, _i % 2);
  lead(&a, LU_TRACE);
  while (!atomic_load(&taken))
    sched_yield();
  complete(TRACE);
  ck_assert(is_old(node));
  ck_assert_uint_eq(passed->value, MAGIC);
  each(leave_blocks);
  complete(BEFORE);
  ck_assert_uint_eq(passed->value, MAGIC);
  tear_down();
}
END_TEST

/* Requests. */

static void forget_and_collect(struct puppet *puppet) {
  puppet->root[1] = NULL;
  collect(puppet);
}

/*
 * At each step of a minor: who asks for a collection gets a major, also when an allocation has
 * asked for the next cycle before.
 */
START_TEST(a_collection_is_asked_for_while_a_minor_runs) {
  enum step step = (enum step)(_i / 2);
  set_up();
  ck_assert(is_old(gone));
  lead_to(step);
  if (_i % 2 != 0)
    lu_cycle_request(heap, LU_CAUSE_ALLOCATION);
  uint64_t begun = atomic_load(&heap->cycle.begun);
  start(&a, forget_and_collect);
  target = UINT64_MAX;
  start(&b, poll_to_the_end);
  await(&a);
  atomic_store(&over, true);
  await(&b);
  ck_assert_int_eq(heap->cycle.kind, LU_MAJOR);
  ck_assert_uint_gt(atomic_load(&heap->cycle.major_ended), begun - (step == BEFORE));
  ck_assert_uint_ne(gone->value, MAGIC);
  check_victim();
  tear_down();
}
END_TEST

int main(void) {
  Suite *suite = new_suite("interleavings of minors");
  ADD_CASE(suite, an_old_object_gets_a_young_one, 0, 2 * STEPS);
  ADD_CASE(suite, an_old_object_gets_a_birth, 0, 4 * STEPS);
  ADD_CASE(suite, an_old_array_gets_young_ones_card_by_card, 0, 3);
  ADD_CASE(suite, a_scanned_thread_takes_the_only_reference, 0, 2);
  ADD_CASE(suite, a_scanned_thread_clears_the_only_reference, 0, 2);
  ADD_CASE(suite, a_new_value_passes_to_a_scanned_thread, 0, 2);
  ADD_CASE(suite, a_store_in_the_window_straddles_the_first_log, 0, 1);
  ADD_CASE(suite, a_store_in_the_window_without_packets, 0, 1);
  ADD_CASE(suite, a_log_of_the_window_is_no_log_of_the_cycle, 0, 1);
  ADD_CASE(suite, a_thread_stores_and_leaves, 0, 2 * STEPS);
  ADD_CASE(suite, a_thread_joins_and_takes, 0, 2 * STEPS);
  ADD_CASE(suite, a_large_birth_is_not_old_at_once, 0, 2 * STEPS);
  ADD_CASE(suite, a_lost_entry_makes_the_minor_a_major, 0, 2);
  ADD_CASE(suite, an_entry_is_lost_in_the_window, 0, 2);
  ADD_CASE(suite, an_entry_is_lost_before_the_sweep, 0, 1);
  ADD_CASE(suite, a_survivor_is_met_by_a_rescan, 2, 4);
  ADD_CASE(suite, a_store_comes_while_the_marker_remembers, 0, 4);
  ADD_CASE(suite, a_collection_is_asked_for_while_a_minor_runs, 0, 2 * STEPS);
  return run_suite(suite);
}
