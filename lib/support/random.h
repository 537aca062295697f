/*
 * support/random.h: pseudo-random numbers for the stress options; not for secrets. The generator
 * is splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
 */
#ifndef LU_SUPPORT_RANDOM_H
#define LU_SUPPORT_RANDOM_H

#include <stdint.h>

/* The next number of the sequence whose state is *state; any start value will do. */
static inline uint64_t lu_random_step(uint64_t *state) {
  uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

/* Maps a random number to [0, n); n > 0. The bias is below n / 2^64. */
static inline uint64_t lu_random_scale(uint64_t random, uint64_t n) {
  return (uint64_t)(((unsigned __int128)random * n) >> 64);
}

/* Sets the process-wide seed (the option `seed`). A thread's own sequence is made from the seed
 * and the order in which threads first ask; it starts afresh in every thread after a call. Any
 * thread. */
void lu_random_seed(uint64_t seed);

/* The next number of the calling thread's sequence. */
uint64_t lu_random(void);

/* The next number of the calling thread's sequence in [0, n); n > 0. */
static inline uint64_t lu_random_below(uint64_t n) { return lu_random_scale(lu_random(), n); }

#endif
