/*
 * twin_boehm.c: the index on the Boehm-Demers-Weiser collector: typed only as far as objects
 * without references go, stopping the world, as a program gets it by default.
 *
 * The collector calls on_event under its own lock, so the figures of pauses have one writer at a
 * time; memory_report reads them when the threads have ended.
 */
#include "examples/textindex/memory.h"

#define GC_THREADS
#include <gc.h>
#include <inttypes.h>
#include <time.h>

const char memory_name[] = "boehm";

struct lull_thread {
  char unused;
};
static struct lull_thread any_thread;

static struct {
  uint64_t stopped_at;
  uint64_t count, over_1ms, longest, sum; /* ns */
} pauses;

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void on_event(GC_EventType event) {
  if (event == GC_EVENT_PRE_STOP_WORLD)
    pauses.stopped_at = now_ns();
  if (event != GC_EVENT_POST_START_WORLD)
    return;
  uint64_t pause = now_ns() - pauses.stopped_at;
  pauses.count++;
  pauses.over_1ms += pause > 1000000;
  pauses.sum += pause;
  if (pause > pauses.longest)
    pauses.longest = pause;
}

static void *allocate(const struct twin_type *type, size_t size) {
  return type->references ? GC_MALLOC(size) : GC_MALLOC_ATOMIC(size);
}

void *lull_new(lull_thread *thread, lull_type type) {
  (void)thread;
  return allocate(&twin_types[type], twin_types[type].size);
}

void *lull_new_array(lull_thread *thread, lull_type type, size_t length) {
  (void)thread;
  size_t *array =
      allocate(&twin_types[type], twin_types[type].size + length * twin_types[type].element_size);
  if (array != NULL)
    *array = length;
  return array;
}

void memory_enter(lull_thread *thread) {
  (void)thread;
}

void memory_leave(lull_thread *thread) {
  (void)thread;
}

void memory_retire(lull_thread *thread, void *object) {
  (void)thread;
  (void)object;
}

bool memory_open(const char *limit) {
  twin_define_types();
  GC_set_on_collection_event(on_event);
  GC_INIT();
  GC_allow_register_threads();
  if (limit != NULL) {
    char *unit;
    unsigned long bytes = strtoul(limit, &unit, 10);
    bytes <<= *unit == 'K' ? 10 : *unit == 'M' ? 20 : *unit == 'G' ? 30 : 0;
    GC_set_max_heap_size(bytes);
  }
  return true;
}

bool memory_close(void) {
  return true;
}

lull_thread *memory_attach(void) {
  struct GC_stack_base base;
  int status = GC_get_stack_base(&base);
  if (status == GC_SUCCESS)
    status = GC_register_my_thread(&base);
  if (status != GC_SUCCESS && status != GC_DUPLICATE)
    memory_exhausted();
  return &any_thread;
}

void memory_detach(lull_thread *thread) {
  (void)thread;
  GC_unregister_my_thread();
}

bool memory_settle(lull_thread *thread) {
  (void)thread;
  GC_gcollect();
  return true;
}

void memory_exhausted(void) {
  fprintf(stderr, "textindex-boehm: the heap is full (--heap gives it more)\n");
  exit(3);
}

void memory_sample(struct memory_sample *sample) {
  GC_word heap, unused, unmapped, since_gc, total;
  GC_get_heap_usage_safe(&heap, &unused, &unmapped, &since_gc, &total);
  *sample =
      (struct memory_sample){.allocated = total, .used = heap - unused, .cycles = GC_get_gc_no()};
}

void memory_report(FILE *out) {
  fprintf(out, "  %-28s %" PRIu64 " (%.0f ms each on average, all threads stopped)\n",
          "collections", (uint64_t)GC_get_gc_no(),
          pauses.count != 0 ? (double)pauses.sum / (double)pauses.count / 1e6 : 0.0);
  fprintf(out, "  %-28s %.1f us\n", "longest pause", (double)pauses.longest / 1e3);
  fprintf(out, "  %-28s %" PRIu64 "\n", "pauses over 1 ms", pauses.over_1ms);
}

void memory_figures(FILE *out) {
  fprintf(out, " pauses=%" PRIu64 " caused_max_ns=%" PRIu64 " caused_over_1ms=%" PRIu64,
          pauses.count, pauses.longest, pauses.over_1ms);
}
