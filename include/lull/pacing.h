/*
 * lull/pacing.h: when collections come: settings that can be changed while a heap lives, the
 * figures behind the decisions, and heaps that share a budget.
 */
#ifndef LULL_PACING_H
#define LULL_PACING_H

#include <lull/base.h>
#include <lull/heap.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How the goal follows from the live bytes: option heap.sizing. */
enum {
  LULL_SIZING_PROPORTIONAL,  /* live bytes and major_growth percent of them */
  LULL_SIZING_FIXED,         /* the hard limit */
  LULL_SIZING_ADAPTIVE       /* live bytes and the square root of (live bytes * rate of filling /
                                speed of marking / balance) */
};

/*
 * How a heap is paced. The first part are settings, which begin as the options named; the second
 * part are figures. Only grows at its end from version to version: the caller sets struct_size.
 * Bytes, unless said otherwise; 0 means what it means for the option.
 */
typedef struct lull_pacing {
  uint64_t struct_size;        /* in: sizeof(lull_pacing) */
  uint64_t hard_limit;         /* heap.max; at most what the heap was made with */
  uint64_t soft_limit;         /* heap.soft */
  uint64_t initial;            /* heap.initial */
  uint64_t sizing;             /* heap.sizing: LULL_SIZING_... */
  uint64_t balance;            /* heap.balance, millionths of the CPU time for a megabyte */
  uint64_t major_growth;       /* heap.growth, percent */
  uint64_t generational;       /* gc.generational, 0 or 1 */
  uint64_t young;              /* gc.young */
  uint64_t minor_ratio;        /* gc.minor_ratio, percent */
  uint64_t minor_growth;       /* gc.minor_growth, percent */
  uint64_t threshold_bytes;    /* gc.threshold_bytes */
  uint64_t threshold_objects;  /* gc.threshold_objects */
  uint64_t start;              /* gc.start, percent */
  uint64_t every;              /* gc.every */
  uint64_t pause;              /* gc.pause, ns */
  uint64_t cpu;                /* gc.cpu, percent */
  uint64_t step;               /* gc.step, ns */
  uint64_t step_bytes;         /* gc.step_bytes */
  uint64_t work;               /* gc.work, percent */

  uint64_t allocated;          /* since the heap began, as the pacer counts: whole blocks */
  int64_t debt;                /* allocated since the next cycle was due; negative: left until then;
                                  0 while one runs */
  uint64_t goal;               /* what the heap should not outgrow before that cycle has marked */
  uint64_t live_estimate;      /* reachable now: found by the last cycle, and a share of what was
                                  allocated since */
  uint64_t live_major;         /* found by the last major */
  uint64_t next_is_minor;      /* what the next cycle will be if nothing happens before; 0 or 1 */
  uint64_t minors_pay;         /* 0: the last ones cost more than they saved, so there are only
                                  majors for a while */
  double survival;             /* share of what was young that survived the last minors */
  double rate;                 /* bytes a second allocated between the last cycles, the highest of
                                  four */
  double mark_speed;           /* bytes a second of CPU time, of the last majors; 0 = unknown */
  uint64_t share;              /* of the budget of the heap's group; 0 = in none */
} lull_pacing;

/*
 * Copies settings and figures to *pacing, which stays the caller's. Any thread, attached or not.
 * Takes a lock for less than a microsecond. LULL_E_ARGUMENT for a struct_size below 8 or larger
 * than the library's.
 */
LULL_API lull_status lull_heap_pacing(lull_heap *heap, lull_pacing *pacing);

/*
 * Changes settings from now on: all of those that lie within pacing->struct_size; figures are not
 * looked at. So: lull_heap_pacing, change, this. Any thread, attached or not; takes the same lock.
 * LULL_E_ARGUMENT for a struct_size as above; LULL_E_RANGE for a value that the option would
 * refuse, or a hard limit above the one that the heap was made with: nothing changes, and the log
 * line gives the accepted range. A hard limit below what is in use lets nothing more be allocated
 * until a collection has freed enough.
 */
LULL_API lull_status lull_heap_set_pacing(lull_heap *heap, const lull_pacing *pacing);

/*
 * Whether a cycle is due, or asked for, and has not begun: for embedders who drive collection
 * themselves, by lull_collect or lull_collect_start at a moment of their choice. Any thread; three
 * loads.
 */
LULL_API bool lull_should_collect(lull_heap *heap) LULL_NONNULL(1);

/*
 * Heaps of one process that share a budget of bytes. What the live bytes of all leave of it is
 * shared by the square-root rule: a heap gets a part in proportion to the square root of its live
 * bytes, times the rate at which it fills, over the speed at which it is marked. Memory goes where
 * it saves most collection (Kirisame, Shenoy, Panchekha, "Optimal heap limits for reducing browser
 * memory use", 2022). A share is a goal, not a limit: a heap may pass it, and is collected more
 * often then. Shares are computed anew at the end of each major cycle of a member.
 */
typedef struct lull_group lull_group;

/*
 * Makes a group without members. Owned by the caller until lull_group_destroy. LULL_E_RANGE for a
 * budget below 1 MB or above 1 TB; LULL_E_MEMORY.
 */
LULL_API lull_status lull_group_create(uint64_t budget, lull_group **group) LULL_NODISCARD;
/* LULL_E_BUSY while it has members. No other call may use the group at the same time or later. */
LULL_API lull_status lull_group_destroy(lull_group *group);
/* Another budget from now on. Any thread. LULL_E_RANGE as above. */
LULL_API lull_status lull_group_set_budget(lull_group *group, uint64_t budget);
/* The heap becomes a member. LULL_E_STATE if it is one of some group. Any thread. */
LULL_API lull_status lull_group_join(lull_group *group, lull_heap *heap);
/*
 * It is none any more; heap.sizing says again how it grows. lull_heap_destroy does this too.
 * LULL_E_STATE if it was none. Any thread.
 */
LULL_API lull_status lull_group_leave(lull_heap *heap);

#ifdef __cplusplus
}
#endif
#endif
