/*
 * verify/check_space.c: who owns which block, and whether the sums of bytes agree.
 *
 *   A.1  A block's state and the claim masks agree: FREE waits in FREE, POOLED in ROOMY or SPARSE,
 *        ORPHAN in ORPHAN, others in none.
 *   A.2  waiting[] counts the bits; pooled is the sum of the free granules of blocks that wait in a
 *        pool other than FREE.
 *   A.3  used is the sum of the blocks that are not FREE and of the runs, plus what threads have
 *        charged for a large object that has no memory yet; it is within the limit.
 *   A.4  The pages in use of PAGES slabs are those of the large objects on the list; a span covers
 *        its object.
 *   A.5  free_granules and largest_hole of a POOLED block follow from TAKEN, and it waits in the
 *        pool for its room.
 *   A.6  SETTLED, IDLE: live is the sum of what the last sweep of each block found marked, which is
 *        its TAKEN if it is POOLED or FULL, and none if it is FREE; live_large is the sum of the
 *        large objects that are counted, and those from large_old on are.
 */
#include "heap/holes.h"
#include "heap/large.h"
#include "heap/run.h"
#include "support/bits.h"
#include "threads/stop.h"
#include "verify/checks.h"

struct sums {
  struct lu_checks *checks;
  size_t waiting[LU_POOLS];
  size_t used, pooled, pages_listed, pages_used, charged, live, live_large;
};

/* The pools that may hold a block of this state, as a mask; one of them must. */
static unsigned pools_of(unsigned state) {
  switch (state) {
  case LU_BLOCK_FREE:
    return 1u << LU_POOL_FREE;
  case LU_BLOCK_POOLED:
    return 1u << LU_POOL_ROOMY | 1u << LU_POOL_SPARSE;
  case LU_BLOCK_ORPHAN:
    return 1u << LU_POOL_ORPHAN;
  default:
    return 0;
  }
}

static unsigned pools_claimable(const struct lu_slab *slab, size_t i) {
  unsigned found = 0;
  for (unsigned pool = 0; pool < LU_POOLS; pool++)
    found |= (unsigned)(atomic_load_explicit(&slab->claim[pool], memory_order_acquire) >> i & 1)
             << pool;
  return found;
}

static void check_holes(struct lu_checks *checks, const struct lu_block *block, unsigned pool) {
  const char *memory = lu_block_memory(&checks->heap->space, block);
  uint32_t largest = 0, usable = 0;
  /* The smallest hole was 8 or 16 granules, by how full the heap was. */
  for (uint32_t smallest = 8; smallest <= 16; smallest += 8) {
    usable = lu_holes_sum(lu_map_at(memory, LU_MAP_TAKEN), 0, smallest, &largest);
    if (usable == block->free_granules &&
        largest == atomic_load_explicit(&block->largest_hole, memory_order_relaxed))
      break;
  }
  if (usable != block->free_granules)
    lu_violation(&checks->report,
                 "block %p has %u free granules by TAKEN, and %u by its descriptor",
                 (const void *)memory, usable, (unsigned)block->free_granules);
  else if (LU_ROOMY(usable) != (pool == LU_POOL_ROOMY))
    lu_violation(&checks->report, "block %p with %u free granules waits in pool %u",
                 (const void *)memory, usable, pool);
}

static uint32_t count_taken(const char *memory) {
  const lu_map_word *taken = lu_map_at(memory, LU_MAP_TAKEN);
  uint32_t count = 0;
  for (uint32_t i = 0; i < LU_BLOCK_WORDS; i++)
    count += lu_count_bits(lu_map_load(&taken[i]));
  return count;
}

/* A.6 of one block. */
static void check_counted(struct sums *sums, const struct lu_block *block, unsigned state) {
  const char *memory = lu_block_memory(&sums->checks->heap->space, block);
  bool swept = state == LU_BLOCK_POOLED || state == LU_BLOCK_FULL || state == LU_BLOCK_FREE;
  sums->live += block->counted;
  if (swept && lu_edge_settled(sums->checks->edge) && block->counted != count_taken(memory))
    lu_violation(&sums->checks->report, "block %p counts %u granules, and has %u",
                 (const void *)memory, (unsigned)block->counted, count_taken(memory));
}

static void check_block(struct sums *sums, const struct lu_slab *slab, size_t i,
                        const struct lu_block *block) {
  struct lu_checks *checks = sums->checks;
  const char *memory = lu_block_memory(&checks->heap->space, block);
  unsigned state = atomic_load_explicit(&block->state, memory_order_acquire);
  unsigned allowed = pools_of(state), found = pools_claimable(slab, i);
  bool one = found != 0 && (found & (found - 1)) == 0;
  if (allowed == 0 ? found != 0 : !one || (found & allowed) == 0)
    lu_violation(&checks->report, "block %p in state %u can be claimed from pools %x",
                 (const void *)memory, state, found);
  for (unsigned pool = 0; pool < LU_POOLS; pool++)
    sums->waiting[pool] += found >> pool & 1;
  if (state == LU_BLOCK_META || state == LU_BLOCK_RUN || state == LU_BLOCK_UNUSED)
    lu_violation(&checks->report, "block %p of a slab of small objects has state %u",
                 (const void *)memory, state);
  if (state != LU_BLOCK_FREE)
    sums->used += LU_BLOCK_BYTES;
  if (state == LU_BLOCK_POOLED || state == LU_BLOCK_ORPHAN)
    sums->pooled += (size_t)block->free_granules * LU_GRANULE;
  check_counted(sums, block, state);
  if (state == LU_BLOCK_POOLED && one)
    check_holes(checks, block, (unsigned)__builtin_ctz(found));
}

static void check_slab(struct sums *sums, size_t index) {
  const struct lu_space *space = &sums->checks->heap->space;
  const struct lu_slab *slab = &space->slabs[index];
  unsigned kind = atomic_load_explicit(&slab->kind, memory_order_acquire);
  if (kind == LU_SLAB_SMALL) {
    for (size_t i = LU_META_BLOCKS; i < LU_SLAB_BLOCKS; i++)
      check_block(sums, slab, i, &space->blocks[index * LU_SLAB_BLOCKS + i]);
    return;
  }
  for (size_t i = 0; i < LU_SLAB_BLOCKS; i++)
    if (pools_claimable(slab, i) != 0)
      lu_violation(&sums->checks->report, "slab %zu of kind %u has claimable blocks", index, kind);
  if (kind == LU_SLAB_PAGES)
    sums->pages_used += lu_run_count(slab->pages) - LU_META_PAGES;
}

static void check_large(struct sums *sums) {
  const struct lu_space *space = &sums->checks->heap->space;
  const struct lu_large *large = atomic_load_explicit(&space->large, memory_order_acquire);
  for (; large != NULL; large = large->next) {
    sums->used += large->run_bytes;
    sums->live_large += large->counted ? large->size : 0;
    const struct lu_slab *slab = lu_slab_of(space, large);
    unsigned kind = atomic_load_explicit(&slab->kind, memory_order_acquire);
    if (kind == LU_SLAB_PAGES)
      sums->pages_listed += large->run_bytes / LU_PAGE_BYTES;
    else if (kind != LU_SLAB_SPAN ||
             large->run_bytes + LU_META_BLOCKS * LU_BLOCK_BYTES > slab->span * LU_SLAB_BYTES)
      lu_violation(&sums->checks->report,
                   "large object %p lies in a slab of kind %u that does not cover it",
                   (const void *)(large + 1), kind);
  }
}

static void add_charged(struct lu_thread *thread, void *arg) {
  struct sums *sums = arg;
  sums->charged += lu_mutator_of(&thread->pub)->charged;
}

static void compare(struct sums *sums) {
  struct lu_report *report = &sums->checks->report;
  const struct lu_space *space = &sums->checks->heap->space;
  size_t used = atomic_load_explicit(&space->used, memory_order_relaxed);
  size_t pooled = atomic_load_explicit(&space->pooled, memory_order_relaxed);
  if (used != sums->used + sums->charged)
    lu_violation(report, "used is %zu, but blocks, runs and charges are %zu", used,
                 sums->used + sums->charged);
  if (used > space->limit)
    lu_violation(report, "used is %zu, above the limit of %zu", used, space->limit);
  if (pooled != sums->pooled)
    lu_violation(report, "pooled is %zu, but the blocks that wait have %zu free", pooled,
                 sums->pooled);
  if (lu_edge_settled(sums->checks->edge) &&
      (space->live != sums->live || space->live_large != sums->live_large))
    lu_violation(report, "live is %zu granules and %zu large bytes; there are %zu and %zu",
                 space->live, space->live_large, sums->live, sums->live_large);
  if (sums->pages_used != sums->pages_listed)
    lu_violation(report, "%zu pages are in use, large objects have %zu", sums->pages_used,
                 sums->pages_listed);
  for (unsigned pool = 0; pool < LU_POOLS; pool++) {
    size_t waiting = atomic_load_explicit(&space->waiting[pool], memory_order_relaxed);
    if (waiting != sums->waiting[pool])
      lu_violation(report, "pool %u counts %zu blocks, and %zu wait", pool, waiting,
                   sums->waiting[pool]);
  }
}

void lu_check_space(struct lu_checks *checks) {
  struct sums sums = {.checks = checks};
  size_t high = atomic_load_explicit(&checks->heap->space.slabs_high, memory_order_acquire);
  for (size_t i = 0; i < high; i++)
    check_slab(&sums, i);
  check_large(&sums);
  lu_stopped_each(&checks->heap->registry, add_charged, &sums);
  compare(&sums);
}
