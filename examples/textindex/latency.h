/*
 * latency.h: the clock, and histograms of times that one thread keeps and others read when it has
 * ended. Buckets are an eighth of a power of two wide: quantiles are at most 12.5 % high.
 */
#ifndef TEXTINDEX_LATENCY_H
#define TEXTINDEX_LATENCY_H

#include <stdint.h>

enum { LATENCY_BUCKETS = 320 };

struct latency {
  uint64_t count;
  uint64_t longest; /* ns, exact */
  uint64_t buckets[LATENCY_BUCKETS];
};

/* CLOCK_MONOTONIC in ns. */
uint64_t clock_ns(void);

void latency_add(struct latency *latency, uint64_t ns);
void latency_merge(struct latency *into, const struct latency *from);

/* At most this many ns took the given share (0 to 1) of the times; 0 if there are none. */
uint64_t latency_quantile(const struct latency *latency, double share);

#endif
