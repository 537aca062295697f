/*
 * cycle/collector.c: the collector's thread, requests for cycles, and waiting for them.
 *
 * `wanted` holds the number of the newest cycle that somebody asked for; cycles are numbered by `begun`. A request made while cycle n runs wants n + 1, because
 * only a cycle that begins after the request sees the garbage of its time; requests made before the next cycle begins are one.
 * begun is raised before H1 is armed, with seq_cst, and read by requesters with seq_cst: a requester that reads begun == n made its garbage before H1 of n + 1.
 *
 * In the stop-the-world mode there is no collector thread: the thread that asks drives the collection itself, BLOCKED.
 */
#include <signal.h>
#include <string.h>
#include "heap/heap.h"
#include "heap/sweep.h"
#include "observe/log.h"
#include "support/assert.h"
#include "support/clock.h"
#include "support/error.h"
#include "support/fault.h"
#include "threads/blocked.h"
#include "threads/handshake.h"

/* Raises a number that only grows; returns whether it was lower. */
static bool raise_to(_Atomic uint64_t *number, uint64_t to) {
  uint64_t seen = atomic_load(number);
  while (seen < to && !atomic_compare_exchange_weak(number, &seen, to))
    ;
  return seen < to;
}

uint64_t lu_cycle_request(lull_heap *heap, enum lu_cause cause) {
  struct lu_cycle *cycle = &heap->cycle;
  uint64_t number = atomic_load(&cycle->begun) + 1;
  bool news = cause != LU_CAUSE_ALLOCATION && raise_to(&cycle->major_wanted, number);
  if (cause == LU_CAUSE_EXPLICIT)
    raise_to(&cycle->pacer.explicit_wanted, number);
  if (raise_to(&cycle->wanted, number)) {
    atomic_store_explicit(&cycle->cause, cause, memory_order_relaxed);
    news = true;
  }
  /* Also when a cycle of that number was wanted before: the collector may be holding it back, or it may have begun as a minor, so that the major is still due. */
  if (news)
    lu_event_signal(&cycle->wake);
  return number;
}

/* Memory is given back a little at a time, so that a request for a cycle need not wait. */
#define RETURN_STEP ((size_t)16 << 20)
/* Free memory below the goal is given back at this rate, because the program will need most of it before the next cycle ends: */
#define RETURN_SECONDS 10.0

/* What has been earned since the last look: of what is free a share that grows with the time. */
static void earn_return(struct lu_cycle *cycle, size_t idle) {
  uint64_t now = lu_now_ns();
  double share = (double)(now - cycle->returned_ns) / (RETURN_SECONDS * 1e9);
  cycle->returned_ns = now;
  cycle->return_earned += (double)idle * share;
  if (cycle->return_earned > (double)idle)
    cycle->return_earned = (double)idle;
}

/*
 * How many bytes to give back after a cycle: what is committed beyond the goal and an eighth, or what has been earned and not been given back yet.
 * Returning all that one cycle frees would cost a page fault for each page that the next one takes.
 */
static size_t return_budget(lull_heap *heap) {
  struct lu_cycle *cycle = &heap->cycle;
  size_t committed = atomic_load_explicit(&heap->space.committed, memory_order_relaxed);
  size_t used = atomic_load_explicit(&heap->space.used, memory_order_relaxed);
  size_t goal = atomic_load_explicit(&heap->space.goal, memory_order_relaxed);
  size_t beyond = committed > goal + goal / 8 ? committed - goal - goal / 8 : 0;
  earn_return(cycle, committed > used ? committed - used : 0);
  return beyond > (size_t)cycle->return_earned ? beyond : (size_t)cycle->return_earned;
}

static bool due(struct lu_cycle *cycle) {
  return atomic_load(&cycle->wanted) > atomic_load(&cycle->begun) ||
         atomic_load(&cycle->major_wanted) > atomic_load(&cycle->major_begun);
}

static void return_memory(lull_heap *heap) {
  struct lu_cycle *cycle = &heap->cycle;
  size_t budget = return_budget(heap), step = 1;
  while (budget > 0 && step != 0 && !due(cycle) && !atomic_load(&cycle->stop)) {
    step = lu_space_return(&heap->space, budget < RETURN_STEP ? budget : RETURN_STEP);
    budget -= step;
    cycle->return_earned = cycle->return_earned > (double)step ? cycle->return_earned - (double)step : 0;
  }
}

void lu_driver_lock(struct lu_cycle *cycle) {
  atomic_fetch_add(&cycle->driver_waiters, 1);
  lu_lock(&cycle->driver);
  atomic_fetch_sub(&cycle->driver_waiters, 1);
  lu_event_signal(&cycle->driver_taken);
}

/* A mutex goes to whoever runs first, which between two cycles would always be the collector: it lets the others go before. */
static void let_others_drive(struct lu_cycle *cycle) {
  for (;;) {
    uint32_t seen = lu_event_value(&cycle->driver_taken);
    if (atomic_load(&cycle->driver_waiters) == 0)
      return;
    lu_event_wait(&cycle->driver_taken, seen, LU_MILLISECOND);
  }
}

static void *collector_main(void *arg) {
  lull_heap *heap = arg;
  struct lu_cycle *cycle = &heap->cycle;
  for (;;) {
    uint32_t seen = lu_event_value(&cycle->wake);
    if (atomic_load(&cycle->stop))
      return NULL;
    if (!due(cycle) && !heap->settings.stress_loop) {
      lu_event_wait(&cycle->wake, seen, LU_FOREVER);
      continue;
    }
    uint64_t hold = heap->settings.stress_loop ? 0 : lu_pacer_hold(heap);
    if (hold != 0) {
      lu_event_wait(&cycle->wake, seen, hold);
      continue;
    }
    enum lu_cause cause = due(cycle) ? (enum lu_cause)atomic_load_explicit(&cycle->cause, memory_order_relaxed)
                                     : LU_CAUSE_LOOP;
    let_others_drive(cycle);
    lu_lock(&cycle->driver);
    lu_cycle_run(heap, cause);
    return_memory(heap);
    lu_unlock(&cycle->driver);
  }
}

/* Signals are the program's: the collector takes none. */
static int start_thread(lull_heap *heap) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = lu_fault(LU_FAULT_SPAWN) ? 1 : pthread_create(&heap->cycle.thread, NULL, collector_main, heap);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (error == 0)
    pthread_setname_np(heap->cycle.thread, "lull-gc");
  return error;
}

lull_status lu_cycle_init(lull_heap *heap) {
  struct lu_cycle *cycle = &heap->cycle;
  lu_lock_init(&cycle->driver);
  lu_lock_init(&cycle->hook_lock);
  cycle->armed.phase = LU_IDLE;
  cycle->armed.mark_map = heap->marking.map;
  lu_pacer_init(heap);
  cycle->returned_ns = lu_now_ns();
  if (heap->settings.gc_mode == LU_GC_STW)
    return LULL_OK;
  if (start_thread(heap) != 0)
    return LULL_E_SYSTEM;
  cycle->thread_runs = true;
  return LULL_OK;
}

void lu_cycle_fini(lull_heap *heap) {
  struct lu_cycle *cycle = &heap->cycle;
  if (cycle->thread_runs) {
    atomic_store(&cycle->stop, true);
    lu_event_signal(&cycle->wake);
    pthread_join(cycle->thread, NULL);
    cycle->thread_runs = false;
  }
  lu_pacer_fini(heap);
  lu_lock_destroy(&cycle->hook_lock);
  lu_lock_destroy(&cycle->driver);
}

/* Stop-the-world mode: drives a collection unless the wanted one was done by another thread while this one waited for its turn. */
static bool drive(struct lu_mutator *mutator, uint64_t number, enum lu_cause cause) {
  lull_heap *heap = mutator->heap;
  bool done = true;
  lu_blocked_begin(&mutator->thread);
  lu_driver_lock(&heap->cycle);
  if (atomic_load(&heap->cycle.begun) < number)
    done = lu_cycle_run_stopped(heap, cause);
  lu_unlock(&heap->cycle.driver);
  lu_blocked_end(&mutator->thread);
  return done;
}

bool lu_no_progress(const lull_heap *heap, uint64_t since_ns) {
  uint64_t timeout = heap->settings.stall_timeout;
  return lu_handshake_waiting_ns(&heap->registry) > timeout && lu_now_ns() - since_ns > timeout / 4;
}

bool lu_major_ended(const struct lu_cycle *cycle, uint64_t number) {
  return atomic_load_explicit(&cycle->major_ended, memory_order_acquire) >= number;
}

bool lu_cycle_wait(struct lu_mutator *mutator, uint64_t number, enum lu_cause cause) {
  lull_heap *heap = mutator->heap;
  struct lu_cycle *cycle = &heap->cycle;
  uint64_t began = lu_now_ns();
  if (heap->settings.gc_mode == LU_GC_STW)
    return drive(mutator, number, cause);
  for (;;) {
    uint32_t seen = lu_event_value(&cycle->progress);
    if (atomic_load_explicit(&cycle->ended, memory_order_acquire) >= number)
      return true;
    if (lu_no_progress(heap, began))
      return false;
    lu_wait_blocking(&mutator->thread, &cycle->progress, seen, heap->settings.stall_timeout / 8 + LU_MILLISECOND);
  }
}

lull_status lull_collect(lull_thread *thread) {
  struct lu_thread *own = lu_own(thread);
  if (own == NULL)
    return lu_reject(LULL_E_THREAD, "lull_collect: the calling thread is not attached here");
  if (own->os->depth != 0)
    return lu_reject(LULL_E_STATE, "lull_collect: inside a blocked region");
  struct lu_mutator *mutator = lu_mutator_of(&own->pub);
  const struct lu_cycle *cycle = &mutator->heap->cycle;
  uint64_t number = lu_cycle_request(mutator->heap, LU_CAUSE_EXPLICIT);
  /* If that number went to a minor that was just beginning, the next cycle knows of the request. */
  for (uint64_t next = number; lu_cycle_wait(mutator, next, LU_CAUSE_EXPLICIT); next++)
    if (lu_major_ended(cycle, number))
      return LULL_OK;
  return lu_reject(LULL_E_PROGRESS, "lull_collect: a thread does not reach a safepoint");
}

void lull_collect_start(lull_heap *heap) { lu_cycle_request(heap, LU_CAUSE_EXPLICIT); }
