/*
 * heap/large.c: page runs and spans for objects of more than LU_SMALL_MAX bytes.
 *
 *   L.1  A run belongs to whoever set its page bits (or took its slabs) under space->lock, until it
 *        clears them. All of its memory is touched outside the lock.
 *   L.2  An object's first byte lies in the first slab of its span, or in its PAGES slab, behind
 *        the bitmaps: lu_map_at finds its bits.
 *   L.3  `dirty` has the bit of every page that may hold something other than zeros. Pages in use
 *        count as dirty.
 *   L.4  Both MARK bits of an object's first granule are clear when its run is given back.
 *
 * Runs up to half a slab share PAGES slabs, first fit; `longest` of a slab lets searches pass it
 * over. A PAGES slab without runs goes back to UNUSED.
 *
 * Threads: allocation by mutators, giving back by the sweep. The list of large objects is pushed to
 * by CAS (release: the sweep sees header and descriptor); only the sweep unlinks.
 */
#include "heap/large.h"

#include <string.h>
#include "heap/heap.h"
#include "heap/run.h"
#include "heap/sweep.h"
#include "support/assert.h"
#include "support/memory.h"
#include "threads/blocked.h"

/* Longer runs become spans. */
#define RUN_MOST_PAGES ((size_t)(LU_SLAB_PAGE_COUNT / 2))
/* Freed runs from here on are returned to the system; shorter ones are zeroed when they are used
 * again. */
#define RETURN_BYTES ((size_t)64 << 10)
#define META_BYTES (LU_META_BLOCKS * LU_BLOCK_BYTES)

static size_t card_count(size_t size, unsigned shift) {
  return (size + ((size_t)1 << shift) - 1) >> shift;
}

/* Bytes of the run for an object: descriptor, object, card logs, in whole pages. size <=
 * LULL_SIZE_MAX, so nothing overflows. */
static size_t run_bytes(size_t size, unsigned shift) {
  size_t bytes = sizeof(struct lu_large) + size + card_count(size, shift) * sizeof(uint16_t);
  return (bytes + LU_PAGE_BYTES - 1) & ~(LU_PAGE_BYTES - 1);
}

static size_t span_slabs(size_t bytes) {
  return (META_BYTES + bytes + LU_SLAB_BYTES - 1) / LU_SLAB_BYTES;
}

/* A new PAGES slab: lock held. */
static struct lu_slab *open_pages(struct lu_space *space) {
  struct lu_slab *slab = lu_space_take_slabs(space, 1, LU_SLAB_PAGES);
  if (slab == NULL)
    return NULL;
  memset(slab->pages, 0, sizeof slab->pages);
  memset(slab->dirty, 0, sizeof slab->dirty);
  lu_run_set(slab->pages, 0, LU_META_PAGES);
  slab->longest = LU_SLAB_PAGE_COUNT - LU_META_PAGES;
  return slab;
}

/* First fit over the PAGES slabs: lock held. */
static struct lu_slab *find_run(struct lu_space *space, size_t pages, size_t *first) {
  size_t high = atomic_load_explicit(&space->slabs_high, memory_order_relaxed);
  for (size_t i = 0; i < high; i++) {
    struct lu_slab *slab = &space->slabs[i];
    if (atomic_load_explicit(&slab->kind, memory_order_relaxed) != LU_SLAB_PAGES ||
        slab->longest < pages)
      continue;
    size_t longest;
    if (lu_run_find(slab->pages, pages, first, &longest))
      return slab;
    slab->longest = (uint32_t)longest;
  }
  *first = LU_META_PAGES;
  return open_pages(space);
}

/* Zeroes those pages of a run of this thread's that were dirty. */
static void clean_run(struct lu_space *space, char *run, size_t first, size_t pages,
                      const uint64_t *dirty) {
  size_t fresh = 0;
  for (size_t i = 0; i < pages; i++) {
    if (dirty[(first + i) / 64] >> ((first + i) % 64) & 1)
      memset(run + i * LU_PAGE_BYTES, 0, LU_PAGE_BYTES);
    else
      fresh++;
  }
  atomic_fetch_add_explicit(&space->committed, fresh * LU_PAGE_BYTES, memory_order_relaxed);
}

static char *take_pages(struct lu_mutator *mutator, size_t bytes) {
  struct lu_space *space = &mutator->heap->space;
  size_t pages = bytes / LU_PAGE_BYTES, first;
  uint64_t dirty[LU_SLAB_PAGE_COUNT / 64];
  lu_lock_blocking(&mutator->thread, &space->lock);
  struct lu_slab *slab = find_run(space, pages, &first);
  if (slab != NULL) {
    lu_run_set(slab->pages, first, pages);
    memcpy(dirty, slab->dirty, sizeof dirty);
    lu_run_set(slab->dirty, first, pages);
  }
  lu_unlock(&space->lock);
  if (slab == NULL)
    return NULL;
  char *run = lu_slab_memory(space, slab) + first * LU_PAGE_BYTES;
  clean_run(space, run, first, pages, dirty);
  return run;
}

static char *take_span(struct lu_mutator *mutator, size_t bytes) {
  struct lu_space *space = &mutator->heap->space;
  lu_lock_blocking(&mutator->thread, &space->lock);
  struct lu_slab *slab = lu_space_take_slabs(space, span_slabs(bytes), LU_SLAB_SPAN);
  lu_unlock(&space->lock);
  if (slab == NULL)
    return NULL;
  atomic_fetch_add_explicit(&space->committed, bytes, memory_order_relaxed);
  return lu_slab_memory(space, slab) + META_BYTES;
}

struct lu_large *lu_large_allocate(struct lu_mutator *mutator, size_t size, unsigned card_shift) {
  LU_ASSERT(size > LU_SMALL_MAX && size <= LULL_SIZE_MAX && size % LU_GRANULE == 0);
  struct lu_space *space = &mutator->heap->space;
  size_t bytes = run_bytes(size, card_shift);
  if (lu_fault(LU_FAULT_LARGE) || !lu_space_charge(space, bytes))
    return NULL;
  bool pages = bytes / LU_PAGE_BYTES <= RUN_MOST_PAGES;
  mutator->charged = bytes;
  struct lu_large *large =
      (struct lu_large *)(pages ? take_pages(mutator, bytes) : take_span(mutator, bytes));
  mutator->charged = 0;
  if (large == NULL) {
    lu_space_uncharge(space, bytes);
    return NULL;
  }
  large->size = size;
  large->run_bytes = bytes;
  large->card_shift = (uint8_t)card_shift;
  large->card_count = card_count(size, card_shift);
  large->cards = (_Atomic uint16_t *)((char *)lu_large_object(large) + size);
  /* No epoch: a card that nobody has stored into is logged in none. (Zero is one when epochs have
   * wrapped.) */
  memset((void *)large->cards, 0xff, large->card_count * sizeof large->cards[0]);
  LU_ASSERT(lu_slab_start(lu_large_object(large)) == lu_slab_start(large));
  return large;
}

void lu_large_publish(struct lu_space *space, struct lu_large *large) {
  struct lu_large *first = atomic_load_explicit(&space->large, memory_order_relaxed);
  do
    large->next = first;
  while (!atomic_compare_exchange_weak_explicit(&space->large, &first, large, memory_order_release,
                                                memory_order_relaxed));
}

/*
 * Within a budget the system takes memory so many bytes at a time, which takes it about 10 us; a
 * multiple of any system's page.
 */
#define FREE_PIECE ((uintptr_t)128 << 10)

/* The whole system pages of a run. */
static void whole_pages(const struct lu_freeing *freeing, char **from, char **to) {
  uintptr_t page = lu_page_size(), low = ((uintptr_t)freeing->run + page - 1) & ~(page - 1),
            high = ((uintptr_t)freeing->run + freeing->bytes) & ~(page - 1);
  *from = (char *)low;
  *to = (char *)(high > low ? high : low);
}

/* All of the slabs, bitmaps included, as far as it may have been touched. */
static void begin_slabs(struct lu_space *space, struct lu_freeing *freeing,
                        enum lu_freeing_what what, size_t used) {
  freeing->what = what;
  freeing->from = lu_slab_memory(space, freeing->slab);
  freeing->to = freeing->from + ((used + FREE_PIECE - 1) & ~(FREE_PIECE - 1));
}

static void begin_run(struct lu_space *space, struct lu_freeing *freeing) {
  freeing->what = LU_FREEING_RUN;
  if (freeing->bytes >= RETURN_BYTES && space->return_memory)
    whole_pages(freeing, &freeing->from, &freeing->to);
}

/*
 * The next piece, from the end on, or all at once. A huge page is not taken apart. Memory that the
 * system does not take from slabs becomes zero anyway.
 */
static void free_piece(const struct lu_space *space, struct lu_freeing *freeing, bool all) {
  uintptr_t piece = space->huge_pages ? LU_SLAB_BYTES : FREE_PIECE, end = (uintptr_t)freeing->to,
            low = (end - 1) & ~(piece - 1);
  if (all || low < (uintptr_t)freeing->from)
    low = (uintptr_t)freeing->from;
  if (!lu_release_pages((void *)low, end - low)) {
    freeing->refused = true;
    if (freeing->what != LU_FREEING_RUN)
      memset((void *)low, 0, end - low);
  }
  freeing->to = (char *)low;
}

/*
 * The run's pages are free again. When it was the last one of its slab, that is this thread's now:
 * true.
 */
static bool end_run(struct lu_space *space, const struct lu_freeing *freeing) {
  struct lu_slab *slab = freeing->slab;
  size_t first = (size_t)(freeing->run - lu_slab_memory(space, slab)) / LU_PAGE_BYTES, released = 0;
  char *from = freeing->run, *to;
  if (freeing->from != NULL && !freeing->refused) {
    whole_pages(freeing, &from, &to);
    released = (size_t)(to - from);
  }
  atomic_fetch_sub_explicit(&space->committed, released, memory_order_relaxed);
  lu_lock(&space->lock);
  if (released > 0)
    lu_run_clear(slab->dirty, (size_t)(from - lu_slab_memory(space, slab)) / LU_PAGE_BYTES,
                 released / LU_PAGE_BYTES);
  lu_run_clear(slab->pages, first, freeing->bytes / LU_PAGE_BYTES);
  slab->longest = LU_SLAB_PAGE_COUNT;
  bool empty = lu_run_count(slab->pages) == LU_META_PAGES;
  if (empty) {
    memset(slab->pages, 0xff, sizeof slab->pages);
    slab->longest = 0;
  }
  lu_unlock(&space->lock);
  return empty;
}

/* The slabs are zero: back to UNUSED. */
static void end_slabs(struct lu_space *space, const struct lu_freeing *freeing) {
  struct lu_slab *slab = freeing->slab;
  bool span = freeing->what == LU_FREEING_SPAN;
  size_t bytes = span ? freeing->bytes : lu_run_count(slab->dirty) * LU_PAGE_BYTES;
  atomic_fetch_sub_explicit(&space->committed, bytes, memory_order_relaxed);
  lu_space_give_slabs(space, slab, span ? slab->span : 1);
}

void lu_large_free_begin(struct lu_space *space, struct lu_large *large,
                         struct lu_freeing *freeing) {
  const char *object = lu_large_object(large);
  uint64_t bit = lu_map_bit(object);
  atomic_fetch_and_explicit(lu_map_at(object, LU_MAP_A), ~bit, memory_order_relaxed);
  atomic_fetch_and_explicit(lu_map_at(object, LU_MAP_B), ~bit, memory_order_relaxed);
  *freeing = (struct lu_freeing){
      .slab = lu_slab_of(space, large), .run = (char *)large, .bytes = large->run_bytes};
  if (atomic_load_explicit(&freeing->slab->kind, memory_order_relaxed) == LU_SLAB_SPAN)
    begin_slabs(space, freeing, LU_FREEING_SPAN, META_BYTES + freeing->bytes);
  else
    begin_run(space, freeing);
}

/*
 * Until the end the pages of a run are in use, and its slab is what it was (L.1): so nobody meets
 * what is half given back.
 */
bool lu_large_free_some(struct lu_space *space, struct lu_freeing *freeing,
                        struct lu_budget *budget) {
  for (;;) {
    while (freeing->to > freeing->from) {
      free_piece(space, freeing, budget == NULL);
      lu_budget_spend(budget, LU_SWEEP_WORK);
      if (lu_budget_over(budget))
        return false;
    }
    if (freeing->what != LU_FREEING_RUN || !end_run(space, freeing))
      break;
    begin_slabs(space, freeing, LU_FREEING_SLAB, LU_SLAB_BYTES);
  }
  if (freeing->what != LU_FREEING_RUN)
    end_slabs(space, freeing);
  lu_space_uncharge(space, freeing->bytes);
  freeing->slab = NULL;
  return true;
}

void lu_large_free(struct lu_space *space, struct lu_large *large) {
  struct lu_freeing freeing;
  lu_large_free_begin(space, large, &freeing);
  lu_large_free_some(space, &freeing, NULL);
}
