/*
 * verify/objset.h: a set of addresses of the heap, one bit a granule, in tables of the verifier's
 * own.
 *
 * One table for each slab that has a member. One thread; memory by malloc, none of the heap's.
 */
#ifndef LU_VERIFY_OBJSET_H
#define LU_VERIFY_OBJSET_H

#include "heap/space.h"

#define LU_OBJSET_WORDS (LU_SLAB_BYTES / LU_GRANULE / 64)

struct lu_objset {
  const struct lu_space *space;
  uint64_t **slabs; /* slab_count pointers; NULL: no member there */
};

/* Empty. False without memory. */
bool lu_objset_init(struct lu_objset *set, const struct lu_space *space);
void lu_objset_fini(struct lu_objset *set);

enum lu_objset_added { LU_OBJSET_NEW, LU_OBJSET_OLD, LU_OBJSET_NO_MEMORY };

/* p lies in the space, on a granule. */
enum lu_objset_added lu_objset_add(struct lu_objset *set, const void *p);

static inline bool lu_objset_has(const struct lu_objset *set, const void *p) {
  size_t offset = (size_t)((const char *)p - set->space->base);
  if (!lu_space_holds(set->space, p) || offset % LU_GRANULE != 0)
    return false;
  const uint64_t *words = set->slabs[offset >> LU_SLAB_SHIFT];
  size_t granule = (offset & (LU_SLAB_BYTES - 1)) / LU_GRANULE;
  return words != NULL && (words[granule / 64] >> (granule % 64) & 1) != 0;
}

/* The first member in [from, to), or NULL. Both in one slab, or `to` at its end. */
const void *lu_objset_next(const struct lu_objset *set, const void *from, const void *to);

/* Calls fn with each member, by address. */
void lu_objset_each(const struct lu_objset *set, void (*fn)(void *p, void *arg), void *arg);

#endif
