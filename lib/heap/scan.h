/*
 * heap/scan.h: the walk over an object's reference slots, by its type. Included by heap/types.h.
 *
 * Always inlined: with a constant `fn` the compiler makes a walk of its own for each caller.
 */
#ifndef LU_HEAP_SCAN_H
#define LU_HEAP_SCAN_H

#include "heap/types.h"
#include "support/tool.h"

typedef void lu_slot_fn(struct lull_visitor *visitor, void **slot);

/* Whether the walk covers the whole object. */
static LU_INLINE bool lu_scan_whole(const struct lull_visitor *visitor) {
  return visitor->low == NULL;
}

static LU_INLINE void lu_scan_slot(struct lull_visitor *visitor, char *slot, lu_slot_fn *fn) {
  if (lu_scan_whole(visitor) || (slot >= visitor->low && slot < visitor->high))
    fn(visitor, (void **)slot);
}

/* The words at `base` whose bits are set. */
static LU_INLINE void lu_scan_map(struct lull_visitor *visitor, char *base, uint64_t map,
                                  lu_slot_fn *fn) {
  for (; map != 0; map &= map - 1)
    lu_scan_slot(visitor, base + 8 * (size_t)__builtin_ctzll(map), fn);
}

/* Every word of [from, end). */
static LU_INLINE void lu_scan_words(struct lull_visitor *visitor, char *from, char *end,
                                    lu_slot_fn *fn) {
  if (!lu_scan_whole(visitor)) {
    if (from < visitor->low)
      from = visitor->low;
    if (end > visitor->high)
      end = visitor->high;
  }
  for (; from < end; from += 8)
    fn(visitor, (void **)from);
}

static LU_INLINE void lu_scan_fixed(const struct lu_type *type, char *object,
                                    struct lull_visitor *visitor, lu_slot_fn *fn) {
  switch (type->refs) {
  case LULL_REFS_MAP:
    if (type->long_map == NULL)
      lu_scan_map(visitor, object, type->map, fn);
    else
      for (uint32_t i = 0; i < type->long_words; i++)
        lu_scan_map(visitor, object + (size_t)i * 512, type->long_map[i], fn);
    break;
  case LULL_REFS_ALL:
    lu_scan_words(visitor, object + type->from, object + type->size, fn);
    break;
  case LULL_REFS_TRACE:
    type->trace(object, visitor);
    break;
  default:
    break;
  }
}

static LU_INLINE void lu_scan_elements(const struct lu_type *type, char *object,
                                       struct lull_visitor *visitor, lu_slot_fn *fn) {
  char *base = object + type->size;
  size_t first = 0, size = type->element_size,
         end = *(const size_t *)(object + type->length_offset);
  if (type->element_refs == LULL_REFS_ALL && type->element_from == 0) {
    lu_scan_words(visitor, base, base + end * size, fn);
    return;
  }
  if (!lu_scan_whole(visitor)) {
    size_t covered = visitor->high <= base ? 0 : ((size_t)(visitor->high - base) + size - 1) / size;
    first = visitor->low <= base ? 0 : (size_t)(visitor->low - base) / size;
    end = covered < end ? covered : end;
  }
  for (size_t i = first; i < end; i++) {
    char *element = base + i * size;
    if (type->element_refs == LULL_REFS_MAP)
      lu_scan_map(visitor, element, type->element_map, fn);
    else
      lu_scan_words(visitor, element + type->element_from, element + size, fn);
  }
}

/*
 * Calls fn(visitor, slot), with visitor->context = context, for each reference slot of the object
 * that lies in [low, high), which are both NULL for the whole object, or multiples of 8. Reads the
 * array's length, which is immutable, and no slot.
 */
static LU_INLINE void lu_scan_slots(const struct lu_type *type, void *object, char *low, char *high,
                                    lu_slot_fn *fn, void *context) {
  struct lull_visitor visitor = {fn, low, high, context};
  lu_scan_fixed(type, (char *)object, &visitor, fn);
  if (type->element_refs != LULL_REFS_NONE)
    lu_scan_elements(type, (char *)object, &visitor, fn);
}

#endif
