/*
 * Windows over sorted pauses. Only those that begin with a pause need to be looked at: a window
 * that begins inside a pause can move back to its begin, for what it loses at its end it gains in
 * front; one that begins between pauses can move on to the next, since it has nothing to lose.
 */
#include "bench/common/pauses.h"

static uint64_t end_of(const struct measure_pause *pause) {
  return pause->began + pause->length;
}

uint64_t pauses_worst(const struct measure_pause *pauses, size_t count, uint64_t window) {
  uint64_t worst = 0, whole = 0; /* whole: of the pauses from first up to next, which end inside */
  size_t next = 0;

  for (size_t first = 0; first < count; first++) {
    uint64_t end = pauses[first].began + window, covered;
    for (; next < count && end_of(&pauses[next]) <= end; next++)
      whole += pauses[next].length;
    covered = whole;
    if (next < count && pauses[next].began < end)
      covered += end - pauses[next].began;
    if (covered > worst)
      worst = covered;
    if (next > first)
      whole -= pauses[first].length;
    else
      next = first + 1;
  }
  return worst;
}

double pauses_utilization(const struct measure_pause *pauses, size_t count, uint64_t window) {
  return 1.0 - (double)pauses_worst(pauses, count, window) / (double)window;
}
