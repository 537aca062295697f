/*
 * test_space.c: the charge against the limit, slabs, claim masks: exactly one owner a block, no
 * claim that fails without cause.
 */
#include <stdlib.h>
#include <string.h>
#include "support/random.h"
#include "tests/heap_fake.h"

static lull_heap *heap;
static struct lu_space *space;

static void begin(size_t limit) {
  heap = fake_heap(limit);
  space = &heap->space;
}

static void end(void) {
  fake_check_space(space);
  fake_heap_end(heap);
}

START_TEST(a_new_space_commits_nothing) {
  begin((size_t)8 << 30);
  ck_assert_uint_eq(atomic_load(&space->committed), 0);
  ck_assert_uint_eq(atomic_load(&space->used), 0);
  ck_assert_uint_ge(space->slab_count * LU_SLAB_BYTES, 2 * space->limit);
  ck_assert_uint_eq((uintptr_t)space->base % LU_SLAB_BYTES, 0);
  ck_assert(lu_space_holds(space, space->base));
  ck_assert(!lu_space_holds(space, space->base - 1));
  ck_assert(lu_space_holds(space, space->base + space->slab_count * LU_SLAB_BYTES - 1));
  ck_assert(!lu_space_holds(space, space->base + space->slab_count * LU_SLAB_BYTES));
  end();
}
END_TEST

START_TEST(a_bitmap_is_populated_once_and_stays_clear) {
  begin((size_t)64 << 20);
  lu_space_populate(space, LU_MAP_A);
  ck_assert(lu_space_open_slab(space));
  struct lu_slab *slab = &space->slabs[0];
  ck_assert_uint_eq(slab->populated, 0);
  lu_space_populate(space, LU_MAP_B);
  ck_assert_uint_eq(slab->populated, 1u << LU_MAP_B);
  char *maps = lu_slab_memory(space, slab);
  for (size_t i = 0; i < LU_META_BLOCKS * LU_BLOCK_BYTES; i++)
    ck_assert_int_eq(maps[i], 0);
  maps[LU_MAP_B * LU_BLOCK_BYTES] = 1;
  lu_space_populate(space, LU_MAP_B);
  lu_space_populate(space, LU_MAP_A);
  ck_assert_int_eq(maps[LU_MAP_B * LU_BLOCK_BYTES], 1);
  maps[LU_MAP_B * LU_BLOCK_BYTES] = 0;
  ck_assert_uint_eq(slab->populated, 1u << LU_MAP_A | 1u << LU_MAP_B);
  end();
}
END_TEST

START_TEST(impossible_limits_are_refused) {
  struct lu_settings settings;
  struct lu_space other;
  lu_settings_default(&settings);
  settings.heap_max = 0;
  ck_assert_int_eq(lu_space_init(&other, &settings), LULL_E_RANGE);
  settings.heap_max = SIZE_MAX;
  ck_assert_int_eq(lu_space_init(&other, &settings), LULL_E_RANGE);
  settings.heap_max = 1 << 20;
  for (uint64_t nth = 1; nth <= 3; nth++) {
    lu_fault_arm(LU_FAULT_RESERVE, nth, true);
    ck_assert_int_eq(lu_space_init(&other, &settings), LULL_E_MEMORY);
  }
  lu_fault_clear();
}
END_TEST

START_TEST(the_charge_is_exact) {
  begin(1000001);
  ck_assert(lu_space_charge(space, 1000000));
  ck_assert(!lu_space_charge(space, 2));
  ck_assert(!lu_space_charge(space, SIZE_MAX));
  ck_assert(lu_space_charge(space, 1));
  ck_assert(!lu_space_charge(space, 1));
  ck_assert(lu_space_charge(space, 0));
  lu_space_uncharge(space, 1);
  ck_assert(lu_space_charge(space, 1));
  lu_space_uncharge(space, 1000001);
  end();
}
END_TEST

/* Half of the threads ask for more than there can ever be; the others' requests fit and must not
 * suffer. */
static void charge_and_uncharge(void *arg, unsigned index) {
  (void)arg;
  for (int i = 0; i < 200000; i++) {
    REQUIRE(atomic_load(&space->used) <= space->limit);
    if (index % 2 == 0) {
      REQUIRE(lu_space_charge(space, 100));
      lu_space_uncharge(space, 100);
    } else {
      REQUIRE(!lu_space_charge(space, 401));
    }
  }
}

START_TEST(a_request_that_fails_makes_no_other_fail) {
  begin(400);
  fake_threads(8, charge_and_uncharge, NULL);
  end();
}
END_TEST

START_TEST(every_block_of_the_limit_can_be_claimed) {
  const size_t limit = 10 << 20, blocks = limit / LU_BLOCK_BYTES;
  begin(limit + 100);
  struct lu_block **held = calloc(blocks, sizeof(struct lu_block *));
  for (int round = 0; round < 3; round++) {
    for (size_t i = 0; i < blocks; i++) {
      held[i] = lu_block_claim(space, LU_POOL_FREE, 1, 0);
      ck_assert(held[i] != NULL);
      ck_assert_uint_eq(atomic_load(&held[i]->state), LU_BLOCK_HELD);
      ck_assert_uint_eq(held[i]->cursor, 0);
      char *memory = lu_block_memory(space, held[i]);
      ck_assert_ptr_eq(lu_block_of(space, memory + LU_BLOCK_BYTES - 1), held[i]);
      ck_assert_uint_ge((size_t)(memory - lu_slab_start(memory)), LU_META_BLOCKS * LU_BLOCK_BYTES);
      if (atomic_load(&held[i]->clean))
        ck_assert_uint_eq((unsigned char)memory[7], 0);
      else
        ck_assert_int_ne(round, 0);
      memset(memory, 7, LU_BLOCK_BYTES);
    }
    ck_assert_ptr_null(lu_block_claim(space, LU_POOL_FREE, 1, 0));
    ck_assert_uint_eq(atomic_load(&space->used), limit);
    fake_check_space(space);
    for (size_t i = 0; i < blocks; i++) {
      atomic_store(&held[i]->clean, 0);
      lu_block_release(space, held[i], LU_POOL_FREE);
    }
    ck_assert_uint_eq(atomic_load(&space->used), 0);
  }
  free(held);
  end();
}
END_TEST

/* Puts a block into a pool as a sweep that found one hole of this many granules would. */
static void offer(struct lu_block *block, enum lu_pool pool, uint32_t granules) {
  block->free_granules = (uint16_t)granules;
  atomic_store(&block->largest_hole, (uint16_t)granules);
  lu_block_release(space, block, pool);
}

START_TEST(a_claim_gets_a_block_with_the_hole_it_wants) {
  begin(4 << 20);
  struct lu_block *block[4];
  for (size_t i = 0; i < COUNT_OF(block); i++)
    block[i] = lu_block_claim(space, LU_POOL_FREE, 1, 0);
  offer(block[0], LU_POOL_SPARSE, 100);
  offer(block[1], LU_POOL_SPARSE, 1000);
  offer(block[2], LU_POOL_ROOMY, 5000);
  ck_assert_ptr_null(lu_block_claim(space, LU_POOL_SPARSE, 1001, 0));
  ck_assert_ptr_null(lu_block_claim(space, LU_POOL_ORPHAN, 1, 0));
  ck_assert_uint_eq(atomic_load(&space->pooled), 6100 * LU_GRANULE);
  ck_assert_ptr_eq(lu_block_claim(space, LU_POOL_SPARSE, 101, 0), block[1]);
  ck_assert_ptr_null(lu_block_claim(space, LU_POOL_SPARSE, 101, 0));
  ck_assert_ptr_eq(lu_block_claim(space, LU_POOL_SPARSE, 1, 0), block[0]);
  ck_assert_ptr_eq(lu_block_claim(space, LU_POOL_ROOMY, 5000, 0), block[2]);
  ck_assert_ptr_null(lu_block_claim(space, LU_POOL_ROOMY, 1, 0));
  fake_check_space(space);
  for (size_t i = 0; i < COUNT_OF(block); i++)
    lu_block_release(space, block[i], LU_POOL_FREE);
  end();
}
END_TEST

START_TEST(orphans_of_a_cycle_can_be_left_alone) {
  begin(4 << 20);
  struct lu_block *block = lu_block_claim(space, LU_POOL_FREE, 1, 0);
  atomic_store(&block->live_cycle, 7);
  block->cursor = 123;
  offer(block, LU_POOL_ORPHAN, 500);
  ck_assert_ptr_null(lu_block_claim(space, LU_POOL_ORPHAN, 1, 7));
  ck_assert_ptr_eq(lu_block_claim(space, LU_POOL_ORPHAN, 1, 8), block);
  ck_assert_uint_eq(block->cursor, 123);
  offer(block, LU_POOL_ORPHAN, 500);
  ck_assert_ptr_eq(lu_block_claim(space, LU_POOL_ORPHAN, 1, 0), block);
  lu_block_retire(block);
  end();
}
END_TEST

START_TEST(the_sweep_claims_a_certain_block) {
  begin(4 << 20);
  struct lu_block *a = lu_block_claim(space, LU_POOL_FREE, 1, 0),
                  *b = lu_block_claim(space, LU_POOL_FREE, 1, 0);
  ck_assert(!lu_block_claim_this(space, a));
  offer(a, LU_POOL_ROOMY, 5000);
  offer(b, LU_POOL_ORPHAN, 5000);
  ck_assert(lu_block_claim_this(space, a));
  ck_assert(!lu_block_claim_this(space, a));
  ck_assert(lu_block_claim_this(space, b));
  ck_assert_ptr_null(lu_block_claim(space, LU_POOL_ROOMY, 1, 0));
  ck_assert_uint_eq(atomic_load(&space->pooled), 0);
  lu_block_put_back(space, a);
  lu_block_put_back(space, b);
  fake_check_space(space);
  ck_assert_ptr_eq(lu_block_claim(space, LU_POOL_ROOMY, 1, 0), a);
  ck_assert_ptr_eq(lu_block_claim(space, LU_POOL_ORPHAN, 1, 0), b);
  lu_block_release(space, a, LU_POOL_FREE);
  lu_block_release(space, b, LU_POOL_FREE);
  end();
}
END_TEST

#define STORM_THREADS 8
static _Atomic unsigned owner[1024]; /* by block: 1 + thread that owns it */

static void own(const struct lu_block *block, unsigned index) {
  REQUIRE(atomic_exchange(&owner[block - space->blocks], index + 1) == 0);
}

static void disown(const struct lu_block *block, unsigned index) {
  REQUIRE(atomic_exchange(&owner[block - space->blocks], 0) == index + 1);
}

/* Plain writes to descriptor and memory: ThreadSanitizer sees whether ownership orders them. */
static void use(struct lu_block *block, unsigned index) {
  block->cursor = (uint16_t)index;
  *(unsigned *)lu_block_memory(space, block) = index;
}

static void claim_and_release(void *arg, unsigned index) {
  uint64_t state = index;
  struct lu_block *held[4] = {0};
  (void)arg;
  for (int i = 0; i < 30000; i++) {
    uint64_t random = lu_random_step(&state);
    struct lu_block **slot = &held[random % COUNT_OF(held)];
    enum lu_pool pool = (enum lu_pool)(random >> 8 & 3);
    if (*slot == NULL) {
      *slot = lu_block_claim(space, pool, (uint32_t)(random >> 16 & 1023),
                             (uint32_t)(random >> 26 & 3));
      if (*slot != NULL) {
        own(*slot, index);
        use(*slot, index);
      }
    } else {
      use(*slot, index);
      atomic_store(&(*slot)->live_cycle, (uint32_t)(random >> 26 & 3));
      disown(*slot, index);
      offer(*slot, pool, pool == LU_POOL_SPARSE ? (uint32_t)(1 + (random >> 16 & 1023)) : 5000);
      *slot = NULL;
    }
  }
  for (size_t i = 0; i < COUNT_OF(held); i++) {
    if (held[i] != NULL) {
      disown(held[i], index);
      lu_block_release(space, held[i], LU_POOL_FREE);
    }
  }
}

/* Claims whatever waits, as the sweep does. */
static void claim_certain(void *arg, unsigned index) {
  (void)arg;
  for (int i = 0; i < 3000; i++) {
    for (size_t j = 0; j < LU_SLAB_BLOCKS; j++) {
      struct lu_block *block = &space->blocks[j];
      if (lu_block_claim_this(space, block)) {
        own(block, index);
        disown(block, index);
        lu_block_put_back(space, block);
      }
    }
  }
}

static void storm(void *arg, unsigned index) {
  if (index == 0)
    claim_certain(arg, index);
  else
    claim_and_release(arg, index);
}

START_TEST(each_block_has_one_owner_in_a_storm) {
  begin(20 * LU_BLOCK_BYTES);
  fake_threads(STORM_THREADS, storm, NULL);
  end();
}
END_TEST

/* As who must not miss a block does it (B.2). */
static struct lu_block *claim_surely(enum lu_pool pool) {
  struct lu_block *block;
  uint64_t seen;
  do {
    seen = atomic_load(&space->returns);
    block = lu_block_claim(space, pool, 1, 0);
  } while (block == NULL && pool != LU_POOL_FREE && seen != atomic_load(&space->returns));
  return block;
}

/* As many blocks as threads, each of which holds one at most: there is always one for who asks. */
static void claim_one(void *arg, unsigned index) {
  enum lu_pool pool = *(enum lu_pool *)arg;
  for (int i = 0; i < 50000; i++) {
    struct lu_block *block = claim_surely(pool);
    REQUIRE(block != NULL);
    own(block, index);
    use(block, index);
    disown(block, index);
    if (pool == LU_POOL_FREE)
      lu_block_release(space, block, pool);
    else
      offer(block, pool, pool == LU_POOL_SPARSE ? 900 : 5000);
  }
}

START_TEST(no_claim_fails_while_there_is_a_block) {
  enum lu_pool pool = (enum lu_pool)_i;
  begin(STORM_THREADS * LU_BLOCK_BYTES);
  struct lu_block *block[STORM_THREADS];
  for (size_t i = 0; i < STORM_THREADS; i++) {
    block[i] = lu_block_claim(space, LU_POOL_FREE, 1, 0);
    ck_assert(block[i] != NULL);
  }
  for (size_t i = 0; i < STORM_THREADS; i++)
    offer(block[i], pool, pool == LU_POOL_SPARSE ? 900 : 5000);
  fake_threads(STORM_THREADS, claim_one, &pool);
  end();
}
END_TEST

START_TEST(a_fault_refuses_a_free_block) {
  begin(4 << 20);
  lu_fault_arm(LU_FAULT_BLOCK, 2, true);
  struct lu_block *block = lu_block_claim(space, LU_POOL_FREE, 1, 0);
  ck_assert(block != NULL);
  ck_assert_ptr_null(lu_block_claim(space, LU_POOL_FREE, 1, 0));
  lu_fault_clear();
  lu_block_release(space, block, LU_POOL_FREE);
  end();
}
END_TEST

START_TEST(slabs_are_taken_in_rows_and_given_back) {
  begin(4 << 20);
  size_t n = space->slab_count;
  lu_lock(&space->lock);
  ck_assert_ptr_null(lu_space_take_slabs(space, n + 1, LU_SLAB_SPAN));
  struct lu_slab *first = lu_space_take_slabs(space, 1, LU_SLAB_PAGES);
  struct lu_slab *span = lu_space_take_slabs(space, n - 2, LU_SLAB_SPAN);
  ck_assert_ptr_eq(first, space->slabs);
  ck_assert_ptr_eq(span, space->slabs + 1);
  ck_assert_ptr_null(lu_space_take_slabs(space, 2, LU_SLAB_SPAN));
  struct lu_slab *last = lu_space_take_slabs(space, 1, LU_SLAB_PAGES);
  ck_assert_ptr_eq(last, space->slabs + n - 1);
  ck_assert_ptr_null(lu_space_take_slabs(space, 1, LU_SLAB_PAGES));
  lu_unlock(&space->lock);
  ck_assert_uint_eq(atomic_load(&span[1].kind), LU_SLAB_SPAN_REST);
  ck_assert_ptr_null(lu_block_claim(space, LU_POOL_FREE, 1, 0));
  ck_assert_uint_eq(atomic_load(&space->used), 0);
  lu_space_give_slabs(space, span, n - 2);
  struct lu_block *block = lu_block_claim(space, LU_POOL_FREE, 1, 0);
  ck_assert_ptr_eq(lu_slab_of(space, lu_block_memory(space, block)), span);
  lu_block_release(space, block, LU_POOL_FREE);
  lu_space_give_slabs(space, first, 1);
  lu_space_give_slabs(space, last, 1);
  end();
}
END_TEST

int main(void) {
  Suite *suite = new_suite("space");
  TCase *tcase = tcase_create("space");
  tcase_add_test(tcase, a_new_space_commits_nothing);
  tcase_add_test(tcase, impossible_limits_are_refused);
  tcase_add_test(tcase, a_bitmap_is_populated_once_and_stays_clear);
  tcase_add_test(tcase, the_charge_is_exact);
  tcase_add_test(tcase, a_request_that_fails_makes_no_other_fail);
  tcase_add_test(tcase, every_block_of_the_limit_can_be_claimed);
  tcase_add_test(tcase, a_claim_gets_a_block_with_the_hole_it_wants);
  tcase_add_test(tcase, orphans_of_a_cycle_can_be_left_alone);
  tcase_add_test(tcase, the_sweep_claims_a_certain_block);
  tcase_add_test(tcase, each_block_has_one_owner_in_a_storm);
  tcase_add_loop_test(tcase, no_claim_fails_while_there_is_a_block, 0, LU_POOLS);
  tcase_add_test(tcase, a_fault_refuses_a_free_block);
  tcase_add_test(tcase, slabs_are_taken_in_rows_and_given_back);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
