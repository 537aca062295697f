/*
 * cycle/cycle.h: the collector: its thread, the phases of a cycle, pacing, and what allocators wait for.
 */
#ifndef LU_CYCLE_CYCLE_H
#define LU_CYCLE_CYCLE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <lull/heap.h>
#include "cycle/steps.h"
#include "support/event.h"
#include "support/lock.h"

/* What a thread that joins adopts. Written by the driver under the registry lock (arming); read under it. */
struct lu_armed {
  int phase;             /* enum lu_phase */
  uint16_t epoch;
  bool born_live;
  unsigned mark_map;
  uint32_t cycle;
};

/* Figures from which the next cycle's start is computed (cycle/pacer.c). The collector's, but for the atomics. */
struct lu_pacer {
  /* Bytes handed to threads (usable bytes of blocks, bytes of large objects) since the heap began. fetch_add by allocators, at refills. */
  _Atomic uint64_t allocated;
  /* When `allocated` reaches this, a cycle is asked for. Written by the collector; read by allocators (relaxed). UINT64_MAX while one runs. */
  _Atomic uint64_t trigger;
  /* Marking still to do, bytes (estimate), and bytes that may be allocated meanwhile: the assist ratio. Written by the collector at the start
   * of a cycle, read by assists (relaxed). */
  _Atomic uint64_t work_estimate, headroom;
  _Atomic uint64_t objects_estimate;    /* objects scanned by the last cycle; written by the driver, read by assists (relaxed) */
  uint64_t live;              /* bytes marked by the last cycle, and what was born while it ran */
  uint64_t live_major;        /* the same of the last major */
  uint64_t goal;
  enum lu_kind next;          /* what the next cycle should be */
  _Atomic uint64_t allocated_at_start;  /* of the last cycle; written by the collector, read by assists (relaxed) */
  uint64_t allocated_at_end;
  uint64_t begun_ns, ended_ns;
  double rate[4];             /* bytes per second, of the last cycles; the worst counts */
  double seconds[LU_KINDS][4];  /* wall time from begin to end of marking, of the last cycles of each kind */
  uint64_t objects[LU_KINDS];   /* scanned by the last cycle of each kind */
  uint64_t work[LU_KINDS];      /* bytes that it marked */
  unsigned samples, samples_of[LU_KINDS];
};

struct lu_cycle {
  struct lu_armed armed;
  /* Held by whoever drives the registry: the collector thread through a cycle, a stop-the-world collection, the verifier. Taken as a blocked wait. */
  struct lu_lock driver;
  struct lu_run run;            /* the cycle under way, if there is one; under `driver` */
  /* Threads that wait for `driver`. Raised and lowered by them; the collector does not begin another cycle before they have had it. */
  _Atomic uint32_t driver_waiters;
  struct lu_event driver_taken;
  pthread_t thread;
  bool thread_runs;             /* concurrent mode: the collector thread exists */
  _Atomic bool stop;            /* heap destruction */
  /* Requests: number of the cycle that somebody wants to have begun. Raised by any thread (CAS to the larger), read by the collector. */
  _Atomic uint64_t wanted;
  _Atomic uint64_t begun;       /* cycles begun; written by the driver before it arms H1 */
  /* Number of the cycle that somebody wants to have begun, and to be a major. Raised by any thread before `wanted`; read by the driver after it has
   * raised `begun` (both seq_cst), and when it looks whether a cycle is due: if the one of that number has begun as a minor, the next is a major. */
  _Atomic uint64_t major_wanted;
  /* Numbers of the last cycle that was settled to be a major, and of the last major that ended. Written by the driver, the second
   * before `ended` (release); the second read by who waits for a major. */
  _Atomic uint64_t major_begun, major_ended;
  enum lu_kind kind;            /* of the running cycle, or the last one; the driver's */
  _Atomic uint64_t ended;       /* cycles ended; written by the driver, release, then `progress` is signalled */
  _Atomic uint64_t fruitless;   /* of those, in a row, the last ones that freed next to nothing */
  _Atomic uint32_t cause;
  struct lu_event wake;         /* the collector waits here */
  struct lu_event progress;     /* memory came free, or a cycle ended: stalled allocators and lull_collect wait here */
  struct lu_pacer pacer;
  uint64_t returned_ns;         /* the collector's: when it last looked what to give back, and bytes that it may, kept for later */
  double return_earned;
  /* Out-of-memory hook: under hook_lock. */
  struct lu_lock hook_lock;
  lull_oom_fn *hook;
  void *hook_data;
};

lull_status lu_cycle_init(lull_heap *heap);
void lu_cycle_fini(lull_heap *heap);

/*
 * One whole cycle, with waiting, by who holds `driver` and is BLOCKED or not attached (cycle/drivers.c): beside the threads; or with all of them stopped, which
 * returns false, with nothing done, when a thread did not stop within stall.timeout.
 */
void lu_cycle_run(lull_heap *heap, enum lu_cause cause);
bool lu_cycle_run_stopped(lull_heap *heap, enum lu_cause cause);

/* Takes `driver` for a thread that is not the collector, which is BLOCKED or not attached; given back with lu_unlock. */
void lu_driver_lock(struct lu_cycle *cycle);

/* Asks for a cycle that begins after this call, for a major unless the cause is allocation; returns its number. Any thread. */
uint64_t lu_cycle_request(lull_heap *heap, enum lu_cause cause);
/* Whether a major that began as this number or later has ended. Any thread. */
bool lu_major_ended(const struct lu_cycle *cycle, uint64_t number);

/*
 * Waits until that cycle has ended (stop-the-world mode: drives it). Blocked region, so polls. Returns false when a thread does not reach a
 * safepoint for stall.timeout. By the owner.
 */
struct lu_mutator;
bool lu_cycle_wait(struct lu_mutator *mutator, uint64_t number, enum lu_cause cause);

/*
 * Whether a handshake has waited for a thread for more than stall.timeout, and the caller, since since_ns, for a quarter of it: a thread that has just
 * reached its safepoint is not blamed for what was.
 */
bool lu_no_progress(const lull_heap *heap, uint64_t since_ns);

/* The barrier's fields of a thread from its phase and epoch. Owner, or closure. */
void lu_mutator_apply(struct lu_mutator *mutator);

/* Pacing. */
void lu_pacer_init(lull_heap *heap);
/* The kind that the cycle about to begin should have; the driver's. */
enum lu_kind lu_pacer_kind(const lull_heap *heap, enum lu_cause cause);
void lu_pacer_begin(lull_heap *heap, enum lu_kind kind);
/* The minor that has begun goes on as a major. */
void lu_pacer_turned_major(lull_heap *heap);
void lu_pacer_marked(lull_heap *heap);
struct lu_cycle_result {
  enum lu_kind kind;
  size_t live_bytes;       /* marked, all that is old included, births of the cycle excluded */
  size_t survived_bytes;   /* of those, what was young before */
  size_t freed_bytes;      /* newly offered by the sweep */
  uint64_t cpu_ns;         /* thread CPU time of the driver; 0 = not known */
};
void lu_pacer_end(lull_heap *heap, const struct lu_cycle_result *result);
/* At a refill, by the owner: counts bytes, asks for a cycle when due, assists. Does not poll; bounded by gc.assist. */
void lu_pacer_allocated(struct lu_mutator *mutator, size_t bytes);

/* What the allocation's slow path does when no memory is to be had: waits for collection (blocked region), so polls. Returns true to try again; false: give up, error set. */
struct lu_stall {
  uint32_t seen;          /* of cycle.progress, taken before the attempt that failed: what came free since ends the wait at once */
  uint64_t began_ns;      /* 0: no wait yet */
  uint64_t wanted;        /* a cycle that began after the last failure that was looked at */
  unsigned cycles;        /* wanted cycles that ended, after which the allocation failed again */
  bool ended_seen;        /* the wanted cycle has ended; the next failure counts */
  bool hook_asked;
};
bool lu_stall_wait(struct lu_mutator *mutator, struct lu_stall *stall, size_t size);
/* Before each attempt to allocate. */
void lu_stall_attempt(const struct lu_mutator *mutator, struct lu_stall *stall);
/* The allocation that stalled is over: counts the time. */
void lu_stall_end(struct lu_mutator *mutator, const struct lu_stall *stall);

#endif
