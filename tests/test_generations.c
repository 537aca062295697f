/*
 * test_generations.c: minor cycles on whole heaps, by one thread: what becomes old and when, what a
 * minor frees and what it leaves, what only old objects hold, and what a minor looks at
 * (doc/design/generations.md). What threads do while one runs is in test_interleavings_minor.c.
 *
 * Dead memory is scribbled over, and no memory goes back to the system, so a test can look at what
 * has died.
 */
#include "heap/large.h"
#include "heap/sweep.h"
#include "mark/age.h"
#include "mark/mark.h"
#include "support/fault.h"
#include "tests/minor.h"

#define MAGIC UINT64_C(0x600dce11600dce11)
#define LARGE 3000   /* items: 24 KB */
#define SMALL 100
#define MOST 7       /* gc.promote */

static const char *const modes[] = {
    "",
    ",gc.mode=stw",
    ",stress.packet=1,gc.helpers=1,stress.region=256",
};
#define MODES ((int)(sizeof modes / sizeof modes[0]))

static lull_heap *heap;
static lull_thread *thread;
static lull_type cells, vectors;
static struct cell *root[8];   /* a thread range */
static unsigned promote;

static void set_up(unsigned n, const char *more) {
  char options[256];
  promote = n;
  /* Wide epochs in debug builds too: with 4 bits every fourth cycle has to be a major. */
  snprintf(options, sizeof options,
           "heap.max=64M,gc.every=1G,heap.return=false,stress.scribble=true,stress.epoch_bits=15,"
           "verify=phase,gc.promote=%u%s",
           n, more);
  heap = heap_with(options);
  thread = attach(heap);
  cells = cell_type(heap);
  vectors = vector_type(heap);
  ck_assert_int_eq(lull_thread_range_add(thread, root, 8), LULL_OK);
}

static void tear_down(void) { end_heap(heap, thread); }

static void minor(void) { collect_minor(heap, thread); }
static void major(void) { ck_assert_int_eq(lull_collect(thread), LULL_OK); }

static bool is_old(const void *object) { return lu_is_marked(object, heap->marking.map); }

static struct cell *new_cell(uint64_t value) {
  struct cell *cell = (struct cell *)lull_new(thread, cells);
  EXPECT(cell != NULL);
  cell->value = value;
  return cell;
}

static struct vector *new_vector(size_t n) {
  struct vector *vector = (struct vector *)lull_new_array(thread, vectors, n);
  EXPECT(vector != NULL);
  return vector;
}

/* Uses up what is left of the thread's block, and some more. */
static void leave_blocks(void) {
  for (size_t bytes = 0; bytes < 4 * LU_BLOCK_BYTES; bytes += sizeof(struct cell))
    new_cell(0);
}

/* A cell, or a large object, in root[0]; in a block that the next sweep meets. */
static void make_object(bool large) {
  root[0] = large ? (struct cell *)new_vector(LARGE) : new_cell(MAGIC);
  leave_blocks();
}

static size_t larges(void) {
  size_t count = 0;
  for (struct lu_large *at = atomic_load(&heap->space.large); at != NULL; at = at->next)
    count++;
  return count;
}

/* Whether make_object's object is still there. */
static bool is_there(const void *object, bool large) {
  return large ? larges() == 1 : ((const struct cell *)object)->value == MAGIC;
}

/* Becoming old. */

START_TEST(an_object_is_old_after_so_many_minors) {
  bool large = _i % 2 != 0;
  set_up((unsigned)(_i / 2 % MOST + 1), modes[_i / 2 / MOST]);
  make_object(large);
  for (unsigned i = 0; i < promote; i++) {
    ck_assert(!is_old(root[0]));
    ck_assert_uint_eq(lu_age(root[0]), i);
    ck_assert(!large || heap->space.large_old == NULL);
    minor();
  }
  ck_assert(is_old(root[0]));
  ck_assert_uint_eq(lu_age(root[0]), promote > 1 ? promote : 0);
  ck_assert(!large || heap->space.large_old == lu_large_of(root[0]));
  tear_down();
}
END_TEST

START_TEST(a_major_makes_all_old_at_once) {
  set_up((unsigned)_i, "");
  make_object(false);
  root[1] = (struct cell *)new_vector(LARGE);
  major();
  for (int i = 0; i < 2; i++)
    ck_assert(is_old(root[i]) && lu_age(root[i]) == (promote > 1 ? promote : 0));
  tear_down();
}
END_TEST

/*
 * Without a packet a survivor cannot be listed: it is promoted instead. The first packet that is
 * asked for holds the root, the second would list it.
 */
START_TEST(what_cannot_be_listed_is_promoted) {
  set_up(MOST, "");
  make_object(_i / 2 != 0);
  lu_fault_arm(LU_FAULT_PACKET, (uint64_t)_i % 2 + 1, false);
  minor();
  lu_fault_clear();
  ck_assert(is_old(root[0]));
  ck_assert_uint_eq(lu_age(root[0]), MOST);
  tear_down();
}
END_TEST

/* Dying. */

START_TEST(what_dies_young_is_freed_by_the_next_minor) {
  bool large = _i % 2 != 0;
  set_up((unsigned)(_i / 2 % MOST + 1), modes[_i / 2 / MOST]);
  for (unsigned survived = 0; survived < promote; survived++) {
    make_object(large);
    for (unsigned i = 0; i < survived; i++)
      minor();
    const void *object = root[0];
    ck_assert(is_there(object, large));
    root[0] = NULL;
    leave_blocks();
    minor();
    ck_assert(!is_there(object, large));
  }
  tear_down();
}
END_TEST

/* And what it refers to, until then. */
START_TEST(what_dies_old_stays_until_a_major) {
  bool large = _i % 2 != 0;
  set_up((unsigned)(_i / 2 % MOST + 1), modes[_i / 2 / MOST]);
  struct vector *vector = new_vector(large ? LARGE : SMALL);
  root[0] = (struct cell *)vector;
  leave_blocks();
  for (unsigned i = 0; i < promote; i++)
    minor();
  struct cell *held = new_cell(MAGIC);
  lull_store(thread, vector, &vector->item[vector->length - 1], held);
  root[0] = NULL;
  leave_blocks();
  for (unsigned i = 0; i < promote + 2; i++) {
    minor();
    ck_assert_ptr_eq(vector->item[vector->length - 1], held);
    ck_assert_uint_eq(held->value, MAGIC);
  }
  major();
  ck_assert_uint_ne(held->value, MAGIC);
  ck_assert_uint_eq(stats_of(heap).bytes_live, 0);
  tear_down();
}
END_TEST

/* Remembering. */

/*
 * An old vector holds young cells, one in each part of it, which nobody stores again: it is
 * remembered until they are old, and not longer.
 */
START_TEST(what_only_an_old_object_holds_lives) {
  bool large = _i % 2 != 0;
  set_up((unsigned)(_i / 2 % MOST + 1), modes[_i / 2 / MOST]);
  struct vector *vector = new_vector(large ? LARGE : SMALL);
  root[0] = (struct cell *)vector;
  major();
  size_t step = vector->length / 20;
  for (size_t i = step / 2; i < vector->length; i += step)
    lull_store(thread, vector, &vector->item[i], new_cell(MAGIC + i));
  leave_blocks();
  for (unsigned round = 1; round <= promote + 2; round++) {
    minor();
    for (size_t i = step / 2; i < vector->length; i += step) {
      EXPECT(vector->item[i]->value == MAGIC + i);
      EXPECT(is_old(vector->item[i]) == (round >= promote));
    }
    ck_assert_int_eq(stats_of(heap).remembered > 0, round < promote);
    leave_blocks();
  }
  tear_down();
}
END_TEST

/* Appends a cell, which only its predecessor holds. */
static void append(uint64_t value) {
  struct cell *cell = new_cell(value), *last = root[0];
  while (last->next != NULL)
    last = last->next;
  lull_store(thread, last, &last->next, cell);
}

/*
 * Each cell is older than the one that it refers to by a minor, so that each of them is promoted
 * while its referent is not.
 */
START_TEST(what_a_newly_promoted_object_holds_lives) {
  set_up((unsigned)(_i % MOST + 1), modes[_i / MOST]);
  root[0] = new_cell(0);
  for (uint64_t round = 1; round < 30; round++) {
    append(round);
    leave_blocks();
    minor();
    check_list(root[0], round + 1, 0);
  }
  tear_down();
}
END_TEST

/* The same with large objects, by their cards: each is promoted while it holds a younger cell. */
START_TEST(what_a_newly_promoted_large_object_holds_lives) {
  static const char *const cards[] = {",rs.card=64", ",rs.card=512", ",rs.card=8K"};
  set_up((unsigned)(_i % (MOST - 1) + 2), cards[_i / (MOST - 1)]);
  struct vector *vector = new_vector(LARGE);
  root[0] = (struct cell *)vector;
  for (size_t round = 0; round < 2 * promote; round++) {
    lull_store(thread, vector, &vector->item[round * (LARGE / (2 * promote))],
               new_cell(MAGIC + round));
    leave_blocks();
    minor();
    for (size_t i = 0; i <= round; i++)
      EXPECT(vector->item[i * (LARGE / (2 * promote))]->value == MAGIC + i);
  }
  tear_down();
}
END_TEST

/* More entries than the budget: the next cycle is a major, and the one after it a minor again. */
START_TEST(a_lost_entry_asks_for_a_major) {
  enum { CELLS = 2 * LU_PACKET_ENTRIES };
  set_up(1, ",rs.max=4K");
  root[0] = make_list(thread, cells, CELLS, 0);
  major();
  struct cell *cell = root[0];
  for (size_t i = 0; i < CELLS; i++, cell = cell->next) {
    struct cell *next = cell->next, *young = new_cell(i);
    lull_init(thread, young, &young->next, next);
    lull_store(thread, cell, &cell->next, young);
    cell = young;
  }
  collect_some(heap, thread);
  ck_assert_int_eq(heap->cycle.kind, LU_MAJOR);
  cell = root[0];
  for (size_t i = 0; i < CELLS; i++, cell = cell->next->next)
    EXPECT(cell->value == i && cell->next->value == i);
  minor();
  tear_down();
}
END_TEST

/*
 * An old object that was stored into is stored into again when its epoch may have come round: after
 * each number of cycles. Minors are refused often enough.
 */
START_TEST(a_log_never_comes_round) {
  enum { BITS = 4, EPOCHS = 1 << BITS >> 1 };
  size_t length = _i % 2 == 0 ? SMALL : LARGE;
  unsigned majors = 0, asked = 0;
  set_up(1 + (unsigned)_i / 2, ",stress.epoch_bits=4");
  struct vector *vector = new_vector(length);
  root[0] = (struct cell *)vector;
  major();
  for (unsigned between = 1; between <= 2 * EPOCHS; between++) {
    lull_store(thread, vector, &vector->item[3], new_cell(MAGIC + between));
    for (unsigned i = 0; i < between; i++, asked++) {
      leave_blocks();
      collect_some(heap, thread);
      majors += heap->cycle.kind == LU_MAJOR;
      ck_assert_uint_eq(vector->item[3]->value, MAGIC + between);
    }
  }
  ck_assert_uint_ge(majors, asked / EPOCHS);
  ck_assert_uint_lt(majors, asked / 2);
  tear_down();
}
END_TEST

/* What a minor looks at. */

static size_t young_blocks(void) {
  size_t count = 0;
  for (size_t i = 0; i < atomic_load(&heap->space.slabs_high); i++)
    count += (size_t)__builtin_popcountll(atomic_load(&heap->space.slabs[i].young));
  return count;
}

static size_t swept_blocks(void) {
  const struct lu_sweep *sweep = &heap->cycle.run.sweep;
  return sweep->blocks_free + sweep->blocks_pooled + sweep->blocks_full + sweep->blocks_skipped;
}

/* Ten megabytes that are old cost a minor nothing. */
START_TEST(a_minor_passes_over_what_is_old) {
  enum { CELLS = 10 * (1 << 20) / sizeof(struct cell) };
  set_up(1, modes[_i]);
  root[0] = make_list(thread, cells, CELLS, 0);
  ck_assert_uint_ge(young_blocks(), CELLS * sizeof(struct cell) / LU_BLOCK_BYTES);
  major();
  leave_blocks();
  major();
  ck_assert_uint_le(young_blocks(), 2);
  uint64_t marked = stats_of(heap).objects_marked;
  new_cell(0);
  minor();
  ck_assert_uint_le(swept_blocks(), 6);
  ck_assert_uint_le(stats_of(heap).objects_marked - marked, 1);
  check_list(root[0], CELLS, 0);
  tear_down();
}
END_TEST

/*
 * Garbage in a block that the thread holds is freed by the first minor after it has left the block.
 */
START_TEST(a_block_in_use_is_swept_by_a_later_minor) {
  set_up((unsigned)_i, "");
  leave_blocks();
  struct cell *cell = new_cell(MAGIC);
  for (int i = 0; i < 3; i++) {
    minor();
    ck_assert_uint_eq(cell->value, MAGIC);
  }
  leave_blocks();
  minor();
  ck_assert_uint_ne(cell->value, MAGIC);
  tear_down();
}
END_TEST

/*
 * Old cells with holes between them; what is born in the holes, dies and is freed by a minor, round
 * after round.
 */
START_TEST(holes_of_old_blocks_are_used_and_freed_again) {
  enum { CELLS = 40000, KEPT = 40 };
  set_up((unsigned)(_i / MODES + 1), modes[_i % MODES]);
  struct vector *vector = new_vector(CELLS / KEPT);
  root[0] = (struct cell *)vector;
  for (size_t i = 0; i < CELLS; i++) {
    struct cell *cell = new_cell(i);
    if (i % KEPT == 0)
      lull_store(thread, vector, &vector->item[i / KEPT], cell);
  }
  major();
  leave_blocks();
  major();
  size_t used = atomic_load(&heap->space.used);
  for (int round = 0; round < 10; round++) {
    for (size_t i = 0; i < CELLS / 2; i++)
      new_cell(MAGIC);
    minor();
    ck_assert_uint_le(atomic_load(&heap->space.used), used + 8 * LU_BLOCK_BYTES);
    for (size_t i = 0; i < CELLS / KEPT; i++)
      EXPECT(vector->item[i]->value == i * KEPT);
  }
  tear_down();
}
END_TEST

/* Figures. */

/*
 * Keeps some of what it makes, and drops some of what is old, by a sequence of its own; the live
 * bytes are all that is old.
 */
START_TEST(live_bytes_follow_what_is_old) {
  enum { SLOTS = 400 };
  set_up(1, modes[_i]);
  struct vector *vector = new_vector(SLOTS);
  root[0] = (struct cell *)vector;
  major();
  uint64_t old = stats_of(heap).bytes_live, state = 88172645463325252u;
  ck_assert_uint_eq(old, sizeof(struct vector) + SLOTS * sizeof(void *));
  for (int round = 0; round < 40; round++) {
    uint64_t added = 0;
    for (size_t i = 0; i < SLOTS; i++) {
      state ^= state << 13, state ^= state >> 7, state ^= state << 17;
      size_t n = state % 50 == 0 ? 1100 + state % 1000 : state % 60;
      struct vector *fresh = new_vector(n);
      if (state % 3 == 0 && vector->item[i] == NULL) {
        lull_store(thread, vector, &vector->item[i], fresh);
        added += sizeof(struct vector) + n * sizeof(void *);
      } else if (state % 7 == 0) {
        lull_store(thread, vector, &vector->item[i], NULL);
      }
    }
    minor();
    old += added;
    ck_assert_uint_eq(stats_of(heap).bytes_live, old);
  }
  uint64_t live = sizeof(struct vector) + SLOTS * sizeof(void *);
  for (size_t i = 0; i < SLOTS; i++)
    if (vector->item[i] != NULL)
      live += sizeof(struct vector) +
              ((struct vector *)(void *)vector->item[i])->length * sizeof(void *);
  major();
  ck_assert_uint_eq(stats_of(heap).bytes_live, live);
  tear_down();
}
END_TEST

/*
 * Large objects that are made, kept, dropped while young or old: those that are there are those
 * that live, and those that died old.
 */
START_TEST(the_list_of_large_objects_follows) {
  enum { SLOTS = 24 };
  unsigned age[SLOTS] = {0}, stay = 0;
  set_up((unsigned)_i, "");
  struct vector *vector = new_vector(SLOTS);
  root[0] = (struct cell *)vector;
  major();
  for (unsigned round = 0; round < 60; round++) {
    unsigned there = 0;
    for (unsigned i = 0; i < SLOTS; i++) {
      if ((round * 7 + i * 5) % 11 == 0 && vector->item[i] == NULL)
        lull_store(thread, vector, &vector->item[i], new_vector(1100 + i));
      else if ((round * 5 + i * 3) % 13 == 0 && vector->item[i] != NULL) {
        lull_store(thread, vector, &vector->item[i], NULL);
        stay += age[i] >= promote;
        age[i] = 0;
      }
    }
    if (round % 20 == 19) {
      major();
      stay = 0;
    } else {
      minor();
    }
    for (unsigned i = 0; i < SLOTS; i++)
      if (vector->item[i] != NULL) {
        there++;
        age[i] = round % 20 == 19 ? promote : age[i] + 1;
        EXPECT(is_old(vector->item[i]) == (age[i] >= promote));
      }
    ck_assert_uint_eq(larges(), there + stay);
  }
  tear_down();
}
END_TEST

/* Kinds. */

static void allocate_much(void) {
  for (size_t bytes = 0; bytes < (size_t)64 << 20; bytes += sizeof(struct cell))
    new_cell(0);
}

/* By pacing. */
START_TEST(garbage_is_collected_by_minors) {
  char options[64];
  snprintf(options, sizeof options, "heap.max=64M,gc.generational=%s%s",
           _i % 2 == 0 ? "true" : "false", _i / 2 == 0 ? "" : ",gc.mode=stw");
  heap = heap_with(options);
  thread = attach(heap);
  cells = cell_type(heap);
  for (int i = 0; i == 0 || (i < 16 && _i % 2 == 0 && stats_of(heap).cycles_minor == 0); i++)
    allocate_much();
  ck_assert_uint_gt(atomic_load(&heap->cycle.begun), 1);
  major();
  ck_assert_int_eq(stats_of(heap).cycles_minor != 0, _i % 2 == 0);
  ck_assert_uint_eq(atomic_load(&heap->cycle.major_ended), atomic_load(&heap->cycle.begun));
  tear_down();
}
END_TEST

int main(void) {
  Suite *suite = new_suite("generations");
  ADD_CASE(suite, an_object_is_old_after_so_many_minors, 0, 2 * MOST * MODES);
  ADD_CASE(suite, a_major_makes_all_old_at_once, 1, MOST + 1);
  ADD_CASE(suite, what_cannot_be_listed_is_promoted, 0, 4);
  ADD_CASE(suite, what_dies_young_is_freed_by_the_next_minor, 0, 2 * MOST * MODES);
  ADD_CASE(suite, what_dies_old_stays_until_a_major, 0, 2 * MOST * MODES);
  ADD_CASE(suite, what_only_an_old_object_holds_lives, 0, 2 * MOST * MODES);
  ADD_CASE(suite, what_a_newly_promoted_object_holds_lives, 0, MOST * MODES);
  ADD_CASE(suite, what_a_newly_promoted_large_object_holds_lives, 0, 3 * (MOST - 1));
  ADD_CASE(suite, a_lost_entry_asks_for_a_major, 0, 1);
  ADD_CASE(suite, a_log_never_comes_round, 0, 4);
  ADD_CASE(suite, a_minor_passes_over_what_is_old, 0, MODES);
  ADD_CASE(suite, a_block_in_use_is_swept_by_a_later_minor, 1, 4);
  ADD_CASE(suite, holes_of_old_blocks_are_used_and_freed_again, 0, 2 * MODES);
  ADD_CASE(suite, live_bytes_follow_what_is_old, 0, MODES);
  ADD_CASE(suite, the_list_of_large_objects_follows, 1, MOST + 1);
  ADD_CASE(suite, garbage_is_collected_by_minors, 0, 4);
  return run_suite(suite);
}
