/*
 * support/fault.h: failing on purpose, by count, so that every error path can be run.
 *
 * Each place that asks the system or a pool for something names its site. The option
 * fault.<site>=N makes the Nth request at that site and every later one fail (only the Nth with
 * fault.once). Process-wide: a heap's options take effect when it is created, and the site's
 * requests are counted from there. Compiled into every build; unused it costs one relaxed load.
 */
#ifndef LU_SUPPORT_FAULT_H
#define LU_SUPPORT_FAULT_H

#include <lull/base.h>
#include <stdatomic.h>

/* X(constant, option, what fails). A row here is a site, an option and a line of help. */
#define LU_FAULT_SITES(X)                                                                          \
  X(RESERVE, reserve, "reservations of address space")                                             \
  X(METADATA, metadata, "allocations of internal tables")                                          \
  X(PACKET, packet, "requests for an empty packet")                                                \
  X(THREAD, thread, "allocations of thread records")                                               \
  X(HANDLE, handle, "allocations of handle chunks")                                                \
  X(ROOTS, roots, "allocations for root ranges and callbacks")                                     \
  X(TYPE, type, "definitions of types")                                                            \
  X(BLOCK, block, "claims of free blocks")                                                         \
  X(LARGE, large, "runs for large objects")                                                        \
  X(SPAWN, spawn, "starts of collector and helper threads")                                        \
  X(MEMBARRIER, membarrier, "registrations with membarrier")

enum lu_fault_site {
#define LU_FAULT_CONSTANT(constant, option, what) LU_FAULT_##constant,
  LU_FAULT_SITES(LU_FAULT_CONSTANT)
#undef LU_FAULT_CONSTANT
  LU_FAULT_COUNT
};

/* How many sites are armed. Written by lu_fault_arm and lu_fault_clear; read everywhere (relaxed:
 * counting starts when it is seen). */
extern _Atomic uint32_t lu_faults_armed;

/* Fails the nth request at the site from now on, and each later one unless `once`; 0 disarms the
 * site. Any thread. */
void lu_fault_arm(enum lu_fault_site site, uint64_t nth, bool once);

/* Disarms every site. */
void lu_fault_clear(void);

/* Requests counted at the site since it was armed. */
uint64_t lu_fault_requests(enum lu_fault_site site);

bool lu_fault_count(enum lu_fault_site site);

/* Counts a request; true: it must fail as if the system had refused it. Any thread. */
static inline bool lu_fault(enum lu_fault_site site) {
  if (LULL_LIKELY(atomic_load_explicit(&lu_faults_armed, memory_order_relaxed) == 0))
    return false;
  return lu_fault_count(site);
}

#endif
