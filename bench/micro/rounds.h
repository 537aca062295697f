/*
 * rounds.h: one thing measured in many rounds, and what the rounds say together. Median and
 * quartiles, because a few rounds on a shared machine are disturbed by others.
 */
#ifndef BENCH_MICRO_ROUNDS_H
#define BENCH_MICRO_ROUNDS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/common/measure.h"
#include "stress/common/check.h"

static int rounds_order(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

/* The values at the quarters of the sorted rounds: [0] the least, [2] the median, [4] the
 * greatest. */
static inline void rounds_quarters(const double *values, size_t count, double quarters[5]) {
  double *sorted = stress_malloc(count * sizeof *sorted);

  memcpy(sorted, values, count * sizeof *sorted);
  qsort(sorted, count, sizeof *sorted, rounds_order);
  for (size_t i = 0; i < 5; i++)
    quarters[i] = sorted[((count - 1) * i + 2) / 4];
  free(sorted);
}

static inline double rounds_median(const double *values, size_t count) {
  double quarters[5];

  rounds_quarters(values, count, quarters);
  return quarters[2];
}

static inline void rounds_field(const char *key, const char *suffix, double value) {
  char name[96];

  snprintf(name, sizeof name, "%s%s", key, suffix);
  measure_real(name, value);
}

/* Fields KEY (the median), KEY_q1 and KEY_q3 (the quartiles). */
static inline void rounds_report(const char *key, const double *values, size_t count) {
  double quarters[5];

  rounds_quarters(values, count, quarters);
  rounds_field(key, "", quarters[2]);
  rounds_field(key, "_q1", quarters[1]);
  rounds_field(key, "_q3", quarters[3]);
}

#endif
