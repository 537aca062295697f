/** A log-linear histogram of nanoseconds with 8 steps for each power of two, as lull_histogram. */
final class Histogram {
  private static final int BUCKETS = 320;

  long count;
  long sum;
  long max;
  private final long[] buckets = new long[BUCKETS];

  void add(long ns) {
    buckets[bucketOf(ns)]++;
    count++;
    sum += ns;
    if (ns > max) max = ns;
  }

  void add(Histogram other) {
    for (int b = 0; b < BUCKETS; b++) buckets[b] += other.buckets[b];
    count += other.count;
    sum += other.sum;
    max = Math.max(max, other.max);
  }

  /** The value below which this share of the values lie: a bucket's upper end, never above max. */
  long quantile(double share) {
    long rank = Math.max(1, (long) Math.ceil(share * count));
    long counted = 0;
    for (int b = 0; b < BUCKETS; b++) {
      counted += buckets[b];
      if (counted >= rank) return Math.min(low(b + 1) - 1, max);
    }
    return max;
  }

  private static int bucketOf(long ns) {
    if (ns < 8) return (int) ns;
    int power = 63 - Long.numberOfLeadingZeros(ns);
    int bucket = (power - 2) * 8 + (int) (ns >> power - 3 & 7);
    return Math.min(bucket, BUCKETS - 1);
  }

  private static long low(int bucket) {
    if (bucket < 8) return bucket;
    if (bucket >= BUCKETS) return Long.MAX_VALUE;
    return (long) (8 + bucket % 8) << bucket / 8 - 1;
  }
}
