/*
 * cycle/pacer.c: a heap's pacer: the arithmetic of cycle/policy.h with this heap's clock and
 * counters, and what allocating threads pay.
 *
 * When a cycle is due, of which kind, how far the heap may grow: policy.c. Here:
 *
 *   G.1  An assist is paid by the thread that allocates, at a refill: bytes of marking for bytes
 *        allocated, by what is left of both, and only while the collector is behind
 *        (lu_policy_assist). It lasts as long as marking that much takes, at most gc.assist. What
 *        it did not manage stays owed, up to DEBT_MOST.
 *   G.2  Near the limit, while a cycle marks, an allocation may owe a sleep, which its thread takes
 *        at its next attempt to allocate, before it has memory (stall.c): here, behind the
 *        allocation, the new object is in no root yet, and a blocked region is a safepoint.
 *   G.3  Nobody pays for a cycle that keeps up, and nobody assists when the collector has had its
 *        share of the CPU, or where no collector thread is: there the steps are all (drivers.c).
 *
 * Threads: lu_pacer_allocated by any mutator; lu_pacer_hold by any thread; the rest by the driver.
 * The policy is under pacer->lock, which is a leaf but for the group's (group.c). Atomics:
 * cycle/cycle.h.
 */
#include "heap/heap.h"
#include "support/clock.h"
#include "support/cores.h"
#include "support/memory.h"
#include "support/tool.h"

#define ASSIST_PIECE ((uint64_t)64 << 10)   /* bytes of marking worth entering for */
#define DEBT_MOST ((uint64_t)1 << 20)

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }
static uint64_t allocated_now(const struct lu_pacer *pacer) {
  return atomic_load_explicit(&pacer->allocated, memory_order_relaxed);
}

static void set(_Atomic uint64_t *word, uint64_t value) {
  atomic_store_explicit(word, value, memory_order_relaxed);
}
static uint64_t get(const _Atomic uint64_t *word) {
  return atomic_load_explicit(word, memory_order_relaxed);
}

/* The driver's side. */

void lu_pacer_config(const struct lu_settings *settings, enum lu_gc_mode mode,
                     struct lu_policy_config *config) {
  *config = (struct lu_policy_config){.initial = settings->heap_initial,
                                      .soft = settings->heap_soft,
                                      .limit = settings->heap_max,
                                      .growth = settings->heap_growth,
                                      .minor_growth = settings->gc_minor_growth,
                                      .minor_ratio = settings->gc_minor_ratio,
                                      .young = settings->gc_young,
                                      .threshold_bytes = settings->gc_threshold_bytes,
                                      .threshold_objects = settings->gc_threshold_objects,
                                      .every = settings->gc_every,
                                      .pause = settings->gc_pause,
                                      .start = settings->gc_start,
                                      .balance = settings->heap_balance,
                                      .cpu = settings->gc_cpu,
                                      .cores = lu_cores(),
                                      .sizing = (enum lu_sizing)settings->heap_sizing,
                                      .generational = settings->gc_generational,
                                      .concurrent = mode != LU_GC_STW};
}

void lu_pacer_publish_plan(lull_heap *heap) {
  struct lu_pacer *pacer = &heap->cycle.pacer;
  const struct lu_policy *policy = &pacer->policy;
  lu_gauge_set(&heap->figures.heap_goal, policy->goal);
  atomic_store_explicit(&heap->space.goal, policy->goal, memory_order_relaxed);
  set(&pacer->trigger, policy->trigger);
  atomic_store_explicit(&pacer->pauses, policy->config.pause != 0, memory_order_relaxed);
}

/* What allocators need to know of the cycle that runs. */
static void publish_cycle(struct lu_pacer *pacer) {
  const struct lu_policy *policy = &pacer->policy;
  set(&pacer->allocated_at_start, policy->begun_at);
  set(&pacer->begun_ns, policy->begun_ns);
  set(&pacer->headroom, policy->headroom);
  set(&pacer->limit_room, policy->limit_room);
  set(&pacer->work_estimate, policy->work);
  set(&pacer->objects_estimate, policy->objects);
  set(&pacer->mark_ns, (uint64_t)(policy->seconds * 1e9));
  set(&pacer->mark_ps, (uint64_t)(policy->ns_per_byte * 1000));
  atomic_store_explicit(&pacer->may_assist, policy->may_assist, memory_order_relaxed);
}

void lu_pacer_init(lull_heap *heap) {
  struct lu_pacer *pacer = &heap->cycle.pacer;
  struct lu_policy_config config;
  lu_pacer_config(&heap->settings, lu_cycle_mode(&heap->cycle), &config);
  lu_lock_init(&pacer->lock);
  lu_policy_init(&pacer->policy, &config, lu_now_ns(), 0);
  set(&pacer->step, heap->settings.gc_step);
  set(&pacer->step_bytes, heap->settings.gc_step_bytes);
  set(&pacer->work, heap->settings.gc_work);
  publish_cycle(pacer);
  lu_pacer_publish_plan(heap);
}

void lu_pacer_fini(lull_heap *heap) {
  struct lu_pacer *pacer = &heap->cycle.pacer;
  lu_lock(&pacer->lock);
  lu_group_leave_locked(heap);
  lu_unlock(&pacer->lock);
  lu_lock_destroy(&pacer->lock);
}

void lu_pacer_take_share(lull_heap *heap) {
  struct lu_pacer *pacer = &heap->cycle.pacer;
  lu_policy_set_share(&pacer->policy, atomic_load(&pacer->member.share));
  lu_pacer_publish_plan(heap);
}

/* Of two that meet here and in share_out (group.c), one sees the other: see there. */
void lu_pacer_unlock(lull_heap *heap) {
  struct lu_pacer *pacer = &heap->cycle.pacer;
  for (;;) {
    uint64_t share = pacer->policy.share;
    lu_unlock(&pacer->lock);
    lu_fence();
    if (atomic_load(&pacer->member.share) == share || !lu_trylock(&pacer->lock))
      return;
    lu_pacer_take_share(heap);
  }
}

void lu_pacer_set_mode(lull_heap *heap, enum lu_gc_mode mode) {
  struct lu_pacer *pacer = &heap->cycle.pacer;
  lu_lock(&pacer->lock);
  struct lu_policy_config config = pacer->policy.config;
  config.concurrent = mode != LU_GC_STW;
  lu_policy_configure(&pacer->policy, &config);
  lu_pacer_publish_plan(heap);
  lu_pacer_unlock(heap);
}

uint64_t lu_pacer_hold(lull_heap *heap) {
  struct lu_cycle *cycle = &heap->cycle;
  struct lu_pacer *pacer = &cycle->pacer;
  uint64_t begun = atomic_load(&cycle->begun), now = lu_now_ns(), until;
  if (atomic_load(&pacer->explicit_wanted) > begun)
    return 0;
  lu_lock(&pacer->lock);
  until = pacer->policy.cpu_until;
  if (pacer->policy.pause_until > until &&
      !atomic_load_explicit(&pacer->stalled, memory_order_relaxed))
    until = pacer->policy.pause_until;
  lu_pacer_unlock(heap);
  return until > now ? until - now : 0;
}

enum lu_kind lu_pacer_kind(lull_heap *heap, enum lu_cause cause) {
  struct lu_pacer *pacer = &heap->cycle.pacer;
  if (cause == LU_CAUSE_LOOP)
    return heap->settings.gc_generational && heap->cycle.armed.cycle % 4 != 0 ? LU_MINOR : LU_MAJOR;
  lu_lock(&pacer->lock);
  enum lu_kind kind = lu_policy_kind(&pacer->policy, allocated_now(pacer));
  lu_pacer_unlock(heap);
  return kind;
}

/* Lock held. */
static void note_stall(struct lu_pacer *pacer) {
  if (atomic_exchange_explicit(&pacer->stalled, false, memory_order_relaxed))
    lu_policy_stalled(&pacer->policy);
}

/* Lock held. */
static void note_kept(lull_heap *heap) {
  struct lu_pacer *pacer = &heap->cycle.pacer;
  uint64_t kept = lu_space_kept_for_large(&heap->space);
  lu_policy_keep(&pacer->policy, kept);
  atomic_store_explicit(&pacer->keeps, kept != 0, memory_order_relaxed);
}

void lu_pacer_large(lull_heap *heap) {
  struct lu_pacer *pacer = &heap->cycle.pacer;
  if (LULL_LIKELY(atomic_load_explicit(&pacer->keeps, memory_order_relaxed)))
    return;
  lu_lock(&pacer->lock);
  note_kept(heap);
  lu_pacer_publish_plan(heap);
  lu_pacer_unlock(heap);
}

void lu_pacer_begin(lull_heap *heap, enum lu_kind kind) {
  struct lu_pacer *pacer = &heap->cycle.pacer;
  lu_lock(&pacer->lock);
  note_stall(pacer);
  note_kept(heap);
  lu_policy_begin(&pacer->policy, kind, lu_now_ns(), allocated_now(pacer));
  publish_cycle(pacer);
  lu_pacer_publish_plan(heap);
  lu_pacer_unlock(heap);
}

void lu_pacer_turned_major(lull_heap *heap) {
  struct lu_pacer *pacer = &heap->cycle.pacer;
  lu_lock(&pacer->lock);
  lu_policy_turned_major(&pacer->policy);
  publish_cycle(pacer);
  lu_pacer_unlock(heap);
}

void lu_pacer_marked(lull_heap *heap) {
  struct lu_pacer *pacer = &heap->cycle.pacer;
  lu_lock(&pacer->lock);
  lu_policy_marked(&pacer->policy, lu_now_ns(), allocated_now(pacer),
                   atomic_load_explicit(&heap->marking.progress, memory_order_relaxed));
  lu_pacer_unlock(heap);
}

/*
 * What small objects can be given before they stall: what may still be charged, and the holes that
 * wait. Words that change one after the other while threads allocate; by then those threads' blocks
 * are in `allocated` or will be, so the sum is off by a few blocks at most.
 */
static uint64_t space_left(const struct lu_space *space) {
  uint64_t used =
      atomic_load_explicit(&space->used, memory_order_relaxed) + lu_space_kept_for_large(space);
  uint64_t limit = atomic_load_explicit(&space->limit, memory_order_relaxed);
  uint64_t left = (limit > used ? limit - used : 0) +
      atomic_load_explicit(&space->pooled, memory_order_relaxed);
  return left != 0 ? left : 1;
}

void lu_pacer_end(lull_heap *heap, const struct lu_cycle_result *driver) {
  struct lu_pacer *pacer = &heap->cycle.pacer;
  struct lu_cycle_result result = *driver;
  uint64_t assisted = get(&pacer->assist_ns);
  lu_lock(&pacer->lock);
  result.cpu_ns += assisted - pacer->assisted_ns;
  pacer->assisted_ns = assisted;
  note_stall(pacer);
  note_kept(heap);
  result.space_left = space_left(&heap->space);
  lu_policy_end(&pacer->policy, lu_now_ns(), allocated_now(pacer), &result);
  lu_pacer_publish_plan(heap);
  if (result.kind == LU_MAJOR)
    lu_group_report(heap);
  lu_pacer_unlock(heap);
}

/* The mutators' side. */

static struct lu_policy_progress progress_of(const lull_heap *heap, uint64_t allocated) {
  const struct lu_pacer *pacer = &heap->cycle.pacer;
  return (struct lu_policy_progress){.since = allocated - get(&pacer->allocated_at_start),
                                     .headroom = get(&pacer->headroom),
                                     .limit_room = get(&pacer->limit_room),
                                     .work = get(&pacer->work_estimate),
                                     .done = get(&heap->marking.progress),
                                     .all = get(&pacer->objects_estimate),
                                     .mark_ns = get(&pacer->mark_ns)};
}

/* Marks for as long as the debt takes; returns what was paid, in bytes, by the time it took. */
static uint64_t pay(struct lu_mutator *mutator) {
  lull_heap *heap = mutator->heap;
  struct lu_pacer *pacer = &heap->cycle.pacer;
  struct lu_marker marker;
  uint64_t before = lu_thread_cpu_ns(), speed = get(&pacer->mark_ps),
      most_ns = heap->settings.gc_assist;
  if (!lu_marker_enter(&marker, heap, false))
    return mutator->assist_debt;
  if (speed != 0)
    most_ns = least(most_ns, mutator->assist_debt * speed / 1000);
  struct lu_budget budget = lu_budget_of_time(most_ns);
  /* An entry may cost a page fault, in the first cycles of a large heap nearly each does */
  budget.strict = true;
  lu_marker_drain(&marker, &budget);
  bool nothing = marker.marked == 0;
  if (nothing)
    atomic_store_explicit(&heap->marking.hungry, 1, memory_order_relaxed);
  lu_marker_leave(&marker);
  uint64_t took = lu_thread_cpu_ns() - before;
  atomic_fetch_add_explicit(&pacer->assist_ns, took, memory_order_relaxed);
  lu_count(&mutator->counters.assists, 1);
  lu_caused(&heap->figures, &heap->figures.assist, took);
  return nothing || speed == 0 ? mutator->assist_debt : took * 1000 / speed;
}

static void assist(struct lu_mutator *mutator, const struct lu_policy_progress *progress,
                   size_t bytes) {
  uint64_t owed = lu_policy_assist(progress, bytes);
  if (owed == 0)
    return;
  mutator->assist_debt = least(mutator->assist_debt + owed, DEBT_MOST);
  if (mutator->assist_debt >= ASSIST_PIECE)
    mutator->assist_debt -= least(pay(mutator), mutator->assist_debt);
}

/*
 * The clock is read only where an answer depends on it: near the limit. A cycle may begin between
 * the two reads, so that it has not begun yet by the first.
 */
static void owe_sleep(struct lu_mutator *mutator, struct lu_policy_progress *progress,
                      size_t bytes) {
  if (LULL_LIKELY(!lu_policy_sleeps(progress)))
    return;
  uint64_t now = lu_now_ns(), begun = get(&mutator->heap->cycle.pacer.begun_ns);
  progress->elapsed_ns = now > begun ? now - begun : 0;
  mutator->sleep_ns = least(mutator->sleep_ns + lu_policy_sleep(progress, bytes), LU_POLICY_SLEEP);
}

void lu_pacer_allocated(struct lu_mutator *mutator, size_t bytes) {
  lull_heap *heap = mutator->heap;
  struct lu_pacer *pacer = &heap->cycle.pacer;
  uint64_t allocated =
      atomic_fetch_add_explicit(&pacer->allocated, bytes, memory_order_relaxed) + bytes;
  if (LULL_UNLIKELY(allocated >= get(&pacer->trigger)))
    lu_cycle_request(heap, LU_CAUSE_ALLOCATION);
  if (mutator->phase == LU_IDLE || !lu_collector_runs(&heap->cycle))
    return;
  struct lu_policy_progress progress = progress_of(heap, allocated);
  owe_sleep(mutator, &progress, bytes);
  if (mutator->phase == LU_TRACE && heap->settings.gc_assist != 0 &&
      atomic_load_explicit(&pacer->may_assist, memory_order_relaxed) &&
      atomic_load_explicit(&heap->marking.tracing, memory_order_relaxed))
    assist(mutator, &progress, bytes);
}
