/* The picture. Coordinates are pixels. */
#include "stress/simulator/grid.h"

#include "stress/simulator/text.h"

enum { SIDE = 24, GAP = 2, LEFT = 120, TOP = 96, PANEL_GAP = 34, LEGEND = 70 };

static unsigned columns(const struct grid *grid) { return grid->rate.count; }
static unsigned rows(const struct grid *grid) { return grid->live.count * grid->survival.count; }
static unsigned panel_width(const struct grid *grid) {
  return columns(grid) * (SIDE + GAP) + PANEL_GAP;
}
static unsigned panel_height(const struct grid *grid) {
  return rows(grid) * (SIDE + GAP) + grid->live.count * GAP + PANEL_GAP;
}

/* Green without stalls, then yellow to red up to half of the time. */
static void colour(char *text, size_t size, double stalled) {
  if (stalled < 0.0005) {
    snprintf(text, size, "#8fce9b");
    return;
  }
  double part = stalled > 0.5 ? 1.0 : stalled / 0.5;
  snprintf(text, size, "rgb(%d,%d,%d)", 250 - (int)(60 * part), 225 - (int)(185 * part),
           130 - (int)(90 * part));
}

static void label(FILE *file, double x, double y, const char *anchor, const char *text) {
  fprintf(file, "<text x='%.0f' y='%.0f' text-anchor='%s'>%s</text>\n", x, y, anchor, text);
}

static void title_of(FILE *file, const struct cell *cell) {
  char live[16], rate[16];
  text_bytes(live, sizeof live, cell->live);
  text_bytes(rate, sizeof rate, cell->rate);
  fprintf(file, "<title>%.0f cores, limit %.2f x %s, survival %.1f %%, %s/s a thread", cell->cores,
          cell->limit, live, cell->survival * 100, rate);
  if (cell->result.out_of_memory)
    fprintf(file, ": out of memory</title>");
  else
    fprintf(file,
            ": stalled %.1f %%, longest %.1f ms, goals missed %.0f %%, collector %.1f %% of the "
            "CPU, %u minors, %u majors, slowdown %.2f</title>",
            cell->result.stalled * 100, cell->result.longest_stall * 1e3, cell->result.missed * 100,
            cell->result.collector * 100, cell->result.minors, cell->result.majors,
            cell->result.slowdown);
}

static void square(FILE *file, double x, double y, const struct cell *cell) {
  const struct world_result *result = &cell->result;
  char fill[64];
  colour(fill, sizeof fill, result->stalled);
  fprintf(file, "<g>");
  title_of(file, cell);
  fprintf(file, "<rect x='%.0f' y='%.0f' width='%d' height='%d' fill='%s'/>", x, y, SIDE, SIDE,
          result->out_of_memory ? "#ddd" : fill);
  if (result->out_of_memory) {
    fprintf(file, "<path d='M%.0f %.0fl%d %dm0 -%dl-%d %d' stroke='#666'/>", x, y, SIDE, SIDE, SIDE,
            SIDE, SIDE);
  } else {
    double share = result->collector > 1 ? 1 : result->collector;
    fprintf(file, "<rect x='%.1f' y='%.1f' width='4' height='%.1f' fill='#335'/>", x + SIDE - 4,
            y + SIDE * (1 - share), SIDE * share);
    if (result->missed > 0.02)
      fprintf(file, "<circle cx='%.0f' cy='%.0f' r='%.1f' fill='#06c'/>", x + 7, y + SIDE / 2.0,
              1.5 + 3 * result->missed);
  }
  fprintf(file, "</g>\n");
}

static void row_labels(FILE *file, const struct grid *grid, double top) {
  for (unsigned i = 0; i < rows(grid); i++) {
    char live[16], text[64];
    unsigned survival = i % grid->survival.count, size = i / grid->survival.count;
    text_bytes(live, sizeof live, grid->live.value[size]);
    snprintf(text, sizeof text, survival == 0 ? "%s live, %g %%" : "%s%g %%",
             survival == 0 ? live : "", grid->survival.value[survival] * 100);
    label(file, LEFT - 6, top + i * (SIDE + GAP) + size * GAP + SIDE * 0.75, "end", text);
  }
}

static void column_labels(FILE *file, const struct grid *grid, double left, double top) {
  for (unsigned i = 0; i < columns(grid); i++) {
    char rate[16];
    text_bytes(rate, sizeof rate, grid->rate.value[i]);
    label(file, left + i * (SIDE + GAP) + SIDE / 2.0, top, "middle", rate);
  }
}

static void panel(FILE *file, const struct grid *grid, const struct cell *cells, double left,
                  double top) {
  for (unsigned row = 0; row < rows(grid); row++)
    for (unsigned column = 0; column < columns(grid); column++)
      square(file, left + column * (SIDE + GAP),
             top + row * (SIDE + GAP) + row / grid->survival.count * GAP,
             &cells[row * columns(grid) + column]);
}

static void legend(FILE *file, double y) {
  static const double shares[] = {0, 0.01, 0.1, 0.25, 0.5};
  double x = LEFT;
  label(file, x - 6, y + SIDE * 0.75, "end", "time in stalls");
  for (unsigned i = 0; i < sizeof shares / sizeof shares[0]; i++, x += 70) {
    char fill[64], text[32];
    colour(fill, sizeof fill, shares[i]);
    fprintf(file, "<rect x='%.0f' y='%.0f' width='%d' height='%d' fill='%s'/>", x, y, SIDE, SIDE,
            fill);
    snprintf(text, sizeof text, i == 0 ? "none" : "%g %%", shares[i] * 100);
    label(file, x + SIDE + 4, y + SIDE * 0.75, "start", text);
  }
  fprintf(file, "<rect x='%.0f' y='%.0f' width='4' height='%d' fill='#335'/>", x, y, SIDE / 2);
  label(file, x + 8, y + SIDE * 0.75, "start", "the collector's share of the CPU");
  fprintf(file, "<circle cx='%.0f' cy='%.0f' r='4' fill='#06c'/>", x + 240, y + SIDE / 2.0);
  label(file, x + 250, y + SIDE * 0.75, "start", "cycles that ended above the goal");
  fprintf(file, "<path d='M%.0f %.0fl12 12m0 -12l-12 12' stroke='#666'/>", x + 470, y + 3);
  label(file, x + 488, y + SIDE * 0.75, "start", "out of memory");
}

void grid_picture(FILE *file, const struct grid *grid, const struct cell *cells) {
  unsigned each = rows(grid) * columns(grid);
  unsigned width = LEFT + grid->limit.count * panel_width(grid),
           height = TOP + grid->cores.count * panel_height(grid) + LEGEND;
  if (width < LEFT + 960)
    width = LEFT + 960;
  fprintf(file,
          "<svg xmlns='http://www.w3.org/2000/svg' width='%u' height='%u' font-family='sans-serif' "
          "font-size='10'>\n",
          width, height);
  fprintf(file, "<rect width='100%%' height='100%%' fill='white'/>\n<g font-size='15'>");
  label(file, LEFT, 24, "start", "The pacer on a simulated machine");
  fprintf(file, "</g>");
  label(file, LEFT, 42, "start",
        "Rows: live bytes and the share of allocated bytes that survives. Columns: allocation of a "
        "thread, bytes a second.");
  for (unsigned i = 0; i < grid->cores.count; i++) {
    double top = TOP + i * panel_height(grid);
    row_labels(file, grid, top);
    for (unsigned j = 0; j < grid->limit.count; j++) {
      char text[64];
      double left = LEFT + j * panel_width(grid);
      snprintf(text, sizeof text, "%g core%s, limit %g x live", grid->cores.value[i],
               grid->cores.value[i] > 1 ? "s" : "", grid->limit.value[j]);
      label(file, left, top - 18, "start", text);
      column_labels(file, grid, left, top - 5);
      panel(file, grid, &cells[(i * grid->limit.count + j) * each], left, top);
    }
  }
  legend(file, height - LEGEND + 16);
  fprintf(file, "</svg>\n");
}
