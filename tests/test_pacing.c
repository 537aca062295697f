/*
 * test_pacing.c: pacing of real heaps: what can be read and set, what is refused, what settings do
 * to cycles, the soft and the hard limit, heaps that share a budget, embedders who ask whether to
 * collect.
 */
#include <pthread.h>
#include <time.h>
#include <unistd.h>
#include "support/cores.h"
#include "tests/one_heap.h"

#define MB (UINT64_C(1) << 20)

static lull_pacing pacing_of(lull_heap *of) {
  lull_pacing pacing = {.struct_size = sizeof pacing};
  ck_assert_int_eq(lull_heap_pacing(of, &pacing), LULL_OK);
  return pacing;
}

static void set(const lull_pacing *pacing) {
  ck_assert_int_eq(lull_heap_set_pacing(heap, pacing), LULL_OK);
}

/* CLOCK_MONOTONIC, or CLOCK_PROCESS_CPUTIME_ID for what must not depend on who else runs. */
static double seconds_of(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double seconds_now(void) { return seconds_of(CLOCK_MONOTONIC); }

/* Garbage of so many bytes. */
static void litter(lull_thread *by, lull_type of, uint64_t bytes) {
  for (uint64_t i = 0; i < bytes / sizeof(struct cell); i++)
    EXPECT(lull_new(by, of) != NULL);
}

static bool cycle_is_near(void) {
  lull_stats stats = stats_of(heap);
  return lull_should_collect(heap) || stats.cycles != stats.cycles_started;
}

/*
 * The same, but no cycle is outrun: what is due or under way ends before more is allocated. A cycle
 * that is due begins with an allocation, so there is one now and then.
 */
static void litter_calmly(uint64_t bytes) {
  for (uint64_t done = 0; done < bytes; done += MB / 4) {
    litter(thread, type, MB / 4);
    while (cycle_is_near()) {
      EXPECT(lull_blocked_begin(thread) == LULL_OK);
      usleep(100);
      EXPECT(lull_blocked_end(thread) == LULL_OK);
      litter(thread, type, sizeof(struct cell));
    }
  }
}

START_TEST(settings_begin_as_the_options) {
  set_up("heap.max=64M,heap.soft=40M,heap.initial=8M,heap.growth=150,heap.sizing=adaptive,"
         "heap.balance=77,gc.young=2M,gc.minor_ratio=50,gc.minor_growth=20,gc.threshold_bytes=3M,"
         "gc.threshold_objects=5000,gc.start=30,gc.every=1M,gc.pause=2ms,gc.cpu=25,gc.step=300us,"
         "gc.step_bytes=64K,gc.work=150");
  lull_pacing pacing = pacing_of(heap);
  ck_assert_uint_eq(pacing.hard_limit, 64 * MB);
  ck_assert_uint_eq(pacing.soft_limit, 40 * MB);
  ck_assert_uint_eq(pacing.initial, 8 * MB);
  ck_assert_uint_eq(pacing.major_growth, 150);
  ck_assert_uint_eq(pacing.sizing, LULL_SIZING_ADAPTIVE);
  ck_assert_uint_eq(pacing.balance, 77);
  ck_assert_uint_eq(pacing.generational, 1);
  ck_assert_uint_eq(pacing.young, 2 * MB);
  ck_assert_uint_eq(pacing.minor_ratio, 50);
  ck_assert_uint_eq(pacing.minor_growth, 20);
  ck_assert_uint_eq(pacing.threshold_bytes, 3 * MB);
  ck_assert_uint_eq(pacing.threshold_objects, 5000);
  ck_assert_uint_eq(pacing.start, 30);
  ck_assert_uint_eq(pacing.every, MB);
  ck_assert_uint_eq(pacing.pause, 2000000);
  ck_assert_uint_eq(pacing.cpu, 25);
  ck_assert_uint_eq(pacing.step, 300000);
  ck_assert_uint_eq(pacing.step_bytes, 65536);
  ck_assert_uint_eq(pacing.work, 150);
  ck_assert_uint_eq(pacing.share, 0);
  ck_assert_int_lt(pacing.debt, 0);
  tear_down();
}
END_TEST

START_TEST(the_default_young_size_is_known) {
  set_up("heap.max=64M");
  lull_pacing pacing = pacing_of(heap);
  ck_assert_uint_ge(pacing.young, 8 * MB);
  ck_assert_uint_le(pacing.young, 32 * MB);
  tear_down();
}
END_TEST

START_TEST(what_is_set_can_be_read) {
  set_up("heap.max=64M");
  lull_pacing pacing = pacing_of(heap);
  pacing.hard_limit = 32 * MB;
  pacing.soft_limit = 20 * MB;
  pacing.sizing = LULL_SIZING_FIXED;
  pacing.major_growth = 300;
  pacing.generational = 0;
  pacing.young = 5 * MB;
  pacing.pause = 1000;
  pacing.cpu = 100;
  pacing.step = 50000;
  pacing.work = 400;
  set(&pacing);
  lull_pacing read = pacing_of(heap);
  ck_assert_uint_eq(read.hard_limit, 32 * MB);
  ck_assert_uint_eq(read.soft_limit, 20 * MB);
  ck_assert_uint_eq(read.sizing, LULL_SIZING_FIXED);
  ck_assert_uint_eq(read.major_growth, 300);
  ck_assert_uint_eq(read.generational, 0);
  ck_assert_uint_eq(read.young, 5 * MB);
  ck_assert_uint_eq(read.pause, 1000);
  ck_assert_uint_eq(read.cpu, 100);
  ck_assert_uint_eq(read.step, 50000);
  ck_assert_uint_eq(read.work, 400);
  ck_assert_uint_eq(stats_of(heap).heap_limit, 32 * MB);
  ck_assert_uint_le(read.goal, 20 * MB);
  tear_down();
}
END_TEST

static const struct bad {
  size_t offset;
  uint64_t value;
} bad[] = {{offsetof(lull_pacing, hard_limit), 0},
           {offsetof(lull_pacing, hard_limit), MB - 1},
           {offsetof(lull_pacing, hard_limit), 64 * MB + 1},
           {offsetof(lull_pacing, soft_limit), 1},
           {offsetof(lull_pacing, initial), 0},
           {offsetof(lull_pacing, sizing), 3},
           {offsetof(lull_pacing, balance), 0},
           {offsetof(lull_pacing, major_growth), 9},
           {offsetof(lull_pacing, major_growth), 1001},
           {offsetof(lull_pacing, generational), 2},
           {offsetof(lull_pacing, young), 100},
           {offsetof(lull_pacing, minor_ratio), 0},
           {offsetof(lull_pacing, minor_growth), 1001},
           {offsetof(lull_pacing, threshold_bytes), 1},
           {offsetof(lull_pacing, threshold_objects), 999},
           {offsetof(lull_pacing, start), 100},
           {offsetof(lull_pacing, every), 1},
           {offsetof(lull_pacing, pause), 1},
           {offsetof(lull_pacing, cpu), 101},
           {offsetof(lull_pacing, step), 1},
           {offsetof(lull_pacing, step_bytes), 1},
           {offsetof(lull_pacing, work), 9}};

static int complaints;
static char complaint[512];

static void note(const char *line, void *data) {
  (void)data;
  complaints++;
  snprintf(complaint, sizeof complaint, "%s", line);
}

START_TEST(bad_settings_change_nothing) {
  set_up("heap.max=64M");
  lull_pacing before = pacing_of(heap), pacing = before;
  memcpy((char *)&pacing + bad[_i].offset, &bad[_i].value, sizeof(uint64_t));
  if (bad[_i].offset != offsetof(lull_pacing, major_growth))
    pacing.major_growth = 500;   /* a good one beside it is not taken either */
  lull_log_to(note, NULL);
  complaints = 0;
  ck_assert_int_eq(lull_heap_set_pacing(heap, &pacing), LULL_E_RANGE);
  ck_assert_int_eq(complaints, 1);
  ck_assert_ptr_nonnull(strstr(complaint, "lull_heap_set_pacing"));
  lull_log_to(NULL, NULL);
  lull_pacing after = pacing_of(heap);
  ck_assert_uint_eq(after.major_growth, before.major_growth);
  ck_assert_uint_eq(after.hard_limit, before.hard_limit);
  ck_assert_uint_eq(after.cpu, before.cpu);
  tear_down();
}
END_TEST

START_TEST(structures_of_other_sizes) {
  set_up("heap.max=64M");
  lull_pacing pacing = {.struct_size = sizeof pacing + 8};
  lull_log_to(note, NULL);
  ck_assert_int_eq(lull_heap_pacing(heap, &pacing), LULL_E_ARGUMENT);
  ck_assert_int_eq(lull_heap_set_pacing(heap, &pacing), LULL_E_ARGUMENT);
  ck_assert_int_eq(lull_heap_pacing(heap, NULL), LULL_E_ARGUMENT);
  ck_assert_int_eq(lull_heap_set_pacing(NULL, &pacing), LULL_E_ARGUMENT);
  pacing.struct_size = 7;
  ck_assert_int_eq(lull_heap_pacing(heap, &pacing), LULL_E_ARGUMENT);
  lull_log_to(NULL, NULL);
  /* A caller of an older version knows only the first fields. */
  pacing = (lull_pacing){.struct_size = offsetof(lull_pacing, initial), .initial = 12345};
  ck_assert_int_eq(lull_heap_pacing(heap, &pacing), LULL_OK);
  ck_assert_uint_eq(pacing.hard_limit, 64 * MB);
  ck_assert_uint_eq(pacing.initial, 12345);
  pacing.soft_limit = 30 * MB;
  set(&pacing);
  ck_assert_uint_eq(pacing_of(heap).soft_limit, 30 * MB);
  ck_assert_uint_eq(pacing_of(heap).major_growth, 100);
  tear_down();
}
END_TEST

START_TEST(the_young_size_says_when_minors_come) {
  set_up("heap.max=128M,heap.sizing=fixed,gc.young=4M,stress.epoch_bits=15");
  {
    /* 24 MB, which majors would mark again and again. */
    struct cell *list = make_list(thread, type, 1000000, 0);
    LULL_ROOTS(thread, list);
    collect();
    uint64_t before = stats_of(heap).cycles_minor;
    litter_calmly(40 * MB);
    uint64_t minors = stats_of(heap).cycles_minor - before;
    ck_assert_uint_ge(minors, 8);
    ck_assert_uint_le(minors, 12);
    lull_pacing pacing = pacing_of(heap);
    ck_assert_uint_eq(pacing.minors_pay, 1);
    ck_assert_uint_eq(pacing.next_is_minor, 1);
    ck_assert_double_lt(pacing.survival, 0.1);
    pacing.generational = 0;
    set(&pacing);
    before = stats_of(heap).cycles_minor;
    litter_calmly(100 * MB);
    ck_assert_uint_eq(stats_of(heap).cycles_minor, before);
    check_list(list, 1000000, 0);
  }
  tear_down();
}
END_TEST

START_TEST(a_threshold_makes_majors_come_sooner) {
  set_up("heap.max=256M,gc.generational=false");
  collect();
  uint64_t before = stats_of(heap).cycles;
  litter_calmly(60 * MB);
  uint64_t without = stats_of(heap).cycles - before;
  lull_pacing pacing = pacing_of(heap);
  pacing.threshold_bytes = 2 * MB;
  set(&pacing);
  before = stats_of(heap).cycles;
  litter_calmly(60 * MB);
  ck_assert_uint_gt(stats_of(heap).cycles - before, 2 * without);
  tear_down();
}
END_TEST

START_TEST(a_pause_makes_cycles_rarer) {
  set_up("heap.max=256M,gc.every=256K,gc.pause=100ms");
  double began = seconds_now();
  litter(thread, type, 100 * MB);
  double seconds = seconds_now() - began;
  /* Allocation stays below the limit, so nothing but the pause says when. */
  ck_assert_double_le((double)stats_of(heap).cycles, 2 + seconds / 0.1);
  uint64_t before = stats_of(heap).cycles;
  collect();
  collect();
  ck_assert_uint_ge(stats_of(heap).cycles, before + 2);
  tear_down();
}
END_TEST

/*
 * A program whose collector would run all the time: little room, much garbage. It has its share,
 * and a second that was saved up, and no more.
 */
START_TEST(the_collector_keeps_its_share_at_the_limit) {
  set_up("heap.max=16M,gc.cpu=5,gc.generational=false");
  {
    struct cell *list = make_list(thread, type, 580000, 0);   /* 14 MB */
    LULL_ROOTS(thread, list);
    double began = seconds_now(), took;
    while ((took = seconds_now() - began) < 5.0)
      litter(thread, type, MB / 4);
    lull_stats stats = stats_of(heap);
    /* A cycle that is under way is not cut short: the last one, and the one that used the saved
     * second up, may go beyond. */
    double most = 1.1 + took * 0.05 * (double)lu_cores() + 2 * (double)stats.cycle.max / 1e9;
    ck_assert_double_le((double)(stats.cpu_minor + stats.cpu_major) / 1e9, most);
    ck_assert_uint_eq(stats.stall_failures, 0);
    check_list(list, 580000, 0);
  }
  tear_down();
}
END_TEST

/*
 * More is allocated than the collector can follow: near the limit allocations wait a little, often,
 * and none fails.
 */
START_TEST(near_the_limit_allocations_sleep) {
  set_up("heap.max=48M,gc.generational=false");
  {
    struct cell *list = make_list(thread, type, 1000000, 0);   /* 24 MB */
    LULL_ROOTS(thread, list);
    collect();
    uint64_t before = stats_of(heap).sleeps;
    for (int i = 0; i < 100 && stats_of(heap).sleeps == before; i++)
      litter(thread, type, 20 * MB);
    ck_assert_uint_gt(stats_of(heap).sleeps, before);
    ck_assert_uint_eq(stats_of(heap).stall_failures, 0);
    check_list(list, 1000000, 0);
  }
  tear_down();
}
END_TEST

/* What does not fit is told, soon: by then the collector has not gone round for ever. */
static int asked;

static bool count_call(lull_thread *asking, size_t size, lull_oom why, void *data) {
  (void)asking, (void)size, (void)data;
  ck_assert_int_eq(why, LULL_OOM_LIMIT);
  asked++;
  return false;
}

START_TEST(what_does_not_fit_is_told_soon) {
  set_up(_i == 0 ? "heap.max=16M" : "heap.max=16M,gc.generational=false");
  ck_assert_int_eq(lull_heap_oom_hook(heap, count_call, NULL), LULL_OK);
  {
    struct cell *list = NULL, *cell;
    LULL_ROOTS(thread, list);
    double began = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    /* Two objects that live for each that dies, 17.8 MB in all if it could. */
    for (size_t i = 0; (cell = (struct cell *)lull_new(thread, type)) != NULL && i < 1100000; i++) {
      if (i % 3 == 0)
        continue;
      lull_init(thread, cell, &cell->next, list);
      list = cell;
    }
    ck_assert_ptr_null(cell);
    ck_assert_int_eq(asked, 1);
    ck_assert_uint_lt(stats_of(heap).cycles, 60);
    ck_assert_double_lt(seconds_of(CLOCK_PROCESS_CPUTIME_ID) - began, 10.0);
  }
  tear_down();
}
END_TEST

START_TEST(beyond_the_soft_limit_nothing_fails) {
  set_up("heap.max=128M,gc.generational=false");
  {
    struct cell *list = make_list(thread, type, 1000000, 0);   /* 24 MB */
    LULL_ROOTS(thread, list);
    collect();
    uint64_t before = stats_of(heap).cycles;
    litter_calmly(40 * MB);
    uint64_t without = stats_of(heap).cycles - before;
    lull_pacing pacing = pacing_of(heap);
    pacing.soft_limit = 8 * MB;
    set(&pacing);
    before = stats_of(heap).cycles;
    litter_calmly(40 * MB);
    ck_assert_uint_gt(stats_of(heap).cycles - before, 2 * without);
    ck_assert_uint_eq(stats_of(heap).stall_failures, 0);
    check_list(list, 1000000, 0);
  }
  tear_down();
}
END_TEST

START_TEST(the_hard_limit_can_be_lowered_and_raised) {
  set_up("heap.max=64M");
  lull_pacing pacing = pacing_of(heap);
  pacing.hard_limit = 16 * MB;
  set(&pacing);
  {
    struct cell *list = NULL, *cell;
    LULL_ROOTS(thread, list);
    size_t made = 0;
    while ((cell = (struct cell *)lull_new(thread, type)) != NULL) {
      lull_init(thread, cell, &cell->next, list);
      list = cell;
      made++;
    }
    ck_assert_int_eq(lull_last_error(), LULL_E_MEMORY);
    ck_assert_uint_lt(made * sizeof(struct cell), 16 * MB);
    ck_assert_uint_gt(made * sizeof(struct cell), 13 * MB);
    pacing.hard_limit = 32 * MB;
    set(&pacing);
    ck_assert_ptr_nonnull(lull_new(thread, type));
    /* Below what is in use: nothing is allocated, and all is well when there is room again. */
    pacing.hard_limit = 4 * MB;
    set(&pacing);
    while (lull_new(thread, type) != NULL)
      ;
    ck_assert_int_eq(lull_last_error(), LULL_E_MEMORY);
    list = NULL;
    collect();
    collect();
    litter(thread, type, 20 * MB);
  }
  tear_down();
}
END_TEST

/* More work for each byte allocated: the incremental cycle is over sooner. */
START_TEST(the_work_factor_can_be_changed) {
  set_up("heap.max=64M,gc.mode=incremental,gc.step_bytes=512K,gc.generational=false");
  {
    struct cell *list = make_list(thread, type, 500000, 0);   /* 12 MB */
    LULL_ROOTS(thread, list);
    lull_pacing pacing = pacing_of(heap);
    uint64_t allocated[2];
    for (int i = 0; i < 2; i++) {
      pacing.work = i == 0 ? 100 : 1000;
      set(&pacing);
      collect();
      uint64_t begun = stats_of(heap).cycles_started, from;
      while (stats_of(heap).cycles_started == begun)
        litter(thread, type, 16 << 10);
      from = pacing_of(heap).allocated;
      while (stats_of(heap).cycles == begun)
        litter(thread, type, 16 << 10);
      allocated[i] = pacing_of(heap).allocated - from;
    }
    ck_assert_uint_gt(allocated[0], 2 * allocated[1]);
    check_list(list, 500000, 0);
  }
  tear_down();
}
END_TEST

START_TEST(an_embedder_may_ask) {
  set_up("heap.max=64M,gc.mode=stw,gc.every=1M");
  ck_assert(!lull_should_collect(heap));
  litter(thread, type, MB / 2);
  ck_assert(!lull_should_collect(heap));
  lull_collect_start(heap);
  ck_assert(lull_should_collect(heap));
  collect();
  ck_assert(!lull_should_collect(heap));
  tear_down();
}
END_TEST

START_TEST(groups_say_what_is_wrong) {
  lull_group *group = NULL, *other = NULL;
  set_up("heap.max=64M");
  lull_log_to(note, NULL);
  ck_assert_int_eq(lull_group_create(MB - 1, &group), LULL_E_RANGE);
  ck_assert_ptr_null(group);
  ck_assert_int_eq(lull_group_create(MB, NULL), LULL_E_ARGUMENT);
  ck_assert_int_eq(lull_group_create(40 * MB, &group), LULL_OK);
  ck_assert_int_eq(lull_group_create(40 * MB, &other), LULL_OK);
  ck_assert_int_eq(lull_group_leave(heap), LULL_E_STATE);
  ck_assert_int_eq(lull_group_join(group, heap), LULL_OK);
  ck_assert_int_eq(lull_group_join(other, heap), LULL_E_STATE);
  ck_assert_int_eq(lull_group_destroy(group), LULL_E_BUSY);
  ck_assert_int_eq(lull_group_set_budget(group, 1), LULL_E_RANGE);
  ck_assert_uint_eq(pacing_of(heap).share, 40 * MB);
  ck_assert_int_eq(lull_group_set_budget(group, 50 * MB), LULL_OK);
  ck_assert_uint_eq(pacing_of(heap).share, 50 * MB);
  ck_assert_int_eq(lull_group_leave(heap), LULL_OK);
  ck_assert_uint_eq(pacing_of(heap).share, 0);
  ck_assert_int_eq(lull_group_join(other, heap), LULL_OK);
  lull_log_to(NULL, NULL);
  tear_down();   /* leaves by itself */
  ck_assert_int_eq(lull_group_destroy(group), LULL_OK);
  ck_assert_int_eq(lull_group_destroy(other), LULL_OK);
}
END_TEST

/*
 * A heap with much alive and much garbage beside one with little of both: the first gets more, and
 * together they get the budget.
 */
START_TEST(a_group_gives_memory_to_who_needs_it) {
  enum { BUDGET = 100 };
  lull_group *group = NULL;
  lull_heap *heaps[2] = {heap_with("heap.max=200M"), heap_with("heap.max=200M")};
  lull_thread *threads[2] = {attach(heaps[0]), attach(heaps[1])};
  lull_type types[2] = {cell_type(heaps[0]), cell_type(heaps[1])};
  ck_assert_int_eq(lull_group_create(BUDGET * MB, &group), LULL_OK);
  ck_assert_int_eq(lull_group_join(group, heaps[0]), LULL_OK);
  ck_assert_int_eq(lull_group_join(group, heaps[1]), LULL_OK);
  ck_assert_uint_eq(pacing_of(heaps[0]).share, BUDGET / 2 * MB);
  {
    struct cell *large = make_list(threads[0], types[0], 800000, 0);   /* 19 MB */
    LULL_ROOTS(threads[0], large);
    struct cell *little = make_list(threads[1], types[1], 20000, 0);
    LULL_ROOTS(threads[1], little);
    for (int round = 0; round < 5; round++) {
      litter(threads[0], types[0], 40 * MB);
      litter(threads[1], types[1], MB);
      ck_assert_int_eq(lull_collect(threads[0]), LULL_OK);
      ck_assert_int_eq(lull_collect(threads[1]), LULL_OK);
    }
    lull_pacing first = pacing_of(heaps[0]), second = pacing_of(heaps[1]);
    ck_assert_uint_gt(first.share, second.share * 2);
    ck_assert_uint_le(first.share + second.share, BUDGET * MB);
    ck_assert_uint_ge(first.share + second.share, (BUDGET - 1) * MB);
    ck_assert_uint_le(first.goal, first.share);
    check_list(large, 800000, 0);
    check_list(little, 20000, 0);
  }
  end_heap(heaps[0], threads[0]);
  ck_assert_uint_ge(pacing_of(heaps[1]).share, BUDGET * MB - 1);
  end_heap(heaps[1], threads[1]);
  ck_assert_int_eq(lull_group_destroy(group), LULL_OK);
}
END_TEST

/* Members join, leave, end and change the budget beside each other's cycles. */
struct restless {
  lull_group *group;
};

static void *come_and_go(void *arg) {
  struct restless *restless = arg;
  for (int round = 0; round < 30; round++) {
    lull_heap *own = heap_with("heap.max=32M,heap.initial=1M");
    lull_thread *self = attach(own);
    lull_type cells = cell_type(own);
    EXPECT(lull_group_join(restless->group, own) == LULL_OK);
    litter(self, cells, 20 * MB);
    if (round % 2 == 0)
      EXPECT(lull_group_leave(own) == LULL_OK);
    EXPECT(lull_detach(self) == LULL_OK && lull_heap_destroy(own) == LULL_OK);
  }
  return NULL;
}

START_TEST(groups_change_while_members_collect) {
  enum { THREADS = 3 };
  struct restless restless = {0};
  pthread_t threads[THREADS];
  ck_assert_int_eq(lull_group_create(30 * MB, &restless.group), LULL_OK);
  for (int i = 0; i < THREADS; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, come_and_go, &restless), 0);
  for (int i = 0; i < 2000; i++)
    ck_assert_int_eq(lull_group_set_budget(restless.group, (uint64_t)(10 + i % 50) * MB), LULL_OK);
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  ck_assert_int_eq(lull_group_destroy(restless.group), LULL_OK);
}
END_TEST

int main(void) {
  Suite *suite = new_suite("pacing");
  TCase *tcase = tcase_create("settings");
  tcase_add_test(tcase, settings_begin_as_the_options);
  tcase_add_test(tcase, the_default_young_size_is_known);
  tcase_add_test(tcase, what_is_set_can_be_read);
  tcase_add_loop_test(tcase, bad_settings_change_nothing, 0, (int)(sizeof bad / sizeof bad[0]));
  tcase_add_test(tcase, structures_of_other_sizes);
  suite_add_tcase(suite, tcase);
  tcase = tcase_create("cycles");
  tcase_add_test(tcase, the_young_size_says_when_minors_come);
  tcase_add_test(tcase, a_threshold_makes_majors_come_sooner);
  tcase_add_test(tcase, a_pause_makes_cycles_rarer);
  tcase_add_test(tcase, near_the_limit_allocations_sleep);
  tcase_add_test(tcase, the_collector_keeps_its_share_at_the_limit);
  tcase_add_loop_test(tcase, what_does_not_fit_is_told_soon, 0, 2);
  tcase_add_test(tcase, beyond_the_soft_limit_nothing_fails);
  tcase_add_test(tcase, the_hard_limit_can_be_lowered_and_raised);
  tcase_add_test(tcase, the_work_factor_can_be_changed);
  tcase_add_test(tcase, an_embedder_may_ask);
  suite_add_tcase(suite, tcase);
  tcase = tcase_create("groups");
  tcase_add_test(tcase, groups_say_what_is_wrong);
  tcase_add_test(tcase, a_group_gives_memory_to_who_needs_it);
  tcase_add_test(tcase, groups_change_while_members_collect);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
