/* The cells of the grid and their table. */
#include "stress/simulator/grid.h"

#include "stress/simulator/text.h"

static double pick(const struct axis *axis, unsigned *index) {
  double value = axis->value[*index % axis->count];
  *index /= axis->count;
  return value;
}

unsigned grid_cells(const struct grid *grid) {
  return grid->cores.count * grid->limit.count * grid->live.count * grid->survival.count *
         grid->rate.count;
}

struct cell grid_cell(const struct grid *grid, unsigned index) {
  struct cell cell = {0};
  cell.rate = pick(&grid->rate, &index);
  cell.survival = pick(&grid->survival, &index);
  cell.live = pick(&grid->live, &index);
  cell.limit = pick(&grid->limit, &index);
  cell.cores = pick(&grid->cores, &index);
  return cell;
}

static void print_result(FILE *file, const struct world_result *result) {
  if (result->out_of_memory)
    fprintf(file, "  out of memory                                          ");
  else
    fprintf(file, "  %8.2f %6.1f %8.1f %6.1f %6.1f %5.1f %6u %6u", result->slowdown,
            result->stalled * 100, result->longest_stall * 1000, result->slept * 100,
            result->collector * 100, result->missed * 100, result->minors, result->majors);
}

void grid_table(FILE *file, const struct cell *cells, unsigned count) {
  static const char figures[] =
      "  slowdown stall%% longest/ms sleep%% gc-cpu%% miss%% minors majors";
  fprintf(file, "cores limit   live survival   rate");
  fprintf(file, figures);
  fprintf(file, "   majors only:");
  fprintf(file, figures);
  fprintf(file, "\n");
  for (unsigned i = 0; i < count; i++) {
    const struct cell *cell = &cells[i];
    char live[16], rate[16];
    text_bytes(live, sizeof live, cell->live);
    text_bytes(rate, sizeof rate, cell->rate);
    fprintf(file, "%5.0f %5.2f %6s %7.1f%% %4s/s", cell->cores, cell->limit, live,
            cell->survival * 100, rate);
    print_result(file, &cell->result);
    print_result(file, &cell->majors);
    fprintf(file, "\n");
  }
}
