/*
 * Failure of a stress program. The first thread that fails prints and aborts; others that fail
 * meanwhile wait for the end, so that one report stands on stderr, not several mixed.
 * A failure inside the library (a signal) or one that a sanitizer reports prints the circumstances
 * too. That is not safe in a signal handler, but the process is lost anyway.
 *
 * `failing` is set once by the first failing thread (exchange, relaxed: nothing else hangs on it).
 * `circumstances` is written before threads start and read afterwards.
 */
#include "stress/common/check.h"

#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static atomic_bool failing;
static void (*circumstances)(void);

/* Present when a sanitizer's runtime is. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

/* For failures that do not come from stress_fail; prints once. */
static void explain_once(void) {
  if (!atomic_exchange_explicit(&failing, true, memory_order_relaxed) && circumstances)
    circumstances();
}

static void on_signal(int number) {
  signal(number, SIG_DFL);
  explain_once();
  raise(number);
}

void stress_on_failure(void (*print)(void)) {
  circumstances = print;
  signal(SIGABRT, on_signal);
  if (__sanitizer_set_death_callback) {
    __sanitizer_set_death_callback(explain_once);
  } else {
    signal(SIGSEGV, on_signal);
    signal(SIGBUS, on_signal);
  }
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
