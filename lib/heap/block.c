/*
 * heap/block.c: who owns a block: claim masks, one for each slab and pool.
 *
 *   B.1  A set bit belongs to whoever clears it (fetch_and, acquire). It was set (fetch_or,
 *        release) after everything that the former owner wrote to the block: descriptor, bitmaps,
 *        memory. So plain fields need no other order.
 *   B.2  A claim of FREE that returns NULL was right at some moment during the call. Of another
 *        pool it looked at every mask once; a caller that must not miss a block looks at
 *        space->returns, which grows after a block came into a pool. A block that the sweep holds
 *        just then is in no pool.
 *   B.3  waiting[pool] is 0 only when no bit of the pool is set.
 *   B.4  A block counts in space->used from its claim out of FREE to its release into FREE.
 *
 * Threads: any, at the same time.
 *
 * Before it owns a block a claim reads two descriptor words as hints (largest_hole, live_cycle;
 * atomics), and again afterwards.
 */
#include "heap/space.h"
#include "support/fault.h"

static uint64_t bit_of(const struct lu_space *space, const struct lu_block *block) {
  return (uint64_t)1 << ((size_t)(block - space->blocks) % LU_SLAB_BLOCKS);
}

static struct lu_slab *slab_of_block(const struct lu_space *space, const struct lu_block *block) {
  return &space->slabs[(size_t)(block - space->blocks) / LU_SLAB_BLOCKS];
}

static enum lu_block_state state_of(const struct lu_block *block) {
  return atomic_load_explicit(&block->state, memory_order_acquire);
}

static void set_state(struct lu_block *block, enum lu_block_state state) {
  atomic_store_explicit(&block->state, (uint8_t)state, memory_order_release);
}

/* Clears the block's bit; true if it was set. */
static bool take_bit(struct lu_space *space, struct lu_slab *slab, enum lu_pool pool,
                     uint64_t bit) {
  if (!(atomic_fetch_and_explicit(&slab->claim[pool], ~bit, memory_order_acquire) & bit))
    return false;
  size_t before = atomic_fetch_sub_explicit(&space->waiting[pool], 1, memory_order_relaxed);
  LU_ASSERT(before > 0);
  (void)before;
  return true;
}

static void set_bit(struct lu_space *space, struct lu_block *block, enum lu_pool pool) {
  uint64_t bit = bit_of(space, block);
  atomic_fetch_add_explicit(&space->waiting[pool], 1, memory_order_relaxed);
  uint64_t before = atomic_fetch_or_explicit(&slab_of_block(space, block)->claim[pool], bit,
                                             memory_order_release);
  LU_CHECK(!(before & bit), "a block enters a pool twice");
}

/*
 * Empty blocks are taken from the lowest slab that has some: what is used stays together, and the
 * cache and the system's pages with it, while what is never needed stays untouched. A store that
 * another one overtakes only makes a search begin at the wrong slab.
 */
static void lower_hint(struct lu_space *space, const struct lu_block *block) {
  uint32_t slab = (uint32_t)((size_t)(block - space->blocks) / LU_SLAB_BLOCKS);
  if (slab < atomic_load_explicit(&space->hint[LU_POOL_FREE], memory_order_relaxed))
    atomic_store_explicit(&space->hint[LU_POOL_FREE], slab, memory_order_relaxed);
}

static void tell_searchers(struct lu_space *space) {
  atomic_fetch_add_explicit(&space->returns, 1, memory_order_release);
}

static bool suits(const struct lu_block *block, enum lu_pool pool, uint32_t granules,
                  uint32_t skip_live_cycle) {
  if (pool == LU_POOL_FREE)
    return true;
  if (atomic_load_explicit(&block->largest_hole, memory_order_relaxed) < granules)
    return false;
  return pool != LU_POOL_ORPHAN || skip_live_cycle == 0 ||
         atomic_load_explicit(&block->live_cycle, memory_order_relaxed) != skip_live_cycle;
}

/* Takes a suitable block of one slab out of the pool. */
static struct lu_block *search_slab(struct lu_space *space, struct lu_slab *slab, enum lu_pool pool,
                                    uint32_t granules, uint32_t skip_live_cycle) {
  struct lu_block *blocks = &space->blocks[(size_t)(slab - space->slabs) * LU_SLAB_BLOCKS];
  /* Acquire: a caller that compares space->returns afterwards compares it with what it was after
   * this look. */
  uint64_t mask = atomic_load_explicit(&slab->claim[pool], memory_order_acquire);
  for (; mask != 0; mask &= mask - 1) {
    struct lu_block *block = &blocks[__builtin_ctzll(mask)];
    if (!suits(block, pool, granules, skip_live_cycle) ||
        !take_bit(space, slab, pool, mask & -mask))
      continue;
    if (suits(block, pool, granules, skip_live_cycle))
      return block;
    /* It changed hands between the look and the claim. */
    set_bit(space, block, pool);
    tell_searchers(space);
  }
  return NULL;
}

static struct lu_block *search(struct lu_space *space, enum lu_pool pool, uint32_t granules,
                               uint32_t skip_live_cycle) {
  if (atomic_load_explicit(&space->waiting[pool], memory_order_acquire) == 0)
    return NULL;
  size_t high = atomic_load_explicit(&space->slabs_high, memory_order_acquire);
  size_t at = atomic_load_explicit(&space->hint[pool], memory_order_relaxed);
  for (size_t i = 0; i < high; i++, at++) {
    if (at >= high)
      at = 0;
    struct lu_block *block = search_slab(space, &space->slabs[at], pool, granules, skip_live_cycle);
    if (block != NULL) {
      atomic_store_explicit(&space->hint[pool], (uint32_t)at, memory_order_relaxed);
      return block;
    }
  }
  return NULL;
}

static void count_pooled(struct lu_space *space, const struct lu_block *block, bool enters) {
  size_t bytes = (size_t)block->free_granules * LU_GRANULE;
  atomic_fetch_add_explicit(&space->pooled, enters ? bytes : (size_t)0 - bytes,
                            memory_order_relaxed);
}

/* A block that this thread has charged and taken out of FREE. */
static void hold_free(struct lu_space *space, struct lu_block *block) {
  LU_ASSERT(state_of(block) == LU_BLOCK_FREE);
  if (atomic_load_explicit(&block->clean, memory_order_relaxed))
    atomic_fetch_add_explicit(&space->committed, LU_BLOCK_BYTES, memory_order_relaxed);
  block->free_granules = LU_BLOCK_GRANULES;
  atomic_store_explicit(&block->live_cycle, 0, memory_order_relaxed);
}

static struct lu_block *claim_free(struct lu_space *space) {
  if (lu_fault(LU_FAULT_BLOCK))
    return NULL;
  for (;;) {
    uint64_t seen = atomic_load_explicit(&space->returns, memory_order_acquire);
    if (!lu_space_charge(space, LU_BLOCK_BYTES)) {
      if (seen == atomic_load_explicit(&space->returns, memory_order_acquire))
        return NULL;
      continue;
    }
    struct lu_block *block;
    while ((block = search(space, LU_POOL_FREE, 0, 0)) == NULL && lu_space_open_slab(space))
      ;
    if (block != NULL) {
      hold_free(space, block);
      return block;
    }
    bool changed = seen != atomic_load_explicit(&space->returns, memory_order_acquire);
    /* Quietly: a search that fails must not look to its caller like memory that came back. */
    atomic_fetch_sub_explicit(&space->used, LU_BLOCK_BYTES, memory_order_relaxed);
    if (!changed)
      return NULL;
  }
}

static struct lu_block *claim_pooled(struct lu_space *space, enum lu_pool pool, uint32_t granules,
                                     uint32_t skip_live_cycle) {
  struct lu_block *block = search(space, pool, granules, skip_live_cycle);
  if (block != NULL)
    count_pooled(space, block, false);
  return block;
}

void lu_block_set_young(struct lu_space *space, const struct lu_block *block) {
  _Atomic uint64_t *young = &slab_of_block(space, block)->young;
  if (!(atomic_load_explicit(young, memory_order_relaxed) & bit_of(space, block)))
    atomic_fetch_or_explicit(young, bit_of(space, block), memory_order_release);
}

void lu_block_clear_young(struct lu_space *space, const struct lu_block *block) {
  atomic_fetch_and_explicit(&slab_of_block(space, block)->young, ~bit_of(space, block),
                            memory_order_relaxed);
}

struct lu_block *lu_block_claim(struct lu_space *space, enum lu_pool pool, uint32_t granules,
                                uint32_t skip_live_cycle) {
  uint32_t smallest = lu_space_smallest_hole(space);
  if (granules < smallest)
    granules = smallest;
  struct lu_block *block = pool == LU_POOL_FREE
                               ? claim_free(space)
                               : claim_pooled(space, pool, granules, skip_live_cycle);
  if (block == NULL)
    return NULL;
  LU_ASSERT(state_of(block) == (pool == LU_POOL_FREE     ? LU_BLOCK_FREE
                                : pool == LU_POOL_ORPHAN ? LU_BLOCK_ORPHAN
                                                         : LU_BLOCK_POOLED));
  if (pool != LU_POOL_ORPHAN) {
    block->smallest_hole = (uint8_t)smallest;
    block->cursor = 0;
  }
  lu_block_set_young(space, block);
  set_state(block, LU_BLOCK_HELD);
  return block;
}

/* The pool whose bit is set for a block; LU_POOLS if none is, just now. */
static enum lu_pool pool_of(const struct lu_space *space, const struct lu_block *block) {
  const struct lu_slab *slab = slab_of_block(space, block);
  for (int pool = 0; pool < LU_POOLS; pool++)
    if (atomic_load_explicit(&slab->claim[pool], memory_order_relaxed) & bit_of(space, block))
      return (enum lu_pool)pool;
  return LU_POOLS;
}

bool lu_block_claim_this(struct lu_space *space, struct lu_block *block) {
  enum lu_pool pool = pool_of(space, block);
  if (pool == LU_POOLS || !take_bit(space, slab_of_block(space, block), pool, bit_of(space, block)))
    return false;
  if (pool != LU_POOL_FREE)
    count_pooled(space, block, false);
  return true;
}

static enum lu_pool pool_by_content(const struct lu_block *block) {
  switch (state_of(block)) {
  case LU_BLOCK_FREE:
    return LU_POOL_FREE;
  case LU_BLOCK_ORPHAN:
    return LU_POOL_ORPHAN;
  default:
    LU_ASSERT(state_of(block) == LU_BLOCK_POOLED);
    return LU_ROOMY(block->free_granules) ? LU_POOL_ROOMY : LU_POOL_SPARSE;
  }
}

void lu_block_put_back(struct lu_space *space, struct lu_block *block) {
  enum lu_pool pool = pool_by_content(block);
  if (pool != LU_POOL_FREE)
    count_pooled(space, block, true);
  set_bit(space, block, pool);
  if (pool == LU_POOL_FREE)
    lower_hint(space, block);
  tell_searchers(space);
}

static void release_free(struct lu_space *space, struct lu_block *block) {
  atomic_store_explicit(&block->largest_hole, LU_BLOCK_GRANULES, memory_order_relaxed);
  atomic_store_explicit(&block->free_since,
                        atomic_load_explicit(&space->sweeps, memory_order_relaxed),
                        memory_order_relaxed);
  set_state(block, LU_BLOCK_FREE);
  set_bit(space, block, LU_POOL_FREE);
  lower_hint(space, block);
  lu_space_uncharge(space, LU_BLOCK_BYTES);
}

void lu_block_release(struct lu_space *space, struct lu_block *block, enum lu_pool pool) {
  LU_ASSERT(pool_of(space, block) == LU_POOLS);
  LU_ASSERT(pool != LU_POOL_ORPHAN || state_of(block) == LU_BLOCK_HELD);
  if (pool == LU_POOL_FREE) {
    release_free(space, block);
    return;
  }
  LU_ASSERT(pool == LU_POOL_ORPHAN || LU_ROOMY(block->free_granules) == (pool == LU_POOL_ROOMY));
  LU_ASSERT(block->largest_hole > 0 && block->largest_hole <= block->free_granules);
  set_state(block, pool == LU_POOL_ORPHAN ? LU_BLOCK_ORPHAN : LU_BLOCK_POOLED);
  count_pooled(space, block, true);
  set_bit(space, block, pool);
  tell_searchers(space);
}

void lu_block_retire(struct lu_block *block) {
  LU_ASSERT(state_of(block) == LU_BLOCK_HELD);
  set_state(block, LU_BLOCK_RETIRED);
}
