/* Amounts as short texts. */
#ifndef STRESS_SIMULATOR_TEXT_H
#define STRESS_SIMULATOR_TEXT_H

#include <stdio.h>

/* "500K", "16M", "2G": powers of 1000. */
static inline void text_bytes(char *text, size_t size, double bytes) {
  static const char suffixes[] = "KMGT";
  unsigned power = 0;
  for (bytes /= 1000; bytes >= 1000 && power < 3; power++)
    bytes /= 1000;
  snprintf(text, size, "%.3g%c", bytes, suffixes[power]);
}

#endif
