/* Figures of the system's, from its clocks and /proc. Nothing is kept. */
#include "bench/common/process.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "stress/common/check.h"

static uint64_t read_clock(clockid_t clock) {
  struct timespec now;

  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t process_cpu(void) {
  return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t process_thread_cpu(void) {
  return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t process_thread_run_delay(void) {
  uint64_t delay = 0;
  FILE *file = fopen("/proc/thread-self/schedstat", "re");

  if (!file)
    return 0;
  if (fscanf(file, "%*u %" SCNu64, &delay) != 1)
    delay = 0;
  fclose(file);
  return delay;
}

/* The line "KEY:   N kB" of /proc/self/status, in bytes. */
static uint64_t status_bytes(const char *key) {
  char line[256];
  size_t length = strlen(key);
  uint64_t kilobytes = 0;
  FILE *file = fopen("/proc/self/status", "re");

  STRESS_CHECK(file != NULL, "/proc/self/status cannot be opened");
  while (fgets(line, sizeof line, file))
    if (strncmp(line, key, length) == 0 && line[length] == ':')
      STRESS_CHECK(sscanf(line + length + 1, "%" SCNu64, &kilobytes) == 1, "no number: %s", line);
  fclose(file);
  STRESS_CHECK(kilobytes > 0, "/proc/self/status has no %s", key);
  return kilobytes << 10;
}

uint64_t process_resident(void) {
  return status_bytes("VmRSS");
}

uint64_t process_resident_peak(void) {
  return status_bytes("VmHWM");
}

/* 5 in clear_refs makes the peak what is resident now. */
void process_reset_peak(void) {
  FILE *file = fopen("/proc/self/clear_refs", "we");

  if (!file)
    return;
  fputs("5\n", file);
  fclose(file);
}
