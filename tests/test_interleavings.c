/*
 * test_interleavings.c: what the store barrier is for, step by step: two threads are led through
 * the phases of a cycle one handshake at a time, and do in each phase what would lose an object if
 * a rule were missing (doc/design/defects.md, tests/models/start.pml).
 *
 * Two puppets (tests/puppets.h) make every interleaving below the only one that can happen; the
 * victim and the scene are those of tests/victim.h. The verifier looks at the heap after the cycle.
 * Other parts of the protocol are in test_interleavings_memory.c and test_interleavings_requests.c.
 */
#include "heap/large.h"
#include "tests/victim.h"

static void load_from_shared(struct puppet *puppet) {
  puppet->root[0] = (struct cell *)lull_load(&shared->item[length - 1]);
  EXPECT(puppet->root[0] == victim);
}

static void clear_in_shared(struct puppet *puppet) {
  lull_store(puppet->thread, shared, &shared->item[length - 1], NULL);
}

static void bear_one(struct puppet *puppet) { puppet->root[1] = new_cell(puppet, MAGIC); }

/* Deletions: what a scanned thread takes out of an object is in its registers only. */

static void take_out(void (*take)(struct puppet *puppet)) {
  let(&a, put_and_forget);
  begin_and_scan_b();
  let(&b, take);
  outlive_major();
  tear_down();
}

START_TEST(a_scanned_thread_takes_the_only_reference) {
  set_up_major();
  take_out(take_from_shared);
}
END_TEST

START_TEST(a_scanned_thread_clears_the_only_reference) {
  set_up_major();
  take_out(load_and_clear);
}
END_TEST

START_TEST(a_scanned_thread_takes_from_a_large_object) {
  length = ITEMS;
  set_up_major();
  take_out(take_from_shared);
}
END_TEST

/* The first slot of the card, which logs it, then the last one, which is logged already. */
static void take_from_logged_card(struct puppet *puppet) {
  struct lu_large *large = lu_large_of(shared);
  size_t card = lu_large_card_index(large, &shared->item[length - 1]);
  char *first = (char *)shared + card * lu_large_card_bytes(large);
  ck_assert_uint_gt(card, 0);
  lull_store(puppet->thread, shared, first, NULL);
  take_from_shared(puppet);
}

/* Whatever size cards have; the array ends where a card of each size does. */
START_TEST(a_scanned_thread_takes_from_a_large_card) {
  char options[200];
  snprintf(options, sizeof options, OPTIONS_OF_MAJORS ",rs.card=%d", 64 << _i);
  length = (4 * LU_CARD_MOST - sizeof(struct vector)) / sizeof(void *);
  set_up_major_with(options);
  take_out(take_from_logged_card);
}
END_TEST

/* Without packets an object is kept by its mark and a flag. */
START_TEST(a_scanned_thread_takes_without_packets) {
  length = _i == 0 ? SMALL : ITEMS;
  set_up_major_with(OPTIONS_OF_MAJORS ",fault.packet=1");
  let(&a, bear_one);
  take_out(take_from_shared);
}
END_TEST

/* A third thread joins while the cycle runs, and knows what the others know. */
START_TEST(a_thread_that_joins_takes_the_only_reference) {
  set_up_major();
  let(&a, put_and_forget);
  begin_and_scan_b();
  create(&c);
  ck_assert_int_eq(mutator_of(&c)->phase, LU_TRACE);
  let(&c, take_from_shared);
  outlive_major();
  end(&c);
  tear_down();
}
END_TEST

/* What a thread has shaded stays shaded when it leaves. */
START_TEST(a_thread_that_shaded_leaves) {
  set_up_major();
  let(&a, put_and_forget);
  begin_and_scan_b();
  create(&c);
  let(&b, load_from_shared);
  let(&c, clear_in_shared);
  end(&c);
  outlive_major();
  tear_down();
}
END_TEST

/* Copy before log: b stores into the node while a copies it. */

/* A node whose layout is told by a callback, which lets a test look into the middle of a
 * barrier. */
struct node {
  lull_object header;
  struct cell *held;
  void *other;
};

static lull_type nodes;
static void (*in_trace)(void);    /* called once by the next trace of a node */

static void trace_node(void *object, lull_visitor *visitor) {
  struct node *node = object;
  void (*look)(void) = in_trace;
  in_trace = NULL;
  if (look != NULL)
    look();
  lull_visit(visitor, &node->held);
  lull_visit(visitor, &node->other);
}

static void define_nodes(void) {
  lull_type_desc desc = {.struct_size = sizeof desc,
                         .name = "node",
                         .size = sizeof(struct node),
                         .layout = {.refs = LULL_REFS_TRACE},
                         .trace = trace_node};
  ck_assert_int_eq(lull_type_define(heap, &desc, &nodes), LULL_OK);
}

static struct node *node;

static void make_node(struct puppet *puppet) {
  node = (struct node *)lull_new(puppet->thread, nodes);
  EXPECT(node != NULL);
  lull_handle_set(puppet->thread, spare_handle, node);
  lull_store(puppet->thread, node, &node->held, puppet->root[0]);
  puppet->root[0] = NULL;
}

static _Atomic bool taken;

static void take_from_node(struct puppet *puppet) {
  puppet->root[0] = (struct cell *)lull_exchange(puppet->thread, node, &node->held, NULL);
  EXPECT(puppet->root[0] == victim);
  atomic_store(&taken, true);
}

static void let_b_take(void) { let(&b, take_from_node); }

static void store_into_node(struct puppet *puppet) {
  in_trace = let_b_take;
  lull_store(puppet->thread, node, &node->other, NULL);
  EXPECT(in_trace == NULL);
}

START_TEST(a_store_comes_in_the_middle_of_a_copy) {
  set_up_major();
  define_nodes();
  let(&a, make_node);
  begin_and_scan_b();
  let(&a, store_into_node);
  outlive_major();
  tear_down();
}
END_TEST

/* The marker renews an old log before it reads the fields; b stores into the node in between. */
START_TEST(a_store_comes_after_an_old_log_was_renewed) {
  set_up_major_with(OPTIONS_OF_MAJORS ",stress.epoch_bits=4");
  define_nodes();
  let(&a, make_node);
  let(&b, block);
  for (int i = 0; i < _i; i++)
    let(&a, collect);
  let(&b, unblock);
  begin_until(LU_BUMPED);
  in_trace = let_b_take;
  lead_both(LU_TRACE);
  while (!atomic_load(&taken))
    sched_yield();
  outlive_major();
  tear_down();
}
END_TEST

/* The window. */

/* b is scanned already; a, which is not, stores what only a holds into an object that is logged,
 * and lets it go. */
START_TEST(a_new_value_passes_to_a_scanned_thread) {
  set_up_major();
  begin_and_scan_b();
  let(&a, store_elsewhere);
  let(&a, put_and_forget);
  let(&b, take_from_shared);
  outlive_major();
  tear_down();
}
END_TEST

/* a stores in the window: barrier and store stand on two sides of b's first store in the new
 * epoch. */
static void straddle(void) {
  begin_until(LU_WINDOW);
  let(&a, barrier_only);
  lead(&b, LU_BUMPED);
  let(&b, store_elsewhere);
  let(&a, store_now);
  lead(&a, LU_BUMPED);
  lead(&b, LU_TRACE);
  let(&b, take_from_shared);
  outlive_major();
  tear_down();
}

START_TEST(a_store_in_the_window_straddles_the_first_log) {
  set_up_major();
  straddle();
}
END_TEST

START_TEST(a_store_in_the_window_without_packets) {
  set_up_major_with(OPTIONS_OF_MAJORS ",fault.packet=1");
  straddle();
}
END_TEST

/* An object that was stored into in the window has not been copied. */
START_TEST(a_log_of_the_window_is_no_log_of_the_cycle) {
  set_up_major();
  let(&a, put_and_forget);
  begin_until(LU_WINDOW);
  let(&a, store_elsewhere);
  lead_both(LU_BUMPED);
  lead(&b, LU_TRACE);
  let(&b, take_from_shared);
  outlive_major();
  tear_down();
}
END_TEST

/* A birth is not scanned, so what an initialising store puts into it must be shaded. */
static void init_newborn(struct puppet *puppet) {
  puppet->root[1] = new_cell(puppet, 1);
  lull_init(puppet->thread, puppet->root[1], &puppet->root[1]->next, puppet->root[0]);
  puppet->root[0] = NULL;
}

START_TEST(a_birth_holds_the_only_reference) {
  set_up_major();
  begin_until(LU_BUMPED);
  let(&a, init_newborn);
  outlive_major();
  ck_assert_ptr_eq(a.root[1]->next, victim);
  tear_down();
}
END_TEST

/* Shared roots. */

static void set_handle(struct puppet *puppet) {
  lull_handle_set(puppet->thread, spare_handle, puppet->root[0]);
  puppet->root[0] = NULL;
}

static void release_handle(struct puppet *puppet) {
  puppet->root[0] = (struct cell *)lull_handle_get(puppet->thread, spare_handle);
  EXPECT(puppet->root[0] == victim);
  ck_assert_int_eq(lull_handle_release(puppet->thread, spare_handle), LULL_OK);
}

/* Before a thread knows of the cycle it may still move its only reference into a handle. */
START_TEST(a_handle_is_set_before_the_window) {
  set_up_major();
  begin();
  while (atomic_load(&os_of(&a)->poll_word) == 0)
    sched_yield();
  let(&a, set_handle);
  outlive_major();
  tear_down();
}
END_TEST

START_TEST(a_handle_is_released_by_a_scanned_thread) {
  set_up_major();
  let(&a, set_handle);
  begin_and_scan_b();
  let(&b, release_handle);
  outlive_major();
  tear_down();
}
END_TEST

int main(void) {
  Suite *suite = new_suite("interleavings");
  ADD_CASE(suite, a_scanned_thread_takes_the_only_reference, 0, 1);
  ADD_CASE(suite, a_scanned_thread_clears_the_only_reference, 0, 1);
  ADD_CASE(suite, a_scanned_thread_takes_from_a_large_object, 0, 1);
  ADD_CASE(suite, a_scanned_thread_takes_from_a_large_card, 0, 8);
  ADD_CASE(suite, a_scanned_thread_takes_without_packets, 0, 2);
  ADD_CASE(suite, a_thread_that_joins_takes_the_only_reference, 0, 1);
  ADD_CASE(suite, a_thread_that_shaded_leaves, 0, 1);
  ADD_CASE(suite, a_store_comes_in_the_middle_of_a_copy, 0, 1);
  ADD_CASE(suite, a_store_comes_after_an_old_log_was_renewed, 0, 4);
  ADD_CASE(suite, a_new_value_passes_to_a_scanned_thread, 0, 1);
  ADD_CASE(suite, a_store_in_the_window_straddles_the_first_log, 0, 1);
  ADD_CASE(suite, a_store_in_the_window_without_packets, 0, 1);
  ADD_CASE(suite, a_log_of_the_window_is_no_log_of_the_cycle, 0, 1);
  ADD_CASE(suite, a_birth_holds_the_only_reference, 0, 1);
  ADD_CASE(suite, a_handle_is_set_before_the_window, 0, 1);
  ADD_CASE(suite, a_handle_is_released_by_a_scanned_thread, 0, 1);
  return run_suite(suite);
}
