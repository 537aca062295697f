/*
 * storm: threads are born and die, a million over a run, a few at a time. Each attaches, allocates
 * a little, swaps an object in a shared root slot and leaves; every second one ends without
 * detaching, and some of those inside a blocked region. Cycles run meanwhile.
 *
 * Checked: the objects that threads leave to others; that the library counted every attachment and
 * has none left; and that memory is flat: after a tenth of the run neither resident memory nor the
 * library's metadata grows beyond a fixed allowance.
 */
#include "stress/common/arguments.h"
#include "stress/common/check.h"
#include "stress/common/clock.h"
#include "stress/common/figures.h"
#include "stress/common/heap.h"
#include "stress/common/random.h"
#include "stress/common/sanitizer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct note {
  lull_object header;
  struct note *next;
  uint64_t number, inverse;
};

enum { SLOTS = 8, NOTES = 50 };

static uint64_t total = 1000000, concurrent = 16, slack = 16u << 20, seed = 1;
static lull_heap *heap;
static lull_type note_type;
static void *slots[SLOTS]; /* a shared root range */

static void check_note(const struct note *note) {
  STRESS_CHECK(note->number == ~note->inverse, "a note left by another thread is overwritten");
}

static struct note *write_notes(lull_thread *thread, struct random *random) {
  struct note *head = NULL;
  LULL_ROOTS(thread, head);

  for (unsigned i = 1 + random_below(random, NOTES); i > 0; i--) {
    struct note *note = lull_new(thread, note_type);
    STRESS_CHECK(note != NULL, "no memory for a note");
    note->number = random_next(random);
    note->inverse = ~note->number;
    lull_init(thread, note, &note->next, head);
    head = note;
  }
  return head;
}

static void read_notes(const struct note *note) {
  for (; note; note = note->next)
    check_note(note);
}

static void *live_and_die(void *argument) {
  uint64_t number = *(uint64_t *)argument;
  struct random random = random_seeded(seed, number);
  lull_thread *thread = heap_attach(heap);
  void *slot = &slots[random_below(&random, SLOTS)];

  read_notes(lull_root_exchange(thread, slot, write_notes(thread, &random)));
  if (random_once(&random, 50))
    lull_collect_start(heap);
  lull_poll(thread);
  if (number % 2 == 0)
    heap_detach(thread);
  else if (number % 8 == 7)
    STRESS_OK(lull_blocked_begin(thread));
  return NULL;
}

/* Memory at its highest since the start or the last reset. */
struct memory {
  uint64_t resident, metadata;
};

static void sample(struct memory *most) {
  uint64_t resident = figures_resident(), metadata = figures_stats(heap).heap_metadata;

  if (resident > most->resident)
    most->resident = resident;
  if (metadata > most->metadata)
    most->metadata = metadata;
}

static void birth(pthread_t *system, uint64_t *number) {
  STRESS_CHECK(pthread_create(system, NULL, live_and_die, number) == 0,
               "thread %llu cannot be made", (unsigned long long)*number);
}

/* Runs threads `from` to `to`, at most `concurrent` at once, sampling memory. */
static void run(uint64_t from, uint64_t to, struct memory *most) {
  pthread_t *systems = stress_calloc(concurrent, sizeof *systems);
  uint64_t *numbers = stress_calloc(concurrent, sizeof *numbers);

  for (uint64_t number = from; number < to; number++) {
    uint64_t place = number % concurrent;
    if (number >= from + concurrent)
      pthread_join(systems[place], NULL);
    numbers[place] = number;
    birth(&systems[place], &numbers[place]);
    if (number % 1024 == 0)
      sample(most);
    if (number % 100000 == 99999)
      fprintf(stderr, "storm: %llu threads, %llu KB resident\n", (unsigned long long)number + 1,
              (unsigned long long)figures_resident() >> 10);
  }
  for (uint64_t number = to - from < concurrent ? from : to - concurrent; number < to; number++)
    pthread_join(systems[number % concurrent], NULL);
  sample(most);
  free(systems);
  free(numbers);
}

static void check_flat(const struct memory *early, const struct memory *most) {
  if (!SANITIZED)
    STRESS_CHECK(
        most->resident <= early->resident + slack, "resident memory grew from %llu to %llu KB",
        (unsigned long long)early->resident >> 10, (unsigned long long)most->resident >> 10);
  STRESS_CHECK(most->metadata <= early->metadata + slack / 4, "metadata grew from %llu to %llu KB",
               (unsigned long long)early->metadata >> 10, (unsigned long long)most->metadata >> 10);
}

static void check_end(lull_thread *thread) {
  lull_stats stats = figures_stats(heap);

  STRESS_CHECK(stats.threads == 1, "%llu threads are still attached",
               (unsigned long long)stats.threads);
  STRESS_CHECK(stats.threads_attached == total + 1, "%llu attachments were counted",
               (unsigned long long)stats.threads_attached);
  for (unsigned i = 0; i < SLOTS; i++)
    read_notes(lull_load(&slots[i]));
  STRESS_OK(lull_collect(thread));
}

int main(int argc, char **argv) {
  static const uint64_t map[] = {LULL_BIT(struct note, next)};
  const char *options = NULL;
  const struct argument table[] = {
      {"threads", ARGUMENT_COUNT, &total, "threads over the run"},
      {"concurrent", ARGUMENT_COUNT, &concurrent, "threads at once"},
      {"slack", ARGUMENT_COUNT, &slack,
       "bytes that resident memory may grow by after a tenth of the run"},
      {"seed", ARGUMENT_COUNT, &seed, "of the random choices"},
      {"options", ARGUMENT_TEXT, &options, "options of the heap, as in LULL_OPTIONS"},
      {NULL, ARGUMENT_FLAG, NULL, NULL}};
  struct memory early = {0}, most = {0};
  lull_thread *thread;
  uint64_t began, warm;

  arguments_parse(argc, argv, "Birth and death of many threads.", table);
  STRESS_CHECK(total >= 10 && concurrent > 0, "--threads must be at least 10");
  heap = heap_make("heap.max=64M", options);
  note_type = heap_type(
      heap, (lull_type_desc){.name = "note",
                             .size = sizeof(struct note),
                             .layout = {.refs = LULL_REFS_MAP, .map = map, .map_words = 1}});
  thread = heap_attach(heap);
  STRESS_OK(lull_shared_range_add(thread, slots, SLOTS));
  STRESS_OK(lull_blocked_begin(thread));
  began = clock_wall();
  warm = total / 10;
  run(0, warm, &early);
  run(warm, total, &most);
  STRESS_OK(lull_blocked_end(thread));
  check_end(thread);
  check_flat(&early, &most);
  STRESS_OK(lull_shared_range_remove(thread, slots));
  heap_detach(thread);
  figures_start("storm");
  figures_count("threads", total);
  figures_real("seconds", clock_seconds(began, clock_wall()));
  figures_count("early_rss_kb", early.resident >> 10);
  figures_count("later_rss_kb", most.resident >> 10);
  figures_count("later_metadata_kb", most.metadata >> 10);
  figures_count("rss_checked", !SANITIZED);
  figures_heap(heap);
  figures_memory();
  figures_end();
  heap_end(heap);
  return 0;
}
