/*
 * verify/check_marks.c: the mark bits: what is reachable has them, what is free has none.
 *
 *   K.1  MARKED: every object reachable now, and every one reachable when all threads had
 *        acknowledged H3 (M.1; the snapshot that the verifier took then), has its first MARK bit.
 *        Of a small object the whole extent has.
 *   K.2  At every edge after marking: a small object's extent is marked whole or not at all; a
 *        reachable object that the sweep before knew (its granules are TAKEN) is marked, but for a
 *        survivor that is not promoted (K.6). No two reachable objects overlap.
 *   K.3  While births are live: in a block with live_cycle == the cycle, every granule free in
 *        TAKEN is marked from live_from on (R.3).
 *   K.4  SETTLED, IDLE: there no such granule is; POOLED and FULL blocks have MARK == TAKEN, or
 *        MARK within TAKEN if they hold survivors that are not promoted; FREE blocks have clear
 *        bitmaps and are not young; the spare map of every slab is clear. In a minor, which does
 *        not use the spare, it is clear from MARKED on.
 *   K.5  Between marking and the next cycle no re-scan flag is set.
 *   K.6  With gc.promote above 1 an object whose MARK bit was cleared because it is not promoted
 *        has an age below that, and its block is young. SETTLED, IDLE: what is marked has that age.
 *   K.7  What was handed out since its last sweep is in the young mask: HELD, RETIRED and ORPHAN
 *        blocks are. SETTLED, IDLE: large objects from large_old on are old: marked, promoted.
 */
#include "heap/large.h"
#include "mark/age.h"
#include "verify/checks.h"
#include "verify/place.h"

static bool is_marked_at(const void *object, unsigned map) {
  return (atomic_load_explicit(lu_map_at(object, map), memory_order_relaxed) &
          lu_map_bit(object)) != 0;
}

static void check_snapshot(void *object, void *arg) {
  struct lu_checks *checks = arg;
  if (!is_marked_at(object, checks->heap->marking.map))
    lu_violation(&checks->report,
                 "%s was reachable when the roots had been scanned, and is not marked",
                 lu_describe(checks->heap, object).text);
}

static void check_overlap(struct lu_checks *checks, const char *object, size_t size) {
  const void *inner =
      lu_objset_next(lu_oracle_reached(checks->oracle), object + LU_GRANULE, object + size);
  if (inner != NULL)
    lu_violation(&checks->report, "%s begins inside %s", lu_describe(checks->heap, inner).text,
                 lu_describe(checks->heap, object).text);
}

static void complain(struct lu_checks *checks, const void *object, const char *what) {
  lu_violation(&checks->report, "%s is reachable and %s", lu_describe(checks->heap, object).text,
               what);
  lu_check_explain(checks, object);
}

static bool is_young(const struct lu_space *space, const struct lu_block *block) {
  size_t index = (size_t)(block - space->blocks);
  const struct lu_slab *slab = &space->slabs[index / LU_SLAB_BLOCKS];
  uint64_t young = atomic_load_explicit(&slab->young, memory_order_relaxed);
  return (young >> (index % LU_SLAB_BLOCKS) & 1) != 0;
}

/* K.6 */
static bool is_unpromoted(const struct lu_checks *checks, const void *object) {
  const struct lu_space *space = &checks->heap->space;
  return lu_age(object) < checks->heap->marking.promote && lu_age(object) > 0 &&
         is_young(space, lu_block_of(space, object));
}

/* Whether an object may be old, by its age. */
static bool is_promoted(const struct lu_checks *checks, const void *object) {
  unsigned promote = checks->heap->marking.promote;
  return promote == 1 || lu_age(object) == promote;
}

/* K.1, K.2 of one reachable object. */
static void check_reachable(void *object, void *arg) {
  struct lu_checks *checks = arg;
  unsigned map = checks->heap->marking.map;
  bool marked = is_marked_at(object, map);
  if (!marked && (checks->edge == LU_EDGE_MARKED || checks->edge == LU_EDGE_SWEPT))
    complain(checks, object, "not marked");
  if (!lu_place_is_small(checks->heap, object))
    return;
  size_t size = lu_place_size(checks->heap, object);
  if (!lu_place_all_bits(object, size / LU_GRANULE, map, marked))
    complain(checks, object, "marked in part only");
  if (!marked && lu_place_all_bits(object, 1, LU_MAP_TAKEN, true) && !is_unpromoted(checks, object))
    complain(checks, object, "not marked, though it is older than the last sweep");
  if (marked && lu_edge_settled(checks->edge) && !is_promoted(checks, object))
    complain(checks, object, "marked, though its age says that it is not old");
  check_overlap(checks, object, size);
}

static uint64_t word_of(const char *memory, size_t i, unsigned map) {
  return atomic_load_explicit(lu_map_at(memory, map) + i, memory_order_relaxed);
}

/* Bits of word i of a block that stand for granules from `from` on. */
static uint64_t from_mask(size_t i, size_t from) {
  return from >= (i + 1) * 64 ? 0 : from <= i * 64 ? ~(uint64_t)0 : ~(uint64_t)0 << (from - i * 64);
}

/* K.3, or its end: K.4. */
static void check_births(struct lu_checks *checks, const struct lu_block *block,
                         const char *memory) {
  unsigned map = checks->heap->marking.map;
  size_t from = atomic_load_explicit(&block->live_from, memory_order_relaxed);
  bool live = lu_edge_born_live(checks->edge);
  for (size_t i = 0; i < LU_BLOCK_WORDS; i++) {
    uint64_t births = ~word_of(memory, i, LU_MAP_TAKEN) & from_mask(i, from);
    uint64_t marked = word_of(memory, i, map) & births;
    if (marked == (live ? births : 0))
      continue;
    lu_violation(
        &checks->report,
        "block %p, granules from %zu: births from granule %zu on are live, and their MARK is %s",
        (const void *)memory, i * 64, from, live ? "not set" : "still set");
    return;
  }
}

static bool words_are_clear(const char *memory, unsigned map) {
  for (size_t i = 0; i < LU_BLOCK_WORDS; i++)
    if (word_of(memory, i, map) != 0)
      return false;
  return true;
}

/* MARK is TAKEN, or, where survivors may have lost their bits, within it. */
static bool agrees_with_taken(const char *memory, unsigned map, bool young) {
  for (size_t i = 0; i < LU_BLOCK_WORDS; i++) {
    uint64_t mark = word_of(memory, i, map), taken = word_of(memory, i, LU_MAP_TAKEN);
    if (young ? (mark & ~taken) != 0 : mark != taken)
      return false;
  }
  return true;
}

static void check_block(struct lu_checks *checks, const struct lu_block *block) {
  const struct lu_space *space = &checks->heap->space;
  const char *memory = lu_block_memory(space, block);
  unsigned map = checks->heap->marking.map;
  unsigned state = atomic_load_explicit(&block->state, memory_order_acquire);
  bool handed_out = state == LU_BLOCK_HELD || state == LU_BLOCK_RETIRED || state == LU_BLOCK_ORPHAN;
  bool born = atomic_load_explicit(&block->live_cycle, memory_order_relaxed) ==
              checks->heap->cycle.armed.cycle;
  if (handed_out && born && checks->heap->cycle.armed.cycle != 0 &&
      (lu_edge_born_live(checks->edge) || lu_edge_settled(checks->edge)))
    check_births(checks, block, memory);
  if (lu_edge_settled(checks->edge) && (state == LU_BLOCK_POOLED || state == LU_BLOCK_FULL) &&
      !agrees_with_taken(memory, map, is_young(space, block)))
    lu_violation(&checks->report, "block %p is swept, and its MARK and TAKEN differ",
                 (const void *)memory);
  if (state == LU_BLOCK_FREE && is_young(space, block))
    lu_violation(&checks->report, "block %p is FREE, and young", (const void *)memory);
  if (handed_out && !is_young(space, block))
    lu_violation(&checks->report, "block %p was handed out, and is not young",
                 (const void *)memory);
  if (state == LU_BLOCK_FREE)
    for (unsigned m = LU_MAP_A; m <= LU_MAP_TAKEN; m++)
      if (!words_are_clear(memory, m))
        lu_violation(&checks->report, "block %p is FREE, and its bitmap %u is not clear",
                     (const void *)memory, m);
  if (lu_edge_after_marking(checks->edge) &&
      atomic_load_explicit(&block->rescan, memory_order_relaxed) != 0)
    lu_violation(&checks->report, "block %p has its re-scan flag set", (const void *)memory);
}

static bool spare_is_clear(const char *slab, unsigned spare) {
  for (size_t i = 0; i < LU_BLOCK_BYTES / sizeof(uint64_t); i++)
    if (atomic_load_explicit(lu_map_at(slab, spare) + i, memory_order_relaxed) != 0)
      return false;
  return true;
}

static void check_slab(struct lu_checks *checks, size_t index) {
  const struct lu_space *space = &checks->heap->space;
  unsigned kind = atomic_load_explicit(&space->slabs[index].kind, memory_order_acquire);
  const char *memory = space->base + index * LU_SLAB_BYTES;
  if (kind == LU_SLAB_UNUSED || kind == LU_SLAB_SPAN_REST)
    return;
  bool unused = checks->heap->marking.minor && lu_edge_after_marking(checks->edge);
  if ((unused || lu_edge_settled(checks->edge)) &&
      !spare_is_clear(memory, checks->heap->marking.map ^ 1))
    lu_violation(&checks->report, "slab %p: the spare MARK is not clear", (const void *)memory);
  if (kind == LU_SLAB_SMALL)
    for (size_t i = LU_META_BLOCKS; i < LU_SLAB_BLOCKS; i++)
      check_block(checks, &space->blocks[index * LU_SLAB_BLOCKS + i]);
}

static void check_large(struct lu_checks *checks) {
  const struct lu_large *large =
      atomic_load_explicit(&checks->heap->space.large, memory_order_acquire);
  bool old = false;
  for (; large != NULL; large = large->next) {
    old = old || large == checks->heap->space.large_old;
    if (lu_edge_after_marking(checks->edge) &&
        atomic_load_explicit(&large->rescan, memory_order_relaxed) != 0)
      lu_violation(&checks->report, "large object %p has its re-scan flag set",
                   (const void *)(large + 1));
    bool born = large->live_cycle == checks->heap->cycle.armed.cycle && large->live_cycle != 0;
    bool marked = is_marked_at(large + 1, checks->heap->marking.map);
    if (born && lu_edge_settled(checks->edge) && marked)
      lu_violation(&checks->report, "large object %p was born live, and its MARK is still set",
                   (const void *)(large + 1));
    if (old && lu_edge_settled(checks->edge) && !(marked && is_promoted(checks, large + 1)))
      lu_violation(&checks->report, "large object %p is young, and listed among the old ones",
                   (const void *)(large + 1));
  }
  if (!old && checks->heap->space.large_old != NULL)
    lu_violation(&checks->report, "the first old large object is not on the list");
}

void lu_check_marks(struct lu_checks *checks) {
  size_t high = atomic_load_explicit(&checks->heap->space.slabs_high, memory_order_acquire);
  if (lu_edge_after_marking(checks->edge))
    lu_objset_each(lu_oracle_reached(checks->oracle), check_reachable, checks);
  const struct lu_oracle *snapshot = checks->heap->snapshot;
  if (checks->edge == LU_EDGE_MARKED && snapshot != NULL &&
      lu_oracle_cycle(snapshot) == checks->heap->cycle.armed.cycle)
    lu_objset_each(lu_oracle_reached(snapshot), check_snapshot, checks);
  for (size_t i = 0; i < high; i++)
    check_slab(checks, i);
  check_large(checks);
}
