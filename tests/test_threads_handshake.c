/*
 * tests/test_threads_handshake.c: handshakes. The checks of H.1, H.2 and H.5 are in threads_fake.c
 * and run in each test here; H.3 is what its plain words and ThreadSanitizer check. Each test runs
 * with membarrier and without (_i = 0).
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/clock.h"
#include "support/random.h"
#include "support/tool.h"
#include "tests/suite.h"
#include "tests/threads_fake.h"
#include "threads/blocked.h"
#include "threads/limbo.h"

enum { MOST = 64 };

static pthread_t threads[MOST];

static void start(unsigned n, void *(*fn)(void *), void *arg) {
  for (unsigned i = 0; i < n; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, fn, arg), 0);
}

static void finish(unsigned n) {
  for (unsigned i = 0; i < n; i++)
    ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}

static uint64_t counted(const struct lu_histogram *histogram) {
  lull_histogram copy;
  lu_histogram_copy(histogram, &copy);
  return copy.count;
}

/* Heaps that all threads of a test use, and what they tell each other. */
static struct lull_heap *heap, *other;
static struct lu_lock shared_lock = LU_LOCK_INITIALIZER;
static _Atomic uint32_t ready, stop;
static _Atomic uint64_t seeds;

static void *poll_until_stopped(void *arg) {
  (void)arg;
  lull_thread *thread = fake_attach(heap);
  atomic_fetch_add(&ready, 1);
  while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
    fake_work(thread, 10);
    lull_poll(thread);
  }
  fake_detach(thread);
  return NULL;
}

/* Many more threads than cores, all running: each is asked once a round and the driver leaves
 * them the cores. */
START_TEST(running_threads) {
  enum { N = 24, ROUNDS = 5 };
  heap = fake_heap_new(_i, FAKE_PATIENT);
  start(N, poll_until_stopped, NULL);
  fake_await(&ready, N);
  for (int i = 0; i < ROUNDS; i++)
    ck_assert_uint_eq(fake_handshake(heap), N);
  ck_assert_uint_eq(heap->handshakes, ROUNDS);
  ck_assert_uint_eq(heap->claimed, 0);
  ck_assert_uint_eq(counted(&heap->closure), N * ROUNDS);
  ck_assert_uint_eq(counted(&heap->time_to), N * ROUNDS);
  ck_assert_uint_eq(counted(&heap->caused), N * ROUNDS);
  stop = 1;
  finish(N);
  fake_heap_free(heap);
}
END_TEST

static void *block_until_stopped(void *arg) {
  (void)arg;
  lull_thread *thread = fake_attach(heap);
  ck_assert_int_eq(lull_blocked_begin(thread), LULL_OK);
  atomic_fetch_add(&ready, 1);
  fake_await(&stop, 1);
  ck_assert_int_eq(lull_blocked_end(thread), LULL_OK);
  fake_detach(thread);
  return NULL;
}

static void must_be_driver(struct lu_thread *thread, struct lull_heap *of) {
  (void)thread;
  LU_CHECK(pthread_equal(pthread_self(), of->driver), "a blocked thread ran a closure");
}

/* More than two batches of blocked threads. */
START_TEST(blocked_threads) {
  enum { N = 20, ROUNDS = 20 };
  heap = fake_heap_new(_i, FAKE_PATIENT);
  heap->in_closure = must_be_driver;
  start(N, block_until_stopped, NULL);
  fake_await(&ready, N);
  for (int i = 0; i < ROUNDS; i++)
    ck_assert_uint_eq(fake_handshake(heap), N);
  ck_assert_uint_eq(heap->claimed, N * ROUNDS);
  ck_assert_uint_eq(counted(&heap->closure), N * ROUNDS);
  ck_assert_uint_eq(counted(&heap->caused), 0);
  ck_assert_uint_eq(lu_handshake_waiting_ns(&heap->registry), 0);
  stop = 1;
  finish(N);
  fake_heap_free(heap);
}
END_TEST

/* A thread that returns while the driver acts for it: it must find the closure finished. */
static _Atomic uint32_t acting, returned;

static void act_while_it_returns(struct lu_thread *thread, struct lull_heap *of) {
  if (!pthread_equal(pthread_self(), of->driver))
    return;
  atomic_store(&acting, 1);
  for (int i = 0; i < 200; i++) {
    sched_yield();
    LU_CHECK(atomic_load(&returned) == 0, "a claimed thread has returned");
    LU_CHECK(atomic_load(&thread->os->claims) != 0, "no claim during a closure");
  }
  atomic_store(&acting, 2);
}

static void *return_into_a_claim(void *arg) {
  (void)arg;
  lull_thread *thread = fake_attach(heap);
  while (!atomic_load(&stop)) {
    atomic_store(&returned, 0);
    ck_assert_int_eq(lull_blocked_begin(thread), LULL_OK);
    atomic_store(&ready, 1);
    while (atomic_load(&acting) == 0 && !atomic_load(&stop))
      sched_yield();
    ck_assert_int_eq(lull_blocked_end(thread), LULL_OK);
    LU_CHECK(atomic_load(&acting) != 1, "returned during a closure on its behalf");
    atomic_store(&returned, 1);
    atomic_store(&ready, 0);
    fake_work(thread, 10);
    while (atomic_load(&acting) != 0 && !atomic_load(&stop))
      lull_poll(thread);
  }
  fake_detach(thread);
  return NULL;
}

START_TEST(return_waits_for_the_claim) {
  heap = fake_heap_new(_i, FAKE_PATIENT);
  heap->in_closure = act_while_it_returns;
  start(1, return_into_a_claim, NULL);
  for (int rounds = 0; rounds < 20 || counted(&heap->claim_wait) == 0; rounds++) {
    fake_await(&ready, 1);
    ck_assert_uint_eq(fake_handshake(heap), 1);
    fake_await(&ready, 0);
    atomic_store(&acting, 0);
  }
  stop = 1;
  finish(1);
  fake_heap_free(heap);
}
END_TEST

/* Regions as short as can be, so that claims and returns cross; see C.1. */
static void *block_briefly(void *arg) {
  (void)arg;
  lull_thread *thread = fake_attach(heap);
  atomic_fetch_add(&ready, 1);
  while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
    LU_CHECK(lull_blocked_begin(thread) == LULL_OK, "begin");
    LU_CHECK(lull_blocked_end(thread) == LULL_OK, "end");
    fake_work(thread, 2);
  }
  fake_detach(thread);
  return NULL;
}

/* Lets the thread try to return now and then while it is claimed. */
static void yield_at_times(struct lu_thread *thread, struct lull_heap *of) {
  (void)thread;
  if (of->phase % 4 == 0)
    sched_yield();
}

START_TEST(claims_cross_returns) {
  heap = fake_heap_new(_i, FAKE_PATIENT);
  heap->in_closure = yield_at_times;
  start(1, block_briefly, NULL);
  fake_await(&ready, 1);
  for (unsigned i = 0; i < 10000 || heap->claimed < 20; i++)
    ck_assert_uint_eq(fake_handshake(heap), 1);
  stop = 1;
  finish(1);
  fake_heap_free(heap);
}
END_TEST

/* One safepoint or stretch of work of some kind. */
static void step(lull_thread *thread, uint64_t kind) {
  struct lu_thread *own = lu_own(thread);
  LU_CHECK(own != NULL, "an attachment is not found");
  switch (kind % 8) {
    case 0:
      LU_CHECK(lull_blocked_begin(thread) == LULL_OK, "begin");
      sched_yield();
      LU_CHECK(lull_blocked_end(thread) == LULL_OK, "end");
      break;
    case 1:
      for (int i = 0; i < 3; i++) {
        LU_CHECK(lull_blocked_begin(thread) == LULL_OK, "begin");
        sched_yield();
      }
      for (int i = 0; i < 3; i++)
        LU_CHECK(lull_blocked_end(thread) == LULL_OK, "end");
      break;
    case 2:
      lu_lock_blocking(own, &shared_lock);
      fake_work(thread, 5);
      lu_unlock(&shared_lock);
      break;
    default:
      fake_work(thread, 20);
      lull_poll(thread);
  }
}

/* Joins and leaves one or both heaps again and again. */
static void *storm(void *arg) {
  (void)arg;
  uint64_t random = atomic_fetch_add(&seeds, 1);
  atomic_fetch_add(&ready, 1);
  while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
    lull_thread *thread = fake_attach(heap);
    bool both = other != NULL && lu_random_step(&random) % 2 == 0;
    lull_thread *second = both ? fake_attach(other) : NULL;
    for (uint64_t n = lu_random_step(&random) % 32; n > 0; n--)
      step(second != NULL && n % 2 == 0 ? second : thread, lu_random_step(&random));
    if (second != NULL && lu_random_step(&random) % 2 == 0) {
      fake_detach(second);
      second = NULL;
    }
    fake_detach(thread);
    if (second != NULL)
      fake_detach(second);
  }
  return NULL;
}

/* Rounds until enough of each kind has happened. */
static void drive_storm(struct lull_heap *of, unsigned rounds) {
  uint64_t closures = 0;
  for (unsigned i = 0; i < rounds || closures < 2 * rounds || of->claimed < 20 ||
                       closures - of->claimed < 20;
       i++) {
    closures += fake_handshake(of);
    if (i % 16 == 0)
      sched_yield();
  }
}

START_TEST(joining_and_leaving_storm) {
  enum { N = 16 };
  heap = fake_heap_new(_i, FAKE_PATIENT);
  start(N, storm, NULL);
  fake_await(&ready, N);
  drive_storm(heap, 500);
  stop = 1;
  finish(N);
  fake_heap_free(heap);
}
END_TEST

static void *drive_other(void *arg) {
  (void)arg;
  drive_storm(other, 200);
  return NULL;
}

/* One heap with membarrier, one without, each with its driver. */
START_TEST(storm_in_two_heaps) {
  enum { N = 16 };
  heap = fake_heap_new(_i, FAKE_PATIENT);
  other = fake_heap_new(!_i, FAKE_PATIENT);
  start(N, storm, NULL);
  fake_await(&ready, N);
  pthread_t driver;
  ck_assert_int_eq(pthread_create(&driver, NULL, drive_other, NULL), 0);
  drive_storm(heap, 200);
  ck_assert_int_eq(pthread_join(driver, NULL), 0);
  stop = 1;
  finish(N);
  fake_heap_free(heap);
  fake_heap_free(other);
}
END_TEST

static _Atomic uint64_t seen_by_walk;

static void see(struct lu_thread *thread, void *arg) {
  LU_CHECK(thread->registry == arg, "a walk sees a record of another registry");
  atomic_fetch_add_explicit(&seen_by_walk, 1, memory_order_relaxed);
}

static void *walk(void *arg) {
  (void)arg;
  while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
    lu_registry_each(&heap->registry, see, &heap->registry);
    sched_yield();
  }
  return NULL;
}

START_TEST(walks_during_a_storm) {
  enum { N = 8 };
  heap = fake_heap_new(_i, FAKE_PATIENT);
  start(N, storm, NULL);
  pthread_t walker;
  ck_assert_int_eq(pthread_create(&walker, NULL, walk, NULL), 0);
  fake_await(&ready, N);
  do
    drive_storm(heap, 50);
  while (atomic_load(&seen_by_walk) < 1000);
  stop = 1;
  finish(N);
  ck_assert_int_eq(pthread_join(walker, NULL), 0);
  fake_heap_free(heap);
}
END_TEST

/* A walk that stays at the record of a thread that leaves, until enough have left that somebody
 * would free it. */
static _Atomic uint32_t at_record;

static void stay(struct lu_thread *thread, void *arg) {
  uint64_t enough = *(uint64_t *)arg;
  atomic_store(&at_record, 1);
  while (atomic_load(&heap->destroyed) < enough)
    sched_yield();
  for (int i = 0; i < 200; i++) {
    sched_yield();
    LU_CHECK(thread->registry == &heap->registry && thread->id == 0,
             "a record is freed under a walk");
  }
}

static void *walk_and_stay(void *arg) {
  lu_registry_each(&heap->registry, stay, arg);
  return NULL;
}

START_TEST(walk_keeps_a_record) {
  heap = fake_heap_new(_i, FAKE_PATIENT);
  lull_thread *thread = fake_attach(heap);
  uint64_t enough = LU_LEFT_MOST;
  start(1, walk_and_stay, &enough);
  fake_await(&at_record, 1);
  fake_detach(thread);
  for (unsigned i = 1; i < LU_LEFT_MOST; i++)
    fake_detach(fake_attach(heap));
  finish(1);
  /* The walk is over: the next one that leaves frees them all. */
  fake_detach(fake_attach(heap));
  ck_assert_uint_eq(heap->registry.left_count, 0);
  fake_heap_free(heap);
}
END_TEST

/* The log hook gets the watchdog's line and ends the loop of the thread that it names. */
static char line[1024];
static _Atomic uint32_t named, lines;
static uint64_t waiting_at_line;

static void keep_line(const char *text, void *data) {
  (void)data;
  snprintf(line, sizeof line, "%s", text);
  waiting_at_line = lu_handshake_waiting_ns(&heap->registry);
  atomic_fetch_add(&lines, 1);
  atomic_store(&named, 1);
}

static _Atomic pid_t slow_tid;

static void *loop_without_polls(void *arg) {
  (void)arg;
  ck_assert_int_eq(pthread_setname_np(pthread_self(), "slowcoach"), 0);
  lull_thread *thread = fake_attach(heap);
  slow_tid = gettid();
  atomic_fetch_add(&ready, 1);
  /* Much longer than to the first line, so that a second one would come. */
  while (!atomic_load(&named) || lu_handshake_waiting_ns(&heap->registry) < 40 * LU_MILLISECOND)
    fake_work(thread, 10);
  lull_poll(thread);
  fake_detach(thread);
  return NULL;
}

START_TEST(watchdog) {
  heap = fake_heap_new(_i, 20 * LU_MILLISECOND);
  lull_log_to(keep_line, NULL);
  start(1, loop_without_polls, NULL);
  fake_await(&ready, 1);
  ck_assert_uint_eq(fake_handshake(heap), 1);
  char tid[32];
  snprintf(tid, sizeof tid, "(tid %d)", (int)slow_tid);
  ck_assert_ptr_nonnull(strstr(line, "[warning][handshake"));
  ck_assert_ptr_nonnull(strstr(line, "\"slowcoach\""));
  ck_assert_ptr_nonnull(strstr(line, tid));
  ck_assert_ptr_nonnull(strstr(line, "Test(1)"));
  double ms = 0;
  ck_assert_int_eq(sscanf(strstr(line, "polled for"), "polled for %lf ms", &ms), 1);
  ck_assert(ms >= 20);
  ck_assert_uint_gt(waiting_at_line, 0);
  ck_assert_uint_eq(lines, 1);
  ck_assert_uint_eq(heap->slow_polls, 1);
  ck_assert_uint_eq(lu_handshake_waiting_ns(&heap->registry), 0);
  finish(1);
  fake_heap_free(heap);
}
END_TEST

/* Born, attached, dead: every second one ends attached. */
static void *live_shortly(void *arg) {
  lull_thread *thread = fake_attach(heap);
  fake_work(thread, 1);
  if (arg == NULL)
    fake_detach(thread);
  return NULL;
}

static void births(unsigned n, size_t held) {
  enum { AT_ONCE = 4 };
  for (unsigned i = 0; i < n; i += AT_ONCE) {
    for (unsigned k = 0; k < AT_ONCE; k++) {
      void *end_attached = k % 2 == 0 ? NULL : heap;
      ck_assert_int_eq(pthread_create(&threads[k], NULL, live_shortly, end_attached), 0);
    }
    finish(AT_ONCE);
    lu_lock(&heap->registry.lock);
    ck_assert_uint_lt(heap->registry.left_count, LU_LEFT_MOST);
    ck_assert_uint_le(heap->registry.held_count, held);
    lu_unlock(&heap->registry.lock);
  }
}

/* No handshake ever: threads that leave free what has gathered. */
START_TEST(births_without_handshakes) {
  unsigned n = _i != 0 ? 20000 : 2000;
  heap = fake_heap_new(_i, FAKE_PATIENT);
  births(n, 0);
  ck_assert_uint_eq(heap->ended, n / 2);
  fake_heap_free(heap);
}
END_TEST

/* One handshake is held up by a thread that does not poll. The record of another thread of its
 * snapshot, which leaves, is kept for it, but none of those that are born and die meanwhile. */
static void *drive_once(void *arg) {
  (void)arg;
  ck_assert_uint_eq(fake_handshake(heap), 2);
  return NULL;
}

START_TEST(births_during_a_handshake) {
  heap = fake_heap_new(_i, 0);
  pthread_t slow, polling, driver;
  ck_assert_int_eq(pthread_create(&slow, NULL, loop_without_polls, NULL), 0);
  ck_assert_int_eq(pthread_create(&polling, NULL, poll_until_stopped, NULL), 0);
  fake_await(&ready, 2);
  ck_assert_int_eq(pthread_create(&driver, NULL, drive_once, NULL), 0);
  while (atomic_load(&heap->registry.armed) == 0)
    sched_yield();
  stop = 1;
  ck_assert_int_eq(pthread_join(polling, NULL), 0);
  births(1000, 1);
  ck_assert_uint_eq(heap->registry.held_count, 1);
  atomic_store(&named, 1);
  ck_assert_int_eq(pthread_join(driver, NULL), 0);
  ck_assert_int_eq(pthread_join(slow, NULL), 0);
  ck_assert_uint_eq(heap->registry.held_count, 0);
  ck_assert_uint_eq(heap->slow_polls, 0);  /* the watchdog is off */
  fake_heap_free(heap);
}
END_TEST

static void *drive_until_stopped(void *arg) {
  (void)arg;
  while (!atomic_load(&stop))
    fake_handshake(heap);
  return NULL;
}

START_TEST(births_with_handshakes) {
  heap = fake_heap_new(_i, FAKE_PATIENT);
  pthread_t driver;
  ck_assert_int_eq(pthread_create(&driver, NULL, drive_until_stopped, NULL), 0);
  births(4000, 4);
  stop = 1;
  ck_assert_int_eq(pthread_join(driver, NULL), 0);
  fake_heap_free(heap);
}
END_TEST

int main(void) {
  Suite *suite = new_suite("handshakes");
  TCase *tcase = tcase_create("handshakes");
  tcase_add_loop_test(tcase, running_threads, 0, 2);
  tcase_add_loop_test(tcase, blocked_threads, 0, 2);
  tcase_add_loop_test(tcase, return_waits_for_the_claim, 0, 2);
  tcase_add_loop_test(tcase, claims_cross_returns, 0, 2);
  tcase_add_loop_test(tcase, joining_and_leaving_storm, 0, 2);
  tcase_add_loop_test(tcase, storm_in_two_heaps, 0, 2);
  tcase_add_loop_test(tcase, walks_during_a_storm, 0, 2);
  tcase_add_loop_test(tcase, walk_keeps_a_record, 0, 2);
  tcase_add_loop_test(tcase, watchdog, 0, 2);
  tcase_add_loop_test(tcase, births_without_handshakes, 0, 2);
  tcase_add_loop_test(tcase, births_during_a_handshake, 0, 2);
  tcase_add_loop_test(tcase, births_with_handshakes, 0, 2);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
