/*
 * verify/place.c: what a reference may point to: an object in a block, in a part of it that is not
 * free for allocation, or a large object that is on the list.
 *
 *   P.1  FREE, UNUSED, META and RUN blocks hold no small objects.
 *   P.2  In POOLED and FULL blocks objects lie in granules that the last sweep found TAKEN.
 *   P.3  In HELD, RETIRED and ORPHAN blocks they lie in TAKEN granules, or in holes that end at the
 *        cursor: not in what is still to be handed out. No object lies across the edge of a hole.
 * So an object that a sweep took for dead while something still refers to it is found as soon as
 * its block has been swept.
 *
 * Threads: the verifier, with the world stopped and lu_region_publish done for each thread; what it
 * reads is constant then, but for the table of types, which only grows.
 */
#include "verify/place.h"

#include "heap/large.h"
#include "mark/age.h"
#include "heap/sweep.h"
#include "verify/walk.h"

bool lu_place_all_bits(const void *from, size_t granules, unsigned map, bool set) {
  const char *p = from;
  for (size_t i = 0; i < granules; i++, p += LU_GRANULE)
    if (((atomic_load_explicit(lu_map_at(p, map), memory_order_relaxed) & lu_map_bit(p)) != 0) !=
        set)
      return false;
  return true;
}

bool lu_place_is_small(const lull_heap *heap, const void *object) {
  return atomic_load_explicit(&lu_slab_of(&heap->space, object)->kind, memory_order_acquire) ==
         LU_SLAB_SMALL;
}

size_t lu_place_size(const lull_heap *heap, const void *object) {
  return lu_walk_size(&heap->types.rows[lull_type_of(object)], object);
}

bool lu_place_large(const lull_heap *heap, struct lu_objset *large) {
  if (!lu_objset_init(large, &heap->space))
    return false;
  const struct lu_large *at = atomic_load_explicit(&heap->space.large, memory_order_acquire);
  for (; at != NULL; at = at->next)
    if (!lu_space_holds(&heap->space, at) || lu_objset_add(large, at + 1) == LU_OBJSET_NO_MEMORY)
      return false;
  return true;
}

static const char *header_fault(const lull_heap *heap, const void *object) {
  uint32_t word = __atomic_load_n(&((const lull_object *)object)->type_word, __ATOMIC_RELAXED);
  if (word == (uint32_t)LU_SCRIBBLE * 0x01010101u)
    return "is dead: its memory has been scribbled over";
  if ((word & ~LULL_TYPE_INDEX_MASK & ~(LU_AGE_MOST << LU_AGE_SHIFT)) != 0)
    return "has a header with flags that nothing sets";
  if (lu_age(object) > (heap->marking.promote > 1 ? heap->marking.promote : 0))
    return "has an age that nothing gives it";
  if (word == LU_FILLER_TYPE)
    return "has no type: a filler, or memory never used";
  if ((word & LULL_TYPE_INDEX_MASK) >=
      atomic_load_explicit(&heap->types.count, memory_order_acquire))
    return "has a type that does not exist";
  return NULL;
}

static const char *extent_fault(const lull_heap *heap, const void *object) {
  const struct lu_block *block = lu_block_of(&heap->space, object);
  const char *start = lu_block_start(object);
  size_t size = lu_place_size(heap, object);
  size_t granule = (size_t)((const char *)object - start) / LU_GRANULE, n = size / LU_GRANULE;
  if (size == 0 || size > LU_SMALL_MAX || granule + n > LU_BLOCK_GRANULES)
    return "has a size that does not fit its block";
  bool taken = lu_place_all_bits(object, n, LU_MAP_TAKEN, true);
  switch (atomic_load_explicit(&block->state, memory_order_acquire)) {
  case LU_BLOCK_POOLED:
  case LU_BLOCK_FULL:
    return taken ? NULL : "lies in memory that the last sweep found free";
  default:
    if (taken)
      return NULL;
    if (!lu_place_all_bits(object, n, LU_MAP_TAKEN, false))
      return "lies across the edge of a hole";
    return granule + n <= block->cursor
               ? NULL
               : "lies beyond the cursor of its block, in memory still to be handed out";
  }
}

static const char *small_fault(const lull_heap *heap, const void *object) {
  switch (atomic_load_explicit(&lu_block_of(&heap->space, object)->state, memory_order_acquire)) {
  case LU_BLOCK_UNUSED:
  case LU_BLOCK_FREE:
    return "lies in a free block";
  case LU_BLOCK_META:
  case LU_BLOCK_RUN:
    return "lies in a block that holds no objects";
  }
  const char *fault = header_fault(heap, object);
  return fault != NULL ? fault : extent_fault(heap, object);
}

static const char *large_fault(const lull_heap *heap, const struct lu_objset *large,
                               const void *object) {
  if (!lu_objset_has(large, object))
    return "is no large object that the heap knows of";
  const char *fault = header_fault(heap, object);
  if (fault != NULL)
    return fault;
  return lu_place_size(heap, object) == lu_large_of(object)->size
             ? NULL
             : "has another size than was allocated";
}

const char *lu_place_fault(const lull_heap *heap, const struct lu_objset *large,
                           const void *object) {
  if (!lu_space_holds(&heap->space, object))
    return "lies outside the heap";
  if ((uintptr_t)object % LU_GRANULE != 0)
    return "is not aligned to 8 bytes";
  switch (atomic_load_explicit(&lu_slab_of(&heap->space, object)->kind, memory_order_acquire)) {
  case LU_SLAB_SMALL:
    return small_fault(heap, object);
  case LU_SLAB_PAGES:
  case LU_SLAB_SPAN:
  case LU_SLAB_SPAN_REST:
    return large_fault(heap, large, object);
  default:
    return "lies in a slab that is not in use";
  }
}
