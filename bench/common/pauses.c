/*
 * Windows over sorted pauses. The time that a window covers grows or falls with the window's place
 * in straight lines that bend only where an end of the window meets an end of a pause; it is
 * largest where the window begins with a pause or ends with one.
 */
#include "bench/common/pauses.h"

static uint64_t end_of(const struct measure_pause *pause) {
  return pause->began + pause->length;
}

/* The largest of all windows that begin with a pause. */
static uint64_t worst_from(const struct measure_pause *pauses, size_t count, uint64_t window) {
  uint64_t worst = 0, whole = 0; /* whole: pauses first to after - 1, which end inside */
  size_t after = 0;

  for (size_t first = 0; first < count; first++) {
    uint64_t end = pauses[first].began + window, covered;
    for (; after < count && end_of(&pauses[after]) <= end; after++)
      whole += pauses[after].length;
    covered = whole;
    if (after < count && pauses[after].began < end)
      covered += end - pauses[after].began;
    if (covered > worst)
      worst = covered;
    if (after > first)
      whole -= pauses[first].length;
    else
      after = first + 1;
  }
  return worst;
}

/* The largest of all windows that end with a pause. */
static uint64_t worst_until(const struct measure_pause *pauses, size_t count, uint64_t window) {
  uint64_t worst = 0, whole = 0; /* whole: pauses before + 1 to last, which begin inside */
  size_t next = 0;

  for (size_t last = 0; last < count; last++) {
    uint64_t end = end_of(&pauses[last]), begin = end > window ? end - window : 0, covered;
    whole += pauses[last].length;
    for (; next <= last && pauses[next].began < begin; next++)
      whole -= pauses[next].length;
    covered = whole;
    if (next > 0 && end_of(&pauses[next - 1]) > begin)
      covered += end_of(&pauses[next - 1]) - begin;
    if (covered > worst)
      worst = covered;
  }
  return worst;
}

uint64_t pauses_worst(const struct measure_pause *pauses, size_t count, uint64_t window) {
  uint64_t from = worst_from(pauses, count, window), until = worst_until(pauses, count, window);

  return from > until ? from : until;
}

double pauses_utilization(const struct measure_pause *pauses, size_t count, uint64_t window) {
  return 1.0 - (double)pauses_worst(pauses, count, window) / (double)window;
}
