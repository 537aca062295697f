/*
 * test_event.c: the event count: values, time limits, and no wake-up lost between many threads. A
 * lost wake-up shows as a wait without end, which Check's time limit turns into a failure.
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/clock.h"
#include "support/event.h"
#include "support/tool.h"
#include "tests/suite.h"

enum { THREADS = 6, ROUNDS = LU_TSAN ? 4000 : 20000 };

static pthread_t start(void *(*run)(void *), void *arg) {
  pthread_t thread;
  ck_assert_int_eq(pthread_create(&thread, NULL, run, arg), 0);
  return thread;
}

START_TEST(signal_changes_the_value) {
  struct lu_event event;
  lu_event_init(&event);
  uint32_t first = lu_event_value(&event);
  ck_assert_uint_eq(lu_event_value(&event), first);
  lu_event_signal(&event);
  ck_assert_uint_ne(lu_event_value(&event), first);
  ck_assert(lu_event_wait(&event, first, LU_FOREVER));
  ck_assert(lu_event_wait(&event, first, 0));
}
END_TEST

START_TEST(wait_ends_at_its_time_limit) {
  struct lu_event event;
  lu_event_init(&event);
  uint32_t value = lu_event_value(&event);
  ck_assert(!lu_event_wait(&event, value, 0));
  static const uint64_t limits[] = {1, 1000, 3 * LU_MILLISECOND, 30 * LU_MILLISECOND};
  for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
    uint64_t before = lu_now_ns();
    ck_assert(!lu_event_wait(&event, value, limits[i]));
    ck_assert_uint_ge(lu_now_ns() - before, limits[i]);
  }
  ck_assert_uint_eq(lu_event_value(&event), value);
}
END_TEST

static void *signal_it(void *arg) {
  lu_event_signal(arg);
  return NULL;
}

START_TEST(the_longest_limit_does_not_overflow) {
  struct lu_event event;
  lu_event_init(&event);
  uint32_t value = lu_event_value(&event);
  pthread_t thread = start(signal_it, &event);
  ck_assert(lu_event_wait(&event, value, LU_FOREVER - 1));
  ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

START_TEST(errno_is_kept) {
  struct lu_event event;
  lu_event_init(&event);
  errno = EXDEV;
  ck_assert(!lu_event_wait(&event, lu_event_value(&event), LU_MILLISECOND));
  ck_assert_int_eq(errno, EXDEV);
  lu_event_signal(&event);
  ck_assert_int_eq(errno, EXDEV);
}
END_TEST

/*
 * A signal that made a value may clear ck's flag for sleepers, and wake, when others wait for the
 * next value already. That must not end their wait. Here the test clears the flag as soon as the
 * waiting thread has set it.
 */
enum { CLEARED = 2000 };
static const uint32_t flag = UINT32_C(1) << 31;

struct sleeper {
  struct lu_event event;
  _Atomic bool awake;
};

static void *sleep_once(void *arg) {
  struct sleeper *sleeper = arg;
  bool changed = lu_event_wait(&sleeper->event, 0, LU_FOREVER);
  atomic_store(&sleeper->awake, true);
  return changed && lu_event_value(&sleeper->event) == 1 ? NULL : arg;
}

START_TEST(a_late_wake_up_of_the_last_signal_ends_no_wait) {
  struct sleeper sleeper = {0};
  lu_event_init(&sleeper.event);
  uint32_t *word = &sleeper.event.count.counter;
  pthread_t thread = start(sleep_once, &sleeper);
  for (int i = 0; i < CLEARED; i++) {
    while (__atomic_load_n(word, __ATOMIC_RELAXED) != flag)
      if (atomic_load(&sleeper.awake))
        ck_abort_msg("the wait ended after %d late wake-ups", i);
    __atomic_and_fetch(word, ~flag, __ATOMIC_RELAXED);
    syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT_MAX, NULL, NULL, 0);
  }
  lu_event_signal(&sleeper.event);
  void *wrong;
  ck_assert_int_eq(pthread_join(thread, &wrong), 0);
  ck_assert_ptr_null(wrong);
}
END_TEST

/* Two threads hand a plain counter to and fro; ThreadSanitizer sees whether the event orders the
 * accesses (E.2). */
struct pair {
  struct lu_event there, back;
  uint64_t passed;
};

static void *echo(void *arg) {
  struct pair *pair = arg;
  uint32_t seen = 0;
  for (int i = 0; i < ROUNDS; i++) {
    ck_assert(lu_event_wait(&pair->there, seen, LU_FOREVER));
    seen = lu_event_value(&pair->there);
    pair->passed++;
    lu_event_signal(&pair->back);
  }
  return NULL;
}

START_TEST(what_came_before_the_signal_is_seen) {
  struct pair pair = {0};
  lu_event_init(&pair.there);
  lu_event_init(&pair.back);
  pthread_t thread = start(echo, &pair);
  for (int i = 0; i < ROUNDS; i++) {
    uint32_t seen = lu_event_value(&pair.back);
    pair.passed++;
    lu_event_signal(&pair.there);
    ck_assert(lu_event_wait(&pair.back, seen, LU_FOREVER));
    ck_assert_uint_eq(pair.passed, 2 * (uint64_t)(i + 1));
  }
  ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

/* Producers put tickets up with relaxed accesses; consumers sleep whenever there is none. All are
 * taken in the end. */
struct tickets {
  struct lu_event event;
  _Atomic int waiting;
  _Atomic int left;
};

static void *produce(void *arg) {
  struct tickets *tickets = arg;
  for (int i = 0; i < ROUNDS; i++) {
    atomic_fetch_add_explicit(&tickets->waiting, 1, memory_order_relaxed);
    lu_event_signal(&tickets->event);
  }
  return NULL;
}

static bool take(struct tickets *tickets) {
  int waiting = atomic_load_explicit(&tickets->waiting, memory_order_relaxed);
  while (waiting > 0)
    if (atomic_compare_exchange_weak_explicit(&tickets->waiting, &waiting, waiting - 1,
                                              memory_order_relaxed, memory_order_relaxed))
      return true;
  return false;
}

static void *consume(void *arg) {
  struct tickets *tickets = arg;
  while (atomic_load(&tickets->left) > 0) {
    uint32_t seen = lu_event_value(&tickets->event);
    if (take(tickets)) {
      if (atomic_fetch_sub(&tickets->left, 1) == 1)
        lu_event_signal(&tickets->event);
    } else if (atomic_load(&tickets->left) > 0) {
      lu_event_wait(&tickets->event, seen, LU_FOREVER);
    }
  }
  return NULL;
}

START_TEST(no_wake_up_is_lost) {
  struct tickets tickets = {.left = THREADS / 2 * ROUNDS};
  lu_event_init(&tickets.event);
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++)
    threads[i] = start(i % 2 == 0 ? consume : produce, &tickets);
  for (int i = 0; i < THREADS; i++)
    ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
  ck_assert_int_eq(tickets.waiting, 0);
}
END_TEST

/* Every round, all waiters must come back from one signal; the last of them starts the next
 * round. */
struct round {
  struct lu_event begin, end;
  _Atomic int arrived;
};

static void *wait_rounds(void *arg) {
  struct round *round = arg;
  uint32_t seen = 0;
  for (int i = 0; i < ROUNDS / 10; i++) {
    while (!lu_event_wait(&round->begin, seen, LU_SECOND))
      ;
    seen++;
    if (atomic_fetch_add(&round->arrived, 1) + 1 == THREADS)
      lu_event_signal(&round->end);
  }
  return NULL;
}

START_TEST(one_signal_wakes_all) {
  struct round round = {0};
  lu_event_init(&round.begin);
  lu_event_init(&round.end);
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++)
    threads[i] = start(wait_rounds, &round);
  for (int i = 0; i < ROUNDS / 10; i++) {
    uint32_t seen = lu_event_value(&round.end);
    atomic_store(&round.arrived, 0);
    lu_event_signal(&round.begin);
    ck_assert(lu_event_wait(&round.end, seen, LU_FOREVER));
  }
  for (int i = 0; i < THREADS; i++)
    ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}
END_TEST

int main(void) {
  Suite *suite = new_suite("event");
  TCase *tcase = tcase_create("event");
  tcase_add_test(tcase, signal_changes_the_value);
  tcase_add_test(tcase, wait_ends_at_its_time_limit);
  tcase_add_test(tcase, the_longest_limit_does_not_overflow);
  tcase_add_test(tcase, errno_is_kept);
  tcase_add_test(tcase, a_late_wake_up_of_the_last_signal_ends_no_wait);
  tcase_add_test(tcase, what_came_before_the_signal_is_seen);
  tcase_add_test(tcase, no_wake_up_is_lost);
  tcase_add_test(tcase, one_signal_wakes_all);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
