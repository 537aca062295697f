/*
 * cycle/drivers.c: who moves a cycle on, and how far: to its end with all threads beside it or
 * stopped; in steps of the threads that allocate.
 *
 * How much work the steps of a cycle should have done is a line: none when it begins, and all that
 * it is expected to be when of the bytes that were left to the heap's goal so many have been
 * allocated as gc.work says, or earlier if there is little to do. step_at is where on that line the
 * next step is worth it. A step does what is missing, and ends earlier when its budget is used up:
 * then the next one comes with the next block. Ideas: the incremental collector of Lua, whose step
 * multiplier gc.work is; Go's pacer, which aims at the goal.
 *
 * Threads: who holds cycle.driver, BLOCKED or not attached, so that its own handshakes can be
 * acknowledged for it, by itself; lu_cycle_help and lu_cycle_drive by a mutator where it may poll.
 * Nobody who allocates waits for the lock to take a step: somebody is at work then.
 */
#include "heap/heap.h"
#include "support/clock.h"
#include "support/error.h"
#include "threads/blocked.h"
#include "threads/handshake.h"
#include "threads/stop.h"

#define PIECE ((uint64_t)128 << 10)         /* bytes of work worth a step */
#define SLICE LU_MILLISECOND                /* between looks whether memory came free */

void lu_cycle_run(lull_heap *heap, enum lu_cause cause) {
  if (heap->cycle.run.stage == LU_STAGE_NONE)
    lu_cycle_begin(heap, cause, false);
  while (lu_cycle_step(heap, NULL) != LU_PACE_DONE)
    lu_cycle_await(heap);
}

/*
 * A thread does not stop, or does not acknowledge: allocation tries again an eighth of the limit
 * later. Otherwise every slow path from here on would wait for stall.timeout. The request stays:
 * others wait for it, and the collector thread, if the mode becomes concurrent, serves it.
 */
static void postpone(lull_heap *heap) {
  uint64_t allocated = atomic_load_explicit(&heap->cycle.pacer.allocated, memory_order_relaxed);
  atomic_store_explicit(&heap->cycle.retry_at, allocated + heap->space.limit / 8,
                        memory_order_relaxed);
}

static bool postponed(const struct lu_cycle *cycle) {
  return atomic_load_explicit(&cycle->pacer.allocated, memory_order_relaxed) <
         atomic_load_explicit(&cycle->retry_at, memory_order_relaxed);
}

/*
 * A whole cycle with the world stopped. False, with nothing done: a thread did not stop within
 * stall.timeout. Who has been waiting since before that was found out gets the same answer at once:
 * else as many threads as wait would wait for the timeout one after the other.
 */
static bool run_stopped(lull_heap *heap, enum lu_cause cause, uint64_t since_ns) {
  struct lu_cycle *cycle = &heap->cycle;
  if (cycle->stop_failed_ns > since_ns)
    return false;
  if (!lu_stop_the_world(&heap->registry, heap->settings.stall_timeout)) {
    cycle->stop_failed_ns = lu_now_ns();
    postpone(heap);
    return false;
  }
  atomic_store_explicit(&cycle->retry_at, 0, memory_order_relaxed);
  lu_cycle_begin(heap, cause, true);
  LU_CHECK(lu_cycle_step(heap, NULL) == LU_PACE_DONE, "a cycle of a stopped world waits");
  lu_resume_the_world(&heap->registry);
  return true;
}

/*
 * Moves the cycle under way on, and waits if that is what is to be done. False: somebody has been
 * waited for too long since since_ns.
 */
static bool advance(lull_heap *heap, uint64_t since_ns, struct lu_budget *budget) {
  /* A budget that ran out inside a handshake is not a thread that was waited for. */
  if (lu_cycle_step(heap, budget) != LU_PACE_WAITS || lu_budget_over(budget))
    return true;
  if (lu_no_progress(heap, since_ns))
    return false;
  lu_cycle_await(heap);
  return true;
}

bool lu_cycle_finish(lull_heap *heap) {
  uint64_t since = lu_now_ns();
  while (heap->cycle.run.stage != LU_STAGE_NONE)
    if (!advance(heap, since, NULL))
      return false;
  return true;
}

/* The same for a new cycle or the one under way, as the mode has it. */
static bool advance_any(lull_heap *heap, enum lu_cause cause, uint64_t since_ns,
                        struct lu_budget *budget) {
  if (heap->cycle.run.stage == LU_STAGE_NONE) {
    if (lu_cycle_mode(&heap->cycle) == LU_GC_STW)
      return run_stopped(heap, cause, since_ns);
    lu_cycle_begin(heap, cause, false);
  }
  return advance(heap, since_ns, budget);
}

/*
 * Bytes of work, as budgets count it, that the cycle under way will have been. Marking that has
 * done more than half of what was expected is taken to be half done: so the steps of a heap that
 * has grown, or of the first cycle, soon do all they may.
 */
static uint64_t expected_work(const lull_heap *heap) {
  const struct lu_run *run = &heap->cycle.run;
  uint64_t mark = run->mark_work;
  if (run->stage < LU_STAGE_IDLE) {
    mark = atomic_load_explicit(&heap->cycle.pacer.work_estimate, memory_order_relaxed);
    mark = mark > 2 * run->work ? mark : 2 * run->work;
    mark = mark < run->used_before ? mark : run->used_before;
  }
  return mark + run->used_before / (LU_BLOCK_BYTES / LU_SWEEP_WORK);
}

/* gc.step, gc.step_bytes, gc.work, or what lull_heap_set_pacing made of them. */
static uint64_t step_ns(const lull_heap *heap) {
  return atomic_load_explicit(&heap->cycle.pacer.step, memory_order_relaxed);
}
static uint64_t step_bytes(const lull_heap *heap) {
  return atomic_load_explicit(&heap->cycle.pacer.step_bytes, memory_order_relaxed);
}
static uint64_t work_percent(const lull_heap *heap) {
  return atomic_load_explicit(&heap->cycle.pacer.work, memory_order_relaxed);
}

/*
 * Bytes of work for each byte allocated: so many percent of what lets the cycle end in time, but of
 * one at least: a short cycle leaves less behind than a long one.
 */
static double work_rate(const lull_heap *heap, uint64_t percent) {
  uint64_t headroom = atomic_load_explicit(&heap->cycle.pacer.headroom, memory_order_relaxed);
  double needed =
      (double)expected_work(heap) / (double)(headroom > LU_BLOCK_BYTES ? headroom : LU_BLOCK_BYTES);
  return (double)percent / 100 * (needed > 1 ? needed : 1);
}

static uint64_t allocated_since(const struct lu_pacer *pacer) {
  return atomic_load_explicit(&pacer->allocated, memory_order_relaxed) -
         atomic_load_explicit(&pacer->allocated_at_start, memory_order_relaxed);
}

static uint64_t piece(const lull_heap *heap) {
  uint64_t bytes = step_bytes(heap);
  return bytes != 0 && bytes < PIECE ? bytes : PIECE;
}

/* After a step: when the next one should be. */
static void set_next_step(lull_heap *heap, enum lu_pace pace) {
  struct lu_cycle *cycle = &heap->cycle;
  uint64_t at = UINT64_MAX,
      start = atomic_load_explicit(&cycle->pacer.allocated_at_start, memory_order_relaxed);
  uint64_t percent = work_percent(heap);
  if (percent != 0 && cycle->run.stage != LU_STAGE_NONE) {
    uint64_t next =
        start + (uint64_t)((double)(cycle->run.work + piece(heap)) / work_rate(heap, percent));
    at = atomic_load_explicit(&cycle->pacer.allocated, memory_order_relaxed) + 1;
    if (pace == LU_PACE_SPENT && next > at)
      at = next;
  }
  atomic_store_explicit(&cycle->step_at, at, memory_order_relaxed);
}

/* What a step that allocation takes may do: what is missing, within gc.step or gc.step_bytes. */
static struct lu_budget step_budget(const lull_heap *heap) {
  const struct lu_run *run = &heap->cycle.run;
  struct lu_budget budget = {.work = step_bytes(heap), .strict = true};
  if (budget.work != 0)
    return budget;
  uint64_t due =
      (uint64_t)(work_rate(heap, work_percent(heap)) * (double)allocated_since(&heap->cycle.pacer));
  budget.work = due > run->work + PIECE ? due - run->work : PIECE;
  budget.deadline_ns = lu_now_ns() + step_ns(heap);
  return budget;
}

/* Under `driver`. */
static void take_step(lull_heap *heap, enum lu_cause cause, struct lu_budget *budget) {
  if (heap->cycle.run.stage == LU_STAGE_NONE)
    lu_cycle_begin(heap, cause, false);
  struct lu_budget own;
  if (budget == NULL) {
    own = step_budget(heap);
    budget = &own;
  }
  enum lu_pace pace = lu_cycle_step(heap, budget);
  set_next_step(heap, pace);
  if (pace == LU_PACE_DONE)
    lu_cycle_return_memory(heap, budget);
}

static bool under_way(const struct lu_cycle *cycle) {
  return atomic_load_explicit(&cycle->begun, memory_order_relaxed) !=
         atomic_load_explicit(&cycle->ended, memory_order_relaxed);
}

/* Why a cycle begins now. */
static enum lu_cause cause_of(const struct lu_cycle *cycle) {
  return lu_cycle_due(cycle)
         ? (enum lu_cause)atomic_load_explicit(&cycle->cause, memory_order_relaxed) : LU_CAUSE_LOOP;
}

/* Every store of the thread is slow. */
static bool in_window(const struct lu_mutator *mutator) {
  return mutator->phase == LU_WINDOW || mutator->phase == LU_BUMPED;
}

/*
 * Whether a cycle that is not due yet is worth time that nobody else wants: threads have taken an
 * eighth of what they may take from the beginning of the last cycle to the next one. With less, a
 * program that only has majors would mark all of its heap for each block. Under `driver`, no cycle
 * under way.
 */
static bool worth_it(const struct lu_pacer *pacer) {
  uint64_t since = allocated_since(pacer),
      trigger = atomic_load_explicit(&pacer->trigger, memory_order_relaxed);
  uint64_t start = atomic_load_explicit(&pacer->allocated_at_start, memory_order_relaxed);
  return since != 0 &&
         (trigger == UINT64_MAX || trigger <= start || since >= (trigger - start) / 8);
}

/*
 * One step, unless somebody else is driving or waits to; budget NULL: what allocation owes;
 * otherwise the embedder has time, and a cycle that is not due may begin too. Returns whether a
 * cycle ended in it, or, to the embedder, that there is nothing to do. What was due or under way
 * before the lock was had may not be any more, so that is asked again. Who has the lock may have
 * looked before this thread acknowledged what it did last: in the window it looks again at its next
 * poll (drive.pml, mutant 28).
 */
static bool step(struct lu_mutator *mutator, struct lu_budget *budget) {
  lull_heap *heap = mutator->heap;
  struct lu_cycle *cycle = &heap->cycle;
  bool over = false;
  lu_blocked_begin(&mutator->thread);
  bool drives = atomic_load(&cycle->driver_waiters) == 0 && lu_trylock(&cycle->driver);
  if (drives) {
    uint64_t before = lu_thread_cpu_ns(), cycles = atomic_load(&cycle->ended);
    bool wanted = under_way(cycle) || lu_cycle_due(cycle) || heap->settings.stress_loop;
    if (wanted || (budget != NULL && worth_it(&cycle->pacer))) {
      take_step(heap, wanted ? cause_of(cycle) : LU_CAUSE_STEP, budget);
      over = atomic_load(&cycle->ended) != cycles;
      lu_caused(&heap->figures, &heap->figures.step, lu_thread_cpu_ns() - before);
    } else {
      over = budget != NULL;
    }
    lu_unlock(&cycle->driver);
  }
  lu_blocked_end(&mutator->thread);
  if (!drives && in_window(mutator))
    lu_drive_poke(&mutator->thread);
  return over;
}

/* A cycle that was begun in steps is under way, and the mode is stop-the-world now. */
static void finish_others(struct lu_mutator *mutator) {
  struct lu_cycle *cycle = &mutator->heap->cycle;
  if (!lu_cycle_wait(mutator, atomic_load(&cycle->begun), cause_of(cycle)))
    postpone(mutator->heap);
}

void lu_cycle_help(struct lu_mutator *mutator) {
  lull_heap *heap = mutator->heap;
  struct lu_cycle *cycle = &heap->cycle;
  bool due = lu_cycle_due(cycle), stops = lu_cycle_mode(cycle) == LU_GC_STW;
  if (stops && postponed(cycle))
    return;
  if (under_way(cycle)) {
    if (stops)
      finish_others(mutator);
    else if (atomic_load_explicit(&cycle->pacer.allocated, memory_order_relaxed) >=
             atomic_load_explicit(&cycle->step_at, memory_order_relaxed))
      step(mutator, NULL);
    return;
  }
  if ((!due && !heap->settings.stress_loop) ||
      (atomic_load_explicit(&cycle->pacer.pauses, memory_order_relaxed) &&
       lu_pacer_hold(heap) != 0))
    return;
  if (stops)
    lu_cycle_wait(mutator, atomic_load(&cycle->begun) + 1, cause_of(cycle));
  else if (!lu_collector_start_if_worth(heap) && work_percent(heap) != 0)
    step(mutator, NULL);
}

/* A step ends with a poll, too: what that acknowledges may be the last. */
void lu_cycle_polled(struct lu_mutator *mutator) {
  const struct lu_cycle *cycle = &mutator->heap->cycle;
  for (enum lu_phase before = LU_IDLE; mutator->phase != before && in_window(mutator);) {
    if (lu_collector_runs(cycle) || lu_cycle_mode(cycle) == LU_GC_STW ||
        work_percent(mutator->heap) == 0)
      return;
    before = mutator->phase;
    step(mutator, NULL);
  }
}

/*
 * Between two looks whether memory came free; by bytes where steps are, so that the course of a
 * program does not depend on time.
 */
static struct lu_budget drive_budget(const lull_heap *heap) {
  uint64_t bytes = step_bytes(heap);
  return (struct lu_budget){.deadline_ns = bytes != 0 ? 0 : lu_now_ns() + SLICE,
                            .work = bytes != 0 ? bytes : UINT64_MAX};
}

static bool goes_on(const struct lu_cycle *cycle, uint64_t number, const uint32_t *seen) {
  return atomic_load_explicit(&cycle->ended, memory_order_acquire) < number &&
         (seen == NULL || lu_event_value(&cycle->progress) == *seen);
}

/*
 * Between two slices of who drives to a cycle's end: those who wait for the lock go first. They may
 * be waiting for memory, and what has come free is theirs; they drive, if there is none yet (T.1).
 */
static void let_others(struct lu_cycle *cycle) {
  uint32_t seen = lu_event_value(&cycle->driver_taken);
  if (atomic_load(&cycle->driver_waiters) == 0)
    return;
  lu_unlock(&cycle->driver);
  lu_event_wait(&cycle->driver_taken, seen, LU_MILLISECOND);
  lu_driver_lock(cycle);
}

bool lu_cycle_drive(struct lu_mutator *mutator, uint64_t number, enum lu_cause cause,
                    const uint32_t *seen) {
  lull_heap *heap = mutator->heap;
  struct lu_cycle *cycle = &heap->cycle;
  uint64_t since = lu_now_ns();
  bool reached = true;
  lu_blocked_begin(&mutator->thread);
  lu_driver_lock(cycle);
  while (reached && goes_on(cycle, number, seen)) {
    struct lu_budget slice = drive_budget(heap);
    reached = advance_any(heap, cause, since, &slice);
    /* Whose own cycle is over need not queue for the lock once more. */
    if (seen == NULL && reached && goes_on(cycle, number, NULL))
      let_others(cycle);
  }
  set_next_step(heap, LU_PACE_WAITS);
  if (cycle->run.stage == LU_STAGE_NONE)
    lu_cycle_return_memory(heap, NULL);
  lu_unlock(&cycle->driver);
  lu_blocked_end(&mutator->thread);
  return reached;
}

/*
 * A step gets on however little it is given: a look at the clock before the first piece of work
 * would find less to be over.
 */
#define SHORTEST_STEP (10 * LU_MICROSECOND)

bool lull_collect_step(lull_thread *thread, uint64_t budget_ns) {
  struct lu_thread *own = lu_own(thread);
  if (own == NULL || own->os->depth != 0) {
    lu_reject(own == NULL ? LULL_E_THREAD : LULL_E_STATE,
              "lull_collect_step: the calling thread is not attached here, or inside a blocked "
              "region");
    return false;
  }
  struct lu_mutator *mutator = lu_mutator_of(&own->pub);
  lull_heap *heap = mutator->heap;
  if (lu_cycle_mode(&heap->cycle) != LU_GC_INCREMENTAL) {
    lu_reject(LULL_E_STATE, "lull_collect_step: the mode is not incremental");
    return false;
  }
  struct lu_budget budget =
      lu_budget_of_time(budget_ns > SHORTEST_STEP ? budget_ns : SHORTEST_STEP);
  budget.strict = true;
  return step(mutator, &budget);
}
