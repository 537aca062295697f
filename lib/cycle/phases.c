/*
 * cycle/phases.c: one concurrent cycle, step by step (design section 6; tests/models/start.pml, blocks.pml, join.pml).
 *
 *   H1      each thread publishes its part of rs(k); from then on every store is slow and shades the new value
 *   switch  the clear spare bitmap becomes MARK; rs(k) is dropped (a major marks from the roots)
 *   H2      each thread takes the new epoch; what it allocates from here on is live
 *   H3      each thread scans its own roots; stores shade by the log from here on
 *   trace   shared roots, then marking, with helpers and assists
 *   F       flush rounds until one is clean
 *   IDLE    barriers go idle; the remembered set of the new epoch is filtered by MARK
 *   sweep   block by block
 *   SETTLE  births are no longer live; then their MARK bits are cleared, and what was born is young
 *
 * Each step is armed under the registry lock (arm_*: what a joining thread adopts) and acknowledged by all threads before the next. No step waits for two threads at once, and no
 * thread waits for a step.
 *
 * Threads: lu_cycle_run by the collector thread, which holds cycle.driver; the closures by each thread or on its behalf. cycle.armed is plain: it is written under the registry
 * lock, and read under it by joined(), or by the driver itself.
 */
#include "cycle/phases.h"

#include "heap/heap.h"
#include "heap/sweep.h"
#include "mark/mark.h"
#include "mark/shade.h"
#include "observe/log.h"
#include "roots/shared.h"
#include "support/assert.h"
#include "support/clock.h"
#include "support/random.h"
#include "threads/handshake.h"
#include "verify/verify.h"

/* One cycle under way; on the driver's stack. */
struct run {
  lull_heap *heap;
  uint32_t number;
  uint64_t began, traced, marked, swept, ended;   /* lu_now_ns */
  size_t used_before, live;
};

void lu_mutator_apply(struct lu_mutator *mutator) {
  bool window = mutator->phase == LU_WINDOW || mutator->phase == LU_BUMPED;
  mutator->thread.pub.pass_epoch = window ? LULL_PASS_NEVER : mutator->epoch;
  mutator->thread.pub.birth_epoch = mutator->epoch;
  mutator->thread.pub.birth_header = (uint64_t)mutator->epoch << 32;
}

void lu_mutator_adopt(struct lu_mutator *mutator) {
  const struct lu_armed *armed = &mutator->heap->cycle.armed;
  mutator->phase = (enum lu_phase)armed->phase;
  mutator->epoch = armed->epoch;
  mutator->born_live = armed->born_live;
  mutator->mark_map = armed->mark_map;
  mutator->cycle = armed->cycle;
  lu_mutator_apply(mutator);
}

/* At the edge of two phases: the verifier and the random delay of the stress options. */
static void edge(lull_heap *heap, enum lu_edge edge) {
  if (heap->settings.verify == LU_VERIFY_PHASE || (heap->settings.verify == LU_VERIFY_CYCLE && edge == LU_EDGE_SETTLED))
    LU_CHECK(lu_verify_edge(heap, edge) == 0, "the verifier found the heap broken");
  if (heap->settings.stress_delay != 0) {
    uint64_t until = lu_now_ns() + lu_random_below(heap->settings.stress_delay);
    while (lu_now_ns() < until)
      sched_yield();
  }
}

static void arm_window(void *owner) {
  lull_heap *heap = owner;
  heap->cycle.armed.phase = LU_WINDOW;
}

static void enter_window(struct lu_thread *thread, void *arg) {
  struct lu_mutator *mutator = lu_mutator_of(&thread->pub);
  (void)arg;
  LU_ASSERT(mutator->phase == LU_IDLE && mutator->grey == NULL && !mutator->born_live);
  lu_remember_publish(mutator);
  mutator->phase = LU_WINDOW;
  lu_mutator_apply(mutator);
}

static void arm_bump(void *owner) {
  lull_heap *heap = owner;
  struct lu_armed *armed = &heap->cycle.armed;
  armed->phase = LU_BUMPED;
  armed->epoch = (uint16_t)((armed->epoch + 2) & heap->marking.epoch_mask);
  armed->born_live = true;
  armed->mark_map = heap->marking.map;
  armed->cycle++;
}

/* What a thread acknowledges is what a joining thread would adopt now: armed does not change between arming and the last acknowledgement. */
static void enter_bump(struct lu_thread *thread, void *arg) {
  struct lu_mutator *mutator = lu_mutator_of(&thread->pub);
  (void)arg;
  LU_ASSERT(mutator->phase == LU_WINDOW);
  lu_mutator_adopt(mutator);
  lu_region_split(mutator);
}

static void arm_scan(void *owner) {
  lull_heap *heap = owner;
  heap->cycle.armed.phase = LU_TRACE;
}

static void shade_root(void *object, void *arg) { lu_shade(arg, object); }

static void scan_roots(struct lu_thread *thread, void *arg) {
  struct lu_mutator *mutator = lu_mutator_of(&thread->pub);
  uint64_t before = lu_thread_cpu_ns();
  (void)arg;
  LU_ASSERT(mutator->phase == LU_BUMPED);
  lu_thread_roots_each(mutator, shade_root, mutator);
  lu_shade_flush(mutator);
  mutator->phase = LU_TRACE;
  lu_mutator_apply(mutator);
  lu_histogram_add(&mutator->heap->figures.root_scan, lu_thread_cpu_ns() - before);
}

static void flush(struct lu_thread *thread, void *arg) {
  struct lu_mutator *mutator = lu_mutator_of(&thread->pub);
  (void)arg;
  lu_shade_flush(mutator);
  lu_remember_publish(mutator);
}

static void arm_idle(void *owner) {
  lull_heap *heap = owner;
  heap->cycle.armed.phase = LU_IDLE;
}

static void enter_idle(struct lu_thread *thread, void *arg) {
  struct lu_mutator *mutator = lu_mutator_of(&thread->pub);
  (void)arg;
  /* What was shaded since the clean round is marked or born live: marking is over. */
  lu_shade_discard(mutator);
  mutator->phase = LU_IDLE;
  lu_mutator_apply(mutator);
}

static void arm_settle(void *owner) {
  lull_heap *heap = owner;
  heap->cycle.armed.born_live = false;
}

static void settle(struct lu_thread *thread, void *arg) {
  struct lu_mutator *mutator = lu_mutator_of(&thread->pub);
  (void)arg;
  mutator->born_live = false;
}

/*
 * Whether this major renews stale logs. A log is stale from an age of a quarter of all epochs on, and must not grow as old as half of them; an age grows
 * by two with each cycle. So it is enough to look when ages have grown by an eighth since the last time. `cycle` is the number of the cycle before.
 */
static bool renews_logs(struct lu_marking *marking, uint32_t cycle) {
  if (cycle - marking->renewed_cycle < (marking->epoch_mask + 1u) / 16)
    return false;
  marking->renewed_cycle = cycle;
  return true;
}

static void start(struct run *run) {
  lull_heap *heap = run->heap;
  struct lu_registry *registry = &heap->registry;
  lu_remembered_begin(heap);
  lu_handshake(registry, "window", arm_window, enter_window, NULL);
  edge(heap, LU_EDGE_WINDOW);
  heap->marking.epoch_before = heap->cycle.armed.epoch;
  heap->marking.renew_logs = renews_logs(&heap->marking, heap->cycle.armed.cycle);
  heap->marking.map ^= 1;
  lu_remembered_drop(heap);
  lu_handshake(registry, "bump", arm_bump, enter_bump, NULL);
  edge(heap, LU_EDGE_BUMPED);
  lu_handshake(registry, "scan", arm_scan, scan_roots, NULL);
  edge(heap, LU_EDGE_TRACE);
}

static void push_root(void *object, void *arg) { lu_marker_push(arg, object); }

static void scan_shared_roots(lull_heap *heap) {
  struct lu_marker marker;
  lu_marker_enter(&marker, heap, true);
  lu_shared_roots_each(&heap->shared, push_root, &marker);
  lu_marker_leave(&marker);
}

/* One flush round; returns whether it was clean (M.4). */
static bool flush_round(lull_heap *heap) {
  struct lu_marking *marking = &heap->marking;
  uint64_t marked = atomic_load(&marking->marked);
  lu_handshake(&heap->registry, "flush", NULL, flush, NULL);
  lu_count_shared(&heap->figures.flush_rounds, 1);
  size_t flushed = lu_mark_take_flushed(heap);
  return flushed == 0 && atomic_load(&marking->active) == 0 && atomic_load(&marking->packets.grey_count) == 0 &&
         atomic_load(&marking->rescans) == 0 && atomic_load(&marking->marked) == marked;
}

static void trace(lull_heap *heap) {
  atomic_store_explicit(&heap->marking.progress, 0, memory_order_relaxed);
  atomic_store(&heap->marking.tracing, true);
  scan_shared_roots(heap);
  lu_mark_take_flushed(heap);
  do {
    lu_helpers_wake(heap);
    lu_mark_quiesce(heap);
  } while (!flush_round(heap));
  lu_mark_close(heap);
}

static void memory_came_free(void *context) {
  lull_heap *heap = context;
  lu_event_signal(&heap->cycle.progress);
}

static void sweep(struct run *run) {
  lull_heap *heap = run->heap;
  struct lu_sweep sweep = {.space = &heap->space,
                           .mark_map = heap->marking.map,
                           .cycle = run->number,
                           .scribble = heap->settings.stress_scribble,
                           .progress = memory_came_free,
                           .context = heap};
  lu_sweep(&sweep);
  edge(heap, LU_EDGE_SWEPT);
  lu_handshake(&heap->registry, "settle", arm_settle, settle, NULL);
  lu_sweep_clear_births(&sweep);
  run->live = sweep.live_bytes;
  size_t worthwhile = heap->space.limit / 100;
  if (sweep.freed_bytes < worthwhile)
    atomic_fetch_add(&heap->cycle.fruitless, 1);
  else
    atomic_store(&heap->cycle.fruitless, 0);
}

static const char *cause_name(enum lu_cause cause) {
  static const char *const names[] = {"Allocation", "Explicit", "Limit", "Loop"};
  return names[cause];
}

static void report(const struct run *run, enum lu_cause cause) {
  lull_heap *heap = run->heap;
  struct lu_heap_figures *figures = &heap->figures;
  lu_histogram_add(&figures->phase_start, run->traced - run->began);
  lu_histogram_add(&figures->phase_mark, run->marked - run->traced);
  lu_histogram_add(&figures->phase_sweep, run->ended - run->marked);
  lu_histogram_add(&figures->cycle, run->ended - run->began);
  lu_count_shared(&figures->cycles, 1);
  lu_gauge_set(&figures->bytes_live, run->live);
  LU_LOG(heap->settings.log, LU_TAG_PHASE, LU_LOG_DEBUG, "GC(%u) Start %.3fms Mark %.3fms Sweep %.3fms", run->number - 1,
         (double)(run->traced - run->began) / 1e6, (double)(run->marked - run->traced) / 1e6,
         (double)(run->ended - run->marked) / 1e6);
  LU_LOG(heap->settings.log, LU_TAG_GC, LU_LOG_INFO, "GC(%u) Concurrent Major (%s) %zuM->%zuM(%zuM) %.3fms", run->number - 1,
         cause_name(cause), run->used_before >> 20, atomic_load(&heap->space.used) >> 20, heap->space.limit >> 20,
         (double)(run->ended - run->began) / 1e6);
}

void lu_cycle_run(lull_heap *heap, enum lu_cause cause) {
  struct run run = {.heap = heap, .began = lu_now_ns(), .used_before = atomic_load(&heap->space.used)};
  atomic_fetch_add(&heap->cycle.begun, 1);
  lu_count_shared(&heap->figures.cycles_started, 1);
  lu_pacer_begin(heap);
  start(&run);
  run.number = heap->cycle.armed.cycle;
  run.traced = lu_now_ns();
  trace(heap);
  run.marked = lu_now_ns();
  lu_pacer_marked(heap);
  lu_handshake(&heap->registry, "idle", arm_idle, enter_idle, NULL);
  lu_mark_discard_flushed(heap);
  lu_gauge_set(&heap->figures.remembered, lu_remembered_filter(heap));
  edge(heap, LU_EDGE_MARKED);
  sweep(&run);
  run.ended = lu_now_ns();
  lu_pacer_end(heap, run.live);
  edge(heap, LU_EDGE_SETTLED);
  lu_space_return_slabs(&heap->space);
  report(&run, cause);
  atomic_fetch_add_explicit(&heap->cycle.ended, 1, memory_order_release);
  lu_event_signal(&heap->cycle.progress);
}
