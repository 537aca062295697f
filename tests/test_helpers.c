/*
 * test_helpers.c: how many cores there are, and when threads help the collector: when they are
 * asked for, or where cores are idle; none where there are none, and without one that cannot be
 * made.
 *
 * When a helper gets a CPU is the system's to say: what must happen some time is waited for, and
 * the tests' limit (tests/suite.h) says that it does not.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>
#include "heap/heap.h"
#include "support/clock.h"
#include "tests/fixture.h"

static const struct {
  const char *text;
  uint64_t cores;
} quotas[] = {{"max 100000\n", UINT64_MAX}, {"100000 100000\n", 1},   {"250000 100000\n", 2},
              {"50000 100000\n", 1},        {"6400000 100000\n", 64}, {"", UINT64_MAX},
              {"100000\n", UINT64_MAX},     {"1 0\n", UINT64_MAX}};

START_TEST(quotas_of_cgroups) {
  for (size_t i = 0; i < sizeof quotas / sizeof quotas[0]; i++)
    ck_assert_uint_eq(lu_cores_of_quota(quotas[i].text), quotas[i].cores);
}
END_TEST

static void only_one_core(void) {
  cpu_set_t all, one;
  CPU_ZERO(&one);
  ck_assert_int_eq(sched_getaffinity(0, sizeof all, &all), 0);
  for (int i = 0; i < CPU_SETSIZE; i++)
    if (CPU_ISSET(i, &all)) {
      CPU_SET(i, &one);
      break;
    }
  ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
}

START_TEST(waiting_for_a_cpu) {
  struct lu_waited waited = {.wall_ns = 0};
  lu_waited_begin(&waited);
  usleep(2000);
  lu_waited_end(&waited);
  ck_assert(lu_waited_much(&waited));
  /* Long pieces without waiting outweigh it. */
  waited = (struct lu_waited){.wall_ns = 4 * LU_MILLISECOND, .waited_ns = LU_MILLISECOND};
  ck_assert(!lu_waited_much(&waited));
  waited.waited_ns++;
  ck_assert(lu_waited_much(&waited));
  waited = (struct lu_waited){.wall_ns = 100 * LU_MICROSECOND, .waited_ns = 100 * LU_MICROSECOND};
  ck_assert(!lu_waited_much(&waited));
}
END_TEST

/* 300 vectors of 1,000 cells each: tens of milliseconds of marking, for any number of markers. */
#define ROWS 300
#define COLUMNS 1000

static struct vector *make_table(lull_thread *thread, lull_type cells, lull_type vectors) {
  struct vector *table = NULL, *row = NULL;
  LULL_ROOTS(thread, table, row);
  table = (struct vector *)lull_new_array(thread, vectors, ROWS);
  EXPECT(table != NULL);
  for (size_t i = 0; i < ROWS; i++) {
    row = (struct vector *)lull_new_array(thread, vectors, COLUMNS);
    EXPECT(row != NULL);
    lull_store(thread, table, &table->item[i], row);
    for (size_t j = 0; j < COLUMNS; j++) {
      struct cell *cell = (struct cell *)lull_new(thread, cells);
      EXPECT(cell != NULL);
      cell->value = i * COLUMNS + j;
      lull_store(thread, row, &row->item[j], cell);
    }
  }
  return table;
}

static void check_table(const struct vector *table) {
  for (size_t i = 0; i < ROWS; i++) {
    const struct vector *row = (const struct vector *)table->item[i];
    for (size_t j = 0; j < COLUMNS; j++)
      EXPECT(row->item[j]->value == i * COLUMNS + j);
  }
}

static lull_heap *heap;
static lull_thread *thread;
static struct vector *table;

static unsigned helpers(void) { return atomic_load(&heap->helpers.count); }

/* Runs `part` with a heap of these options, the table in it. */
static void with_table(const char *options, void (*part)(void)) {
  heap = heap_with(options);
  thread = attach(heap);
  {
    LULL_ROOTS(thread, table);
    table = make_table(thread, cell_type(heap), vector_type(heap));
    part();
    check_table(table);
  }
  end_heap(heap, thread);
}

static void collect(void) { ck_assert_int_eq(lull_collect(thread), LULL_OK); }

static void fixed_number(void) {
  for (int i = 0; i < 20; i++)
    collect();
  ck_assert_uint_eq(helpers(), 3);
  ck_assert_uint_gt(stats_of(heap).helper_packets, 0);
  while (stats_of(heap).helper_blocks == 0)
    collect();
}

START_TEST(a_fixed_number_helps_always) {
  if (_i < 2)
    only_one_core();
  with_table(_i % 2 == 0 ? "heap.max=128M,gc.helpers=3,verify=cycle"
                         : "heap.max=128M,gc.helpers=3,gc.mode=stw,verify=cycle",
             fixed_number);
}
END_TEST

static void no_helper(void) {
  for (int i = 0; i < 5; i++)
    collect();
  ck_assert_uint_eq(helpers(), 0);
  ck_assert_uint_eq(stats_of(heap).helper_packets, 0);
}

START_TEST(none_is_made_before_a_cycle) {
  heap = heap_with("heap.max=16M,gc.helpers=3");
  ck_assert_uint_eq(helpers(), 0);
  end_heap(heap, NULL);
}
END_TEST

START_TEST(gc_helpers_0_is_none) { with_table("heap.max=128M,gc.helpers=0", no_helper); }
END_TEST

START_TEST(one_core_has_none_to_spare) {
  only_one_core();
  ck_assert_uint_eq(lu_cores(), 1);
  with_table("heap.max=128M,gc.helpers=auto", no_helper);
}
END_TEST

/* The first thread that is started is the collector's. */
START_TEST(helpers_that_cannot_be_made) {
  with_table("heap.max=128M,gc.helpers=3,fault.spawn=2", no_helper);
}
END_TEST

static void some_of_them(void) {
  collect();
  ck_assert_uint_eq(helpers(), 2);
}

START_TEST(fewer_helpers_than_asked_for) {
  with_table("heap.max=128M,gc.helpers=3,fault.spawn=4", some_of_them);
}
END_TEST

static _Atomic bool slab_done;

static void *sweep_slowly(void *arg) {
  usleep(20000);
  atomic_store(&slab_done, true);
  atomic_fetch_sub(&heap->helpers.sweepers, 1);
  lu_event_signal(&heap->helpers.swept);
  return arg;
}

START_TEST(the_sweep_waits_for_helpers) {
  pthread_t id;
  heap = heap_with("heap.max=16M");
  atomic_store(&heap->helpers.sweepers, 1);
  ck_assert_int_eq(pthread_create(&id, NULL, sweep_slowly, NULL), 0);
  lu_helpers_end_sweep(heap);
  ck_assert(atomic_load(&slab_done));
  ck_assert_int_eq(pthread_join(id, NULL), 0);
  end_heap(heap, NULL);
}
END_TEST

static void until_helped(void) {
  while (stats_of(heap).helper_packets == 0)
    collect();
  ck_assert_uint_lt(helpers(), lu_cores());
}

/*
 * Only the thread that waits for the collection is attached, so a core is idle as far as the
 * process knows.
 */
START_TEST(idle_cores_help) {
  if (lu_cores() > 1)
    with_table(_i == 0 ? "heap.max=128M" : "heap.max=128M,gc.mode=stw", until_helped);
}
END_TEST

/* Threads that run, attached to the heap of the test or to another one. */
static _Atomic bool over;
static _Atomic unsigned started;

static void *run_attached(void *arg) {
  lull_thread *self = attach(arg);
  atomic_fetch_add(&started, 1);
  while (!atomic_load_explicit(&over, memory_order_relaxed))
    lull_poll(self);
  ck_assert_int_eq(lull_detach(self), LULL_OK);
  return NULL;
}

static void *run_free(void *arg) {
  atomic_fetch_add(&started, 1);
  while (!atomic_load_explicit(&over, memory_order_relaxed))
    ;
  return arg;
}

static void beside(unsigned count, void *(*run)(void *), void *arg, void (*part)(void)) {
  pthread_t id[64];
  for (unsigned i = 0; i < count; i++)
    ck_assert_int_eq(pthread_create(&id[i], NULL, run, arg), 0);
  while (atomic_load(&started) < count)
    usleep(100);
  part();
  atomic_store(&over, true);
  ck_assert_int_eq(lull_blocked_begin(thread), LULL_OK);
  for (unsigned i = 0; i < count; i++)
    ck_assert_int_eq(pthread_join(id[i], NULL), 0);
  ck_assert_int_eq(lull_blocked_end(thread), LULL_OK);
}

static void beside_own(void) {
  beside(lu_cores() < 64 ? lu_cores() : 64, run_attached, heap, no_helper);
}

static void beside_others(void) {
  lull_heap *other = heap_with("heap.max=16M");
  beside(lu_cores() < 64 ? lu_cores() : 64, run_attached, other, no_helper);
  end_heap(other, NULL);
}

START_TEST(busy_cores_do_not_help) {
  if (lu_cores() < 64)
    with_table("heap.max=128M", _i == 0 ? beside_own : beside_others);
}
END_TEST

/*
 * Nobody knows of threads that are not attached, but a helper that waits for a CPU among them
 * retires.
 */
static void until_retired(void) {
  do
    collect();
  while (helpers() == 0 || heap->helpers.row[0].retired == 0);
}

static void beside_unknown(void) {
  beside(lu_cores() < 16 ? 4 * lu_cores() : 64, run_free, NULL, until_retired);
}

START_TEST(helpers_that_wait_for_a_cpu_retire) {
  if (lu_cores() > 1 && lu_cores() < 16)
    with_table("heap.max=128M", beside_unknown);
}
END_TEST

int main(void) {
  Suite *suite = new_suite("helpers");
  TCase *cores = tcase_create("cores"), *fixed = tcase_create("fixed"),
        *idle = tcase_create("idle");
  tcase_add_test(cores, quotas_of_cgroups);
  tcase_add_test(cores, waiting_for_a_cpu);
  suite_add_tcase(suite, cores);
  tcase_add_loop_test(fixed, a_fixed_number_helps_always, 0, 4);
  tcase_add_test(fixed, the_sweep_waits_for_helpers);
  tcase_add_test(fixed, none_is_made_before_a_cycle);
  tcase_add_test(fixed, gc_helpers_0_is_none);
  tcase_add_test(fixed, helpers_that_cannot_be_made);
  tcase_add_test(fixed, fewer_helpers_than_asked_for);
  suite_add_tcase(suite, fixed);
  tcase_add_test(idle, one_core_has_none_to_spare);
  tcase_add_loop_test(idle, idle_cores_help, 0, 2);
  tcase_add_loop_test(idle, busy_cores_do_not_help, 0, 2);
  tcase_add_test(idle, helpers_that_wait_for_a_cpu_retire);
  suite_add_tcase(suite, idle);
  return run_suite(suite);
}
