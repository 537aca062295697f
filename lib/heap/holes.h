/*
 * heap/holes.h: free runs of a block, found in its words of a bitmap.
 *
 * `words` are the LU_BLOCK_WORDS words of one block in one map (lu_map_at of the block's start);
 * granules count from 0 to LU_BLOCK_GRANULES. All loads are relaxed: TAKEN is constant while a
 * block is handed out, and its owner's otherwise.
 */
#ifndef LU_HEAP_HOLES_H
#define LU_HEAP_HOLES_H

#include <stdbool.h>
#include "heap/layout.h"
#include "support/tool.h"

struct lu_hole {
  uint32_t start, end; /* granules */
};

static inline uint64_t lu_map_load(const lu_map_word *word) {
  return atomic_load_explicit(word, memory_order_relaxed);
}

/* The first granule from `from` on whose bit is set (invert 0) or clear (invert ~0);
 * LU_BLOCK_GRANULES if there is none. */
static inline uint32_t lu_bits_next(const lu_map_word *words, uint32_t from, uint64_t invert) {
  uint32_t i = from / 64;
  if (i >= LU_BLOCK_WORDS)
    return LU_BLOCK_GRANULES;
  uint64_t bits = (lu_map_load(&words[i]) ^ invert) & (~(uint64_t)0 << (from % 64));
  while (bits == 0) {
    if (++i == LU_BLOCK_WORDS)
      return LU_BLOCK_GRANULES;
    bits = lu_map_load(&words[i]) ^ invert;
  }
  return i * 64 + (uint32_t)__builtin_ctzll(bits);
}

/* Bit i is set when bits i to i + n - 1 of the 128 bits (low, high) are; n is a power of two, 64 at
 * most. */
static inline uint64_t lu_bits_fold(uint64_t low, uint64_t high, uint32_t n) {
  for (uint32_t shift = 1; shift < n; shift *= 2) {
    low &= low >> shift | high << (64 - shift);
    high &= high >> shift;
  }
  return low;
}

/* The first granule from `from` on where at least n granules are free, n as above;
 * LU_BLOCK_GRANULES if there is none. */
static inline uint32_t lu_free_next(const lu_map_word *words, uint32_t from, uint32_t n) {
  uint64_t mask = ~(uint64_t)0 << (from % 64);
  for (uint32_t i = from / 64; i < LU_BLOCK_WORDS; i++, mask = ~(uint64_t)0) {
    uint64_t low = ~lu_map_load(&words[i]) & mask;
    if (low == 0)
      continue;
    uint64_t high = i + 1 < LU_BLOCK_WORDS ? ~lu_map_load(&words[i + 1]) : 0;
    uint64_t starts = lu_bits_fold(low, high, n);
    if (starts != 0)
      return i * 64 + (uint32_t)__builtin_ctzll(starts);
  }
  return LU_BLOCK_GRANULES;
}

/*
 * The first run of at least `least` (1 or more) clear bits that begins at or after `from` (from may
 * lie inside a run: the rest of it counts). Short runs are passed over a word at a time: where
 * single survivors are scattered there are many of them for each hole.
 */
static inline bool lu_hole_find(const lu_map_word *words, uint32_t from, uint32_t least,
                                struct lu_hole *hole) {
  uint32_t n = least >= 16 ? 16 : least >= 8 ? 8 : 1;
  while ((from = lu_free_next(words, from, n)) < LU_BLOCK_GRANULES) {
    uint32_t end = lu_bits_next(words, from, 0);
    if (end - from >= least) {
      *hole = (struct lu_hole){from, end};
      return true;
    }
    from = end;
  }
  return false;
}

/* A run of `length` has ended. */
static inline void lu_holes_add(uint32_t length, uint32_t least, uint32_t *sum, uint32_t *largest) {
  if (length < least)
    return;
  *sum += length;
  if (length > *largest)
    *largest = length;
}

/*
 * The runs inside one word: bits of `free` that are set, with clear ones on both sides. `n` is a
 * power of two, `least` at most; a constant where this is inlined.
 */
static LU_INLINE void lu_holes_inside(uint64_t free, uint32_t n, uint32_t least, uint32_t *sum,
                                      uint32_t *largest) {
  uint64_t starts = free;
  for (uint32_t shift = 1; shift < n; shift *= 2)
    starts &= starts >> shift;
  while (starts != 0) {
    uint32_t at = (uint32_t)__builtin_ctzll(starts),
             length = (uint32_t)__builtin_ctzll(~(free >> at));
    lu_holes_add(length, least, sum, largest);
    starts &= ~(uint64_t)0 << (at + length);
  }
}

/* One pass: what reaches the end of a word is carried to the next one. */
static LU_INLINE uint32_t lu_holes_sum_by(const lu_map_word *words, uint32_t from, uint32_t n,
                                          uint32_t least, uint32_t *largest) {
  uint32_t sum = 0, open = 0;
  uint64_t before = ((uint64_t)1 << (from % 64)) - 1;
  *largest = 0;
  for (uint32_t i = from / 64; i < LU_BLOCK_WORDS; i++, before = 0) {
    uint64_t taken = lu_map_load(&words[i]) | before;
    if (taken == 0) {
      open += 64;
      continue;
    }
    lu_holes_add(open + (uint32_t)__builtin_ctzll(taken), least, &sum, largest);
    open = (uint32_t)__builtin_clzll(taken);
    uint64_t inner = ~taken & ~(uint64_t)0 >> open & (0 - (taken & (0 - taken)));
    if (inner != 0)
      lu_holes_inside(inner, n, least, &sum, largest);
  }
  lu_holes_add(open, least, &sum, largest);
  return sum;
}

/*
 * Granules in holes of at least `least` from `from` on; *largest is the longest. The sweep asks
 * this of every block that it visits.
 */
static inline uint32_t lu_holes_sum(const lu_map_word *words, uint32_t from, uint32_t least,
                                    uint32_t *largest) {
  if (least >= 16)
    return lu_holes_sum_by(words, from, 16, least, largest);
  return lu_holes_sum_by(words, from, least >= 8 ? 8 : 1, least, largest);
}

#endif
