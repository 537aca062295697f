/* process.h: what the system says of the process and of the calling thread. */
#ifndef BENCH_COMMON_PROCESS_H
#define BENCH_COMMON_PROCESS_H

#include <stdint.h>

/* CPU time in ns. */
uint64_t process_cpu(void);
uint64_t process_thread_cpu(void);

/* How long the calling thread was runnable but not run, in ns; 0 where the system does not say. */
uint64_t process_thread_run_delay(void);

/* Resident memory in bytes; the highest since process_reset_peak, or since the program began where
 * the system cannot forget it. */
uint64_t process_resident(void);
uint64_t process_resident_peak(void);
void process_reset_peak(void);

#endif
