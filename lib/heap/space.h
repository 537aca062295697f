/*
 * heap/space.h: the address range, its slabs and blocks, and who owns a block.
 *
 * Each slab has one claim mask for each pool: bit i set = block i waits in that pool. Whoever clears the bit
 * (atomically) owns the block; nothing else decides ownership, so no list can be falsely empty and no node can be reused under a reader.
 * (The design recommends a linked stack of blocks; a mask a slab makes a claim one fetch_and without ABA, keeps blocks in address order, and lets the
 * sweep claim one certain block.)
 *
 *   state      who owns it                              leaves by
 *   UNUSED     nobody: its slab is not set up           slab set-up
 *   FREE       pool LU_POOL_FREE: empty                 claimed by a thread or by the sweep
 *   POOLED     pool ROOMY or SPARSE: swept, has holes   claimed by a thread (HELD) or by the sweep
 *   ORPHAN     pool ORPHAN: its thread left it at `cursor`  the same
 *   HELD       one thread allocates in it               its thread: RETIRED or ORPHAN
 *   RETIRED    the sweep: used up, or given up          a sweep of a cycle that began later
 *   FULL       the sweep: no hole worth offering        every sweep looks again
 *   META, RUN  not a block of small objects
 *
 * Handed-out rule: TAKEN of a HELD or RETIRED or ORPHAN block describes what was there when it was handed out. It stays constant until a sweep of the block.
 */
#ifndef LU_HEAP_SPACE_H
#define LU_HEAP_SPACE_H

#include <stdbool.h>
#include <lull/base.h>
#include "heap/layout.h"
#include "support/lock.h"
#include "support/settings.h"

enum lu_block_state {
  LU_BLOCK_UNUSED, LU_BLOCK_FREE, LU_BLOCK_POOLED, LU_BLOCK_ORPHAN, LU_BLOCK_HELD, LU_BLOCK_RETIRED,
  LU_BLOCK_FULL, LU_BLOCK_META, LU_BLOCK_RUN
};

enum lu_pool { LU_POOL_FREE, LU_POOL_ROOMY, LU_POOL_SPARSE, LU_POOL_ORPHAN, LU_POOLS };

/* A block's descriptor. Plain fields belong to the block's owner as the table above has it. */
struct lu_block {
  _Atomic uint8_t state;     /* written by the owner (release); read by sweep, verifier, statistics (acquire) */
  /* Set by whoever overflows (any thread, relaxed or); taken by the collector in the rescan (exchange). */
  _Atomic uint8_t rescan;
  uint8_t clean;             /* FREE: memory is known to be zero (fresh, or returned to the system) */
  uint8_t pool;              /* which pool it waits in, while it waits */
  uint16_t cursor;           /* granule up to which its holes have been used; the holder publishes it when it gives
                                the block up or is stopped */
  /* Granule from which births were live in live_cycle. The holder stores live_from, then live_cycle, then sets the MARK bits of the live part, so
   * that a re-scan which read MARK before live_cycle knows which of the bits it saw are births (mark/rescan.c). */
  _Atomic uint16_t live_from;
  uint16_t free_granules;    /* usable by the last sweep */
  _Atomic uint32_t live_cycle;  /* the last cycle in which a part of its births was live; 0 = none */
  uint32_t idle_cycles;      /* FREE: sweeps since it became free, for returning memory */
};

enum lu_slab_kind { LU_SLAB_UNUSED, LU_SLAB_BLOCKS, LU_SLAB_PAGES, LU_SLAB_SPAN, LU_SLAB_SPAN_REST };

struct lu_slab {
  _Atomic uint64_t claim[LU_POOLS];  /* see above */
  _Atomic uint8_t kind;              /* written under space->lock; read by walks (acquire) */
  uint32_t span;                     /* SPAN: slabs it covers; under space->lock */
  uint64_t pages[LU_SLAB_BYTES / LU_PAGE_BYTES / 64];  /* PAGES: pages in use; under space->lock */
};

struct lu_large;

struct lu_space {
  char *base;
  size_t slab_count;                 /* reserved; fixed */
  struct lu_slab *slabs;
  struct lu_block *blocks;           /* slab_count * LU_SLAB_BLOCKS; index = (address - base) >> LU_BLOCK_SHIFT */
  _Atomic size_t slabs_high;         /* slabs below are or were in use; grows under lock, read by walks */
  struct lu_lock lock;               /* slab kinds, page runs, spans; held for microseconds */
  size_t limit;                      /* heap.max */
  /* Bytes of blocks not FREE plus bytes of runs. Added to by allocators (fetch_add, undone when above the limit), reduced by
   * the sweep. Read by the pacer and statistics. */
  _Atomic size_t used;
  _Atomic size_t committed;          /* bytes touched and not returned; statistics */
  _Atomic size_t metadata;           /* of those, not blocks or runs */
  /* Large objects, newest first. Pushed by allocators (CAS, release), filtered by the sweep only (which owns all but the first). */
  struct lu_large *_Atomic large;
  _Atomic uint32_t hint[LU_POOLS];   /* slab where the last claim succeeded; a hint, relaxed */
  /* Grows whenever a block enters a pool or memory is uncharged: a search that found nothing and sees it changed searches again. */
  _Atomic uint64_t returns;
  bool return_memory, huge_pages;
};

lull_status lu_space_init(struct lu_space *space, const struct lu_settings *settings);
void lu_space_fini(struct lu_space *space);

static inline struct lu_block *lu_block_of(const struct lu_space *space, const void *p) {
  return &space->blocks[(size_t)((const char *)p - space->base) >> LU_BLOCK_SHIFT];
}
static inline char *lu_block_memory(const struct lu_space *space, const struct lu_block *block) {
  return space->base + ((size_t)(block - space->blocks) << LU_BLOCK_SHIFT);
}
static inline struct lu_slab *lu_slab_of(const struct lu_space *space, const void *p) {
  return &space->slabs[(size_t)((const char *)p - space->base) >> LU_SLAB_SHIFT];
}
static inline bool lu_space_holds(const struct lu_space *space, const void *p) {
  return (size_t)((const char *)p - space->base) < space->slab_count * LU_SLAB_BYTES;
}

/*
 * Claims a block from one pool; NULL if the pool is empty or, for FREE, the limit does not allow one (FREE charges
 * space->used and sets up a slab when needed). skip_live_cycle: not an ORPHAN whose live_cycle is this (0 = any). The block is
 * HELD when it returns. Any thread; lock-free but for setting up a slab.
 */
struct lu_block *lu_block_claim(struct lu_space *space, enum lu_pool pool, uint32_t skip_live_cycle);

/* Claims this certain block if it waits in a pool; the sweep's way. Returns false if somebody else has it. */
bool lu_block_claim_this(struct lu_space *space, struct lu_block *block);

/* The owner puts a block into a pool (state set first, bit last, release). FREE uncharges. */
void lu_block_release(struct lu_space *space, struct lu_block *block, enum lu_pool pool);

/* Charges bytes against the limit; false if they do not fit. */
bool lu_space_charge(struct lu_space *space, size_t bytes);
void lu_space_uncharge(struct lu_space *space, size_t bytes);

#endif
