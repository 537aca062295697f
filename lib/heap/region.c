/*
 * heap/region.c: small allocation's slow path: zeroing ahead of the bump, finding the next hole,
 * taking and giving up blocks.
 *
 * Invariants: R.1 to R.3 of heap/region.h, and
 *   R.4  [limit, hole_end) is what it was when the hole was entered: dirty, or zero if
 *        block->clean. Nothing outside holes is written.
 *   R.5  A region keeps its block until it has another: a request that cannot be served leaves the
 *        holes for smaller ones.
 *
 * Zeroing in steps just ahead of the bump costs a third of zeroing whole holes
 * (doc/design/performance.md); all of it is here, so that the inline path is a compare and an add.
 *
 * Threads: the mutator's owner, RUNNING, or whoever runs a closure for it. The only shared words
 * written here are MARK words of free granules: a word that is wholly free in TAKEN is nobody
 * else's; others are changed by fetch_or, as markers set bits of the neighbours. The bits are set
 * before an object is allocated under them, so whoever learns of the object (by an acquire load of
 * a reference) sees them.
 */
#include "heap/region.h"

#include <string.h>
#include "heap/heap.h"
#include "heap/holes.h"
#include "support/assert.h"
#include "support/tool.h"

/* With this much of a hole left, zeroing goes in steps of it without prefetching: the processor
 * writes so long a run of zeros without reading what was there. Clean memory needs no writing. */
#define LONG_STEP ((size_t)4096)
/* In shorter holes: steps of at most this, and this much prefetched ahead, across holes. */
#define SHORT_STEP ((size_t)2048)
_Static_assert(LONG_STEP <= LU_SMALL_MAX, "the inline path must not find room for a large object");
/* What must be left in a block that is given up for it to be worth another thread's while. */
#define LEFTOVER_GRANULES (1024 / LU_GRANULE)
/* Above this share of the goal, blocks of small holes are used before empty ones: else a heap far
 * below its limit would spread over ever more blocks, each with a few survivors. */
#define SPARSE_FIRST_PERCENT 60
/* While a sweep returns one block after another, a search that finds nothing ends all the same: the
 * stall that follows wakes at once. */
#define CLAIM_ROUNDS 3

static const lu_map_word *taken_of(const char *memory) { return lu_map_at(memory, LU_MAP_TAKEN); }

static uint32_t granule_of(const char *memory, const char *p) {
  return (uint32_t)((size_t)(p - memory) / LU_GRANULE);
}

/* The small region's bump and limit live in the public prefix. */
static void fetch_small(struct lu_mutator *mutator) {
  mutator->small.bump = lu_apart(mutator->thread.pub.bump);
  mutator->small.limit = lu_apart(mutator->thread.pub.limit);
}

static void store_small(struct lu_mutator *mutator) {
  mutator->thread.pub.bump = lu_apart(mutator->small.bump);
  mutator->thread.pub.limit = lu_apart(mutator->small.limit);
}

/* Makes [at, end) one filler. */
static void write_filler(char *at, const char *end) {
  LU_ASSERT(at < end && (size_t)(end - at) <= LU_BLOCK_BYTES);
  uint64_t header = (uint64_t)((size_t)(end - at) / LU_GRANULE) << 32 | LU_FILLER_TYPE;
  memcpy(at, &header, sizeof header);
}

static void close_hole(struct lu_region *region) {
  if (region->bump < region->hole_end)
    write_filler(region->bump, region->hole_end);
  region->bump = region->limit = region->hole_end;
}

/*
 * Finds one more hole behind those that are known; false when there is none, or no room to keep it.
 */
static bool find_ahead(struct lu_region *region, char *memory) {
  struct lu_hole *hole =
      &region->ahead[(region->ahead_first + region->ahead_count) % LU_HOLES_AHEAD];
  if (region->ahead_count == LU_HOLES_AHEAD ||
      !lu_hole_find(taken_of(memory), granule_of(memory, region->fetch_end),
                    region->block->smallest_hole, hole))
    return false;
  region->ahead_count++;
  region->fetch = memory + (size_t)hole->start * LU_GRANULE;
  region->fetch_end = memory + (size_t)hole->end * LU_GRANULE;
  return true;
}

/* Forgets the first hole ahead. */
static void drop_ahead(struct lu_region *region) {
  region->ahead_first = (region->ahead_first + 1) % LU_HOLES_AHEAD;
  region->ahead_count--;
}

/* Prefetches the next `bytes` bytes that will be zeroed, also in the holes that follow. */
static void fetch_ahead(const struct lu_mutator *mutator, struct lu_region *region, size_t bytes) {
  char *memory = lu_block_memory(&mutator->heap->space, region->block);
  for (ptrdiff_t left = (ptrdiff_t)bytes; left > 0;) {
    if (region->fetch < region->fetch_end) {
      LU_PREFETCH_WRITE(region->fetch);
      region->fetch += LU_CACHE_LINE;
      left -= LU_CACHE_LINE;
    } else if (!find_ahead(region, memory)) {
      return;
    }
  }
}

/* Zeroes [limit, to), and prefetches as much ahead where that helps. */
static void zero(const struct lu_mutator *mutator, struct lu_region *region, char *to) {
  size_t bytes = (size_t)(to - region->limit);
  memset(region->limit, 0, bytes);
  if (bytes > SHORT_STEP)
    return;
  if (region->fetch < to && to <= region->fetch_end)
    region->fetch = to;
  fetch_ahead(mutator, region, bytes);
}

/* How many bytes from the bump on are made ready at once. */
static size_t step_for(const struct lu_mutator *mutator, const struct lu_region *region,
                       size_t size) {
  size_t room = (size_t)(region->hole_end - region->bump),
         stress = mutator->heap->settings.stress_region;
  size_t step = room >= 2 * LONG_STEP ? LONG_STEP : SHORT_STEP;
  if (LULL_UNLIKELY(stress != 0) && step > stress)
    step = stress & ~(size_t)(LU_GRANULE - 1);
  if (step < size)
    step = size;
  return step < room ? step : room;
}

/* Moves the limit so that `size` bytes are zero from the bump on; the hole has them. */
static void extend(const struct lu_mutator *mutator, struct lu_region *region, size_t size) {
  char *limit = region->bump + step_for(mutator, region, size);
  if (!atomic_load_explicit(&region->block->clean, memory_order_relaxed))
    zero(mutator, region, limit);
  region->limit = limit;
}

static bool fits(const struct lu_region *region, size_t size) {
  return region->block != NULL && (size_t)(region->hole_end - region->bump) >= size;
}

static char *bump(const struct lu_mutator *mutator, struct lu_region *region, size_t size) {
  if ((size_t)(region->limit - region->bump) < size)
    extend(mutator, region, size);
  char *object = region->bump;
  region->bump += size;
  LU_ASSERT(region->bump <= region->limit && region->limit <= region->hole_end);
  return object;
}

/* Makes fillers of the holes from `from` to `to`. */
static void fill_holes(const struct lu_region *region, char *memory, uint32_t from, uint32_t to) {
  struct lu_hole passed;
  for (; lu_hole_find(taken_of(memory), from, region->block->smallest_hole, &passed) &&
         passed.start < to;
       from = passed.end)
    write_filler(memory + (size_t)passed.start * LU_GRANULE,
                 memory + (size_t)passed.end * LU_GRANULE);
}

/*
 * The first hole ahead of at least `needed` granules, with those before it made fillers and
 * forgotten. Changes nothing when there is none.
 */
static bool find_next(struct lu_region *region, char *memory, uint32_t needed,
                      struct lu_hole *hole) {
  uint32_t smallest = region->block->smallest_hole, from = granule_of(memory, region->hole_end);
  if (!lu_hole_find(taken_of(memory), from, needed > smallest ? needed : smallest, hole))
    return false;
  if (needed > smallest)
    fill_holes(region, memory, from, hole->start);
  while (region->ahead_count > 0 && region->ahead[region->ahead_first].start <= hole->start)
    drop_ahead(region);
  return true;
}

/* The next hole, if it is known and takes `needed` granules. */
static bool take_known(struct lu_region *region, uint32_t needed, struct lu_hole *hole) {
  if (region->ahead_count == 0)
    return false;
  *hole = region->ahead[region->ahead_first];
  if (hole->end - hole->start < needed)
    return false;
  drop_ahead(region);
  return true;
}

/* Moves to the first hole ahead that takes `size` bytes, filling those passed over. Changes nothing
 * when there is none. */
static bool next_hole(const struct lu_mutator *mutator, struct lu_region *region, size_t size) {
  char *memory = lu_block_memory(&mutator->heap->space, region->block);
  uint32_t needed = (uint32_t)(size / LU_GRANULE);
  struct lu_hole hole;
  if (!take_known(region, needed, &hole) && !find_next(region, memory, needed, &hole))
    return false;
  close_hole(region);
  region->bump = region->limit = memory + (size_t)hole.start * LU_GRANULE;
  region->hole_end = memory + (size_t)hole.end * LU_GRANULE;
  if (region->fetch_end < region->hole_end) {
    region->fetch = region->bump;
    region->fetch_end = region->hole_end;
  }
  return true;
}

static void publish_cursor(const struct lu_mutator *mutator, struct lu_region *region) {
  region->block->cursor =
      (uint16_t)granule_of(lu_block_memory(&mutator->heap->space, region->block), region->bump);
}

/* Gives the region's block to other threads if enough of it is left, else to the next sweep. */
static void give_up(struct lu_mutator *mutator, struct lu_region *region) {
  struct lu_block *block = region->block;
  if (block == NULL)
    return;
  /* A rest that no adopter would take for a hole must not look like one half used. */
  if ((size_t)(region->hole_end - region->bump) < (size_t)block->smallest_hole * LU_GRANULE)
    close_hole(region);
  publish_cursor(mutator, region);
  uint32_t largest;
  uint32_t left = lu_holes_sum(taken_of(lu_block_memory(&mutator->heap->space, block)),
                               block->cursor, block->smallest_hole, &largest);
  *region = (struct lu_region){0};
  if (left < LEFTOVER_GRANULES) {
    lu_block_retire(block);
    return;
  }
  block->free_granules = (uint16_t)left;
  atomic_store_explicit(&block->largest_hole, (uint16_t)largest, memory_order_relaxed);
  lu_block_release(&mutator->heap->space, block, LU_POOL_ORPHAN);
}

/* Sets the MARK bits of all granules from `from` on that are free in TAKEN. Release: whoever reads
 * one of the bits and then live_cycle knows it as a birth. */
static void mark_free(const char *memory, uint32_t from, unsigned map) {
  lu_map_word *mark = lu_map_at(memory, map);
  const lu_map_word *taken = taken_of(memory);
  uint64_t mask = ~(uint64_t)0 << (from % 64);
  for (uint32_t i = from / 64; i < LU_BLOCK_WORDS; i++, mask = ~(uint64_t)0) {
    uint64_t bits = ~lu_map_load(&taken[i]) & mask;
    if (bits == ~(uint64_t)0)
      atomic_store_explicit(&mark[i], bits, memory_order_release);
    else if (bits != 0)
      atomic_fetch_or_explicit(&mark[i], bits, memory_order_release);
  }
}

/* From `at` on, births in the block are live in the thread's cycle (R.3). */
static void bear_live(const struct lu_mutator *mutator, struct lu_block *block, const char *at) {
  char *memory = lu_block_memory(&mutator->heap->space, block);
  uint32_t from = granule_of(memory, at);
  atomic_store_explicit(&block->live_from, (uint16_t)from, memory_order_relaxed);
  /* Release: who reads this cycle's number reads this live_from, not an earlier one
   * (mark/rescan.c). */
  atomic_store_explicit(&block->live_cycle, mutator->cycle, memory_order_release);
  mark_free(memory, from, mutator->mark_map);
}

/* Starts using a block that this thread has claimed. */
static void take(struct lu_mutator *mutator, struct lu_region *region, struct lu_block *block) {
  give_up(mutator, region);
  char *memory = lu_block_memory(&mutator->heap->space, block);
  region->block = block;
  region->bump = region->limit = region->hole_end = memory + (size_t)block->cursor * LU_GRANULE;
  region->fetch = region->fetch_end = region->bump;
  region->ahead_count = 0;
  if (!atomic_load_explicit(&block->clean, memory_order_relaxed) &&
      block->free_granules < LU_BLOCK_GRANULES)
    fetch_ahead(mutator, region, SHORT_STEP);
  /* An orphan left by another thread in this cycle has its bits already, from its live_from on. */
  if (mutator->born_live &&
      atomic_load_explicit(&block->live_cycle, memory_order_relaxed) != mutator->cycle)
    bear_live(mutator, block, region->bump);
  mutator->handed_out += (size_t)block->free_granules * LU_GRANULE;
}

/*
 * The cycle whose orphans this thread must not adopt. Between its H1 and H2 of a cycle what it
 * allocates is not yet live there, while a thread that is further may have left a block whose holes
 * are. In every other phase all threads agree.
 */
static uint32_t foreign_cycle(const struct lu_mutator *mutator) {
  return mutator->phase == LU_WINDOW ? mutator->cycle + 1 : 0;
}

/* A block that somebody has used before, with a hole for `granules`: first what other threads left,
 * then by room. */
static struct lu_block *claim_used(struct lu_mutator *mutator, uint32_t granules, bool sparse) {
  struct lu_space *space = &mutator->heap->space;
  struct lu_block *block = lu_block_claim(space, LU_POOL_ORPHAN, granules, foreign_cycle(mutator));
  if (block == NULL)
    block = lu_block_claim(space, LU_POOL_ROOMY, granules, 0);
  if (block == NULL && sparse)
    block = lu_block_claim(space, LU_POOL_SPARSE, granules, 0);
  return block;
}

static bool sparse_first(const struct lu_space *space) {
  return atomic_load_explicit(&space->used, memory_order_relaxed) >
         atomic_load_explicit(&space->goal, memory_order_relaxed) / 100 * SPARSE_FIRST_PERCENT;
}

/*
 * An empty block, unless large objects may soon need the rest of the limit. Small objects find room
 * in holes, large ones do not: without a reserve, blocks that are each half full of survivors end
 * up covering the whole limit. A thread that has waited for a cycle in vain may use it up.
 */
static struct lu_block *claim_free(struct lu_mutator *mutator, uint32_t granules) {
  struct lu_space *space = &mutator->heap->space;
  if (!mutator->pressed && atomic_load_explicit(&space->used, memory_order_relaxed) >
                               space->limit - lu_space_kept_for_large(space))
    return NULL;
  return lu_block_claim(space, LU_POOL_FREE, granules, 0);
}

/* A block for small objects. Searches again when a block may have moved from a pool not yet to one
 * already looked at. */
static struct lu_block *claim_for_small(struct lu_mutator *mutator, size_t size) {
  struct lu_space *space = &mutator->heap->space;
  uint32_t granules = (uint32_t)(size / LU_GRANULE);
  for (int round = 0; round < CLAIM_ROUNDS; round++) {
    uint64_t seen = atomic_load_explicit(&space->returns, memory_order_acquire);
    bool sparse = sparse_first(space);
    struct lu_block *block = claim_used(mutator, granules, sparse);
    if (block == NULL)
      block = claim_free(mutator, granules);
    if (block == NULL && !sparse)
      block = lu_block_claim(space, LU_POOL_SPARSE, granules, 0);
    if (block != NULL || seen == atomic_load_explicit(&space->returns, memory_order_acquire))
      return block;
  }
  return NULL;
}

/*
 * A block for an object that wants an empty one, or any with a hole that takes it; in a heap that
 * has grown to its goal the other way round.
 */
static struct lu_block *claim_for_medium(struct lu_mutator *mutator, size_t size) {
  struct lu_space *space = &mutator->heap->space;
  uint32_t granules = (uint32_t)(size / LU_GRANULE);
  for (int round = 0; round < CLAIM_ROUNDS; round++) {
    uint64_t seen = atomic_load_explicit(&space->returns, memory_order_acquire);
    bool used_first = sparse_first(space);
    struct lu_block *block = used_first ? claim_used(mutator, granules, true) : NULL;
    if (block == NULL)
      block = claim_free(mutator, granules);
    if (block == NULL && !used_first)
      block = claim_used(mutator, granules, true);
    if (block != NULL || seen == atomic_load_explicit(&space->returns, memory_order_acquire))
      return block;
  }
  return NULL;
}

char *lu_region_extend(struct lu_mutator *mutator, size_t size) {
  struct lu_region *region = &mutator->small;
  char *object = mutator->thread.pub.bump, *limit = mutator->thread.pub.limit;
  LU_ASSERT(size > 0 && size % LU_GRANULE == 0);
  if ((size_t)(limit - object) >= size || size > LONG_STEP ||
      (size_t)(region->hole_end - object) < 2 * LONG_STEP ||
      LULL_UNLIKELY(mutator->heap->settings.stress_region != 0))
    return NULL;
  char *to = object + LONG_STEP;
  if (!atomic_load_explicit(&region->block->clean, memory_order_relaxed))
    memset(limit, 0, (size_t)(to - limit));
  mutator->thread.pub.limit = to;
  mutator->thread.pub.bump = object + size;
  return object;
}

static char *allocate_small(struct lu_mutator *mutator, size_t size) {
  struct lu_region *region = &mutator->small;
  while (!fits(region, size)) {
    if (region->block != NULL && next_hole(mutator, region, size))
      continue;
    struct lu_block *block = claim_for_small(mutator, size);
    if (block != NULL)
      take(mutator, region, block);
    else if (fits(&mutator->overflow, size) ||
             (mutator->overflow.block != NULL && next_hole(mutator, &mutator->overflow, size)))
      return bump(mutator, &mutator->overflow, size);
    else
      return NULL;
  }
  return bump(mutator, region, size);
}

static char *allocate_medium(struct lu_mutator *mutator, size_t size) {
  struct lu_region *region = &mutator->overflow;
  while (!fits(region, size)) {
    if (region->block != NULL && next_hole(mutator, region, size))
      continue;
    struct lu_block *block = claim_for_medium(mutator, size);
    if (block != NULL)
      take(mutator, region, block);
    else if (mutator->small.block != NULL && next_hole(mutator, &mutator->small, size))
      return bump(mutator, &mutator->small, size);
    else
      return NULL;
  }
  return bump(mutator, region, size);
}

char *lu_region_allocate(struct lu_mutator *mutator, size_t size) {
  LU_ASSERT(size > 0 && size <= LU_SMALL_MAX && size % LU_GRANULE == 0);
  fetch_small(mutator);
  char *object;
  if (fits(&mutator->small, size))
    object = bump(mutator, &mutator->small, size);
  else
    object = size > LU_MEDIUM ? allocate_medium(mutator, size) : allocate_small(mutator, size);
  store_small(mutator);
  return object;
}

void lu_region_split(struct lu_mutator *mutator) {
  LU_ASSERT(mutator->born_live);
  fetch_small(mutator);
  if (mutator->small.block != NULL)
    bear_live(mutator, mutator->small.block, mutator->small.bump);
  if (mutator->overflow.block != NULL)
    bear_live(mutator, mutator->overflow.block, mutator->overflow.bump);
}

void lu_region_publish(struct lu_mutator *mutator) {
  fetch_small(mutator);
  if (mutator->small.block != NULL)
    publish_cursor(mutator, &mutator->small);
  if (mutator->overflow.block != NULL)
    publish_cursor(mutator, &mutator->overflow);
}

void lu_region_abandon(struct lu_mutator *mutator) {
  fetch_small(mutator);
  give_up(mutator, &mutator->small);
  give_up(mutator, &mutator->overflow);
  store_small(mutator);
}
