/*
 * counters.c: threads' counters into the heap's totals, and everything into lull_stats.
 *
 * A leaving thread sets `merged` and then adds to the totals (release). A reader loads the totals
 * first (acquire) and then walks the threads, leaving out those with `merged`: what it found in
 * the totals it cannot count again (S.1). In between it may miss a thread, so each sum is raised
 * to the highest reported before, by an atomic maximum (S.2).
 */
#include "observe/counters.h"

#include <string.h>

#include "support/error.h"

#define SUM_WORD(name) uint64_t name;
struct sums {
  LU_THREAD_COUNTERS(SUM_WORD)
};

void lu_counters_leave(struct lu_counters *counters, struct lu_heap_figures *figures) {
  atomic_store_explicit(&counters->merged, true, memory_order_relaxed);
#define MERGE(name)                                                                                \
  atomic_fetch_add_explicit(&figures->total.name,                                                  \
                            atomic_load_explicit(&counters->name, memory_order_relaxed),           \
                            memory_order_release);
  LU_THREAD_COUNTERS(MERGE)
}

static void add_thread(const struct lu_counters *counters, void *arg) {
  struct sums *sums = arg;
  if (atomic_load_explicit(&counters->merged, memory_order_relaxed))
    return;
#define ADD(name) sums->name += atomic_load_explicit(&counters->name, memory_order_relaxed);
  LU_THREAD_COUNTERS(ADD)
}

/* Raises *highest to value if it is lower, and returns the higher of the two. */
static uint64_t raise(_Atomic uint64_t *highest, uint64_t value) {
  uint64_t seen = atomic_load_explicit(highest, memory_order_relaxed);
  while (seen < value)
    if (atomic_compare_exchange_weak_explicit(highest, &seen, value, memory_order_relaxed,
                                              memory_order_relaxed))
      return value;
  return seen;
}

/* Copies a part of lull_stats to its place, as far as the caller's structure reaches. */
static void put(lull_stats *stats, size_t offset, const void *part, size_t bytes) {
  size_t size = (size_t)stats->struct_size;
  if (offset < size)
    memcpy((char *)stats + offset, part, bytes < size - offset ? bytes : size - offset);
}

static void put_word(lull_stats *stats, size_t offset, uint64_t word) {
  put(stats, offset, &word, sizeof word);
}

static void put_histogram(lull_stats *stats, size_t offset, const struct lu_histogram *histogram) {
  lull_histogram copy;
  if (offset >= stats->struct_size)
    return;
  lu_histogram_copy(histogram, &copy);
  put(stats, offset, &copy, sizeof copy);
}

lull_status lu_figures_collect(struct lu_heap_figures *figures, const struct lu_gauges *gauges,
                               void (*each)(void *source, lu_counters_fn *fn, void *sum),
                               void *source, lull_stats *stats) {
  if (stats == NULL || stats->struct_size < sizeof stats->struct_size ||
      stats->struct_size > sizeof *stats)
    return lu_reject(LULL_E_ARGUMENT,
                     "lull_heap_stats: struct_size must be sizeof(lull_stats), at most %zu",
                     sizeof *stats);

  struct sums sums;
#define START(name) sums.name = atomic_load_explicit(&figures->total.name, memory_order_acquire);
  LU_THREAD_COUNTERS(START)
  each(source, add_thread, &sums);

#define PUT_SUM(name)                                                                              \
  put_word(stats, offsetof(lull_stats, name), raise(&figures->reported.name, sums.name));
  LU_THREAD_COUNTERS(PUT_SUM)
#define PUT_WORD(name)                                                                             \
  put_word(stats, offsetof(lull_stats, name),                                                      \
           atomic_load_explicit(&figures->name, memory_order_relaxed));
  LU_HEAP_COUNTERS(PUT_WORD)
  LU_HEAP_GAUGES(PUT_WORD)
#define PUT_GAUGE(name) put_word(stats, offsetof(lull_stats, name), gauges->name);
  LU_READ_GAUGES(PUT_GAUGE)
#define PUT_HISTOGRAM(name) put_histogram(stats, offsetof(lull_stats, name), &figures->name);
  LU_HEAP_HISTOGRAMS(PUT_HISTOGRAM)
  return LULL_OK;
}

/* Every field of lull_stats is in one of the lists. */
#define WORDS(name) +1
_Static_assert(sizeof(lull_stats) ==
                   8 * (1 LU_THREAD_COUNTERS(WORDS) LU_HEAP_COUNTERS(WORDS) LU_HEAP_GAUGES(WORDS)
                            LU_READ_GAUGES(WORDS)) +
                       sizeof(lull_histogram) * (0 LU_HEAP_HISTOGRAMS(WORDS)),
               "a field of lull_stats is in no list of counters.h");
