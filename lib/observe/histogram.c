/*
 * histogram.c: what of the histograms is not on a fast path: merging, copying, and reading the
 * public copies. All accesses are relaxed: a figure orders nothing. Any thread
 * may read; any number of threads may count and merge into a histogram, but for
 * lu_histogram_add_own: there one thread is the only one that writes.
 */
#include "observe/histogram.h"

static uint64_t word(const _Atomic uint64_t *from) {
  return atomic_load_explicit(from, memory_order_relaxed);
}

void lu_histogram_add_own(struct lu_histogram *histogram, uint64_t ns) {
  _Atomic uint64_t *bucket = &histogram->bucket[lu_bucket_of(ns)];
  if (ns > word(&histogram->max))
    atomic_store_explicit(&histogram->max, ns, memory_order_relaxed);
  atomic_store_explicit(&histogram->sum, word(&histogram->sum) + ns, memory_order_relaxed);
  atomic_store_explicit(bucket, word(bucket) + 1, memory_order_relaxed);
}

void lu_histogram_merge(struct lu_histogram *to, const struct lu_histogram *from) {
  uint64_t from_max = word(&from->max), max = word(&to->max);
  while (from_max > max &&
         !atomic_compare_exchange_weak_explicit(&to->max, &max, from_max, memory_order_relaxed,
                                                memory_order_relaxed))
    ;
  atomic_fetch_add_explicit(&to->sum, word(&from->sum), memory_order_relaxed);
  for (unsigned b = 0; b < LULL_BUCKETS; b++) {
    uint64_t n = word(&from->bucket[b]);
    if (n != 0)
      atomic_fetch_add_explicit(&to->bucket[b], n, memory_order_relaxed);
  }
}

void lu_histogram_copy(const struct lu_histogram *from, lull_histogram *to) {
  to->count = 0;
  for (unsigned b = 0; b < LULL_BUCKETS; b++) {
    to->bucket[b] = word(&from->bucket[b]);
    to->count += to->bucket[b];
  }
  to->sum = word(&from->sum);
  to->max = word(&from->max);
}

uint64_t lull_bucket_low(unsigned bucket) {
  if (bucket < 8)
    return bucket;
  if (bucket >= LULL_BUCKETS)
    return UINT64_MAX;
  return (uint64_t)(8 + bucket % 8) << (bucket / 8 - 1);
}

uint64_t lull_histogram_quantile(const lull_histogram *histogram, double share) {
  if (histogram->count == 0)
    return 0;
  /* The rank of the value that is asked for, from 1. A share that is no number counts as 0. */
  double exact = share > 0 ? share * (double)histogram->count : 0;
  uint64_t rank = exact < (double)histogram->count ? (uint64_t)exact : histogram->count;
  if (rank < histogram->count && (double)rank < exact)
    rank++;
  if (rank == 0)
    rank = 1;
  uint64_t counted = 0;
  for (unsigned b = 0; b < LULL_BUCKETS; b++) {
    counted += histogram->bucket[b];
    if (counted >= rank) {
      uint64_t high = lull_bucket_low(b + 1) - 1;
      return high < histogram->max ? high : histogram->max;
    }
  }
  return histogram->max;
}
