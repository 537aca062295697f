/*
 * cycle/stall.c: allocations that find no memory: they wait, and the wait always ends.
 *
 *   T.1  A stalled thread tries again after each piece of memory that a sweep frees, and after each
 *        cycle's end.
 *   T.2  It gives up for lack of memory only when at least two major cycles that began after its
 *        request have ended, an attempt after each failed, and the last cycles freed next to
 *        nothing; or after LU_STALL_CYCLES such cycles in any case (others take what is freed).
 *   T.3  It gives up for lack of progress when the collector has waited longer than stall.timeout
 *        for a thread that does not poll: LULL_E_PROGRESS, not a false LULL_E_MEMORY.
 *   T.4  Giving up asks the out-of-memory hook once; if it returns true, the allocation gets the
 *        same chance again.
 *
 * A stalled allocation first wants a cycle of any kind, then majors. Near the limit, before there
 * is a stall, allocations sleep for up to LU_POLICY_SLEEP at their next attempt (cycle/pacer.c):
 * many short waits in place of a long one. A sleep ends with it, whatever has come free, so T.1 to
 * T.4 say nothing of it.
 *
 * Model: tests/models/park.pml.
 *
 * Threads: the allocating thread; it waits as a blocked region. The hook runs RUNNING, with no lock
 * held; hook and data are read together under hook_lock.
 */
#include "heap/heap.h"
#include "observe/log.h"
#include "support/clock.h"
#include "support/error.h"
#include "threads/blocked.h"

#define LU_STALL_CYCLES 16

lull_status lull_heap_oom_hook(lull_heap *heap, lull_oom_fn *fn, void *data) {
  if (heap == NULL)
    return lu_reject(LULL_E_ARGUMENT, "lull_heap_oom_hook: no heap");
  lu_lock(&heap->cycle.hook_lock);
  heap->cycle.hook = fn;
  heap->cycle.hook_data = data;
  lu_unlock(&heap->cycle.hook_lock);
  return LULL_OK;
}

static bool ask_hook(struct lu_mutator *mutator, size_t size, lull_oom why) {
  struct lu_cycle *cycle = &mutator->heap->cycle;
  if (mutator->in_hook)
    return false;
  lu_lock(&cycle->hook_lock);
  lull_oom_fn *hook = cycle->hook;
  void *data = cycle->hook_data;
  lu_unlock(&cycle->hook_lock);
  if (hook == NULL)
    return false;
  mutator->in_hook = true;
  bool again = hook(&mutator->thread.pub, size, why, data);
  mutator->in_hook = false;
  return again;
}

static bool give_up(struct lu_mutator *mutator, struct lu_stall *stall, size_t size, lull_oom why) {
  lull_heap *heap = mutator->heap;
  LU_LOG(heap->settings.log, LU_TAG_STALL, LU_LOG_INFO,
         "thread %llu: no memory for %zu bytes after %.3fms and %u cycles: %s",
         (unsigned long long)mutator->thread.id, size,
         (double)(lu_now_ns() - stall->began_ns) / 1e6, stall->cycles,
         why == LULL_OOM_PROGRESS ? "a thread does not reach a safepoint" : "the limit is reached");
  if (!stall->hook_asked) {
    stall->hook_asked = true;
    if (ask_hook(mutator, size, why)) {
      stall->cycles = 0;
      stall->ended_seen = false;
      stall->wanted = lu_cycle_request(heap, LU_CAUSE_LIMIT);
      return true;
    }
  }
  lu_count(&mutator->counters.stall_failures, 1);
  lu_set_error(why == LULL_OOM_PROGRESS ? LULL_E_PROGRESS : LULL_E_MEMORY);
  return false;
}

/*
 * Notes that an attempt after the end of the wanted cycle failed too. Returns false when that is
 * hopeless.
 */
static bool count_failure(struct lu_mutator *mutator, struct lu_stall *stall) {
  struct lu_cycle *cycle = &mutator->heap->cycle;
  stall->cycles += !stall->any_kind;   /* T.2 is about majors */
  stall->any_kind = false;
  stall->ended_seen = false;
  mutator->pressed = true;
  if (stall->cycles >= LU_STALL_CYCLES ||
      (stall->cycles >= 2 && atomic_load(&cycle->fruitless) >= 2))
    return false;
  stall->wanted = lu_cycle_request(mutator->heap, LU_CAUSE_LIMIT);
  return true;
}

/* Below this a sleep is not worth the system call; it is saved up. */
#define SHORTEST_SLEEP (20 * LU_MICROSECOND)

/*
 * One short wait instead of a part of a stall: only while the cycle it was earned in is marking, or
 * at least not over for this thread.
 */
static void sleep_off(struct lu_mutator *mutator) {
  struct lu_event *progress = &mutator->heap->cycle.progress;
  uint64_t ns = mutator->sleep_ns;
  mutator->sleep_ns = 0;
  if (mutator->phase == LU_IDLE)
    return;
  lu_wait_blocking(&mutator->thread, progress, lu_event_value(progress), ns);
  lu_count(&mutator->counters.sleeps, 1);
}

void lu_stall_attempt(struct lu_mutator *mutator, struct lu_stall *stall) {
  /* What is owed when the cycle is over is forgotten. */
  if (LULL_UNLIKELY(mutator->sleep_ns != 0) &&
      (mutator->sleep_ns >= SHORTEST_SLEEP || mutator->phase == LU_IDLE))
    sleep_off(mutator);
  stall->seen = lu_event_value(&mutator->heap->cycle.progress);
}

/*
 * What a stalled allocation wants first: a cycle of the kind that pays best; majors when that did
 * not help.
 */
static void ask_first(lull_heap *heap, struct lu_stall *stall) {
  stall->any_kind = heap->settings.gc_generational;
  atomic_store_explicit(&heap->cycle.pacer.stalled, true, memory_order_relaxed);
  stall->wanted = lu_cycle_request(heap, stall->any_kind ? LU_CAUSE_ALLOCATION : LU_CAUSE_LIMIT);
  lu_event_signal(&heap->cycle.wake);   /* the collector may be holding it back */
}

bool lu_stall_wait(struct lu_mutator *mutator, struct lu_stall *stall, size_t size) {
  lull_heap *heap = mutator->heap;
  struct lu_cycle *cycle = &heap->cycle;
  if (stall->began_ns == 0) {
    stall->began_ns = lu_now_ns();
    ask_first(heap, stall);
    lu_count(&mutator->counters.stalls, 1);
  } else if (stall->ended_seen && !count_failure(mutator, stall)) {
    return give_up(mutator, stall, size, LULL_OOM_LIMIT);
  }
  if (atomic_load_explicit(&cycle->ended, memory_order_acquire) >= stall->wanted) {
    /*
     * The number may have gone to a minor that was just beginning: then the next cycle is the major
     * that was asked for.
     */
    stall->ended_seen = stall->any_kind || lu_major_ended(cycle, stall->wanted);
    stall->wanted += !stall->ended_seen;
    return true;
  }
  if (lu_no_progress(heap, stall->began_ns))
    return give_up(mutator, stall, size, LULL_OOM_PROGRESS);
  if (!lu_collector_runs(cycle))
    return lu_cycle_drive(mutator, stall->wanted, LU_CAUSE_LIMIT, &stall->seen) ||
           give_up(mutator, stall, size, LULL_OOM_PROGRESS);
  lu_wait_blocking(&mutator->thread, &cycle->progress, stall->seen,
                   heap->settings.stall_timeout / 8 + LU_MILLISECOND);
  return true;
}

void lu_stall_end(struct lu_mutator *mutator, const struct lu_stall *stall) {
  mutator->pressed = false;
  if (stall->began_ns == 0)
    return;
  const lull_heap *heap = mutator->heap;
  uint64_t waited = lu_now_ns() - stall->began_ns;
  lu_histogram_add(&mutator->heap->figures.stall, waited);
  LU_LOG(heap->settings.log, LU_TAG_STALL, LU_LOG_DEBUG,
         "thread %llu: waited %.3fms for memory; %llu cycles have ended",
         (unsigned long long)mutator->thread.id, (double)waited / 1e6,
         (unsigned long long)atomic_load_explicit(&heap->cycle.ended, memory_order_relaxed));
}
