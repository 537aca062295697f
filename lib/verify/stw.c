/*
 * verify/stw.c: one stop-the-world collection with the oracle's marking: the deterministic mode.
 *
 * The world is stopped from the first step to the last, so there is no window: the spare map
 * becomes MARK and gets the bits of what the oracle reached; every thread takes over the new epoch
 * as if it had acknowledged a whole cycle; nothing is born live; then the same sweep as after a
 * concurrent cycle. Everything reachable is old afterwards, so the remembered set starts empty.
 *
 * Marking that met something broken must not free anything: the process ends.
 *
 * Threads: the driver of the registry, holding cycle.driver, BLOCKED or not attached.
 */
#include "cycle/phases.h"
#include "heap/large.h"
#include "heap/sweep.h"
#include "mark/shade.h"
#include "observe/log.h"
#include "support/assert.h"
#include "support/clock.h"
#include "threads/stop.h"
#include "verify/checks.h"
#include "verify/place.h"

struct stw {
  lull_heap *heap;
  uint64_t began;
  size_t used_before;
  struct lu_sweep sweep;
};

/*
 * An epoch comes round again after a while: logs that are so old that they could be taken for a
 * coming one are set to the epoch that has just ended (as the marker does; mark/marker.c).
 */
static void renew(const struct lu_marking *marking, _Atomic uint16_t *log) {
  uint16_t seen = atomic_load_explicit(log, memory_order_relaxed);
  uint16_t age = (uint16_t)((marking->epoch_before + 2 - seen) & marking->epoch_mask);
  if (age > marking->epoch_mask / 4)
    atomic_store_explicit(log, marking->epoch_before, memory_order_relaxed);
}

static void set_bits(const char *from, size_t granules, unsigned map) {
  for (size_t i = 0; i < granules; i++, from += LU_GRANULE)
    atomic_fetch_or_explicit(lu_map_at(from, map), lu_map_bit(from), memory_order_relaxed);
}

/* Marks one reachable object: its whole extent, or a large one's first granule. */
static void mark_object(void *object, void *arg) {
  lull_heap *heap = arg;
  if (lu_place_is_small(heap, object)) {
    set_bits(object, lu_place_size(heap, object) / LU_GRANULE, heap->marking.map);
    renew(&heap->marking, (_Atomic uint16_t *)&((lull_object *)object)->log_epoch);
    return;
  }
  struct lu_large *large = lu_large_of(object);
  set_bits(object, 1, heap->marking.map);
  for (size_t i = 0; i < large->card_count; i++)
    renew(&heap->marking, &large->cards[i]);
}

/* What the thread knows of the epoch before goes; it is as if it had acknowledged this cycle. */
static void enter_cycle(struct lu_thread *thread, void *arg) {
  struct lu_mutator *mutator = lu_mutator_of(&thread->pub);
  (void)arg;
  LU_ASSERT(mutator->phase == LU_IDLE && mutator->grey == NULL && !mutator->born_live);
  lu_remember_publish(mutator);
  lu_mutator_adopt(mutator);
}

/* The next epoch, with the spare map as MARK, for all threads at once. */
static void begin_cycle(lull_heap *heap) {
  struct lu_armed *armed = &heap->cycle.armed;
  heap->marking.epoch_before = armed->epoch;
  heap->marking.map ^= 1;
  armed->epoch = (uint16_t)((armed->epoch + 2) & heap->marking.epoch_mask);
  armed->mark_map = heap->marking.map;
  armed->cycle++;
  lu_stopped_each(&heap->registry, enter_cycle, NULL);
  lu_remembered_begin(heap);
  lu_remembered_drop(heap);
  lu_gauge_set(&heap->figures.remembered, 0);
}

static void sweep(struct stw *stw) {
  lull_heap *heap = stw->heap;
  stw->sweep = (struct lu_sweep){.space = &heap->space,
                                 .mark_map = heap->marking.map,
                                 .cycle = heap->cycle.armed.cycle,
                                 .scribble = heap->settings.stress_scribble};
  lu_sweep(&stw->sweep);
  lu_sweep_clear_births(&stw->sweep);
  if (stw->sweep.freed_bytes < heap->space.limit / 100)
    atomic_fetch_add(&heap->cycle.fruitless, 1);
  else
    atomic_store(&heap->cycle.fruitless, 0);
}

static void verify(lull_heap *heap) {
  bool checked;
  if (heap->settings.verify != LU_VERIFY_NONE)
    LU_CHECK(lu_verify_stopped(heap, LU_EDGE_SETTLED, &checked) == 0,
             "the verifier found the heap broken");
}

static void report(const struct stw *stw, enum lu_cause cause) {
  static const char *const names[] = {"Allocation", "Explicit", "Limit", "Loop"};
  lull_heap *heap = stw->heap;
  uint64_t took = lu_now_ns() - stw->began;
  lu_histogram_add(&heap->figures.cycle, took);
  lu_count_shared(&heap->figures.cycles, 1);
  lu_gauge_set(&heap->figures.bytes_live, stw->sweep.live_bytes);
  LU_LOG(heap->settings.log, LU_TAG_GC, LU_LOG_INFO,
         "GC(%u) Pause Full (%s) %zuM->%zuM(%zuM) %.3fms", heap->cycle.armed.cycle - 1,
         names[cause], stw->used_before >> 20, atomic_load(&heap->space.used) >> 20,
         heap->space.limit >> 20, (double)took / 1e6);
}

/* World stopped. Returns false, nothing changed, without memory for the oracle. */
static bool collect(struct stw *stw) {
  lull_heap *heap = stw->heap;
  lu_publish_regions(heap);
  struct lu_oracle *oracle = lu_oracle_mark(heap);
  if (oracle == NULL)
    return false;
  LU_CHECK(lu_oracle_broken(oracle) == 0, "a reference leads to something that is no object");
  atomic_fetch_add(&heap->cycle.begun, 1);
  lu_count_shared(&heap->figures.cycles_started, 1);
  lu_count_shared(&heap->figures.total.objects_marked, lu_oracle_objects(oracle));
  lu_pacer_begin(heap);
  begin_cycle(heap);
  lu_objset_each(lu_oracle_reached(oracle), mark_object, heap);
  lu_oracle_free(oracle);
  lu_pacer_marked(heap);
  sweep(stw);
  lu_pacer_end(heap, stw->sweep.live_bytes);
  verify(heap);
  return true;
}

/*
 * A thread does not stop: the request is dropped, and allocation asks again an eighth of the limit
 * later. Otherwise every allocation from here on would wait for stall.timeout.
 */
static void postpone(lull_heap *heap) {
  struct lu_cycle *cycle = &heap->cycle;
  atomic_store(&cycle->wanted, atomic_load(&cycle->begun));
  uint64_t allocated = atomic_load_explicit(&cycle->pacer.allocated, memory_order_relaxed);
  atomic_store_explicit(&cycle->pacer.trigger, allocated + heap->space.limit / 8,
                        memory_order_relaxed);
}

bool lu_stw_collect(lull_heap *heap, enum lu_cause cause) {
  struct stw stw = {
      .heap = heap, .began = lu_now_ns(), .used_before = atomic_load(&heap->space.used)};
  if (!lu_stop_the_world(&heap->registry, heap->settings.stall_timeout)) {
    postpone(heap);
    return false;
  }
  bool done = collect(&stw);
  if (done) {
    lu_space_return_slabs(&heap->space);
    report(&stw, cause);
    atomic_fetch_add_explicit(&heap->cycle.ended, 1, memory_order_release);
  }
  lu_resume_the_world(&heap->registry);
  lu_event_signal(&heap->cycle.progress);
  return done;
}
