/*
 * cycle/steps.c: one cycle, stage by stage (design section 6; tests/models/start.pml, blocks.pml,
 * join.pml).
 *
 *   WINDOW  H1: stores shade new values
 *   SWITCH  the kind of the cycle is settled; in a major the clear spare bitmap becomes MARK
 *   BUMP    H2: new epoch, births live
 *   SCAN    H3: threads scan their roots
 *   DROP    in a major: rs(k) is dropped
 *   ROOTS   marking opens to helpers and assists; shared roots
 *   REMEMBERED  in a minor, what rs(k) names
 *   TAKE    what threads have flushed
 *   MARK    until nothing is grey outside the threads
 *   FLUSH   F: a round; marking goes on unless it was clean (M.4)
 *   CLOSE   nobody marks any more
 *   IDLE    barriers go idle
 *   FILTER  the remembered set of the new epoch is filtered by MARK
 *   SWEEP   block by block
 *   SETTLE  births are no longer live
 *   CLEAR   their MARK bits are cleared, and those of survivors not yet promoted: they are young
 *   END     figures, pacing; `ended`
 *
 * Each handshake is armed under the registry lock and acknowledged by all threads before the next
 * stage begins. No stage waits for two threads at once, and no thread waits for a stage.
 *
 * With the world stopped the stages are the same; a handshake is then a walk over the stopped
 * threads, and nothing is born.
 *
 * A step may end inside a stage and the next one be somebody else's. Nothing of a cycle is on a
 * stack or belongs to a thread: `run`, the list of an open handshake included, is handed on with
 * cycle.driver, and everything else is what mutators see anyway.
 *
 * Threads: who holds cycle.driver.
 */
#include "cycle/steps.h"

#include <sched.h>
#include "heap/heap.h"
#include "mark/age.h"
#include "mark/mark.h"
#include "mark/remember.h"
#include "observe/log.h"
#include "roots/shared.h"
#include "support/assert.h"
#include "support/clock.h"
#include "support/random.h"
#include "threads/handshake.h"
#include "verify/verify.h"

/* At the edge of two phases: the verifier and the random delay of the stress options. */
static void edge(lull_heap *heap, enum lu_edge edge) {
  if (lu_verify_due(&heap->settings, edge))
    LU_CHECK(lu_verify_edge(heap, edge, heap->cycle.run.stopped) == 0,
             "the verifier found the heap broken");
  if (heap->settings.stress_delay != 0) {
    uint64_t until = lu_now_ns() + lu_random_below(heap->settings.stress_delay);
    while (lu_now_ns() < until)
      sched_yield();
  }
}

/* One handshake: armed by the first call, over when DONE is returned. */
static enum lu_pace shake(lull_heap *heap, enum lu_shake which, const struct lu_budget *budget) {
  struct lu_run *run = &heap->cycle.run;
  const struct lu_shake_desc *desc = &lu_shakes[which];
  if (run->stopped) {
    lu_handshake_stopped(&heap->registry, desc->arm, desc->closure, NULL);
    return LU_PACE_DONE;
  }
  if (!run->shaking)
    lu_handshake_begin(&run->drive, &heap->registry, desc->name, desc->arm, desc->closure, NULL);
  run->shaking = !lu_handshake_try(&run->drive, budget != NULL ? budget->deadline_ns : 0);
  return run->shaking ? LU_PACE_WAITS : LU_PACE_DONE;
}

static enum lu_pace window(lull_heap *heap, struct lu_budget *budget) {
  struct lu_run *run = &heap->cycle.run;
  if (!run->shaking) {
    /*
     * Before the window, in which every store is slow. Not within a budget, of which it could be a
     * multiple.
     */
    if (budget == NULL && !run->stopped)
      lu_space_populate(&heap->space, heap->marking.map ^ (run->proposed == LU_MAJOR));
    lu_remembered_begin(heap);
  }
  if (shake(heap, LU_SHAKE_WINDOW, budget) != LU_PACE_DONE)
    return LU_PACE_WAITS;
  edge(heap, LU_EDGE_WINDOW);
  run->stage = LU_STAGE_SWITCH;
  return LU_PACE_DONE;
}

/*
 * Whether this major renews stale logs. A log is stale from an age of a quarter of all epochs on,
 * and must not grow as old as all of them; an age grows by two with each cycle. So it is enough to
 * look when ages have grown by an eighth since the last time; minors may put it off
 * (renewal_overdue), so that ages reach three quarters at most. `cycle` is the number of the cycle
 * before.
 */
static bool renews_logs(struct lu_marking *marking, uint32_t cycle) {
  if (cycle - marking->renewed_cycle < (marking->epoch_mask + 1u) / 16)
    return false;
  marking->renewed_cycle = cycle;
  return true;
}

/*
 * Whether logs may grow no older without being renewed, which a minor cannot do: it does not see
 * all objects.
 */
static bool renewal_overdue(const struct lu_marking *marking, uint32_t cycle) {
  return cycle - marking->renewed_cycle >= (marking->epoch_mask + 1u) / 4;
}

/* All threads have acknowledged H1, so rs(k) is complete, or known not to be. */
static void settle_kind(lull_heap *heap) {
  struct lu_marking *marking = &heap->marking;
  struct lu_cycle *cycle = &heap->cycle;
  marking->minor = cycle->run.proposed == LU_MINOR &&
                   !atomic_load_explicit(&marking->remembered_lost, memory_order_relaxed) &&
                   !renewal_overdue(marking, cycle->armed.cycle);
  cycle->kind = marking->minor ? LU_MINOR : LU_MAJOR;
  if (marking->minor)
    return;
  if (cycle->run.proposed == LU_MINOR)
    lu_pacer_turned_major(heap);
  atomic_store(&cycle->major_begun, cycle->run.request);
}

static enum lu_pace switch_marks(lull_heap *heap, struct lu_budget *budget) {
  (void)budget;
  struct lu_marking *marking = &heap->marking;
  settle_kind(heap);
  marking->epoch_before = heap->cycle.armed.epoch;
  marking->renew_logs = !marking->minor && renews_logs(marking, heap->cycle.armed.cycle);
  if (!marking->minor)
    marking->map ^= 1;
  heap->cycle.run.stage = LU_STAGE_BUMP;
  return LU_PACE_DONE;
}

static enum lu_pace bump(lull_heap *heap, struct lu_budget *budget) {
  struct lu_run *run = &heap->cycle.run;
  if (shake(heap, LU_SHAKE_BUMP, budget) != LU_PACE_DONE)
    return LU_PACE_WAITS;
  edge(heap, LU_EDGE_BUMPED);
  run->number = heap->cycle.armed.cycle;
  uint64_t allocated = atomic_load_explicit(&heap->cycle.pacer.allocated, memory_order_relaxed);
  run->young_bytes = allocated - heap->cycle.young_from;
  heap->cycle.young_from = allocated;
  run->stage = LU_STAGE_SCAN;
  return LU_PACE_DONE;
}

static enum lu_pace scan(lull_heap *heap, struct lu_budget *budget) {
  struct lu_run *run = &heap->cycle.run;
  if (shake(heap, LU_SHAKE_SCAN, budget) != LU_PACE_DONE)
    return LU_PACE_WAITS;
  edge(heap, LU_EDGE_TRACE);
  run->traced = lu_now_ns();
  run->stage = heap->marking.minor ? LU_STAGE_ROOTS : LU_STAGE_DROP;
  return LU_PACE_DONE;
}

/* Not in the window, in which every store is slow: nobody touches rs(k) between H1 and IDLE. */
static enum lu_pace drop(lull_heap *heap, struct lu_budget *budget) {
  if (!lu_remembered_drop(heap, budget))
    return LU_PACE_SPENT;
  heap->cycle.run.stage = LU_STAGE_ROOTS;
  return LU_PACE_DONE;
}

static void push_root(void *object, void *arg) { lu_marker_push(arg, object); }

static void scan_shared_roots(lull_heap *heap) {
  struct lu_marker marker;
  lu_marker_enter(&marker, heap, true);
  lu_shared_roots_each(&heap->shared, push_root, &marker);
  lu_marker_leave(&marker);
}

static enum lu_pace roots(lull_heap *heap, struct lu_budget *budget) {
  (void)budget;
  atomic_store_explicit(&heap->marking.progress, 0, memory_order_relaxed);
  atomic_store(&heap->marking.tracing, true);
  lu_helpers_begin(heap);
  scan_shared_roots(heap);
  heap->cycle.run.stage = heap->marking.minor ? LU_STAGE_REMEMBERED : LU_STAGE_TAKE;
  return LU_PACE_DONE;
}

static enum lu_pace remembered(lull_heap *heap, struct lu_budget *budget) {
  struct lu_marker marker;
  lu_marker_enter(&marker, heap, true);
  bool all = lu_remembered_scan(&marker, budget);
  lu_marker_leave(&marker);
  if (!all)
    return LU_PACE_SPENT;
  heap->cycle.run.stage = LU_STAGE_TAKE;
  return LU_PACE_DONE;
}

static enum lu_pace take(lull_heap *heap, struct lu_budget *budget) {
  if (!lu_mark_take_flushed(heap, budget))
    return LU_PACE_SPENT;
  lu_helpers_wake(heap);
  heap->cycle.run.stage = LU_STAGE_MARK;
  return LU_PACE_DONE;
}

static enum lu_mark_state mark_on(lull_heap *heap, struct lu_budget *budget) {
  if (budget != NULL)
    return lu_mark_some(heap, budget);
  lu_mark_quiesce(heap);
  return LU_MARK_QUIET;
}

static enum lu_pace mark(lull_heap *heap, struct lu_budget *budget) {
  struct lu_run *run = &heap->cycle.run;
  switch (mark_on(heap, budget)) {
  case LU_MARK_MORE:
    return LU_PACE_SPENT;
  case LU_MARK_OTHERS:
    return LU_PACE_WAITS;
  case LU_MARK_QUIET:
    break;
  }
  run->marked_before = atomic_load(&heap->marking.marked);
  run->stage = LU_STAGE_FLUSH;
  return LU_PACE_DONE;
}

/* Whether the flush round that has just been acknowledged by all was clean (M.4). */
static bool was_clean(lull_heap *heap) {
  struct lu_marking *marking = &heap->marking;
  return !lu_mark_any_flushed(heap) && atomic_load(&marking->active) == 0 &&
         atomic_load(&marking->packets.grey_count) == 0 &&
         atomic_load(&marking->rescans) == 0 &&
         atomic_load(&marking->marked) == heap->cycle.run.marked_before;
}

static enum lu_pace flush(lull_heap *heap, struct lu_budget *budget) {
  if (shake(heap, LU_SHAKE_FLUSH, budget) != LU_PACE_DONE)
    return LU_PACE_WAITS;
  lu_count_shared(&heap->figures.flush_rounds, 1);
  heap->cycle.run.stage = was_clean(heap) ? LU_STAGE_CLOSE : LU_STAGE_TAKE;
  return LU_PACE_DONE;
}

static enum lu_pace close_marking(lull_heap *heap, struct lu_budget *budget) {
  struct lu_run *run = &heap->cycle.run;
  lu_mark_close(heap);
  lu_helpers_rest(heap);
  run->marked = lu_now_ns();
  run->mark_work = run->work + (budget != NULL ? budget->done : 0);
  lu_pacer_marked(heap);
  run->stage = LU_STAGE_IDLE;
  return LU_PACE_DONE;
}

static enum lu_pace idle(lull_heap *heap, struct lu_budget *budget) {
  if (shake(heap, LU_SHAKE_IDLE, budget) != LU_PACE_DONE)
    return LU_PACE_WAITS;
  lu_mark_discard_flushed(heap);
  heap->cycle.run.stage = LU_STAGE_FILTER;
  return LU_PACE_DONE;
}

static void memory_came_free(void *context) {
  lull_heap *heap = context;
  lu_event_signal(&heap->cycle.progress);
}

static void begin_sweep(lull_heap *heap) {
  struct lu_run *run = &heap->cycle.run;
  run->sweep = (struct lu_sweep){.space = &heap->space,
                                 .mark_map = heap->marking.map,
                                 .cycle = run->number,
                                 .minor = heap->marking.minor,
                                 .promote = heap->marking.promote,
                                 .scribble = heap->settings.stress_scribble,
                                 .progress = memory_came_free,
                                 .context = heap};
  lu_sweep_begin(&run->sweep);
  lu_helpers_begin_sweep(heap);
}

static enum lu_pace filter(lull_heap *heap, struct lu_budget *budget) {
  struct lu_run *run = &heap->cycle.run;
  if (!lu_remembered_filter(heap, &run->filter, budget))
    return LU_PACE_SPENT;
  lu_gauge_set(&heap->figures.remembered, run->filter.kept);
  edge(heap, LU_EDGE_MARKED);
  begin_sweep(heap);
  run->stage = LU_STAGE_SWEEP;
  return LU_PACE_DONE;
}

static enum lu_pace sweep(lull_heap *heap, struct lu_budget *budget) {
  struct lu_run *run = &heap->cycle.run;
  if (!lu_sweep_some(&run->sweep, budget))
    return LU_PACE_SPENT;
  lu_helpers_end_sweep(heap);
  lu_sweep_end(&run->sweep);
  edge(heap, LU_EDGE_SWEPT);
  run->stage = LU_STAGE_SETTLE;
  return LU_PACE_DONE;
}

static enum lu_pace settle(lull_heap *heap, struct lu_budget *budget) {
  if (shake(heap, LU_SHAKE_SETTLE, budget) != LU_PACE_DONE)
    return LU_PACE_WAITS;
  lu_sweep_clear_begin(&heap->cycle.run.sweep);
  heap->cycle.run.stage = LU_STAGE_CLEAR;
  return LU_PACE_DONE;
}

static enum lu_pace clear(lull_heap *heap, struct lu_budget *budget) {
  struct lu_run *run = &heap->cycle.run;
  if (!lu_sweep_clear_some(&run->sweep, budget) || !lu_age_unmark_survivors(heap, budget))
    return LU_PACE_SPENT;
  run->stage = LU_STAGE_END;
  return LU_PACE_DONE;
}

static const char *cause_name(enum lu_cause cause) {
  static const char *const names[] = {"Allocation", "Explicit", "Limit", "Loop", "Step"};
  return names[cause];
}

static const char *kind_name(const lull_heap *heap) {
  if (heap->cycle.run.stopped)
    return heap->cycle.kind == LU_MINOR ? "Pause Young" : "Pause Full";
  return heap->cycle.kind == LU_MINOR ? "Concurrent Minor" : "Concurrent Major";
}

/*
 * What is kept for each kind of cycle, and of survivors. (Promoted bytes of higher ages:
 * mark/age.c.)
 */
static void count_kind(lull_heap *heap, uint64_t ended) {
  const struct lu_run *run = &heap->cycle.run;
  struct lu_heap_figures *figures = &heap->figures;
  bool minor = heap->cycle.kind == LU_MINOR;
  lu_count_shared(minor ? &figures->cycles_minor : &figures->cycles_major, 1);
  lu_count_shared(minor ? &figures->cpu_minor : &figures->cpu_major, run->cpu_ns);
  lu_histogram_add(minor ? &figures->minor : &figures->major, ended - run->began);
  lu_count_shared(&figures->bytes_survived, run->sweep.survived_bytes);
  if (heap->marking.promote == 1)
    lu_count_shared(&figures->bytes_promoted, run->sweep.survived_bytes);
  if (minor && run->young_bytes != 0) {
    uint64_t percent =
        (uint64_t)((double)run->sweep.survived_bytes * 100 / (double)run->young_bytes);
    lu_histogram_add(&figures->survival, percent < 100 ? percent : 100);
  }
}

static void report(lull_heap *heap, uint64_t ended) {
  const struct lu_run *run = &heap->cycle.run;
  struct lu_heap_figures *figures = &heap->figures;
  count_kind(heap, ended);
  lu_histogram_add(&figures->phase_start, run->traced - run->began);
  lu_histogram_add(&figures->phase_mark, run->marked - run->traced);
  lu_histogram_add(&figures->phase_sweep, ended - run->marked);
  lu_histogram_add(&figures->cycle, ended - run->began);
  lu_count_shared(&figures->cycles, 1);
  lu_gauge_set(&figures->bytes_live, run->sweep.live_bytes);
  LU_LOG(heap->settings.log, LU_TAG_PHASE, LU_LOG_DEBUG,
         "GC(%u) Start %.3fms Mark %.3fms Sweep %.3fms, CPU %.3fms; %zuK survived; "
         "blocks: %zu free, %zu with holes, %zu full, %zu in use",
         run->number - 1, (double)(run->traced - run->began) / 1e6,
         (double)(run->marked - run->traced) / 1e6, (double)(ended - run->marked) / 1e6,
         (double)run->cpu_ns / 1e6, run->sweep.survived_bytes >> 10, run->sweep.blocks_free,
         run->sweep.blocks_pooled, run->sweep.blocks_full, run->sweep.blocks_skipped);
  LU_LOG(heap->settings.log, LU_TAG_GC, LU_LOG_INFO, "GC(%u) %s (%s) %zuM->%zuM(%zuM) %.3fms",
         run->number - 1, kind_name(heap), cause_name(run->cause), run->used_before >> 20,
         atomic_load(&heap->space.used) >> 20, heap->space.limit >> 20,
         (double)(ended - run->began) / 1e6);
}

/*
 * A thread's CPU clock is a system call, about a microsecond where the system guards itself against
 * its processor: so it is read once a step, not once a stage.
 */
static void count_cpu(struct lu_run *run) {
  uint64_t now = lu_thread_cpu_ns();
  run->cpu_ns += now - run->cpu_from;
  run->cpu_from = now;
}

static void tell_pacer(lull_heap *heap) {
  struct lu_run *run = &heap->cycle.run;
  count_cpu(run);
  run->cpu_ns += lu_helpers_cpu_ns(heap);
  lu_pacer_end(heap, &(struct lu_cycle_result){.kind = heap->cycle.kind,
                                               .live_bytes = run->sweep.live_bytes,
                                               .survived_bytes = run->sweep.survived_bytes,
                                               .freed_bytes = run->sweep.freed_bytes,
                                               .cpu_ns = run->cpu_ns});
}

static void count_fruit(lull_heap *heap) {
  if (heap->cycle.run.sweep.freed_bytes >= heap->space.limit / 100)
    atomic_store(&heap->cycle.fruitless, 0);
  else if (!heap->marking.minor)
    atomic_fetch_add(&heap->cycle.fruitless, 1);
}

static enum lu_pace end(lull_heap *heap, struct lu_budget *budget) {
  uint64_t ended = lu_now_ns();
  if (!lu_space_return_slabs(&heap->space, &heap->cycle.run.slabs_at, budget))
    return LU_PACE_SPENT;
  count_fruit(heap);
  tell_pacer(heap);
  edge(heap, LU_EDGE_SETTLED);
  report(heap, ended);
  heap->cycle.run.stage = LU_STAGE_NONE;
  if (heap->cycle.kind == LU_MAJOR)
    atomic_store_explicit(&heap->cycle.major_ended, heap->cycle.run.request, memory_order_release);
  atomic_fetch_add_explicit(&heap->cycle.ended, 1, memory_order_release);
  lu_event_signal(&heap->cycle.progress);
  return LU_PACE_DONE;
}

/* Each sets the stage that follows it when it is done. */
static enum lu_pace (*const stages[LU_STAGES])(lull_heap *heap, struct lu_budget *budget) = {
    [LU_STAGE_WINDOW] = window,         [LU_STAGE_SWITCH] = switch_marks, [LU_STAGE_DROP] = drop,
    [LU_STAGE_BUMP] = bump,
    [LU_STAGE_SCAN] = scan,             [LU_STAGE_ROOTS] = roots,
    [LU_STAGE_REMEMBERED] = remembered,
    [LU_STAGE_TAKE] = take,             [LU_STAGE_MARK] = mark,           [LU_STAGE_FLUSH] = flush,
    [LU_STAGE_CLOSE] = close_marking,   [LU_STAGE_IDLE] = idle,
    [LU_STAGE_FILTER] = filter,
    [LU_STAGE_SWEEP] = sweep,           [LU_STAGE_SETTLE] = settle,       [LU_STAGE_CLEAR] = clear,
    [LU_STAGE_END] = end};

void lu_cycle_begin(lull_heap *heap, enum lu_cause cause, bool stopped) {
  struct lu_run *run = &heap->cycle.run;
  LU_ASSERT(run->stage == LU_STAGE_NONE);
  *run = (struct lu_run){.stage = LU_STAGE_WINDOW,
                         .cause = cause,
                         .stopped = stopped,
                         .began = lu_now_ns(),
                         .used_before = atomic_load(&heap->space.used)};
  run->request = atomic_fetch_add(&heap->cycle.begun, 1) + 1;
  bool asked = atomic_load(&heap->cycle.major_wanted) > atomic_load(&heap->cycle.major_begun);
  run->proposed = asked ? LU_MAJOR : lu_pacer_kind(heap, cause);
  lu_count_shared(&heap->figures.cycles_started, 1);
  lu_pacer_begin(heap, run->proposed);
}

enum lu_pace lu_cycle_step(lull_heap *heap, struct lu_budget *budget) {
  struct lu_run *run = &heap->cycle.run;
  uint64_t before = budget != NULL ? budget->done : 0;
  enum lu_pace pace = LU_PACE_DONE;
  lu_cores_begin();
  run->cpu_from = lu_thread_cpu_ns();
  while (run->stage != LU_STAGE_NONE) {
    pace = lu_budget_over(budget) ? LU_PACE_SPENT : stages[run->stage](heap, budget);
    if (pace != LU_PACE_DONE)
      break;
  }
  count_cpu(run);
  lu_cores_end();
  run->work += budget != NULL ? budget->done - before : 0;
  return pace;
}

void lu_cycle_await(lull_heap *heap) {
  struct lu_run *run = &heap->cycle.run;
  if (run->shaking)
    lu_handshake_wait(&run->drive);
  else
    lu_mark_await_others(heap);
}
