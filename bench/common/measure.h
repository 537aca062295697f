/*
 * measure.h: what every benchmark program measures of itself, and the one line of JSON in which it
 * says so (its fields: bench/README.md).
 *
 * A program calls measure_start when its preparations are over, runs its threads, calls
 * measure_stop, then mem_report and measure_print. A thread that times its operations has a
 * measure_thread, which only it writes; measure_thread_end adds it to the program's under a lock.
 */
#ifndef BENCH_COMMON_MEASURE_H
#define BENCH_COMMON_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

#include <lull/stats.h>

#include "bench/common/pauses.h"

/* The most pauses that a thread keeps; what is beyond is counted in pauses_lost. */
enum { MEASURE_PAUSES = 1 << 18 };

struct measure_thread {
  uint64_t threshold; /* ns */
  uint64_t last;      /* end of the last operation, ns */
  uint64_t pause_count, pauses_lost;
  uint64_t stall_count, stall_sum; /* operations over 1 ms */
  uint64_t began, cpu_began, run_delay_began; /* ns */
  struct measure_pause *pauses;
  lull_histogram times;
};

/* The part that counts begins and ends: wall time, the process's CPU time, memory. Main thread. */
void measure_start(void);
void measure_stop(void);

/* An operation longer than `threshold_ns` is a candidate for a pause. Where operations are of so
 * different lengths that none says a pause, or much of the work is in none, MEASURE_IRREGULAR
 * leaves out of the line all that is made of pauses. */
#define MEASURE_IRREGULAR UINT64_MAX
void measure_thread_begin(struct measure_thread *thread, uint64_t threshold_ns);

/* One operation from the end of the last one (or measure_mark) until now. Returns its length in
 * ns. About 30 ns, of which the clock is most. */
uint64_t measure_operation(struct measure_thread *thread);

/* What came since the last operation is not part of the next one. */
void measure_mark(struct measure_thread *thread);

/* Adds the thread's figures to the program's, its CPU time and run delay (time it was runnable but
 * not run, of schedstat) among them. To be called by the thread itself. Threads without operations
 * call it too, so that the collector's CPU time is what is left of the process's. */
void measure_thread_end(struct measure_thread *thread);

/* For histograms of a program's own: counts a duration. As figures_record, but without a search for
 * the bucket, which would take longer than the operations that are timed. */
void measure_record(lull_histogram *times, uint64_t ns);

/* Further fields of the line, in the order of calls. `key` and `value` need no quoting. */
void measure_count(const char *key, uint64_t value);
void measure_real(const char *key, double value);
void measure_text(const char *key, const char *value);
/* An object with count, p50, p99, p999, p9999, max, sum, all times in ns. */
void measure_times(const char *key, const lull_histogram *times);

/*
 * Prints the line. `check` is a number that depends on the work's results and is the same for every
 * manager and language given the same arguments; its low 53 bits are printed. `operations` counts
 * what the workload calls one.
 */
void measure_print(const char *workload, const char *memory, uint64_t threads, uint64_t operations,
                   uint64_t check);

#endif
