/*
 * cycle/collector.c: the collector's thread, requests for cycles, and waiting for them.
 *
 * `wanted` holds the number of the newest cycle that somebody asked for; cycles are numbered by
 * `begun`. A request made while cycle n runs wants n + 1, because only a cycle that begins after
 * the request sees the garbage of its time; requests made before the next cycle begins are one.
 * begun is raised before H1 is armed, with seq_cst, and read by requesters with seq_cst: a
 * requester that reads begun == n made its garbage before H1 of n + 1.
 *
 * The thread exists in the concurrent mode only, and from the first cycle on that is worth it:
 * before, and in the other modes, the threads of the program drive (cycle/drivers.c). It leaves by
 * itself when it finds another mode, between two cycles; who starts one again joins the old one
 * first, which by then waits for nothing. `thread_runs` says who is to drive. It may be out of date
 * for a moment, in which a cycle that is due is nobody's: who waits for it is woken by `progress`
 * when the thread has left, and who allocates looks again at its next slow path.
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
    lu_collector_start_if_worth(heap);
  }
  /* Also when a cycle of that number was wanted before: the collector may be holding it back, or it
   * may have begun as a minor, so that the major is still due. */
  if (news)
    lu_event_signal(&cycle->wake);
  return number;
}

/* Memory is given back a little at a time, so that a request for a cycle need not wait. */
#define RETURN_STEP ((size_t)16 << 20)
/* Within a budget, about 10 us; and so many slabs are looked at for it, which may all be cold: */
#define RETURN_SMALL_STEP ((size_t)128 << 10)
#define RETURN_SLABS 4
/*
 * Free memory below the goal is given back at this rate, because the program will need most of it
 * before the next cycle ends:
 */
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
 * How many bytes to give back after a cycle: what is committed beyond the goal and an eighth, or
 * what has been earned and not been given back yet. Returning all that one cycle frees would cost a
 * page fault for each page that the next one takes.
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

/* One pass over the slabs, or what is left of the last one that a budget has ended. */
void lu_cycle_return_memory(lull_heap *heap, struct lu_budget *budget) {
  struct lu_cycle *cycle = &heap->cycle;
  size_t left = return_budget(heap), most = budget != NULL ? RETURN_SMALL_STEP : RETURN_STEP;
  size_t slabs = budget != NULL ? RETURN_SLABS : SIZE_MAX;
  if (budget == NULL || cycle->return_at == 0)
    cycle->return_at = atomic_load_explicit(&heap->space.slabs_high, memory_order_acquire);
  while (left >= LU_BLOCK_BYTES && cycle->return_at > 0 && !lu_cycle_due(cycle) &&
         !atomic_load(&cycle->stop) && !lu_budget_over(budget)) {
    size_t step =
        lu_space_return(&heap->space, left < most ? left : most, slabs, &cycle->return_at);
    left -= step;
    cycle->return_earned =
        cycle->return_earned > (double)step ? cycle->return_earned - (double)step : 0;
    lu_budget_spend(budget, step);
  }
}

void lu_driver_lock(struct lu_cycle *cycle) {
  atomic_fetch_add(&cycle->driver_waiters, 1);
  lu_lock(&cycle->driver);
  atomic_fetch_sub(&cycle->driver_waiters, 1);
  lu_event_signal(&cycle->driver_taken);
}

/*
 * A mutex goes to whoever runs first, which between two cycles would always be the collector: it
 * lets the others go before.
 */
static void let_others_drive(struct lu_cycle *cycle) {
  for (;;) {
    uint32_t seen = lu_event_value(&cycle->driver_taken);
    if (atomic_load(&cycle->driver_waiters) == 0)
      return;
    lu_event_wait(&cycle->driver_taken, seen, LU_MILLISECOND);
  }
}

bool lu_cycle_due(const struct lu_cycle *cycle) {
  return atomic_load(&cycle->wanted) > atomic_load(&cycle->begun) ||
         atomic_load(&cycle->major_wanted) > atomic_load(&cycle->major_begun);
}

/*
 * Whether there is something for the collector to do: also the rest of a cycle that others have
 * begun.
 */
static bool has_work(const lull_heap *heap) {
  const struct lu_cycle *cycle = &heap->cycle;
  return lu_cycle_due(cycle) || heap->settings.stress_loop ||
         atomic_load(&cycle->begun) != atomic_load(&cycle->ended);
}

/* For how long the cycle that is due is. One under way is not. */
static uint64_t held_back(lull_heap *heap) {
  const struct lu_cycle *cycle = &heap->cycle;
  bool free =
      heap->settings.stress_loop || atomic_load(&cycle->begun) != atomic_load(&cycle->ended);
  return free ? 0 : lu_pacer_hold(heap);
}

/* The mode is another one: there is no collector thread any more, and nobody waits for it. */
static bool leaves(lull_heap *heap) {
  struct lu_cycle *cycle = &heap->cycle;
  lu_lock(&cycle->thread_lock);
  bool leaves = lu_cycle_mode(cycle) != LU_GC_CONCURRENT;
  if (leaves) {
    cycle->thread_state = LU_THREAD_LEFT;
    atomic_store_explicit(&cycle->thread_runs, false, memory_order_relaxed);
  }
  lu_unlock(&cycle->thread_lock);
  if (leaves)
    lu_event_signal(&cycle->progress);
  return leaves;
}

static void run_one(lull_heap *heap) {
  struct lu_cycle *cycle = &heap->cycle;
  enum lu_cause cause =
      lu_cycle_due(cycle) ? (enum lu_cause)atomic_load_explicit(&cycle->cause, memory_order_relaxed)
                          : LU_CAUSE_LOOP;
  let_others_drive(cycle);
  lu_lock(&cycle->driver);
  if (has_work(heap)) {
    lu_cycle_run(heap, cause);
    lu_cycle_return_memory(heap, NULL);
  }
  lu_unlock(&cycle->driver);
}

static void *collector_main(void *arg) {
  lull_heap *heap = arg;
  struct lu_cycle *cycle = &heap->cycle;
  for (;;) {
    uint32_t seen = lu_event_value(&cycle->wake);
    if (atomic_load(&cycle->stop) || leaves(heap))
      return NULL;
    uint64_t wait = has_work(heap) ? held_back(heap) : LU_FOREVER;
    if (wait == 0)
      run_one(heap);
    else
      lu_event_wait(&cycle->wake, seen, wait);
  }
}

/* Signals are the program's: the collector takes none. Under thread_lock. */
static bool start_thread(lull_heap *heap) {
  struct lu_cycle *cycle = &heap->cycle;
  sigset_t all, before;
  if (cycle->thread_state == LU_THREAD_LEFT)
    pthread_join(cycle->thread, NULL);
  cycle->thread_state = LU_THREAD_NONE;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool started =
      !lu_fault(LU_FAULT_SPAWN) && pthread_create(&cycle->thread, NULL, collector_main, heap) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (!started)
    return false;
  pthread_setname_np(cycle->thread, "lull-gc");
  cycle->thread_state = LU_THREAD_RUNS;
  atomic_store_explicit(&cycle->thread_runs, true, memory_order_relaxed);
  return true;
}

/* One line, until a thread has been had again. */
static void log_refusal(lull_heap *heap) {
  if (!heap->cycle.thread_refused)
    LU_LOG(heap->settings.log, LU_TAG_GC, LU_LOG_WARNING,
           "The system gives no collector thread: the threads that allocate collect, in steps");
  heap->cycle.thread_refused = true;
}

bool lu_collector_start(lull_heap *heap) {
  struct lu_cycle *cycle = &heap->cycle;
  lu_lock(&cycle->thread_lock);
  bool runs = cycle->thread_state == LU_THREAD_RUNS;
  if (!runs && lu_cycle_mode(cycle) == LU_GC_CONCURRENT) {
    runs = start_thread(heap);
    if (runs)
      cycle->thread_refused = false;
    else
      log_refusal(heap);
  }
  lu_unlock(&cycle->thread_lock);
  return runs;
}

bool lu_collector_start_if_worth(lull_heap *heap) {
  if (lu_collector_runs(&heap->cycle))
    return true;
  if (lu_cycle_mode(&heap->cycle) != LU_GC_CONCURRENT)
    return false;
  if (!heap->settings.stress_loop && lu_registry_count(&heap->registry) < 2 &&
      atomic_load_explicit(&heap->space.goal, memory_order_relaxed) < heap->settings.gc_thread_from)
    return false;
  return lu_collector_start(heap);
}

lull_status lu_cycle_init(lull_heap *heap) {
  struct lu_cycle *cycle = &heap->cycle;
  lu_lock_init(&cycle->driver);
  lu_lock_init(&cycle->hook_lock);
  lu_lock_init(&cycle->thread_lock);
  cycle->armed.phase = LU_IDLE;
  cycle->armed.mark_map = heap->marking.map;
  atomic_store(&cycle->mode, (uint32_t)heap->settings.gc_mode);
  lu_pacer_init(heap);
  cycle->returned_ns = lu_now_ns();
  if (heap->settings.gc_thread_from == 0 || heap->settings.stress_loop)
    lu_collector_start(heap);
  return LULL_OK;
}

static void end_thread(lull_heap *heap) {
  struct lu_cycle *cycle = &heap->cycle;
  atomic_store(&cycle->stop, true);
  lu_event_signal(&cycle->wake);
  lu_lock(&cycle->thread_lock);
  bool exists = cycle->thread_state != LU_THREAD_NONE;
  lu_unlock(&cycle->thread_lock);
  if (exists)
    pthread_join(cycle->thread, NULL);
}

/*
 * A cycle that others have begun is ended: the parts that are undone next rely on its handshake,
 * and on its markers.
 */
void lu_cycle_fini(lull_heap *heap) {
  struct lu_cycle *cycle = &heap->cycle;
  end_thread(heap);
  lu_lock(&cycle->driver);
  lu_cycle_finish(heap);
  lu_unlock(&cycle->driver);
  lu_pacer_fini(heap);
  lu_lock_destroy(&cycle->thread_lock);
  lu_lock_destroy(&cycle->hook_lock);
  lu_lock_destroy(&cycle->driver);
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
  for (;;) {
    uint32_t seen = lu_event_value(&cycle->progress);
    if (atomic_load_explicit(&cycle->ended, memory_order_acquire) >= number)
      return true;
    if (!lu_collector_runs(cycle))
      return lu_cycle_drive(mutator, number, cause, NULL);
    if (lu_no_progress(heap, began))
      return false;
    lu_wait_blocking(&mutator->thread, &cycle->progress, seen,
                     heap->settings.stall_timeout / 8 + LU_MILLISECOND);
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

/*
 * Nobody waits for the cycle, and nobody may be going to allocate: the collector thread is started
 * whatever the heap is worth. The request comes first: a change of the mode stores the mode and
 * then looks whether a cycle is due, so one of the two starts the thread (drive.pml, mutant 15).
 */
void lull_collect_start(lull_heap *heap) {
  lu_cycle_request(heap, LU_CAUSE_EXPLICIT);
  lu_collector_start(heap);
}
