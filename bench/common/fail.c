/* The ends of a benchmark. They use _exit, because other threads go on meanwhile. */
#include "bench/common/fail.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum { REFUSED = 2, EXHAUSTED = 3 };

void bench_exhausted(size_t size) {
  fprintf(stderr, "%s: out of memory, %zu bytes wanted\n", program_invocation_short_name, size);
  _exit(EXHAUSTED);
}

void bench_require(bool condition, const char *message) {
  if (condition)
    return;
  fprintf(stderr, "%s: %s\n", program_invocation_short_name, message);
  _exit(REFUSED);
}
