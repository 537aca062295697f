/* Amounts as short texts. */
#ifndef STRESS_SIMULATOR_TEXT_H
#define STRESS_SIMULATOR_TEXT_H

#include <stdio.h>

/* "512K", "16M", "2G". */
static inline void text_bytes(char *text, size_t size, double bytes) {
  static const char suffixes[] = "KMGT";
  unsigned power = 0;
  for (bytes /= 1024; bytes >= 1024 && power < 3; power++)
    bytes /= 1024;
  snprintf(text, size, "%.3g%c", bytes, suffixes[power]);
}

#endif
