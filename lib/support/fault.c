/*
 * fault.c: counting requests at the named sites.
 *
 * A site's row is armed when `nth` is not 0. All words are atomics and any thread may touch them.
 * Requests are numbered by fetch_add, so exactly one is the nth, however many threads ask at
 * once. Arming while other threads ask is allowed: a request sees the site before or after it.
 */
#include "support/fault.h"

/* nth: written by lu_fault_arm last (release), read by requests (acquire), so they count from the
 * new start. */
static struct {
  _Atomic uint64_t nth;
  _Atomic uint64_t requests;
  _Atomic bool once;
} sites[LU_FAULT_COUNT];

_Atomic uint32_t lu_faults_armed;

void lu_fault_arm(enum lu_fault_site site, uint64_t nth, bool once) {
  uint64_t before = atomic_exchange(&sites[site].nth, 0);
  atomic_store(&sites[site].requests, 0);
  atomic_store(&sites[site].once, once);
  if (before == 0 && nth != 0)
    atomic_fetch_add(&lu_faults_armed, 1);
  atomic_store(&sites[site].nth, nth);
  if (before != 0 && nth == 0)
    atomic_fetch_sub(&lu_faults_armed, 1);
}

void lu_fault_clear(void) {
  for (int site = 0; site < LU_FAULT_COUNT; site++)
    lu_fault_arm((enum lu_fault_site)site, 0, false);
}

uint64_t lu_fault_requests(enum lu_fault_site site) {
  return atomic_load(&sites[site].requests);
}

bool lu_fault_count(enum lu_fault_site site) {
  uint64_t nth = atomic_load(&sites[site].nth);
  if (nth == 0)
    return false;
  uint64_t request = atomic_fetch_add(&sites[site].requests, 1) + 1;
  return atomic_load(&sites[site].once) ? request == nth : request >= nth;
}
