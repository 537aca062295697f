/*
 * cycle/policy.h: the pacer as arithmetic: when the next cycle begins, of which kind, how large the
 * heap may grow, and what allocating threads owe.
 *
 * No clock, no atomics, no heap: the caller gives times and byte counts, so tests and a simulator
 * drive the same code as a heap does (cycle/pacer.c). `now` is in nanoseconds from any start,
 * `allocated` counts bytes since the heap began; neither ever falls.
 *
 * A struct lu_policy is used by one thread at a time; the caller locks.
 */
#ifndef LU_CYCLE_POLICY_H
#define LU_CYCLE_POLICY_H

#include <stdbool.h>
#include <stdint.h>
#include "cycle/kind.h"

enum lu_sizing {
  LU_SIZING_PROPORTIONAL,  /* live bytes and a percentage of them */
  LU_SIZING_FIXED,         /* the limit */
  /* Live bytes and the square root of (live bytes * allocation rate / marking speed) */
  LU_SIZING_ADAPTIVE
};

/* What a cycle that has ended says of itself. */
struct lu_cycle_result {
  enum lu_kind kind;
  /* Found live, what was born during the cycle not counted; of a minor: all that is old now */
  uint64_t live_bytes;
  uint64_t survived_bytes;  /* of what was young when it began */
  uint64_t freed_bytes;
  uint64_t objects_marked;
  uint64_t cpu_ns;          /* of the collector, its helpers and assists */
  /* Bytes that small objects can be given now before the limit stops them; 0: not known */
  uint64_t space_left;
};

/*
 * Settings; what they mean for users is in the table of options (support/options.c). 0 means what
 * it means there, unless said otherwise.
 */
struct lu_policy_config {
  uint64_t initial, soft, limit;             /* bytes */
  uint64_t growth, minor_growth, minor_ratio; /* percent */
  uint64_t young;                            /* bytes; never 0 */
  uint64_t threshold_bytes, threshold_objects;
  uint64_t every;                            /* bytes */
  uint64_t pause;                            /* ns */
  uint64_t start;                            /* percent */
  uint64_t balance;                          /* millionths of the CPU for a megabyte */
  uint64_t cpu;                              /* percent of all cores */
  unsigned cores;
  enum lu_sizing sizing;
  bool generational;
  /* false: by bytes alone, so that a run can be repeated */
  bool concurrent;
};

/* What the last four cycles of a kind took. */
struct lu_policy_history {
  double seconds[4];   /* wall time from begin to the end of marking */
  unsigned samples;
  /* Of the last one: CPU time in ns, in the stop-the-world mode bytes marked */
  double cost;
  uint64_t live;       /* it left alive */
  uint64_t objects;    /* it marked */
};

struct lu_policy {
  struct lu_policy_config config;

  /* Answers, valid from each call to the next. */
  uint64_t trigger;         /* a cycle is due when `allocated` reaches this */
  /* Bytes that the heap should not outgrow before that cycle has marked */
  uint64_t goal;
  uint64_t pause_until;     /* it should not begin before, unless a thread waits for memory; ns */
  /* It should not begin before, for the collector's share of the CPU; ns */
  uint64_t cpu_until;
  enum lu_kind planned;     /* what it will be, if nothing happens before */
  /* A cycle runs: bytes that may be allocated from its begin to the goal */
  uint64_t headroom;
  uint64_t limit_room;      /* ... to the limit */
  uint64_t work;            /* ... bytes that it is expected to mark */
  uint64_t objects;         /* ... objects, likewise; 0 = unknown */
  double seconds;           /* ... time that marking is expected to take; 0 = unknown */
  double ns_per_byte;       /* CPU time of marking a byte, by the last cycles; 0 = unknown */
  bool may_assist;          /* the collector's CPU share allows assists */

  /* State between cycles. */
  bool running;
  enum lu_kind kind;        /* of the cycle that runs, or of the last one */
  uint64_t live;            /* live_bytes of the last cycle */
  /* Allocated while it ran: counts as used until the next one, and is young */
  uint64_t floating;
  uint64_t major_live;      /* live_bytes of the last major: what growth is measured from */
  double trend;             /* the same over those of the major before; 1 to 2 */
  uint64_t share;           /* of the budget of a group of heaps; 0 = none */
  /*
   * Of the last cycle's result; UINT64_MAX = unknown. Less than goal and limit say where what lives
   * is scattered
   */
  uint64_t space_left;
  uint64_t kept;            /* of the limit, for large objects: small ones stall before */
  uint64_t begun_at, ended_at;       /* `allocated` then */
  uint64_t begun_ns, ended_ns;
  /* Bytes a second between the last cycles, and while they marked; the worst counts */
  double rate[4], rate_beside[4];
  unsigned rates;
  /* The latter over the former; the collector may take cores from the program */
  double slowing;
  struct lu_policy_history history[LU_KINDS];
  bool stalled;             /* since the last cycle ended */
  /* Of the room, by which cycles begin earlier than predictions say; 0 to 0.5 */
  double margin;
  double retained;          /* share of what is allocated by which the live bytes grow */

  /* Whether minors pay. */
  double minor_cost;        /* for a byte that was young */
  double survival;          /* share of what was young */
  /* In them when the next minor is planned; falls with each major since */
  double trust;
  double stretch;           /* by which survival has stretched the young size; 1 to 4 */
  unsigned minors;          /* that the two means above are of */
  unsigned bad, good;       /* minors in a row that did not pay, or did */
  /*
   * Majors until the next trial, when they do not: all, and those left; left = 0: minors are made
   */
  unsigned skip, left;

  /* For sizes by the square-root rule: between majors. */
  uint64_t filled_after;    /* bytes used after the last major */
  uint64_t major_ended_ns;
  double fill_rate;         /* bytes a second by which the heap fills; 0 = unknown */

  /* CPU share: what the collector may still spend, ns; it grows with the time. */
  double cpu_left;
  uint64_t cpu_ns_at;
};

void lu_policy_init(struct lu_policy *policy, const struct lu_policy_config *config, uint64_t now,
                    uint64_t allocated);

/* Other settings from now on; plans anew. Of a cycle that runs only the goal changes. */
void lu_policy_configure(struct lu_policy *policy, const struct lu_policy_config *config);

/* The kind that a cycle has that begins now. */
enum lu_kind lu_policy_kind(const struct lu_policy *policy, uint64_t allocated);

/* So many bytes of the limit are kept for large objects from now on; plans anew if that is news. */
void lu_policy_keep(struct lu_policy *policy, uint64_t bytes);

/* A cycle begins; its kind is the caller's choice. */
void lu_policy_begin(struct lu_policy *policy, enum lu_kind kind, uint64_t now, uint64_t allocated);
/* An allocation waits for memory. */
void lu_policy_stalled(struct lu_policy *policy);
/* The minor has become a major after all. */
void lu_policy_turned_major(struct lu_policy *policy);
/* Marking is over. */
void lu_policy_marked(struct lu_policy *policy, uint64_t now, uint64_t allocated, uint64_t objects);
/* It has ended; plans the next one. */
void lu_policy_end(struct lu_policy *policy, uint64_t now, uint64_t allocated,
                   const struct lu_cycle_result *result);

/* Bytes that are used: live at the last cycle, or allocated since it began. */
uint64_t lu_policy_filled(const struct lu_policy *policy, uint64_t allocated);
/* Bytes a second allocated between the last cycles; the highest of four. */
double lu_policy_rate(const struct lu_policy *policy);
/* Estimate of the bytes that are reachable now. */
uint64_t lu_policy_live(const struct lu_policy *policy, uint64_t allocated);
/* Bytes allocated since the next cycle was due; negative: left until then. 0 while a cycle runs. */
int64_t lu_policy_debt(const struct lu_policy *policy, uint64_t allocated);

/*
 * The square-root rule for several heaps: a heap's part of what the budget leaves beyond all live
 * bytes is proportional to its weight, the square root of live bytes * rate of filling / speed of
 * marking. The caller gives the share. Idea: Kirisame, Shenoy, Panchekha, "Optimal heap limits for
 * reducing browser memory use" (2022).
 */
double lu_policy_weight(const struct lu_policy *policy);
void lu_policy_set_share(struct lu_policy *policy, uint64_t bytes);

/* How far a cycle is, for those who allocate meanwhile. */
struct lu_policy_progress {
  uint64_t since;          /* bytes allocated since it began */
  uint64_t headroom;       /* as in struct lu_policy; both as it began */
  uint64_t limit_room;
  uint64_t work;
  uint64_t done, all;      /* objects scanned, and expected; all = 0: unknown */
  uint64_t mark_ns;        /* time that marking is expected to take; 0: unknown */
  /* Since the cycle began; asked for only where lu_policy_sleeps says so */
  uint64_t elapsed_ns;
};

/*
 * Bytes of marking that `bytes` of allocation owe: 0 while the collector is ahead; else what is
 * left to mark over what is left to allocate.
 */
uint64_t lu_policy_assist(const struct lu_policy_progress *progress, uint64_t bytes);
/*
 * Nanoseconds that the allocation of `bytes` should wait, so that the limit is not reached before
 * marking ends. At most LU_POLICY_SLEEP.
 */
#define LU_POLICY_SLEEP 200000
/* Whether it is more than none, which does not depend on elapsed_ns. */
bool lu_policy_sleeps(const struct lu_policy_progress *progress);
uint64_t lu_policy_sleep(const struct lu_policy_progress *progress, uint64_t bytes);

#endif
