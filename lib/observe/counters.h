/*
 * observe/counters.h: what is counted, by whom, and how it becomes lull_stats.
 *
 * A thread counts in its own lu_counters: plain instructions, one writer. The heap has one
 * lu_heap_figures, which any thread may add to: what belongs to the collector, the totals of
 * threads that have left, and all histograms (their events are microseconds apart, so that
 * threads stay small and are born cheaply; the two frequent ones are sampled).
 *
 * Guarantees of lu_figures_collect:
 *   S.1  No thread is counted twice, whether it is leaving or not.
 *   S.2  A counter of lull_stats never falls from one call to a later one (a thread that leaves
 *        during the call may be missed in the sum; the figure reported before then stands).
 *   S.3  Mutators never wait for a reader.
 */
#ifndef LU_OBSERVE_COUNTERS_H
#define LU_OBSERVE_COUNTERS_H

#include <lull/stats.h>
#include "observe/histogram.h"

/* Counted by each thread (lu_count on its lu_counters) or by collectors (lu_count_shared on
 * lu_heap_figures.total). Names of lull_stats. */
#define LU_THREAD_COUNTERS(X)                                                                      \
  X(bytes_allocated) X(objects_large) X(objects_marked) X(barrier_slow) X(satb_packets)            \
  X(packet_overflows) X(assists) X(stalls) X(stall_failures) X(sleeps)

/* Counted by collectors and helpers (lu_count_shared on lu_heap_figures). */
#define LU_HEAP_COUNTERS(X)                                                                        \
  X(cycles) X(cycles_started) X(handshakes) X(handshakes_claimed) X(flush_rounds) X(slow_polls)    \
  X(helper_packets) X(helper_blocks) X(cycles_minor) X(cycles_major) X(bytes_survived)             \
  X(bytes_promoted)                                                                                \
  X(cpu_minor) X(cpu_major)

/* Gauges that the collector stores (lu_gauge_set on lu_heap_figures). */
#define LU_HEAP_GAUGES(X) X(bytes_live) X(heap_goal) X(remembered)

/* In the order of lull_stats. lu_histogram_add on lu_heap_figures; any thread. */
#define LU_HEAP_HISTOGRAMS(X)                                                                      \
  X(handshake_closure) X(time_to_handshake) X(root_scan) X(barrier_slow_path) X(alloc_slow_path)   \
  X(assist) X(stall) X(claim_wait) X(caused) X(cycle) X(phase_start) X(phase_mark) X(phase_sweep)  \
  X(survival) X(promotion_age) X(minor) X(major) X(step)

#define LU_COUNTER_WORD(name) _Atomic uint64_t name;
#define LU_COUNTER_HISTOGRAM(name) struct lu_histogram name;

/* A thread's own. Zeroed memory is ready. Written by the thread, or by whoever acts for it (a
 * claim); read by lu_figures_collect. */
struct lu_counters {
  LU_THREAD_COUNTERS(LU_COUNTER_WORD)
  /* Set once, by lu_counters_leave, before the counters go into the totals; pairs with the
   * acquire loads of the totals: a reader that sees them in the totals sees this. */
  _Atomic bool merged;
};

struct lu_totals {
  LU_THREAD_COUNTERS(LU_COUNTER_WORD)
};

/* A heap's. Zeroed memory is ready. */
struct lu_heap_figures {
  struct lu_totals total;     /* threads that have left, and collectors; lu_count_shared */
  struct lu_totals reported;  /* the highest figure that a reader was given; readers only */
  LU_HEAP_COUNTERS(LU_COUNTER_WORD)
  LU_HEAP_GAUGES(LU_COUNTER_WORD)
  LU_HEAP_HISTOGRAMS(LU_COUNTER_HISTOGRAM)
};

/* Adds to a counter of the calling thread's own lu_counters. */
static inline void lu_count(_Atomic uint64_t *counter, uint64_t n) {
  atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
                        memory_order_relaxed);
}

/* Adds to a counter that several threads add to. */
static inline void lu_count_shared(_Atomic uint64_t *counter, uint64_t n) {
  atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

/* Stores a gauge. */
static inline void lu_gauge_set(_Atomic uint64_t *gauge, uint64_t value) {
  atomic_store_explicit(gauge, value, memory_order_relaxed);
}

/* Moves a thread's counters into the heap's totals. Once, when the thread leaves and counts no
 * more; the record must stay readable for readers that are on it (it is freed after an RCU grace
 * period). */
void lu_counters_leave(struct lu_counters *counters, struct lu_heap_figures *figures);

/* Figures that others keep: the caller reads them at the time of the call. */
#define LU_READ_GAUGES(X)                                                                          \
  X(heap_used) X(heap_committed) X(heap_metadata) X(heap_limit) X(threads) X(threads_attached)
#define LU_GAUGE_WORD(name) uint64_t name;

struct lu_gauges {
  LU_READ_GAUGES(LU_GAUGE_WORD)
};

typedef void lu_counters_fn(const struct lu_counters *counters, void *sum);

/*
 * Fills stats->struct_size bytes of *stats. LULL_E_ARGUMENT (and lu_reject) when that is below 8
 * or too large. `each(source, fn, sum)` must call fn(counters, sum) once for the counters of each
 * thread that is registered all the while; others may be left out or included. Any thread.
 */
lull_status lu_figures_collect(struct lu_heap_figures *figures, const struct lu_gauges *gauges,
                               void (*each)(void *source, lu_counters_fn *fn, void *sum),
                               void *source, lull_stats *stats);

#endif
