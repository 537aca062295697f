/*
 * test_interleavings.c: what the protocol is for, step by step: two threads are led through the
 * phases of a cycle one handshake at a time, and do in each phase what would lose an object if a
 * rule were missing (doc/design/defects.md, tests/models/start.pml).
 *
 * Two puppets (tests/puppets.h) make every interleaving below the only one that can happen. The
 * victim is old, in a block that the cycle sweeps, and scribbled over when it is taken for dead;
 * the verifier looks at the heap after the cycle.
 */
#include "heap/large.h"
#include "tests/puppets.h"
#include "threads/claim.h"

#define MAGIC UINT64_C(0x600dce11600dce11)
#define ITEMS 3000  /* of the large vector: 24 KB */
#define SMALL 100

/* A node whose layout is told by a callback, which lets a test look into the middle of a
 * barrier. */
struct node {
  lull_object header;
  struct cell *held;
  void *other;
};

static lull_type nodes;
static struct cell *victim;       /* old; held by what the test says */
static struct cell *tail;         /* hangs from the victim */
static struct vector *shared;     /* held by a handle; old */
static lull_handle *handle, *spare_handle;
static void (*in_trace)(void);    /* called once by the next trace of a node */

static size_t length = SMALL;

/* The victim is a's only root, and in no block that anybody allocates in. */
static void make_scene(struct puppet *puppet) {
  puppet->root[0] = new_cell(puppet, MAGIC);
  puppet->root[1] = new_cell(puppet, MAGIC + 1);
  lull_store(puppet->thread, puppet->root[0], &puppet->root[0]->next, puppet->root[1]);
  victim = puppet->root[0];
  tail = puppet->root[1];
  puppet->root[1] = NULL;
  shared = (struct vector *)lull_new_array(puppet->thread, vectors, length);
  handle = lull_handle_new(puppet->thread, shared);
  spare_handle = lull_handle_new(puppet->thread, NULL);
  grow_old(puppet);
}

static void trace_node(void *object, lull_visitor *visitor) {
  struct node *node = object;
  void (*look)(void) = in_trace;
  in_trace = NULL;
  if (look != NULL)
    look();
  lull_visit(visitor, &node->held);
  lull_visit(visitor, &node->other);
}

static void define_types(void) {
  lull_type_desc desc = {.struct_size = sizeof desc,
                         .name = "node",
                         .size = sizeof(struct node),
                         .layout = {.refs = LULL_REFS_TRACE},
                         .trace = trace_node};
  cells = cell_type(heap);
  vectors = vector_type(heap);
  ck_assert_int_eq(lull_type_define(heap, &desc, &nodes), LULL_OK);
}

static void set_up_with(const char *options) {
  heap = heap_with(options);
  define_types();
  create(&a);
  let(&a, make_scene);
  create(&b);
}

#define OPTIONS "heap.max=64M,gc.every=1G,gc.helpers=0,stress.scribble=true,verify=cycle"

static void set_up(void) { set_up_with(OPTIONS); }

/* The victim has lived through the cycle. */
static void check_victim(void) {
  ck_assert_uint_eq(atomic_load(&heap->cycle.ended), target);
  ck_assert_uint_eq(victim->value, MAGIC);
  ck_assert_ptr_eq(victim->next, tail);
  ck_assert_uint_eq(tail->value, MAGIC + 1);
}

static void tear_down(void) {
  end(&b);
  end(&a);
  ck_assert_int_eq(lull_heap_destroy(heap), LULL_OK);
}

/* Things that puppets do. */

static void put_into_shared(struct puppet *puppet) {
  lull_store(puppet->thread, shared, &shared->item[length - 1], puppet->root[0]);
}

static void put_and_forget(struct puppet *puppet) {
  put_into_shared(puppet);
  puppet->root[0] = NULL;
}

/* The barrier of a store whose second half is store_now. */
static void barrier_only(struct puppet *puppet) {
  lull_barrier(puppet->thread, shared, &shared->item[length - 1], puppet->root[0]);
}

static void store_now(struct puppet *puppet) {
  __atomic_store_n((lull_word *)&shared->item[length - 1], (void *)puppet->root[0],
                   __ATOMIC_RELEASE);
  puppet->root[0] = NULL;
}

static void store_elsewhere(struct puppet *puppet) {
  lull_store(puppet->thread, shared, &shared->item[0], NULL);
}

static void take_from_shared(struct puppet *puppet) {
  puppet->root[0] =
      (struct cell *)lull_exchange(puppet->thread, shared, &shared->item[length - 1], NULL);
  EXPECT(puppet->root[0] == victim);
}

static void load_and_clear(struct puppet *puppet) {
  puppet->root[0] = (struct cell *)lull_load(&shared->item[length - 1]);
  EXPECT(puppet->root[0] == victim);
  lull_store(puppet->thread, shared, &shared->item[length - 1], NULL);
}

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
  begin();
  lead_both(LU_WINDOW);
  lead_both(LU_BUMPED);
  lead(&b, LU_TRACE);
  let(&b, take);
  finish();
  check_victim();
  tear_down();
}

START_TEST(a_scanned_thread_takes_the_only_reference) {
  set_up();
  take_out(take_from_shared);
}
END_TEST

START_TEST(a_scanned_thread_clears_the_only_reference) {
  set_up();
  take_out(load_and_clear);
}
END_TEST

START_TEST(a_scanned_thread_takes_from_a_large_object) {
  length = ITEMS;
  set_up();
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
  snprintf(options, sizeof options, OPTIONS ",rs.card=%d", 64 << _i);
  length = (4 * LU_CARD_MOST - sizeof(struct vector)) / sizeof(void *);
  set_up_with(options);
  take_out(take_from_logged_card);
}
END_TEST

/* Without packets an object is kept by its mark and a flag. */
START_TEST(a_scanned_thread_takes_without_packets) {
  length = _i == 0 ? SMALL : ITEMS;
  set_up_with(OPTIONS ",fault.packet=1");
  let(&a, bear_one);
  take_out(take_from_shared);
}
END_TEST

/* A third thread joins while the cycle runs, and knows what the others know. */
START_TEST(a_thread_that_joins_takes_the_only_reference) {
  set_up();
  let(&a, put_and_forget);
  begin();
  lead_both(LU_WINDOW);
  lead_both(LU_BUMPED);
  lead(&b, LU_TRACE);
  create(&c);
  ck_assert_int_eq(mutator_of(&c)->phase, LU_TRACE);
  let(&c, take_from_shared);
  finish();
  check_victim();
  end(&c);
  tear_down();
}
END_TEST

/* What a thread has shaded stays shaded when it leaves. */
START_TEST(a_thread_that_shaded_leaves) {
  set_up();
  let(&a, put_and_forget);
  begin();
  lead_both(LU_WINDOW);
  lead_both(LU_BUMPED);
  lead(&b, LU_TRACE);
  create(&c);
  let(&b, load_from_shared);
  let(&c, clear_in_shared);
  end(&c);
  finish();
  check_victim();
  tear_down();
}
END_TEST

/* Copy before log: b stores into the node while a copies it. */

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
  set_up();
  let(&a, make_node);
  begin();
  lead_both(LU_WINDOW);
  lead_both(LU_BUMPED);
  lead(&b, LU_TRACE);
  let(&a, store_into_node);
  finish();
  check_victim();
  tear_down();
}
END_TEST

/* The marker renews an old log before it reads the fields; b stores into the node in between. */
START_TEST(a_store_comes_after_an_old_log_was_renewed) {
  set_up_with(OPTIONS ",stress.epoch_bits=4");
  let(&a, make_node);
  let(&b, block);
  for (int i = 0; i < _i; i++)
    let(&a, collect);
  let(&b, unblock);
  begin();
  lead_both(LU_WINDOW);
  lead_both(LU_BUMPED);
  in_trace = let_b_take;
  lead_both(LU_TRACE);
  while (!atomic_load(&taken))
    sched_yield();
  finish();
  check_victim();
  tear_down();
}
END_TEST

/* The window. */

/* b is scanned already; a, which is not, stores what only a holds into an object that is logged,
 * and lets it go. */
START_TEST(a_new_value_passes_to_a_scanned_thread) {
  set_up();
  begin();
  lead_both(LU_WINDOW);
  lead_both(LU_BUMPED);
  lead(&b, LU_TRACE);
  let(&a, store_elsewhere);
  let(&a, put_and_forget);
  let(&b, take_from_shared);
  finish();
  check_victim();
  tear_down();
}
END_TEST

/* a stores in the window: barrier and store stand on two sides of b's first store in the new
 * epoch. */
static void straddle(void) {
  begin();
  lead_both(LU_WINDOW);
  let(&a, barrier_only);
  lead(&b, LU_BUMPED);
  let(&b, store_elsewhere);
  let(&a, store_now);
  lead(&a, LU_BUMPED);
  lead(&b, LU_TRACE);
  let(&b, take_from_shared);
  finish();
  check_victim();
  tear_down();
}

START_TEST(a_store_in_the_window_straddles_the_first_log) {
  set_up();
  straddle();
}
END_TEST

START_TEST(a_store_in_the_window_without_packets) {
  set_up_with(OPTIONS ",fault.packet=1");
  straddle();
}
END_TEST

/* An object that was stored into in the window has not been copied. */
START_TEST(a_log_of_the_window_is_no_log_of_the_cycle) {
  set_up();
  let(&a, put_and_forget);
  begin();
  lead_both(LU_WINDOW);
  let(&a, store_elsewhere);
  lead_both(LU_BUMPED);
  lead(&b, LU_TRACE);
  let(&b, take_from_shared);
  finish();
  check_victim();
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
  set_up();
  begin();
  lead_both(LU_WINDOW);
  lead_both(LU_BUMPED);
  let(&a, init_newborn);
  finish();
  check_victim();
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
  set_up();
  begin();
  while (atomic_load(&os_of(&a)->poll_word) == 0)
    sched_yield();
  let(&a, set_handle);
  finish();
  check_victim();
  tear_down();
}
END_TEST

START_TEST(a_handle_is_released_by_a_scanned_thread) {
  set_up();
  let(&a, set_handle);
  begin();
  lead_both(LU_WINDOW);
  lead_both(LU_BUMPED);
  lead(&b, LU_TRACE);
  let(&b, release_handle);
  finish();
  check_victim();
  tear_down();
}
END_TEST

/* What one thread alone does in a heap of its own. */
static void alone(void (*act)(struct puppet *puppet)) {
  heap = heap_with(OPTIONS);
  define_types();
  create(&a);
  let(&a, make_scene);
  let(&a, act);
  end(&a);
  ck_assert_int_eq(lull_heap_destroy(heap), LULL_OK);
}

/* More roots than the collector's own packets hold when it has found them all. */
enum { MANY = 3 * LU_PACKET_ENTRIES };
static lull_handle *many[MANY];

static void make_many(struct puppet *puppet) {
  for (size_t i = 0; i < MANY; i++)
    many[i] = lull_handle_new(puppet->thread, new_cell(puppet, i));
  grow_old(puppet);
  for (size_t i = 0; i < MANY; i++)
    EXPECT(((struct cell *)lull_handle_get(puppet->thread, many[i]))->value == i);
}

START_TEST(many_shared_roots_are_all_found) { alone(make_many); }
END_TEST

/* Every item of a large vector is old, and held by it alone. */
static void fill_large(struct puppet *puppet) {
  for (size_t i = 0; i < length; i++)
    lull_store(puppet->thread, shared, &shared->item[i], new_cell(puppet, i));
  grow_old(puppet);
  for (size_t i = 0; i < length; i++)
    EXPECT(shared->item[i]->value == i);
}

START_TEST(a_large_object_is_scanned_to_its_end) {
  length = ITEMS;
  alone(fill_large);
}
END_TEST

struct table {
  lull_object header;
  size_t length;
  struct {
    uint64_t key;
    struct cell *cell;
  } row[];
};

/* A table of rows, of which one word in two is a reference. */
static void make_table(struct puppet *puppet) {
  static const uint64_t map[] = {2};
  lull_type_desc desc = {.struct_size = sizeof desc,
                         .name = "table",
                         .size = sizeof(struct table),
                         .element_size = 16,
                         .length_offset = offsetof(struct table, length),
                         .element = {.refs = LULL_REFS_MAP, .map = map, .map_words = 1}};
  lull_type tables;
  ck_assert_int_eq(lull_type_define(heap, &desc, &tables), LULL_OK);
  struct table *table = (struct table *)lull_new_array(puppet->thread, tables, SMALL);
  many[0] = lull_handle_new(puppet->thread, table);
  for (size_t i = 0; i < SMALL; i++) {
    table->row[i].key = i | 1;
    lull_store(puppet->thread, table, &table->row[i].cell, new_cell(puppet, i));
  }
  grow_old(puppet);
  for (size_t i = 0; i < SMALL; i++)
    EXPECT(table->row[i].cell->value == i);
}

START_TEST(references_in_elements_are_found) { alone(make_table); }
END_TEST

/* Blocks with holes. */

/* Between two items there is garbage of 1 to 60 cells, so holes of all lengths, used or not. */
static void make_holes(struct puppet *puppet) {
  for (size_t i = 0; i < length; i++) {
    lull_store(puppet->thread, shared, &shared->item[i], new_cell(puppet, i));
    for (size_t n = i * 7 % 60; n > 0; n--)
      new_cell(puppet, MAGIC);
  }
  grow_old(puppet);
}

static void fill_holes(struct puppet *puppet) {
  for (size_t n = 0; n < length * 4; n++) {
    struct cell *cell = (struct cell *)lull_new(puppet->thread, cells);
    EXPECT(cell != NULL && cell->next == NULL && cell->value == 0);
    cell->value = MAGIC;
    struct vector *vector = (struct vector *)lull_new_array(puppet->thread, vectors, n % 61);
    for (size_t i = 0; i < n % 61; i++)
      EXPECT(vector->item[i] == NULL);
  }
  for (size_t i = 0; i < length; i++)
    EXPECT(shared->item[i]->value == i && lull_type_of(shared->item[i]) == cells);
}

static void use_holes(struct puppet *puppet) {
  make_holes(puppet);
  fill_holes(puppet);
}

START_TEST(holes_are_zero_and_end_where_objects_begin) {
  length = ITEMS;
  alone(use_holes);
}
END_TEST

static void put_some(struct puppet *puppet) {
  for (size_t i = 0; i < length; i++)
    lull_store(puppet->thread, shared, &shared->item[i], new_cell(puppet, i));
}

static void check_some(struct puppet *puppet) {
  leave_blocks(puppet);
  for (size_t i = 0; i < length; i++)
    EXPECT(shared->item[i]->value == i && lull_type_of(shared->item[i]) == cells);
}

/* Another thread goes on in the block of one that has left, behind what is there. */
START_TEST(a_block_is_left_and_adopted) {
  set_up();
  let(&b, put_some);
  let(&b, detach);
  let(&a, check_some);
  tear_down();
}
END_TEST

/* Births. */

static void bear_in_new_blocks(struct puppet *puppet) {
  leave_blocks(puppet);
  puppet->root[1] = new_cell(puppet, MAGIC);
  puppet->root[2] = (struct cell *)lull_new_array(puppet->thread, vectors, ITEMS);
  leave_blocks(puppet);
}

/* Born after the thread's root scan: nothing marks them but their birth. */
static void births(void (*bear)(struct puppet *puppet)) {
  set_up();
  let(&b, bear_one);
  begin();
  lead_both(LU_WINDOW);
  lead_both(LU_BUMPED);
  lead(&b, LU_TRACE);
  let(&b, bear);
  finish();
  check_victim();
  ck_assert_uint_eq(b.root[1]->value, MAGIC);
  let(&b, leave_blocks);
  ck_assert_uint_eq(b.root[1]->value, MAGIC);
  if (b.root[2] != NULL)
    ck_assert_uint_eq(((struct vector *)(void *)b.root[2])->length, ITEMS);
}

/* The block is given up, so that the sweep meets it. */
static void bear_and_give_up(struct puppet *puppet) {
  bear_one(puppet);
  leave_blocks(puppet);
}

START_TEST(a_birth_in_a_block_that_was_held_before) {
  births(bear_and_give_up);
  tear_down();
}
END_TEST

START_TEST(births_in_new_blocks) {
  births(bear_in_new_blocks);
  tear_down();
}
END_TEST

/* After the cycle births are young: a block that is taken then has none that are marked. */
START_TEST(births_after_the_cycle_are_not_marked) {
  births(bear_one);
  let(&b, leave_blocks);
  verify_now();
  tear_down();
}
END_TEST

/* Takes new blocks as a thread does that polled a moment before it was asked for something. */
static void take_blocks_without_poll(struct puppet *puppet) {
  struct lu_mutator *mutator = mutator_of(puppet);
  uint64_t header = cells | (uint64_t)mutator->epoch << 32;
  for (size_t bytes = 0; bytes < 4 * LU_BLOCK_BYTES; bytes += sizeof(struct cell)) {
    char *memory = lu_region_allocate(mutator, sizeof(struct cell));
    EXPECT(memory != NULL);
    memcpy(memory, &header, sizeof header);
  }
}

/* A thread that has not heard of the end of live births takes blocks: their marks are cleared
 * after that. */
START_TEST(a_block_is_taken_before_settling) {
  set_up();
  begin();
  stop_at = is_settling;
  start(&a, poll_to_the_end);
  let(&b, take_requests_until);
  let(&b, take_blocks_without_poll);
  start(&b, poll_to_the_end);
  await(&a);
  await(&b);
  check_victim();
  verify_now();
  tear_down();
}
END_TEST

/* While a thread may still shade, nothing is swept. */
START_TEST(the_sweep_waits_for_the_last_thread) {
  set_up();
  uint32_t sweeps = atomic_load(&heap->space.sweeps);
  begin();
  stop_at = is_idle_armed;
  start(&a, poll_to_the_end);
  let(&b, take_requests_until);
  ck_assert_uint_eq(atomic_load(&heap->space.sweeps), sweeps);
  start(&b, poll_to_the_end);
  await(&a);
  await(&b);
  check_victim();
  tear_down();
}
END_TEST

/* The remembered set. */

static void store_young(struct puppet *puppet) {
  lull_store(puppet->thread, shared, &shared->item[length - 1], new_cell(puppet, 0));
}

START_TEST(an_old_object_is_remembered) {
  length = _i == 0 ? SMALL : ITEMS;
  set_up();
  let(&a, store_young);
  verify_now();
  begin();
  lead_both(LU_WINDOW);
  let(&a, store_young);
  lead_both(LU_BUMPED);
  let(&a, store_young);
  finish();
  check_victim();
  tear_down();
}
END_TEST

static void store_and_forget(struct puppet *puppet) {
  lull_store(puppet->thread, puppet->root[0], &puppet->root[0]->next, NULL);
  puppet->root[0] = NULL;
}

START_TEST(a_dead_object_is_not_remembered) {
  set_up();
  begin();
  lead_both(LU_WINDOW);
  let(&a, store_and_forget);
  finish();
  verify_now();
  tear_down();
}
END_TEST

/* Requests and waiting. */

/* A thread that waits for a collection hears of its end; the time after which it would look by
 * itself is not for tests to wait. */
START_TEST(a_collection_ends_for_who_waits) {
  heap = heap_with(OPTIONS ",stall.timeout=3600s");
  define_types();
  create(&a);
  for (int i = 0; i < 20; i++)
    let(&a, collect);
  end(&a);
  ck_assert_int_eq(lull_heap_destroy(heap), LULL_OK);
}
END_TEST

static void forget_and_collect(struct puppet *puppet) {
  puppet->root[0] = NULL;
  collect(puppet);
}

/* The cycle that runs has seen the victim already: who asks for a collection now means the next. */
START_TEST(a_collection_begins_after_its_request) {
  set_up();
  begin();
  lead_both(LU_WINDOW);
  lead_both(LU_BUMPED);
  lead(&a, LU_TRACE);
  target++;
  start(&a, forget_and_collect);
  start(&b, poll_to_the_end);
  await(&a);
  ck_assert_uint_ge(atomic_load(&heap->cycle.ended), target);
  await(&b);
  tear_down();
}
END_TEST

#define FULL "heap.max=16M,gc.every=1G,gc.helpers=0"
enum { TEN_MB = 10 << 17, EIGHT_MB = 8 << 17 };

static void hold_much(struct puppet *puppet) {
  puppet->root[0] = (struct cell *)lull_new_array(puppet->thread, vectors, TEN_MB);
  EXPECT(puppet->root[0] != NULL);
}

static void want_much(struct puppet *puppet) {
  puppet->root[1] = (struct cell *)lull_new_array(puppet->thread, vectors, EIGHT_MB);
}

static void scanned_then_forget(struct puppet *puppet) {
  advance(puppet);
  puppet->root[0] = NULL;
}

/* The first cycle that a stalled thread waits for may free nothing: what dies during it is the
 * next one's. */
START_TEST(a_stalled_thread_waits_for_a_second_cycle) {
  set_up_with(_i == 0 ? FULL ",gc.generational=false" : FULL);
  let(&b, hold_much);
  start(&a, want_much);
  b.phase = LU_TRACE;
  let(&b, scanned_then_forget);
  target = UINT64_MAX;
  start(&b, poll_to_the_end);
  await(&a);
  ck_assert_ptr_nonnull(a.root[1]);
  atomic_store(&over, true);
  await(&b);
  tear_down();
}
END_TEST

static void fail_to_get_much(struct puppet *puppet) {
  want_much(puppet);
  ck_assert_ptr_null(puppet->root[1]);
  ck_assert_int_eq(lull_last_error(), LULL_E_PROGRESS);
}

static void fail_to_collect(struct puppet *puppet) {
  ck_assert_int_eq(lull_collect(puppet->thread), LULL_E_PROGRESS);
}

/* b does not poll. */
START_TEST(a_thread_that_does_not_poll_holds_up_nobody_for_ever) {
  set_up_with(FULL ",stall.timeout=100ms");
  let(&b, hold_much);
  let(&a, fail_to_get_much);
  let(&a, fail_to_collect);
  target = 1 + atomic_load(&heap->cycle.begun);
  finish();
  tear_down();
}
END_TEST

/* Two heaps of one thread: the request of one comes while the closure of the other runs. */

static lull_heap *second;
static struct lu_thread *second_thread;

static void ask_for_second(void *data, lull_visitor *visitor) {
  bool *asked = data;
  (void)visitor;
  if (*asked)
    return;
  *asked = true;
  uint64_t before = atomic_load(&second_thread->request);
  lull_collect_start(second);
  while (atomic_load(&second_thread->request) == before)
    sched_yield();
}

static void collect_with_two_heaps(struct puppet *puppet) {
  bool asked = false;
  lull_thread *thread = attach(second);
  second_thread = &lu_mutator_of(thread)->thread;
  ck_assert_int_eq(lull_thread_callback_add(puppet->thread, ask_for_second, &asked), LULL_OK);
  lull_collect_start(heap);
  while (!asked)
    lu_requests_run(os_of(puppet));
  ck_assert(atomic_load(&second_thread->request) == atomic_load(&second_thread->acknowledged) ||
            atomic_load(&os_of(puppet)->poll_word) != 0);
  collect(puppet);
  ck_assert_int_eq(lull_collect(thread), LULL_OK);
  ck_assert_int_eq(lull_thread_callback_remove(puppet->thread, ask_for_second, &asked), LULL_OK);
  ck_assert_int_eq(lull_detach(thread), LULL_OK);
}

START_TEST(a_request_comes_while_another_heaps_closure_runs) {
  set_up();
  second = heap_with(OPTIONS);
  let(&b, detach);
  let(&a, collect_with_two_heaps);
  ck_assert_int_eq(lull_heap_destroy(second), LULL_OK);
  tear_down();
}
END_TEST

/* Handshakes and claims. */

/* Inside the closure of a handshake: it is not acknowledged yet. */
static void look_at_acknowledgement(void *data, lull_visitor *visitor) {
  const struct lu_thread *own = data;
  (void)visitor;
  EXPECT(atomic_load(&own->acknowledged) != atomic_load(&own->request));
}

static void add_look(struct puppet *puppet) {
  void *own = mutator_of(puppet);
  ck_assert_int_eq(lull_thread_callback_add(puppet->thread, look_at_acknowledgement, own), LULL_OK);
}

static void remove_look(struct puppet *puppet) {
  void *own = mutator_of(puppet);
  ck_assert_int_eq(lull_thread_callback_remove(puppet->thread, look_at_acknowledgement, own),
                   LULL_OK);
}

START_TEST(a_handshake_is_acknowledged_after_its_closure) {
  set_up_with(OPTIONS ",verify=none");
  let(&a, add_look);
  begin();
  lead_both(LU_WINDOW);
  lead_both(LU_BUMPED);
  finish();
  check_victim();
  let(&a, remove_look);
  tear_down();
}
END_TEST

START_TEST(nobody_returns_into_a_claim) {
  struct lu_os_thread os = {.fenced = (uint32_t)_i};
  lu_event_init(&os.unclaimed);
  lu_os_block(&os);
  lu_claim(&os);
  lu_claim(&os);
  ck_assert(lu_claim_granted(&os));
  ck_assert(!lu_os_try_return(&os));
  ck_assert(lu_claim_granted(&os));
  lu_unclaim(&os);
  ck_assert(!lu_os_try_return(&os));
  lu_unclaim(&os);
  ck_assert(lu_os_try_return(&os));
  lu_claim(&os);
  ck_assert(!lu_claim_granted(&os));
  lu_unclaim(&os);
}
END_TEST

static Suite *suite;

/* Each test is a case of its own name, so that CK_RUN_CASE runs it alone. */
static void add(const char *name, const TTest *test, int times) {
  TCase *tcase = tcase_create(name);
  tcase_set_timeout(tcase, 120);
  tcase_add_loop_test(tcase, test, 0, times);
  suite_add_tcase(suite, tcase);
}

#define ADD(test, times) add(#test, test, times)

int main(void) {
  suite = suite_create("interleavings");
  ADD(a_scanned_thread_takes_the_only_reference, 1);
  ADD(a_scanned_thread_clears_the_only_reference, 1);
  ADD(a_scanned_thread_takes_from_a_large_object, 1);
  ADD(a_scanned_thread_takes_from_a_large_card, 8);
  ADD(a_scanned_thread_takes_without_packets, 2);
  ADD(a_thread_that_joins_takes_the_only_reference, 1);
  ADD(a_thread_that_shaded_leaves, 1);
  ADD(a_store_comes_in_the_middle_of_a_copy, 1);
  ADD(a_store_comes_after_an_old_log_was_renewed, 4);
  ADD(a_new_value_passes_to_a_scanned_thread, 1);
  ADD(a_store_in_the_window_straddles_the_first_log, 1);
  ADD(a_store_in_the_window_without_packets, 1);
  ADD(a_log_of_the_window_is_no_log_of_the_cycle, 1);
  ADD(a_birth_holds_the_only_reference, 1);
  ADD(a_handle_is_set_before_the_window, 1);
  ADD(a_handle_is_released_by_a_scanned_thread, 1);
  ADD(many_shared_roots_are_all_found, 1);
  ADD(a_large_object_is_scanned_to_its_end, 1);
  ADD(references_in_elements_are_found, 1);
  ADD(holes_are_zero_and_end_where_objects_begin, 1);
  ADD(a_block_is_left_and_adopted, 1);
  ADD(a_birth_in_a_block_that_was_held_before, 1);
  ADD(births_in_new_blocks, 1);
  ADD(births_after_the_cycle_are_not_marked, 1);
  ADD(a_block_is_taken_before_settling, 1);
  ADD(the_sweep_waits_for_the_last_thread, 1);
  ADD(an_old_object_is_remembered, 2);
  ADD(a_dead_object_is_not_remembered, 1);
  ADD(a_collection_ends_for_who_waits, 1);
  ADD(a_collection_begins_after_its_request, 1);
  ADD(a_stalled_thread_waits_for_a_second_cycle, 2);
  ADD(a_thread_that_does_not_poll_holds_up_nobody_for_ever, 1);
  ADD(a_request_comes_while_another_heaps_closure_runs, 1);
  ADD(a_handshake_is_acknowledged_after_its_closure, 1);
  ADD(nobody_returns_into_a_claim, 2);
  return run_suite(suite);
}
