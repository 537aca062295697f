/*
 * mark/check.c: debug checks of the arguments of a store (lull/barrier.h, rules B.1, B.3, B.4).
 *
 * What can be told of a pointer in O(1): it lies in the space, on a granule, in a block that holds
 * objects; if the block waits in a pool, its granule was occupied at the last sweep; its type is
 * one of the heap's. An object that died and whose block has not been swept yet cannot be told from
 * a live one; under stress.scribble a swept one always can.
 *
 * Threads: the owner of the store. The block's state may change while it is looked at only if the
 * object is dead.
 */
#include "mark/check.h"

#ifdef LULL_DEBUG

#include "heap/heap.h"
#include "heap/large.h"
#include "support/assert.h"
#include "verify/audit.h"

static const char *fault_of_block(const lull_heap *heap, const void *object) {
  const struct lu_block *block = lu_block_of(&heap->space, object);
  switch (atomic_load_explicit(&block->state, memory_order_acquire)) {
  case LU_BLOCK_HELD:
  case LU_BLOCK_RETIRED:
  case LU_BLOCK_ORPHAN:
    return NULL;
  case LU_BLOCK_POOLED:
  case LU_BLOCK_FULL:
    if (atomic_load_explicit(lu_map_at(object, LU_MAP_TAKEN), memory_order_relaxed) &
        lu_map_bit(object))
      return NULL;
    /* A sweep may have claimed the block a moment ago, or a thread: only what stays free is
     * dead. */
    return atomic_load_explicit(&block->state, memory_order_acquire) == LU_BLOCK_POOLED &&
                   !(atomic_load_explicit(lu_map_at(object, LU_MAP_TAKEN), memory_order_acquire) &
                     lu_map_bit(object)) &&
                   !lu_is_marked(object, LU_MAP_A) && !lu_is_marked(object, LU_MAP_B)
               ? "is a dead object: its memory is free"
               : NULL;
  case LU_BLOCK_FREE:
  case LU_BLOCK_UNUSED:
    return "is a dead object: its block is free";
  default:
    return "is not in a block of objects";
  }
}

static const char *fault_of(const lull_heap *heap, const void *object) {
  if (!lu_space_holds(&heap->space, object))
    return "does not lie in this heap";
  if ((uintptr_t)object % LU_GRANULE != 0)
    return "is not aligned to 8 bytes: references point to the header";
  if (atomic_load_explicit(&lu_slab_of(&heap->space, object)->kind, memory_order_acquire) ==
      LU_SLAB_SMALL) {
    const char *fault = fault_of_block(heap, object);
    if (fault != NULL)
      return fault;
  }
  lull_type type = lull_type_of(object);
  if (type == LU_FILLER_TYPE ||
      type >= atomic_load_explicit(&heap->types.count, memory_order_acquire))
    return "has no valid type: not an object, or a dead one";
  return NULL;
}

void lu_check_store(struct lu_mutator *mutator, const void *object, const void *slot,
                    const void *value) {
  const lull_heap *heap = mutator->heap;
  const char *fault = fault_of(heap, object);
  if (fault != NULL)
    lu_fatal("lull: store into %p, which %s", object, fault);
  size_t size = lu_type_object_size(&heap->types.rows[lull_type_of(object)], object);
  size_t offset = (size_t)((const char *)slot - (const char *)object);
  if (offset < sizeof(lull_object) || offset + sizeof(void *) > size ||
      offset % sizeof(void *) != 0)
    lu_fatal("lull: store into %p (%s, %zu bytes) at offset %zd, which is no field of it", object,
             heap->types.rows[lull_type_of(object)].name, size, (ptrdiff_t)offset);
  if (heap->audit != NULL)
    lu_audit_touch(mutator->heap, slot);
  if (value != NULL && (fault = fault_of(heap, value)) != NULL)
    lu_fatal("lull: store of %p into %p (%s): the value %s", value, object,
             heap->types.rows[lull_type_of(object)].name, fault);
}

#else

/* ISO C wants a declaration in every file. */
typedef int lu_check_is_for_debug_builds;

#endif
