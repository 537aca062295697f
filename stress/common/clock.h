/* Clocks in nanoseconds. */
#ifndef STRESS_COMMON_CLOCK_H
#define STRESS_COMMON_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Wall time since some fixed moment. */
static inline uint64_t clock_wall(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline double clock_seconds(uint64_t from, uint64_t to) {
  return (double)(to - from) / 1e9;
}

/* Gives the processor away for about so long; at least a scheduling step. */
static inline void clock_pause(uint64_t nanoseconds) {
  struct timespec span = {(time_t)(nanoseconds / 1000000000u), (long)(nanoseconds % 1000000000u)};
  nanosleep(&span, NULL);
}

#endif
