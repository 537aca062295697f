/*
 * test_stats.c: what the figures say of kinds of cycles, of survivors and of promotion, against
 * programs that know how much of theirs survives.
 */
#include "tests/minor.h"

#define YOUNG ((size_t)1 << 20) /* allocation between two cycles */
#define CELLS (YOUNG / sizeof(struct cell))

static lull_heap *heap;
static lull_thread *thread;
static lull_type cells, vectors;
static struct cell *kept; /* a root */

static void begin_with(const char *options) {
  heap = heap_with(options);
  thread = attach(heap);
  cells = cell_type(heap);
  vectors = vector_type(heap);
  kept = NULL;
  ck_assert_int_eq(lull_thread_range_add(thread, &kept, 1), LULL_OK);
}

/* Cycles run when the test says so. */
static void begin(const char *more) {
  char options[200];
  snprintf(options, sizeof options, "heap.max=64M,gc.mode=stw,gc.every=1G,stress.epoch_bits=15,%s",
           more);
  begin_with(options);
}

/*
 * Allocates `minors` times as much as is young, in cells of which `percent` live until `length`
 * more are to, and has each part collected by a minor.
 */
static void churn(unsigned minors, unsigned percent, size_t length) {
  struct vector *window = NULL;
  LULL_ROOTS(thread, window);
  window = (struct vector *)lull_new_array(thread, vectors, length);
  for (size_t i = 0, at = 0; i < minors * CELLS; i++) {
    struct cell *cell = (struct cell *)lull_new(thread, cells);
    EXPECT(cell != NULL);
    if (i / 20 * 20 % 100 < percent)
      lull_store(thread, window, &window->item[at++ % length], cell);
    if (i % CELLS == CELLS - 1)
      collect_minor(heap, thread);
  }
}

/* What holds of any heap. */
static lull_stats checked_stats(void) {
  lull_stats stats = stats_of(heap);
  ck_assert_uint_eq(stats.cycles, stats.cycles_minor + stats.cycles_major);
  ck_assert_uint_eq(stats.minor.count, stats.cycles_minor);
  ck_assert_uint_eq(stats.major.count, stats.cycles_major);
  ck_assert_uint_eq(stats.minor.sum + stats.major.sum, stats.cycle.sum);
  ck_assert_uint_le(stats.survival.count, stats.cycles_minor);
  ck_assert_uint_le(stats.survival.max, 100);
  ck_assert_uint_le(stats.promotion_age.max, 7);
  ck_assert_uint_le(stats.bytes_survived, stats.bytes_allocated);
  ck_assert_uint_le(stats.bytes_promoted, stats.bytes_allocated);
  ck_assert(stats.cycles_minor == 0 || stats.cpu_minor > 0);
  ck_assert(stats.cycles_major == 0 || stats.cpu_major > 0);
  return stats;
}

static void end(void) { end_heap(heap, thread); }

START_TEST(a_heap_without_cycles) {
  begin("gc.promote=1");
  lull_stats stats = checked_stats();
  ck_assert_uint_eq(stats.cycles, 0);
  ck_assert_uint_eq(stats.bytes_survived, 0);
  ck_assert_uint_eq(stats.survival.count + stats.promotion_age.count, 0);
  ck_assert_uint_eq(stats.cpu_minor + stats.cpu_major, 0);
  ck_assert_int_eq(lull_collect(thread), LULL_OK);
  stats = checked_stats();
  ck_assert_uint_eq(stats.cycles_major, 1);
  ck_assert_uint_eq(stats.cycles_minor, 0);
  end();
}
END_TEST

/* Of each hundred cells 0, 20, .. 100 live for long enough to be found by the next cycle. */
START_TEST(survival) {
  unsigned percent = (unsigned)_i * 20;
  begin("gc.promote=1");
  churn(10, percent, CELLS);
  lull_stats stats = checked_stats();
  ck_assert_uint_eq(stats.cycles_minor, 10);
  ck_assert_uint_eq(stats.survival.count, 10);
  uint64_t median = lull_histogram_quantile(&stats.survival, 0.5);
  ck_assert_msg(median + 15 >= percent && median <= percent + 15, "%u of 100 live, %llu survive",
                percent, (unsigned long long)median);
  double share = (double)stats.bytes_survived * 100 / (double)stats.bytes_allocated;
  ck_assert_msg(share + 15 >= percent && share <= percent + 15, "%u of 100 live, %f survive",
                percent, share);
  /* With one cycle to survive, whatever survives is promoted, at the age of one. */
  ck_assert_uint_eq(stats.bytes_promoted, stats.bytes_survived);
  ck_assert_uint_eq(stats.promotion_age.sum, stats.promotion_age.count);
  size_t array = sizeof(struct vector) + CELLS * sizeof(void *);
  size_t bytes = (stats.promotion_age.count - 1) * sizeof(struct cell) + array;
  ck_assert_uint_le(stats.bytes_promoted, bytes);
  ck_assert_uint_ge(stats.bytes_promoted, bytes - bytes / 8);
  end();
}
END_TEST

/* Cells that live through one cycle or two, but not through four, are not promoted; a few that stay
 * are, at that age. */
START_TEST(promotion) {
  begin("gc.promote=4");
  kept = make_list(thread, cells, 1000, 0);
  churn(3, 40, CELLS / 2);
  lull_stats stats = checked_stats();
  ck_assert_uint_gt(stats.bytes_survived, YOUNG / 2);
  ck_assert_uint_eq(stats.bytes_promoted, 0);
  churn(9, 40, CELLS / 2);
  stats = checked_stats();
  ck_assert_uint_eq(stats.cycles_minor, 12);
  ck_assert_uint_gt(stats.bytes_survived, 3 * YOUNG);
  /* The list, and the array of the second round. */
  ck_assert_uint_eq(stats.promotion_age.count, 1001);
  ck_assert_uint_eq(stats.promotion_age.max, 4);
  ck_assert_uint_eq(stats.promotion_age.bucket[4], 1001);
  ck_assert_uint_eq(stats.bytes_promoted,
                    1000 * sizeof(struct cell) + sizeof(struct vector) + CELLS / 2 * 8 / 8 * 8);
  check_list(kept, 1000, 0);
  end();
}
END_TEST

/* A major promotes what it marks, whatever its age; it is no minor, so no age is counted. */
START_TEST(promotion_by_a_major) {
  begin("gc.promote=4");
  kept = make_list(thread, cells, 1000, 0);
  ck_assert_uint_eq(stats_of(heap).bytes_promoted, 0);
  ck_assert_int_eq(lull_collect(thread), LULL_OK);
  lull_stats stats = checked_stats();
  ck_assert_uint_eq(stats.bytes_promoted, 1000 * sizeof(struct cell));
  ck_assert_uint_eq(stats.promotion_age.count, 0);
  ck_assert_int_eq(lull_collect(thread), LULL_OK);
  ck_assert_uint_eq(checked_stats().bytes_promoted, 1000 * sizeof(struct cell));
  end();
}
END_TEST

static void allocate(size_t n) {
  for (size_t i = 0; i < n; i++) {
    struct cell *list = make_list(thread, cells, 100, 0);
    if (i % 10 == 0)
      kept = list;
  }
}

START_TEST(without_generations) {
  begin_with("heap.max=64M,gc.mode=stw,gc.every=1M,gc.generational=false");
  allocate(10 * CELLS / 100);
  lull_stats stats = checked_stats();
  ck_assert_uint_ge(stats.cycles_major, 5);
  ck_assert_uint_eq(stats.cycles_minor, 0);
  ck_assert_uint_eq(stats.survival.count, 0);
  end();
}
END_TEST

START_TEST(beside_the_program) {
  begin_with(_i == 0 ? "heap.max=64M,gc.every=1M" : "heap.max=64M,gc.every=1M,gc.promote=3");
  allocate(20 * CELLS / 100);
  kept = make_list(thread, cells, 10000, 0);
  for (int i = 0; i < 5; i++)
    collect_some(heap, thread);
  lull_stats stats = checked_stats();
  ck_assert_uint_ge(stats.cycles_minor, 2);
  /* But for what stands in the block that the thread still holds, which no sweep has looked at. */
  size_t swept = 10000 * sizeof(struct cell) - LU_BLOCK_BYTES;
  ck_assert_uint_ge(stats.bytes_survived, swept);
  ck_assert_uint_ge(stats.bytes_promoted, swept);
  end();
}
END_TEST

int main(void) {
  Suite *suite = new_suite("stats");
  TCase *tcase = tcase_create("generations");
  tcase_add_test(tcase, a_heap_without_cycles);
  tcase_add_loop_test(tcase, survival, 0, 6);
  tcase_add_test(tcase, promotion);
  tcase_add_test(tcase, promotion_by_a_major);
  tcase_add_test(tcase, without_generations);
  tcase_add_loop_test(tcase, beside_the_program, 0, 2);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
