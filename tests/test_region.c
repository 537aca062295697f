/*
 * test_region.c: allocation in holes: zeroed, disjoint, parsable; overflow, splits, orphans,
 * exhaustion.
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

/* Objects with a pattern of their own, in order of allocation. */
struct shadow {
  struct bytes *object[65536];
  size_t count;
};

static unsigned char pattern_of(const struct bytes *object) {
  return (unsigned char)((uintptr_t)object * 0x9e3779b97f4a7c15u >> 56 | 1);
}

static struct bytes *allocate(struct shadow *shadow, size_t size) {
  struct bytes *object = fake_new(mutator, type, size);
  if (object == NULL)
    return NULL;
  memset(object->data, pattern_of(object), object->length);
  ck_assert_uint_lt(shadow->count, COUNT_OF(shadow->object));
  shadow->object[shadow->count++] = object;
  return object;
}

static void check_patterns(const struct shadow *shadow) {
  for (size_t i = 0; i < shadow->count; i++) {
    const struct bytes *object = shadow->object[i];
    ck_assert_uint_eq(object->header.type_word, type);
    for (size_t j = 0; j < object->length; j++)
      if (object->data[j] != pattern_of(object))
        ck_abort_msg("object %zu is damaged at byte %zu", i, j);
  }
}

static int by_address(const void *a, const void *b) {
  const struct bytes *const *left = a, *const *right = b;
  return *left < *right ? -1 : *left > *right;
}

static void collect_object(void *object, void *arg) {
  struct shadow *found = arg;
  found->object[found->count++] = object;
}

/* Parses every block; the objects that it finds must be exactly those of the shadow. */
static void check_parse(struct shadow *shadow) {
  struct shadow *found = calloc(1, sizeof *found);
  for (size_t i = 0; i < atomic_load(&space->slabs_high); i++)
    for (size_t j = 0; j < LU_SLAB_BLOCKS; j++)
      lu_block_each_object(heap, &space->blocks[i * LU_SLAB_BLOCKS + j], collect_object, found);
  qsort(shadow->object, shadow->count, sizeof(struct bytes *), by_address);
  ck_assert_uint_eq(found->count, shadow->count);
  for (size_t i = 0; i < found->count; i++)
    ck_assert_ptr_eq(found->object[i], shadow->object[i]);
  free(found);
}

/* Marks each object with a chance of n in 100, sweeps, and forgets the others. */
static void collect(struct shadow *shadow, uint64_t *random, unsigned percent) {
  static uint32_t cycle;
  static unsigned map;
  size_t kept = 0;
  for (size_t i = 0; i < shadow->count; i++) {
    if (lu_random_scale(lu_random_step(random), 100) < percent) {
      fake_mark(heap, shadow->object[i], map);
      shadow->object[kept++] = shadow->object[i];
    }
  }
  shadow->count = kept;
  lu_region_abandon(mutator);
  fake_sweep(heap, map, ++cycle);
  map ^= 1;
  ck_assert(fake_map_is_clear(heap, map));
}

static struct shadow *shadow_new(void) {
  struct shadow *shadow = calloc(1, sizeof *shadow);
  ck_assert(shadow != NULL);
  return shadow;
}

static bool is_free(const lu_map_word *words, uint32_t i) {
  return !(lu_map_load(&words[i / 64]) >> (i % 64) & 1);
}

/* The hole search, a granule at a time. */
static bool find_slowly(const lu_map_word *words, uint32_t from, uint32_t least,
                        struct lu_hole *hole) {
  for (uint32_t i = from, start = from; i <= LU_BLOCK_GRANULES; i++) {
    if (i < LU_BLOCK_GRANULES && is_free(words, i))
      continue;
    if (i - start >= least) {
      *hole = (struct lu_hole){start, i};
      return true;
    }
    start = i + 1;
  }
  return false;
}

/* Runs of set and clear bits, up to so many long. */
static void random_words(lu_map_word *words, uint64_t *random, uint64_t set_most,
                         uint64_t clear_most) {
  memset((void *)words, 0, LU_BLOCK_WORDS * sizeof *words);
  for (uint32_t i = 0; i < LU_BLOCK_GRANULES;) {
    uint32_t set = (uint32_t)lu_random_scale(lu_random_step(random), set_most + 1);
    for (; set > 0 && i < LU_BLOCK_GRANULES; set--, i++)
      atomic_fetch_or(&words[i / 64], (uint64_t)1 << (i % 64));
    i += 1 + (uint32_t)lu_random_scale(lu_random_step(random), clear_most);
  }
}

START_TEST(holes_are_found_as_by_hand) {
  static lu_map_word words[LU_BLOCK_WORDS];
  static const uint64_t most[][2] = {{3, 12},      {40, 40}, {200, 17}, {5, 300},
                                     {9000, 9000}, {0, 20},  {20, 7}};
  uint64_t random = 1;
  for (int round = 0; round < 300; round++) {
    const uint64_t *shape = most[(size_t)round % COUNT_OF(most)];
    random_words(words, &random, shape[0], shape[1]);
    for (int i = 0; i < 50; i++) {
      uint32_t from = (uint32_t)lu_random_scale(lu_random_step(&random), LU_BLOCK_GRANULES + 1);
      uint32_t least =
          1 + (uint32_t)lu_random_scale(lu_random_step(&random), i % 2 == 0 ? 20 : 400);
      struct lu_hole expected = {0, 0}, found = {0, 0};
      bool there = find_slowly(words, from, least, &expected);
      ck_assert_int_eq(lu_hole_find(words, from, least, &found), there);
      ck_assert_uint_eq(found.start, expected.start);
      ck_assert_uint_eq(found.end, expected.end);
    }
    for (int i = 0; i < 20; i++) {
      static const uint32_t leasts[] = {16, 8, 1, 10, 20, 100};
      uint32_t from =
          i == 0 ? 0 : (uint32_t)lu_random_scale(lu_random_step(&random), LU_BLOCK_GRANULES + 1);
      uint32_t least = leasts[(size_t)i % COUNT_OF(leasts)], largest, sum = 0, longest = 0;
      struct lu_hole hole;
      for (uint32_t at = from; find_slowly(words, at, least, &hole); at = hole.end) {
        sum += hole.end - hole.start;
        longest = hole.end - hole.start > longest ? hole.end - hole.start : longest;
      }
      ck_assert_uint_eq(lu_holes_sum(words, from, least, &largest), sum);
      ck_assert_uint_eq(largest, longest);
    }
  }
}
END_TEST

START_TEST(objects_follow_each_other_in_a_fresh_block) {
  begin(4 << 20);
  struct bytes *before = fake_new(mutator, type, 24);
  for (size_t used = 24; used + 24 <= LU_BLOCK_BYTES; used += 24) {
    struct bytes *next = fake_new(mutator, type, 24);
    ck_assert_ptr_eq(next, (char *)before + 24);
    ck_assert(mutator->thread.pub.limit <= mutator->small.hole_end);
    before = next;
  }
  ck_assert_ptr_ne(lu_block_of(space, fake_new(mutator, type, 24)), lu_block_of(space, before));
  ck_assert_uint_eq(atomic_load(&lu_block_of(space, before)->state), LU_BLOCK_RETIRED);
  ck_assert_uint_eq(mutator->handed_out, 2 * LU_BLOCK_BYTES);
  end();
}
END_TEST

/* Over memory that was used before, as far as it goes; then the whole slow path takes over. */
START_TEST(a_long_hole_is_extended_by_itself) {
  struct shadow *shadow = shadow_new();
  uint64_t random = 3;
  begin(4 << 20);
  while (shadow->count < 2000)
    ck_assert(allocate(shadow, 64) != NULL);
  collect(shadow, &random, 0);
  ck_assert_ptr_null(lu_region_extend(mutator, 64));
  char *first = (char *)allocate(shadow, 64);
  ck_assert(!atomic_load(&lu_block_of(space, first)->clean));
  unsigned extended = 0;
  for (char *next;; extended++) {
    ck_assert_ptr_null(lu_region_extend(mutator, 64));
    mutator->thread.pub.bump = mutator->thread.pub.limit;
    if ((next = lu_region_extend(mutator, 64)) == NULL)
      break;
    for (char *p = next; p < mutator->thread.pub.limit; p++)
      ck_assert_int_eq(*p, 0);
    ck_assert(mutator->thread.pub.limit <= mutator->small.hole_end);
  }
  ck_assert_uint_eq(extended, LU_BLOCK_BYTES / 4096 - 2);
  free(shadow);
  end();
}
END_TEST

/* Sizes from the smallest to the largest small object, most of them small. */
static size_t random_size(uint64_t *random) {
  uint64_t choice = lu_random_scale(lu_random_step(random), 100);
  uint64_t most = choice < 80 ? 64 : choice < 97 ? LU_MEDIUM + 64 : LU_SMALL_MAX;
  return sizeof(struct bytes) +
         (lu_random_scale(lu_random_step(random), most - sizeof(struct bytes) + 8) & ~(uint64_t)7);
}

/* The loop variable is the share that survives, in percent; an odd one also limits regions. */
START_TEST(blocks_can_be_parsed_after_random_allocation) {
  struct shadow *shadow = shadow_new();
  uint64_t random = (uint64_t)_i;
  begin(3 << 20);
  heap->settings.stress_region = _i % 2 == 0 ? 0 : 40;
  heap->settings.stress_scribble = _i % 3 != 0;
  for (int round = 0; round < 12; round++) {
    for (int i = 0; i < 6000 && allocate(shadow, random_size(&random)) != NULL; i++)
      ;
    lu_region_publish(mutator);
    fake_check_space(space);
    check_patterns(shadow);
    check_parse(shadow);
    collect(shadow, &random, (unsigned)_i);
    check_patterns(shadow);
    check_parse(shadow);
  }
  free(shadow);
  end();
}
END_TEST

START_TEST(an_orphan_is_continued_where_it_was_left) {
  struct shadow *shadow = shadow_new();
  uint64_t random = 5;
  begin(4 << 20);
  for (int i = 0; i < 3000; i++) {
    size_t size = random_size(&random);
    ck_assert(allocate(shadow, size) != NULL);
    if (i % 10 != 9)
      continue;
    struct lu_block *left = mutator->small.block;
    lu_region_abandon(mutator);
    ck_assert_ptr_null(mutator->thread.pub.bump);
    ck_assert_ptr_null(mutator->thread.pub.limit);
    fake_check_space(space);
    check_parse(shadow);
    if (left != NULL && atomic_load(&left->state) == LU_BLOCK_ORPHAN)
      ck_assert_uint_ge(left->free_granules * (size_t)LU_GRANULE, 1024);
  }
  lu_region_abandon(mutator);
  check_parse(shadow);
  check_patterns(shadow);
  collect(shadow, &random, 50);
  check_parse(shadow);
  free(shadow);
  end();
}
END_TEST

START_TEST(a_rest_too_short_to_be_a_hole_is_closed) {
  struct shadow *shadow = shadow_new();
  uint64_t random = 1;
  begin(4 << 20);
  /* Survivors 200 bytes apart; then a hole is left with 40 bytes, and further holes follow. */
  for (int i = 0; i < 200; i++)
    allocate(shadow, i % 2 == 0 ? 16 : 200);
  for (size_t i = 0; i < shadow->count; i += 2)
    fake_mark(heap, shadow->object[i], 0);
  lu_region_abandon(mutator);
  fake_sweep(heap, 0, 1);
  size_t kept = 0;
  for (size_t i = 0; i < shadow->count; i += 2)
    shadow->object[kept++] = shadow->object[i];
  shadow->count = kept;
  allocate(shadow, 160);
  struct lu_block *block = mutator->small.block;
  ck_assert_uint_eq(block->smallest_hole, 16);
  lu_region_abandon(mutator);
  ck_assert_uint_eq(atomic_load(&block->state), LU_BLOCK_ORPHAN);
  check_parse(shadow);
  allocate(shadow, 16);
  ck_assert_ptr_eq(mutator->small.block, block);
  lu_region_publish(mutator);
  check_parse(shadow);
  check_patterns(shadow);
  (void)random;
  free(shadow);
  end();
}
END_TEST

/* Fills all memory with objects of 1 KB and frees every second: only holes of 1 KB are free. */
static void fragment(struct shadow *shadow) {
  while (allocate(shadow, 1024) != NULL)
    ;
  for (size_t i = 0; i < shadow->count; i += 2)
    fake_mark(heap, shadow->object[i], 0);
  lu_region_abandon(mutator);
  fake_sweep(heap, 0, 1);
  size_t kept = 0;
  for (size_t i = 0; i < shadow->count; i += 2)
    shadow->object[kept++] = shadow->object[i];
  shadow->count = kept;
}

START_TEST(a_request_that_fits_no_hole_leaves_the_holes_alone) {
  struct shadow *shadow = shadow_new();
  begin(2 << 20);
  fragment(shadow);
  size_t holes = shadow->count, survivors = shadow->count;
  ck_assert_uint_eq(atomic_load(&space->waiting[LU_POOL_FREE]) * LU_BLOCK_BYTES +
                        atomic_load(&space->used),
                    61 * LU_BLOCK_BYTES);
  for (size_t i = 0; i < holes; i++) {
    ck_assert_ptr_null(lu_region_allocate(mutator, 1032));
    ck_assert_ptr_null(lu_region_allocate(mutator, LU_SMALL_MAX));
    ck_assert_msg(allocate(shadow, 1024) != NULL, "hole %zu of %zu is lost", i, holes);
  }
  ck_assert_ptr_null(allocate(shadow, 1024));
  ck_assert_uint_eq(shadow->count, 2 * survivors);
  lu_region_publish(mutator);
  check_patterns(shadow);
  check_parse(shadow);
  free(shadow);
  end();
}
END_TEST

START_TEST(the_largest_objects_fit_while_a_block_is_free) {
  begin(4 << 20);
  /* Small objects end anywhere in their block; each large one still finds a place, eight to a
   * block. */
  for (int i = 0; i < 40; i++) {
    ck_assert(fake_new(mutator, type, 504) != NULL);
    size_t used = atomic_load(&space->used);
    bool room = mutator->overflow.block != NULL &&
                mutator->overflow.hole_end - mutator->overflow.bump >= (ptrdiff_t)LU_SMALL_MAX;
    ck_assert(fake_new(mutator, type, LU_SMALL_MAX) != NULL);
    if (room)
      ck_assert_uint_eq(atomic_load(&space->used), used);
  }
  size_t objects = 0;
  while (fake_new(mutator, type, LU_SMALL_MAX) != NULL)
    objects++;
  ck_assert_uint_gt(objects, 40 * 8);
  ck_assert_uint_eq(atomic_load(&space->used), space->limit);
  end();
}
END_TEST

START_TEST(all_memory_can_be_allocated_and_comes_back) {
  begin((3 << 20) + 12345);
  size_t blocks = space->limit / LU_BLOCK_BYTES;
  for (uint32_t cycle = 1; cycle <= 5; cycle++) {
    size_t bytes = 0;
    while (fake_new(mutator, type, 64) != NULL)
      bytes += 64;
    ck_assert_uint_eq(bytes, blocks * LU_BLOCK_BYTES);
    ck_assert_uint_eq(atomic_load(&space->used), blocks * LU_BLOCK_BYTES);
    lu_region_abandon(mutator);
    struct lu_sweep sweep = fake_sweep(heap, cycle & 1, cycle);
    ck_assert_uint_eq(sweep.blocks_free, blocks);
    ck_assert_uint_eq(sweep.freed_bytes, blocks * LU_BLOCK_BYTES);
    ck_assert_uint_eq(sweep.live_bytes, 0);
    ck_assert_uint_eq(atomic_load(&space->used), 0);
  }
  end();
}
END_TEST

/* What R.3 says of a block in which births are live. */
static void check_live(const struct lu_block *block, uint32_t from, unsigned map, uint32_t cycle) {
  const char *memory = lu_block_memory(space, block);
  ck_assert_uint_eq(atomic_load(&block->live_cycle), cycle);
  ck_assert_uint_eq(atomic_load(&block->live_from), from);
  for (uint32_t i = from; i < LU_BLOCK_GRANULES; i++) {
    const char *p = memory + (size_t)i * LU_GRANULE;
    bool taken = lu_map_load(lu_map_at(p, LU_MAP_TAKEN)) & lu_map_bit(p);
    bool marked = lu_map_load(lu_map_at(p, map)) & lu_map_bit(p);
    ck_assert_int_ne(taken, marked);
  }
}

static void enter_cycle(struct lu_mutator *entering, uint32_t cycle, unsigned map) {
  entering->phase = LU_BUMPED;
  entering->cycle = cycle;
  entering->mark_map = map;
  entering->born_live = true;
  lu_region_split(entering);
}

START_TEST(births_are_live_from_the_split_on) {
  struct shadow *shadow = shadow_new();
  uint64_t random = 3;
  begin(4 << 20);
  for (int i = 0; i < 2500; i++)
    allocate(shadow, 16 + 8 * (size_t)(i % 30));
  collect(shadow, &random, 30);
  for (int i = 0; i < 20; i++)
    allocate(shadow, 24);
  const char *bump = mutator->thread.pub.bump;
  struct lu_block *block = mutator->small.block;
  enter_cycle(mutator, 9, LU_MAP_B);
  check_live(block, (uint32_t)((bump - lu_block_start(bump)) / LU_GRANULE), LU_MAP_B, 9);
  ck_assert(!(lu_map_load(lu_map_at(bump - 8, LU_MAP_B)) & lu_map_bit(bump - 8)));
  while (mutator->small.block == block)
    allocate(shadow, 24);
  check_live(mutator->small.block, 0, LU_MAP_B, 9);
  free(shadow);
  end();
}
END_TEST

START_TEST(an_orphan_keeps_where_its_births_became_live) {
  begin(4 << 20);
  struct lu_mutator *other = fake_mutator(heap);
  ck_assert(fake_new(mutator, type, 80) != NULL);
  struct lu_block *block = mutator->small.block;
  enter_cycle(mutator, 4, LU_MAP_B);
  ck_assert(fake_new(mutator, type, 80) != NULL);
  lu_region_abandon(mutator);
  ck_assert_uint_eq(atomic_load(&block->state), LU_BLOCK_ORPHAN);

  /* A thread that is still in the window of that cycle takes another block. */
  other->phase = LU_WINDOW;
  other->cycle = 3;
  ck_assert(fake_new(other, type, 80) != NULL);
  ck_assert_ptr_ne(other->small.block, block);
  struct lu_block *plain = other->small.block;
  lu_region_abandon(other);

  /* One that is past H2 goes on in both: the first keeps its edge, the second gets one at its
   * cursor. */
  other->small = (struct lu_region){0};
  enter_cycle(other, 4, LU_MAP_B);
  bool seen_block = false, seen_plain = false;
  for (int i = 0; i < 2; i++) {
    ck_assert(fake_new(other, type, 80) != NULL);
    if (other->small.block == block) {
      check_live(block, 10, LU_MAP_B, 4);
      seen_block = true;
    } else {
      ck_assert_ptr_eq(other->small.block, plain);
      check_live(plain, 10, LU_MAP_B, 4);
      seen_plain = true;
    }
    /* Used up, so that the next one is taken. */
    while (other->small.hole_end - other->thread.pub.bump >= 512)
      ck_assert(fake_new(other, type, 512) != NULL);
    while (other->small.hole_end - other->thread.pub.bump >= 80)
      ck_assert(fake_new(other, type, 80) != NULL);
  }
  ck_assert(seen_block && seen_plain);
  fake_mutator_end(other);
  end();
}
END_TEST

START_TEST(regions_can_be_kept_tiny) {
  begin(4 << 20);
  heap->settings.stress_region = 30;
  char *before = (char *)fake_new(mutator, type, 16);
  for (int i = 0; i < 10000; i++) {
    ptrdiff_t room = mutator->thread.pub.limit - mutator->thread.pub.bump;
    ck_assert(room >= 0 && room <= 30);
    char *next = (char *)fake_new(mutator, type, 16);
    ck_assert(next == before + 16 || lu_block_start(next) == next);
    before = next;
  }
  end();
}
END_TEST

START_TEST(short_holes_are_used_when_space_is_short) {
  struct shadow *shadow = shadow_new();
  begin(2 << 20);
  /* Every other object of 64 bytes survives: no hole of 128 bytes. */
  while (allocate(shadow, 64) != NULL)
    ;
  for (size_t i = 0; i < shadow->count; i += 2)
    fake_mark(heap, shadow->object[i], 0);
  lu_region_abandon(mutator);
  ck_assert_uint_eq(lu_space_smallest_hole(space), 8);
  struct lu_sweep sweep = fake_sweep(heap, 0, 1);
  ck_assert_uint_eq(sweep.blocks_full, 0);
  size_t survivors = shadow->count / 2, again = 0;
  while (fake_new(mutator, type, 64) != NULL)
    again++;
  ck_assert_uint_eq(again, survivors);
  free(shadow);
  end();
}
END_TEST

/* Threads allocate at once; each checks its own objects at the end. */
static void allocate_beside_others(void *arg, unsigned index) {
  (void)arg;
  struct lu_mutator *own = fake_mutator(heap);
  uint64_t random = index;
  struct bytes **object = calloc(20000, sizeof(struct bytes *));
  size_t count = 0;
  REQUIRE(object != NULL);
  for (; count < 20000; count++) {
    object[count] = fake_new(own, type, random_size(&random));
    if (object[count] == NULL)
      break;
    memset(object[count]->data, (int)(index + 1), object[count]->length);
    if (lu_random_scale(lu_random_step(&random), 500) == 0)
      lu_region_abandon(own);
  }
  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; j < object[i]->length; j++)
      REQUIRE(object[i]->data[j] == index + 1);
  lu_region_abandon(own);
  free(object);
  fake_mutator_end(own);
}

START_TEST(threads_share_no_memory) {
  begin(8 << 20);
  fake_threads(8, allocate_beside_others, NULL);
  ck_assert_uint_le(atomic_load(&space->used), space->limit);
  end();
}
END_TEST

int main(void) {
  Suite *suite = new_suite("region");
  TCase *tcase = tcase_create("region");
  tcase_add_test(tcase, holes_are_found_as_by_hand);
  tcase_add_test(tcase, objects_follow_each_other_in_a_fresh_block);
  tcase_add_test(tcase, a_long_hole_is_extended_by_itself);
  tcase_add_loop_test(tcase, blocks_can_be_parsed_after_random_allocation, 0, 8);
  tcase_add_loop_test(tcase, blocks_can_be_parsed_after_random_allocation, 45, 49);
  tcase_add_test(tcase, an_orphan_is_continued_where_it_was_left);
  tcase_add_test(tcase, a_rest_too_short_to_be_a_hole_is_closed);
  tcase_add_test(tcase, a_request_that_fits_no_hole_leaves_the_holes_alone);
  tcase_add_test(tcase, the_largest_objects_fit_while_a_block_is_free);
  tcase_add_test(tcase, all_memory_can_be_allocated_and_comes_back);
  tcase_add_test(tcase, births_are_live_from_the_split_on);
  tcase_add_test(tcase, an_orphan_keeps_where_its_births_became_live);
  tcase_add_test(tcase, regions_can_be_kept_tiny);
  tcase_add_test(tcase, short_holes_are_used_when_space_is_short);
  tcase_add_test(tcase, threads_share_no_memory);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
