/*
 * tests/minor.h: asking for a minor cycle, whatever the pacer has planned.
 */
#ifndef LULL_TESTS_MINOR_H
#define LULL_TESTS_MINOR_H

#include "heap/heap.h"
#include "tests/fixture.h"

/*
 * Asks for a cycle as an allocation does, and returns its number. No cycle runs, so the plan stays
 * as it is set here.
 */
static inline uint64_t ask_for_minor(lull_heap *of) {
  struct lu_pacer *pacer = &of->cycle.pacer;
  lu_lock(&pacer->lock);
  pacer->policy.planned = LU_MINOR;
  lu_unlock(&pacer->lock);
  return lu_cycle_request(of, LU_CAUSE_ALLOCATION);
}

/* Asks and waits; it may have become a major. */
static inline void collect_some(lull_heap *of, lull_thread *thread) {
  uint64_t number = ask_for_minor(of);
  ck_assert(lu_cycle_wait(lu_mutator_of(thread), number, LU_CAUSE_ALLOCATION));
}

static inline void collect_minor(lull_heap *of, lull_thread *thread) {
  collect_some(of, thread);
  ck_assert_int_eq(of->cycle.kind, LU_MINOR);
}

#endif
