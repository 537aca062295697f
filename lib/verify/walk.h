/*
 * verify/walk.h: the oracle's own walk over an object's reference slots, and its own arithmetic of
 * sizes.
 *
 * Written from the meaning of a descriptor (lull/object.h), one slot after another, without
 * heap/scan.h, which the collector uses: a fault in one of the two shows up as a difference.
 */
#ifndef LU_VERIFY_WALK_H
#define LU_VERIFY_WALK_H

#include "heap/types.h"

/* Bytes of an object of this type, a multiple of 8; 0 when they overflow. Reads the length of an
 * array. */
size_t lu_walk_size(const struct lu_type *type, const void *object);

/* Calls fn with the address of each reference slot. */
void lu_walk_slots(const struct lu_type *type, void *object, void (*fn)(void **slot, void *arg),
                   void *arg);

#endif
