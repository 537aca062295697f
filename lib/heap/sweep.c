/*
 * heap/sweep.c: MARK becomes TAKEN, and what is free is offered.
 *
 *   W.1  A block is swept only by its owner: after a claim out of its pool, or in state RETIRED or
 *        FULL, which nobody else leaves.
 *   W.2  A block in which births are live in this cycle is left as it is (handed-out rule): its
 *        holes are in use, its MARK bits say nothing of them.
 *   W.3  After the sweep the spare MARK of every block and every large object is clear: FREE blocks
 *        have clear bitmaps at any time, and all others are visited. Nobody else touches the spare
 *        from the IDLE handshake until the next cycle's window, in which threads without a packet
 *        set bits of what they shade in it (mark/shade.c): it is the MARK to be.
 *   W.4  TAKEN changes here only, and only in owned blocks.
 *   W.5  After lu_sweep_clear_births no granule that is free in TAKEN of a block of this cycle's
 *        births has its MARK bit from live_from on.
 *
 * Reads no object, but writes dead ones under `scribble`. No lock is held but in giving back runs.
 *
 * Threads: the collector, or the one thread that drives a stop-the-world collection, beside
 * mutators that take and retire blocks. A block seen HELD may have been retired a moment later: it
 * is skipped all the same, since its holder was past H2 when it took or split it. MARK is read
 * relaxed: marking ended before a handshake.
 */
#include "heap/sweep.h"

#include <string.h>
#include "heap/holes.h"
#include "heap/large.h"
#include "support/assert.h"
#include "support/bits.h"

/* A block that has less in holes is not worth claiming. */
#define SPARSE_GRANULES (2048 / LU_GRANULE)
/* Blocks that got room between two calls of progress(). */
#define PROGRESS_BLOCKS 8

struct run {
  struct lu_sweep *sweep;
  struct lu_space *space;
  unsigned map, spare;
  unsigned roomier; /* blocks that got room since the last progress() */
};

static enum lu_block_state state_of(const struct lu_block *block) {
  return atomic_load_explicit(&block->state, memory_order_acquire);
}

static bool born_in(const struct lu_block *block, uint32_t cycle) {
  return atomic_load_explicit(&block->live_cycle, memory_order_relaxed) == cycle;
}

static void clear_words(lu_map_word *words) {
  for (uint32_t i = 0; i < LU_BLOCK_WORDS; i++)
    if (lu_map_load(&words[i]) != 0)
      atomic_store_explicit(&words[i], 0, memory_order_relaxed);
}

static void progress(struct run *run) {
  if (run->roomier > 0 && run->sweep->progress != NULL)
    run->sweep->progress(run->sweep->context);
  run->roomier = 0;
}

/* Marked granules of a block, without those that were born live in it. */
static uint32_t count_older(const struct lu_block *block, const char *memory, unsigned map,
                            uint32_t cycle) {
  const lu_map_word *mark = lu_map_at(memory, map), *taken = lu_map_at(memory, LU_MAP_TAKEN);
  uint32_t from =
      born_in(block, cycle) ? atomic_load_explicit(&block->live_from, memory_order_relaxed) : 0;
  uint32_t count = 0;
  for (uint32_t i = 0; i < LU_BLOCK_WORDS; i++) {
    uint64_t below = from >= (i + 1) * 64 ? ~(uint64_t)0
                     : from <= i * 64     ? 0
                                          : ((uint64_t)1 << (from - i * 64)) - 1;
    count +=
        lu_count_bits(lu_map_load(&mark[i]) & (below | lu_map_load(&taken[i])));
  }
  return count;
}

static void skip(struct run *run, const struct lu_block *block) {
  const char *memory = lu_block_memory(run->space, block);
  clear_words(lu_map_at(memory, run->spare));
  run->sweep->live_bytes +=
      (size_t)count_older(block, memory, run->map, run->sweep->cycle) * LU_GRANULE;
  run->sweep->blocks_skipped++;
}

/* Overwrites [from, to) of a block where MARK is clear and, outside what was handed out, TAKEN was
 * set. */
static void scribble(const struct run *run, const struct lu_block *block, char *memory) {
  const lu_map_word *mark = lu_map_at(memory, run->map), *taken = lu_map_at(memory, LU_MAP_TAKEN);
  enum lu_block_state state = state_of(block);
  uint32_t used = state == LU_BLOCK_RETIRED || state == LU_BLOCK_ORPHAN ? block->cursor : 0;
  for (uint32_t i = 0; i < LU_BLOCK_GRANULES; i++) {
    uint64_t bit = (uint64_t)1 << (i % 64);
    if (!(lu_map_load(&mark[i / 64]) & bit) && (i < used || (lu_map_load(&taken[i / 64]) & bit)))
      memset(memory + (size_t)i * LU_GRANULE, LU_SCRIBBLE, LU_GRANULE);
  }
}

/* TAKEN := MARK, spare := 0; returns marked granules. */
static uint32_t turn_words(const struct run *run, const char *memory) {
  const lu_map_word *mark = lu_map_at(memory, run->map);
  lu_map_word *taken = lu_map_at(memory, LU_MAP_TAKEN);
  uint32_t count = 0;
  for (uint32_t i = 0; i < LU_BLOCK_WORDS; i++) {
    uint64_t word = lu_map_load(&mark[i]);
    if (lu_map_load(&taken[i]) != word)
      atomic_store_explicit(&taken[i], word, memory_order_relaxed);
    count += lu_count_bits(word);
  }
  clear_words(lu_map_at(memory, run->spare));
  return count;
}

/* Puts a swept block where it belongs; returns the granules that it offers there. */
static uint32_t sort_block(struct run *run, struct lu_block *block, const char *memory,
                           uint32_t marked) {
  struct lu_sweep *sweep = run->sweep;
  if (marked == 0) {
    sweep->blocks_free++;
    lu_block_release(run->space, block, LU_POOL_FREE);
    return LU_BLOCK_GRANULES;
  }
  uint32_t largest;
  uint32_t usable = lu_holes_sum(lu_map_at(memory, LU_MAP_TAKEN), 0,
                                 lu_space_smallest_hole(run->space), &largest);
  block->free_granules = (uint16_t)usable;
  atomic_store_explicit(&block->largest_hole, (uint16_t)largest, memory_order_relaxed);
  if (usable < SPARSE_GRANULES) {
    sweep->blocks_full++;
    atomic_store_explicit(&block->state, LU_BLOCK_FULL, memory_order_release);
    return 0;
  }
  sweep->blocks_pooled++;
  lu_block_release(run->space, block, LU_ROOMY(usable) ? LU_POOL_ROOMY : LU_POOL_SPARSE);
  return usable;
}

/* The block is owned until sort_block. */
static void sweep_block(struct run *run, struct lu_block *block) {
  char *memory = lu_block_memory(run->space, block);
  enum lu_block_state state = state_of(block);
  uint32_t offered =
      state == LU_BLOCK_POOLED || state == LU_BLOCK_ORPHAN ? block->free_granules : 0;
  LU_ASSERT(!born_in(block, run->sweep->cycle));
  if (run->sweep->scribble)
    scribble(run, block, memory);
  uint32_t marked = turn_words(run, memory);
  atomic_store_explicit(&block->clean, 0, memory_order_relaxed);
  atomic_store_explicit(&block->live_cycle, 0, memory_order_relaxed);
  block->cursor = 0;
  run->sweep->live_bytes += (size_t)marked * LU_GRANULE;
  uint32_t offers = sort_block(run, block, memory, marked);
  if (offers > offered) {
    run->sweep->freed_bytes += (size_t)(offers - offered) * LU_GRANULE;
    run->roomier++;
  }
  if (run->roomier >= PROGRESS_BLOCKS)
    progress(run);
}

static void visit(struct run *run, struct lu_block *block) {
  switch (state_of(block)) {
  case LU_BLOCK_UNUSED:
  case LU_BLOCK_META:
  case LU_BLOCK_RUN:
  case LU_BLOCK_FREE:
    return;
  case LU_BLOCK_HELD:
    skip(run, block);
    return;
  case LU_BLOCK_FULL:
    sweep_block(run, block);
    return;
  case LU_BLOCK_RETIRED:
    if (born_in(block, run->sweep->cycle))
      skip(run, block);
    else
      sweep_block(run, block);
    return;
  case LU_BLOCK_POOLED:
  case LU_BLOCK_ORPHAN:
    break;
  }
  if (born_in(block, run->sweep->cycle) || !lu_block_claim_this(run->space, block)) {
    skip(run, block);
  } else if (born_in(block, run->sweep->cycle)) {
    /* A thread has had it and left it between the look and the claim. */
    lu_block_put_back(run->space, block);
    skip(run, block);
  } else {
    sweep_block(run, block);
  }
}

/* Calls fn for each block of each slab of small objects. */
static void each_block(struct lu_space *space, void (*fn)(struct run *, struct lu_block *),
                       struct run *run) {
  size_t high = atomic_load_explicit(&space->slabs_high, memory_order_acquire);
  for (size_t i = 0; i < high; i++) {
    if (atomic_load_explicit(&space->slabs[i].kind, memory_order_acquire) != LU_SLAB_SMALL)
      continue;
    for (size_t j = LU_META_BLOCKS; j < LU_SLAB_BLOCKS; j++)
      fn(run, &space->blocks[i * LU_SLAB_BLOCKS + j]);
  }
}

/* Whether the object stays; its figures. */
static bool keep_large(struct run *run, struct lu_large *large) {
  const void *object = lu_large_object(large);
  struct lu_sweep *sweep = run->sweep;
  uint64_t bit = lu_map_bit(object);
  bool marked = (lu_map_load(lu_map_at(object, run->map)) & bit) != 0;
  if (!marked && large->live_cycle != sweep->cycle)
    return false;
  atomic_fetch_and_explicit(lu_map_at(object, run->spare), ~bit, memory_order_relaxed);
  sweep->large_live++;
  if (large->live_cycle != sweep->cycle)
    sweep->live_bytes += large->size;
  return true;
}

static void free_large(struct run *run, struct lu_large *large) {
  run->sweep->large_freed++;
  run->sweep->freed_bytes += large->run_bytes;
  if (run->sweep->scribble)
    memset(lu_large_object(large), LU_SCRIBBLE, large->size);
  lu_large_free(run->space, large);
  run->roomier++;
  progress(run);
}

/* Takes `large`, which was the list's first node when the walk began, off the list, to which others
 * may have pushed. */
static void unlink_first(struct lu_space *space, struct lu_large *large) {
  struct lu_large *at = large;
  if (atomic_compare_exchange_strong_explicit(&space->large, &at, large->next, memory_order_acquire,
                                              memory_order_acquire))
    return;
  while (at->next != large)
    at = at->next;
  at->next = large->next;
}

static void sweep_large(struct run *run) {
  struct lu_large *first = atomic_load_explicit(&run->space->large, memory_order_acquire);
  if (first == NULL)
    return;
  for (struct lu_large *before = first, *large; (large = before->next) != NULL;) {
    if (keep_large(run, large)) {
      before = large;
    } else {
      before->next = large->next;
      free_large(run, large);
    }
  }
  if (!keep_large(run, first)) {
    unlink_first(run->space, first);
    free_large(run, first);
  }
}

void lu_sweep(struct lu_sweep *sweep) {
  struct run run = {sweep, sweep->space, sweep->mark_map, sweep->mark_map ^ 1, 0};
  LU_ASSERT(sweep->mark_map == LU_MAP_A || sweep->mark_map == LU_MAP_B);
  LU_CHECK(sweep->cycle != 0, "cycle 0 stands for none");
  atomic_fetch_add_explicit(&sweep->space->sweeps, 1, memory_order_relaxed);
  sweep_large(&run);
  each_block(run.space, visit, &run);
  progress(&run);
}

static void clear_births(struct run *run, struct lu_block *block) {
  if (!born_in(block, run->sweep->cycle))
    return;
  const char *memory = lu_block_memory(run->space, block);
  lu_map_word *mark = lu_map_at(memory, run->map);
  const lu_map_word *taken = lu_map_at(memory, LU_MAP_TAKEN);
  uint32_t from = atomic_load_explicit(&block->live_from, memory_order_relaxed);
  for (uint32_t i = from / 64; i < LU_BLOCK_WORDS; i++) {
    uint64_t below = i == from / 64 ? ((uint64_t)1 << (from % 64)) - 1 : 0;
    uint64_t keep = lu_map_load(&taken[i]) | below;
    if (lu_map_load(&mark[i]) & ~keep)
      atomic_fetch_and_explicit(&mark[i], keep, memory_order_relaxed);
  }
}

void lu_sweep_clear_births(struct lu_sweep *sweep) {
  struct run run = {sweep, sweep->space, sweep->mark_map, sweep->mark_map ^ 1, 0};
  each_block(run.space, clear_births, &run);
  for (struct lu_large *large = atomic_load_explicit(&run.space->large, memory_order_acquire);
       large != NULL; large = large->next)
    if (large->live_cycle == sweep->cycle)
      atomic_fetch_and_explicit(lu_map_at(lu_large_object(large), run.map),
                                ~lu_map_bit(lu_large_object(large)), memory_order_relaxed);
}
