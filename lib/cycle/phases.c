/*
 * cycle/phases.c: the handshakes of a cycle: what each one arms, and what a thread does in it.
 *
 *   H1 window  each thread publishes its part of rs(k); from then on every store is slow and shades
 *              the new value
 *   H2 bump    each thread takes the new epoch; what it allocates from here on is live
 *   H3 scan    each thread scans its own roots; stores shade by the log from here on
 *   F flush    each thread publishes what it shaded and its part of the new remembered set
 *   idle       barriers go idle
 *   settle     births are no longer live
 *
 * The cycle that these are steps of is in cycle/steps.c.
 *
 * Threads: the arm functions by the driver, under the registry lock (a joining thread adopts what
 * they write) or with the world stopped; the closures by each thread, or on its behalf. cycle.armed
 * is plain: it is written under the registry lock, and read under it by joined(), or by the driver
 * itself.
 */
#include "cycle/phases.h"

#include "heap/heap.h"
#include "mark/mark.h"
#include "mark/remember.h"
#include "mark/shade.h"
#include "support/assert.h"
#include "support/clock.h"

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

/*
 * What a thread acknowledges is what a joining thread would adopt now: armed does not change
 * between arming and the last acknowledgement.
 */
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

const struct lu_shake_desc lu_shakes[LU_SHAKES] = {
    [LU_SHAKE_WINDOW] = {"window", arm_window, enter_window},
    [LU_SHAKE_BUMP] = {"bump", arm_bump, enter_bump},
    [LU_SHAKE_SCAN] = {"scan", arm_scan, scan_roots},
    [LU_SHAKE_FLUSH] = {"flush", NULL, flush},
    [LU_SHAKE_IDLE] = {"idle", arm_idle, enter_idle},
    [LU_SHAKE_SETTLE] = {"settle", arm_settle, settle},
};
