/*
 * test_large.c: page runs and spans: zeroed, disjoint, charged exactly, given back; the list that
 * the sweep filters.
 */
#include <stdlib.h>
#include <string.h>
#include "support/random.h"
#include "tests/heap_fake.h"

static lull_heap *heap;
static struct lu_space *space;
static struct lu_mutator *mutator;
static lull_type type;

static void begin_with_cards(size_t limit, size_t card_bytes) {
  heap = fake_heap_with_cards(limit, card_bytes);
  space = &heap->space;
  mutator = fake_mutator(heap);
  type = fake_bytes_type(heap);
}

static void begin(size_t limit) { begin_with_cards(limit, 512); }

static void end(void) {
  fake_check_space(space);
  fake_mutator_end(mutator);
  fake_heap_end(heap);
}

static void check_layout(struct bytes *object, size_t size) {
  struct lu_large *large = lu_large_of(object);
  ck_assert_ptr_eq(lu_large_object(large), object);
  ck_assert_uint_eq(large->size, size);
  ck_assert_uint_eq((uintptr_t)large % LU_PAGE_BYTES, 0);
  size_t card = heap->settings.rs_card;
  ck_assert_uint_eq(lu_large_card_bytes(large), card);
  ck_assert_uint_eq(large->card_count, (size + card - 1) / card);
  for (size_t i = 0; i < large->card_count; i++)
    if (atomic_load(&large->cards[i]) != LU_LOG_LARGE)
      ck_abort_msg("card %zu of %zu begins logged", i, large->card_count);
  ck_assert_ptr_eq(lu_large_card(large, object), &large->cards[0]);
  ck_assert_ptr_eq(lu_large_card(large, (char *)object + card - 8), &large->cards[0]);
  ck_assert_ptr_eq(lu_large_card(large, (char *)object + card), &large->cards[1]);
  ck_assert_ptr_eq(lu_large_card(large, (char *)object + size - 8),
                   &large->cards[large->card_count - 1]);
  ck_assert((char *)large->cards >= (char *)object + size);
  ck_assert((char *)(large->cards + large->card_count) <= (char *)large + large->run_bytes);
  ck_assert_uint_eq(large->run_bytes % LU_PAGE_BYTES, 0);
  ck_assert_uint_eq(atomic_load(&large->scan_next), 0);
  ck_assert_uint_eq(large->live_cycle, 0);
  /* Its first byte has its bits in the slab that it begins in, behind the bitmaps. */
  ck_assert_uint_ge((size_t)((char *)large - lu_slab_start(object)),
                    LU_META_BLOCKS * LU_BLOCK_BYTES);
  ck_assert_uint_eq(atomic_load(&lu_block_of(space, object)->state), LU_BLOCK_RUN);
}

static const size_t sizes[] = {LU_SMALL_MAX + 8,  12000,
                               (64 << 10) - 64,   64 << 10,
                               1 << 20,           (2 << 20) - 16384,
                               (2 << 20) - 12288, (2 << 20) - 8192,
                               2 << 20,           (4 << 20) - 8,
                               (4 << 20) + 4096,  17 << 20};

/*
 * At one go, or in pieces as a step does: of 128 KB each, so that all but one end with some of it
 * left. Charged until the end.
 */
static void free_in(struct lu_space *of, struct lu_large *large, bool pieces) {
  size_t used = atomic_load(&of->used), bytes = large->run_bytes, count = 1;
  struct lu_freeing freeing;
  if (!pieces) {
    lu_large_free(of, large);
    return;
  }
  lu_large_free_begin(of, large, &freeing);
  for (; !lu_large_free_some(of, &freeing, &(struct lu_budget){.work = 1}); count++)
    ck_assert_uint_eq(atomic_load(&of->used), used);
  ck_assert_uint_eq(atomic_load(&of->used), used - bytes);
  ck_assert_ptr_null(freeing.slab);
  if (bytes >= (64 << 10))
    ck_assert_uint_ge(count, bytes / (128 << 10));
}

START_TEST(every_size_has_its_layout_and_comes_back_zero) {
  begin_with_cards(64 << 20, (size_t)64 << _i);
  for (int round = 0; round < 4; round++) {
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
      struct bytes *object = fake_new(mutator, type, sizes[i]);
      ck_assert(object != NULL);
      check_layout(object, sizes[i]);
      ck_assert_uint_ge(atomic_load(&space->used), sizes[i]);
      memset(object->data, 0xee, object->length);
      for (size_t card = 0; card < lu_large_of(object)->card_count; card++)
        atomic_store(&lu_large_of(object)->cards[card], 0xeeee);
      fake_mark(heap, object, LU_MAP_A);
      fake_mark(heap, object, LU_MAP_B);
    }
    fake_check_space(space);
    struct lu_large *next;
    for (struct lu_large *large = atomic_exchange(&space->large, NULL); large != NULL;
         large = next) {
      next = large->next;
      free_in(space, large, round % 2 != 0);
    }
    ck_assert_uint_eq(atomic_load(&space->used), 0);
    ck_assert_uint_eq(atomic_load(&space->committed), 0);
    ck_assert_uint_eq(atomic_load(&space->metadata), 0);
    for (size_t i = 0; i < space->slab_count; i++)
      ck_assert_uint_eq(atomic_load(&space->slabs[i].kind), LU_SLAB_UNUSED);
    ck_assert(fake_map_is_clear(heap, LU_MAP_A) && fake_map_is_clear(heap, LU_MAP_B));
  }
  end();
}
END_TEST

START_TEST(blocks_find_zero_memory_where_runs_have_been) {
  begin(8 << 20);
  struct bytes *object = fake_new(mutator, type, 3 << 20), *run = fake_new(mutator, type, 100000);
  memset(object->data, 0xee, object->length);
  memset(run->data, 0xee, run->length);
  fake_sweep(heap, LU_MAP_A, 1);
  ck_assert_ptr_null(atomic_load(&space->large));
  while ((object = fake_new(mutator, type, 512)) != NULL)
    memset(object->data, 0xee, object->length);
  ck_assert_uint_eq(atomic_load(&space->used), space->limit);
  end();
}
END_TEST

START_TEST(the_limit_is_exact) {
  begin_with_cards(1 << 20, (size_t)64 << _i);
  /* One page less than the limit, then one page too much. */
  size_t most = space->limit - LU_PAGE_BYTES - sizeof(struct lu_large) -
                (space->limit / heap->settings.rs_card) * 2;
  ck_assert(fake_new(mutator, type, most & ~(size_t)7) != NULL);
  ck_assert_ptr_null(fake_new(mutator, type, LU_SMALL_MAX + 8));
  fake_sweep(heap, LU_MAP_A, 1);
  ck_assert_uint_eq(atomic_load(&space->used), 0);
  ck_assert_ptr_null(fake_new(mutator, type, space->limit));
  ck_assert_ptr_null(fake_new(mutator, type, LULL_SIZE_MAX));
  size_t count = 0;
  while (fake_new(mutator, type, 3 * LU_PAGE_BYTES - 1024) != NULL)
    count++;
  ck_assert_uint_eq(count, space->limit / (3 * LU_PAGE_BYTES));
  lu_fault_arm(LU_FAULT_LARGE, 1, false);
  fake_sweep(heap, LU_MAP_A, 2);
  ck_assert_ptr_null(fake_new(mutator, type, LU_SMALL_MAX + 8));
  lu_fault_clear();
  ck_assert(fake_new(mutator, type, LU_SMALL_MAX + 8) != NULL);
  end();
}
END_TEST

START_TEST(a_full_range_refuses_and_recovers) {
  begin(16 << 20);
  /* Take every slab, so that memory within the limit finds no addresses. */
  lu_lock(&space->lock);
  struct lu_slab *all = lu_space_take_slabs(space, space->slab_count, LU_SLAB_SPAN);
  lu_unlock(&space->lock);
  ck_assert(all != NULL);
  ck_assert_ptr_null(fake_new(mutator, type, 10000));
  ck_assert_ptr_null(fake_new(mutator, type, 5 << 20));
  ck_assert_ptr_null(fake_new(mutator, type, 16));
  ck_assert_uint_eq(atomic_load(&space->used), 0);
  lu_space_give_slabs(space, all, space->slab_count);
  ck_assert(fake_new(mutator, type, 10000) != NULL);
  ck_assert(fake_new(mutator, type, 5 << 20) != NULL);
  ck_assert(fake_new(mutator, type, 16) != NULL);
  end();
}
END_TEST

/* Slots of objects that come and go; each holds a pattern that nothing else may disturb. */
struct slots {
  struct bytes *object[64];
};

static bool holds(const struct bytes *object, unsigned char pattern) {
  return object->data[0] == pattern &&
         memcmp(object->data, object->data + 1, object->length - 1) == 0;
}

/* Marks what the slots hold, sweeps, and swaps the maps. */
static void sweep_slots(struct slots *slots, unsigned *map, uint32_t cycle) {
  size_t live = 0;
  for (size_t i = 0; i < COUNT_OF(slots->object); i++) {
    if (slots->object[i] != NULL) {
      fake_mark(heap, slots->object[i], *map);
      live++;
    }
  }
  struct lu_sweep sweep = fake_sweep(heap, *map, cycle);
  ck_assert_uint_eq(sweep.large_live, live);
  *map ^= 1;
  ck_assert(fake_map_is_clear(heap, *map));
  for (size_t i = 0; i < COUNT_OF(slots->object); i++)
    if (slots->object[i] != NULL)
      ck_assert(holds(slots->object[i], (unsigned char)(i + 1)));
}

START_TEST(random_runs_do_not_overlap) {
  struct slots slots = {{0}};
  uint64_t random = (uint64_t)_i;
  unsigned map = LU_MAP_A;
  begin(48 << 20);
  heap->settings.stress_scribble = _i == 1;
  space->return_memory = _i != 2;
  for (uint32_t cycle = 1; cycle <= 60; cycle++) {
    for (int i = 0; i < 20; i++) {
      size_t at = lu_random_scale(lu_random_step(&random), COUNT_OF(slots.object));
      size_t most = (size_t)1 << (14 + lu_random_scale(lu_random_step(&random), 9));
      size_t size =
          LU_SMALL_MAX + 8 + (lu_random_scale(lu_random_step(&random), most) & ~(uint64_t)7);
      slots.object[at] = fake_new(mutator, type, size);
      if (slots.object[at] != NULL)
        memset(slots.object[at]->data, (int)(at + 1), slots.object[at]->length);
    }
    sweep_slots(&slots, &map, cycle);
    fake_check_space(space);
  }
  memset(&slots, 0, sizeof slots);
  sweep_slots(&slots, &map, 61);
  ck_assert_uint_eq(atomic_load(&space->used), 0);
  for (size_t i = 0; i < space->slab_count; i++)
    ck_assert_uint_eq(atomic_load(&space->slabs[i].kind), LU_SLAB_UNUSED);
  end();
}
END_TEST

START_TEST(a_freed_run_is_used_again) {
  begin(8 << 20);
  struct bytes *object[100];
  for (size_t i = 0; i < COUNT_OF(object); i++)
    object[i] = fake_new(mutator, type, 12000);
  char *slab = lu_slab_start(object[0]);
  for (size_t i = 0; i < COUNT_OF(object); i++)
    if (i != 40 && i != 41)
      fake_mark(heap, object[i], LU_MAP_A);
  fake_sweep(heap, LU_MAP_A, 1);
  ck_assert_ptr_eq(fake_new(mutator, type, 20000), object[40]);
  ck_assert_ptr_eq(lu_slab_start(fake_new(mutator, type, 12000)), slab);
  end();
}
END_TEST

START_TEST(a_slab_known_to_be_full_is_used_again) {
  begin(16 << 20);
  struct bytes *object[100];
  size_t count = 0;
  /* The third slab shows that the second had been searched for the last time in vain, and the
   * first. */
  for (char *slab = NULL; count < COUNT_OF(object); count++) {
    object[count] = fake_new(mutator, type, 1000000);
    slab = slab == NULL ? lu_slab_start(object[count]) : slab;
    if (lu_slab_start(object[count]) >= slab + 2 * LU_SLAB_BYTES)
      break;
  }
  ck_assert_uint_lt(count, COUNT_OF(object));
  for (size_t i = 1; i <= count; i++)
    fake_mark(heap, object[i], LU_MAP_A);
  fake_sweep(heap, LU_MAP_A, 1);
  ck_assert_ptr_eq(fake_new(mutator, type, 1000000), object[0]);
  end();
}
END_TEST

START_TEST(objects_born_live_stay_and_are_young_afterwards) {
  begin(8 << 20);
  struct bytes *born = fake_new(mutator, type, 10000), *dead = fake_new(mutator, type, 10000);
  struct bytes *old = fake_new(mutator, type, 10000);
  (void)dead;
  lu_large_of(born)->live_cycle = 5;
  fake_mark(heap, born, LU_MAP_B);
  fake_mark(heap, old, LU_MAP_B);
  fake_mark(heap, old, LU_MAP_A);
  struct lu_sweep sweep = fake_sweep(heap, LU_MAP_B, 5);
  ck_assert_uint_eq(sweep.large_live, 2);
  ck_assert_uint_eq(sweep.large_freed, 1);
  ck_assert_uint_eq(sweep.live_bytes, 10000);
  ck_assert(fake_map_is_clear(heap, LU_MAP_A));
  lu_sweep_clear_births(&sweep);
  ck_assert(!lu_is_marked(born, LU_MAP_B));
  ck_assert(lu_is_marked(old, LU_MAP_B));
  end();
}
END_TEST

static void come_and_go(void *arg, unsigned index) {
  struct lu_mutator *own = fake_mutator(heap);
  uint64_t random = index;
  struct lu_large *held[8] = {0};
  (void)arg;
  for (int i = 0; i < 3000; i++) {
    size_t at = lu_random_scale(lu_random_step(&random), COUNT_OF(held));
    if (held[at] != NULL) {
      unsigned char *object = lu_large_object(held[at]);
      for (size_t j = 0; j < held[at]->size; j += 4096)
        REQUIRE(object[j] == index + 1);
      lu_large_free(space, held[at]);
      held[at] = NULL;
      continue;
    }
    size_t size =
        LU_SMALL_MAX + 8 +
        (lu_random_scale(lu_random_step(&random), i % 50 == 0 ? 5 << 20 : 100000) & ~(uint64_t)7);
    held[at] = lu_large_allocate(own, size, own->heap->space.card_shift);
    if (held[at] == NULL)
      continue;
    unsigned char *object = lu_large_object(held[at]);
    for (size_t j = 0; j < size; j += 4096) {
      REQUIRE(object[j] == 0);
      object[j] = (unsigned char)(index + 1);
    }
  }
  for (size_t i = 0; i < COUNT_OF(held); i++)
    if (held[i] != NULL)
      lu_large_free(space, held[i]);
  fake_mutator_end(own);
}

START_TEST(threads_share_no_run) {
  begin(24 << 20);
  fake_threads(6, come_and_go, NULL);
  ck_assert_uint_eq(atomic_load(&space->used), 0);
  ck_assert_uint_eq(atomic_load(&space->committed), 0);
  end();
}
END_TEST

/* Thread 0 sweeps while the others publish objects that are born live. */
static _Atomic unsigned publishing, marked;

static void publish_beside_a_sweep(void *arg, unsigned index) {
  (void)arg;
  if (index == 0) {
    uint32_t cycle = 2;
    while (atomic_load(&publishing) != 0)
      fake_sweep(heap, LU_MAP_A, cycle++);
    return;
  }
  struct lu_mutator *own = fake_mutator(heap);
  for (int i = 0; i < 2000; i++) {
    struct lu_large *large = lu_large_allocate(own, LU_SMALL_MAX + 8, own->heap->space.card_shift);
    if (large == NULL)
      continue;
    struct bytes *object = lu_large_object(large);
    object->header.type_word = type;
    object->length = large->size - sizeof *object;
    if (i % 100 == 0) {
      fake_mark(heap, object, LU_MAP_A);
      atomic_fetch_add(&marked, 1);
    }
    lu_large_publish(space, large);
  }
  fake_mutator_end(own);
  atomic_fetch_sub(&publishing, 1);
}

START_TEST(the_sweep_filters_a_list_that_grows) {
  begin(32 << 20);
  atomic_store(&publishing, 4);
  fake_threads(5, publish_beside_a_sweep, NULL);
  struct lu_sweep sweep = fake_sweep(heap, LU_MAP_A, 1000000);
  ck_assert_uint_gt(marked, 0);
  ck_assert_uint_eq(sweep.large_live, marked);
  ck_assert_uint_eq(atomic_load(&space->used), marked * 3 * LU_PAGE_BYTES);
  end();
}
END_TEST

/* Publishes two objects that are marked, whenever the sweep has freed one. */
static void publish_two(void *context) {
  size_t *published = context;
  for (int i = 0; i < 2; i++, ++*published)
    fake_mark(heap, fake_new(mutator, type, LU_SMALL_MAX + 8), LU_MAP_A);
}

START_TEST(what_is_pushed_during_the_walk_stays) {
  size_t published = 0;
  begin(32 << 20);
  /* All die; the first of the list is taken off last, from behind what came meanwhile. */
  for (int i = 0; i < _i; i++)
    ck_assert(fake_new(mutator, type, LU_SMALL_MAX + 8) != NULL);
  struct lu_sweep sweep = {.space = space,
                           .mark_map = LU_MAP_A,
                           .cycle = 1,
                           .progress = publish_two,
                           .context = &published};
  lu_sweep(&sweep);
  ck_assert_uint_eq(sweep.large_freed, (size_t)_i);
  ck_assert_uint_eq(published, 2 * (size_t)_i);
  fake_check_space(space);
  sweep = fake_sweep(heap, LU_MAP_A, 2);
  ck_assert_uint_eq(sweep.large_live, published);
  ck_assert_uint_eq(sweep.large_freed, 0);
  end();
}
END_TEST

int main(void) {
  Suite *suite = new_suite("large");
  TCase *tcase = tcase_create("large");
  /* Cards of 64 bytes to 8 KB. */
  tcase_add_loop_test(tcase, every_size_has_its_layout_and_comes_back_zero, 0, 8);
  tcase_add_test(tcase, blocks_find_zero_memory_where_runs_have_been);
  tcase_add_loop_test(tcase, the_limit_is_exact, 0, 8);
  tcase_add_test(tcase, a_full_range_refuses_and_recovers);
  tcase_add_loop_test(tcase, random_runs_do_not_overlap, 0, 4);
  tcase_add_test(tcase, a_freed_run_is_used_again);
  tcase_add_test(tcase, a_slab_known_to_be_full_is_used_again);
  tcase_add_test(tcase, objects_born_live_stay_and_are_young_afterwards);
  tcase_add_test(tcase, threads_share_no_run);
  tcase_add_test(tcase, the_sweep_filters_a_list_that_grows);
  tcase_add_loop_test(tcase, what_is_pushed_during_the_walk_stays, 1, 4);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
