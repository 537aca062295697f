/*
 * heap/sweep.h: turning MARK into free memory, block by block, while threads allocate. By the
 * collector only (or the one thread that drives a stop-the-world collection).
 *
 * Model: tests/models/blocks.pml. Order within a cycle: all marking done and the IDLE handshake
 * acknowledged; lu_sweep; births stop being live; SETTLE handshake; lu_sweep_clear_births. The next
 * cycle begins after that.
 */
#ifndef LU_HEAP_SWEEP_H
#define LU_HEAP_SWEEP_H

#include "heap/space.h"
#include "support/budget.h"

/* What looking at one block, or at one large object, counts for a budget, in bytes. */
#define LU_SWEEP_WORK 2048

/* Where a sweep, or a clearing, stands between two pieces. */
struct lu_sweep_cursor {
  size_t slab, slabs;       /* the next, and how many there were when it began */
  bool entered;             /* `blocks` is of `slab` */
  uint64_t blocks;          /* of that slab: still to be visited */
  bool large_done;
  struct lu_large *first, *before, *last_young, *end;  /* of the list: sweep_large */
};

struct lu_sweep {
  struct lu_space *space;
  unsigned mark_map;        /* the MARK of this cycle; the other one is cleared on the way */
  uint32_t cycle;           /* mutator->cycle of those whose births are live; not 0; new */
  bool minor;               /* blocks of the young masks and young large objects only; MARK stays, the spare is clear */
  uint8_t promote;          /* gc.promote: a large object below that age stays young */
  bool scribble;            /* overwrite dead memory with LU_SCRIBBLE */
  /* Called now and then, after memory came free: wakes stalled allocators; may be NULL. */
  void (*progress)(void *context);
  void *context;
  /* Results. */
  size_t live_bytes;        /* marked, births of this cycle excluded; in a minor with all that is old */
  size_t survived_bytes;    /* of those, what was not TAKEN when its block was swept, and large objects that were young */
  size_t freed_bytes;       /* offered by this sweep and not before: empty blocks, holes, runs */
  /* Where swept blocks went; those that were FREE already are not counted. */
  size_t blocks_free, blocks_pooled, blocks_full;
  size_t blocks_skipped;    /* in use by threads in this cycle */
  size_t large_live, large_freed;
  struct lu_sweep_cursor at;
};

#define LU_SCRIBBLE 0xdb

/* Begins a sweep: sets the cursor. */
void lu_sweep_begin(struct lu_sweep *sweep);
/* Goes on until the budget is used up. Returns whether all has been swept. */
bool lu_sweep_some(struct lu_sweep *sweep, struct lu_budget *budget);
/* Both, to the end. */
void lu_sweep(struct lu_sweep *sweep);

/* Clears the MARK bits of what was born live in sweep->cycle: it is young from now on. In the same pieces. */
void lu_sweep_clear_begin(struct lu_sweep *sweep);
bool lu_sweep_clear_some(struct lu_sweep *sweep, struct lu_budget *budget);
void lu_sweep_clear_births(struct lu_sweep *sweep);

/* Returns memory that stayed free through whole cycles to the system, at most `most` bytes; runs in
 * the background. */
size_t lu_space_return(struct lu_space *space, size_t most);

/* If a large object found no slabs: makes slabs of all whose blocks are free. By the driver, before
 * the cycle counts as ended. */
void lu_space_return_slabs(struct lu_space *space);

/* Calls fn for every object of a block that can be parsed: threads stopped and lu_region_publish
 * done. Also dead ones that no sweep has met. Used by the verifier and the deterministic mode. */
void lu_block_each_object(const lull_heap *heap, struct lu_block *block,
                          void (*fn)(void *object, void *arg), void *arg);

#endif
