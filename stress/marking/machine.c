/* Threads that sleep on one futex word, as helpers do, and are woken all at once. */
#include "stress/marking/machine.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "stress/common/check.h"
#include "stress/common/clock.h"

enum { ROUNDS = 200, MANY = 9, REST_US = 300 };

static _Atomic uint32_t word;
static _Atomic uint32_t asleep;
static _Atomic uint64_t woken_at;   /* of the first who ran */
static _Atomic bool over;

static void *sleeper(void *arg) {
  while (!atomic_load(&over)) {
    uint32_t seen = atomic_load(&word);
    atomic_fetch_add(&asleep, 1);
    while (atomic_load(&word) == seen)
      syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
    uint64_t none = 0;
    atomic_compare_exchange_strong(&woken_at, &none, clock_wall());
  }
  return arg;
}

static void wake_them(void) {
  atomic_fetch_add(&word, 1);
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static int in_order(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *values) {
  qsort(values, ROUNDS, sizeof values[0], in_order);
  return values[ROUNDS / 2];
}

/* Median cost of waking `count`; *until: of the time until one of them ran. */
static double measure_wake(unsigned count, double *until) {
  pthread_t id[MANY];
  double call[ROUNDS], wake[ROUNDS];
  atomic_store(&over, false);
  atomic_store(&asleep, 0);
  for (unsigned i = 0; i < count; i++)
    STRESS_CHECK(pthread_create(&id[i], NULL, sleeper, NULL) == 0, "no thread");
  for (int i = 0; i < ROUNDS; i++) {
    while (atomic_load(&asleep) < count)
      usleep(10);
    usleep(REST_US);
    atomic_store(&asleep, 0);
    atomic_store(&woken_at, 0);
    if (i == ROUNDS - 1)
      atomic_store(&over, true);
    uint64_t began = clock_wall();
    wake_them();
    call[i] = (double)(clock_wall() - began);
    while (atomic_load(&woken_at) == 0)
      usleep(1);
    wake[i] = (double)(atomic_load(&woken_at) - began);
  }
  for (unsigned i = 0; i < count; i++)
    pthread_join(id[i], NULL);
  *until = median(wake);
  return median(call);
}

static void *nothing(void *arg) { return arg; }

static double measure_spawn(void) {
  double took[ROUNDS];
  for (int i = 0; i < ROUNDS; i++) {
    pthread_t id;
    uint64_t began = clock_wall();
    STRESS_CHECK(pthread_create(&id, NULL, nothing, NULL) == 0, "no thread");
    took[i] = (double)(clock_wall() - began);
    pthread_join(id, NULL);
  }
  return median(took);
}

struct machine machine_measure(void) {
  struct machine machine = {.spawn = measure_spawn()};
  double many;
  machine.call = measure_wake(1, &machine.wake);
  many = measure_wake(MANY, &(double){0});
  machine.each = many > machine.call ? (many - machine.call) / (MANY - 1) : 0;
  return machine;
}
