/*
 * support/cores.c: cores that may be used, and threads that collect.
 *
 * State: a cached count and its age, and a count of threads; process-wide, relaxed: all are hints.
 */
#include "support/cores.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>
#include "support/cgroup.h"
#include "support/clock.h"

#define MOST_CORES 8192
#define LOOK_EVERY LU_SECOND
#define MUCH_NS (100 * LU_MICROSECOND)

/* Written by whoever finds it old; read by all. 0 = never looked. */
static _Atomic uint64_t looked_ns;
static _Atomic unsigned known;
/* Raised and lowered by drivers and helpers. */
static _Atomic unsigned collecting;

static unsigned of_mask(void) {
  cpu_set_t mask[MOST_CORES / CPU_SETSIZE];
  int count = sched_getaffinity(0, sizeof mask, mask) == 0 ? CPU_COUNT_S(sizeof mask, mask) : 0;
  if (count > 0)
    return (unsigned)count;
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? (unsigned)online : 1;
}

uint64_t lu_cores_of_quota(const char *text) {
  unsigned long long quota, period;
  if (sscanf(text, "%llu %llu", &quota, &period) != 2 || period == 0)
    return UINT64_MAX;
  return quota < period ? 1 : quota / period;
}

unsigned lu_cores(void) {
  uint64_t now = lu_now_ns(), looked = atomic_load_explicit(&looked_ns, memory_order_acquire);
  if (looked != 0 && now - looked < LOOK_EVERY)
    return atomic_load_explicit(&known, memory_order_relaxed);
  unsigned mask = of_mask();
  uint64_t quota = lu_cgroup_lowest("cpu.max", lu_cores_of_quota);
  unsigned cores = quota < mask ? (unsigned)quota : mask;
  atomic_store_explicit(&known, cores, memory_order_relaxed);
  atomic_store_explicit(&looked_ns, now, memory_order_release);
  return cores;
}

void lu_cores_begin(void) { atomic_fetch_add_explicit(&collecting, 1, memory_order_relaxed); }
void lu_cores_end(void) { atomic_fetch_sub_explicit(&collecting, 1, memory_order_relaxed); }
unsigned lu_cores_collecting(void) {
  return atomic_load_explicit(&collecting, memory_order_relaxed);
}

void lu_waited_begin(struct lu_waited *waited) {
  waited->began_ns = lu_now_ns();
  waited->began_cpu_ns = lu_thread_cpu_ns();
}

uint64_t lu_waited_end(struct lu_waited *waited) {
  uint64_t cpu = lu_thread_cpu_ns() - waited->began_cpu_ns, wall = lu_now_ns() - waited->began_ns;
  waited->wall_ns = waited->wall_ns / 2 + wall;
  waited->waited_ns = waited->waited_ns / 2 + (wall > cpu ? wall - cpu : 0);
  return cpu;
}

bool lu_waited_much(const struct lu_waited *waited) {
  return waited->waited_ns > MUCH_NS && waited->waited_ns > waited->wall_ns / 4;
}
