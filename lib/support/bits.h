/*
 * support/bits.h: counting bits where the compiler would call a library function for it.
 */
#ifndef LU_SUPPORT_BITS_H
#define LU_SUPPORT_BITS_H

#include <stdint.h>
#include "support/tool.h"

/*
 * How many bits are set. Without an instruction for it (x86-64 as distributions compile for it has
 * none) by adding up neighbours, then their sums (Knuth, The Art of Computer Programming 4A,
 * 7.1.3): the function in libgcc looks bytes up in a table.
 */
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

/*
 * For loops that do little but count: a function with LU_HAS_COUNT may use the processor's
 * instruction through lu_count_bits_of(true, ...), and is called only where lu_has_count() says
 * that there is one. Both are a matter of course where the compiler knows of it, and nothing on
 * other machines.
 */
#if defined(__x86_64__) && !defined(__POPCNT__)
#define LU_HAS_COUNT __attribute__((target("popcnt")))
static inline int lu_has_count(void) { return __builtin_cpu_supports("popcnt"); }
#else
#define LU_HAS_COUNT
static inline int lu_has_count(void) { return 0; }
#endif

static LU_INLINE uint32_t lu_count_bits_of(int by_instruction, uint64_t bits) {
  return by_instruction ? (uint32_t)__builtin_popcountll(bits) : lu_count_bits(bits);
}

#endif
