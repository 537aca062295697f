/*
 * heap/large.h: objects of more than LU_SMALL_MAX bytes: page runs in slabs of their own, spans of
 * whole slabs above that.
 *
 *   [struct lu_large][object ............][card logs]      the descriptor stands before the object
 *
 * The header log of a large object is LU_LOG_LARGE, which no epoch ever is, so every store takes
 * the slow path and finds the log of its card: one 16-bit word for each `rs.card` bytes of the
 * object, a power of two.
 */
#ifndef LU_HEAP_LARGE_H
#define LU_HEAP_LARGE_H

#include "heap/space.h"
#include "heap/types.h"

#define LU_LOG_LARGE 0xffffu
#define LU_CARD_LEAST ((uint64_t)64)
/* At most a piece of marking (mark/marker.c), so that the cards of a piece are its own. */
#define LU_CARD_MOST ((uint64_t)8192)

struct lu_large {
  struct lu_large *next;          /* space->large; owned by the sweep once published */
  size_t size;                    /* of the object, bytes */
  size_t run_bytes;               /* charged */
  _Atomic uint16_t *cards;
  size_t card_count;
  /* Next byte of the object to scan, claimed in pieces by markers (fetch_add); reset by the marker
   * that claims the object. */
  _Atomic size_t scan_next;
  uint32_t live_cycle;            /* born live in this cycle; 0 = not */
  _Atomic uint8_t rescan;         /* as lu_block.rescan */
  uint8_t card_shift;             /* cards have 1 << card_shift bytes */
  bool counted;                   /* space->live_large has it; the sweep's */
} __attribute__((aligned(64)));

static inline void *lu_large_object(struct lu_large *large) { return large + 1; }
static inline struct lu_large *lu_large_of(const void *object) {
  return (struct lu_large *)(uintptr_t)object - 1;
}
static inline size_t lu_large_card_bytes(const struct lu_large *large) {
  return (size_t)1 << large->card_shift;
}
/* Which card a slot of the object lies in, and its log. */
static inline size_t lu_large_card_index(const struct lu_large *large, const void *slot) {
  return (size_t)((const char *)slot - (const char *)(large + 1)) >> large->card_shift;
}
static inline _Atomic uint16_t *lu_large_card(struct lu_large *large, const void *slot) {
  return &large->cards[lu_large_card_index(large, slot)];
}

struct lu_budget;
struct lu_mutator;

/*
 * Cards for an object of a type: of rs.card bytes; one for all of an object whose references only a
 * callback knows, because whoever wants those of a card would have to ask for all of them, card by
 * card.
 */
static inline unsigned lu_large_card_shift(const struct lu_space *space, const struct lu_type *type,
                                           size_t size) {
  bool traced = type->refs == LULL_REFS_TRACE && type->element_refs == LULL_REFS_NONE;
  return traced ? 64 - (unsigned)__builtin_clzll(size - 1) : space->card_shift;
}

/* Zeroed memory for a large object with its descriptor, header not set, not yet on the list; NULL
 * when the limit or the address range does not allow it. May wait for space->lock as a blocked
 * region. */
struct lu_large *lu_large_allocate(struct lu_mutator *mutator, size_t size, unsigned card_shift);

/* Makes it known to the sweep, after its header is set (and its MARK bit and live_cycle when births
 * are live). */
void lu_large_publish(struct lu_space *space, struct lu_large *large);

/* A run on its way back. Of whoever frees it. */
enum lu_freeing_what { LU_FREEING_RUN, LU_FREEING_SPAN, LU_FREEING_SLAB };
struct lu_freeing {
  struct lu_slab *slab;        /* NULL = none is */
  enum lu_freeing_what what;   /* a run of pages; a span; the slab whose last run that was */
  char *run;
  size_t bytes;                /* of the run; charged until the end */
  char *from, *to;             /* the system has still to take this; NULL = it takes nothing */
  bool refused;                /* it did not take all */
};

/* Gives the run back. By the sweep, or for one never published. */
void lu_large_free(struct lu_space *space, struct lu_large *large);
/*
 * The same in pieces: begins; goes on until the budget is used up. Returns whether it has been
 * given back. From the beginning on nobody else may know the object.
 */
void lu_large_free_begin(struct lu_space *space, struct lu_large *large,
                         struct lu_freeing *freeing);
bool lu_large_free_some(struct lu_space *space, struct lu_freeing *freeing,
                        struct lu_budget *budget);

#endif
