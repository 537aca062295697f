/*
 * test_modes.c: concurrent, incremental, stop-the-world: that each collects, keeps its budget and
 * its promise about threads, and that changing between them, also in the middle of a cycle, loses
 * nothing. And the collector thread that is started late, or not at all.
 */
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>
#include "heap/heap.h"
#include "support/fault.h"
#include "support/tool.h"
#include "tests/fixture.h"

/* How many threads of this process the library has named so. */
static int threads_named(const char *name) {
  DIR *tasks = opendir("/proc/self/task");
  int count = 0;
  ck_assert_ptr_nonnull(tasks);
  for (struct dirent *entry; (entry = readdir(tasks)) != NULL;) {
    char path[64], comm[32] = "";
    snprintf(path, sizeof path, "/proc/self/task/%.20s/comm", entry->d_name);
    FILE *file = entry->d_name[0] != '.' ? fopen(path, "r") : NULL;
    if (file == NULL)
      continue;
    if (fgets(comm, sizeof comm, file) != NULL && strncmp(comm, name, strlen(name)) == 0)
      count++;
    fclose(file);
  }
  closedir(tasks);
  return count;
}

static int collector_threads(void) { return threads_named("lull-gc"); }

/*
 * A thread has its name a moment after it is made, and may be listed a moment after it was joined.
 * The test's limit ends the wait.
 */
static void await_collector_threads(int wanted) {
  while (collector_threads() != wanted)
    usleep(1000);
}

static bool under_way(const lull_heap *heap) {
  return atomic_load(&heap->cycle.begun) != atomic_load(&heap->cycle.ended);
}

/* A list that is checked, with garbage beside it, until so many cycles have ended. */
static void churn(lull_heap *heap, lull_thread *thread, lull_type type, uint64_t cycles) {
  struct cell *kept = NULL;
  LULL_ROOTS(thread, kept);
  uint64_t until = stats_of(heap).cycles + cycles;
  for (uint64_t round = 0; stats_of(heap).cycles < until; round++) {
    if (round % 4 == 0)
      kept = make_list(thread, type, 3000, round);
    make_list(thread, type, 3000, 0);
    check_list(kept, 3000, round - round % 4);
    EXPECT(round < 100000);
  }
}

START_TEST(modes_are_what_was_asked_for) {
  static const struct {
    const char *options;
    lull_mode mode;
  } cases[] = {{"heap.max=16M", LULL_CONCURRENT},
               {"heap.max=16M,gc.mode=concurrent", LULL_CONCURRENT},
               {"heap.max=16M,gc.mode=incremental", LULL_INCREMENTAL},
               {"heap.max=16M,gc.mode=stw", LULL_STOP_THE_WORLD}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    lull_heap *heap = heap_with(cases[i].options);
    ck_assert_int_eq(lull_heap_mode(heap), cases[i].mode);
    ck_assert_int_eq(lull_heap_set_mode(heap, (lull_mode)3), LULL_E_ARGUMENT);
    ck_assert_int_eq(lull_heap_set_mode(heap, (lull_mode)-1), LULL_E_ARGUMENT);
    ck_assert_int_eq(lull_heap_mode(heap), cases[i].mode);
    for (int mode = LULL_CONCURRENT; mode <= LULL_STOP_THE_WORLD; mode++) {
      ck_assert_int_eq(lull_heap_set_mode(heap, (lull_mode)mode), LULL_OK);
      ck_assert_int_eq(lull_heap_mode(heap), mode);
    }
    end_heap(heap, NULL);
  }
  ck_assert_int_eq(lull_heap_set_mode(NULL, LULL_CONCURRENT), LULL_E_ARGUMENT);
}
END_TEST

/* Modes without a thread, with and without generations. */
static const char *const threadless[] = {
    "heap.max=32M,heap.initial=2M,gc.mode=incremental,gc.generational=true,verify=cycle",
    "heap.max=32M,heap.initial=2M,gc.mode=incremental,gc.generational=false,verify=cycle",
    "heap.max=32M,heap.initial=2M,gc.mode=incremental,gc.promote=3,gc.young=1M,verify=phase,"
    "stress.scribble=true",
    "heap.max=32M,heap.initial=2M,gc.mode=incremental,gc.step_bytes=16K,verify=cycle",
    "heap.max=32M,heap.initial=2M,gc.mode=stw,gc.helpers=0,gc.generational=true,verify=phase,"
    "stress.scribble=true",
    "heap.max=32M,heap.initial=2M,gc.mode=stw,gc.helpers=0,gc.generational=false,verify=cycle",
    "heap.max=32M,heap.initial=2M,gc.thread_from=1G,verify=cycle"};
#define THREADLESS ((int)(sizeof threadless / sizeof threadless[0]))

START_TEST(a_single_thread_stays_alone) {
  int before = threads_named("");   /* a sanitizer may have one */
  lull_heap *heap = heap_with(threadless[_i]);
  lull_thread *thread = attach(heap);
  lull_type type = cell_type(heap);
  churn(heap, thread, type, 12);
  ck_assert_int_eq(threads_named(""), before);
  ck_assert_int_eq(lull_collect(thread), LULL_OK);
  ck_assert_uint_eq(stats_of(heap).bytes_live, 0);
  ck_assert_int_eq(threads_named(""), before);
  ck_assert_uint_eq(stats_of(heap).stall_failures, 0);
  if (lull_heap_mode(heap) != LULL_STOP_THE_WORLD)
    ck_assert_uint_gt(stats_of(heap).step.count, 12);
  end_heap(heap, thread);
}
END_TEST

/* Cells at which a cycle ended, in the order of a program that depends on its seed only. */
struct course {
  uint64_t at[64];
  unsigned count;
};

static struct course run_program(const char *options) {
  struct course course = {.count = 0};
  lull_heap *heap = heap_with(options);
  lull_thread *thread = attach(heap);
  lull_type type = cell_type(heap);
  unsigned seed = 7;
  uint64_t ended = 0;
  {
    struct cell *kept[16] = {NULL};
    ck_assert_int_eq(lull_thread_range_add(thread, kept, 16), LULL_OK);
    for (uint64_t i = 0; i < 3000000; i++) {
      struct cell *cell = (struct cell *)lull_new(thread, type);
      unsigned slot = (unsigned)rand_r(&seed) % 16;
      if (rand_r(&seed) % 8 == 0) {
        lull_init(thread, cell, &cell->next, rand_r(&seed) % 2000 == 0 ? NULL : kept[slot]);
        kept[slot] = cell;
      }
      if (atomic_load(&heap->cycle.ended) == ended || course.count == 64)
        continue;
      ended = atomic_load(&heap->cycle.ended);
      course.at[course.count++] = i;
    }
    ck_assert_int_eq(lull_thread_range_remove(thread, kept), LULL_OK);
  }
  end_heap(heap, thread);
  return course;
}

/* In the incremental mode with a fixed distance of cycles: the pacer's depends on time. */
static const char *const deterministic[] = {
    "heap.max=32M,heap.initial=2M,gc.mode=stw",
    "heap.max=32M,heap.initial=2M,gc.mode=stw,gc.generational=false",
    "heap.max=32M,gc.mode=stw,gc.every=3M,gc.promote=2",
    "heap.max=32M,gc.mode=incremental,gc.every=6M,gc.step_bytes=32K,gc.generational=false,"
    "heap.return=false"};

START_TEST(the_same_program_takes_the_same_course) {
  struct course first = run_program(deterministic[_i]), second = run_program(deterministic[_i]);
  ck_assert_uint_gt(first.count, 2);
  ck_assert_uint_eq(first.count, second.count);
  for (unsigned i = 0; i < first.count; i++)
    ck_assert_uint_eq(first.at[i], second.at[i]);
}
END_TEST

/* A table of cells in an order that marking cannot guess, of 32 MB. */
static struct vector *make_table(lull_thread *thread, lull_type cells, lull_type vectors) {
  enum { CELLS = 1000000 };
  struct vector *table = NULL;
  LULL_ROOTS(thread, table);
  table = (struct vector *)lull_new_array(thread, vectors, CELLS);
  for (size_t i = 0; i < CELLS; i++)
    lull_store(thread, table, &table->item[i * 7919 % CELLS],
               (struct cell *)lull_new(thread, cells));
  return table;
}

/* Garbage, and now and then a cell of the table anew, until a cycle is due. */
static void renew_some(lull_heap *heap, lull_thread *thread, lull_type cells,
                       struct vector *table) {
  LULL_ROOTS(thread, table);
  for (size_t i = 0; !lull_should_collect(heap); i++) {
    struct cell *cell = (struct cell *)lull_new(thread, cells);
    EXPECT(cell != NULL);
    if (i % 64 == 0)
      lull_store(thread, table, &table->item[i % table->length], cell);
  }
}

/*
 * Goes through a cycle in steps that have hardly any time; returns how many it took, and the most
 * bytes of work in one of them.
 */
static uint64_t step_through(lull_heap *heap, lull_thread *thread, uint64_t *most) {
  for (uint64_t steps = 1, before = 0;; steps++) {
    if (lull_collect_step(thread, 5 * LU_MICROSECOND))
      return steps;
    uint64_t work = heap->cycle.run.work;
    *most = work - before > *most ? work - before : *most;
    before = work;
  }
}

/*
 * However fast the machine: a step looks at its time often enough to end soon after it. (What a
 * step takes is measured by bench/micro/steps.)
 */
START_TEST(steps_end_soon_after_their_time) {
  static const char *const options[] =
      {"heap.max=256M,gc.mode=incremental,gc.work=0,gc.generational=false",
                                        "heap.max=256M,gc.mode=incremental,gc.work=0,gc.young=8M"};
  lull_heap *heap = heap_with(options[_i]);
  lull_thread *thread = attach(heap);
  lull_type cells = cell_type(heap), vectors = vector_type(heap);
  {
    struct vector *table = make_table(thread, cells, vectors);
    LULL_ROOTS(thread, table);
    unsigned seen_minors = 0;
    for (int i = 0; i < 6; i++) {
      uint64_t most = 0, minors = stats_of(heap).cycles_minor;
      uint64_t steps = step_through(heap, thread, &most);
      ck_assert_uint_gt(steps, 50);
      ck_assert_uint_le(most, 512 << 10);
      seen_minors += stats_of(heap).cycles_minor != minors;
      renew_some(heap, thread, cells, table);
    }
    ck_assert_int_eq(seen_minors != 0, _i);
  }
  end_heap(heap, thread);
}
END_TEST

/* Steps until a cycle is under way and not over. */
static void stop_inside_a_cycle(lull_heap *heap, lull_thread *thread) {
  lull_collect_start(heap);
  for (int i = 0; i < 10000; i++)
    if (!lull_collect_step(thread, 20 * LU_MICROSECOND) && under_way(heap))
      return;
    else if (!under_way(heap))
      lull_collect_start(heap);
  ck_abort_msg("no step ended inside a cycle");
}

START_TEST(an_embedder_drives) {
  lull_heap *heap =
      heap_with("heap.max=128M,gc.mode=incremental,gc.work=0,gc.every=1M,verify=cycle");
  lull_thread *thread = attach(heap);
  lull_type type = cell_type(heap);
  {
    struct cell *kept = NULL;
    LULL_ROOTS(thread, kept);
    kept = make_list(thread, type, 200000, 0);
    make_list(thread, type, 500000, 0);
    ck_assert_uint_eq(stats_of(heap).cycles_started, 0);
    for (int round = 0; round < 5; round++) {
      unsigned steps = 1;
      while (!lull_collect_step(thread, 50 * LU_MICROSECOND))
        steps++;
      ck_assert_uint_gt(steps, 3);
      ck_assert_uint_eq(stats_of(heap).cycles, (unsigned)round + 1);
      check_list(kept, 200000, 0);
      lull_collect_start(heap);
    }
    while (!lull_collect_step(thread, 50 * LU_MICROSECOND))
      ;
    ck_assert_uint_eq(stats_of(heap).bytes_live, 200000 * sizeof(struct cell));
  }
  /* Nothing is enough to get on. */
  lull_collect_start(heap);
  while (!lull_collect_step(thread, 0))
    ;
  ck_assert_int_eq(lull_blocked_begin(thread), LULL_OK);
  ck_assert(!lull_collect_step(thread, 1000));
  ck_assert_int_eq(lull_last_error(), LULL_E_STATE);
  ck_assert_int_eq(lull_blocked_end(thread), LULL_OK);
  for (int mode = LULL_CONCURRENT; mode <= LULL_STOP_THE_WORLD; mode += 2) {
    ck_assert_int_eq(lull_heap_set_mode(heap, (lull_mode)mode), LULL_OK);
    ck_assert(!lull_collect_step(thread, 1000));
    ck_assert_int_eq(lull_last_error(), LULL_E_STATE);
  }
  end_heap(heap, thread);
}
END_TEST

/* At the limit the allocator drives to the end by itself, also where allocation takes no steps. */
START_TEST(the_limit_drives) {
  lull_heap *heap = heap_with(_i == 0 ? "heap.max=8M,gc.mode=incremental,gc.work=0"
                              : "heap.max=8M,gc.mode=incremental,gc.work=10%");
  lull_thread *thread = attach(heap);
  lull_type type = cell_type(heap);
  struct cell *kept = NULL;
  {
    LULL_ROOTS(thread, kept);
    kept = make_list(thread, type, 50000, 3);
    for (int i = 0; i < 2000000; i++)
      EXPECT(lull_new(thread, type) != NULL);
    check_list(kept, 50000, 3);
  }
  lull_stats stats = stats_of(heap);
  ck_assert_uint_gt(stats.cycles, 3);
  ck_assert_uint_gt(stats.stalls, _i == 0 ? 3 : 0);
  ck_assert_uint_eq(stats.stall_failures, 0);
  end_heap(heap, thread);
}
END_TEST

/* What may happen to a cycle that is under way. */
enum fate { COLLECT, VERIFY, CONCURRENT, STOP_THE_WORLD, DETACH, DESTROY, FATES };

START_TEST(a_cycle_under_way_is_ended) {
  lull_heap *heap =
      heap_with("heap.max=128M,gc.mode=incremental,gc.work=0,verify=cycle,stress.scribble=true");
  lull_thread *thread = attach(heap);
  lull_type type = cell_type(heap);
  lull_handle *handle = lull_handle_new(thread, make_list(thread, type, 200000, 5));
  make_list(thread, type, 100000, 0);
  for (int round = 0; round < 3; round++) {
    stop_inside_a_cycle(heap, thread);
    uint64_t begun = atomic_load(&heap->cycle.begun);
    switch ((enum fate)_i) {
    case COLLECT:
      ck_assert_int_eq(lull_collect(thread), LULL_OK);
      ck_assert_uint_gt(atomic_load(&heap->cycle.ended), begun);
      break;
    case VERIFY:
      ck_assert_int_eq(lull_verify(thread), LULL_OK);
      break;
    case CONCURRENT:
      ck_assert_int_eq(lull_heap_set_mode(heap, LULL_CONCURRENT), LULL_OK);
      lull_collect_start(heap);
      while (atomic_load(&heap->cycle.ended) <= begun)
        lull_poll(thread);
      await_collector_threads(1);
      ck_assert_int_eq(lull_heap_set_mode(heap, LULL_INCREMENTAL), LULL_OK);
      await_collector_threads(0);
      break;
    case STOP_THE_WORLD:
      ck_assert_int_eq(lull_heap_set_mode(heap, LULL_STOP_THE_WORLD), LULL_OK);
      make_list(thread, type, 10000, 0);
      ck_assert(!under_way(heap));
      ck_assert_int_eq(lull_collect(thread), LULL_OK);
      ck_assert_int_eq(lull_heap_set_mode(heap, LULL_INCREMENTAL), LULL_OK);
      break;
    case DETACH:
      ck_assert_int_eq(lull_detach(thread), LULL_OK);
      ck_assert(under_way(heap));
      thread = attach(heap);
      while (!lull_collect_step(thread, LU_MILLISECOND))
        ;
      break;
    case DESTROY:
      end_heap(heap, thread);
      return;
    case FATES:
      break;
    }
    ck_assert_uint_ge(atomic_load(&heap->cycle.ended), begun);
    check_list((struct cell *)lull_handle_get(thread, handle), 200000, 5);
  }
  ck_assert_int_eq(lull_handle_release(thread, handle), LULL_OK);
  ck_assert_int_eq(lull_collect(thread), LULL_OK);
  ck_assert_uint_eq(stats_of(heap).bytes_live, 0);
  end_heap(heap, thread);
}
END_TEST

struct worker {
  lull_heap *heap;
  lull_type type;
  lull_handle *shared;
  unsigned number, seed;
};

static atomic_bool over;

/* Keeps a list of its own, passes others on. */
static void *work(void *arg) {
  struct worker *worker = arg;
  lull_thread *thread = attach(worker->heap);
  {
    struct cell *mine = NULL, *theirs = NULL;
    LULL_ROOTS(thread, mine, theirs);
    for (unsigned round = 0; !atomic_load(&over); round++) {
      uint64_t first = (uint64_t)worker->number << 40 | (uint64_t)(round / 8) << 12;
      if (round % 8 == 0)
        mine = make_list(thread, worker->type, 400, first);
      make_list(thread, worker->type, 400, 0);
      theirs = (struct cell *)lull_handle_get(thread, worker->shared);
      lull_handle_set(thread, worker->shared, mine);
      if (theirs != NULL)
        check_list(theirs, 400, theirs->value);
      check_list(mine, 400, first);
      if (rand_r(&worker->seed) % 64 == 0)
        ck_assert_int_eq(lull_collect(thread), LULL_OK);
      if (rand_r(&worker->seed) % 64 == 0 && lull_heap_mode(worker->heap) == LULL_INCREMENTAL)
        lull_collect_step(thread, 30 * LU_MICROSECOND);
      if (rand_r(&worker->seed) % 32 == 0) {
        ck_assert_int_eq(lull_blocked_begin(thread), LULL_OK);
        usleep(200);
        ck_assert_int_eq(lull_blocked_end(thread), LULL_OK);
      }
    }
  }
  ck_assert_int_eq(lull_detach(thread), LULL_OK);
  return NULL;
}

static const char *const restless[] = {
    "heap.max=64M,gc.every=256K,verify=cycle,stress.scribble=true",
    "heap.max=16M,verify=phase,stress.packet=2,gc.helpers=1",
    "heap.max=64M,gc.every=256K,gc.step_bytes=4K,stress.membarrier=false,stress.delay=50us,"
    "gc.promote=2,gc.young=512K",
    "heap.max=64M,stress.loop=true,stress.epoch_bits=4,gc.step=20us,stress.scribble=true,"
    "verify=cycle"};
#define RESTLESS ((int)(sizeof restless / sizeof restless[0]))

/*
 * The mode changes all the time, by a thread that is BLOCKED, until cycles have ended in each of
 * them.
 */
START_TEST(changing_all_the_time_loses_nothing) {
  enum { THREADS = 4 };
  lull_heap *heap = heap_with(restless[_i]);
  lull_thread *thread = attach(heap);
  struct worker workers[THREADS];
  pthread_t threads[THREADS];
  lull_handle *shared = lull_handle_new(thread, NULL);
  lull_type type = cell_type(heap);
  unsigned seed = 5, seen[LULL_STOP_THE_WORLD + 1] = {0};
  atomic_store(&over, false);
  for (unsigned i = 0; i < THREADS; i++) {
    workers[i] = (struct worker){heap, type, shared, i + 1, i + 1};
    ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
  }
  ck_assert_int_eq(lull_blocked_begin(thread), LULL_OK);
  for (int i = 0; i < 400 || seen[0] == 0 || seen[1] == 0 || seen[2] == 0; i++) {
    lull_mode mode = (lull_mode)((unsigned)rand_r(&seed) % 3);
    ck_assert_int_eq(lull_heap_set_mode(heap, mode), LULL_OK);
    uint64_t before = stats_of(heap).cycles;
    if (rand_r(&seed) % 4 == 0)
      lull_collect_start(heap);
    usleep((unsigned)rand_r(&seed) % 8000);
    seen[mode] += stats_of(heap).cycles != before;
  }
  atomic_store(&over, true);
  for (unsigned i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  ck_assert_int_eq(lull_blocked_end(thread), LULL_OK);
  ck_assert_uint_eq(stats_of(heap).stall_failures, 0);
  ck_assert_int_eq(lull_verify(thread), LULL_OK);
  ck_assert_int_eq(lull_handle_release(thread, shared), LULL_OK);
  ck_assert_int_eq(lull_collect(thread), LULL_OK);
  ck_assert_uint_eq(stats_of(heap).bytes_live, 0);
  end_heap(heap, thread);
}
END_TEST

/* Somebody else: attached, and RUNNING without a poll, or BLOCKED. */
struct other {
  lull_heap *heap;
  bool blocks;
  atomic_bool attached, go_on;
};

static void *be_there(void *arg) {
  struct other *other = arg;
  lull_thread *thread = attach(other->heap);
  struct cell *mine = NULL;
  {
    LULL_ROOTS(thread, mine);
    mine = make_list(thread, 1, 1000, 9);
    if (other->blocks)
      ck_assert_int_eq(lull_blocked_begin(thread), LULL_OK);
    atomic_store(&other->attached, true);
    while (!atomic_load(&other->go_on))
      sched_yield();
    if (other->blocks)
      ck_assert_int_eq(lull_blocked_end(thread), LULL_OK);
    lull_poll(thread);
    check_list(mine, 1000, 9);
  }
  ck_assert_int_eq(lull_detach(thread), LULL_OK);
  return NULL;
}

static pthread_t start_other(struct other *other) {
  pthread_t id;
  ck_assert_int_eq(pthread_create(&id, NULL, be_there, other), 0);
  while (!atomic_load(&other->attached))
    sched_yield();
  return id;
}

START_TEST(steps_serve_who_is_blocked) {
  lull_heap *heap = heap_with("heap.max=64M,heap.initial=2M,gc.mode=incremental,verify=cycle,"
                              "stress.scribble=true");
  lull_thread *thread = attach(heap);
  lull_type type = cell_type(heap);
  struct other other = {.heap = heap, .blocks = true};
  pthread_t id = start_other(&other);
  churn(heap, thread, type, 5);
  atomic_store(&other.go_on, true);
  pthread_join(id, NULL);
  end_heap(heap, thread);
}
END_TEST

/* No step waits for a thread that does not poll; the cycle goes on when it does. */
START_TEST(steps_wait_for_nobody) {
  lull_heap *heap = heap_with("heap.max=256M,heap.initial=2M,gc.mode=incremental,watchdog=0");
  lull_thread *thread = attach(heap);
  lull_type type = cell_type(heap);
  struct other other = {.heap = heap};
  pthread_t id = start_other(&other);
  make_list(thread, type, 400000, 0);
  lull_stats stats = stats_of(heap);
  ck_assert_uint_eq(stats.cycles_started, 1);
  ck_assert_uint_eq(stats.cycles, 0);
  ck_assert_uint_eq(stats.stalls, 0);
  ck_assert_uint_gt(stats.step.count, 10);
  atomic_store(&other.go_on, true);
  churn(heap, thread, type, 3);
  pthread_join(id, NULL);
  ck_assert_int_eq(lull_verify(thread), LULL_OK);
  end_heap(heap, thread);
}
END_TEST

static void *ask(void *arg) {
  lull_heap *heap = arg;
  lull_thread *thread = attach(heap);
  ck_assert_int_eq(lull_collect(thread), LULL_E_PROGRESS);
  ck_assert_int_eq(lull_detach(thread), LULL_OK);
  return NULL;
}

/*
 * The world does not stop for one who asks; meanwhile the mode changes, and another asks for the
 * same cycle. That one gets it: what the first gave up was waiting, not the request.
 */
START_TEST(a_request_outlives_a_stop_that_fails) {
  lull_heap *heap = heap_with("heap.max=64M,gc.mode=stw,stall.timeout=300ms,watchdog=0");
  lull_thread *thread = attach(heap);
  cell_type(heap);
  struct other other = {.heap = heap};
  pthread_t id = start_other(&other), asking;
  ck_assert_int_eq(pthread_create(&asking, NULL, ask, heap), 0);
  while (atomic_load(&heap->cycle.wanted) == 0)
    sched_yield();
  ck_assert_int_eq(lull_blocked_begin(thread), LULL_OK);
  ck_assert_int_eq(lull_heap_set_mode(heap, LULL_CONCURRENT), LULL_OK);
  pthread_join(asking, NULL);
  ck_assert_int_eq(lull_blocked_end(thread), LULL_OK);
  ck_assert_uint_eq(atomic_load(&heap->cycle.wanted), 1);
  atomic_store(&other.go_on, true);
  pthread_join(id, NULL);
  ck_assert(lu_cycle_wait(lu_mutator_of(thread), 1, LU_CAUSE_EXPLICIT));
  end_heap(heap, thread);
}
END_TEST

/*
 * Polls until the window is behind the thread. A poll that takes a step may go on from there to the
 * end of the cycle, where nobody is waited for.
 */
static void poll_through_the_window(lull_heap *heap, lull_thread *thread) {
  while (lu_mutator_of(thread)->phase != LU_TRACE && atomic_load(&heap->cycle.ended) == 0)
    lull_poll(thread);
}

static void *fill(void *arg) {
  lull_heap *heap = arg;
  lull_thread *thread = attach(heap);
  {
    struct cell *mine = NULL;
    LULL_ROOTS(thread, mine);
    mine = make_list(thread, 1, 200000, 0);
    check_list(mine, 200000, 0);
  }
  ck_assert_int_eq(lull_detach(thread), LULL_OK);
  return NULL;
}

static atomic_bool collected;

static void *collect_once(void *arg) {
  lull_thread *thread = attach(arg);
  ck_assert_int_eq(lull_collect(thread), LULL_OK);
  atomic_store(&collected, true);
  ck_assert_int_eq(lull_detach(thread), LULL_OK);
  return NULL;
}

/*
 * One thread drives a cycle to its end, which another, who does not poll, puts off. A third one
 * that waits for memory has it as soon as there is some.
 */
START_TEST(memory_is_had_while_another_drives) {
  lull_heap *heap = heap_with("heap.max=32M,gc.mode=incremental,gc.work=0,watchdog=0,"
                              "stall.timeout=300s");
  lull_thread *thread = attach(heap);
  cell_type(heap);
  ck_assert_int_eq(lull_detach(thread), LULL_OK);
  lull_pacing pacing = {.struct_size = sizeof pacing};
  ck_assert_int_eq(lull_heap_pacing(heap, &pacing), LULL_OK);
  pacing.hard_limit = 2 << 20;
  ck_assert_int_eq(lull_heap_set_pacing(heap, &pacing), LULL_OK);
  struct other other = {.heap = heap};
  pthread_t id = start_other(&other), collects, fills;
  atomic_store(&collected, false);
  ck_assert_int_eq(pthread_create(&collects, NULL, collect_once, heap), 0);
  while (stats_of(heap).cycles_started == 0)
    sched_yield();
  ck_assert_int_eq(pthread_create(&fills, NULL, fill, heap), 0);
  while (stats_of(heap).stalls == 0)
    sched_yield();
  pacing.hard_limit = 32 << 20;
  ck_assert_int_eq(lull_heap_set_pacing(heap, &pacing), LULL_OK);
  pthread_join(fills, NULL);
  ck_assert(!atomic_load(&collected));
  atomic_store(&other.go_on, true);
  pthread_join(id, NULL);
  pthread_join(collects, NULL);
  end_heap(heap, NULL);
}
END_TEST

static void *poll_only(void *arg) {
  struct other *other = arg;
  lull_thread *thread = attach(other->heap);
  atomic_store(&other->attached, true);
  while (!atomic_load(&other->go_on))
    sched_yield();
  poll_through_the_window(other->heap, thread);
  ck_assert_int_eq(lull_detach(thread), LULL_OK);
  return NULL;
}

/* Steps until the cycle is over, of which there is one. */
static void step_through_one(lull_heap *heap, lull_thread *thread, bool minor) {
  lull_stats before = stats_of(heap);
  while (!lull_collect_step(thread, 100 * LU_MICROSECOND))
    ;
  lull_stats stats = stats_of(heap);
  ck_assert_uint_eq(stats.cycles, before.cycles + 1);
  ck_assert_uint_eq(stats.cycles_minor, before.cycles_minor + minor);
}

static const struct {
  const char *options;
  bool minors;
} idlers[] = {{"heap.max=128M,gc.mode=incremental,gc.work=0,gc.young=8M,verify=cycle", true},
              {"heap.max=128M,gc.mode=incremental,gc.work=0,gc.generational=false,verify=cycle",
               false}};

/* What an embedder's step begins when nothing is due: what the pacer plans, or nothing. */
START_TEST(an_idle_program_does_not_collect) {
  lull_heap *heap = heap_with(idlers[_i].options);
  lull_thread *thread = attach(heap);
  lull_type type = cell_type(heap);
  ck_assert(lull_collect_step(thread, LU_SECOND));
  make_list(thread, type, 20000, 0);
  ck_assert(lull_collect_step(thread, LU_SECOND));
  ck_assert_uint_eq(stats_of(heap).cycles_started, 0);
  {
    struct cell *kept = NULL;
    LULL_ROOTS(thread, kept);
    kept = make_list(thread, type, 200000, 0);
    ck_assert_int_eq(lull_collect(thread), LULL_OK);
    for (int round = 0; round < 5; round++) {
      make_list(thread, type, 200000, 0);
      step_through_one(heap, thread, idlers[_i].minors);
      lull_stats before = stats_of(heap);
      for (int i = 0; i < 100; i++)
        ck_assert(lull_collect_step(thread, LU_MILLISECOND));
      ck_assert_uint_eq(stats_of(heap).cycles_started, before.cycles_started);
      ck_assert_uint_eq(stats_of(heap).step.count, before.step.count);
      lull_collect_start(heap);
      step_through_one(heap, thread, false);
      check_list(kept, 200000, 0);
    }
  }
  end_heap(heap, thread);
}
END_TEST

/*
 * Nobody allocates, nobody steps: polls alone bring the cycle through the window, in which every
 * store is slow.
 */
START_TEST(the_window_does_not_stay_open) {
  lull_heap *heap = heap_with("heap.max=64M,heap.initial=16M,gc.mode=incremental,watchdog=0");
  lull_thread *thread = attach(heap);
  cell_type(heap);
  struct other other = {.heap = heap};
  pthread_t id;
  ck_assert_int_eq(pthread_create(&id, NULL, poll_only, &other), 0);
  while (!atomic_load(&other.attached))
    sched_yield();
  lull_collect_start(heap);
  ck_assert(!lull_collect_step(thread, LU_SECOND));
  ck_assert_int_eq(heap->cycle.run.stage, LU_STAGE_WINDOW);
  atomic_store(&other.go_on, true);
  poll_through_the_window(heap, thread);
  ck_assert_int_eq(lull_blocked_begin(thread), LULL_OK);
  pthread_join(id, NULL);
  ck_assert_int_eq(lull_blocked_end(thread), LULL_OK);
  ck_assert_int_eq(lull_collect(thread), LULL_OK);
  end_heap(heap, thread);
}
END_TEST

static void *block_when_told(void *arg) {
  struct other *other = arg;
  lull_thread *thread = attach(other->heap);
  atomic_store(&other->attached, true);
  while (!atomic_load(&other->go_on))
    sched_yield();
  ck_assert_int_eq(lull_blocked_begin(thread), LULL_OK);
  atomic_store(&other->attached, false);
  while (atomic_load(&other->go_on))
    sched_yield();
  ck_assert_int_eq(lull_blocked_end(thread), LULL_OK);
  ck_assert_int_eq(lull_detach(thread), LULL_OK);
  return NULL;
}

static bool in_window(const lull_thread *thread) { return thread->pass_epoch == LULL_PASS_NEVER; }

static void store_until_out_of_window(lull_heap *heap, lull_thread *thread, struct other *other) {
  struct cell *cell = NULL;
  LULL_ROOTS(thread, cell);
  cell = make_list(thread, 1, 1, 0);
  lull_collect_start(heap);
  ck_assert(!lull_collect_step(thread, LU_SECOND));
  ck_assert(in_window(thread));
  atomic_store(&other->go_on, true);
  while (atomic_load(&other->attached))
    sched_yield();
  for (unsigned stores = 0; in_window(thread); stores++) {
    ck_assert_uint_lt(stores, 1000);
    lull_store(thread, cell, &cell->next, NULL);
    lull_poll(thread);
  }
}

/*
 * The last to acknowledge takes no step, because it blocks. The thread that has acknowledged before
 * is asked for nothing and allocates nothing, but stores: it brings the cycle through the window
 * all the same.
 */
START_TEST(stores_close_the_window) {
  lull_heap *heap = heap_with("heap.max=64M,heap.initial=16M,gc.mode=incremental,watchdog=0");
  lull_thread *thread = attach(heap);
  struct other other = {.heap = heap};
  pthread_t id;
  cell_type(heap);
  ck_assert_int_eq(pthread_create(&id, NULL, block_when_told, &other), 0);
  while (!atomic_load(&other.attached))
    sched_yield();
  store_until_out_of_window(heap, thread, &other);
  atomic_store(&other.go_on, false);
  pthread_join(id, NULL);
  ck_assert_int_eq(lull_collect(thread), LULL_OK);
  end_heap(heap, thread);
}
END_TEST

START_TEST(a_step_may_take_all_the_time_there_is) {
  lull_heap *heap = heap_with("heap.max=64M,gc.mode=incremental,gc.work=0");
  lull_thread *thread = attach(heap);
  make_list(thread, cell_type(heap), 1000, 0);
  lull_collect_start(heap);
  ck_assert(lull_collect_step(thread, UINT64_MAX));
  ck_assert_uint_eq(stats_of(heap).cycles, 1);
  end_heap(heap, thread);
}
END_TEST

/*
 * A cycle was begun while steps were the embedder's alone; when allocation is to take them, it
 * does.
 */
START_TEST(steps_can_be_wanted_later) {
  lull_heap *heap = heap_with("heap.max=256M,heap.initial=4M,gc.mode=incremental,gc.work=0,"
                              "gc.generational=false");
  lull_thread *thread = attach(heap);
  lull_type type = cell_type(heap);
  struct cell *list = NULL;
  {
    LULL_ROOTS(thread, list);
    list = make_list(thread, type, 100000, 0);
    ck_assert(!lull_collect_step(thread, 1));
    lull_pacing pacing = {.struct_size = sizeof pacing};
    ck_assert_int_eq(lull_heap_pacing(heap, &pacing), LULL_OK);
    pacing.work = 200;
    ck_assert_int_eq(lull_heap_set_pacing(heap, &pacing), LULL_OK);
    for (int i = 0; i < 100; i++)
      make_list(thread, type, 20000, 0);
    ck_assert_uint_gt(stats_of(heap).cycles, 1);
    ck_assert_uint_eq(stats_of(heap).stalls, 0);
    check_list(list, 100000, 0);
  }
  end_heap(heap, thread);
}
END_TEST

/* The collector thread comes when a cycle is due that is worth it, and not before. */
START_TEST(a_second_thread_brings_the_collector) {
  lull_heap *heap = heap_with("heap.max=64M,heap.initial=2M,gc.thread_from=32M");
  lull_thread *thread = attach(heap);
  lull_type type = cell_type(heap);
  ck_assert_int_eq(collector_threads(), 0);
  churn(heap, thread, type, 5);
  ck_assert_int_eq(lull_collect(thread), LULL_OK);
  ck_assert_int_eq(collector_threads(), 0);
  struct other other = {.heap = heap, .blocks = true};
  pthread_t id = start_other(&other);
  churn(heap, thread, type, 2);
  await_collector_threads(1);
  atomic_store(&other.go_on, true);
  pthread_join(id, NULL);
  end_heap(heap, thread);
  await_collector_threads(0);
}
END_TEST

START_TEST(a_large_heap_brings_the_collector) {
  lull_heap *heap = heap_with("heap.max=128M,heap.initial=2M,gc.thread_from=8M");
  lull_thread *thread = attach(heap);
  lull_type type = cell_type(heap);
  struct cell *kept = NULL;
  {
    LULL_ROOTS(thread, kept);
    kept = make_list(thread, type, 40000, 0);
    churn(heap, thread, type, 3);
    ck_assert_int_eq(collector_threads(), 0);
    kept = make_list(thread, type, 600000, 0);
    churn(heap, thread, type, 3);
    await_collector_threads(1);
    check_list(kept, 600000, 0);
  }
  end_heap(heap, thread);
}
END_TEST

START_TEST(asking_brings_the_collector) {
  lull_heap *heap = heap_with("heap.max=64M,heap.initial=2M,gc.thread_from=1G");
  lull_thread *thread = attach(heap);
  ck_assert_int_eq(collector_threads(), 0);
  lull_collect_start(heap);
  while (stats_of(heap).cycles == 0)
    lull_poll(thread);
  await_collector_threads(1);
  end_heap(heap, thread);
  heap = heap_with("heap.max=64M,heap.initial=2M,gc.thread_from=0");
  await_collector_threads(1);
  end_heap(heap, NULL);
}
END_TEST

static atomic_int refusals;

static void count_refusals(const char *line, void *data) {
  (void)data;
  if (strstr(line, "no collector thread") != NULL)
    atomic_fetch_add(&refusals, 1);
}

START_TEST(without_a_thread_to_be_had_allocation_collects) {
  atomic_store(&refusals, 0);
  lull_log_to(count_refusals, NULL);
  lull_heap *heap = heap_with("heap.max=64M,heap.initial=2M,gc.thread_from=1M,fault.spawn=1,"
                              "verify=cycle,log=gc=warning");
  lull_thread *thread = attach(heap);
  lull_type type = cell_type(heap);
  churn(heap, thread, type, 5);
  ck_assert_int_eq(lull_collect(thread), LULL_OK);
  ck_assert_int_eq(collector_threads(), 0);
  ck_assert_int_eq(atomic_load(&refusals), 1);
  lu_fault_arm(LU_FAULT_SPAWN, 0, false);
  churn(heap, thread, type, 2);
  await_collector_threads(1);
  ck_assert_int_eq(atomic_load(&refusals), 1);
  end_heap(heap, thread);
  lull_log_to(NULL, NULL);
}
END_TEST

int main(void) {
  Suite *suite = new_suite("modes");
  ADD_CASE(suite, modes_are_what_was_asked_for, 0, 1);
  ADD_CASE(suite, a_single_thread_stays_alone, 0, THREADLESS);
  ADD_CASE(suite, the_same_program_takes_the_same_course, 0,
           (int)(sizeof deterministic / sizeof deterministic[0]));
  ADD_CASE(suite, steps_end_soon_after_their_time, 0, 2);
  ADD_CASE(suite, an_embedder_drives, 0, 1);
  ADD_CASE(suite, an_idle_program_does_not_collect, 0, 2);
  ADD_CASE(suite, the_limit_drives, 0, 2);
  ADD_CASE(suite, a_cycle_under_way_is_ended, 0, FATES);
  ADD_CASE(suite, changing_all_the_time_loses_nothing, 0, RESTLESS);
  ADD_CASE(suite, steps_serve_who_is_blocked, 0, 1);
  ADD_CASE(suite, steps_wait_for_nobody, 0, 1);
  ADD_CASE(suite, a_request_outlives_a_stop_that_fails, 0, 1);
  ADD_CASE(suite, memory_is_had_while_another_drives, 0, 1);
  ADD_CASE(suite, the_window_does_not_stay_open, 0, 1);
  ADD_CASE(suite, stores_close_the_window, 0, 1);
  ADD_CASE(suite, a_step_may_take_all_the_time_there_is, 0, 1);
  ADD_CASE(suite, steps_can_be_wanted_later, 0, 1);
  ADD_CASE(suite, a_second_thread_brings_the_collector, 0, 1);
  ADD_CASE(suite, a_large_heap_brings_the_collector, 0, 1);
  ADD_CASE(suite, asking_brings_the_collector, 0, 1);
  ADD_CASE(suite, without_a_thread_to_be_had_allocation_collects, 0, 1);
  return run_suite(suite);
}
