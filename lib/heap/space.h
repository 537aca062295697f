/*
 * heap/space.h: the address range, its slabs and blocks, and who owns a block.
 *
 * Each slab has one claim mask for each pool: bit i set = block i waits in that pool. Whoever
 * clears the bit (atomically) owns the block; nothing else decides ownership, so no list can be
 * falsely empty and no node can be reused under a reader. (The design recommends a linked stack of
 * blocks; a mask a slab makes a claim one fetch_and without ABA, keeps blocks in address order, and
 * lets the sweep claim one certain block.)
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
 * Handed-out rule: TAKEN of a HELD or RETIRED or ORPHAN block describes what was there when it was
 * handed out. It stays constant until a sweep of the block.
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

/* Whether a block with so many usable granules waits in ROOMY: from a half on. */
#define LU_ROOMY(granules) ((granules) >= LU_BLOCK_GRANULES / 2)

/*
 * A block's descriptor. Plain fields belong to the block's owner as the table above has it;
 * ownership passes by a claim bit (release, acquire) or by `state` (HELD to RETIRED: release,
 * acquire).
 */
struct lu_block {
  /* Written by the owner (release); read by sweep, verifier, statistics (acquire). */
  _Atomic uint8_t state;
  /* Set by whoever overflows (any thread, relaxed or); taken by the collector in the rescan
   * (exchange). */
  _Atomic uint8_t rescan;
  /* Free memory of the block (of an ORPHAN or HELD one: from the cursor on) is known to be zero.
   * Written by the owner; read as a hint by lu_space_return (relaxed), which looks again when it
   * owns the block. */
  _Atomic uint8_t clean;
  /* Granules; shorter free runs are not used. Constant while handed out: parsing needs it. */
  uint8_t smallest_hole;
  /* Granule up to which its holes have been used; the holder publishes it when it gives the block
   * up or is stopped. */
  uint16_t cursor;
  /* Granule from which births were live in live_cycle. Written by the holder (or a closure); read
   * by the sweep (relaxed: for a figure only, until the SETTLE handshake has ordered it). */
  _Atomic uint16_t live_from;
  uint16_t free_granules;    /* in holes, when it was put into its pool */
  uint16_t counted;          /* marked granules of it that space->live has; the sweep's alone */
  /* Longest hole, granules. Written by the owner before it puts the block into a pool; read by
   * claims before they own the block (relaxed), to pass over blocks that are of no use, and again
   * afterwards. */
  _Atomic uint16_t largest_hole;
  /* The last cycle in which a part of its births was live; 0 = none since its last sweep. Written
   * by the holder; read before ownership (relaxed), again after. */
  _Atomic uint32_t live_cycle;
  /* FREE: value of space->sweeps when it became free. Written by the owner; read as a hint by
   * lu_space_return (relaxed). */
  _Atomic uint32_t free_since;
};

enum lu_slab_kind { LU_SLAB_UNUSED, LU_SLAB_SMALL, LU_SLAB_PAGES, LU_SLAB_SPAN, LU_SLAB_SPAN_REST };

#define LU_SLAB_PAGE_COUNT (LU_SLAB_BYTES / LU_PAGE_BYTES)
#define LU_META_PAGES (LU_META_BLOCKS * LU_BLOCK_BYTES / LU_PAGE_BYTES)
/* Usable blocks of a slab, as a mask. */
#define LU_USABLE_MASK (~(uint64_t)0 << LU_META_BLOCKS)

/* Memory of an UNUSED slab, bitmaps included, is zero. */
struct lu_slab {
  _Atomic uint64_t claim[LU_POOLS];  /* see above */
  /* Bit i: block i has been handed out since the last sweep that made its TAKEN, or holds survivors
   * that are not promoted; a minor sweeps no others. Set by whoever claims a block (release) and by
   * the collector; cleared by the sweep while it owns the block; read by the sweep (acquire). A bit
   * that is set while a sweep goes by is of a block that it would pass over: its births are
   * live. */
  _Atomic uint64_t young;
  _Atomic uint8_t kind;    /* written under space->lock (release); read by walks (acquire) */
  /*
   * Bit m: bitmap m has its memory. Cleared before the kind is set; then the driver's, who alone
   * makes a slab UNUSED
   */
  uint8_t populated;
  uint32_t span;           /* SPAN: slabs it covers; under space->lock */
  uint32_t longest;        /* PAGES: no free run is longer, in pages; under space->lock */
  /* PAGES: pages in use, and pages that may not be zero; under space->lock. */
  uint64_t pages[LU_SLAB_PAGE_COUNT / 64];
  uint64_t dirty[LU_SLAB_PAGE_COUNT / 64];
} __attribute__((aligned(64)));

struct lu_large;

struct lu_space {
  /* Constant after lu_space_init. */
  char *base;
  size_t slab_count;                 /* reserved; fixed */
  struct lu_slab *slabs;
  struct lu_block *blocks;           /* index = (address - base) >> LU_BLOCK_SHIFT */
  /* Bytes to which the pacer lets the heap grow before a cycle ends: the limit until it says
   * otherwise. Written by the driver; read by refills, relaxed. */
  _Atomic size_t goal;
  bool return_memory, huge_pages;
  /* heap.max, or less. Stored by lull_heap_set_pacing, under pacer.lock; read by charges and
   * figures: a charge under way may see the one before. */
  _Atomic size_t limit;
  uint8_t card_shift;                /* of large objects: rs.card as a power of two */

  /* Slab kinds, page runs, spans; held for microseconds. */
  struct lu_lock lock __attribute__((aligned(64)));
  size_t unused_from;                /* no UNUSED slab below; under lock */
  _Atomic size_t slabs_high;         /* slabs below are or were in use; grows under lock */
  /* No UNUSED slabs were found for a large object. Set by allocators, under lock; exchanged to
   * false by the driver before it looks for SMALL slabs whose blocks are all free (heap/return.c,
   * G.4). */
  _Atomic bool slabs_missed;
  /* Large objects, newest first. Pushed by allocators (CAS, release), filtered by the sweep only
   * (which owns all but the first). */
  struct lu_large *_Atomic large;
  /* From here on the list has been marked and promoted by an earlier sweep; NULL = nothing. The
   * sweep's. */
  struct lu_large *large_old;
  size_t live;                       /* granules, and bytes of large objects, that sweeps have found
                                        marked; the sweep's */
  size_t live_large;
  _Atomic size_t committed;          /* bytes touched and not returned; statistics */
  _Atomic size_t metadata;           /* of those, not blocks or runs */
  _Atomic uint32_t sweeps;           /* begun; the sweep's; read by who frees a block (relaxed) */

  /* Bytes of blocks not FREE plus bytes of runs; never above limit, but when that has been lowered.
   * Added to by allocators (CAS, so that a request that does not fit makes no other fail), reduced
   * by the sweep. Read by the pacer and statistics. */
  _Atomic size_t used __attribute__((aligned(64)));
  /* Bytes in holes of blocks that wait in ROOMY, SPARSE and ORPHAN: of `used`, what can be
   * allocated without a sweep. Changed with each claim and release (relaxed); a figure for pacer
   * and statistics. */
  _Atomic size_t pooled;
  /* Blocks that wait in each pool: raised before a bit is set, lowered after it was cleared, so 0
   * means that the pool is empty. */
  _Atomic size_t waiting[LU_POOLS];
  /* Slab where the last claim succeeded; of FREE one below which there is hardly any. A hint,
   * relaxed: searches go all the way round. */
  _Atomic uint32_t hint[LU_POOLS];
  /* Grows whenever a block enters a pool or memory is uncharged (release): a search that found
   * nothing and sees it changed (acquire) searches again. */
  _Atomic uint64_t returns;
};

/* LULL_E_RANGE for a limit that no address space holds, LULL_E_MEMORY when the system refuses;
 * nothing is left behind then. */
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
static inline char *lu_slab_memory(const struct lu_space *space, const struct lu_slab *slab) {
  return space->base + ((size_t)(slab - space->slabs) << LU_SLAB_SHIFT);
}
static inline bool lu_space_holds(const struct lu_space *space, const void *p) {
  return (size_t)((const char *)p - space->base) < space->slab_count * LU_SLAB_BYTES;
}

/*
 * Claims a block with a hole of at least `granules` from one pool; NULL if there is none or, for
 * FREE, the limit does not allow one (FREE charges space->used and sets up a slab when needed).
 * skip_live_cycle: not an ORPHAN whose live_cycle is this (0 = any). The block is HELD when it
 * returns; its smallest_hole and cursor are set. Any thread; lock-free but for setting up a slab.
 */
struct lu_block *lu_block_claim(struct lu_space *space, enum lu_pool pool, uint32_t granules,
                                uint32_t skip_live_cycle);

/* Claims this certain block if it waits in a pool; for the sweep and lu_space_return. Its state
 * stays FREE, POOLED or ORPHAN. Returns false if somebody else has it. A FREE block is claimed
 * without a charge. */
bool lu_block_claim_this(struct lu_space *space, struct lu_block *block);

/* Undoes lu_block_claim_this. */
void lu_block_put_back(struct lu_space *space, struct lu_block *block);

/* The owner puts a block into a pool (state set first, bit last, release); free_granules and
 * largest_hole are set, but for FREE. FREE uncharges. */
void lu_block_release(struct lu_space *space, struct lu_block *block, enum lu_pool pool);

/* The holder is done with it (its cursor is published): the sweep's now. */
void lu_block_retire(struct lu_block *block);

/* A minor will sweep the block. Whoever owns it, or the collector. */
void lu_block_set_young(struct lu_space *space, const struct lu_block *block);
/* By the sweep, which owns the block and has made TAKEN of its MARK. */
void lu_block_clear_young(struct lu_space *space, const struct lu_block *block);

/*
 * Bytes of the limit that small objects do not take once there are large ones, which find no room
 * in holes. The pacer has to know it: to a program of small objects that is the limit.
 */
size_t lu_space_kept_for_large(const struct lu_space *space);

/*
 * Gives bitmap `map` of all slabs of small objects its memory, where it has none yet; the driver.
 * Otherwise whoever marks the first object of a page takes the fault, which may be a thread that
 * assists, or that marks its births: one at a time, 2 us each, and 25 on a busy machine.
 */
void lu_space_populate(struct lu_space *space, unsigned map);

/* Granules of the shortest hole that is used: 16, or 8 with more than 85 % of the limit in use. */
uint32_t lu_space_smallest_hole(const struct lu_space *space);

/* Charges bytes against the limit; false if they do not fit. Exact: no byte of the limit is refused
 * because of a request that fails at the same time. */
bool lu_space_charge(struct lu_space *space, size_t bytes);
void lu_space_uncharge(struct lu_space *space, size_t bytes);

/* The following are for files of heap/ only. */

/* Makes FREE blocks by setting up a slab, unless some wait already; false when no slab is left.
 * Takes the lock. */
bool lu_space_open_slab(struct lu_space *space);

/* Lock held: the first n UNUSED slabs in a row get `kind` (those after a SPAN's first: SPAN_REST);
 * NULL when there are none. Their block descriptors say META and RUN. */
struct lu_slab *lu_space_take_slabs(struct lu_space *space, size_t n, enum lu_slab_kind kind);
/* Gives n slabs back, their memory zero. Takes the lock. */
void lu_space_give_slabs(struct lu_space *space, struct lu_slab *slab, size_t n);

#endif
