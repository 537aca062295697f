/*
 * Random numbers that replay from a seed: splitmix64 (Steele, Lea and Flood, 2014), whose
 * mixing function also serves as the hash from which contents of objects are made.
 */
#ifndef STRESS_COMMON_RANDOM_H
#define STRESS_COMMON_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
  uint64_t state;
};

/* A bijection of 64 bits that scatters neighbours. */
static inline uint64_t random_mix(uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9u;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

static inline uint64_t random_mix2(uint64_t a, uint64_t b) {
  return random_mix(random_mix(a) + 0x9e3779b97f4a7c15u * (b + 1));
}

/* A sequence of its own for every pair of seed and stream. */
static inline struct random random_seeded(uint64_t seed, uint64_t stream) {
  return (struct random){random_mix2(seed, stream)};
}

static inline uint64_t random_next(struct random *random) {
  return random_mix(random->state += 0x9e3779b97f4a7c15u);
}

/* 0 <= result < limit; limit from 1 to 2^32 - 1. */
static inline uint32_t random_below(struct random *random, uint32_t limit) {
  return (uint32_t)((random_next(random) >> 32) * limit >> 32);
}

/* True once in n times. */
static inline bool random_once(struct random *random, uint32_t n) {
  return random_below(random, n) == 0;
}

#endif
