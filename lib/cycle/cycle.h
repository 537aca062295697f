/*
 * cycle/cycle.h: the collector: its thread, the phases of a cycle, pacing, and what allocators wait
 * for.
 */
#ifndef LU_CYCLE_CYCLE_H
#define LU_CYCLE_CYCLE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <lull/heap.h>
#include "cycle/policy.h"
#include "cycle/steps.h"
#include "support/event.h"
#include "support/lock.h"
#include "support/settings.h"

struct lu_mutator;

/*
 * What a thread that joins adopts. Written by the driver under the registry lock (arming); read
 * under it.
 */
struct lu_armed {
  int phase;             /* enum lu_phase */
  uint16_t epoch;
  bool born_live;
  unsigned mark_map;
  uint32_t cycle;
};

/* What a group of heaps knows of one (cycle/group.c). */
struct lu_member {
  struct lull_group *group;   /* NULL: none. Under pacer.lock */
  lull_heap *next;            /* this and the following: under the group's lock */
  uint64_t live;
  double weight;              /* 0: not measured yet */
  _Atomic uint64_t share;     /* bytes; 0 = none. Written under the group's lock; read by who gives
                                 pacer.lock back, and by who takes it over */
};

/*
 * The pacer of a heap (cycle/pacer.c): the arithmetic of cycle/policy.h under a lock, and what
 * allocators need of it as atomics. Figures of the running cycle are written by the driver when it
 * begins or turns out to be a major, and read by allocators, relaxed: they may belong to the cycle
 * before.
 */
struct lu_pacer {
  /* Bytes handed to threads (usable bytes of blocks, bytes of large objects) since the heap began.
   * fetch_add by allocators, at refills. */
  _Atomic uint64_t allocated;
  /* When `allocated` reaches this, a cycle is asked for. Written under `lock`; read by allocators
   * (relaxed). UINT64_MAX while one runs. */
  _Atomic uint64_t trigger;
  _Atomic uint64_t allocated_at_start, begun_ns;  /* of the cycle */
  /* struct lu_policy_progress */
  _Atomic uint64_t headroom, limit_room, work_estimate, objects_estimate, mark_ns;
  _Atomic uint64_t mark_ps;             /* CPU time of marking a byte, picoseconds; 0 = unknown */
  _Atomic bool may_assist;              /* the collector's share of the CPU allows it */
  /* gc.step, gc.step_bytes and gc.work; whether gc.pause is not 0. Written under `lock`; read by
   * who drives, relaxed. */
  _Atomic uint64_t step, step_bytes, work;
  _Atomic bool pauses;
  /* The policy knows what is kept for large objects. Written under `lock`; read by who makes a
   * large object, relaxed: at worst it is told twice. */
  _Atomic bool keeps;
  /* CPU time of assists since the heap began; fetch_add by assists, read by the driver. */
  _Atomic uint64_t assist_ns;
  /* A thread waits for memory: set by it, taken by the driver (exchange); both relaxed. */
  _Atomic bool stalled;
  /* Number of the newest cycle that lull_collect or lull_collect_start asked for; any thread raises
   * it. Such a cycle is never held back. */
  _Atomic uint64_t explicit_wanted;
  struct lu_lock lock;                  /* of what follows; held for microseconds */
  struct lu_policy policy;
  uint64_t assisted_ns;                 /* assist_ns as of the last cycle's end */
  struct lu_member member;
};

struct lu_cycle {
  struct lu_armed armed;
  /* Held by whoever drives the registry: the collector thread through a cycle, a thread that
   * allocates through a step, the verifier. Taken as a blocked wait, or tried. */
  struct lu_lock driver;
  struct lu_run run;            /* the cycle under way, if there is one; under `driver` */
  /* Threads that wait for `driver`. Raised and lowered by them; the collector does not begin
   * another cycle before they have had it. */
  _Atomic uint32_t driver_waiters;
  struct lu_event driver_taken;
  /* enum lu_gc_mode. Written under thread_lock; read by any thread, relaxed where nothing depends
   * on the moment, and by the collector under the lock before it leaves. */
  _Atomic uint32_t mode;
  /* The collector thread. It and its state are under thread_lock. */
  struct lu_lock thread_lock;
  pthread_t thread;
  enum { LU_THREAD_NONE, LU_THREAD_RUNS, LU_THREAD_LEFT } thread_state;
  bool thread_refused;          /* the system did not give one, which has been logged */
  /* The same for those who allocate: while it runs, they drive nothing. Written under thread_lock,
   * before `progress` is signalled if it falls; read relaxed. A thread that has it wrong for a
   * moment drives a step more or less: `driver` decides. */
  _Atomic bool thread_runs;
  _Atomic bool stop;            /* heap destruction */
  /* pacer.allocated at which those who allocate should take the next step of the cycle under way.
   * Written under `driver`, and to 0 by who changes the settings, so that the next slow path looks;
   * read relaxed. */
  _Atomic uint64_t step_at;
  /* Stop-the-world: pacer.allocated before which those who allocate do not try again what failed
   * because a thread did not stop. Written by who drove, read by allocators; relaxed. And when that
   * was, lu_now_ns; under `driver`. */
  _Atomic uint64_t retry_at;
  uint64_t stop_failed_ns;
  /* Requests: number of the cycle that somebody wants to have begun. Raised by any thread (CAS to
   * the larger), read by the collector. */
  _Atomic uint64_t wanted;
  _Atomic uint64_t begun;       /* cycles begun; written by the driver before it arms H1 */
  /* Number of the cycle that somebody wants to have begun, and to be a major. Raised by any thread
   * before `wanted`; read by the driver after it has raised `begun` (both seq_cst), and when it
   * looks whether a cycle is due: if the one of that number has begun as a minor, the next is a
   * major. */
  _Atomic uint64_t major_wanted;
  /* Numbers of the last cycle that was settled to be a major, and of the last major that ended.
   * Written by the driver, the second before `ended` (release); the second read by who waits for a
   * major. */
  _Atomic uint64_t major_begun, major_ended;
  enum lu_kind kind;            /* of the running cycle, or the last one; the driver's */
  uint64_t young_from;          /* pacer.allocated at H2 of the last cycle, from which on births are
                                   young now; the driver's */
  _Atomic uint64_t ended;       /* cycles ended; written by the driver, release, then `progress` is
                                   signalled */
  _Atomic uint64_t fruitless;   /* of those, in a row, the last ones that freed next to nothing */
  _Atomic uint32_t cause;
  struct lu_event wake;         /* the collector waits here */
  struct lu_event progress;     /* memory came free, or a cycle ended: stalled allocators and
                                   lull_collect wait here */
  struct lu_pacer pacer;
  uint64_t returned_ns;         /* the driver's: when it last looked what to give back, and bytes
                                   that it may, kept for later */
  double return_earned;
  size_t return_at;             /* slabs below are still to be looked at for it; 0 = begin anew */
  /* Out-of-memory hook: under hook_lock. */
  struct lu_lock hook_lock;
  lull_oom_fn *hook;
  void *hook_data;
};

lull_status lu_cycle_init(lull_heap *heap);
void lu_cycle_fini(lull_heap *heap);

/* The following are by who holds `driver` and is BLOCKED or not attached (cycle/drivers.c). */

/* The cycle under way, or a new one, to its end, with waiting. */
void lu_cycle_run(lull_heap *heap, enum lu_cause cause);
/*
 * The cycle under way, if there is one, to its end. False: a thread does not reach a safepoint for
 * stall.timeout; the cycle stays under way.
 */
bool lu_cycle_finish(lull_heap *heap);
/*
 * Gives memory back to the system, until the budget is used up or somebody asks for a cycle
 * (cycle/collector.c).
 */
void lu_cycle_return_memory(lull_heap *heap, struct lu_budget *budget);

/*
 * By the owner, RUNNING, where it may poll. Drives cycles until the one of that number has ended,
 * or (seen not NULL) until `progress` is not *seen any more. False: a thread does not reach a
 * safepoint for stall.timeout.
 */
bool lu_cycle_drive(struct lu_mutator *mutator, uint64_t number, enum lu_cause cause,
                    const uint32_t *seen);
/*
 * The same place: takes a step of the cycle that is due or under way, if the collector thread does
 * not and it is time.
 */
void lu_cycle_help(struct lu_mutator *mutator);
/*
 * At every slow poll: in the window, where nobody else drives, the thread takes a step, so that the
 * next handshake is armed by who acknowledged the last one, or by who asked itself to look
 * (lu_drive_poke). Otherwise all stores would stay slow until somebody takes a block. By the owner,
 * RUNNING, where it may poll.
 */
void lu_cycle_polled(struct lu_mutator *mutator);

/* The collector thread (cycle/collector.c). */

/* Whether a cycle should begin. Any thread. */
bool lu_cycle_due(const struct lu_cycle *cycle);
/*
 * Starts the thread unless it runs, if the mode is concurrent. Whether it runs. Any thread; may
 * wait for one that is just leaving, which waits for nobody.
 */
bool lu_collector_start(lull_heap *heap);
/* The same if the heap is worth it (gc.thread_from). */
bool lu_collector_start_if_worth(lull_heap *heap);

static inline bool lu_collector_runs(const struct lu_cycle *cycle) {
  return atomic_load_explicit(&cycle->thread_runs, memory_order_relaxed);
}
static inline enum lu_gc_mode lu_cycle_mode(const struct lu_cycle *cycle) {
  return (enum lu_gc_mode)atomic_load_explicit(&cycle->mode, memory_order_relaxed);
}

/*
 * Takes `driver` for a thread that is not the collector, which is BLOCKED or not attached; given
 * back with lu_unlock.
 */
void lu_driver_lock(struct lu_cycle *cycle);

/*
 * Asks for a cycle that begins after this call, for a major unless the cause is allocation; returns
 * its number. Any thread.
 */
uint64_t lu_cycle_request(lull_heap *heap, enum lu_cause cause);
/* Whether a major that began as this number or later has ended. Any thread. */
bool lu_major_ended(const struct lu_cycle *cycle, uint64_t number);

/*
 * Waits until that cycle has ended, or drives it, as the mode has it. Blocked region, so polls.
 * Returns false when a thread does not reach a safepoint for stall.timeout. By the owner.
 */
bool lu_cycle_wait(struct lu_mutator *mutator, uint64_t number, enum lu_cause cause);

/*
 * Whether a handshake has waited for a thread for more than stall.timeout, and the caller, since
 * since_ns, for a quarter of it: a thread that has just reached its safepoint is not blamed for
 * what was.
 */
bool lu_no_progress(const lull_heap *heap, uint64_t since_ns);

/* The barrier's fields of a thread from its phase and epoch. Owner, or closure. */
void lu_mutator_apply(struct lu_mutator *mutator);

/* Pacing. */
/* What the settings say to the arithmetic. */
void lu_pacer_config(const struct lu_settings *settings, enum lu_gc_mode mode,
                     struct lu_policy_config *config);
/* The mode is another one: plans anew. Any thread. */
void lu_pacer_set_mode(lull_heap *heap, enum lu_gc_mode mode);
/* The plan of the policy becomes the heap's; with pacer.lock held. */
void lu_pacer_publish_plan(lull_heap *heap);
/* Gives pacer.lock back, with a look at what the heap's group may have decided meanwhile. */
void lu_pacer_unlock(lull_heap *heap);
/* The share that the group has set is the policy's; with pacer.lock held. */
void lu_pacer_take_share(lull_heap *heap);
/*
 * A major has ended: shares are computed anew. Leaves the group; the one that it was in, or NULL.
 * With pacer.lock held.
 */
void lu_group_report(lull_heap *heap);
struct lull_group *lu_group_leave_locked(lull_heap *heap);
void lu_pacer_init(lull_heap *heap);
void lu_pacer_fini(lull_heap *heap);
/*
 * For how long a cycle that is due is held back still, for gc.pause or gc.cpu, in ns; 0: not at
 * all. Any thread.
 */
uint64_t lu_pacer_hold(lull_heap *heap);
/* The kind that the cycle about to begin should have; the driver's. */
enum lu_kind lu_pacer_kind(lull_heap *heap, enum lu_cause cause);
void lu_pacer_begin(lull_heap *heap, enum lu_kind kind);
/* The minor that has begun goes on as a major. */
void lu_pacer_turned_major(lull_heap *heap);
void lu_pacer_marked(lull_heap *heap);
void lu_pacer_end(lull_heap *heap, const struct lu_cycle_result *result);
/* There is a large object, by any thread: small objects have less room from now on. */
void lu_pacer_large(lull_heap *heap);
/*
 * At a refill, by the owner: counts bytes, asks for a cycle when due, assists; sets
 * mutator->sleep_ns. Does not poll; bounded by gc.assist.
 */
void lu_pacer_allocated(struct lu_mutator *mutator, size_t bytes);

/*
 * What the allocation's slow path does when no memory is to be had: waits for collection (blocked
 * region), so polls. Returns true to try again; false: give up, error set.
 */
struct lu_stall {
  uint32_t seen;          /* of cycle.progress, taken before the attempt that failed: what came free
                             since ends the wait at once */
  uint64_t began_ns;      /* 0: no wait yet */
  uint64_t wanted;        /* a cycle that began after the last failure that was looked at */
  unsigned cycles;        /* wanted cycles that ended, after which the allocation failed again */
  bool ended_seen;        /* the wanted cycle has ended; the next failure counts */
  bool any_kind;          /* the wanted cycle may be a minor */
  bool hook_asked;
};
bool lu_stall_wait(struct lu_mutator *mutator, struct lu_stall *stall, size_t size);
/*
 * Before each attempt to allocate. Sleeps what the allocation before has earned
 * (mutator->sleep_ns), as a blocked region, so may poll.
 */
void lu_stall_attempt(struct lu_mutator *mutator, struct lu_stall *stall);
/* The allocation that stalled is over: counts the time. */
void lu_stall_end(struct lu_mutator *mutator, const struct lu_stall *stall);

#endif
