/*
 * heap/region.h: how a thread allocates small objects: holes of blocks, bumped through, zeroed in
 * steps.
 *
 * A thread has two regions: `small` for nearly everything, whose bump and limit are the public
 * prefix's, and `overflow`, in free blocks only, for objects of more than LU_MEDIUM bytes that do
 * not fit the current hole (Immix's overflow allocation).
 *
 *   R.1  In the holes of a HELD block below its cursor, objects lie without gaps from the start of
 *        each hole to a filler or the hole's end, so a block can be parsed. A filler is a header
 *        with type 0 and its length in granules in the upper 32 bits.
 *   R.2  [bump, limit) is zero. limit <= hole_end.
 *   R.3  While the thread is past H2 of cycle c and births are live, every hole from the block's
 *        live_from on has its MARK bits set and live_cycle == c.
 */
#ifndef LU_HEAP_REGION_H
#define LU_HEAP_REGION_H

#include "heap/holes.h"
#include "heap/space.h"

#define LU_MEDIUM ((size_t)512)
#define LU_FILLER_TYPE 0u

#define LU_HOLES_AHEAD 8u

struct lu_region {
  struct lu_block *block;   /* NULL: none held */
  char *bump, *limit;       /* of the small region copies: they stand in the public prefix */
  char *hole_end;
  char *fetch, *fetch_end;  /* how far ahead memory has been prefetched; the end of that hole */
  /* The holes between hole_end and fetch_end, in order: what prefetching has found need not be
   * searched for again. */
  struct lu_hole ahead[LU_HOLES_AHEAD];
  unsigned ahead_first, ahead_count;
};

struct lu_mutator;

/*
 * The slow path of small allocation: extends the zeroed part, or moves to the next hole, or takes
 * another block. Returns the object's memory (zeroed; header not set) with the bump moved, or NULL
 * when no block can be had (the caller stalls). size <= LU_SMALL_MAX, a multiple of 8. By the
 * owner, RUNNING. Never polls, never waits but for the slab lock.
 */
char *lu_region_allocate(struct lu_mutator *mutator, size_t size);

/*
 * The part of it that runs most often, and does nothing else: when what is ready of the small
 * region's hole does not take the object and the hole has a long way to go, makes the next 4 KB of
 * it ready. NULL, with nothing changed, in all other cases. size as above. By the owner, RUNNING.
 */
char *lu_region_extend(struct lu_mutator *mutator, size_t size);

/* At the thread's own H2 (mutator->born_live, cycle and mark_map are set already): what is
 * allocated in its blocks from here on is live (R.3). */
void lu_region_split(struct lu_mutator *mutator);

/* Publishes cursors, so that the blocks can be parsed by the caller, who has the thread stopped or
 * claimed. */
void lu_region_publish(struct lu_mutator *mutator);

/* Gives the blocks up as orphans, with their cursors; for a thread that leaves. */
void lu_region_abandon(struct lu_mutator *mutator);

#endif
