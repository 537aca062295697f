/*
 * heap/space.c: the reserved range, the charge against the limit, and which slab serves what.
 *
 *   S.1  used <= limit at every moment (unless the limit is lowered), and a charge that fits is
 *        never refused: `used` changes by compare-and-swap from a sum that was checked, so a
 *        request that fails leaves no trace for others to stumble over.
 *   S.2  Memory and bitmaps of an UNUSED slab are zero. So are all three bitmaps of a FREE block.
 *   S.3  There is always a slab for a charged block unless page runs are scattered over half of the
 *        range: it is reserved for twice the limit.
 *
 * Threads: any. Slab kinds change under space->lock; a kind is stored last (release), after the
 * block descriptors that a walk reads when it has seen the kind (acquire). slabs_high is stored
 * after the kind.
 *
 * Side tables and the range itself are reserved without memory behind them: what a heap commits
 * follows what it uses.
 */
#include "heap/space.h"

#include <string.h>
#include "support/memory.h"

/* Beyond twice the limit: small heaps get room for spans. */
#define SLACK_SLABS 16
#define MOST_LIMIT ((size_t)1 << 45)
/* What setting up a slab may commit beside its blocks: bitmaps, and a page or so of descriptors. */
#define SLAB_METADATA (LU_META_BLOCKS * LU_BLOCK_BYTES + LU_PAGE_BYTES)

static size_t whole_pages(size_t bytes) {
  size_t page = lu_page_size();
  return (bytes + page - 1) & ~(page - 1);
}

lull_status lu_space_init(struct lu_space *space, const struct lu_settings *settings) {
  memset(space, 0, sizeof *space);
  if (settings->heap_max == 0 || settings->heap_max > MOST_LIMIT)
    return LULL_E_RANGE;
  atomic_init(&space->limit, settings->heap_max);
  atomic_init(&space->goal, space->limit);
  space->return_memory = settings->heap_return;
  space->huge_pages = settings->heap_huge;
  space->card_shift = (uint8_t)__builtin_ctzll(settings->rs_card);
  space->slab_count = (2 * space->limit + LU_SLAB_BYTES - 1) / LU_SLAB_BYTES + SLACK_SLABS;
  lu_lock_init(&space->lock);
  space->base = lu_reserve(space->slab_count * LU_SLAB_BYTES, LU_SLAB_BYTES);
  space->slabs = lu_reserve(whole_pages(space->slab_count * sizeof *space->slabs), lu_page_size());
  space->blocks = lu_reserve(
      whole_pages(space->slab_count * LU_SLAB_BLOCKS * sizeof *space->blocks), lu_page_size());
  if (space->base == NULL || space->slabs == NULL || space->blocks == NULL) {
    lu_space_fini(space);
    return LULL_E_MEMORY;
  }
  lu_huge_pages(space->base, space->slab_count * LU_SLAB_BYTES, space->huge_pages);
  return LULL_OK;
}

void lu_space_fini(struct lu_space *space) {
  lu_unreserve(space->base, space->slab_count * LU_SLAB_BYTES);
  lu_unreserve(space->slabs, whole_pages(space->slab_count * sizeof *space->slabs));
  lu_unreserve(space->blocks,
               whole_pages(space->slab_count * LU_SLAB_BLOCKS * sizeof *space->blocks));
  space->base = NULL;
  space->slabs = NULL;
  space->blocks = NULL;
  lu_lock_destroy(&space->lock);
}

bool lu_space_charge(struct lu_space *space, size_t bytes) {
  size_t used = atomic_load_explicit(&space->used, memory_order_relaxed);
  size_t limit = atomic_load_explicit(&space->limit, memory_order_relaxed);
  do {
    if (used > limit || bytes > limit - used)
      return false;
  } while (!atomic_compare_exchange_weak_explicit(&space->used, &used, used + bytes,
                                                  memory_order_relaxed, memory_order_relaxed));
  return true;
}

void lu_space_uncharge(struct lu_space *space, size_t bytes) {
  size_t before = atomic_fetch_sub_explicit(&space->used, bytes, memory_order_relaxed);
  LU_CHECK(before >= bytes, "more memory is uncharged than was charged");
  atomic_fetch_add_explicit(&space->returns, 1, memory_order_release);
}

void lu_space_populate(struct lu_space *space, unsigned map) {
  size_t high = atomic_load_explicit(&space->slabs_high, memory_order_acquire);
  for (size_t i = 0; i < high; i++) {
    struct lu_slab *slab = &space->slabs[i];
    if (atomic_load_explicit(&slab->kind, memory_order_acquire) != LU_SLAB_SMALL ||
        slab->populated >> map & 1)
      continue;
    lu_populate_pages(lu_slab_memory(space, slab) + map * LU_BLOCK_BYTES, LU_BLOCK_BYTES);
    slab->populated |= (uint8_t)(1u << map);
  }
}

#define LARGE_RESERVE 8   /* this part of the limit */

size_t lu_space_kept_for_large(const struct lu_space *space) {
  return atomic_load_explicit(&space->large, memory_order_relaxed) != NULL
             ? space->limit / LARGE_RESERVE
             : 0;
}

uint32_t lu_space_smallest_hole(const struct lu_space *space) {
  size_t used = atomic_load_explicit(&space->used, memory_order_relaxed);
  return used > space->limit - space->limit / 100 * 15 ? 8 : 16;
}

static enum lu_slab_kind kind_of(const struct lu_slab *slab) {
  return atomic_load_explicit(&slab->kind, memory_order_relaxed);
}

static void set_kind(struct lu_slab *slab, enum lu_slab_kind kind) {
  atomic_store_explicit(&slab->kind, (uint8_t)kind, memory_order_release);
}

/* States of all blocks of a slab: three META, the others as given. */
static void set_states(struct lu_space *space, struct lu_slab *slab, enum lu_block_state meta,
                       enum lu_block_state usable) {
  struct lu_block *blocks = &space->blocks[(size_t)(slab - space->slabs) * LU_SLAB_BLOCKS];
  for (uint32_t i = 0; i < LU_SLAB_BLOCKS; i++)
    atomic_store_explicit(&blocks[i].state, (uint8_t)(i < LU_META_BLOCKS ? meta : usable),
                          memory_order_release);
}

/* Index of the first of n UNUSED slabs in a row, or slab_count. */
static size_t find_unused(struct lu_space *space, size_t n) {
  size_t run = 0, first_unused = space->slab_count;
  for (size_t i = space->unused_from; i < space->slab_count; i++) {
    if (kind_of(&space->slabs[i]) != LU_SLAB_UNUSED) {
      run = 0;
      continue;
    }
    if (first_unused == space->slab_count)
      space->unused_from = first_unused = i;
    if (++run == n)
      return i + 1 - n;
  }
  if (first_unused == space->slab_count)
    space->unused_from = space->slab_count;
  return space->slab_count;
}

struct lu_slab *lu_space_take_slabs(struct lu_space *space, size_t n, enum lu_slab_kind kind) {
  LU_ASSERT(n > 0 && kind != LU_SLAB_UNUSED);
  size_t first = find_unused(space, n);
  if (first == space->slab_count) {
    if (kind != LU_SLAB_SMALL)
      atomic_store(&space->slabs_missed, true);
    return NULL;
  }
  struct lu_slab *slab = &space->slabs[first];
  set_states(space, slab, LU_BLOCK_META, kind == LU_SLAB_SMALL ? LU_BLOCK_FREE : LU_BLOCK_RUN);
  for (size_t i = 1; i < n; i++)
    set_kind(&slab[i], LU_SLAB_SPAN_REST);
  slab->span = (uint32_t)n;
  slab->populated = 0;
  set_kind(slab, kind);
  if (atomic_load_explicit(&space->slabs_high, memory_order_relaxed) < first + n)
    atomic_store_explicit(&space->slabs_high, first + n, memory_order_release);
  atomic_fetch_add_explicit(&space->metadata, SLAB_METADATA, memory_order_relaxed);
  atomic_fetch_add_explicit(&space->committed, SLAB_METADATA, memory_order_relaxed);
  return slab;
}

void lu_space_give_slabs(struct lu_space *space, struct lu_slab *slab, size_t n) {
  lu_lock(&space->lock);
  LU_ASSERT(slab->span == n);
  for (int pool = 0; pool < LU_POOLS; pool++)
    LU_ASSERT(atomic_load_explicit(&slab->claim[pool], memory_order_relaxed) == 0);
  set_states(space, slab, LU_BLOCK_UNUSED, LU_BLOCK_UNUSED);
  slab->span = 0;
  for (size_t i = 0; i < n; i++)
    set_kind(&slab[i], LU_SLAB_UNUSED);
  size_t first = (size_t)(slab - space->slabs);
  if (first < space->unused_from)
    space->unused_from = first;
  lu_unlock(&space->lock);
  atomic_fetch_sub_explicit(&space->metadata, SLAB_METADATA, memory_order_relaxed);
  atomic_fetch_sub_explicit(&space->committed, SLAB_METADATA, memory_order_relaxed);
  atomic_fetch_add_explicit(&space->returns, 1, memory_order_release);
}

/* Prepares the descriptors of a new slab and offers its blocks. */
static void offer_blocks(struct lu_space *space, struct lu_slab *slab) {
  struct lu_block *blocks = &space->blocks[(size_t)(slab - space->slabs) * LU_SLAB_BLOCKS];
  uint32_t sweeps = atomic_load_explicit(&space->sweeps, memory_order_relaxed);
  for (uint32_t i = LU_META_BLOCKS; i < LU_SLAB_BLOCKS; i++) {
    atomic_store_explicit(&blocks[i].clean, 1, memory_order_relaxed);
    atomic_store_explicit(&blocks[i].free_since, sweeps, memory_order_relaxed);
    atomic_store_explicit(&blocks[i].largest_hole, LU_BLOCK_GRANULES, memory_order_relaxed);
    atomic_store_explicit(&blocks[i].live_cycle, 0, memory_order_relaxed);
  }
  atomic_fetch_add_explicit(&space->waiting[LU_POOL_FREE], LU_USABLE_BLOCKS, memory_order_relaxed);
  atomic_store_explicit(&slab->claim[LU_POOL_FREE], LU_USABLE_MASK, memory_order_release);
  atomic_fetch_add_explicit(&space->returns, 1, memory_order_release);
}

/* Whether a FREE block waits: by the masks, since the count is raised before a bit is set and
 * lowered after it was cleared, by threads that may not run now. */
static bool any_free(const struct lu_space *space) {
  size_t high = atomic_load_explicit(&space->slabs_high, memory_order_relaxed);
  for (size_t i = 0; i < high; i++)
    if (atomic_load_explicit(&space->slabs[i].claim[LU_POOL_FREE], memory_order_relaxed) != 0)
      return true;
  return false;
}

bool lu_space_open_slab(struct lu_space *space) {
  lu_lock(&space->lock);
  /* Another thread may have opened one while this one waited. */
  bool there = any_free(space);
  if (!there) {
    struct lu_slab *slab = lu_space_take_slabs(space, 1, LU_SLAB_SMALL);
    if (slab != NULL) {
      offer_blocks(space, slab);
      there = true;
    }
  }
  lu_unlock(&space->lock);
  return there;
}
