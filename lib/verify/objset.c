/*
 * verify/objset.c: sets of addresses for the oracle and the checks. One thread owns a set.
 */
#include "verify/objset.h"

#include "support/memory.h"

bool lu_objset_init(struct lu_objset *set, const struct lu_space *space) {
  set->space = space;
  set->slabs = lu_zalloc_array(LU_FAULT_METADATA, space->slab_count, sizeof *set->slabs);
  return set->slabs != NULL;
}

void lu_objset_fini(struct lu_objset *set) {
  if (set->slabs == NULL)
    return;
  for (size_t i = 0; i < set->space->slab_count; i++)
    lu_free(set->slabs[i]);
  lu_free(set->slabs);
  set->slabs = NULL;
}

enum lu_objset_added lu_objset_add(struct lu_objset *set, const void *p) {
  size_t offset = (size_t)((const char *)p - set->space->base);
  uint64_t **table = &set->slabs[offset >> LU_SLAB_SHIFT];
  if (*table == NULL)
    *table = lu_zalloc_array(LU_FAULT_METADATA, LU_OBJSET_WORDS, sizeof **table);
  if (*table == NULL)
    return LU_OBJSET_NO_MEMORY;
  size_t granule = (offset & (LU_SLAB_BYTES - 1)) / LU_GRANULE;
  uint64_t *word = *table + granule / 64, bit = (uint64_t)1 << (granule % 64);
  if (*word & bit)
    return LU_OBJSET_OLD;
  *word |= bit;
  return LU_OBJSET_NEW;
}

const void *lu_objset_next(const struct lu_objset *set, const void *from, const void *to) {
  size_t offset = (size_t)((const char *)from - set->space->base);
  size_t slab = offset >> LU_SLAB_SHIFT;
  const uint64_t *words = set->slabs[slab];
  if (words == NULL || from >= to)
    return NULL;
  size_t granule = (offset & (LU_SLAB_BYTES - 1)) / LU_GRANULE;
  size_t end = granule + (size_t)((const char *)to - (const char *)from) / LU_GRANULE;
  uint64_t word = words[granule / 64] & ~(uint64_t)0 << (granule % 64);
  for (size_t i = granule / 64;;) {
    if (word != 0) {
      size_t found = i * 64 + (size_t)__builtin_ctzll(word);
      return found < end ? set->space->base + slab * LU_SLAB_BYTES + found * LU_GRANULE : NULL;
    }
    if (++i * 64 >= end)
      return NULL;
    word = words[i];
  }
}

static void each_of_slab(const struct lu_objset *set, size_t slab, void (*fn)(void *p, void *arg),
                         void *arg) {
  char *memory = set->space->base + slab * LU_SLAB_BYTES;
  for (size_t i = 0; i < LU_OBJSET_WORDS; i++)
    for (uint64_t word = set->slabs[slab][i]; word != 0; word &= word - 1)
      fn(memory + (i * 64 + (size_t)__builtin_ctzll(word)) * LU_GRANULE, arg);
}

void lu_objset_each(const struct lu_objset *set, void (*fn)(void *p, void *arg), void *arg) {
  for (size_t slab = 0; slab < set->space->slab_count; slab++)
    if (set->slabs[slab] != NULL)
      each_of_slab(set, slab, fn, arg);
}
