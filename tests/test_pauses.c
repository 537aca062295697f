/*
 * test_pauses.c: what benchmarks compute of a thread's pauses, against cases worked out by hand and
 * against all windows tried one by one; and their buckets, which are to be the library's.
 */
#include <stdlib.h>

#include "bench/common/measure.h"
#include "bench/common/pauses.h"
#include "stress/common/figures.h"
#include "stress/common/random.h"
#include "tests/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

START_TEST(no_pause_takes_nothing) {
  ck_assert_uint_eq(pauses_worst(NULL, 0, 100), 0);
  ck_assert_double_eq(pauses_utilization(NULL, 0, 100), 1.0);
}
END_TEST

START_TEST(one_pause_counts_as_far_as_the_window_reaches) {
  static const struct measure_pause one[] = {{1000, 30}};
  ck_assert_uint_eq(pauses_worst(one, 1, 100), 30);
  ck_assert_uint_eq(pauses_worst(one, 1, 30), 30);
  ck_assert_uint_eq(pauses_worst(one, 1, 29), 29);
  ck_assert_uint_eq(pauses_worst(one, 1, 1), 1);
  ck_assert_double_eq(pauses_utilization(one, 1, 100), 0.7);
  ck_assert_double_eq(pauses_utilization(one, 1, 20), 0.0);
}
END_TEST

/* At 0, 50 and 100: two in full fit 60 only just, and 110 holds all three. */
START_TEST(equal_pauses_at_equal_distances) {
  static const struct measure_pause three[] = {{0, 10}, {50, 10}, {100, 10}};
  ck_assert_uint_eq(pauses_worst(three, 3, 10), 10);
  ck_assert_uint_eq(pauses_worst(three, 3, 50), 10);
  ck_assert_uint_eq(pauses_worst(three, 3, 55), 15);
  ck_assert_uint_eq(pauses_worst(three, 3, 60), 20);
  ck_assert_uint_eq(pauses_worst(three, 3, 100), 20);
  ck_assert_uint_eq(pauses_worst(three, 3, 105), 25);
  ck_assert_uint_eq(pauses_worst(three, 3, 110), 30);
  ck_assert_uint_eq(pauses_worst(three, 3, 1000), 30);
  ck_assert_double_eq(pauses_utilization(three, 3, 100), 0.8);
}
END_TEST

START_TEST(unequal_pauses) {
  static const struct measure_pause rising[] = {{100, 20}, {130, 40}, {200, 70}};
  ck_assert_uint_eq(pauses_worst(rising, 3, 40), 40);
  ck_assert_uint_eq(pauses_worst(rising, 3, 70), 70);   /* [200, 270], or [100, 170]: 60 */
  ck_assert_uint_eq(pauses_worst(rising, 3, 140), 110); /* [130, 270] */
  ck_assert_uint_eq(pauses_worst(rising, 3, 155), 115); /* [100, 255]: 20, 40, 55 */
  static const struct measure_pause falling[] = {{100, 40}, {170, 10}, {185, 50}};
  ck_assert_uint_eq(pauses_worst(falling, 3, 70), 60); /* [170, 240]: 10 and 50 */
  ck_assert_uint_eq(pauses_worst(falling, 3, 120), 85); /* [100, 220]: 40, 10, 35 */
}
END_TEST

/* Pauses that touch are one. */
START_TEST(adjacent_pauses_add_up) {
  static const struct measure_pause touching[] = {{10, 5}, {15, 5}, {20, 5}, {100, 7}};
  ck_assert_uint_eq(pauses_worst(touching, 4, 15), 15);
  ck_assert_uint_eq(pauses_worst(touching, 4, 12), 12);
  ck_assert_uint_eq(pauses_worst(touching, 4, 97), 22);
  ck_assert_uint_eq(pauses_worst(touching, 4, 90), 15);
}
END_TEST

/* The share of [begin, begin + window] that pauses cover. */
static uint64_t covered(const struct measure_pause *pauses, size_t count, uint64_t begin,
                        uint64_t window) {
  uint64_t sum = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t from = pauses[i].began, to = from + pauses[i].length, end = begin + window;
    from = from < begin ? begin : from;
    to = to > end ? end : to;
    sum += to > from ? to - from : 0;
  }
  return sum;
}

START_TEST(random_pauses_as_all_windows_say) {
  enum { ROUNDS = 300, MOST = 12, START = 200 };
  for (unsigned round = 0; round < ROUNDS; round++) {
    struct random random = random_seeded(1, round);
    struct measure_pause pauses[MOST];
    size_t count = 1 + random_below(&random, MOST);
    uint64_t now = START, window = 1 + random_below(&random, 120), worst = 0;
    for (size_t i = 0; i < count; i++) {
      now += random_below(&random, 40);
      pauses[i] = (struct measure_pause){now, 1 + random_below(&random, 30)};
      now += pauses[i].length;
    }
    for (uint64_t begin = 0; begin <= now; begin++) {
      uint64_t here = covered(pauses, count, begin, window);
      worst = here > worst ? here : worst;
    }
    ck_assert_uint_eq(pauses_worst(pauses, count, window), worst);
  }
}
END_TEST

START_TEST(buckets_are_those_of_the_library) {
  for (unsigned bucket = 0; bucket < LULL_BUCKETS; bucket++) {
    uint64_t bounds[] = {lull_bucket_low(bucket), lull_bucket_low(bucket + 1) - 1};
    for (size_t i = 0; i < COUNT(bounds); i++) {
      lull_histogram times = {0};
      measure_record(&times, bounds[i]);
      ck_assert_uint_eq(times.bucket[bucket], 1);
    }
  }
}
END_TEST

START_TEST(merging_adds_up) {
  lull_histogram to = {0}, from = {0};
  measure_record(&to, 10);
  measure_record(&from, 10);
  measure_record(&from, 5000);
  figures_merge(&to, &from);
  ck_assert_uint_eq(to.count, 3);
  ck_assert_uint_eq(to.sum, 5020);
  ck_assert_uint_eq(to.max, 5000);
  ck_assert_uint_eq(lull_histogram_quantile(&to, 0.5), 10);
  ck_assert_uint_eq(lull_histogram_quantile(&to, 1), 5000);
}
END_TEST

int main(void) {
  Suite *suite = new_suite("pauses");
  TCase *tcase = tcase_create("pauses");
  tcase_add_test(tcase, no_pause_takes_nothing);
  tcase_add_test(tcase, one_pause_counts_as_far_as_the_window_reaches);
  tcase_add_test(tcase, equal_pauses_at_equal_distances);
  tcase_add_test(tcase, unequal_pauses);
  tcase_add_test(tcase, adjacent_pauses_add_up);
  tcase_add_test(tcase, random_pauses_as_all_windows_say);
  suite_add_tcase(suite, tcase);
  tcase = tcase_create("histograms");
  tcase_add_test(tcase, buckets_are_those_of_the_library);
  tcase_add_test(tcase, merging_adds_up);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
