/*
 * create: how dear a heap is. A round makes one, attaches the thread, defines a type, allocates
 * one object, detaches and destroys the heap: wall time, and CPU time of the whole process, since a
 * heap has a thread of its own. The first round of the process is reported by itself (`first_*`):
 * code and the C library's memory are touched for the first time in it.
 *
 * Then what memory a heap takes: heaps with one object each are made and kept, and by how much the
 * resident memory grows with each is `heap_resident` (median, quartiles). Resident memory is summed
 * over the process's page tables (smaps_rollup); the kernel's counters are exact to a few dozen
 * pages only.
 *
 * Checked: each heap's object.
 */
#include "bench/common/fail.h"
#include "bench/common/measure.h"
#include "bench/common/process.h"
#include "bench/micro/rounds.h"
#include "stress/common/arguments.h"
#include "stress/common/check.h"
#include "stress/common/clock.h"
#include "stress/common/heap.h"

#include <inttypes.h>

struct object {
  lull_object header;
  struct object *self;
  uint64_t number;
};

static uint64_t rounds = 500, heaps = 32;
static const char *options;
static uint64_t check;
static uint64_t resident_first; /* what the first heap with its object took */

static uint64_t resident(void) {
  char line[256];
  uint64_t kilobytes = 0;
  FILE *file = fopen("/proc/self/smaps_rollup", "re");

  if (!file)
    return process_resident();
  while (fgets(line, sizeof line, file))
    if (sscanf(line, "Rss: %" SCNu64, &kilobytes) == 1)
      break;
  fclose(file);
  STRESS_CHECK(kilobytes > 0, "/proc/self/smaps_rollup has no Rss");
  return kilobytes << 10;
}

struct made {
  lull_heap *heap;
  lull_thread *thread;
  struct object *object; /* its only root is the program's promise not to collect */
};

static struct made make(uint64_t number) {
  static const uint64_t map[] = {LULL_BIT(struct object, self)};
  lull_type type;
  struct made made;

  made.heap = heap_make(NULL, options);
  made.thread = heap_attach(made.heap);
  type = heap_type(made.heap,
                   (lull_type_desc){.name = "object",
                                    .size = sizeof(struct object),
                                    .layout = {.refs = LULL_REFS_MAP, .map = map, .map_words = 1}});
  made.object = lull_new(made.thread, type);
  STRESS_CHECK(made.object != NULL, "no memory for the object of heap %" PRIu64, number);
  lull_init(made.thread, made.object, &made.object->self, made.object);
  made.object->number = number;
  return made;
}

static void destroy(const struct made *made, uint64_t number) {
  STRESS_CHECK(made->object->self == made->object && made->object->number == number,
               "the object of heap %" PRIu64 " is overwritten", number);
  check += made->object->number;
  heap_detach(made->thread);
  heap_end(made->heap);
}

/* Times from the start of the process's first heap to its end, without looking at its memory in
 * between. */
static void measure_first(void) {
  uint64_t before = resident(), cpu, wall, cpu_looked, wall_looked;
  struct made made;

  wall = clock_wall();
  cpu = process_cpu();
  made = make(0);
  wall_looked = clock_wall();
  cpu_looked = process_cpu();
  resident_first = resident() - before;
  wall += clock_wall() - wall_looked;
  cpu += process_cpu() - cpu_looked;
  destroy(&made, 0);
  measure_count("first_cpu", process_cpu() - cpu);
  measure_count("first_wall", clock_wall() - wall);
  measure_count("first_resident", resident_first);
}

static void measure_rounds(void) {
  static lull_histogram walls, cpus;

  for (uint64_t i = 1; i <= rounds; i++) {
    uint64_t wall = clock_wall(), cpu = process_cpu();
    struct made made = make(i);
    destroy(&made, i);
    measure_record(&cpus, process_cpu() - cpu);
    measure_record(&walls, clock_wall() - wall);
  }
  measure_times("round_wall", &walls);
  measure_times("round_cpu", &cpus);
}

static void measure_memory(void) {
  struct made *made = stress_calloc(heaps, sizeof *made);
  double *growth = stress_calloc(heaps, sizeof *growth);

  for (uint64_t i = 0; i < heaps; i++) {
    uint64_t before = resident();
    made[i] = make(i);
    growth[i] = (double)resident() - (double)before;
  }
  rounds_report("heap_resident", growth, heaps);
  for (uint64_t i = 0; i < heaps; i++)
    destroy(&made[i], i);
  free(growth);
  free(made);
}

int main(int argc, char **argv) {
  const struct argument table[] = {
      {"rounds", ARGUMENT_COUNT, &rounds, "heaps made and destroyed one after the other"},
      {"heaps", ARGUMENT_COUNT, &heaps, "kept at once, for their memory"},
      {"options", ARGUMENT_TEXT, &options, "options of the heaps, as in LULL_OPTIONS"},
      {NULL, ARGUMENT_FLAG, NULL, NULL}};
  struct measure_thread self;

  arguments_parse(argc, argv, "What it costs to make and end a heap.", table);
  bench_require(rounds > 0, "--rounds must be 1 or more");
  bench_require(heaps > 0 && heaps <= 10000, "--heaps must be 1 to 10000");
  measure_start();
  measure_thread_begin(&self, MEASURE_IRREGULAR);
  measure_first();
  measure_rounds();
  measure_memory();
  measure_thread_end(&self);
  measure_stop();
  measure_print("create", "lull", 1, rounds, check);
  return 0;
}
