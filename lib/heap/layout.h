/*
 * heap/layout.h: how the address range is cut, and the bitmaps found by masking a pointer.
 *
 *   slab    4 MB, aligned; its first three blocks hold three bitmaps, one bit for each 8 bytes of
 *           the slab
 *   block   64 KB; 61 of a slab are usable
 *   granule 8 bytes
 *
 * A slab's bitmaps: MARK A, MARK B, TAKEN. One of A and B is the current MARK; the other is spare,
 * and clear before a major cycle begins (heap->mark_map names the current one).
 *   MARK   the whole extent of every marked object, set when it is scanned; the first bit alone
 *          when it was found and no packet was free. Of a large object the first bit only, which is
 *          the claim.
 *   TAKEN  what the last sweep of a block found occupied. It says nothing of a block that has been
 *          handed out since.
 */
#ifndef LU_HEAP_LAYOUT_H
#define LU_HEAP_LAYOUT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define LU_GRANULE 8u
#define LU_BLOCK_SHIFT 16
#define LU_SLAB_SHIFT 22
#define LU_BLOCK_BYTES ((size_t)1 << LU_BLOCK_SHIFT)
#define LU_SLAB_BYTES ((size_t)1 << LU_SLAB_SHIFT)
#define LU_SLAB_BLOCKS 64u
#define LU_META_BLOCKS 3u
#define LU_USABLE_BLOCKS (LU_SLAB_BLOCKS - LU_META_BLOCKS)
#define LU_BLOCK_GRANULES (LU_BLOCK_BYTES / LU_GRANULE)
#define LU_BLOCK_WORDS (LU_BLOCK_GRANULES / 64)   /* bitmap words of a block */
#define LU_SMALL_MAX ((size_t)8192)               /* larger objects live in page runs */
#define LU_PAGE_BYTES ((size_t)4096)

enum { LU_MAP_A = 0, LU_MAP_B = 1, LU_MAP_TAKEN = 2 };

typedef _Atomic uint64_t lu_map_word;

static inline char *lu_slab_start(const void *p) {
  return (char *)((uintptr_t)p & ~(uintptr_t)(LU_SLAB_BYTES - 1));
}
static inline char *lu_block_start(const void *p) {
  return (char *)((uintptr_t)p & ~(uintptr_t)(LU_BLOCK_BYTES - 1));
}
/* The word of bitmap `map` that holds the bit of address p. */
static inline lu_map_word *lu_map_at(const void *p, unsigned map) {
  uintptr_t offset = (uintptr_t)p & (LU_SLAB_BYTES - 1);
  return (lu_map_word *)(lu_slab_start(p) + map * LU_BLOCK_BYTES) + (offset >> 9);
}
static inline uint64_t lu_map_bit(const void *p) {
  return (uint64_t)1 << (((uintptr_t)p >> 3) & 63);
}

#endif
