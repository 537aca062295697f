/*
 * test_interleavings_memory.c: what marking, sweeping and allocation owe each other, with puppets
 * and the scene of tests/victim.h: that all roots and fields are found, that holes end where
 * objects begin, that births live through the cycle in which they are made and are young after it,
 * that nothing is swept too early, and what is remembered at the end.
 */
#include "heap/region.h"
#include "tests/victim.h"

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
  set_up_major();
  let(&b, put_some);
  let(&b, detach);
  let(&a, check_some);
  tear_down();
}
END_TEST

/* Births. */

static void bear_one(struct puppet *puppet) { puppet->root[1] = new_cell(puppet, MAGIC); }

static void bear_in_new_blocks(struct puppet *puppet) {
  leave_blocks(puppet);
  puppet->root[1] = new_cell(puppet, MAGIC);
  puppet->root[2] = (struct cell *)lull_new_array(puppet->thread, vectors, ITEMS);
  leave_blocks(puppet);
}

/* Born after the thread's root scan: nothing marks them but their birth. */
static void births(void (*bear)(struct puppet *puppet)) {
  set_up_major();
  let(&b, bear_one);
  begin_and_scan_b();
  let(&b, bear);
  outlive_major();
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
  set_up_major();
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
  set_up_major();
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
  set_up_major();
  let(&a, store_young);
  verify_now();
  begin_until(LU_WINDOW);
  let(&a, store_young);
  lead_both(LU_BUMPED);
  let(&a, store_young);
  outlive_major();
  tear_down();
}
END_TEST

static void store_and_forget(struct puppet *puppet) {
  lull_store(puppet->thread, puppet->root[0], &puppet->root[0]->next, NULL);
  puppet->root[0] = NULL;
}

START_TEST(a_dead_object_is_not_remembered) {
  set_up_major();
  begin_until(LU_WINDOW);
  let(&a, store_and_forget);
  finish();
  verify_now();
  tear_down();
}
END_TEST

int main(void) {
  Suite *suite = new_suite("interleavings of memory");
  ADD_CASE(suite, many_shared_roots_are_all_found, 0, 1);
  ADD_CASE(suite, a_large_object_is_scanned_to_its_end, 0, 1);
  ADD_CASE(suite, references_in_elements_are_found, 0, 1);
  ADD_CASE(suite, holes_are_zero_and_end_where_objects_begin, 0, 1);
  ADD_CASE(suite, a_block_is_left_and_adopted, 0, 1);
  ADD_CASE(suite, a_birth_in_a_block_that_was_held_before, 0, 1);
  ADD_CASE(suite, births_in_new_blocks, 0, 1);
  ADD_CASE(suite, births_after_the_cycle_are_not_marked, 0, 1);
  ADD_CASE(suite, a_block_is_taken_before_settling, 0, 1);
  ADD_CASE(suite, the_sweep_waits_for_the_last_thread, 0, 1);
  ADD_CASE(suite, an_old_object_is_remembered, 0, 2);
  ADD_CASE(suite, a_dead_object_is_not_remembered, 0, 1);
  return run_suite(suite);
}
