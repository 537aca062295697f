/*
 * support/budget.h: how much a piece of work may take: time, or bytes marked or swept, or both.
 *
 * One thread's, for one piece. NULL stands for no bound wherever a pointer to one is asked for.
 */
#ifndef LU_SUPPORT_BUDGET_H
#define LU_SUPPORT_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include "support/clock.h"

struct lu_budget {
  uint64_t deadline_ns;  /* by lu_now_ns; 0 = none */
  uint64_t work;         /* bytes; UINT64_MAX = no bound */
  uint64_t done;         /* of them */
  bool strict;           /* to be looked at often: for a thread of the program */
};

static inline struct lu_budget lu_budget_of_time(uint64_t ns) {
  uint64_t now = lu_now_ns();
  return (struct lu_budget){.deadline_ns = ns < UINT64_MAX - now ? now + ns : UINT64_MAX,
                            .work = UINT64_MAX};
}

static inline void lu_budget_spend(struct lu_budget *budget, uint64_t work) {
  if (budget != NULL)
    budget->done += work;
}

/* Whether nothing more is to be done. Reads the clock if there is a deadline. */
static inline bool lu_budget_over(const struct lu_budget *budget) {
  return budget != NULL && (budget->done >= budget->work ||
                            (budget->deadline_ns != 0 && lu_now_ns() >= budget->deadline_ns));
}

#endif
