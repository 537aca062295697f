/*
 * scaling: how marking would scale to more cores than a test machine has: a simulation
 * (stress/marking/engine.h) with costs that were measured on one or two.
 *
 * Four panels of speed-up over 1 to 64 markers: shapes of graphs; bandwidth of the memory; size of
 * the heap; packets. --table and --picture write them. Costs are arguments in picoseconds or
 * nanoseconds; doc/design/scaling.md says which benchmark gives each of them, and what came out.
 *
 * Checked: every run marks each reachable object once; no speed-up is above the number of markers
 * by more than rounding; one list is not marked faster by several; a run with one marker takes what
 * its objects cost, within 2 % and the cost of packets; the same arguments give the same result.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stress/common/arguments.h"
#include "stress/common/check.h"
#include "stress/common/clock.h"
#include "stress/common/figures.h"
#include "stress/marking/curves.h"
#include "stress/marking/engine.h"
#include "stress/marking/machine.h"

static uint64_t object_ps = 45000, again_ps = 37000, latency_ps = 300000, push_ps = 2000,
                packet_ns = 150, head_ns = 100;
static uint64_t call_ns = 6000, each_ns = 3000, wake_ns = 5000, spawn_ns = 9000,
                memory_percent = 80, saturation = 8;
static uint64_t objects = 1 << 20, entries = 508, seed = 1;
static const char *table_file, *picture_file;
static bool small, machine;

static const struct argument arguments[] = {
    {"small", ARGUMENT_FLAG, &small, "small heaps, for make check"},
    {"machine", ARGUMENT_FLAG, &machine,
     "measures what waking costs here, and prints it as arguments"},
    {"table", ARGUMENT_TEXT, &table_file, "file for the table; - is standard output"},
    {"picture", ARGUMENT_TEXT, &picture_file, "file for the picture (SVG)"},
    {"objects", ARGUMENT_COUNT, &objects, "of each graph"},
    {"object", ARGUMENT_COUNT, &object_ps, "cost of marking an object, ps"},
    {"again", ARGUMENT_COUNT, &again_ps, "cost of a reference to a marked object, ps"},
    {"latency", ARGUMENT_COUNT, &latency_ps, "cost of an object that was not prefetched, ps"},
    {"push", ARGUMENT_COUNT, &push_ps, "cost of a reference of an array, ps"},
    {"packet", ARGUMENT_COUNT, &packet_ns, "cost of exchanging a packet, ns"},
    {"head", ARGUMENT_COUNT, &head_ns, "of that, alone with the stack's head, ns"},
    {"call", ARGUMENT_COUNT, &call_ns, "cost of waking somebody, ns"},
    {"each", ARGUMENT_COUNT, &each_ns, "cost of waking another one with him, ns"},
    {"wake", ARGUMENT_COUNT, &wake_ns, "time until somebody who is woken runs, ns"},
    {"spawn", ARGUMENT_COUNT, &spawn_ns, "cost of making a thread, ns; 0: all exist"},
    {"memory", ARGUMENT_COUNT, &memory_percent, "share of marking that waits for memory, %"},
    {"saturation", ARGUMENT_COUNT, &saturation,
     "markers that use up the memory's bandwidth; 0: endless"},
    {"entries", ARGUMENT_COUNT, &entries, "of a packet"},
    {"seed", ARGUMENT_COUNT, &seed, "of the random graphs"},
    {NULL, ARGUMENT_FLAG, NULL, NULL}};

static void check_arguments(void) {
  if (objects < 1000 || objects > 1 << 26 || entries < 2 || entries > 1 << 16 ||
      memory_percent > 100 || object_ps == 0 || latency_ps < object_ps) {
    fprintf(stderr, "scaling: 1000 to 64M objects, packets of 2 to 64K entries, at most 100 %% "
                    "memory, and an object costs something, at most the latency\n");
    exit(2);
  }
}

static struct costs given_costs(void) {
  return (struct costs){.object = (double)object_ps / 1e3,
                        .again = (double)again_ps / 1e3,
                        .latency = (double)latency_ps / 1e3,
                        .push = (double)push_ps / 1e3,
                        .packet = (double)packet_ns,
                        .head = (double)head_ns,
                        .call = (double)call_ns,
                        .each = (double)each_ns,
                        .wake = (double)wake_ns,
                        .spawn = (double)spawn_ns,
                        .first = 200e3,
                        .look = 1e6,
                        .memory = (double)memory_percent / 100,
                        .saturation = (double)saturation,
                        .packet_entries = (uint32_t)entries};
}

static void check_run(const char *name, const struct graph *graph, unsigned markers,
                      const struct outcome *outcome, double speedup) {
  STRESS_CHECK(outcome->marked == graph->reachable, "%s, %u markers: %u objects marked of %u", name,
               markers, outcome->marked, graph->reachable);
  STRESS_CHECK(speedup <= markers * 1.001, "%s: %u markers are %.2f times as fast as one", name,
               markers, speedup);
  STRESS_CHECK(outcome->busy <= 1.001, "%s: %u markers work %.2f of the time", name, markers,
               outcome->busy);
}

/* With one marker: no sharing, no contention. */
static void check_alone(const char *name, const struct graph *graph, const struct costs *costs,
                        double ns) {
  double references = graph->first[graph->count], marked = graph->reachable;
  double least = marked * costs->object;
  double most = marked * costs->latency + references * (costs->latency + costs->push) +
                (marked + references) * 4 * costs->packet;
  STRESS_CHECK(ns >= least * 0.98 && ns <= most * 1.02,
               "%s: one marker takes %.0f ns, not %.0f to %.0f", name, ns, least, most);
}

static void measure(struct curve *curve, const char *name, const struct graph *graph,
                    const struct costs *costs) {
  snprintf(curve->name, sizeof curve->name, "%s", name);
  double alone = 0;
  for (unsigned k = 0; k < STEPS; k++) {
    struct outcome outcome = engine_run(graph, steps[k], costs);
    if (k == 0) {
      alone = outcome.ns;
      check_alone(name, graph, costs, alone);
      STRESS_CHECK(engine_run(graph, 1, costs).ns == alone, "%s: two runs differ", name);
    }
    curve->speedup[k] = alone / outcome.ns;
    curve->busy[k] = outcome.busy;
    check_run(name, graph, steps[k], &outcome, curve->speedup[k]);
  }
  curve->ms = alone / 1e6;
}

static void measure_shape(struct panel *panel, const char *name, enum shape shape, uint64_t count,
                          const struct costs *costs) {
  struct graph graph = graph_make(shape, (uint32_t)count, seed);
  measure(&panel->curve[panel->count++], name, &graph, costs);
  graph_free(&graph);
}

static void shapes(struct panel *panel) {
  struct costs costs = given_costs();
  panel->title = "shapes";
  for (int shape = 0; shape < SHAPES; shape++)
    measure_shape(panel, shape_names[shape], (enum shape)shape, objects, &costs);
  const struct curve *list = &panel->curve[SHAPE_LIST];
  STRESS_CHECK(list->speedup[STEPS - 1] < 1.05,
               "64 markers mark one list %.2f times as fast as one", list->speedup[STEPS - 1]);
}

static void bandwidths(struct panel *panel) {
  static const unsigned values[] = {2, 4, 8, 16, 0};
  struct costs costs = given_costs();
  panel->title = "random graph: markers that use up the memory";
  for (unsigned i = 0; i < sizeof values / sizeof values[0]; i++) {
    char name[40];
    snprintf(name, sizeof name, values[i] != 0 ? "%u" : "endless", values[i]);
    costs.saturation = values[i];
    measure_shape(panel, name, SHAPE_RANDOM, objects, &costs);
  }
}

static void sizes(struct panel *panel) {
  static const unsigned shares[] = {256, 64, 16, 4, 1};
  struct costs costs = given_costs();
  panel->title = "binary tree: objects";
  for (unsigned i = 0; i < sizeof shares / sizeof shares[0]; i++) {
    char name[40];
    snprintf(name, sizeof name, "%llu", (unsigned long long)objects / shares[i]);
    measure_shape(panel, name, SHAPE_TREE, objects / shares[i], &costs);
  }
}

static void packets(struct panel *panel) {
  static const unsigned values[] = {8, 32, 128, 508};
  struct costs costs = given_costs();
  panel->title = "random graph: entries of a packet";
  for (unsigned i = 0; i < sizeof values / sizeof values[0]; i++) {
    char name[40];
    snprintf(name, sizeof name, "%u", values[i]);
    costs.packet_entries = values[i];
    measure_shape(panel, name, SHAPE_RANDOM, objects, &costs);
  }
}

static FILE *open_file(const char *name) {
  FILE *file = strcmp(name, "-") == 0 ? stdout : fopen(name, "w");
  if (file == NULL) {
    fprintf(stderr, "scaling: %s: %s\n", name, strerror(errno));
    exit(2);
  }
  return file;
}

static void close_file(FILE *file, const char *name) {
  STRESS_CHECK(file == stdout ? fflush(file) == 0 : fclose(file) == 0, "%s: %s", name,
               strerror(errno));
}

static void write_files(const struct panel *all, unsigned count) {
  char below[160];
  snprintf(below, sizeof below,
           "Markers (both axes logarithmic). %llu objects, %.1f ns each alone, memory used up by "
           "%llu markers, unless said otherwise.",
           (unsigned long long)objects, (double)object_ps / 1e3, (unsigned long long)saturation);
  if (table_file != NULL) {
    FILE *file = open_file(table_file);
    curves_table(file, all, count);
    close_file(file, table_file);
  }
  if (picture_file != NULL) {
    FILE *file = open_file(picture_file);
    curves_picture(file, all, count, below);
    close_file(file, picture_file);
  }
}

static void print_machine(void) {
  struct machine here = machine_measure();
  printf("--call %.0f --each %.0f --wake %.0f --spawn %.0f\n", here.call, here.each, here.wake,
         here.spawn);
}

int main(int argc, char **argv) {
  static struct panel all[4];
  arguments_parse(argc, argv, "Marking with 1 to 64 markers, simulated.", arguments);
  if (machine) {
    print_machine();
    return 0;
  }
  if (small)
    objects = 1 << 15;
  check_arguments();
  uint64_t began = clock_wall();
  shapes(&all[0]);
  bandwidths(&all[1]);
  sizes(&all[2]);
  packets(&all[3]);
  write_files(all, 4);
  figures_start("scaling");
  figures_count("objects", objects);
  figures_real("random_8", all[0].curve[SHAPE_RANDOM].speedup[5]);
  figures_real("random_64", all[0].curve[SHAPE_RANDOM].speedup[STEPS - 1]);
  figures_real("tree_64", all[0].curve[SHAPE_TREE].speedup[STEPS - 1]);
  figures_real("list_64", all[0].curve[SHAPE_LIST].speedup[STEPS - 1]);
  figures_real("seconds", clock_seconds(began, clock_wall()));
  figures_end();
  return 0;
}
