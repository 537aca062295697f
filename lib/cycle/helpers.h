/*
 * cycle/helpers.h: threads that help the driver of a cycle where cores are idle.
 *
 * They belong to a heap. None exists before there is work for one (gc.helpers=auto: and an idle
 * core); one that cannot be made is simply not there. They sleep between cycles, and hold no
 * reference to an object but while they are counted in marking->active (M.3).
 *
 *   Q.1  With gc.helpers=auto no more helpers begin a piece of work than there are cores that
 *        neither an attached RUNNING thread nor a thread that collects uses, as of the last look;
 *        the driver looks every LOOK_EVERY while it marks, each helper after each piece.
 *   Q.2  With gc.helpers=auto a helper that waited for a CPU over its last pieces (lu_waited_much)
 *        takes none until the next cycle.
 *   Q.3  With gc.helpers=auto helpers with which marking is no faster than without are sent to
 *        sleep: sharing costs whoever shares.
 *   Q.4  A helper that does not go on gives back all that it holds first: M.3.
 *
 * Helpers have the priority of the thread that made them, the driver's. A lower one would not be
 * safe: a helper holds grey objects that nobody else can take, the cycle cannot end without it, and
 * threads that wait for memory wait for that. On a busy core it would be kept from running for as
 * long as there is other work, and all of them with it. What keeps helpers from slowing mutators is
 * that they do not run (Q.1, Q.2), for at most a piece at a time.
 */
#ifndef LU_CYCLE_HELPERS_H
#define LU_CYCLE_HELPERS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <lull/base.h>
#include "support/cores.h"
#include "support/event.h"

struct lu_sweep;

struct lu_helper {
  pthread_t thread;
  lull_heap *heap;
  unsigned index;
  _Atomic uint32_t retired;  /* the round in which it takes no more work; written by itself;
                                relaxed */
  struct lu_waited waited;   /* its own */
};

struct lu_helpers {
  struct lu_helper *row;     /* `most` of them, made with the first thread; the driver's */
  unsigned most;             /* constant: gc.helpers, or one less than all cores */
  bool automatic;            /* constant */
  unsigned refused;          /* the round in which the system refused a thread; the driver's */
  /* Threads that exist: the first ones of `row`. Written by the driver; read by those who wake them
   * (relaxed: one that is new looks by itself). */
  _Atomic unsigned count;
  /* Helpers with an index below this may work. Raised by the driver before it signals `begin`;
   * lowered by driver and helpers. A hint: relaxed. */
  _Atomic unsigned allowed;
  _Atomic unsigned at_work;  /* in a piece of work; raised and lowered by helpers; a hint:
                                relaxed */
  _Atomic uint32_t round;    /* counts cycles; written by the driver; read by helpers (relaxed) */
  _Atomic bool stop;         /* set by who ends the heap, before it signals both events */
  _Atomic uint64_t cpu_ns;   /* CPU time of helpers that was not asked for yet; added to by helpers,
                                exchanged by the driver; relaxed */
  /* The driver's: its last look, and the objects scanned until then; objects a ns since the look
   * before, and at the last look without helpers; how many looks helpers sleep still, and how many
   * it will be the next time. */
  uint64_t looked_ns, looked_scanned;
  double rate, alone;
  unsigned rest, next_rest;
  struct lu_sweep *sweep;    /* the one that is open; written by the driver before it opens it */
  /* Whether helpers may join the sweep: written by the driver; and those who have joined. As with
   * `tracing` and `active` of marking: who joins raises the second, then looks at the first; the
   * driver lowers the first, then waits for the second (both seq_cst). */
  _Atomic bool sweeping;
  _Atomic uint32_t sweepers;
  struct lu_event swept;     /* signalled when `sweepers` drops to 0 */
  struct lu_event begin;     /* `allowed` has risen, or a round has begun: helpers that may not work
                                wait here */
  struct lu_event work;      /* there is something to take: those that may wait here */
};

/* Reads the options; makes no thread. */
void lu_helpers_init(lull_heap *heap);
/* Ends the threads. No cycle is under way. */
void lu_helpers_fini(lull_heap *heap);

/*
 * The driver's, at the start of marking: helpers that have retired may work again. A fixed number
 * of them begins at once.
 */
void lu_helpers_begin(lull_heap *heap);
/*
 * The driver's, now and then while it marks; in a mode without a collector thread, only with the
 * world stopped. Makes and wakes helpers for cores that are idle now. Two at first; twice as many
 * whenever marking has become faster by an eighth; none where it is not faster by an eighth than
 * without them: then some are tried again after 0, 1, 3, 7... looks. Takes those back for which
 * there is no core any more. Microseconds; tens of them for each thread made.
 */
void lu_helpers_look(lull_heap *heap);
/*
 * The driver's: nobody is to help any more until the next round. Those who do finish their piece.
 */
void lu_helpers_rest(lull_heap *heap);
/*
 * The driver's, when its sweep has begun: wakes helpers for it if it is long, or if their number is
 * fixed.
 */
void lu_helpers_begin_sweep(lull_heap *heap);
/* The driver's, when no slab is left: waits for those who still sweep, for a slab each at most. */
void lu_helpers_end_sweep(lull_heap *heap);
/* CPU time of helpers since the last call; the driver's. */
uint64_t lu_helpers_cpu_ns(lull_heap *heap);

/* There is something to take. Any thread; a system call only if a helper sleeps. */
void lu_helpers_wake(lull_heap *heap);

/*
 * When the driver looks first, and how often from then on: shorter cycles are done before a helper
 * has woken.
 */
#define LU_HELPERS_FIRST_NS (200 * LU_MICROSECOND)
#define LU_HELPERS_LOOK_NS LU_MILLISECOND

#endif
