/*
 * The table and the picture. Coordinates are pixels; both axes are logarithmic, so the ideal is a
 * straight line.
 */
#include "stress/marking/curves.h"

#include <math.h>

enum { WIDTH = 300, HEIGHT = 260, LEFT = 50, TOP = 70, GAP = 70, NAMES = 16, BOTTOM = 40 };

const unsigned steps[STEPS] = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64};
static const char *const colours[MOST_CURVES] = {"#06c", "#c33", "#283", "#939",
                                                 "#b70", "#088", "#555"};

void curves_table(FILE *file, const struct panel *panels, unsigned count) {
  for (unsigned i = 0; i < count; i++) {
    fprintf(file, "%-28s %9s", panels[i].title, "ms");
    for (unsigned k = 0; k < STEPS; k++)
      fprintf(file, " %5u", steps[k]);
    fputc('\n', file);
    for (unsigned j = 0; j < panels[i].count; j++) {
      const struct curve *curve = &panels[i].curve[j];
      fprintf(file, "  %-26s %9.2f", curve->name, curve->ms);
      for (unsigned k = 0; k < STEPS; k++)
        fprintf(file, " %5.2f", curve->speedup[k]);
      fputc('\n', file);
    }
  }
}

static double x_of(double markers) { return WIDTH * log2(markers) / 6; }
static double y_of(double speedup) {
  return HEIGHT - HEIGHT * (log2(speedup < 0.5 ? 0.5 : speedup) + 1) / 7;
}

static void label(FILE *file, double x, double y, const char *anchor, const char *text) {
  fprintf(file, "<text x='%.0f' y='%.0f' text-anchor='%s'>%s</text>\n", x, y, anchor, text);
}

static void axes(FILE *file, const char *title) {
  char text[16];
  fprintf(file, "<rect width='%d' height='%d' fill='none' stroke='#999'/>\n", WIDTH, HEIGHT);
  for (unsigned k = 1; k <= 64; k *= 2) {
    snprintf(text, sizeof text, "%u", k);
    fprintf(file, "<path d='M%.1f 0V%d M0 %.1fH%d' stroke='#eee'/>\n", x_of(k), HEIGHT, y_of(k),
            WIDTH);
    label(file, x_of(k), HEIGHT + 14, "middle", text);
    label(file, -6, y_of(k) + 4, "end", text);
  }
  fprintf(file, "<path d='M0 %.1fL%.1f %.1f' stroke='#bbb' stroke-dasharray='4 3'/>\n", y_of(1),
          x_of(64), y_of(64));
  label(file, 0, -8, "start", title);
}

static void draw(FILE *file, const struct curve *curve, unsigned index) {
  fprintf(file, "<path fill='none' stroke='%s' stroke-width='1.6' d='", colours[index]);
  for (unsigned k = 0; k < STEPS; k++)
    fprintf(file, "%s%.1f %.1f", k == 0 ? "M" : "L", x_of(steps[k]), y_of(curve->speedup[k]));
  fprintf(file, "'/>\n");
  for (unsigned k = 0; k < STEPS; k++)
    fprintf(file,
            "<circle cx='%.1f' cy='%.1f' r='2' fill='%s'><title>%s, %u markers: %.2f, at work %.0f "
            "%% of the time</title></circle>\n",
            x_of(steps[k]), y_of(curve->speedup[k]), colours[index], curve->name, steps[k],
            curve->speedup[k], curve->busy[k] * 100);
  fprintf(file, "<g fill='%s'>", colours[index]);
  label(file, 8, 16 + index * NAMES, "start", curve->name);
  fprintf(file, "</g>\n");
}

void curves_picture(FILE *file, const struct panel *panels, unsigned count, const char *below) {
  unsigned width = LEFT + count * (WIDTH + GAP), height = TOP + HEIGHT + BOTTOM + 20;
  fprintf(file,
          "<svg xmlns='http://www.w3.org/2000/svg' width='%u' height='%u' font-family='sans-serif' "
          "font-size='11'>\n",
          width, height);
  fprintf(file, "<rect width='100%%' height='100%%' fill='white'/>\n<g font-size='15'>");
  label(file, LEFT, 24, "start", "Marking, simulated: speed-up over the number of markers");
  fprintf(file, "</g>");
  label(file, LEFT, height - 10, "start", below);
  for (unsigned i = 0; i < count; i++) {
    fprintf(file, "<g transform='translate(%u %d)'>\n", LEFT + i * (WIDTH + GAP), TOP);
    axes(file, panels[i].title);
    for (unsigned j = 0; j < panels[i].count; j++)
      draw(file, &panels[i].curve[j], j);
    fprintf(file, "</g>\n");
  }
  fprintf(file, "</svg>\n");
}
