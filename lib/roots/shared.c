/*
 * roots/shared.c: shared root ranges, and the walk over all shared roots.
 *
 * Invariant: the list under `lock` holds the ranges that were added and not yet removed. Its words
 * are the user's memory; they are written by root stores (roots/store.c) without the lock and read
 * by the walk with acquire loads.
 *
 * The walk is the collector's, after every thread acknowledged H3, or the verifier's. It takes the
 * lock for WALK_WORDS words at a time and leaves its place in scan_range and scan_word, which a
 * removal moves on.
 *
 * Adding a range shades nothing. Before the walk, the words are found by it, or overwritten as
 * store.c has it. A range added behind the walk's back was added after every H3, and the caller
 * keeps the objects in it held elsewhere until the call returns: what a thread, an object or
 * another root holds then is safe already. Removing one loses nothing: its words are cleared by
 * root stores, which shade what they clear.
 *
 * The lock is waited for as a blocked region by attached threads, and nobody who holds it polls,
 * calls out or waits.
 */
#include "roots/shared.h"

#include <lull/barrier.h>
#include <string.h>
#include "heap/heap.h"
#include "roots/caller.h"
#include "roots/handles.h"
#include "support/memory.h"
#include "threads/blocked.h"

#define WALK_WORDS ((size_t)8192)
#define CLEAR_WORDS ((size_t)1024)

struct lu_shared_range {
  struct lu_shared_range *next;
  lull_word *words;
  size_t n;
  bool leaving; /* somebody is clearing it, and will remove it */
};

lull_status lu_shared_roots_init(struct lu_shared_roots *roots) {
  memset(roots, 0, sizeof *roots);
  lu_lock_init(&roots->lock);
  return LULL_OK;
}

void lu_shared_roots_fini(struct lu_shared_roots *roots) {
  while (roots->ranges != NULL) {
    struct lu_shared_range *range = roots->ranges;
    roots->ranges = range->next;
    lu_free(range);
  }
  lu_handles_fini(roots);
  lu_lock_destroy(&roots->lock);
}

lull_status lull_shared_range_add(lull_thread *thread, void *words, size_t n) {
  lull_status status = lu_check_caller(thread, __func__);
  if (status != LULL_OK)
    return status;
  if (words == NULL || (uintptr_t)words % sizeof(void *) != 0 || n == 0)
    return lu_reject(LULL_E_ARGUMENT, "%s: %zu words at %p: not a range of aligned words", __func__,
                     n, words);
  if (n > PTRDIFF_MAX / sizeof(void *))
    return lu_reject(LULL_E_RANGE, "%s: %zu words are more than memory can hold", __func__, n);
  struct lu_shared_range *range = lu_zalloc(LU_FAULT_ROOTS, sizeof *range);
  if (range == NULL)
    return lu_reject(LULL_E_MEMORY, "%s: no memory for a further range", __func__);
  range->words = (lull_word *)words;
  range->n = n;

  struct lu_mutator *mutator = lu_mutator_of(thread);
  struct lu_shared_roots *roots = &mutator->heap->shared;
  lu_lock_blocking(&mutator->thread, &roots->lock);
  range->next = roots->ranges;
  roots->ranges = range;
  lu_unlock(&roots->lock);
  return LULL_OK;
}

/* The link to the newest range at this address that nobody removes already, or NULL. Under the
 * lock. */
static struct lu_shared_range **find_link(struct lu_shared_roots *roots, const void *words) {
  for (struct lu_shared_range **link = &roots->ranges; *link != NULL; link = &(*link)->next)
    if ((*link)->words == words && !(*link)->leaving)
      return link;
  return NULL;
}

/* Takes a range out of the list, and the walk off it. Under the lock. */
static void unlink_range(struct lu_shared_roots *roots, struct lu_shared_range *range) {
  struct lu_shared_range **link = &roots->ranges;
  while (*link != range)
    link = &(*link)->next;
  *link = range->next;
  if (roots->scan_range == range) {
    roots->scan_range = range->next;
    roots->scan_word = 0;
  }
}

/* By root stores, without the lock: the range may be large, and the thread polls on the way. */
static void clear_words(lull_thread *thread, const struct lu_shared_range *range) {
  for (size_t i = 0; i < range->n; i++) {
    lull_root_store(thread, &range->words[i], NULL);
    if (i % CLEAR_WORDS == CLEAR_WORDS - 1)
      lull_poll(thread);
  }
}

lull_status lull_shared_range_remove(lull_thread *thread, void *words) {
  lull_status status = lu_check_caller(thread, __func__);
  if (status != LULL_OK)
    return status;
  struct lu_mutator *mutator = lu_mutator_of(thread);
  struct lu_shared_roots *roots = &mutator->heap->shared;

  lu_lock_blocking(&mutator->thread, &roots->lock);
  struct lu_shared_range **link = find_link(roots, words);
  struct lu_shared_range *range = link != NULL ? *link : NULL;
  if (range != NULL)
    range->leaving = true;
  lu_unlock(&roots->lock);
  if (range == NULL)
    return lu_reject(LULL_E_UNKNOWN, "%s: no shared range begins at %p", __func__, words);

  clear_words(thread, range);
  lu_lock_blocking(&mutator->thread, &roots->lock);
  unlink_range(roots, range);
  lu_unlock(&roots->lock);
  lu_free(range);
  return LULL_OK;
}

/* Looks at the next words, at most WALK_WORDS; returns how many, 0 at the end. Takes the lock. */
static size_t walk_piece(struct lu_shared_roots *roots, void (*fn)(void *object, void *arg),
                         void *arg) {
  size_t done = 0;
  lu_lock(&roots->lock);
  while (roots->scan_range != NULL && done < WALK_WORDS) {
    const struct lu_shared_range *range = roots->scan_range;
    if (roots->scan_word == range->n) {
      roots->scan_range = range->next;
      roots->scan_word = 0;
      continue;
    }
    void *object = (void *)__atomic_load_n(&range->words[roots->scan_word++], __ATOMIC_ACQUIRE);
    done++;
    if (object != NULL)
      fn(object, arg);
  }
  lu_unlock(&roots->lock);
  return done;
}

size_t lu_shared_roots_each(struct lu_shared_roots *roots, void (*fn)(void *object, void *arg),
                            void *arg) {
  size_t slots = lu_handles_each(roots, fn, arg), piece;
  lu_lock(&roots->lock);
  roots->scan_range = roots->ranges;
  roots->scan_word = 0;
  lu_unlock(&roots->lock);
  while ((piece = walk_piece(roots, fn, arg)) != 0)
    slots += piece;
  return slots;
}
