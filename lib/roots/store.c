/*
 * roots/store.c: stores into shared roots.
 *
 * A shared slot has many writers and is read by the collector's scan after every thread
 * acknowledged H3. What a root store owes the snapshot depends on the writer's phase
 * (lu_root_barrier in mark/shade.h; model: start.pml, root stores in two steps):
 *
 *   G.1  IDLE: nothing. No thread is past H2 of a running cycle while another is before its H1, and
 *        at the end of a cycle marking is over for all when the first thread becomes IDLE.
 *   G.2  WINDOW: the new value is shaded before it is stored. The old one needs nothing: whoever
 *        loads it scans its own roots later, because no thread is past H3 yet.
 *   G.3  BUMPED, TRACE: the very object that the store overwrites is shaded before it disappears:
 *        read, shade, compare-and-swap, again if the slot changed. No poll stands between the
 *        shading and the store, so the packet is flushed after both.
 *   G.4  BUMPED: as G.2 too.
 *
 * With a plain store in G.3, two threads may both read A and shade A; one stores X, the other Y
 * over X, and nobody has shaded X as an old value. The model allows this and passes: X was stored
 * by a thread that shaded it as a new value, or was past H3 and held it from its scanned roots,
 * from a birth that is live, or from the snapshot. The loop makes the argument local, and costs one
 * locked instruction in a running cycle and none when no cycle runs. A writer in the WINDOW stores
 * plainly and may overwrite what a BUMPED writer has just stored: that was shaded as a new value
 * (G.4).
 *
 * Ordering: stores of values are releases, so that the scan's acquire load finds the object's
 * header and fields. Exchange and compare-exchange are sequentially consistent. The shading itself
 * is thread-private; handshakes order it against the collector. Threads: attached, RUNNING. No
 * poll, no wait, no allocation but packets.
 */
#include <lull/barrier.h>
#include <lull/roots.h>

#include "mark/shade.h"
#include "roots/caller.h"

/* From its own H2 until the IDLE handshake a thread owes the snapshot what it overwrites. */
static inline bool keeps_old(const struct lu_mutator *mutator) {
  return mutator->phase == LU_BUMPED || mutator->phase == LU_TRACE;
}

/* G.3: stores value and returns exactly what it replaced, which is shaded. */
static void *replace(struct lu_mutator *mutator, lull_word *slot, void *value) {
  void *old = (void *)__atomic_load_n(slot, __ATOMIC_ACQUIRE);
  lull_word expected = old;
  do {
    old = (void *)expected;
    lu_root_barrier(mutator, old, value);
  } while (!__atomic_compare_exchange_n(slot, &expected, value, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_ACQUIRE));
  return old;
}

void lull_root_store(lull_thread *thread, void *slot, void *value) {
  struct lu_mutator *mutator = lu_caller(thread);
  LU_ASSERT((uintptr_t)slot % sizeof(void *) == 0);
  if (LULL_UNLIKELY(keeps_old(mutator))) {
    replace(mutator, slot, value);
    return;
  }
  lu_root_barrier(mutator, NULL, value);
  __atomic_store_n((lull_word *)slot, value, __ATOMIC_RELEASE);
}

void *lull_root_exchange(lull_thread *thread, void *slot, void *value) {
  struct lu_mutator *mutator = lu_caller(thread);
  LU_ASSERT((uintptr_t)slot % sizeof(void *) == 0);
  if (LULL_UNLIKELY(keeps_old(mutator)))
    return replace(mutator, slot, value);
  lu_root_barrier(mutator, NULL, value);
  return (void *)__atomic_exchange_n((lull_word *)slot, value, __ATOMIC_SEQ_CST);
}

/*
 * Only what was seen in the slot is shaded: `expected` may be a stale pointer to memory that is no
 * object any more. If the slot holds it, it is an object, and stays one until this thread's next
 * poll.
 */
bool lull_root_compare_exchange(lull_thread *thread, void *slot, void *expected, void *value) {
  struct lu_mutator *mutator = lu_caller(thread);
  lull_word wanted = *(lull_word *)expected;
  LU_ASSERT((uintptr_t)slot % sizeof(void *) == 0);
  lull_word seen = __atomic_load_n((lull_word *)slot, __ATOMIC_SEQ_CST);
  if (seen == wanted) {
    lu_root_barrier(mutator, (void *)seen, value);
    if (__atomic_compare_exchange_n((lull_word *)slot, &seen, value, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST))
      return true;
  }
  *(lull_word *)expected = seen;
  return false;
}
