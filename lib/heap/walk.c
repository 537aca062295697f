/*
 * heap/walk.c: finds every object of a block by parsing it.
 *
 * Granules that TAKEN has are objects side by side, with sizes from their headers. Free runs that
 * are long enough to have been holes (smallest_hole), up to the block's cursor, are objects and
 * fillers side by side (R.1); from the cursor on they are no objects.
 *
 * Threads: one, with the world stopped and regions published.
 */
#include "heap/heap.h"
#include "heap/holes.h"
#include "heap/region.h"
#include "heap/sweep.h"
#include "support/assert.h"

struct walk {
  const lull_heap *heap;
  void (*fn)(void *object, void *arg);
  void *arg;
};

/* Granules of the object or filler at p; calls fn for an object. */
static uint32_t step(const struct walk *walk, char *p, uint32_t room) {
  uint32_t index = lull_type_of(p), granules;
  if (index == LU_FILLER_TYPE) {
    granules = (uint32_t)(*(const uint64_t *)p >> 32);
    LU_CHECK(granules > 0 && granules <= room, "a filler does not fit its hole");
    return granules;
  }
  LU_CHECK(index < atomic_load_explicit(&walk->heap->types.count, memory_order_acquire),
           "an object has no type");
  size_t size = lu_type_object_size(&walk->heap->types.rows[index], p);
  LU_CHECK(size >= LU_GRANULE && size <= (size_t)room * LU_GRANULE,
           "an object does not fit the run it lies in");
  walk->fn(p, walk->arg);
  return (uint32_t)(size / LU_GRANULE);
}

static void parse(const struct walk *walk, char *memory, uint32_t from, uint32_t to) {
  while (from < to)
    from += step(walk, memory + (size_t)from * LU_GRANULE, to - from);
}

/* How far holes of the block have been used. */
static uint32_t used_up_to(const struct lu_block *block) {
  switch (atomic_load_explicit(&block->state, memory_order_acquire)) {
  case LU_BLOCK_HELD:
  case LU_BLOCK_RETIRED:
  case LU_BLOCK_ORPHAN:
    return block->cursor;
  default:
    return 0;
  }
}

void lu_block_each_object(const lull_heap *heap, struct lu_block *block,
                          void (*fn)(void *object, void *arg), void *arg) {
  struct walk walk = {heap, fn, arg};
  enum lu_block_state state = atomic_load_explicit(&block->state, memory_order_acquire);
  if (state == LU_BLOCK_UNUSED || state == LU_BLOCK_FREE || state == LU_BLOCK_META ||
      state == LU_BLOCK_RUN)
    return;
  char *memory = lu_block_memory(&heap->space, block);
  const lu_map_word *taken = lu_map_at(memory, LU_MAP_TAKEN);
  uint32_t used = used_up_to(block);
  for (uint32_t at = 0; at < LU_BLOCK_GRANULES;) {
    uint32_t hole = lu_bits_next(taken, at, ~(uint64_t)0);
    parse(&walk, memory, at, hole);
    at = lu_bits_next(taken, hole, 0);
    if (at - hole >= block->smallest_hole && hole < used)
      parse(&walk, memory, hole, at < used ? at : used);
  }
}
