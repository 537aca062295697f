/*
 * cycle/steps.h: a cycle as a machine: where it stands, and moving it on.
 *
 * A cycle stands in heap->cycle.run and belongs to nobody: whoever holds cycle.driver may move it
 * on, BLOCKED or not attached, for as long as its budget lasts. So one engine serves every mode
 * (doc/design/modes.md): the collector thread goes from the first stage to the last and waits where
 * it has to; others do a piece and go.
 */
#ifndef LU_CYCLE_STEPS_H
#define LU_CYCLE_STEPS_H

#include "cycle/kind.h"
#include "cycle/phases.h"
#include "heap/sweep.h"
#include "mark/remember.h"
#include "support/budget.h"
#include "threads/driver.h"

enum lu_cause { LU_CAUSE_ALLOCATION, LU_CAUSE_EXPLICIT, LU_CAUSE_LIMIT, LU_CAUSE_LOOP,
               LU_CAUSE_STEP };

/* What is to be done next. */
enum lu_stage {
  LU_STAGE_NONE,      /* no cycle is under way */
  LU_STAGE_WINDOW,    /* H1 */
  LU_STAGE_SWITCH,
  LU_STAGE_BUMP,      /* H2 */
  LU_STAGE_SCAN,      /* H3 */
  LU_STAGE_DROP,      /* rs(k), in a major */
  LU_STAGE_ROOTS,     /* shared roots */
  LU_STAGE_REMEMBERED, /* rs(k), in a minor */
  LU_STAGE_TAKE,      /* what was flushed */
  LU_STAGE_MARK,
  LU_STAGE_FLUSH,     /* F; back to TAKE unless it was clean */
  LU_STAGE_CLOSE,
  LU_STAGE_IDLE,
  LU_STAGE_FILTER,    /* the remembered set */
  LU_STAGE_SWEEP,
  LU_STAGE_SETTLE,
  LU_STAGE_CLEAR,     /* the MARK bits of births */
  LU_STAGE_END,
  LU_STAGES
};

/* One cycle under way. All of it by who holds cycle.driver. */
struct lu_run {
  enum lu_stage stage;
  enum lu_cause cause;
  enum lu_kind proposed;    /* settled in SWITCH: cycle.kind */
  uint64_t request;         /* cycle.begun: the number that requests go by */
  uint64_t cpu_ns;          /* thread CPU time of those who drove it so far */
  uint64_t cpu_from;        /* the clock of who drives it now, when it was last read */
  uint32_t number;          /* cycle.armed.cycle, from BUMP on */
  bool stopped;             /* the world is, from the first stage to the last */
  bool shaking;             /* a handshake is open: armed, and not acknowledged by all */
  struct lu_drive drive;    /* it */
  uint64_t marked_before;   /* marking.marked before the flush round was armed */
  struct lu_sweep sweep;
  uint64_t began, traced, marked;   /* lu_now_ns */
  size_t used_before;
  uint64_t young_bytes;     /* that threads have taken since H2 of the cycle before */
  struct lu_filter filter;  /* FILTER */
  size_t slabs_at;          /* END: lu_space_return_slabs */
  uint64_t work;            /* done under budgets, as these count */
  uint64_t mark_work;       /* of it, by the end of marking */
};

/* How a stage, or a step, ended. */
enum lu_pace {
  LU_PACE_DONE,    /* the stage is over; of a step: the cycle is */
  LU_PACE_SPENT,   /* the budget is used up */
  LU_PACE_WAITS    /* nothing to do until a thread acknowledges, or another marker is done */
};

/*
 * Begins a cycle: none is under way. `stopped`: the world is, and stays so until the cycle is over.
 */
void lu_cycle_begin(lull_heap *heap, enum lu_cause cause, bool stopped);
/*
 * Moves the cycle under way on until it is over, or a thread has to be waited for, or the budget is
 * used up. Without a budget (NULL) it may wait for other markers by itself. What cannot be done in
 * pieces: a thread's own roots, and the shared ones; a large object whose references a callback
 * tells; a block that overflowed.
 */
enum lu_pace lu_cycle_step(lull_heap *heap, struct lu_budget *budget);
/* Waits for what a step that ended with LU_PACE_WAITS needs; may end early. */
void lu_cycle_await(lull_heap *heap);

#endif
