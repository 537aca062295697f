/*
 * cycle.h: holding a collection in its marking. A thread that has passed its root scan takes the
 * marking's barrier, and marking cannot end before the thread polls again. Heaps whose marking is
 * held are made with watchdog=0, or a log line may name the thread.
 */
#ifndef BENCH_MICRO_CYCLE_H
#define BENCH_MICRO_CYCLE_H

#include <lull.h>
#include <sched.h>
#include <stdbool.h>

#include "bench/common/process.h"
#include "stress/common/check.h"
#include "stress/common/clock.h"
#include "stress/common/figures.h"

/* Window, bump and scan begin a cycle; the next handshake asks for what is left to mark. */
enum { CYCLE_BEGIN = 3, CYCLE_FLUSH = CYCLE_BEGIN + 1 };

struct cycle {
  lull_heap *heap;
  lull_thread *thread;
  uint64_t cycles, handshakes; /* before it began */
};

/* Starts a cycle and returns when the calling thread is past its root scan. No other cycle runs or
 * is asked for. */
static inline struct cycle cycle_begin(lull_heap *heap, lull_thread *thread) {
  lull_stats stats = figures_stats(heap);
  struct cycle cycle = {heap, thread, stats.cycles, stats.handshakes};
  uint32_t before = thread->pass_epoch;

  lull_collect_start(heap);
  while (thread->pass_epoch == before || thread->pass_epoch == LULL_PASS_NEVER) {
    sched_yield();
    lull_poll(thread);
  }
  return cycle;
}

/* Whether the thread's poll in cycle_begin went no further than the root scan. */
static inline bool cycle_marking(const struct cycle *cycle) {
  return figures_stats(cycle->heap).handshakes <= cycle->handshakes + CYCLE_FLUSH;
}

/* Without polling, waits until the collector has marked all it found and asks this thread for
 * more. */
static inline void cycle_await_marked(const struct cycle *cycle) {
  while (figures_stats(cycle->heap).handshakes < cycle->handshakes + CYCLE_FLUSH)
    clock_pause(1000000);
}

/* Polls until the cycle is over. */
static inline void cycle_end(const struct cycle *cycle) {
  while (figures_stats(cycle->heap).cycles == cycle->cycles) {
    lull_poll(cycle->thread);
    clock_pause(20000);
  }
}

/* CPU time of all threads but the calling one, in ns. */
static inline uint64_t cycle_others_cpu(void) {
  uint64_t own = process_thread_cpu();
  return process_cpu() - own;
}

#endif
