/*
 * support/memory.h: the operating system's memory behind a handful of primitives. Any thread.
 * None of them logs.
 */
#ifndef LU_SUPPORT_MEMORY_H
#define LU_SUPPORT_MEMORY_H

#include "support/fault.h"

/* Bytes of a page; a power of two. */
size_t lu_page_size(void);

/*
 * Reserves `bytes` of address space, readable and writable, zero, without swap accounting; pages
 * get memory when they are first touched. `bytes` > 0 and a multiple of the page size; `align` a
 * power of two, at least the page size. NULL when the system refuses (or fault.reserve says so).
 * To be given back whole with lu_unreserve.
 */
void *lu_reserve(size_t bytes, size_t align) LULL_NODISCARD;

/* Gives a whole reservation back; NULL is allowed. Nobody uses it any more. */
void lu_unreserve(void *memory, size_t bytes);

/*
 * Takes the memory from whole pages of a reservation: they read as zero afterwards and cost
 * nothing until touched. `memory` and `bytes` are multiples of the page size. The caller owns the
 * pages alone. Returns false when the system refuses; the contents are then undefined.
 */
bool lu_release_pages(void *memory, size_t bytes);

/* Asks for huge pages in a range, or asks for none. A hint: systems without them ignore it.
 * Page-aligned as above. */
void lu_huge_pages(void *memory, size_t bytes, bool wanted);

/*
 * Has the system provide pages now, all at once, as a write to each would. Contents stay. Where it
 * cannot, each comes when it is touched. Page-aligned as above.
 */
void lu_populate_pages(void *memory, size_t bytes);

/* Bytes of memory that this process may use: physical memory, or the lowest cgroup v2 limit
 * (memory.max) above the process if that is lower. Reads /proc and /sys: milliseconds at worst.
 * Never 0. */
uint64_t lu_system_memory(void);

/*
 * Bytes of the processor's last cache, as the system tells; 0 = it does not. Reads /sys where
 * sysconf knows nothing.
 */
uint64_t lu_system_cache(void);

/*
 * malloc for internal tables: n * size bytes, NULL on overflow, without memory or when
 * fault.<site> says so. The z forms are zeroed. All are freed with lu_free.
 */
void *lu_alloc_array(enum lu_fault_site site, size_t n, size_t size) LULL_NODISCARD;
void *lu_zalloc_array(enum lu_fault_site site, size_t n, size_t size) LULL_NODISCARD;
/* Grows or shrinks; on NULL the old memory is still valid. */
void *lu_realloc_array(enum lu_fault_site site, void *memory, size_t n, size_t size) LULL_NODISCARD;
/* Zeroed and aligned; `align` a power of two, at least 8. */
void *lu_zalloc_aligned(enum lu_fault_site site, size_t align, size_t bytes) LULL_NODISCARD;
void lu_free(void *memory);

static inline void *lu_zalloc(enum lu_fault_site site, size_t bytes) {
  return lu_zalloc_array(site, 1, bytes);
}

#endif
