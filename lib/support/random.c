/*
 * random.c: the process's seed and each thread's own sequence.
 *
 * The seed and its generation are process-wide; a thread compares the generation with its own and
 * starts afresh when it changed. Numbers given to a thread depend on the seed and on the order in
 * which threads first ask, not on addresses or time.
 */
#include "support/random.h"

#include <stdatomic.h>

/* Written by lu_random_seed: seed first, then generation (release); read by lu_random (generation
 * with acquire). */
static _Atomic uint64_t process_seed;
static _Atomic uint32_t generation = 1;
/* Threads that have asked; fetch_add. */
static _Atomic uint64_t sequences;

static _Thread_local struct {
  uint64_t state;
  uint32_t generation;
} own;

void lu_random_seed(uint64_t seed) {
  atomic_store_explicit(&process_seed, seed, memory_order_relaxed);
  atomic_store_explicit(&sequences, 0, memory_order_relaxed);
  atomic_fetch_add_explicit(&generation, 1, memory_order_release);
}

uint64_t lu_random(void) {
  uint32_t now = atomic_load_explicit(&generation, memory_order_acquire);
  if (own.generation != now) {
    uint64_t number = atomic_fetch_add_explicit(&sequences, 1, memory_order_relaxed);
    uint64_t mix =
        atomic_load_explicit(&process_seed, memory_order_relaxed) ^ lu_random_step(&number);
    own.state = lu_random_step(&mix);
    own.generation = now;
  }
  return lu_random_step(&own.state);
}
