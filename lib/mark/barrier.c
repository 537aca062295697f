/*
 * mark/barrier.c: the slow path of the store barrier, and bulk copies and fills.
 *
 * What a store must do before it stores (design section 6; start.pml, whose mutants 2, 5, 7, 12,
 * 15, 17 show what each line is for):
 *   IDLE    log is not k: remember the object, log = k
 *   WINDOW  shade the new value, unfiltered; log is not the window value: remember for the next
 *           epoch, log = window value
 *   BUMPED  shade the new value, unfiltered; then as TRACE
 *   TRACE   log is not the epoch: shade the object's references, remember it, then log = epoch
 *           (release)
 *
 *   B.6  Whoever reads log == epoch and stores on, stores after the copy that set it: the copier's
 *        loads come before its release store of the log; the reader's store depends on the log by a
 *        branch, which neither x86 nor ARM lets a store pass. So no reference of the snapshot is
 *        overwritten before some thread holds it in a packet.
 *   B.7  Two threads may both copy. Both copies are references that the object held in this cycle;
 *        shading more than the snapshot is safe.
 *
 * A large object (log LU_LOG_LARGE) keeps a log for each card; copying covers the card of the slot
 * only. Threads: the owner, RUNNING. No poll, no wait, no allocation but packets.
 */
#include <lull/barrier.h>

#include "heap/heap.h"
#include "heap/large.h"
#include "mark/check.h"
#include "mark/mark.h"
#include "mark/remember.h"
#include "mark/shade.h"
#include "support/assert.h"
#include "support/clock.h"
#include "threads/driver.h"

#define SAMPLE 64

/* The log word that covers a slot, and the slots that it covers. */
struct logged {
  _Atomic uint16_t *log;
  char *low, *high;   /* NULL: the whole object */
  struct lu_remembered entry;
};

static struct logged find_log(void *object, void *slot) {
  _Atomic uint16_t *log = (_Atomic uint16_t *)&((lull_object *)object)->log_epoch;
  struct logged found = {log, NULL, NULL, {object, LU_NO_CARD}};
  if (atomic_load_explicit(log, memory_order_relaxed) != LU_LOG_LARGE)
    return found;
  struct lu_large *large = lu_large_of(object);
  size_t card = lu_large_card_index(large, slot);
  found.log = &large->cards[card];
  found.low = (char *)object + (card << large->card_shift);
  found.high = found.low + lu_large_card_bytes(large);
  found.entry.card = card;
  return found;
}

static void shade_slot(struct lull_visitor *visitor, void **slot) {
  lu_shade(visitor->context, (void *)__atomic_load_n(slot, __ATOMIC_ACQUIRE));
}

/* Shades every reference that the log word covers: a superset of what the snapshot held there. */
static void copy_fields(struct lu_mutator *mutator, void *object, const struct logged *logged) {
  const struct lu_type *type = &mutator->heap->types.rows[lull_type_of(object)];
  if (!type->leaf)
    lu_scan_slots(type, object, logged->low, logged->high, shade_slot, mutator);
}

static void log_in_trace(struct lu_mutator *mutator, void *object, const struct logged *logged) {
  if (atomic_load_explicit(logged->log, memory_order_acquire) == mutator->epoch)
    return;
  copy_fields(mutator, object, logged);
  lu_remember(mutator, logged->entry);
  atomic_store_explicit(logged->log, mutator->epoch, memory_order_release);
}

static void remember_once(struct lu_mutator *mutator, const struct logged *logged, uint16_t value) {
  if (atomic_load_explicit(logged->log, memory_order_relaxed) == value)
    return;
  lu_remember(mutator, logged->entry);
  atomic_store_explicit(logged->log, value, memory_order_relaxed);
}

static void barrier(struct lu_mutator *mutator, void *object, void *slot, void *value) {
  struct logged logged = find_log(object, slot);
  switch (mutator->phase) {
  case LU_IDLE:
    remember_once(mutator, &logged, mutator->epoch);
    break;
  case LU_WINDOW:
    lu_shade_always(mutator, value);
    remember_once(mutator, &logged, (uint16_t)(mutator->epoch + 1));
    break;
  case LU_BUMPED:
    lu_shade_always(mutator, value);
    log_in_trace(mutator, object, &logged);
    break;
  case LU_TRACE:
    log_in_trace(mutator, object, &logged);
    break;
  }
}

/*
 * The fast path of large objects: what the inline barrier does for others with the header's log,
 * done with the card.
 */
static bool card_passes(const lull_thread *thread, void *object, void *slot) {
  if (__atomic_load_n(&((lull_object *)object)->log_epoch, __ATOMIC_RELAXED) != LU_LOG_LARGE)
    return false;
  return atomic_load_explicit(find_log(object, slot).log, memory_order_relaxed) ==
         thread->pass_epoch;
}

/*
 * In the window every store comes here, so it should be short. Where nobody but mutators drives,
 * the last to acknowledge may be one that goes on without a step: it blocks, or leaves. So a thread
 * that stores on in the window makes its own next poll a slow one, at which it takes a step
 * (lu_cycle_polled; drive.pml, mutants 26 and 27).
 */
static void look_after_window(const struct lu_mutator *mutator) {
  if (mutator->phase == LU_WINDOW || mutator->phase == LU_BUMPED)
    lu_drive_poke(&mutator->thread);
}

void lull_barrier_slow(lull_thread *thread, void *object, void *slot, const void *value) {
  struct lu_mutator *mutator = lu_mutator_of(thread);
  lu_check_store(mutator, object, slot, value);
  if (card_passes(thread, object, slot))
    return;
  lu_count(&mutator->counters.barrier_slow, 1);
  uint64_t count = atomic_load_explicit(&mutator->counters.barrier_slow, memory_order_relaxed);
  if (LULL_LIKELY(count % SAMPLE != 0)) {
    barrier(mutator, object, slot, (void *)(uintptr_t)value);
    return;
  }
  uint64_t before = lu_thread_cpu_ns();
  barrier(mutator, object, slot, (void *)(uintptr_t)value);
  lu_caused(&mutator->heap->figures, &mutator->heap->figures.barrier_slow_path,
            lu_thread_cpu_ns() - before);
  look_after_window(mutator);
}

static void copy_word(lull_thread *thread, void *object, lull_word *to, const lull_word *from) {
  void *value = (void *)__atomic_load_n(from, __ATOMIC_ACQUIRE);
  lull_store(thread, object, to, value);
}

void lull_copy(lull_thread *thread, void *object, void *slot, const void *from, size_t n) {
  lull_word *to = (lull_word *)slot;
  const lull_word *source = (const lull_word *)from;
  if (to <= source || to >= source + n) {
    for (size_t i = 0; i < n; i++)
      copy_word(thread, object, to + i, source + i);
  } else {
    for (size_t i = n; i-- > 0;)
      copy_word(thread, object, to + i, source + i);
  }
}

void lull_fill(lull_thread *thread, void *object, void *slot, const void *value, size_t n) {
  lull_word *to = (lull_word *)slot;
  for (size_t i = 0; i < n; i++)
    lull_store(thread, object, to + i, value);
}
