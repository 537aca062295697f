/*
 * support/cores.h: how many cores the process may use, and how many of them its collectors use now.
 * Any thread.
 */
#ifndef LU_SUPPORT_CORES_H
#define LU_SUPPORT_CORES_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Cores that the process may use: those of its affinity mask, and no more than the CPU quota
 * (cpu.max) of the cgroups above it allows, in whole cores. At least 1. The masks and files are
 * looked at again when the last look is a second old; else a load.
 */
unsigned lu_cores(void);

/*
 * What a text of cpu.max, "quota period" in microseconds or "max period", allows in whole cores, at
 * least 1; UINT64_MAX: any number.
 */
uint64_t lu_cores_of_quota(const char *text);

/*
 * Threads of the process that collect now, of all heaps: drivers and helpers. Each says when it
 * begins and when it stops.
 */
void lu_cores_begin(void);
void lu_cores_end(void);
unsigned lu_cores_collecting(void);

/*
 * Whether a thread had to wait for a CPU over its last pieces of work. A piece is work that does
 * not sleep, so what its wall time has more than its CPU time was spent waiting: for a core that
 * another thread has, or that another machine of the same host has. Of the scheduler's own figure
 * (/proc/thread-self/schedstat) it differs by page faults that wait for a disk, and it needs
 * neither a file nor a kernel that keeps statistics. One thread's.
 */
struct lu_waited {
  uint64_t wall_ns, waited_ns;   /* of the last pieces; each new one halves the weight of those
                                    before */
  uint64_t began_ns, began_cpu_ns;
};

/* A piece begins; two readings of clocks. */
void lu_waited_begin(struct lu_waited *waited);
/* It has ended. Returns its CPU time. */
uint64_t lu_waited_end(struct lu_waited *waited);
/* Whether more than a quarter of the last pieces' time, and more than 100 us, was spent waiting. */
bool lu_waited_much(const struct lu_waited *waited);

#endif
