/*
 * verify/place.h: whether an object can stand where a reference points to. World stopped, regions
 * published.
 */
#ifndef LU_VERIFY_PLACE_H
#define LU_VERIFY_PLACE_H

#include "heap/heap.h"
#include "verify/objset.h"

/*
 * NULL if an object stands at `object`, else what is wrong, as the end of a sentence. `large` holds
 * the addresses of all large objects (lu_place_large). Reads the header and, of arrays, the length,
 * and only when the place can hold an object.
 */
const char *lu_place_fault(const lull_heap *heap, const struct lu_objset *large,
                           const void *object);

/* The heap's large objects as a set. False without memory. */
bool lu_place_large(const lull_heap *heap, struct lu_objset *large);

/* The object's size by its type; it has no fault. */
size_t lu_place_size(const lull_heap *heap, const void *object);

/* Whether it lies in a block (not a large object). */
bool lu_place_is_small(const lull_heap *heap, const void *object);

/* Whether every granule of [from, from + granules) of a block has its bit set (or clear) in a map.
 * */
bool lu_place_all_bits(const void *from, size_t granules, unsigned map, bool set);

#endif
