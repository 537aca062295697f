/*
 * Measuring. A thread's record is its own; `total`, `kept` and `irregular` are written under `lock`
 * by measure_thread_end and read by measure_print when all threads have ended. The rest is the
 * main thread's.
 */
#include "bench/common/measure.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "bench/common/line.h"
#include "bench/common/process.h"
#include "stress/common/check.h"
#include "stress/common/clock.h"
#include "stress/common/figures.h"

enum { STALL = 1000000, WORST_WINDOW = 100000000 };
#define CHECK_BITS (((uint64_t)1 << 53) - 1) /* what a double holds */

/* What is kept of a thread that timed operations. */
struct kept {
  struct kept *next;
  struct measure_pause *pauses;
  uint64_t pause_count, span; /* span: ns from its begin to its end */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct kept *kept;
static bool irregular; /* a thread's operations were MEASURE_IRREGULAR */
static struct {
  uint64_t cpu, run_delay, stall_count, stall_sum, pauses_lost;
  lull_histogram times;
} total;
static struct {
  uint64_t wall, cpu, resident, resident_peak;
} part; /* after measure_start where it began, after measure_stop what it took */
static struct line fields; /* the program's own */

void measure_start(void) {
  process_reset_peak();
  part.cpu = process_cpu();
  part.wall = clock_wall();
}

void measure_stop(void) {
  part.wall = clock_wall() - part.wall;
  part.cpu = process_cpu() - part.cpu;
  part.resident = process_resident();
  part.resident_peak = process_resident_peak();
}

/* The pauses' memory is mapped, not malloc's, which may be what is measured; what is not used takes
 * none. */
void measure_thread_begin(struct measure_thread *thread, uint64_t threshold_ns) {
  void *pauses = mmap(NULL, MEASURE_PAUSES * sizeof(struct measure_pause), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

  STRESS_CHECK(pauses != MAP_FAILED, "no memory for the pauses");
  *thread = (struct measure_thread){.threshold = threshold_ns, .pauses = pauses};
  thread->run_delay_began = process_thread_run_delay();
  thread->cpu_began = process_thread_cpu();
  thread->began = thread->last = clock_wall();
}

static void add_pause(struct measure_thread *thread, uint64_t length) {
  if (thread->pause_count == MEASURE_PAUSES)
    thread->pauses_lost++;
  else
    thread->pauses[thread->pause_count++] = (struct measure_pause){thread->last, length};
}

uint64_t measure_operation(struct measure_thread *thread) {
  uint64_t now = clock_wall(), taken = now - thread->last;

  measure_record(&thread->times, taken);
  if (__builtin_expect(taken > thread->threshold, 0))
    add_pause(thread, taken);
  if (__builtin_expect(taken > STALL, 0)) {
    thread->stall_count++;
    thread->stall_sum += taken;
  }
  thread->last = now;
  return taken;
}

void measure_mark(struct measure_thread *thread) {
  thread->last = clock_wall();
}

/* Under the lock. */
static void keep(const struct measure_thread *thread, uint64_t ended) {
  struct kept *entry = stress_malloc(sizeof *entry);

  *entry = (struct kept){kept, thread->pauses, thread->pause_count, ended - thread->began};
  kept = entry;
}

void measure_thread_end(struct measure_thread *thread) {
  uint64_t ended = clock_wall(), cpu = process_thread_cpu() - thread->cpu_began;
  uint64_t run_delay = process_thread_run_delay() - thread->run_delay_began;

  pthread_mutex_lock(&lock);
  total.cpu += cpu;
  total.run_delay += run_delay;
  total.stall_count += thread->stall_count;
  total.stall_sum += thread->stall_sum;
  total.pauses_lost += thread->pauses_lost;
  figures_merge(&total.times, &thread->times);
  if (thread->times.count > 0)
    keep(thread, ended);
  irregular |= thread->threshold == MEASURE_IRREGULAR;
  pthread_mutex_unlock(&lock);
}

/* 8 linear steps for each power of two (lull/stats.h). */
static unsigned bucket_of(uint64_t ns) {
  unsigned shift, bucket;

  if (ns < 8)
    return (unsigned)ns;
  shift = 60 - (unsigned)__builtin_clzll(ns);
  bucket = 8 * shift + (unsigned)(ns >> shift);
  return bucket < LULL_BUCKETS ? bucket : LULL_BUCKETS - 1;
}

void measure_record(lull_histogram *times, uint64_t ns) {
  times->bucket[bucket_of(ns)]++;
  times->count++;
  times->sum += ns;
  if (ns > times->max)
    times->max = ns;
}

void measure_count(const char *key, uint64_t value) {
  line_count(&fields, key, value);
}

void measure_real(const char *key, double value) {
  line_real(&fields, key, value);
}

void measure_text(const char *key, const char *value) {
  line_text(&fields, key, value);
}

void measure_times(const char *key, const lull_histogram *times) {
  line_times(&fields, key, times);
}

/* The worst thread's; windows longer than a thread ran are left out for it. */
static void print_utilization(struct line *line) {
  static const unsigned windows[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000}; /* ms */

  line_open(line, "mmu");
  for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
    uint64_t window = windows[i] * (uint64_t)1000000;
    double least = 2;
    char key[16];
    for (const struct kept *one = kept; one; one = one->next) {
      double share = one->span < window
                         ? 2
                         : pauses_utilization(one->pauses, one->pause_count, window);
      least = share < least ? share : least;
    }
    snprintf(key, sizeof key, "%u", windows[i]);
    if (least <= 1)
      line_real(line, key, least);
  }
  line_close(line);
}

static void print_pauses(struct line *line) {
  uint64_t worst = 0;

  line_count(line, "stall_count", total.stall_count);
  line_count(line, "stall_sum", total.stall_sum);
  for (const struct kept *one = kept; one; one = one->next) {
    uint64_t of_thread = pauses_worst(one->pauses, one->pause_count, WORST_WINDOW);
    worst = of_thread > worst ? of_thread : worst;
  }
  line_count(line, "worst_100ms", worst);
  print_utilization(line);
  if (total.pauses_lost > 0)
    line_count(line, "pauses_lost", total.pauses_lost);
}

void measure_print(const char *workload, const char *memory, uint64_t threads, uint64_t operations,
                   uint64_t check) {
  static struct line line;

  line_text(&line, "workload", workload);
  line_text(&line, "memory", memory);
  line_count(&line, "threads", threads);
  line_count(&line, "operations", operations);
  line_count(&line, "check", check & CHECK_BITS);
  line_count(&line, "wall", part.wall);
  line_count(&line, "cpu", part.cpu);
  line_count(&line, "mutator_cpu", total.cpu);
  line_count(&line, "run_delay", total.run_delay);
  line_count(&line, "rss_peak", part.resident_peak);
  line_count(&line, "rss", part.resident);
  if (total.times.count > 0) {
    line_times(&line, "latency", &total.times);
    if (!irregular)
      print_pauses(&line);
  }
  line_join(&line, &fields);
  line_print(&line);
}
