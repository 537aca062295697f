/*
 * heap/run.h: runs of pages in a slab: plain bitmaps of LU_SLAB_PAGE_COUNT bits, whose owner the
 * caller is.
 */
#ifndef LU_HEAP_RUN_H
#define LU_HEAP_RUN_H

#include <stdbool.h>
#include "heap/layout.h"
#include "support/bits.h"

#define LU_RUN_BITS ((size_t)(LU_SLAB_BYTES / LU_PAGE_BYTES))

/* The bits of word i that lie in [first, first + n). */
static inline uint64_t lu_run_mask(size_t i, size_t first, size_t n) {
  size_t low = first > i * 64 ? first - i * 64 : 0, high = first + n - i * 64;
  return (high >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << high) - 1) & (~(uint64_t)0 << low);
}

/* n > 0 in both. */
static inline void lu_run_set(uint64_t *bits, size_t first, size_t n) {
  for (size_t i = first / 64; i <= (first + n - 1) / 64; i++)
    bits[i] |= lu_run_mask(i, first, n);
}

static inline void lu_run_clear(uint64_t *bits, size_t first, size_t n) {
  for (size_t i = first / 64; i <= (first + n - 1) / 64; i++)
    bits[i] &= ~lu_run_mask(i, first, n);
}

static inline size_t lu_run_count(const uint64_t *bits) {
  size_t count = 0;
  for (size_t i = 0; i < LU_RUN_BITS / 64; i++)
    count += lu_count_bits(bits[i]);
  return count;
}

/* The first bit from `from` on that is set (invert 0) or clear (invert ~0); LU_RUN_BITS if there is
 * none. */
static inline size_t lu_run_next(const uint64_t *bits, size_t from, uint64_t invert) {
  while (from < LU_RUN_BITS) {
    uint64_t word = (bits[from / 64] ^ invert) & (~(uint64_t)0 << (from % 64));
    if (word != 0)
      return (from & ~(size_t)63) + (size_t)__builtin_ctzll(word);
    from = (from | 63) + 1;
  }
  return LU_RUN_BITS;
}

/* The first run of n clear bits: true and *first. Else false, and *longest is the longest run of
 * clear bits. */
static inline bool lu_run_find(const uint64_t *bits, size_t n, size_t *first, size_t *longest) {
  *longest = 0;
  for (size_t at = 0; (at = lu_run_next(bits, at, ~(uint64_t)0)) < LU_RUN_BITS;) {
    size_t end = lu_run_next(bits, at, 0);
    if (end - at >= n) {
      *first = at;
      return true;
    }
    if (end - at > *longest)
      *longest = end - at;
    at = end;
  }
  return false;
}

#endif
