/*
 * mark/rescan.c: finding the objects whose scan was put off because no packet was free.
 *
 * Such an object has its first MARK bit set and its block (or large descriptor) a re-scan flag. All
 * others have whole extents, so the MARK bits of a block parse: a set bit where no extent goes on
 * is the start of an object, whose size stands in its header.
 *
 *   X.1  Births of this cycle are skipped: their MARK bits are set in bulk, headers or not, and
 *        they need no scan. In a block with live_cycle == this cycle they are the granules from
 *        live_from on that TAKEN leaves free. Threads take blocks while we look: MARK words are
 *        copied first (acquire), live_cycle read after, and the thread stores live_cycle before it
 *        sets MARK bits (release). So births seen in the copy are known as such.
 *   X.3  In a minor the spare's bits of the block are cleared, which threads in the window may have
 *        set (mark/shade.c). Nobody else touches the spare of a minor, and all threads are past the
 *        window.
 *   X.2  Flags are taken before MARK is read; an object is marked before its flag is set. One that
 *        comes later sets `rescans` again.
 *
 * Threads: the collector, with no other marker at work; mutators run.
 */
#include <string.h>
#include "heap/heap.h"
#include "heap/large.h"
#include "mark/mark.h"
#include "support/assert.h"

/* A block's MARK bits without births of this cycle. */
static void copy_marks(struct lu_marker *marker, struct lu_block *block, const char *memory,
                       uint64_t *marks) {
  const lu_map_word *mark = lu_map_at(memory, marker->map),
                    *taken = lu_map_at(memory, LU_MAP_TAKEN);
  for (size_t i = 0; i < LU_BLOCK_WORDS; i++)
    marks[i] = atomic_load_explicit(&mark[i], memory_order_acquire);
  if (atomic_load_explicit(&block->live_cycle, memory_order_acquire) !=
      (uint32_t)marker->heap->cycle.armed.cycle)
    return;
  size_t from = atomic_load_explicit(&block->live_from, memory_order_relaxed);
  for (size_t i = from / 64; i < LU_BLOCK_WORDS; i++) {
    uint64_t live_part = i == from / 64 ? ~(uint64_t)0 << (from % 64) : ~(uint64_t)0;
    marks[i] &= ~live_part | atomic_load_explicit(&taken[i], memory_order_relaxed);
  }
}

/* The first set bit at or after `granule`, or LU_BLOCK_GRANULES. */
static size_t next_mark(const uint64_t *marks, size_t granule) {
  for (size_t i = granule / 64; i < LU_BLOCK_WORDS; i++) {
    uint64_t word = marks[i];
    if (i == granule / 64)
      word &= ~(uint64_t)0 << (granule % 64);
    if (word != 0)
      return i * 64 + (size_t)__builtin_ctzll(word);
  }
  return LU_BLOCK_GRANULES;
}

/* X.3 */
static void clear_spare(const struct lu_marker *marker, const char *memory) {
  lu_map_word *spare = lu_map_at(memory, marker->map ^ 1);
  for (size_t i = 0; i < LU_BLOCK_WORDS; i++)
    atomic_store_explicit(&spare[i], 0, memory_order_relaxed);
}

static void rescan_block(struct lu_marker *marker, struct lu_block *block) {
  char *memory = lu_block_memory(&marker->heap->space, block);
  uint64_t marks[LU_BLOCK_WORDS];
  copy_marks(marker, block, memory, marks);
  if (marker->minor)
    clear_spare(marker, memory);
  for (size_t granule = 0; (granule = next_mark(marks, granule)) < LU_BLOCK_GRANULES;) {
    void *object = memory + granule * LU_GRANULE;
    const struct lu_type *type = &marker->heap->types.rows[lull_type_of(object)];
    size_t size = lu_type_object_size(type, object);
    LU_ASSERT(lull_type_of(object) != LU_FILLER_TYPE &&
              granule + size / LU_GRANULE <= LU_BLOCK_GRANULES);
    lu_marker_rescan_object(marker, object);
    granule += size / LU_GRANULE;
  }
  lu_marker_drain(marker, NULL);
}

static void rescan_blocks(struct lu_marker *marker) {
  struct lu_space *space = &marker->heap->space;
  size_t blocks = atomic_load_explicit(&space->slabs_high, memory_order_acquire) * LU_SLAB_BLOCKS;
  for (size_t i = 0; i < blocks; i++)
    if (atomic_load_explicit(&space->blocks[i].rescan, memory_order_relaxed) != 0 &&
        atomic_exchange_explicit(&space->blocks[i].rescan, 0, memory_order_acquire) != 0)
      rescan_block(marker, &space->blocks[i]);
}

static void rescan_larges(struct lu_marker *marker) {
  struct lu_large *large = atomic_load_explicit(&marker->heap->space.large, memory_order_acquire);
  for (; large != NULL; large = large->next)
    if (atomic_exchange_explicit(&large->rescan, 0, memory_order_acquire) != 0) {
      void *object = lu_large_object(large);
      if (marker->minor)
        atomic_fetch_and_explicit(lu_map_at(object, marker->map ^ 1), ~lu_map_bit(object),
                                  memory_order_relaxed);
      lu_marker_rescan_large(marker, large);
      lu_marker_drain(marker, NULL);
    }
}

bool lu_mark_rescan(struct lu_marker *marker) {
  if (atomic_exchange(&marker->marking->rescans, 0) == 0)
    return false;
  rescan_blocks(marker);
  rescan_larges(marker);
  return true;
}
