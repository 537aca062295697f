/*
 * support/bits.h: counting bits where the compiler would call a library function for it.
 */
#ifndef LU_SUPPORT_BITS_H
#define LU_SUPPORT_BITS_H

#include <stdint.h>

/* How many bits are set. Without an instruction for it (x86-64 as distributions compile for it has none) by adding up neighbours, then their sums
 * (Knuth, The Art of Computer Programming 4A, 7.1.3): the function in libgcc looks bytes up in a table. */
static inline uint32_t lu_count_bits(uint64_t bits) {
#if defined(__POPCNT__) || defined(__aarch64__)
  return (uint32_t)__builtin_popcountll(bits);
#else
  bits -= bits >> 1 & 0x5555555555555555u;
  bits = (bits & 0x3333333333333333u) + (bits >> 2 & 0x3333333333333333u);
  bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0fu;
  return (uint32_t)(bits * 0x0101010101010101u >> 56);
#endif
}

#endif
