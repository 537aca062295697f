/*
 * support/clock.h: the two clocks. Both in nanoseconds; never adjusted backwards.
 */
#ifndef LU_SUPPORT_CLOCK_H
#define LU_SUPPORT_CLOCK_H

#include <stdint.h>
#include <time.h>

#define LU_MICROSECOND UINT64_C(1000)
#define LU_MILLISECOND UINT64_C(1000000)
#define LU_SECOND UINT64_C(1000000000)

static inline uint64_t lu_clock_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * LU_SECOND + (uint64_t)now.tv_nsec;
}

/* Wall time since some point in the past. About 25 ns. */
static inline uint64_t lu_now_ns(void) { return lu_clock_ns(CLOCK_MONOTONIC); }

/* CPU time that the calling thread has used. A system call: about 200 ns. */
static inline uint64_t lu_thread_cpu_ns(void) { return lu_clock_ns(CLOCK_THREAD_CPUTIME_ID); }

#endif
