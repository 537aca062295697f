/*
 * test_histogram.c: buckets, quantiles against a sorted array, several writers, and how counters
 * become lull_stats.
 */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "observe/counters.h"
#include "support/random.h"
#include "support/tool.h"
#include "tests/suite.h"
#include <lull/heap.h>

enum { THREADS = 4, ROUNDS = LU_TSAN ? 5000 : 50000 };

START_TEST(buckets_join_without_gap) {
  ck_assert_uint_eq(lull_bucket_low(0), 0);
  for (unsigned b = 0; b + 1 < LULL_BUCKETS; b++) {
    uint64_t low = lull_bucket_low(b), next = lull_bucket_low(b + 1);
    ck_assert_uint_lt(low, next);
    ck_assert_uint_eq(lu_bucket_of(low), b);
    ck_assert_uint_eq(lu_bucket_of(next - 1), b);
    ck_assert_uint_le((next - low - 1) * 8,
                      low); /* the error of the low end is at most an eighth */
  }
  ck_assert_uint_eq(lull_bucket_low(LULL_BUCKETS), UINT64_MAX);
  ck_assert_uint_eq(lull_bucket_low(UINT32_MAX), UINT64_MAX);
  ck_assert_uint_eq(lu_bucket_of(UINT64_MAX), LULL_BUCKETS - 1);
  ck_assert_uint_eq(lu_bucket_of(lull_bucket_low(LULL_BUCKETS - 1)), LULL_BUCKETS - 1);
}
END_TEST

static int compare(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

/* Durations of all orders of magnitude. */
static uint64_t random_duration(uint64_t *state) {
  uint64_t r = lu_random_step(state);
  return lu_random_step(state) >> (22 + r % 42);
}

START_TEST(quantiles_are_those_of_the_sorted_values) {
  enum { N = 5000 };
  static uint64_t values[N];
  struct lu_histogram shared = {0}, own = {0};
  uint64_t state = 1, sum = 0;
  for (size_t i = 0; i < N; i++) {
    values[i] = random_duration(&state);
    sum += values[i];
    lu_histogram_add(&shared, values[i]);
    lu_histogram_add_own(&own, values[i]);
  }
  qsort(values, N, sizeof values[0], compare);
  lull_histogram copy, own_copy;
  lu_histogram_copy(&shared, &copy);
  lu_histogram_copy(&own, &own_copy);
  ck_assert_mem_eq(&copy, &own_copy, sizeof copy);
  ck_assert_uint_eq(copy.count, N);
  ck_assert_uint_eq(copy.sum, sum);
  ck_assert_uint_eq(copy.max, values[N - 1]);
  for (int permille = 0; permille <= 1000; permille++) {
    double share = permille / 1000.0;
    size_t rank = (size_t)(share * N);
    rank += (double)rank < share * N;
    uint64_t exact = values[rank > 0 ? rank - 1 : 0];
    uint64_t found = lull_histogram_quantile(&copy, share);
    ck_assert_uint_ge(found, exact);
    ck_assert_uint_le(found, exact + exact / 8);
  }
  ck_assert_uint_eq(lull_histogram_quantile(&copy, 1), values[N - 1]);
}
END_TEST

START_TEST(quantiles_of_odd_shares_and_contents) {
  lull_histogram histogram = {0};
  ck_assert_uint_eq(lull_histogram_quantile(&histogram, 0.5), 0);
  struct lu_histogram live = {0};
  lu_histogram_add(&live, 5);
  lu_histogram_add(&live, UINT64_MAX);
  lu_histogram_copy(&live, &histogram);
  static const double low[] = {-1, 0, 0.1, 0.5, NAN, -INFINITY};
  for (size_t i = 0; i < sizeof low / sizeof low[0]; i++)
    ck_assert_uint_eq(lull_histogram_quantile(&histogram, low[i]), 5);
  static const double high[] = {0.51, 1, 2, INFINITY};
  for (size_t i = 0; i < sizeof high / sizeof high[0]; i++)
    ck_assert_uint_ge(lull_histogram_quantile(&histogram, high[i]), UINT64_MAX - 1);
  histogram.count = 1000; /* a caller's own, which contradicts itself */
  ck_assert_uint_eq(lull_histogram_quantile(&histogram, 1), UINT64_MAX);
}
END_TEST

struct writer {
  struct lu_histogram *histogram;
  uint64_t seed;
};

static void *write_values(void *arg) {
  struct writer *writer = arg;
  uint64_t state = writer->seed;
  for (int i = 0; i < ROUNDS; i++)
    lu_histogram_add(writer->histogram, lu_random_step(&state) >> 34);
  return NULL;
}

START_TEST(several_writers_lose_nothing) {
  static struct lu_histogram histogram, expected, part;
  struct writer writers[THREADS];
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) {
    writers[i] = (struct writer){&histogram, (uint64_t)i};
    ck_assert_int_eq(pthread_create(&threads[i], NULL, write_values, &writers[i]), 0);
  }
  uint64_t count = 0;
  for (int i = 0; i < 50; i++) {
    lull_histogram copy;
    lu_histogram_copy(&histogram, &copy);
    ck_assert_uint_ge(copy.count, count);
    count = copy.count;
  }
  for (int i = 0; i < THREADS; i++)
    ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
  for (uint64_t seed = 0; seed < THREADS; seed++) {
    memset(&part, 0, sizeof part);
    write_values(&(struct writer){&part, seed});
    lu_histogram_merge(&expected, &part);
  }
  ck_assert_mem_eq(&histogram, &expected, sizeof histogram);
}
END_TEST

/* A heap's threads, as lu_figures_collect walks them. */
struct threads {
  struct lu_counters *list;
  size_t n;
};

static void each_thread(void *source, lu_counters_fn *fn, void *sum) {
  struct threads *threads = source;
  for (size_t i = 0; i < threads->n; i++)
    fn(&threads->list[i], sum);
}

START_TEST(every_figure_has_its_place) {
  static struct lu_heap_figures figures;
  static lull_stats stats, expected;
  struct lu_counters list[3] = {0};
  struct lu_gauges gauges;
  uint64_t n = 1000;
  expected.struct_size = stats.struct_size = sizeof stats;
#define SET_THREADS(name)                                                                          \
  lu_count(&list[0].name, n);                                                                      \
  lu_count(&list[1].name, 1);                                                                      \
  lu_count(&list[1].name, 2);                                                                      \
  lu_count_shared(&figures.total.name, 4);                                                         \
  expected.name = n + 7;                                                                           \
  n += 1000;
#define SET_HEAP(name)                                                                             \
  lu_count_shared(&figures.name, n);                                                               \
  expected.name = n;                                                                               \
  n += 1000;
#define SET_GAUGE(name)                                                                            \
  lu_gauge_set(&figures.name, n);                                                                  \
  expected.name = n;                                                                               \
  n += 1000;
#define SET_READ(name)                                                                             \
  gauges.name = n;                                                                                 \
  expected.name = n;                                                                               \
  n += 1000;
#define SET_HISTOGRAM(name)                                                                        \
  lu_histogram_add(&figures.name, n);                                                              \
  expected.name.count = 1;                                                                         \
  expected.name.sum = expected.name.max = n;                                                       \
  expected.name.bucket[lu_bucket_of(n)] = 1;                                                       \
  n += 1000;
  LU_THREAD_COUNTERS(SET_THREADS)
  LU_HEAP_COUNTERS(SET_HEAP)
  LU_HEAP_GAUGES(SET_GAUGE)
  LU_READ_GAUGES(SET_READ)
  LU_HEAP_HISTOGRAMS(SET_HISTOGRAM)
  struct threads threads = {list, 3};
  ck_assert_int_eq(lu_figures_collect(&figures, &gauges, each_thread, &threads, &stats), LULL_OK);
  ck_assert_mem_eq(&stats, &expected, sizeof stats);

  /* A thread that leaves changes no sum, whether the walk still meets it or not. */
  lu_counters_leave(&list[0], &figures);
  for (threads.n = 3; threads.n >= 2; threads.n--) {
    memset((char *)&stats + 8, 0xee, sizeof stats - 8);
    ck_assert_int_eq(lu_figures_collect(&figures, &gauges, each_thread, &threads, &stats), LULL_OK);
    ck_assert_mem_eq(&stats, &expected, sizeof stats);
    struct lu_counters last = list[0];
    list[0] = list[1];
    list[1] = last;
  }

  /* Callers of any earlier size get that many bytes and not one more. */
  static char untouched[sizeof stats];
  memset(untouched, 0xee, sizeof untouched);
  for (size_t size = 8; size <= sizeof stats; size += size < 400 ? 4 : 1000) {
    memset(&stats, 0xee, sizeof stats);
    stats.struct_size = size;
    threads.n = 3;
    ck_assert_int_eq(lu_figures_collect(&figures, &gauges, each_thread, &threads, &stats), LULL_OK);
    ck_assert_mem_eq((char *)&stats + 8, (char *)&expected + 8, size - 8);
    ck_assert_mem_eq((char *)&stats + size, untouched, sizeof stats - size);
  }
}
END_TEST

static int lines;
static void count_line(const char *line, void *data) {
  (void)line;
  (void)data;
  lines++;
}

START_TEST(sizes_that_cannot_be_are_refused) {
  static struct lu_heap_figures figures;
  static lull_stats stats;
  struct lu_gauges gauges = {0};
  struct threads none = {NULL, 0};
  static const uint64_t sizes[] = {0, 7, sizeof stats + 1, UINT64_MAX};
  lull_log_to(count_line, NULL);
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    stats.struct_size = sizes[i];
    ck_assert_int_eq(lu_figures_collect(&figures, &gauges, each_thread, &none, &stats),
                     LULL_E_ARGUMENT);
  }
  ck_assert_int_eq(lu_figures_collect(&figures, &gauges, each_thread, &none, NULL),
                   LULL_E_ARGUMENT);
  lull_log_to(NULL, NULL);
  ck_assert_int_eq(lines, 5);
  ck_assert_int_eq(lull_last_error(), LULL_E_ARGUMENT);
}
END_TEST

static struct lu_heap_figures missed;

/* A thread leaves between the reader's look at the totals and its walk, which then counts it
 * nowhere. */
static void leave_and_walk(void *source, lu_counters_fn *fn, void *sum) {
  struct threads *threads = source;
  lu_counters_leave(&threads->list[0], &missed);
  each_thread(source, fn, sum);
}

START_TEST(a_thread_missed_by_the_walk_is_still_reported) {
  static lull_stats stats;
  struct lu_counters list[2] = {0};
  struct lu_gauges gauges = {0};
  struct threads threads = {list, 2};
  lu_count(&list[0].assists, 10);
  lu_count(&list[1].assists, 3);
  for (int i = 0; i < 3; i++) {
    stats.struct_size = sizeof stats;
    ck_assert_int_eq(lu_figures_collect(&missed, &gauges, i == 1 ? leave_and_walk : each_thread,
                                        &threads, &stats),
                     LULL_OK);
    ck_assert_uint_eq(stats.assists, 13);
  }
}
END_TEST

/* Threads that are born, count and leave all the time, each in records of its own, which stay to
 * the end. */
enum { LIVES = LU_TSAN ? 200 : 2000, COUNTED = 50 };
struct storm {
  struct lu_heap_figures figures;
  struct lu_counters list[THREADS * LIVES];
  _Atomic int running;
};
static struct storm storm;

static void *live_and_leave(void *arg) {
  struct lu_counters *record = arg;
  for (int life = 0; life < LIVES; life++, record++) {
    for (int i = 0; i < COUNTED; i++)
      lu_count(&record->assists, 1);
    lu_counters_leave(record, &storm.figures);
  }
  atomic_fetch_sub(&storm.running, 1);
  return NULL;
}

START_TEST(figures_never_fall_while_threads_leave) {
  static lull_stats stats;
  struct lu_gauges gauges = {0};
  struct threads all = {storm.list, THREADS * LIVES};
  pthread_t threads[THREADS];
  atomic_store(&storm.running, THREADS);
  for (int i = 0; i < THREADS; i++)
    ck_assert_int_eq(
        pthread_create(&threads[i], NULL, live_and_leave, &storm.list[i * LIVES]), 0);
  uint64_t last = 0;
  bool more = true;
  while (more) {
    more = atomic_load(&storm.running) > 0;
    stats.struct_size = sizeof stats;
    ck_assert_int_eq(lu_figures_collect(&storm.figures, &gauges, each_thread, &all, &stats),
                     LULL_OK);
    ck_assert_uint_ge(stats.assists, last);
    ck_assert_uint_le(stats.assists, (uint64_t)THREADS * LIVES * COUNTED);
    last = stats.assists;
  }
  for (int i = 0; i < THREADS; i++)
    ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
  ck_assert_uint_eq(last, (uint64_t)THREADS * LIVES * COUNTED);
}
END_TEST

int main(void) {
  Suite *suite = new_suite("histogram");
  TCase *tcase = tcase_create("histogram");
  tcase_add_test(tcase, buckets_join_without_gap);
  tcase_add_test(tcase, quantiles_are_those_of_the_sorted_values);
  tcase_add_test(tcase, quantiles_of_odd_shares_and_contents);
  tcase_add_test(tcase, several_writers_lose_nothing);
  suite_add_tcase(suite, tcase);
  tcase = tcase_create("figures");
  tcase_add_test(tcase, every_figure_has_its_place);
  tcase_add_test(tcase, sizes_that_cannot_be_are_refused);
  tcase_add_test(tcase, a_thread_missed_by_the_walk_is_still_reported);
  tcase_add_test(tcase, figures_never_fall_while_threads_leave);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
