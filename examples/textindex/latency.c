/*
 * latency.c: histograms of times. No shared state.
 */
#include "examples/textindex/latency.h"

#include <time.h>

uint64_t clock_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/*
 * Values below 8 have a bucket each; from there on the top bit and the three bits below it
 * choose.
 */
static unsigned bucket_of(uint64_t ns) {
  if (ns < 8)
    return (unsigned)ns;
  unsigned shift = 60 - (unsigned)__builtin_clzll(ns);
  unsigned bucket = 8 * shift + (unsigned)(ns >> shift);
  return bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1;
}

/* The first value above a bucket. */
static uint64_t bucket_end(unsigned bucket) {
  if (bucket < 8)
    return bucket + 1;
  unsigned shift = bucket / 8 - 1;
  return ((uint64_t)(8 + bucket % 8) + 1) << shift;
}

void latency_add(struct latency *latency, uint64_t ns) {
  latency->count++;
  latency->buckets[bucket_of(ns)]++;
  if (ns > latency->longest)
    latency->longest = ns;
}

void latency_merge(struct latency *into, const struct latency *from) {
  into->count += from->count;
  if (from->longest > into->longest)
    into->longest = from->longest;
  for (unsigned i = 0; i < LATENCY_BUCKETS; i++)
    into->buckets[i] += from->buckets[i];
}

uint64_t latency_quantile(const struct latency *latency, double share) {
  uint64_t wanted = (uint64_t)(share * (double)latency->count);
  uint64_t seen = 0;
  for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
    seen += latency->buckets[i];
    if (seen > wanted)
      return bucket_end(i) < latency->longest ? bucket_end(i) : latency->longest;
  }
  return latency->longest;
}
