/*
 * random.h: a thread's random numbers (splitmix64, Steele, Lea and Flood, 2014). Not shared
 * between threads.
 */
#ifndef TEXTINDEX_RANDOM_H
#define TEXTINDEX_RANDOM_H

#include <stdint.h>

struct random {
  uint64_t state;
};

static inline uint64_t random_next(struct random *random) {
  uint64_t z = random->state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

/* Below `limit`, which is not 0. */
static inline uint64_t random_below(struct random *random, uint64_t limit) {
  return random_next(random) % limit;
}

#endif
