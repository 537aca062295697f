/* Speed-up over the number of markers: curves, in panels, as a table and as a picture. */
#ifndef STRESS_MARKING_CURVES_H
#define STRESS_MARKING_CURVES_H

#include <stdio.h>

enum { STEPS = 12, MOST_CURVES = 7 };
/* Numbers of markers: 1 to 64. */
extern const unsigned steps[STEPS];

struct curve {
  char name[40];
  double ms;                /* with one marker */
  double speedup[STEPS];
  double busy[STEPS];       /* share of the markers' time that they worked */
};

struct panel {
  const char *title;
  unsigned count;
  struct curve curve[MOST_CURVES];
};

void curves_table(FILE *file, const struct panel *panels, unsigned count);
void curves_picture(FILE *file, const struct panel *panels, unsigned count, const char *below);

#endif
