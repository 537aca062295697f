/*
 * cycle/pacer.c: when a cycle begins, and how much allocating threads help it.
 *
 * A cycle that begins when `allocated` reaches `trigger` should end before the heap has grown to `goal`:
 *   goal     live * (1 + heap.growth), at least heap.initial, at most the limit
 *   headroom 1.3 * (worst allocation rate of the last four cycles) * (worst time from a cycle's begin to the end of its marking, of the last four)
 *   trigger  goal - live - headroom bytes after the last cycle's end; at the latest when gc.start percent of what the goal leaves free are left, and never so early that
 *            less than an eighth of the room were used
 * Rates are of wall time: what delays the collector (other processes) lengthens the predicted time.
 *
 * With generations a cycle is a minor unless more than half of the room that the last major left has gone to survivors since; a minor begins
 * when gc.young has been allocated, or earlier for want of room.
 *
 * An assist is paid by the thread that allocates, at a refill: work_estimate / headroom bytes of marking for each byte allocated, saved up
 * until it is worth entering, at most gc.assist at once. It is asked for once more than half the headroom is used and the collector is behind: on_track.
 *
 * Threads: lu_pacer_allocated by any mutator; the rest by the driver. Atomics: cycle/cycle.h.
 */
#include "heap/heap.h"
#include "support/clock.h"
#include "verify/verify.h"

#define SAFETY 1.3
#define ASSIST_PIECE ((size_t)64 << 10)   /* bytes of marking worth entering for */
#define ASSIST_MOST ((size_t)1 << 20)     /* bytes of marking that one refill is charged with at most */

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }
static uint64_t most(uint64_t a, uint64_t b) { return a > b ? a : b; }

static double worst(const double *samples) {
  double result = samples[0];
  for (int i = 1; i < 4; i++)
    result = result > samples[i] ? result : samples[i];
  return result;
}

static uint64_t goal_for(const lull_heap *heap, uint64_t live) {
  uint64_t grown = live + live / 100 * heap->settings.heap_growth;
  return least(most(grown, heap->settings.heap_initial), heap->space.limit);
}

/* How many bytes may be allocated from the end of a cycle to the start of the next. */
static uint64_t room_before_start(const lull_heap *heap) {
  const struct lu_pacer *pacer = &heap->cycle.pacer;
  if (heap->settings.gc_every != 0)
    return heap->settings.gc_every;
  uint64_t room = pacer->goal > pacer->live ? pacer->goal - pacer->live : 0;
  if (heap->settings.gc_mode == LU_GC_STW)
    return most(pacer->next == LU_MINOR ? least(room, heap->settings.gc_young) : room, LU_BLOCK_BYTES);
  double headroom = SAFETY * worst(pacer->rate) * worst(pacer->seconds[pacer->next]);
  uint64_t latest = room / 100 * (100 - heap->settings.gc_start);
  uint64_t start = headroom < (double)room ? room - (uint64_t)headroom : 0;
  if (pacer->next == LU_MINOR)
    latest = least(latest, heap->settings.gc_young);
  return most(least(start, latest), most(room / 8, LU_BLOCK_BYTES));
}

static void set_trigger(lull_heap *heap) {
  struct lu_pacer *pacer = &heap->cycle.pacer;
  pacer->goal = goal_for(heap, pacer->live_major);
  uint64_t room = pacer->goal - least(pacer->goal, pacer->live_major), used = pacer->live - least(pacer->live, pacer->live_major);
  pacer->next = heap->settings.gc_generational && used < room / 2 ? LU_MINOR : LU_MAJOR;
  lu_gauge_set(&heap->figures.heap_goal, pacer->goal);
  atomic_store_explicit(&heap->space.goal, pacer->goal, memory_order_relaxed);
  atomic_store_explicit(&pacer->trigger, pacer->allocated_at_end + room_before_start(heap), memory_order_relaxed);
}

void lu_pacer_init(lull_heap *heap) {
  heap->cycle.pacer.ended_ns = lu_now_ns();
  set_trigger(heap);
}

enum lu_kind lu_pacer_kind(const lull_heap *heap, enum lu_cause cause) {
  if (cause == LU_CAUSE_LOOP)
    return heap->settings.gc_generational && heap->cycle.armed.cycle % 4 != 0 ? LU_MINOR : LU_MAJOR;
  return cause == LU_CAUSE_ALLOCATION ? heap->cycle.pacer.next : LU_MAJOR;
}

void lu_pacer_begin(lull_heap *heap, enum lu_kind kind) {
  struct lu_pacer *pacer = &heap->cycle.pacer;
  uint64_t now = lu_now_ns();
  uint64_t allocated = atomic_load_explicit(&pacer->allocated, memory_order_relaxed);
  double seconds = (double)(now - pacer->ended_ns) / 1e9;
  pacer->rate[pacer->samples % 4] = (double)(allocated - pacer->allocated_at_end) / (seconds > 1e-6 ? seconds : 1e-6);
  atomic_store_explicit(&pacer->allocated_at_start, allocated, memory_order_relaxed);
  pacer->begun_ns = now;
  uint64_t left = pacer->goal - least(pacer->goal, pacer->live + (allocated - pacer->allocated_at_end));
  atomic_store_explicit(&pacer->headroom, most(left, LU_BLOCK_BYTES), memory_order_relaxed);
  atomic_store_explicit(&pacer->work_estimate, most(kind == LU_MAJOR ? pacer->live : pacer->work[LU_MINOR], LU_BLOCK_BYTES),
                        memory_order_relaxed);
  atomic_store_explicit(&pacer->objects_estimate, pacer->objects[kind], memory_order_relaxed);
  atomic_store_explicit(&pacer->trigger, UINT64_MAX, memory_order_relaxed);
}

void lu_pacer_turned_major(lull_heap *heap) {
  struct lu_pacer *pacer = &heap->cycle.pacer;
  atomic_store_explicit(&pacer->work_estimate, most(pacer->live, LU_BLOCK_BYTES), memory_order_relaxed);
  atomic_store_explicit(&pacer->objects_estimate, pacer->objects[LU_MAJOR], memory_order_relaxed);
}

void lu_pacer_marked(lull_heap *heap) {
  struct lu_pacer *pacer = &heap->cycle.pacer;
  enum lu_kind kind = heap->cycle.kind;
  pacer->objects[kind] = atomic_load_explicit(&heap->marking.progress, memory_order_relaxed);
  uint64_t now = lu_now_ns();
  uint64_t allocated = atomic_load_explicit(&pacer->allocated, memory_order_relaxed);
  double seconds = (double)(now - pacer->begun_ns) / 1e9;
  double rate = (double)(allocated - atomic_load_explicit(&pacer->allocated_at_start, memory_order_relaxed)) / (seconds > 1e-6 ? seconds : 1e-6);
  double *sample = &pacer->rate[pacer->samples % 4];
  *sample = rate > *sample ? rate : *sample;
  pacer->seconds[kind][pacer->samples_of[kind]++ % 4] = seconds;
  pacer->samples++;
}

void lu_pacer_end(lull_heap *heap, const struct lu_cycle_result *result) {
  struct lu_pacer *pacer = &heap->cycle.pacer;
  uint64_t allocated = atomic_load_explicit(&pacer->allocated, memory_order_relaxed);
  /* What was allocated during the cycle floats: it counts as used until the next one. */
  uint64_t floating = allocated - atomic_load_explicit(&pacer->allocated_at_start, memory_order_relaxed);
  pacer->allocated_at_end = allocated;
  pacer->live = result->live_bytes + least(floating, heap->space.limit);
  if (result->kind == LU_MAJOR)
    pacer->live_major = pacer->live;
  pacer->work[result->kind] = result->kind == LU_MAJOR ? result->live_bytes : result->survived_bytes;
  pacer->ended_ns = lu_now_ns();
  set_trigger(heap);
}

/*
 * Whether the collector will be done in time without help: the share of the last cycle's objects that it has scanned is larger than the share of the headroom
 * that is used, by the same factor of safety as when the cycle began. When it has scanned more than last time, nobody knows how much is left.
 */
static bool on_track(const lull_heap *heap, uint64_t since, uint64_t headroom) {
  double done = (double)atomic_load_explicit(&heap->marking.progress, memory_order_relaxed);
  double all = (double)atomic_load_explicit(&heap->cycle.pacer.objects_estimate, memory_order_relaxed);
  return done < all && done * (double)headroom >= SAFETY * (double)since * all;
}

static void assist(struct lu_mutator *mutator, size_t bytes) {
  lull_heap *heap = mutator->heap;
  struct lu_pacer *pacer = &heap->cycle.pacer;
  uint64_t headroom = atomic_load_explicit(&pacer->headroom, memory_order_relaxed);
  uint64_t since = atomic_load_explicit(&pacer->allocated, memory_order_relaxed) -
                   atomic_load_explicit(&pacer->allocated_at_start, memory_order_relaxed);
  if (since < headroom / 2 || on_track(heap, since, headroom))
    return;
  double ratio = (double)atomic_load_explicit(&pacer->work_estimate, memory_order_relaxed) / (double)headroom;
  mutator->assist_debt += least((uint64_t)((double)bytes * ratio), ASSIST_MOST);
  if (mutator->assist_debt < ASSIST_PIECE)
    return;
  mutator->assist_debt = 0;
  uint64_t before = lu_thread_cpu_ns();
  struct lu_marker marker;
  if (!lu_marker_enter(&marker, heap, false))
    return;
  lu_marker_drain(&marker, lu_now_ns() + heap->settings.gc_assist);
  if (marker.marked == 0)
    atomic_store_explicit(&heap->marking.hungry, 1, memory_order_relaxed);
  lu_marker_leave(&marker);
  lu_count(&mutator->counters.assists, 1);
  lu_caused(&heap->figures, &heap->figures.assist, lu_thread_cpu_ns() - before);
}

void lu_pacer_allocated(struct lu_mutator *mutator, size_t bytes) {
  lull_heap *heap = mutator->heap;
  struct lu_pacer *pacer = &heap->cycle.pacer;
  uint64_t allocated = atomic_fetch_add_explicit(&pacer->allocated, bytes, memory_order_relaxed) + bytes;
  if (LULL_UNLIKELY(allocated >= atomic_load_explicit(&pacer->trigger, memory_order_relaxed)))
    lu_cycle_request(heap, LU_CAUSE_ALLOCATION);
  if (mutator->phase == LU_TRACE && heap->settings.gc_assist != 0 &&
      atomic_load_explicit(&heap->marking.tracing, memory_order_relaxed))
    assist(mutator, bytes);
}
