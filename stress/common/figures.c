/*
 * The line of figures. `line` belongs to the thread that makes it (the main thread).
 * The bounds of the histogram's buckets are asked of the library once; pthread_once orders that for
 * all threads.
 */
#include "stress/common/figures.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "stress/common/check.h"

static char line[8192];
static size_t used;
static uint64_t lows[LULL_BUCKETS];
static pthread_once_t lows_once = PTHREAD_ONCE_INIT;

static void __attribute__((format(printf, 1, 2))) append(const char *format, ...) {
  va_list values;
  int length;

  va_start(values, format);
  length = vsnprintf(line + used, sizeof line - used, format, values);
  va_end(values);
  STRESS_CHECK(length >= 0 && (size_t)length < sizeof line - used, "line of figures too long");
  used += (size_t)length;
}

void figures_start(const char *program) {
  used = 0;
  append("%s", program);
}

void figures_count(const char *key, uint64_t value) {
  append(" %s=%" PRIu64, key, value);
}

void figures_real(const char *key, double value) {
  append(" %s=%.3f", key, value);
}

void figures_text(const char *key, const char *value) {
  append(" %s=%s", key, value);
}

static void quantile(const char *prefix, const char *name, const lull_histogram *histogram,
                     double share) {
  append(" %s_%s_us=%.1f", prefix, name, (double)lull_histogram_quantile(histogram, share) / 1e3);
}

void figures_times(const char *prefix, const lull_histogram *histogram) {
  append(" %s_n=%" PRIu64, prefix, histogram->count);
  quantile(prefix, "p50", histogram, 0.5);
  quantile(prefix, "p99", histogram, 0.99);
  append(" %s_max_us=%.1f", prefix, (double)histogram->max / 1e3);
}

void figures_tail(const char *prefix, const lull_histogram *histogram) {
  append(" %s_n=%" PRIu64, prefix, histogram->count);
  quantile(prefix, "p50", histogram, 0.5);
  quantile(prefix, "p99", histogram, 0.99);
  quantile(prefix, "p99.9", histogram, 0.999);
  quantile(prefix, "p99.99", histogram, 0.9999);
  append(" %s_max_us=%.1f", prefix, (double)histogram->max / 1e3);
}

void figures_heap(lull_heap *heap) {
  lull_stats stats = figures_stats(heap);

  figures_count("cycles", stats.cycles);
  figures_count("live_kb", stats.bytes_live >> 10);
  figures_count("heap_kb", stats.heap_committed >> 10);
  figures_count("limit_kb", stats.heap_limit >> 10);
  figures_real("caused_max_us", (double)stats.caused.max / 1e3);
  figures_count("stalls", stats.stalls);
  figures_count("stall_failures", stats.stall_failures);
  figures_real("stall_max_us", (double)stats.stall.max / 1e3);
  figures_real("handshake_max_us", (double)stats.time_to_handshake.max / 1e3);
}

void figures_memory(void) {
  figures_count("rss_kb", figures_resident() >> 10);
  figures_count("rss_peak_kb", figures_resident_peak() >> 10);
}

void figures_end(void) {
  puts(line);
  fflush(stdout);
}

static void ask_lows(void) {
  for (unsigned bucket = 0; bucket < LULL_BUCKETS; bucket++)
    lows[bucket] = lull_bucket_low(bucket);
}

/* The last bucket whose lowest value is not above the value; bucket 0 starts at 0. */
static unsigned bucket_of(uint64_t value) {
  unsigned low = 0, high = LULL_BUCKETS;

  while (high - low > 1) {
    unsigned middle = (low + high) / 2;
    if (lows[middle] <= value)
      low = middle;
    else
      high = middle;
  }
  return low;
}

void figures_record(lull_histogram *histogram, uint64_t nanoseconds) {
  pthread_once(&lows_once, ask_lows);
  histogram->bucket[bucket_of(nanoseconds)]++;
  histogram->count++;
  histogram->sum += nanoseconds;
  if (nanoseconds > histogram->max)
    histogram->max = nanoseconds;
}

void figures_merge(lull_histogram *to, const lull_histogram *from) {
  to->count += from->count;
  to->sum += from->sum;
  if (from->max > to->max)
    to->max = from->max;
  for (unsigned bucket = 0; bucket < LULL_BUCKETS; bucket++)
    to->bucket[bucket] += from->bucket[bucket];
}

uint64_t figures_resident(void) {
  unsigned long pages = 0;
  FILE *file = fopen("/proc/self/statm", "re");

  STRESS_CHECK(file && fscanf(file, "%*u %lu", &pages) == 1, "/proc/self/statm cannot be read");
  fclose(file);
  return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t figures_resident_peak(void) {
  struct rusage usage;

  STRESS_CHECK(getrusage(RUSAGE_SELF, &usage) == 0, "getrusage failed");
  return (uint64_t)usage.ru_maxrss << 10;
}

lull_stats figures_stats(lull_heap *heap) {
  lull_stats stats = {.struct_size = sizeof stats};

  STRESS_OK(lull_heap_stats(heap, &stats));
  return stats;
}
