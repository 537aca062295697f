/*
 * observe/histogram.h: log-linear histograms that are written while they are read. Buckets as in
 * lull_histogram (lull/stats.h).
 *
 * All words are relaxed atomics: a copy may miss what is just being added, and its sum and max
 * may be a moment apart from its buckets, but each word only grows.
 */
#ifndef LU_OBSERVE_HISTOGRAM_H
#define LU_OBSERVE_HISTOGRAM_H

#include <lull/stats.h>
#include <stdatomic.h>

/* Zeroed memory is an empty histogram. The number of values is the sum of the buckets. */
struct lu_histogram {
  /* Written by who counts: any thread, or with lu_histogram_add_own one only; read by
   * lull_heap_stats. Relaxed: they order nothing. */
  _Atomic uint64_t sum;
  _Atomic uint64_t max;
  _Atomic uint64_t bucket[LULL_BUCKETS];
};

/* The bucket that counts a value; values of 2^42 and more (73 minutes) are in the last. */
static inline unsigned lu_bucket_of(uint64_t value) {
  if (value < 8)
    return (unsigned)value;
  unsigned power = 63 - (unsigned)__builtin_clzll(value);
  unsigned bucket = (power - 2) * 8 + (unsigned)(value >> (power - 3) & 7);
  return bucket < LULL_BUCKETS ? bucket : LULL_BUCKETS - 1;
}

/* Counts a value n times. Any number of threads at once; two or three atomic additions. */
static inline void lu_histogram_add_many(struct lu_histogram *histogram, uint64_t value,
                                         uint64_t n) {
  uint64_t max = atomic_load_explicit(&histogram->max, memory_order_relaxed);
  while (value > max &&
         !atomic_compare_exchange_weak_explicit(&histogram->max, &max, value, memory_order_relaxed,
                                                memory_order_relaxed))
    ;
  atomic_fetch_add_explicit(&histogram->sum, value * n, memory_order_relaxed);
  atomic_fetch_add_explicit(&histogram->bucket[lu_bucket_of(value)], n, memory_order_relaxed);
}

/* The same for a value that came once. */
static inline void lu_histogram_add(struct lu_histogram *histogram, uint64_t ns) {
  lu_histogram_add_many(histogram, ns, 1);
}

/* The same for a histogram that one thread alone adds to; plain instructions. */
void lu_histogram_add_own(struct lu_histogram *histogram, uint64_t ns);

/* Adds what `from` has counted to `to`. `to` may have other writers; `from` should have none, or
 * they are missed in part. */
void lu_histogram_merge(struct lu_histogram *to, const struct lu_histogram *from);

/* Copies into the public form. Any thread. */
void lu_histogram_copy(const struct lu_histogram *from, lull_histogram *to);

#endif
