/*
 * limit: a heap that is hardly large enough, and one that is not. A program fills a table with
 * objects of 24 to 500 bytes, making as much garbage, then replaces them at random. Its minimal
 * heap is found by bisection to 2 %, stop-the-world and without minor cycles. Then it runs
 * concurrently, with the options given,
 *
 *   fits_*    with 1.2 times that heap: fits_done is 1 if it came to its end, else 0
 *   short_*   with 0.9 times that heap, until the out-of-memory hook is called, which must happen
 *
 *   _wall, _cpu, _cycles   until then, from the heap's creation on; CPU time is the process's
 *   minimal, trials        the minimal heap in bytes, and how many runs it took
 *
 * Checked: the contents of every object that is replaced or left; the same sum in every run that
 * comes to its end; that a failure is one of memory and comes after the hook was called; that the
 * program does not fit in less than its minimal heap.
 */
#include "bench/common/fail.h"
#include "bench/common/measure.h"
#include "bench/common/process.h"
#include "stress/common/arguments.h"
#include "stress/common/check.h"
#include "stress/common/clock.h"
#include "stress/common/figures.h"
#include "stress/common/heap.h"
#include "stress/common/random.h"

#include <inttypes.h>
#include <stdio.h>

struct object {
  lull_object header;
  size_t length;
  uint64_t words[];
};

struct table {
  lull_object header;
  size_t length;
  struct object *slots[];
};

enum { MOST_WORDS = 60, MEAN_BYTES = (int)sizeof(struct object) + 8 * MOST_WORDS / 2 };

static uint64_t live = 8u << 20, replacements, seed = 1;
static const char *options;

/* One run of the program. The hook, which runs on the only thread, notes when it was called. */
struct run {
  lull_heap *heap;
  lull_thread *thread;
  lull_type object_type, table_type;
  struct random random;
  uint64_t began, cpu_began;       /* ns */
  uint64_t wall, cpu, cycles;      /* until the end, or the hook */
  uint64_t sum, trials;
  bool hook_called, done;
};

static void note(struct run *run) {
  run->wall = clock_wall() - run->began;
  run->cpu = process_cpu() - run->cpu_began;
  run->cycles = figures_stats(run->heap).cycles;
}

static bool out_of_memory(lull_thread *thread, size_t size, lull_oom why, void *data) {
  struct run *run = data;

  (void)thread, (void)size;
  STRESS_CHECK(why == LULL_OOM_LIMIT, "the hook's reason is %d", why);
  run->hook_called = true;
  note(run);
  return false;
}

/* NULL without memory. */
static struct object *new_object(struct run *run, uint64_t number) {
  size_t length = 1 + random_below(&run->random, MOST_WORDS);
  struct object *object = lull_new_array(run->thread, run->object_type, length);

  if (object)
    object->words[0] = object->words[length - 1] = number;
  return object;
}

static uint64_t check_object(const struct object *object) {
  STRESS_CHECK(object->words[0] == object->words[object->length - 1], "an object is overwritten");
  return object->words[0] + object->length;
}

/* Whether there was memory for a new object in the slot, and for one of garbage. */
static bool replace(struct run *run, struct table *table, size_t slot, uint64_t number) {
  struct object *object;

  if (!new_object(run, number) || !(object = new_object(run, number)))
    return false;
  if (table->slots[slot])
    check_object(table->slots[slot]);
  lull_store(run->thread, table, &table->slots[slot], object);
  return true;
}

static bool fill_and_replace(struct run *run, size_t slots) {
  struct table *table = NULL;
  bool room = true;
  LULL_ROOTS(run->thread, table);

  table = lull_new_array(run->thread, run->table_type, slots);
  room = table != NULL;
  for (size_t i = 0; i < slots && room; i++)
    room = replace(run, table, i, i);
  for (uint64_t i = 0; i < replacements && room; i++)
    room = replace(run, table, random_below(&run->random, (uint32_t)slots), i);
  for (size_t i = 0; i < slots && room; i++)
    run->sum += check_object(table->slots[i]);
  return room;
}

static void define_types(struct run *run) {
  run->object_type = heap_type(
      run->heap, (lull_type_desc){.name = "object",
                                  .size = sizeof(struct object),
                                  .element_size = sizeof(uint64_t),
                                  .length_offset = offsetof(struct object, length)});
  run->table_type = heap_type(
      run->heap, (lull_type_desc){.name = "table",
                                  .size = sizeof(struct table),
                                  .element_size = sizeof(struct object *),
                                  .length_offset = offsetof(struct table, length),
                                  .element = {.refs = LULL_REFS_ALL}});
}

/* Runs the program in a heap of so many bytes. */
static struct run attempt(uint64_t bytes, const char *more) {
  struct run run = {.random = random_seeded(seed, 0)};
  char text[64];

  snprintf(text, sizeof text, "heap.max=%" PRIu64, bytes);
  run.began = clock_wall();
  run.cpu_began = process_cpu();
  run.heap = heap_make(text, more);
  define_types(&run);
  STRESS_OK(lull_heap_oom_hook(run.heap, out_of_memory, &run));
  run.thread = heap_attach(run.heap);
  run.done = fill_and_replace(&run, live / MEAN_BYTES);
  if (run.done)
    note(&run);
  else
    STRESS_CHECK(lull_last_error() == LULL_E_MEMORY && run.hook_called,
                 "an allocation failed without the hook: %s", lull_status_text(lull_last_error()));
  heap_detach(run.thread);
  heap_end(run.heap);
  return run;
}

/* The least heap that is known to do; one smaller by 2 % is known not to. Its sum in *sum. */
static uint64_t minimal_heap(uint64_t *sum, uint64_t *trials) {
  uint64_t low = live / 2, high = live;
  struct run run;

  *trials = 0;
  while (++*trials, run = attempt(high, "gc.mode=stw,gc.generational=no"), !run.done) {
    STRESS_CHECK(high < 64 * live, "%" PRIu64 " MB are not enough either", high >> 20);
    low = high;
    high *= 2;
  }
  *sum = run.sum;
  while (low + low / 50 < high) {
    uint64_t middle = low + (high - low) / 2;
    ++*trials;
    run = attempt(middle, "gc.mode=stw,gc.generational=no");
    STRESS_CHECK(!run.done || run.sum == *sum, "the numbers add up to %" PRIu64, run.sum);
    if (run.done)
      high = middle;
    else
      low = middle;
  }
  return high;
}

static void report(const char *name, const struct run *run) {
  char key[64];

  snprintf(key, sizeof key, "%s_wall", name);
  measure_count(key, run->wall);
  snprintf(key, sizeof key, "%s_cpu", name);
  measure_count(key, run->cpu);
  snprintf(key, sizeof key, "%s_cycles", name);
  measure_count(key, run->cycles);
}

int main(int argc, char **argv) {
  const struct argument table[] = {
      {"live", ARGUMENT_COUNT, &live, "bytes that stay alive, about"},
      {"seed", ARGUMENT_COUNT, &seed, "of the random choices"},
      {"options", ARGUMENT_TEXT, &options, "options of the two heaps, as in LULL_OPTIONS"},
      {NULL, ARGUMENT_FLAG, NULL, NULL}};
  struct measure_thread self;
  uint64_t minimal, sum, trials;
  struct run fits, too_short;

  arguments_parse(argc, argv, "A heap that is hardly large enough, and one that is not.", table);
  bench_require(live >= 1 << 20 && live <= (uint64_t)1 << 36, "--live must be 1M to 64G");
  replacements = 2 * (live / MEAN_BYTES);
  measure_start();
  measure_thread_begin(&self, MEASURE_IRREGULAR);
  minimal = minimal_heap(&sum, &trials);
  fits = attempt(minimal + minimal / 5, options);
  STRESS_CHECK(!fits.done || fits.sum == sum, "the numbers add up to %" PRIu64, fits.sum);
  too_short = attempt(minimal - minimal / 10, options);
  STRESS_CHECK(!too_short.done, "it fits in less than its minimal heap");
  measure_thread_end(&self);
  measure_stop();
  measure_count("minimal", minimal);
  measure_count("trials", trials);
  measure_count("fits_done", fits.done);
  report("fits", &fits);
  report("short", &too_short);
  measure_print("limit", "lull", 1, 3 * (live / MEAN_BYTES), sum);
  return 0;
}
