/*
 * Failure of a stress program. The first thread that fails prints and aborts; others that fail
 * meanwhile wait for the end, so that one report stands on stderr, not several mixed.
 *
 * `failing` is set once by the first failing thread (exchange, relaxed: nothing else hangs on it).
 * `circumstances` is written before threads start and read afterwards.
 */
#include "stress/common/check.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static atomic_bool failing;
static void (*circumstances)(void);

void stress_on_failure(void (*print)(void)) {
  circumstances = print;
}

void stress_fail(const char *file, int line, const char *format, ...) {
  va_list values;

  while (atomic_exchange_explicit(&failing, true, memory_order_relaxed))
    sleep(1);
  fflush(stdout);
  if (circumstances)
    circumstances();
  fprintf(stderr, "FAILED %s:%d: ", file, line);
  va_start(values, format);
  vfprintf(stderr, format, values);
  va_end(values);
  fputc('\n', stderr);
  fflush(stderr);
  abort();
}

void *stress_malloc(size_t size) {
  void *memory = malloc(size ? size : 1);
  STRESS_CHECK(memory != NULL, "malloc(%zu) failed", size);
  return memory;
}

void *stress_calloc(size_t count, size_t size) {
  void *memory = calloc(count ? count : 1, size ? size : 1);
  STRESS_CHECK(memory != NULL, "calloc(%zu, %zu) failed", count, size);
  return memory;
}
