/*
 * tests/test_threads_stop.c: stopping the world: alone, under load, in two heaps at once, beside
 * handshakes of another heap. While a heap is stopped its threads' plain words are read, which
 * fails under ThreadSanitizer, or by their values, if a thread is not stopped. Each test runs with
 * membarrier and without (_i = 0).
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "support/clock.h"
#include "support/random.h"
#include "tests/suite.h"
#include "tests/threads_fake.h"
#include "threads/blocked.h"
#include "threads/handshake.h"
#include "threads/stop.h"

enum { MOST = 32 };

static pthread_t threads[MOST];
static struct lull_heap *heap, *other;
static _Atomic uint32_t ready, stop, released;
static _Atomic uint64_t seeds;

static void start(unsigned n, void *(*fn)(void *), void *arg) {
  for (unsigned i = 0; i < n; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, fn, arg), 0);
}

static void finish(unsigned n) {
  for (unsigned i = 0; i < n; i++)
    ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}

struct sum { uint64_t threads, work; };

static void add_up(struct lu_thread *thread, void *arg) {
  struct sum *sum = arg;
  struct fake_thread *fake = (struct fake_thread *)thread;
  LU_CHECK(!fake->inside, "a stopped thread is inside");
  sum->threads++;
  sum->work += fake->work;
}

/* Stops the heap, checks that it stands still, and resumes it. Returns the number of threads. */
static uint64_t stop_and_check(struct lull_heap *of) {
  struct sum before = {0}, after = {0};
  LU_CHECK(lu_stop_the_world(&of->registry, FAKE_PATIENT), "the world did not stop");
  lu_stopped_each(&of->registry, add_up, &before);
  for (int i = 0; i < 5; i++)
    sched_yield();
  lu_stopped_each(&of->registry, add_up, &after);
  LU_CHECK(before.threads == after.threads && before.work == after.work,
           "a thread went on while it was stopped");
  lu_resume_the_world(&of->registry);
  return before.threads;
}

/* Polls or blocks in turn, in both heaps if there are two; attaches anew now and then. */
static void *mutate(void *arg) {
  (void)arg;
  uint64_t random = atomic_fetch_add(&seeds, 1);
  atomic_fetch_add(&ready, 1);
  while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
    lull_thread *thread = fake_attach(heap), *second = other != NULL ? fake_attach(other) : NULL;
    for (uint64_t n = lu_random_step(&random) % 64; n > 0; n--) {
      fake_work(thread, 10);
      if (second != NULL)
        fake_work(second, 10);
      if (lu_random_step(&random) % 4 == 0) {
        LU_CHECK(lull_blocked_begin(thread) == LULL_OK, "begin");
        sched_yield();
        LU_CHECK(lull_blocked_end(thread) == LULL_OK, "end");
      } else {
        lull_poll(thread);
      }
    }
    fake_detach(thread);
    if (second != NULL)
      fake_detach(second);
  }
  return NULL;
}

START_TEST(stop_under_load) {
  enum { N = 16 };
  heap = fake_heap_new(_i, FAKE_PATIENT);
  start(N, mutate, NULL);
  fake_await(&ready, N);
  uint64_t stopped = 0;
  for (int i = 0; i < 100 || stopped < 200; i++) {
    stopped += stop_and_check(heap);
    if (i % 4 == 0)
      fake_handshake(heap);
  }
  stop = 1;
  finish(N);
  fake_heap_free(heap);
}
END_TEST

static void *stop_the_other(void *arg) {
  (void)arg;
  uint64_t stopped = 0;
  for (int i = 0; i < 100 || stopped < 100; i++)
    stopped += stop_and_check(other);
  return NULL;
}

static void *handshake_the_other(void *arg) {
  (void)arg;
  uint64_t closures = 0;
  for (int i = 0; i < 100 || closures < 100; i++)
    closures += fake_handshake(other);
  return NULL;
}

/* Every thread is attached to both heaps; one is stopped while the other is stopped or makes
 * handshakes. */
static void in_two_heaps(int i, void *(*drive_other)(void *)) {
  enum { N = 12 };
  heap = fake_heap_new(i, FAKE_PATIENT);
  other = fake_heap_new(!i, FAKE_PATIENT);
  start(N, mutate, NULL);
  fake_await(&ready, N);
  pthread_t driver;
  ck_assert_int_eq(pthread_create(&driver, NULL, drive_other, NULL), 0);
  uint64_t stopped = 0;
  for (int n = 0; n < 100 || stopped < 100; n++)
    stopped += stop_and_check(heap);
  ck_assert_int_eq(pthread_join(driver, NULL), 0);
  stop = 1;
  finish(N);
  fake_heap_free(heap);
  fake_heap_free(other);
}

START_TEST(stop_of_two_heaps) { in_two_heaps(_i, stop_the_other); }
END_TEST

START_TEST(stop_beside_handshakes) { in_two_heaps(_i, handshake_the_other); }
END_TEST

static void *poll_until_stopped(void *arg) {
  lull_thread *thread = fake_attach(arg), *second = other != NULL ? fake_attach(other) : NULL;
  atomic_fetch_add(&ready, 1);
  while (!atomic_load_explicit(&stop, memory_order_relaxed))
    lull_poll(thread);
  if (second != NULL)
    fake_detach(second);
  fake_detach(thread);
  return NULL;
}

/* A whole handshake of the other heap, and a whole stop of it, while this one is stopped. */
START_TEST(other_heap_goes_on_while_stopped) {
  enum { N = 4 };
  heap = fake_heap_new(_i, FAKE_PATIENT);
  other = fake_heap_new(!_i, FAKE_PATIENT);
  start(N, poll_until_stopped, heap);
  fake_await(&ready, N);
  ck_assert(lu_stop_the_world(&heap->registry, FAKE_PATIENT));
  ck_assert_uint_eq(fake_handshake(other), N);
  ck_assert_uint_eq(other->claimed, N);
  ck_assert_uint_eq(stop_and_check(other), N);
  lu_resume_the_world(&heap->registry);
  ck_assert_uint_eq(fake_handshake(heap), N);
  stop = 1;
  finish(N);
  fake_heap_free(heap);
  fake_heap_free(other);
}
END_TEST

static void *block_until_released(void *arg) {
  lull_thread *thread = fake_attach(arg), *second = fake_attach(other);
  LU_CHECK(lull_blocked_begin(thread) == LULL_OK, "begin");
  atomic_fetch_add(&ready, 1);
  while (atomic_load(&released) == 0)
    sched_yield();
  LU_CHECK(lull_blocked_end(thread) == LULL_OK, "end");
  LU_CHECK(atomic_load(&released) == 2, "a thread has returned into a stopped heap");
  fake_detach(second);
  fake_detach(thread);
  return NULL;
}

/* A thread that waits for the claim of one heap is still served by the other. */
START_TEST(returning_thread_waits_blocked) {
  heap = fake_heap_new(_i, FAKE_PATIENT);
  other = fake_heap_new(!_i, FAKE_PATIENT);
  start(1, block_until_released, heap);
  fake_await(&ready, 1);
  ck_assert(lu_stop_the_world(&heap->registry, FAKE_PATIENT));
  released = 1;
  for (int i = 0; i < 200; i++) {
    sched_yield();
    ck_assert_uint_eq(fake_handshake(other), 1);
  }
  ck_assert_uint_eq(other->claimed, 200);
  released = 2;
  lu_resume_the_world(&heap->registry);
  finish(1);
  fake_heap_free(heap);
  fake_heap_free(other);
}
END_TEST

static void *attach_once(void *arg) {
  atomic_fetch_add(&ready, 1);
  lull_thread *thread = fake_attach(arg);
  LU_CHECK(atomic_load(&released) == 1, "a thread has joined a stopped heap");
  fake_detach(thread);
  return NULL;
}

static void *detach_once(void *arg) {
  lull_thread *thread = fake_attach(arg);
  atomic_fetch_add(&ready, 1);
  while (atomic_load(&heap->registry.stopping) == 0)
    fake_work(thread, 1);
  fake_detach(thread);
  LU_CHECK(atomic_load(&released) == 1, "a thread has left a stopped heap");
  return NULL;
}

START_TEST(joining_and_leaving_wait) {
  heap = fake_heap_new(_i, FAKE_PATIENT);
  start(1, detach_once, heap);
  fake_await(&ready, 1);
  ck_assert(lu_stop_the_world(&heap->registry, FAKE_PATIENT));
  pthread_t joiner;
  ck_assert_int_eq(pthread_create(&joiner, NULL, attach_once, heap), 0);
  fake_await(&ready, 2);
  for (int i = 0; i < 200; i++) {
    sched_yield();
    struct sum sum = {0};
    lu_stopped_each(&heap->registry, add_up, &sum);
    ck_assert_uint_eq(sum.threads, 1);
  }
  released = 1;
  lu_resume_the_world(&heap->registry);
  finish(1);
  ck_assert_int_eq(pthread_join(joiner, NULL), 0);
  fake_heap_free(heap);
}
END_TEST

static void *do_not_poll(void *arg) {
  lull_thread *thread = fake_attach(arg);
  atomic_fetch_add(&ready, 1);
  while (!atomic_load(&released))
    fake_work(thread, 10);
  while (!atomic_load(&stop))
    lull_poll(thread);
  fake_detach(thread);
  return NULL;
}

/* The stop gives up, leaves nothing stopped, and works as soon as the thread polls. */
/*
 * Sees that a stop is asked for, spins until the driver sleeps, then passes a short blocked region,
 * whose entry takes the poll word, and only polls from then on.
 */
static void *pass_a_region(void *arg) {
  lull_thread *thread = fake_attach(heap);
  (void)arg;
  ready = 1;
  while (atomic_load(&heap->registry.stopping) == 0 || *thread->poll_word == 0 ||
         lu_handshake_waiting_ns(&heap->registry) == 0)
    ;
  ck_assert_int_eq(lull_blocked_begin(thread), LULL_OK);
  ck_assert_int_eq(lull_blocked_end(thread), LULL_OK);
  while (!stop)
    lull_poll(thread);
  fake_detach(thread);
  return NULL;
}

START_TEST(a_region_does_not_lose_a_stop) {
  for (int round = 0; round < 10; round++) {
    heap = fake_heap_new(_i, FAKE_PATIENT);
    ready = stop = 0;
    start(1, pass_a_region, NULL);
    fake_await(&ready, 1);
    ck_assert(lu_stop_the_world(&heap->registry, 5 * LU_SECOND));
    lu_resume_the_world(&heap->registry);
    stop = 1;
    finish(1);
    fake_heap_free(heap);
  }
}
END_TEST

START_TEST(stop_gives_up) {
  heap = fake_heap_new(_i, FAKE_PATIENT);
  start(1, do_not_poll, heap);
  pthread_t poller;
  ck_assert_int_eq(pthread_create(&poller, NULL, poll_until_stopped, heap), 0);
  fake_await(&ready, 2);
  ck_assert(!lu_stop_the_world(&heap->registry, 10 * LU_MILLISECOND));
  ck_assert_uint_eq(heap->registry.stopping, 0);
  lull_thread *thread = fake_attach(heap);
  fake_detach(thread);
  released = 1;
  ck_assert_uint_eq(stop_and_check(heap), 2);
  stop = 1;
  finish(1);
  ck_assert_int_eq(pthread_join(poller, NULL), 0);
  fake_heap_free(heap);
}
END_TEST

/* arg is the heap to stop; the thread is attached to both. */
static void *stop_from_inside(void *arg) {
  lull_thread *first = fake_attach(heap), *second = fake_attach(other);
  for (int i = 0; i < 50; i++) {
    LU_CHECK(lull_blocked_begin(first) == LULL_OK, "begin");
    LU_CHECK(stop_and_check(arg) >= 1, "the driver's own attachment is not there");
    LU_CHECK(lull_blocked_end(first) == LULL_OK, "end");
    fake_work(first, 10);
    fake_work(second, 10);
    lull_poll(second);
  }
  fake_detach(first);
  fake_detach(second);
  return NULL;
}

/* Two drivers, both attached to both heaps, stop one each: each is claimed by itself and by the
 * other. */
START_TEST(attached_drivers) {
  heap = fake_heap_new(_i, FAKE_PATIENT);
  other = fake_heap_new(_i, FAKE_PATIENT);
  pthread_t first, second;
  ck_assert_int_eq(pthread_create(&first, NULL, stop_from_inside, heap), 0);
  ck_assert_int_eq(pthread_create(&second, NULL, stop_from_inside, other), 0);
  ck_assert_int_eq(pthread_join(first, NULL), 0);
  ck_assert_int_eq(pthread_join(second, NULL), 0);
  fake_heap_free(heap);
  fake_heap_free(other);
}
END_TEST

int main(void) {
  Suite *suite = new_suite("stop");
  TCase *tcase = tcase_create("stop");
  tcase_add_loop_test(tcase, stop_under_load, 0, 2);
  tcase_add_loop_test(tcase, a_region_does_not_lose_a_stop, 0, 2);
  tcase_add_loop_test(tcase, stop_of_two_heaps, 0, 2);
  tcase_add_loop_test(tcase, stop_beside_handshakes, 0, 2);
  tcase_add_loop_test(tcase, other_heap_goes_on_while_stopped, 0, 2);
  tcase_add_loop_test(tcase, returning_thread_waits_blocked, 0, 2);
  tcase_add_loop_test(tcase, joining_and_leaving_wait, 0, 2);
  tcase_add_loop_test(tcase, stop_gives_up, 0, 2);
  tcase_add_loop_test(tcase, attached_drivers, 0, 2);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
