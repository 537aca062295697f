/* Combinations of programs and machines, their runs, the table and the picture. */
#ifndef STRESS_SIMULATOR_GRID_H
#define STRESS_SIMULATOR_GRID_H

#include <stdbool.h>
#include <stdio.h>

#include "stress/simulator/world.h"

enum { GRID_MOST = 8 };

struct axis {
  unsigned count;
  double value[GRID_MOST];
};

struct grid {
  struct axis cores, limit, live, survival, rate; /* limit: times the live bytes; rate: bytes a
                                                     second and thread */
};

struct cell {
  double cores, limit, live, survival, rate;
  struct world_result result;    /* as configured */
  struct world_result majors;    /* with majors only */
};

unsigned grid_cells(const struct grid *grid);
/* The combination with this index, cores slowest and rate fastest; no results yet. */
struct cell grid_cell(const struct grid *grid, unsigned index);

/* A line for each cell, with a heading. */
void grid_table(FILE *file, const struct cell *cells, unsigned count);

/*
 * An SVG picture: a panel for each number of cores and each limit, in it a square for each live
 * size, survival and rate. Colour: share of time in stalls; a dot: goals missed; a bar: the
 * collector's share of the CPU; a cross: out of memory.
 */
void grid_picture(FILE *file, const struct grid *grid, const struct cell *cells);

#endif
