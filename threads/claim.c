/*
 * threads/claim.c: the claim protocol.
 *
 *   collector                          thread, coming back
 *     claims += 1                        state = RUNNING
 *     membarrier                         compiler barrier
 *     look at state                      look at claims
 *     BLOCKED: act for it                0: it is inside
 *     claims -= 1, wake it               else: state = BLOCKED, wait for 0, start over
 *
 * Only the owner writes state, only collectors write claims. Why C.1 holds: membarrier makes every
 * running thread of the process pass a full fence at some moment inside the call. Take that moment
 * in the thread that comes back. If its store of RUNNING is before it, the collector, whose load
 * comes after the call, sees RUNNING (or what the thread wrote later) and acts only if it is
 * BLOCKED again, which is a later region with a return still to come. If the store is after it, so
 * is the load of claims, since the compiler keeps the order of the two and the moment lies before
 * both; the collector's addition was before the call, so the load sees it, or the subtraction that
 * ended it. This needs nothing of x86 (TSO may delay the store past the load) nor of ARM (which may
 * also run them in any order): the fence is the only order used.
 *
 * Where a heap of the thread does without membarrier (lu_os_thread.fenced), the two accesses of the
 * thread are sequentially consistent, as the collector's always are: in their single order either
 * the load of claims follows the addition or the load of state follows the store of RUNNING.
 *
 * Why C.2 holds: lu_os_block releases state and lu_claim_granted acquires it. lu_unclaim releases
 * claims and the thread acquires it; additions and subtractions of several collectors are
 * read-modify-writes, so reading the last one's 0 synchronises with every one before it. Reading a
 * 0 that is older than a granted claim is what C.1 excludes.
 *
 * A thread that finds itself claimed goes back to BLOCKED while it waits (the model's first version
 * stayed RUNNING): two heaps that are both being stopped would otherwise each wait for a thread
 * that waits for the other's claim.
 */
#include "threads/claim.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/assert.h"
#include "support/clock.h"
#include "support/fault.h"
#include "support/tool.h"
#include "threads/handshake.h"

static pthread_once_t membarrier_once = PTHREAD_ONCE_INIT;
static bool membarrier_registered;  /* written once, in membarrier_once */

static void register_membarrier(void) {
  membarrier_registered =
      syscall(__NR_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

bool lu_membarrier_ready(void) {
  if (LU_TSAN || lu_fault(LU_FAULT_MEMBARRIER))
    return false;
  pthread_once(&membarrier_once, register_membarrier);
  return membarrier_registered;
}

void lu_claim(struct lu_os_thread *os) {
  atomic_fetch_add_explicit(&os->claims, 1, memory_order_seq_cst);
}

void lu_claim_barrier(bool membarrier) {
  if (membarrier)
    LU_CHECK(syscall(__NR_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0,
             "membarrier is refused although the process registered for it");
}

bool lu_claim_granted(struct lu_os_thread *os) {
  LU_ASSERT(atomic_load_explicit(&os->claims, memory_order_relaxed) != 0);
  return atomic_load_explicit(&os->state, memory_order_seq_cst) == LU_BLOCKED;
}

/* The signal is unconditional; it costs one addition when nobody waits. The record outlives it:
 * see threads/thread.h. */
void lu_unclaim(struct lu_os_thread *os) {
  uint32_t before = atomic_fetch_sub_explicit(&os->claims, 1, memory_order_seq_cst);
  LU_ASSERT(before != 0);
  if (before == 1)
    lu_event_signal(&os->unclaimed);
}

void lu_os_block(struct lu_os_thread *os) {
  atomic_store_explicit(&os->state, LU_BLOCKED, memory_order_release);
}

bool lu_os_try_return(struct lu_os_thread *os) {
  uint32_t claims;
  if (os->fenced == 0) {
    atomic_store_explicit(&os->state, LU_RUNNING, memory_order_relaxed);
    lu_compiler_barrier();
    claims = atomic_load_explicit(&os->claims, memory_order_acquire);
  } else {
    atomic_store_explicit(&os->state, LU_RUNNING, memory_order_seq_cst);
    claims = atomic_load_explicit(&os->claims, memory_order_seq_cst);
  }
  if (LULL_LIKELY(claims == 0))
    return true;
  lu_os_block(os);
  return false;
}

void lu_os_await_unclaimed(struct lu_os_thread *os) {
  for (;;) {
    uint32_t seen = lu_event_value(&os->unclaimed);
    if (atomic_load_explicit(&os->claims, memory_order_acquire) == 0)
      return;
    lu_event_wait(&os->unclaimed, seen, LU_FOREVER);
  }
}

static __attribute__((noinline, cold)) void return_after_claims(struct lu_os_thread *os) {
  uint64_t start = lu_now_ns();
  do
    lu_os_await_unclaimed(os);
  while (!lu_os_try_return(os));
  if (os->attachments != NULL)
    lu_histogram_add(os->attachments->registry->figures->claim_wait, lu_now_ns() - start);
}

void lu_os_return(struct lu_os_thread *os) {
  if (LULL_UNLIKELY(!lu_os_try_return(os)))
    return_after_claims(os);
}
