/*
 * verify/check_threads.c: each thread agrees with what is armed, and its regions are sound.
 *
 *   T.1  Phase, epoch, mark map and born_live are the armed ones; the inline barrier's fields
 *        follow from them.
 *   T.2  A region's block is HELD, its bump, limit and hole end lie in it in this order, and [bump,
 *        limit) is zero (R.2).
 *   T.3  While births are live, the block of a region has live_cycle == the cycle (R.3).
 *   T.4  An IDLE thread holds no grey packet.
 *   T.5  Every HELD block is the region of one thread.
 */
#include "support/assert.h"
#include "threads/stop.h"
#include "verify/checks.h"

struct threads {
  struct lu_checks *checks;
  size_t regions;
};

static void check_adopted(struct lu_checks *checks, const struct lu_mutator *mutator) {
  const struct lu_armed *armed = &checks->heap->cycle.armed;
  unsigned long id = (unsigned long)mutator->thread.id;
  bool window = mutator->phase == LU_WINDOW || mutator->phase == LU_BUMPED;
  if ((int)mutator->phase != armed->phase)
    lu_violation(&checks->report, "thread %lu is in phase %d, armed is %d", id, (int)mutator->phase,
                 armed->phase);
  if (mutator->epoch != armed->epoch || mutator->mark_map != armed->mark_map)
    lu_violation(&checks->report, "thread %lu has epoch %u and map %u, armed are %u and %u", id,
                 (unsigned)mutator->epoch, mutator->mark_map, (unsigned)armed->epoch,
                 armed->mark_map);
  if (mutator->born_live != armed->born_live)
    lu_violation(&checks->report, "thread %lu: births are %slive, armed is the other", id,
                 mutator->born_live ? "" : "not ");
  if (mutator->thread.pub.pass_epoch != (window ? LULL_PASS_NEVER : mutator->epoch) ||
      mutator->thread.pub.birth_epoch != mutator->epoch ||
      mutator->thread.pub.birth_header != (uint64_t)mutator->epoch << 32)
    lu_violation(
        &checks->report,
        "thread %lu: pass epoch %u and birth epoch %u do not follow from phase %d, epoch %u", id,
        mutator->thread.pub.pass_epoch, mutator->thread.pub.birth_epoch, (int)mutator->phase,
        (unsigned)mutator->epoch);
  if (mutator->phase == LU_IDLE && mutator->grey != NULL)
    lu_violation(&checks->report, "thread %lu is idle and holds a grey packet", id);
}

static bool is_zero(const char *from, const char *to) {
  while (from < to && *from == 0)
    from++;
  return from >= to;
}

static void check_region(struct threads *threads, const struct lu_mutator *mutator,
                         const struct lu_region *region, const char *bump, const char *limit) {
  struct lu_checks *checks = threads->checks;
  const lull_heap *heap = checks->heap;
  unsigned long id = (unsigned long)mutator->thread.id;
  if (region->block == NULL)
    return;
  threads->regions++;
  const char *memory = lu_block_memory(&heap->space, region->block);
  if (atomic_load_explicit(&region->block->state, memory_order_acquire) != LU_BLOCK_HELD)
    lu_violation(&checks->report, "thread %lu allocates in block %p, which is not HELD", id,
                 (const void *)memory);
  if (bump < memory || bump > limit || limit > region->hole_end ||
      region->hole_end > memory + LU_BLOCK_BYTES) {
    lu_violation(&checks->report,
                 "thread %lu: bump %p, limit %p and hole end %p are out of order in block %p", id,
                 (const void *)bump, (const void *)limit, (const void *)region->hole_end,
                 (const void *)memory);
    return;
  }
  if (!is_zero(bump, limit))
    lu_violation(&checks->report, "thread %lu: memory ahead of the bump at %p is not zero", id,
                 (const void *)bump);
  if (mutator->born_live &&
      atomic_load_explicit(&region->block->live_cycle, memory_order_relaxed) != mutator->cycle)
    lu_violation(&checks->report, "thread %lu: births are live, but not in its block %p", id,
                 (const void *)memory);
}

static void check_thread(struct lu_thread *thread, void *arg) {
  struct threads *threads = arg;
  const struct lu_mutator *mutator = lu_mutator_of(&thread->pub);
  check_adopted(threads->checks, mutator);
  check_region(threads, mutator, &mutator->small, thread->pub.bump, thread->pub.limit);
  check_region(threads, mutator, &mutator->overflow, mutator->overflow.bump,
               mutator->overflow.limit);
}

static size_t count_held(const struct lu_space *space) {
  size_t high = atomic_load_explicit(&space->slabs_high, memory_order_acquire), held = 0;
  for (size_t i = 0; i < high * LU_SLAB_BLOCKS; i++)
    held += atomic_load_explicit(&space->blocks[i].state, memory_order_acquire) == LU_BLOCK_HELD;
  return held;
}

void lu_check_threads(struct lu_checks *checks) {
  struct threads threads = {checks, 0};
  lu_stopped_each(&checks->heap->registry, check_thread, &threads);
  size_t held = count_held(&checks->heap->space);
  if (held != threads.regions)
    lu_violation(&checks->report, "%zu blocks are HELD, threads hold %zu", held, threads.regions);
}
