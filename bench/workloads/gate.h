/*
 * gate.h: the moments between which a workload is measured. Every thread prepares its data and
 * comes to the gate; when all are there, the measured part begins, and so it ends: meanwhile all
 * stand still, each in a blocked region. Compiled with the workload, since mem_* differ.
 */
#ifndef BENCH_WORKLOADS_GATE_H
#define BENCH_WORKLOADS_GATE_H

#include <pthread.h>

#include "bench/common/crew.h"
#include "bench/common/fail.h"
#include "bench/common/measure.h"
#include "bench/memory/memory.h"
#include "stress/common/check.h"

struct gate {
  pthread_barrier_t barrier;
};

/* For so many threads, a number that crew_require has accepted. */
static inline void gate_open(struct gate *gate, uint64_t threads) {
  STRESS_CHECK(pthread_barrier_init(&gate->barrier, NULL, (unsigned)threads) == 0, "no barrier");
}

static inline void gate_close(struct gate *gate) {
  pthread_barrier_destroy(&gate->barrier);
}

/* One of the threads calls `once` when all have come; only then they go on. May poll. */
static inline void gate_pass(struct gate *gate, mem_thread *thread, void (*once)(void)) {
  mem_block(thread);
  if (pthread_barrier_wait(&gate->barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
    once();
  pthread_barrier_wait(&gate->barrier);
  mem_unblock(thread);
}

/* Each thread's measured part begins. An operation longer than `threshold` ns is a candidate for a
 * pause. May poll. */
static inline void gate_begin(struct gate *gate, mem_thread *thread, struct measure_thread *measure,
                              uint64_t threshold) {
  gate_pass(gate, thread, measure_start);
  measure_thread_begin(measure, threshold);
}

/* And ends. May poll. */
static inline void gate_end(struct gate *gate, mem_thread *thread, struct measure_thread *measure) {
  measure_thread_end(measure);
  gate_pass(gate, thread, measure_stop);
}

/* The member's part of a whole; the first members do what is left over. */
static inline uint64_t gate_share(const struct crew_member *member, uint64_t whole) {
  return whole / member->count + (member->index < whole % member->count);
}

/* A result that several threads add to, as the check of measure_print (relaxed; read when all
 * are joined). */
static inline void gate_add(uint64_t *sum, uint64_t part) {
  __atomic_fetch_add(sum, part, __ATOMIC_RELAXED);
}

#endif
