/*
 * heap/sweep.h: turning MARK into free memory, block by block, while threads allocate. By the
 * driver of the cycle, and by helpers, which take whole slabs as it does (W.7).
 *
 * Model: tests/models/blocks.pml. Order within a cycle: all marking done and the IDLE handshake
 * acknowledged; lu_sweep; births stop being live; SETTLE handshake; lu_sweep_clear_births. The next
 * cycle begins after that.
 */
#ifndef LU_HEAP_SWEEP_H
#define LU_HEAP_SWEEP_H

#include "heap/large.h"
#include "heap/space.h"
#include "support/budget.h"

/* What looking at one block, or at one large object, counts for a budget, in bytes. */
#define LU_SWEEP_WORK 2048

/* Where a sweep, or a clearing, stands between two pieces. */
struct lu_sweep_cursor {
  /* The slab that nobody has taken yet. Raised by who takes one, driver or helper; relaxed: what a
   * sweeper finds in a slab is ordered by its blocks. */
  _Atomic size_t next;
  size_t slabs;             /* how many there were when it began */
  size_t slab;              /* the one that the driver has taken; this and what follows is the
                               driver's */
  uint64_t blocks;          /* of that slab: still to be visited */
  bool large_done;
  struct lu_large *first, *before, *last_young, *end;  /* of the list: sweep_large */
  struct lu_freeing freeing;  /* one that is off the list, and not quite given back */
};

/* Figures that each sweeper keeps for itself. */
#define LU_SWEEP_FIGURES(X) \
  X(survived_bytes) X(freed_bytes) X(blocks_free) X(blocks_pooled) X(blocks_full) X(blocks_skipped)

/*
 * Those of helpers, and granules found marked, less those that were before. Added to by helpers
 * before they leave, relaxed: the driver waits for them.
 */
struct lu_sweep_helped {
#define LU_SWEEP_HELPED(name) _Atomic size_t name;
  LU_SWEEP_FIGURES(LU_SWEEP_HELPED)
  _Atomic size_t live;
};

struct lu_sweep {
  struct lu_space *space;
  unsigned mark_map;        /* the MARK of this cycle; the other one is cleared on the way */
  uint32_t cycle;           /* mutator->cycle of those whose births are live; not 0; new */
  bool minor;               /* blocks of the young masks and young large objects only; MARK stays,
                               the spare is clear */
  uint8_t promote;          /* gc.promote: a large object below that age stays young */
  bool scribble;            /* overwrite dead memory with LU_SCRIBBLE */
  /* Called now and then, after memory came free: wakes stalled allocators; may be NULL. */
  void (*progress)(void *context);
  void *context;
  /* Results. */
  size_t live_bytes;        /* marked, births of this cycle excluded; in a minor with all that is
                               old */
  size_t survived_bytes;    /* of those, what was not TAKEN when its block was swept, and large
                               objects that were young */
  size_t freed_bytes;       /* offered by this sweep and not before: empty blocks, holes, runs */
  /* Where swept blocks went; those that were FREE already are not counted. */
  size_t blocks_free, blocks_pooled, blocks_full;
  size_t blocks_skipped;    /* in use by threads in this cycle */
  size_t large_live, large_freed;
  struct lu_sweep_cursor at;
  struct lu_sweep_helped helped;
};

#define LU_SCRIBBLE 0xdb

/* Begins a sweep: sets the cursor. */
void lu_sweep_begin(struct lu_sweep *sweep);
/* Goes on until the budget is used up. Returns whether all has been swept. */
bool lu_sweep_some(struct lu_sweep *sweep, struct lu_budget *budget);
/* When that has returned true and no helper is at work any more: the results. */
void lu_sweep_end(struct lu_sweep *sweep);
/* All three, to the end, by the driver alone. */
void lu_sweep(struct lu_sweep *sweep);

/* How many blocks there are to be visited, about. */
size_t lu_sweep_blocks(const struct lu_sweep *sweep);
/*
 * A helper's part, between lu_sweep_begin and lu_sweep_end: sweeps slab after slab until none is
 * left that nobody has taken, or go_on says no, which is asked between two. Returns how many blocks
 * it swept.
 */
size_t lu_sweep_help(struct lu_sweep *sweep, bool (*go_on)(void *arg), void *arg);

/*
 * Clears the MARK bits of what was born live in sweep->cycle: it is young from now on. In the same
 * pieces.
 */
void lu_sweep_clear_begin(struct lu_sweep *sweep);
bool lu_sweep_clear_some(struct lu_sweep *sweep, struct lu_budget *budget);
void lu_sweep_clear_births(struct lu_sweep *sweep);

/*
 * Returns memory that stayed free through whole cycles to the system, at most `most` bytes, from
 * the slabs below *at down; sets *at to where to go on, 0 at the end. Looks at `slabs` of them at
 * most. Result: bytes. By the driver.
 */
size_t lu_space_return(struct lu_space *space, size_t most, size_t slabs, size_t *at);

/*
 * If a large object found no slabs: makes slabs of all whose blocks are free. By the driver, before
 * the cycle counts as ended. Goes on until the budget is used up; *at is 0 at first, and where it
 * stands. Returns whether it is done.
 */
bool lu_space_return_slabs(struct lu_space *space, size_t *at, struct lu_budget *budget);

/* Calls fn for every object of a block that can be parsed: threads stopped and lu_region_publish
 * done. Also dead ones that no sweep has met. Used by the verifier and the deterministic mode. */
void lu_block_each_object(const lull_heap *heap, struct lu_block *block,
                          void (*fn)(void *object, void *arg), void *arg);

#endif
