/*
 * heap/return.c: giving free memory back to the system, in the background.
 *
 *   G.1  Only memory of owned blocks is returned: they are claimed out of FREE for as long as the
 *        system call takes, uncharged. An allocator that misses them meanwhile sets up another
 *        slab; it is not refused, but where G.4 needs all slabs: there it waits for the end of the
 *        cycle, which is next.
 *   G.2  Returned memory is zero, so the block is clean.
 *   G.3  A slab all of whose blocks stayed free goes back to UNUSED, bitmaps and all, for spans and
 *        page runs to use.
 *   G.4  When one of those found no UNUSED slabs, that happens to all slabs whose blocks are free,
 *        however long they have been and whether or not memory is returned otherwise, before the
 *        cycle counts as ended: else a heap with nothing in it could refuse a large object.
 *
 * Threads: the collector, not beside its own sweep.
 */
#include "heap/sweep.h"
#include "support/memory.h"

/* Sweeps that a block must have stayed free through. */
#define IDLE_SWEEPS 2

static uint32_t idle_sweeps(const struct lu_space *space, const struct lu_block *block) {
  return atomic_load_explicit(&space->sweeps, memory_order_relaxed) -
         atomic_load_explicit(&block->free_since, memory_order_relaxed);
}

static bool is_clean(const struct lu_block *block) {
  return atomic_load_explicit(&block->clean, memory_order_relaxed) != 0;
}

/*
 * Claims those blocks of a slab that stayed free through so many sweeps, dirty ones only unless
 * `all`; returns them as a mask.
 */
static uint64_t claim_idle(struct lu_space *space, size_t index, bool all, size_t most,
                           uint32_t sweeps) {
  struct lu_block *blocks = &space->blocks[index * LU_SLAB_BLOCKS];
  uint64_t mask =
               atomic_load_explicit(&space->slabs[index].claim[LU_POOL_FREE], memory_order_relaxed),
           mine = 0;
  for (; mask != 0 && most >= LU_BLOCK_BYTES; mask &= mask - 1) {
    struct lu_block *block = &blocks[__builtin_ctzll(mask)];
    if (idle_sweeps(space, block) < sweeps || (!all && is_clean(block)) ||
        !lu_block_claim_this(space, block))
      continue;
    /* It may have been used and freed between the look and the claim. */
    if (atomic_load_explicit(&block->state, memory_order_relaxed) != LU_BLOCK_FREE ||
        idle_sweeps(space, block) < sweeps) {
      lu_block_put_back(space, block);
      continue;
    }
    mine |= mask & -mask;
    if (!is_clean(block))
      most -= LU_BLOCK_BYTES;
  }
  return mine;
}

/* Returns the memory of the owned blocks in `mask`, runs of neighbours at a time; result: bytes. */
static size_t return_blocks(struct lu_space *space, size_t index, uint64_t mask) {
  struct lu_block *blocks = &space->blocks[index * LU_SLAB_BLOCKS];
  size_t returned = 0;
  for (unsigned i = 0; i < LU_SLAB_BLOCKS; i++) {
    unsigned end = i;
    while (end < LU_SLAB_BLOCKS && (mask >> end & 1) && !is_clean(&blocks[end]))
      end++;
    if (end == i ||
        !lu_release_pages(lu_block_memory(space, &blocks[i]), (end - i) * LU_BLOCK_BYTES))
      continue;
    returned += (end - i) * LU_BLOCK_BYTES;
    for (; i < end; i++)
      atomic_store_explicit(&blocks[i].clean, 1, memory_order_relaxed);
  }
  atomic_fetch_sub_explicit(&space->committed, returned, memory_order_relaxed);
  return returned;
}

static void put_back(struct lu_space *space, size_t index, uint64_t mask) {
  for (; mask != 0; mask &= mask - 1)
    lu_block_put_back(space,
                      &space->blocks[index * LU_SLAB_BLOCKS + (size_t)__builtin_ctzll(mask)]);
}

/* All blocks of the slab are owned: the whole slab back to UNUSED. False when the system refuses
 * its bitmaps. */
static bool return_slab(struct lu_space *space, size_t index) {
  struct lu_slab *slab = &space->slabs[index];
  if (!lu_release_pages(lu_slab_memory(space, slab), LU_META_BLOCKS * LU_BLOCK_BYTES))
    return false;
  lu_space_give_slabs(space, slab, 1);
  return true;
}

static bool all_clean(const struct lu_space *space, size_t index) {
  for (size_t i = LU_META_BLOCKS; i < LU_SLAB_BLOCKS; i++)
    if (!is_clean(&space->blocks[index * LU_SLAB_BLOCKS + i]))
      return false;
  return true;
}

static bool wholly_free(const struct lu_space *space, size_t index) {
  const struct lu_slab *slab = &space->slabs[index];
  return atomic_load_explicit(&slab->kind, memory_order_acquire) == LU_SLAB_SMALL &&
         atomic_load_explicit(&slab->claim[LU_POOL_FREE], memory_order_relaxed) == LU_USABLE_MASK;
}

/* Most bytes of a slab, at most; *gone: all of it is the system's. */
static size_t return_from(struct lu_space *space, size_t index, size_t most, uint32_t sweeps,
                          bool *gone) {
  uint64_t mine = claim_idle(space, index, wholly_free(space, index), most, sweeps);
  *gone = false;
  if (mine == 0)
    return 0;
  size_t returned = return_blocks(space, index, mine);
  *gone = mine == LU_USABLE_MASK && all_clean(space, index) && return_slab(space, index);
  if (!*gone)
    put_back(space, index, mine);
  return returned;
}

size_t lu_space_return(struct lu_space *space, size_t most, size_t slabs, size_t *at) {
  size_t returned = 0;
  bool gone;
  if (!space->return_memory) {
    *at = 0;
    return 0;
  }
  /* From the end of the range: allocation prefers its beginning when it sets up slabs. */
  for (; *at > 0 && slabs > 0; slabs--, (*at)--) {
    if (atomic_load_explicit(&space->slabs[*at - 1].kind, memory_order_acquire) == LU_SLAB_SMALL)
      returned += return_from(space, *at - 1, most - returned, IDLE_SWEEPS, &gone);
    if (most - returned < LU_BLOCK_BYTES)
      break;
  }
  return returned;
}

/* Within a budget, at a time. */
#define SLAB_PIECE ((size_t)128 << 10)

/*
 * A slab of which a piece has been returned is looked at again: until it is gone, or a thread has
 * taken a block of it.
 */
bool lu_space_return_slabs(struct lu_space *space, size_t *at, struct lu_budget *budget) {
  if (*at == 0 && atomic_exchange(&space->slabs_missed, false))
    *at = atomic_load_explicit(&space->slabs_high, memory_order_acquire);
  while (*at > 0) {
    bool gone = false;
    size_t returned = 0;
    if (wholly_free(space, *at - 1))
      returned = return_from(space, *at - 1, budget != NULL ? SLAB_PIECE : SIZE_MAX, 0, &gone);
    if (returned == 0 || gone)
      (*at)--;
    lu_budget_spend(budget, returned != 0 ? LU_SWEEP_WORK : 0);
    if (*at > 0 && lu_budget_over(budget))
      return false;
  }
  return true;
}
