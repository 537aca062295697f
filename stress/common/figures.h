/*
 * The one line of key=value figures that a stress program prints, and the histograms behind them.
 * The line is made by one thread; a histogram has one writer.
 */
#ifndef STRESS_COMMON_FIGURES_H
#define STRESS_COMMON_FIGURES_H

#include <lull.h>

/* Begins the line with the program's name. */
void figures_start(const char *program);
void figures_count(const char *key, uint64_t value);
void figures_real(const char *key, double value);
void figures_text(const char *key, const char *value);

/* PREFIX_p50_us, PREFIX_p99_us, PREFIX_max_us and the count. */
void figures_times(const char *prefix, const lull_histogram *histogram);
/* The same with p99.9 and p99.99. */
void figures_tail(const char *prefix, const lull_histogram *histogram);

/* What every program says of its heap: cycles, the longest delay the library caused, stalls, time
 * to handshake. */
void figures_heap(lull_heap *heap);
/* Resident memory of the process now and at its highest, in KiB. */
void figures_memory(void);

/* Ends and prints the line. */
void figures_end(void);

/* Counts a duration in nanoseconds. */
void figures_record(lull_histogram *histogram, uint64_t nanoseconds);
/* Adds what `from` counted to `to`. */
void figures_merge(lull_histogram *to, const lull_histogram *from);

/* Resident memory of the process in bytes, and the highest it was. */
uint64_t figures_resident(void);
uint64_t figures_resident_peak(void);

/* A copy of the heap's figures. */
lull_stats figures_stats(lull_heap *heap);

#endif
