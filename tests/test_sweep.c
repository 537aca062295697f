/*
 * test_sweep.c: what a sweep makes of MARK, which blocks it leaves alone, births, memory returned;
 * beside threads that allocate.
 */
#include <stdlib.h>
#include <string.h>
#include "support/random.h"
#include "tests/heap_fake.h"

static lull_heap *heap;
static struct lu_space *space;
static struct lu_mutator *mutator;
static lull_type type;

static void begin(size_t limit) {
  heap = fake_heap(limit);
  space = &heap->space;
  mutator = fake_mutator(heap);
  type = fake_bytes_type(heap);
}

static void end(void) {
  fake_check_space(space);
  fake_mutator_end(mutator);
  fake_heap_end(heap);
}

static unsigned state_of(const struct lu_block *block) { return atomic_load(&block->state); }

static uint64_t word_of(const struct lu_block *block, unsigned map, uint32_t i) {
  return lu_map_load(lu_map_at(lu_block_memory(space, block), map) + i);
}

/* A block full of objects of 512 bytes, retired; marks those i for which keep(i). */
static struct lu_block *full_block(bool (*keep)(uint32_t i), unsigned map) {
  struct lu_block *block = NULL;
  for (uint32_t i = 0; i < LU_BLOCK_BYTES / 512; i++) {
    struct bytes *object = fake_new(mutator, type, 512);
    memset(object->data, 0x11, object->length);
    block = lu_block_of(space, object);
    if (keep(i))
      fake_mark(heap, object, map);
  }
  lu_region_abandon(mutator);
  ck_assert_uint_eq(state_of(block), LU_BLOCK_RETIRED);
  return block;
}

/* Check's assertions write to a pipe each time: too slow for each word. */
#define EXPECT_SAME(a, b)                                                                          \
  ((a) == (b) ? (void)0 : ck_abort_msg("%s:%d: %s is not %s", __FILE__, __LINE__, #a, #b))

static bool keep_none(uint32_t i) { return i > 1000; }
static bool keep_quarter(uint32_t i) { return i % 4 == 0; }
static bool keep_most(uint32_t i) { return i % 16 != 0; }
static bool keep_almost_all(uint32_t i) { return i != 5; }
static bool keep_all(uint32_t i) { return i < 1000; }

static const struct sorting {
  bool (*keep)(uint32_t i);
  unsigned state, pool;
  uint32_t live, holes, largest; /* granules */
} sortings[] = {
    {keep_none, LU_BLOCK_FREE, LU_POOL_FREE, 0, 8192, 8192},
    {keep_quarter, LU_BLOCK_POOLED, LU_POOL_ROOMY, 2048, 6144, 192},
    {keep_most, LU_BLOCK_POOLED, LU_POOL_SPARSE, 7680, 512, 64},
    {keep_almost_all, LU_BLOCK_FULL, LU_POOLS, 8128, 0, 0},
    {keep_all, LU_BLOCK_FULL, LU_POOLS, 8192, 0, 0},
};

START_TEST(a_block_goes_where_its_room_puts_it) {
  const struct sorting *expected = &sortings[_i];
  begin(8 << 20);
  struct lu_block *block = full_block(expected->keep, LU_MAP_B);
  struct lu_sweep sweep = fake_sweep(heap, LU_MAP_B, 1);
  ck_assert_uint_eq(state_of(block), expected->state);
  ck_assert_uint_eq(sweep.live_bytes, expected->live * LU_GRANULE);
  ck_assert_uint_eq(sweep.freed_bytes, expected->holes * LU_GRANULE);
  ck_assert_uint_eq(sweep.blocks_free, expected->pool == LU_POOL_FREE);
  ck_assert_uint_eq(sweep.blocks_pooled, expected->state == LU_BLOCK_POOLED);
  ck_assert_uint_eq(sweep.blocks_full, expected->state == LU_BLOCK_FULL);
  if (expected->pool < LU_POOLS) {
    ck_assert_uint_eq(atomic_load(&space->waiting[expected->pool]),
                      expected->pool == LU_POOL_FREE ? LU_USABLE_BLOCKS : 1);
    ck_assert_uint_eq(atomic_load(&block->largest_hole), expected->largest);
  }
  for (uint32_t i = 0; i < LU_BLOCK_WORDS; i++) {
    ck_assert_uint_eq(word_of(block, LU_MAP_TAKEN, i), word_of(block, LU_MAP_B, i));
    ck_assert_uint_eq(word_of(block, LU_MAP_TAKEN, i), expected->keep(i) ? ~(uint64_t)0 : 0);
  }
  end();
}
END_TEST

START_TEST(sweeping_again_changes_nothing_but_what_died) {
  begin(8 << 20);
  struct lu_block *block = full_block(keep_quarter, LU_MAP_A);
  fake_sweep(heap, LU_MAP_A, 1);
  for (uint32_t i = 0; i < LU_BLOCK_WORDS; i += 8)
    atomic_store(lu_map_at(lu_block_memory(space, block), LU_MAP_B) + i, ~(uint64_t)0);
  struct lu_sweep sweep = fake_sweep(heap, LU_MAP_B, 2);
  ck_assert_uint_eq(sweep.freed_bytes, 2048 / 2 * LU_GRANULE);
  ck_assert_uint_eq(block->free_granules, 7168);
  ck_assert(fake_map_is_clear(heap, LU_MAP_A));
  sweep = fake_sweep(heap, LU_MAP_B, 3);
  ck_assert_uint_eq(sweep.freed_bytes, 0);
  ck_assert_uint_eq(sweep.blocks_pooled, 1);
  sweep = fake_sweep(heap, LU_MAP_A, 4);
  ck_assert_uint_eq(sweep.freed_bytes, LU_BLOCK_BYTES - 7168 * LU_GRANULE);
  ck_assert_uint_eq(state_of(block), LU_BLOCK_FREE);
  ck_assert_uint_eq(atomic_load(&space->used), 0);
  end();
}
END_TEST

START_TEST(scribbling_hits_the_dead_only) {
  begin(8 << 20);
  heap->settings.stress_scribble = true;
  struct lu_block *block = full_block(keep_quarter, LU_MAP_A);
  struct bytes *fresh = fake_new(mutator, type, 512);
  lu_region_abandon(mutator);
  struct lu_block *orphan = lu_block_of(space, fresh);
  ck_assert_uint_eq(state_of(orphan), LU_BLOCK_ORPHAN);
  fake_sweep(heap, LU_MAP_A, 1);
  const unsigned char *memory = (const unsigned char *)lu_block_memory(space, block);
  for (uint32_t i = 0; i < LU_BLOCK_BYTES; i++) {
    if (!keep_quarter(i / 512))
      ck_assert_uint_eq(memory[i], LU_SCRIBBLE);
    else if (i % 512 >= sizeof(struct bytes))
      ck_assert_uint_eq(memory[i], 0x11);
  }
  memory = (const unsigned char *)lu_block_memory(space, orphan);
  ck_assert_uint_eq(memory[511], LU_SCRIBBLE);
  ck_assert_uint_eq(memory[512], 0);
  ck_assert_uint_eq(state_of(orphan), LU_BLOCK_FREE);
  /* fake_new checks that scribbled memory comes back zero. */
  while (fake_new(mutator, type, 512) != NULL)
    ;
  end();
}
END_TEST

static void past_h2(struct lu_mutator *entering, uint32_t cycle, unsigned map) {
  entering->cycle = cycle;
  entering->mark_map = map;
  entering->born_live = true;
  lu_region_split(entering);
}

/* Objects before and after H2 in one block; `leave` says how its thread has left it when the sweep
 * comes. */
START_TEST(blocks_of_this_cycles_births_are_left_alone) {
  enum { HELD, RETIRED, ORPHAN } leave = (unsigned)_i;
  begin(8 << 20);
  struct bytes *live = fake_new(mutator, type, 504), *dead = fake_new(mutator, type, 504);
  struct lu_block *block = lu_block_of(space, live);
  fake_mark(heap, live, LU_MAP_B);
  past_h2(mutator, 3, LU_MAP_B);
  struct bytes *born = fake_new(mutator, type, 504);
  if (leave == RETIRED)
    while (lu_block_of(space, fake_new(mutator, type, 504)) == block)
      ;
  else if (leave == ORPHAN)
    lu_region_abandon(mutator);
  ck_assert_uint_eq(state_of(block), leave == HELD      ? LU_BLOCK_HELD
                                     : leave == RETIRED ? LU_BLOCK_RETIRED
                                                        : LU_BLOCK_ORPHAN);
  unsigned state = state_of(block);
  atomic_store(lu_map_at(live, LU_MAP_A), 5);

  struct lu_sweep sweep = fake_sweep(heap, LU_MAP_B, 3);
  ck_assert_uint_eq(state_of(block), state);
  ck_assert_uint_eq(sweep.live_bytes, 504);
  ck_assert_uint_eq(sweep.freed_bytes, 0);
  ck_assert_uint_eq(sweep.blocks_skipped, leave == RETIRED ? 2 : 1);
  ck_assert(fake_map_is_clear(heap, LU_MAP_A));
  ck_assert(fake_map_is_clear(heap, LU_MAP_TAKEN));
  ck_assert(lu_is_marked(born, LU_MAP_B) && lu_is_marked(live, LU_MAP_B) &&
            !lu_is_marked(dead, LU_MAP_B));
  fake_check_space(space);

  mutator->born_live = false;
  lu_sweep_clear_births(&sweep);
  ck_assert(!lu_is_marked(born, LU_MAP_B) && lu_is_marked(live, LU_MAP_B) &&
            !lu_is_marked(dead, LU_MAP_B));
  ck_assert_uint_eq(word_of(block, LU_MAP_B, LU_BLOCK_WORDS - 1), 0);

  /* The next cycle finds what lives by its own marks. */
  fake_mark(heap, born, LU_MAP_A);
  lu_region_abandon(mutator);
  sweep = fake_sweep(heap, LU_MAP_A, 4);
  ck_assert_uint_eq(state_of(block), LU_BLOCK_POOLED);
  ck_assert_uint_eq(sweep.live_bytes, 504);
  ck_assert(fake_map_is_clear(heap, LU_MAP_B));
  end();
}
END_TEST

START_TEST(clearing_births_keeps_survivors_in_the_same_words) {
  begin(8 << 20);
  struct lu_block *block = full_block(keep_quarter, LU_MAP_A);
  fake_sweep(heap, LU_MAP_A, 1);
  struct bytes *before = fake_new(mutator, type, 24);
  ck_assert_ptr_eq(lu_block_of(space, before), block);
  fake_mark(heap, before, LU_MAP_B);
  for (uint32_t i = 0; i < LU_BLOCK_WORDS; i += 4)
    atomic_store(lu_map_at(lu_block_memory(space, block), LU_MAP_B) + i, ~(uint64_t)0);
  past_h2(mutator, 2, LU_MAP_B);
  struct bytes *born = fake_new(mutator, type, 24);
  ck_assert_ptr_eq(born, (char *)before + 24);
  struct lu_sweep sweep = fake_sweep(heap, LU_MAP_B, 2);
  ck_assert_uint_eq(sweep.live_bytes, 2048 * LU_GRANULE + 24);
  mutator->born_live = false;
  lu_sweep_clear_births(&sweep);
  for (uint32_t i = 0; i < LU_BLOCK_WORDS; i++)
    ck_assert_uint_eq(word_of(block, LU_MAP_B, i), i % 4 == 0 ? ~(uint64_t)0 : i == 1 ? 7 : 0);
  end();
}
END_TEST

static void count_call(void *context) { ++*(unsigned *)context; }

START_TEST(stalled_threads_hear_of_progress) {
  unsigned calls = 0;
  begin(8 << 20);
  for (int i = 0; i < 40; i++)
    full_block(keep_none, LU_MAP_A);
  struct lu_sweep sweep = {
      .space = space, .mark_map = LU_MAP_A, .cycle = 1, .progress = count_call, .context = &calls};
  lu_sweep(&sweep);
  ck_assert_uint_ge(calls, 4);
  ck_assert_uint_le(calls, 40);
  calls = 0;
  sweep.cycle = 2;
  lu_sweep(&sweep);
  ck_assert_uint_eq(calls, 0);
  end();
}
END_TEST

/* One pass, or until so many bytes have been returned. */
static size_t return_once(size_t most) {
  size_t at = atomic_load(&space->slabs_high), returned = 0;
  while (at > 0 && most - returned >= LU_BLOCK_BYTES)
    returned += lu_space_return(space, most - returned, 1, &at);
  return returned;
}

START_TEST(memory_that_stays_free_is_returned) {
  begin(16 << 20);
  struct bytes *object, *first = fake_new(mutator, type, 512);
  while ((object = fake_new(mutator, type, 512)) != NULL)
    memset(object->data, 0x77, object->length);
  lu_region_abandon(mutator);
  ck_assert_uint_ge(atomic_load(&space->committed), space->limit);
  fake_mark(heap, first, LU_MAP_A);
  fake_sweep(heap, LU_MAP_A, 1);
  ck_assert_uint_eq(return_once(SIZE_MAX), 0);
  fake_mark(heap, first, LU_MAP_B);
  fake_sweep(heap, LU_MAP_B, 2);
  fake_mark(heap, first, LU_MAP_A);
  fake_sweep(heap, LU_MAP_A, 3);

  size_t committed = atomic_load(&space->committed);
  ck_assert_uint_eq(return_once(LU_BLOCK_BYTES - 1), 0);
  ck_assert_uint_eq(return_once(3 * LU_BLOCK_BYTES + 1), 3 * LU_BLOCK_BYTES);
  ck_assert_uint_eq(atomic_load(&space->committed), committed - 3 * LU_BLOCK_BYTES);
  fake_check_space(space);
  size_t returned = 3 * LU_BLOCK_BYTES, step;
  while ((step = return_once(1 << 20)) != 0)
    returned += step;
  ck_assert_uint_eq(returned, space->limit - LU_BLOCK_BYTES);
  fake_check_space(space);
  for (size_t i = 1; i < space->slab_count; i++)
    ck_assert_uint_eq(atomic_load(&space->slabs[i].kind), LU_SLAB_UNUSED);
  /* One block, and the tables of one slab. */
  ck_assert_uint_le(atomic_load(&space->committed), LU_BLOCK_BYTES + atomic_load(&space->metadata));
  ck_assert_uint_le(atomic_load(&space->metadata), (LU_META_BLOCKS + 1) * LU_BLOCK_BYTES);

  /* It can all be had again, zero, also for one large object. */
  ck_assert(fake_new(mutator, type, 12 << 20) != NULL);
  while (fake_new(mutator, type, 512) != NULL)
    ;
  lu_region_publish(mutator);
  end();
}
END_TEST

START_TEST(a_slab_with_a_fresh_block_in_use_stays) {
  begin(16 << 20);
  struct lu_block *dirty = full_block(keep_none, LU_MAP_A);
  struct bytes *object = fake_new(mutator, type, 512);
  ck_assert(atomic_load(&lu_block_of(space, object)->clean));
  for (uint32_t cycle = 1; cycle <= 4; cycle++)
    fake_sweep(heap, LU_MAP_A, cycle);
  ck_assert_uint_eq(return_once(SIZE_MAX), LU_BLOCK_BYTES);
  ck_assert(atomic_load(&dirty->clean));
  ck_assert_uint_eq(atomic_load(&lu_slab_of(space, object)->kind), LU_SLAB_SMALL);
  ck_assert_uint_eq(return_once(SIZE_MAX), 0);
  ck_assert_ptr_eq(mutator->small.block, lu_block_of(space, object));
  end();
}
END_TEST

START_TEST(nothing_is_returned_when_the_option_is_off) {
  begin(4 << 20);
  space->return_memory = false;
  full_block(keep_none, LU_MAP_A);
  for (uint32_t cycle = 1; cycle < 5; cycle++)
    fake_sweep(heap, LU_MAP_A, cycle);
  ck_assert_uint_eq(return_once(SIZE_MAX), 0);
  end();
}
END_TEST

/* A sweep that a driver and helpers share. */
#define HELPERS 3
static struct lu_sweep shared;
static _Atomic unsigned opened;    /* the cycle of `shared` */
static _Atomic unsigned helping;   /* helpers that are not done */
static _Atomic unsigned begun;     /* helpers that have swept a slab */
static unsigned everybody;         /* who is to have one before anybody has a second */

static bool after_a_slab(void *first) {
  if (*(bool *)first)
    atomic_fetch_add(&begun, 1);
  *(bool *)first = false;
  while (atomic_load(&begun) < everybody)
    ;
  return true;
}

static void help(uint32_t cycle) {
  bool first = true;
  while (atomic_load(&opened) != cycle)
    ;
  lu_sweep_help(&shared, after_a_slab, &first);
  atomic_fetch_sub(&helping, 1);
}

/* Begins, sweeps, and ends when all are done. */
static void drive(unsigned map, uint32_t cycle) {
  shared = (struct lu_sweep){
      .space = space, .mark_map = map, .cycle = cycle, .scribble = heap->settings.stress_scribble};
  lu_sweep_begin(&shared);
  atomic_store(&opened, cycle);
  while (atomic_load(&begun) < everybody)
    ;
  ck_assert(lu_sweep_some(&shared, NULL));
  while (atomic_load(&helping) != 0)
    ;
  lu_sweep_end(&shared);
}

static void sweep_together(void *arg, unsigned index) {
  const uint32_t *cycle = arg;
  if (index == 0)
    drive(LU_MAP_A, *cycle);
  else
    help(*cycle);
}

/* Seven slabs of blocks of each kind, swept by four, then once more without a mark. */
START_TEST(several_sweepers_share_the_slabs) {
  enum { BLOCKS = 6 * (int)LU_USABLE_BLOCKS + 20 };
  static struct lu_block *block[BLOCKS];
  size_t live = 0, freed = 0, state[LU_BLOCK_RUN + 1] = {0};
  uint32_t cycle = 1;
  begin(64 << 20);
  for (unsigned i = 0; i < BLOCKS; i++) {
    const struct sorting *sorting = &sortings[i % COUNT_OF(sortings)];
    block[i] = full_block(sorting->keep, LU_MAP_A);
    live += sorting->live * LU_GRANULE;
    freed += sorting->holes * LU_GRANULE;
    state[sorting->state]++;
  }
  ck_assert_uint_ge(atomic_load(&space->slabs_high), 7);
  atomic_store(&helping, HELPERS);
  everybody = HELPERS;
  fake_threads(1 + HELPERS, sweep_together, &cycle);
  for (unsigned i = 0; i < BLOCKS; i++) {
    ck_assert_uint_eq(state_of(block[i]), sortings[i % COUNT_OF(sortings)].state);
    for (uint32_t j = 0; j < LU_BLOCK_WORDS; j++)
      EXPECT_SAME(word_of(block[i], LU_MAP_TAKEN, j), word_of(block[i], LU_MAP_A, j));
  }
  ck_assert_uint_eq(shared.live_bytes, live);
  ck_assert_uint_eq(shared.survived_bytes, live);
  ck_assert_uint_eq(shared.freed_bytes, freed);
  ck_assert_uint_eq(shared.blocks_free, state[LU_BLOCK_FREE]);
  ck_assert_uint_eq(shared.blocks_pooled, state[LU_BLOCK_POOLED]);
  ck_assert_uint_eq(shared.blocks_full, state[LU_BLOCK_FULL]);
  ck_assert_uint_eq(shared.blocks_skipped, 0);
  fake_check_space(space);
  struct lu_sweep last = fake_sweep(heap, LU_MAP_B, 2);
  ck_assert_uint_eq(last.live_bytes, 0);
  ck_assert_uint_eq(atomic_load(&space->used), 0);
  end();
}
END_TEST

/*
 * Threads that are past H2 of a cycle allocate, leave and come back while thread 0 sweeps that
 * cycle, clears its births and returns memory: what they allocated since they began must be intact.
 */
static _Atomic unsigned allocating;

struct storm {
  unsigned map;
  uint32_t cycle;
  unsigned helpers;   /* threads that sweep beside thread 0 */
};

static void allocate_beside(const struct storm *storm, unsigned index) {
  struct lu_mutator *own = fake_mutator(heap);
  uint64_t random = index + 100 * storm->cycle;
  struct bytes *object[2000];
  size_t count = 0;
  past_h2(own, storm->cycle, storm->map);
  for (; count < COUNT_OF(object); count++) {
    object[count] =
        fake_new(own, type, 16 + (lu_random_scale(lu_random_step(&random), 300) & ~(uint64_t)7));
    if (object[count] == NULL)
      break;
    memset(object[count]->data, (int)index, object[count]->length);
    REQUIRE(lu_is_marked(object[count], storm->map));
    if (lu_random_scale(lu_random_step(&random), 200) == 0)
      lu_region_abandon(own);
  }
  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; j < object[i]->length; j++)
      REQUIRE(object[i]->data[j] == index);
  lu_region_abandon(own);
  fake_mutator_end(own);
  atomic_fetch_sub(&allocating, 1);
}

static void storm(void *arg, unsigned index) {
  const struct storm *storm = arg;
  if (index > storm->helpers) {
    allocate_beside(storm, index);
    return;
  }
  if (index != 0) {
    help(storm->cycle);
    return;
  }
  drive(storm->map, storm->cycle);
  while (atomic_load(&allocating) != 0)
    return_once(SIZE_MAX);
}

START_TEST(a_sweep_runs_beside_allocation) {
  struct storm run = {LU_MAP_A, 0, _i / 2 * 2};
  begin(12 << 20);
  heap->settings.stress_scribble = _i % 2 == 1;
  for (int i = 0; i < 12; i++) {
    run.cycle++;
    run.map ^= 1;
    atomic_store(&allocating, 5);
    atomic_store(&helping, run.helpers);
    fake_threads(6 + run.helpers, storm, &run);
    struct lu_sweep sweep = {.space = space, .mark_map = run.map, .cycle = run.cycle};
    lu_sweep_clear_births(&sweep);
    ck_assert(fake_map_is_clear(heap, run.map));
    ck_assert(fake_map_is_clear(heap, run.map ^ 1));
    fake_check_space(space);
  }
  end();
}
END_TEST

enum { OFFERED = 16 };
static struct lu_block *claimed[OFFERED + 1];
static unsigned claims;

static void claim_what_is_offered(void *context) {
  (void)context;
  while (claims <= OFFERED &&
         (claimed[claims] = lu_block_claim(space, LU_POOL_ROOMY, 0, 0)) != NULL)
    claims++;
}

/* Blocks are claimed while the sweep runs, the last one at the moment that it is offered. */
START_TEST(a_block_that_is_claimed_at_once_is_young) {
  begin(8 << 20);
  for (int i = 0; i < OFFERED; i++)
    full_block(keep_quarter, LU_MAP_B);
  struct lu_sweep sweep = {.space = space,
                           .mark_map = LU_MAP_B,
                           .cycle = 1,
                           .promote = 1,
                           .progress = claim_what_is_offered};
  lu_sweep(&sweep);
  ck_assert_uint_eq(claims, OFFERED);
  for (unsigned i = 0; i < claims; i++) {
    size_t index = (size_t)(claimed[i] - space->blocks);
    ck_assert(atomic_load(&space->slabs[index / LU_SLAB_BLOCKS].young) >> index % LU_SLAB_BLOCKS &
              1);
    lu_block_retire(claimed[i]);
  }
  end();
}
END_TEST

int main(void) {
  Suite *suite = new_suite("sweep");
  TCase *tcase = tcase_create("sweep");
  tcase_add_test(tcase, a_block_that_is_claimed_at_once_is_young);
  tcase_add_loop_test(tcase, a_block_goes_where_its_room_puts_it, 0, COUNT_OF(sortings));
  tcase_add_test(tcase, sweeping_again_changes_nothing_but_what_died);
  tcase_add_test(tcase, scribbling_hits_the_dead_only);
  tcase_add_loop_test(tcase, blocks_of_this_cycles_births_are_left_alone, 0, 3);
  tcase_add_test(tcase, clearing_births_keeps_survivors_in_the_same_words);
  tcase_add_test(tcase, stalled_threads_hear_of_progress);
  tcase_add_test(tcase, memory_that_stays_free_is_returned);
  tcase_add_test(tcase, a_slab_with_a_fresh_block_in_use_stays);
  tcase_add_test(tcase, nothing_is_returned_when_the_option_is_off);
  tcase_add_test(tcase, several_sweepers_share_the_slabs);
  tcase_add_loop_test(tcase, a_sweep_runs_beside_allocation, 0, 4);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
