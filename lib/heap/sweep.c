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
 *   W.6  A minor visits the blocks of the young masks and the list of large objects up to
 *        large_old: whatever else is marked was marked before, and its TAKEN is its MARK.
 *
 *   W.7  A slab is visited by the sweeper that took it from the cursor, and by no other: so blocks
 *        in RETIRED and FULL, which nobody claims, have one sweeper too. Figures are each sweeper's
 *        own; space->live is changed by the driver alone, when the others are done. Large objects
 *        are the driver's.
 *
 * Reads no small object, but writes dead ones under `scribble`. No lock is held but in giving back
 * runs.
 *
 * Threads: the driver of the cycle and helpers, beside mutators that take and retire blocks. A
 * block seen HELD may have been retired a moment later: it is skipped all the same, since its
 * holder was past H2 when it took or split it. MARK is read relaxed: marking ended before a
 * handshake.
 */
#include "heap/sweep.h"

#include <string.h>
#include "heap/holes.h"
#include "heap/large.h"
#include "mark/age.h"
#include "support/assert.h"
#include "support/bits.h"
#include "support/tool.h"

/* A block that has less in holes is not worth claiming. */
#define SPARSE_GRANULES (2048 / LU_GRANULE)
/* Blocks that got room between two calls of progress(). */
#define PROGRESS_BLOCKS 8

/* One sweeper's. */
struct run {
  struct lu_sweep *sweep;
  struct lu_space *space;
  unsigned map, spare;
  unsigned roomier; /* blocks that got room since the last progress() */
#define OWN(name) size_t name;
  LU_SWEEP_FIGURES(OWN)
  /* Granules found marked, less those that were before; may be below 0, as sizes go */
  size_t live;
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

/* What has changed in one block of what is marked. */
static void recount(struct run *run, struct lu_block *block, uint32_t marked) {
  run->live += marked - (size_t)block->counted;
  block->counted = (uint16_t)marked;
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

static void skip(struct run *run, struct lu_block *block) {
  const char *memory = lu_block_memory(run->space, block);
  if (!run->sweep->minor)
    clear_words(lu_map_at(memory, run->spare));
  recount(run, block, count_older(block, memory, run->map, run->sweep->cycle));
  run->blocks_skipped++;
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

/* TAKEN := MARK; returns marked granules, and those that were not TAKEN before. */
static LU_INLINE uint32_t take_marks(const lu_map_word *mark, lu_map_word *taken, uint32_t *new,
                                      int by_instruction) {
  uint32_t count = 0, survived = 0;
  for (uint32_t i = 0; i < LU_BLOCK_WORDS; i++) {
    uint64_t word = lu_map_load(&mark[i]), before = lu_map_load(&taken[i]);
    count += lu_count_bits_of(by_instruction, word);
    if (before == word)
      continue;
    survived += lu_count_bits_of(by_instruction, word & ~before);
    atomic_store_explicit(&taken[i], word, memory_order_relaxed);
  }
  *new = survived;
  return count;
}

LU_HAS_COUNT static uint32_t take_marks_fast(const lu_map_word *mark, lu_map_word *taken,
                                             uint32_t *new) {
  return take_marks(mark, taken, new, 1);
}

/* TAKEN := MARK, spare := 0; returns marked granules. */
static uint32_t turn_words(struct run *run, const char *memory) {
  const lu_map_word *mark = lu_map_at(memory, run->map);
  lu_map_word *taken = lu_map_at(memory, LU_MAP_TAKEN);
  uint32_t survived, count = lu_has_count() ? take_marks_fast(mark, taken, &survived)
      : take_marks(mark, taken, &survived, 0);
  if (!run->sweep->minor)
    clear_words(lu_map_at(memory, run->spare));
  run->survived_bytes += (size_t)survived * LU_GRANULE;
  return count;
}

/* Puts a swept block where it belongs; returns the granules that it offers there. */
static uint32_t sort_block(struct run *run, struct lu_block *block, const char *memory,
                           uint32_t marked) {
  if (marked == 0) {
    run->blocks_free++;
    lu_block_release(run->space, block, LU_POOL_FREE);
    return LU_BLOCK_GRANULES;
  }
  uint32_t largest;
  uint32_t usable = lu_holes_sum(lu_map_at(memory, LU_MAP_TAKEN), 0,
                                 lu_space_smallest_hole(run->space), &largest);
  block->free_granules = (uint16_t)usable;
  atomic_store_explicit(&block->largest_hole, (uint16_t)largest, memory_order_relaxed);
  if (usable < SPARSE_GRANULES) {
    run->blocks_full++;
    atomic_store_explicit(&block->state, LU_BLOCK_FULL, memory_order_release);
    return 0;
  }
  run->blocks_pooled++;
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
  recount(run, block, marked);
  lu_block_clear_young(run->space, block);
  uint32_t offers = sort_block(run, block, memory, marked);
  if (offers > offered) {
    run->freed_bytes += (size_t)(offers - offered) * LU_GRANULE;
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

static struct run run_of(struct lu_sweep *sweep) {
  return (struct run){.sweep = sweep, .space = sweep->space, .map = sweep->mark_map,
                      .spare = sweep->mark_map ^ 1};
}

static void set_cursor(struct lu_sweep *sweep) {
  struct lu_space *space = sweep->space;
  sweep->at = (struct lu_sweep_cursor){
      .slabs = atomic_load_explicit(&space->slabs_high, memory_order_acquire),
      .first = atomic_load_explicit(&space->large, memory_order_acquire)};
  sweep->at.before = sweep->at.first;
}

/*
 * The blocks of a slab to be visited; those that are young, or all. A slab that is not one of small
 * objects has none.
 */
static uint64_t blocks_of(const struct run *run, size_t slab, bool young) {
  const struct lu_slab *at = &run->space->slabs[slab];
  if (atomic_load_explicit(&at->kind, memory_order_acquire) != LU_SLAB_SMALL)
    return 0;
  return young ? atomic_load_explicit(&at->young, memory_order_acquire) : LU_USABLE_MASK;
}

/* Takes a slab, W.7; false: there is none left. */
static bool take_slab(struct lu_sweep_cursor *at, size_t *slab) {
  *slab = atomic_fetch_add_explicit(&at->next, 1, memory_order_relaxed);
  return *slab < at->slabs;
}

/*
 * Calls fn for the blocks of the driver's slab that it has still to visit; false when the budget is
 * used up.
 */
static bool each_of_slab(struct run *run, void (*fn)(struct run *, struct lu_block *),
                         struct lu_budget *budget) {
  struct lu_sweep_cursor *at = &run->sweep->at;
  while (at->blocks != 0) {
    size_t block = at->slab * LU_SLAB_BLOCKS + (size_t)__builtin_ctzll(at->blocks);
    at->blocks &= at->blocks - 1;
    fn(run, &run->space->blocks[block]);
    lu_budget_spend(budget, LU_SWEEP_WORK);
    if (lu_budget_over(budget))
      return false;
  }
  return true;
}

/*
 * The driver's: calls fn for each block of each slab of small objects, or for the young ones only,
 * from the cursor on; false when the budget is used up. When it comes back to a slab that is not
 * one of small objects any more, what is left of that is in no state to be visited.
 */
static bool each_block(struct run *run, bool young, void (*fn)(struct run *, struct lu_block *),
                       struct lu_budget *budget) {
  struct lu_sweep_cursor *at = &run->sweep->at;
  for (;;) {
    if (at->blocks != 0 && blocks_of(run, at->slab, false) == 0)
      at->blocks = 0;
    if (!each_of_slab(run, fn, budget) || lu_budget_over(budget))
      return false;
    if (!take_slab(at, &at->slab))
      return true;
    at->blocks = blocks_of(run, at->slab, young);
  }
}

static bool is_young_large(const struct run *run, const struct lu_large *large) {
  return large->live_cycle == run->sweep->cycle ||
         (run->sweep->promote > 1 &&
          lu_age(lu_large_object((struct lu_large *)large)) < run->sweep->promote);
}

/*
 * A large object that stays, for the figures; each is counted from the first sweep that finds it
 * marked.
 */
static void count_large(struct run *run, struct lu_large *large) {
  run->sweep->large_live++;
  if (large->counted || large->live_cycle == run->sweep->cycle)
    return;
  large->counted = true;
  run->space->live_large += large->size;
  run->survived_bytes += large->size;
}

/* Whether the object stays; its figures. */
static bool keep_large(struct run *run, struct lu_large *large) {
  const void *object = lu_large_object(large);
  struct lu_sweep *sweep = run->sweep;
  uint64_t bit = lu_map_bit(object);
  bool marked = (lu_map_load(lu_map_at(object, run->map)) & bit) != 0;
  if (!marked && large->live_cycle != sweep->cycle)
    return false;
  if (!sweep->minor)
    atomic_fetch_and_explicit(lu_map_at(object, run->spare), ~bit, memory_order_relaxed);
  count_large(run, large);
  return true;
}

/* The object that is being given back, if there is one; false when the budget is used up. */
static bool free_on(struct run *run, struct lu_budget *budget) {
  struct lu_freeing *freeing = &run->sweep->at.freeing;
  if (freeing->slab == NULL)
    return true;
  if (!lu_large_free_some(run->space, freeing, budget))
    return false;
  run->roomier++;
  progress(run);
  return true;
}

/* Off the list: nobody finds it any more. */
static bool free_large(struct run *run, struct lu_large *large, struct lu_budget *budget) {
  run->sweep->large_freed++;
  run->freed_bytes += large->run_bytes;
  if (large->counted)
    run->space->live_large -= large->size;
  if (run->sweep->scribble)
    memset(lu_large_object(large), LU_SCRIBBLE, large->size);
  lu_large_free_begin(run->space, large, &run->sweep->at.freeing);
  return free_on(run, budget);
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

/* The first node, when all behind it have been swept. */
static bool sweep_first_large(struct run *run, struct lu_budget *budget) {
  struct lu_space *space = run->space;
  struct lu_sweep_cursor *at = &run->sweep->at;
  struct lu_large *first = at->first;
  bool stays = keep_large(run, first);
  if (stays && at->last_young == NULL && is_young_large(run, first))
    at->last_young = first;
  space->large_old = at->last_young != NULL ? at->last_young->next : stays ? first : first->next;
  if (stays)
    return true;
  unlink_first(space, first);
  return free_large(run, first, budget);
}

/*
 * The list from `first`, which is the newest that this sweep has to do with, to where it is old, or
 * to its end. What is left of it is old from behind the last young one on. The first node is looked
 * at last: others may be pushing before it. Nobody else takes nodes out, so the cursor's stay.
 * Returns false when the budget is used up.
 */
static bool sweep_large(struct run *run, struct lu_budget *budget) {
  struct lu_sweep_cursor *at = &run->sweep->at;
  if (!free_on(run, budget))
    return false;
  if (at->large_done || at->first == at->end)
    return true;
  for (struct lu_large *large; (large = at->before->next) != at->end;) {
    if (keep_large(run, large)) {
      at->last_young = is_young_large(run, large) ? large : at->last_young;
      at->before = large;
    } else {
      at->before->next = large->next;
      if (!free_large(run, large, budget))
        return false;
    }
    lu_budget_spend(budget, LU_SWEEP_WORK);
    if (lu_budget_over(budget))
      return false;
  }
  at->large_done = true;
  return sweep_first_large(run, budget);
}

void lu_sweep_begin(struct lu_sweep *sweep) {
  LU_ASSERT(sweep->mark_map == LU_MAP_A || sweep->mark_map == LU_MAP_B);
  LU_CHECK(sweep->cycle != 0, "cycle 0 stands for none");
  atomic_fetch_add_explicit(&sweep->space->sweeps, 1, memory_order_relaxed);
  set_cursor(sweep);
  sweep->helped = (struct lu_sweep_helped){.live = 0};
  sweep->at.end = sweep->minor ? sweep->space->large_old : NULL;
}

bool lu_sweep_some(struct lu_sweep *sweep, struct lu_budget *budget) {
  struct run run = run_of(sweep);
  bool done = sweep_large(&run, budget) && each_block(&run, sweep->minor, visit, budget);
#define ADD_OWN(name) sweep->name += run.name;
  LU_SWEEP_FIGURES(ADD_OWN)
  sweep->space->live += run.live;
  progress(&run);
  return done;
}

size_t lu_sweep_help(struct lu_sweep *sweep, bool (*go_on)(void *arg), void *arg) {
  struct run run = run_of(sweep);
  size_t slab;
  do {
    if (!take_slab(&sweep->at, &slab))
      break;
    for (uint64_t blocks = blocks_of(&run, slab, sweep->minor); blocks != 0; blocks &= blocks - 1)
      visit(&run, &run.space->blocks[slab * LU_SLAB_BLOCKS + (size_t)__builtin_ctzll(blocks)]);
  } while (go_on(arg));
#define ADD_HELPED(name) \
  atomic_fetch_add_explicit(&sweep->helped.name, run.name, memory_order_relaxed);
  LU_SWEEP_FIGURES(ADD_HELPED)
  ADD_HELPED(live)
  progress(&run);
  return run.blocks_free + run.blocks_pooled + run.blocks_full;
}

size_t lu_sweep_blocks(const struct lu_sweep *sweep) {
  struct run run = {.space = sweep->space};
  size_t count = 0;
  for (size_t i = 0; i < sweep->at.slabs; i++)
    count += lu_count_bits(blocks_of(&run, i, sweep->minor));
  return count;
}

void lu_sweep_end(struct lu_sweep *sweep) {
#define ADD_TOTAL(name) \
  sweep->name += atomic_load_explicit(&sweep->helped.name, memory_order_relaxed);
  LU_SWEEP_FIGURES(ADD_TOTAL)
  sweep->space->live += atomic_load_explicit(&sweep->helped.live, memory_order_relaxed);
  sweep->live_bytes = sweep->space->live * LU_GRANULE + sweep->space->live_large;
}

void lu_sweep(struct lu_sweep *sweep) {
  lu_sweep_begin(sweep);
  lu_sweep_some(sweep, NULL);
  lu_sweep_end(sweep);
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

/* Births are before those that are old. */
static bool clear_large(struct run *run, struct lu_budget *budget) {
  struct lu_sweep_cursor *at = &run->sweep->at;
  while (at->before != run->space->large_old) {
    struct lu_large *large = at->before;
    at->before = large->next;
    if (large->live_cycle == run->sweep->cycle)
      atomic_fetch_and_explicit(lu_map_at(lu_large_object(large), run->map),
                                ~lu_map_bit(lu_large_object(large)),
                                memory_order_relaxed);
    lu_budget_spend(budget, LU_SWEEP_WORK);
    if (lu_budget_over(budget))
      return false;
  }
  return true;
}

void lu_sweep_clear_begin(struct lu_sweep *sweep) { set_cursor(sweep); }

/* Births are in blocks that were handed out in this cycle: those are young. */
bool lu_sweep_clear_some(struct lu_sweep *sweep, struct lu_budget *budget) {
  struct run run = run_of(sweep);
  return clear_large(&run, budget) && each_block(&run, true, clear_births, budget);
}

void lu_sweep_clear_births(struct lu_sweep *sweep) {
  lu_sweep_clear_begin(sweep);
  lu_sweep_clear_some(sweep, NULL);
}
