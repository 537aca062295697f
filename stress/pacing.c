/*
 * pacing: drives the library's pacer with a simulated clock through programs and machines that no
 * test machine has, and draws where goals are missed.
 *
 * Beside the public headers it uses lib/cycle/policy.h, the pacer's arithmetic, and links the
 * library's inner names for it: a copy would prove nothing. stress/simulator/world.h says what is
 * modelled and what is not. Costs are arguments; the defaults are those of
 * doc/design/performance.md.
 *
 * Checked: every run ends; where there is room for what is allocated during two cycles by a margin,
 * nothing stalls and goals are kept; minors never make a program more than 5 % slower than majors
 * alone, nor spend more than 5 % (and 1 % of the machine) more CPU time; 10 % where majors alone do
 * not keep up.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stress/common/arguments.h"
#include "stress/common/check.h"
#include "stress/common/clock.h"
#include "stress/common/figures.h"
#include "stress/simulator/grid.h"

#define MB (UINT64_C(1) << 20)

static uint64_t mark_ps = 1200, sweep_ps = 20, cycle_us = 200, touched_percent = 2;
static uint64_t growth = 100, young = 32 * MB, minor_growth = 0, start = 40, cpu = 50,
                balance = 5000, cycles = 120, seconds = 60;
static const char *sizing = "proportional", *table_file, *picture_file;
static bool small, no_minors, verbose;

static const struct grid whole_grid = {.cores = {4, {1, 2, 4, 16}},
                                       .limit = {5, {1.2, 1.5, 2, 3, 6}},
                                       .live = {3, {16e6, 128e6, 1e9}},
                                       .survival = {5, {0, 0.01, 0.1, 0.5, 1}},
                                       .rate = {5, {20e6, 100e6, 500e6, 2e9, 8e9}}};
static const struct grid small_grid = {.cores = {2, {1, 2}},
                                       .limit = {3, {1.2, 2, 4}},
                                       .live = {2, {16e6, 256e6}},
                                       .survival = {3, {0, 0.1, 1}},
                                       .rate = {4, {20e6, 200e6, 1e9, 5e9}}};

static const struct argument arguments[] = {
    {"small", ARGUMENT_FLAG, &small, "a few combinations, for make check"},
    {"table", ARGUMENT_TEXT, &table_file, "file for the table"},
    {"picture", ARGUMENT_TEXT, &picture_file, "file for the picture (SVG)"},
    {"mark", ARGUMENT_COUNT, &mark_ps, "cost of marking, ps a byte"},
    {"sweep", ARGUMENT_COUNT, &sweep_ps, "cost of sweeping, ps a byte"},
    {"cycle", ARGUMENT_COUNT, &cycle_us, "cost of a cycle beside that, us"},
    {"touched", ARGUMENT_COUNT, &touched_percent,
     "old bytes that a minor scans, % of what was allocated"},
    {"growth", ARGUMENT_COUNT, &growth, "heap.growth, %"},
    {"young", ARGUMENT_COUNT, &young, "gc.young"},
    {"minor-growth", ARGUMENT_COUNT, &minor_growth, "gc.minor_growth, %"},
    {"start", ARGUMENT_COUNT, &start, "gc.start, %"},
    {"cpu", ARGUMENT_COUNT, &cpu, "gc.cpu, %"},
    {"sizing", ARGUMENT_TEXT, &sizing, "heap.sizing: proportional, fixed or adaptive"},
    {"balance", ARGUMENT_COUNT, &balance, "heap.balance"},
    {"no-minors", ARGUMENT_FLAG, &no_minors, "majors only"},
    {"cycles", ARGUMENT_COUNT, &cycles, "of each run, at least"},
    {"seconds", ARGUMENT_COUNT, &seconds, "simulated, of each run, at most"},
    {"verbose", ARGUMENT_FLAG, &verbose,
     "prints the combinations in which a check fails, and goes on"},
    {NULL, ARGUMENT_FLAG, NULL, NULL}};

static void refuse(const char *what) {
  fprintf(stderr, "pacing: %s\n", what);
  exit(2);
}

static void check_arguments(void) {
  if (strcmp(sizing, "proportional") != 0 && strcmp(sizing, "fixed") != 0 &&
      strcmp(sizing, "adaptive") != 0)
    refuse("--sizing is proportional, fixed or adaptive");
  if (mark_ps < 1 || mark_ps > 1000000 || sweep_ps > 1000000 || cycle_us < 1 || cycle_us > 10000000)
    refuse("--mark is 1 to 1000000, --sweep at most 1000000, --cycle 1 to 10000000");
  if (growth < 10 || growth > 1000 || minor_growth > 1000 || start < 1 || start > 99 || cpu < 1 ||
      cpu > 100 || touched_percent > 10000)
    refuse("--growth is 10 to 1000, --minor-growth at most 1000, --start 1 to 99, --cpu 1 to 100, "
           "--touched at most 10000");
  if (young < 64 << 10 || young > UINT64_C(1) << 40 || balance < 1 || balance > 1000000 ||
      cycles < 10 || cycles > 1000000 || seconds < 1 || seconds > 100000)
    refuse("--young is 64K to 1024G, --balance 1 to 1000000, --cycles 10 to 1000000, --seconds 1 "
           "to 100000");
}

static enum lu_sizing sizing_of(void) {
  return *sizing == 'p'   ? LU_SIZING_PROPORTIONAL
         : *sizing == 'f' ? LU_SIZING_FIXED
                          : LU_SIZING_ADAPTIVE;
}

static struct lu_policy_config config_of(const struct cell *cell, bool minors) {
  uint64_t limit = (uint64_t)(cell->live * cell->limit);
  return (struct lu_policy_config){.initial = 32 * MB < limit ? 32 * MB : limit,
                                   .limit = limit,
                                   .growth = growth,
                                   .minor_growth = minor_growth,
                                   .minor_ratio = 100,
                                   .young = young,
                                   .start = start,
                                   .balance = balance,
                                   .cpu = cpu,
                                   .cores = (unsigned)cell->cores,
                                   .sizing = sizing_of(),
                                   .generational = minors,
                                   .concurrent = true};
}

static struct world_result run(const struct cell *cell, bool minors) {
  struct world_costs costs = {.mark = (double)mark_ps / 1000,
                              .sweep = (double)sweep_ps / 1000,
                              .cycle = (double)cycle_us * 1000,
                              .touched = (double)touched_percent / 100};
  struct world_program program = {.rate = cell->rate,
                                  .live = cell->live,
                                  .survival = cell->survival,
                                  .limit = cell->live * cell->limit,
                                  .threads = cell->cores > 1 ? (unsigned)cell->cores - 1 : 1};
  struct lu_policy_config config = config_of(cell, minors);
  return world_run(&program, &costs, &config, (unsigned)cycles, (double)seconds);
}

/*
 * Room for two cycles' allocation between the live bytes and the limit, and growth, with half of it
 * to spare.
 */
static bool spacious(const struct cell *cell) {
  double threads = cell->cores > 1 ? cell->cores - 1 : 1,
         share = cell->cores > threads ? 1.0 : cell->cores / (threads + 1);
  double mark_seconds = (cell->live * (double)mark_ps / 1e12 + (double)cycle_us / 1e6) / share;
  double room = cell->live * fmin(cell->limit - 1, (double)growth / 100);
  return sizing_of() == LU_SIZING_PROPORTIONAL &&
         room * 0.5 > 2 * mark_seconds * cell->rate * threads * share && room > 4e6;
}

static unsigned failures;

static void complain(const struct cell *cell, const char *what) {
  failures++;
  if (failures <= 20 || verbose)
    fprintf(stderr, "pacing: %s: %.0f cores, limit %.2f x %.0f MB, survival %.1f %%, %.0f MB/s\n",
            what, cell->cores, cell->limit, cell->live / 1e6, cell->survival * 100,
            cell->rate / 1e6);
}

/* Runs that were cut short by --seconds show how they began, not how they went on. */
static bool long_enough(const struct world_result *result) {
  return result->minors + result->majors >= cycles;
}

/*
 * Five percent where majors alone keep up. Where they do not, time is lost in stalls, and how much
 * depends on where in the room a major happens to begin: there minors may lose twice that.
 */
static double most_loss(const struct world_result *majors) {
  return majors->stalled < 0.02 ? 1.05 : 1.1;
}

static void compare_with_majors(const struct cell *cell) {
  const struct world_result *result = &cell->result, *majors = &cell->majors;
  double most = most_loss(majors),
         spare = 0.01 * cell->cores * 1e9 * majors->seconds / majors->allocated;
  if (!long_enough(result) || !long_enough(majors))
    return;
  if (result->slowdown > majors->slowdown * most)
    complain(cell, "minors make it slower");
  if (result->collector_ns > majors->collector_ns * most + spare)
    complain(cell, "minors cost more CPU time than majors alone");
}

static void check_cell(const struct cell *cell) {
  const struct world_result *result = &cell->result, *majors = &cell->majors;
  if (spacious(cell)) {
    if (result->stalled > 0.002 || result->out_of_memory)
      complain(cell, "stalls with room to spare");
    if (result->missed > 0.05)
      complain(cell, "goals missed with room to spare");
  }
  if (result->out_of_memory && !majors->out_of_memory)
    complain(cell, "out of memory with minors only");
  if (!result->out_of_memory && !majors->out_of_memory)
    compare_with_majors(cell);
}

/* Opened before the runs: a name that is wrong shows at once. NULL for none. */
static FILE *open_file(const char *name) {
  FILE *file = name != NULL ? fopen(name, "w") : NULL;
  if (name != NULL && file == NULL) {
    fprintf(stderr, "pacing: %s: %s\n", name, strerror(errno));
    exit(2);
  }
  return file;
}

static void write_files(FILE *table, FILE *picture, const struct grid *grid,
                        const struct cell *cells) {
  if (table != NULL) {
    grid_table(table, cells, grid_cells(grid));
    STRESS_CHECK(fclose(table) == 0, "%s: %s", table_file, strerror(errno));
  }
  if (picture != NULL) {
    grid_picture(picture, grid, cells);
    STRESS_CHECK(fclose(picture) == 0, "%s: %s", picture_file, strerror(errno));
  }
}

static void print_line(const struct cell *cells, unsigned count, double took) {
  unsigned stalling = 0, missing = 0, full = 0;
  double most = 0;
  for (unsigned i = 0; i < count; i++) {
    const struct world_result *result = &cells[i].result;
    full += result->out_of_memory;
    stalling += !result->out_of_memory && result->stalled > 0.0005;
    missing += !result->out_of_memory && result->missed > 0.02;
    most = result->collector > most ? result->collector : most;
  }
  figures_start("pacing");
  figures_count("combinations", count);
  figures_count("with_stalls", stalling);
  figures_count("with_goals_missed", missing);
  figures_count("out_of_memory", full);
  figures_real("most_collector_share", most);
  figures_real("seconds", took);
  figures_end();
}

int main(int argc, char **argv) {
  arguments_parse(argc, argv, "The pacer on a simulated machine.", arguments);
  check_arguments();
  FILE *table = open_file(table_file), *picture = open_file(picture_file);
  const struct grid *grid = small ? &small_grid : &whole_grid;
  unsigned count = grid_cells(grid);
  struct cell *cells = stress_calloc(count, sizeof *cells);
  uint64_t began = clock_wall();
  for (unsigned i = 0; i < count; i++) {
    cells[i] = grid_cell(grid, i);
    cells[i].result = run(&cells[i], !no_minors);
    cells[i].majors = run(&cells[i], false);
    check_cell(&cells[i]);
  }
  write_files(table, picture, grid, cells);
  print_line(cells, count, clock_seconds(began, clock_wall()));
  free(cells);
  if (failures > 0 && !verbose)
    fprintf(stderr, "pacing: %u checks failed\n", failures);
  return failures > 0 && !verbose ? 1 : 0;
}
