/*
 * pauses.h: what a thread's pauses did to it: the worst window, and the minimum mutator utilization
 * (Cheng and Blelloch, 2001). Pure functions.
 */
#ifndef BENCH_COMMON_PAUSES_H
#define BENCH_COMMON_PAUSES_H

#include <stddef.h>
#include <stdint.h>

/* One operation that took longer than the threshold. */
struct measure_pause {
  uint64_t began; /* ns, as clock_wall */
  uint64_t length;
};

/*
 * The longest time that pauses take of any window of `window` ns; a pause that reaches beyond the
 * window counts as far as it is inside, so the result is at most `window`. The pauses are sorted
 * and do not overlap. O(count).
 */
uint64_t pauses_worst(const struct measure_pause *pauses, size_t count, uint64_t window);

/* The least share of time, 0 to 1, that pauses leave of any window of `window` ns. */
double pauses_utilization(const struct measure_pause *pauses, size_t count, uint64_t window);

#endif
