/*
 * memory.c: mmap, madvise, malloc and what the system says about memory. No state but the page
 * size, which never changes.
 */
#include "support/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/assert.h"
#include "support/cgroup.h"

size_t lu_page_size(void) {
  return (size_t)sysconf(_SC_PAGESIZE);
}

/* More is mapped than asked for, and what lies outside the aligned part is given back at once. */
void *lu_reserve(size_t bytes, size_t align) {
  size_t page = lu_page_size();
  LU_CHECK(bytes != 0 && bytes % page == 0, "a reservation is whole pages");
  LU_CHECK(align >= page && (align & (align - 1)) == 0,
           "a reservation's alignment is a power of two");
  size_t mapped;
  if (__builtin_add_overflow(bytes, align - page, &mapped) || lu_fault(LU_FAULT_RESERVE))
    return NULL;
  char *map = mmap(NULL, mapped, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (map == MAP_FAILED)
    return NULL;
  size_t before = -(uintptr_t)map & (align - 1);
  if (before != 0)
    munmap(map, before);
  if (mapped - before != bytes)
    munmap(map + before + bytes, mapped - before - bytes);
  return map + before;
}

void lu_unreserve(void *memory, size_t bytes) {
  if (memory != NULL)
    LU_CHECK(munmap(memory, bytes) == 0, "the system refuses to take a reservation back");
}

bool lu_release_pages(void *memory, size_t bytes) {
  LU_ASSERT((((uintptr_t)memory | bytes) & (lu_page_size() - 1)) == 0);
  return madvise(memory, bytes, MADV_DONTNEED) == 0;
}

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23   /* Linux 5.14; older ones answer EINVAL */
#endif

void lu_populate_pages(void *memory, size_t bytes) {
  LU_ASSERT((((uintptr_t)memory | bytes) & (lu_page_size() - 1)) == 0);
  int saved = errno;
  if (madvise(memory, bytes, MADV_POPULATE_WRITE) != 0)
    errno = saved;
}

void lu_huge_pages(void *memory, size_t bytes, bool wanted) {
  LU_ASSERT((((uintptr_t)memory | bytes) & (lu_page_size() - 1)) == 0);
  madvise(memory, bytes, wanted ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}

/* The text of memory.max: bytes, or "max". */
static uint64_t parse_limit(const char *text) {
  uint64_t limit;
  return sscanf(text, "%" SCNu64, &limit) == 1 ? limit : UINT64_MAX;
}

uint64_t lu_system_memory(void) {
  long pages = sysconf(_SC_PHYS_PAGES);
  uint64_t physical = pages > 0 ? (uint64_t)pages * lu_page_size() : UINT64_C(1) << 30;
  uint64_t limit = lu_cgroup_lowest("memory.max", parse_limit);
  uint64_t lower = limit < physical ? limit : physical;
  return lower != 0 ? lower : physical;
}

/* One number with a suffix out of a file of /sys; 0 without it. */
static uint64_t cache_size_file(int level_index) {
  char path[64];
  unsigned long long kilobytes = 0;
  snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/size", level_index);
  FILE *file = fopen(path, "re");
  if (file == NULL)
    return 0;
  if (fscanf(file, "%lluK", &kilobytes) != 1)
    kilobytes = 0;
  fclose(file);
  return kilobytes << 10;
}

uint64_t lu_system_cache(void) {
  static const int names[] = {_SC_LEVEL4_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE, _SC_LEVEL2_CACHE_SIZE};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    long bytes = sysconf(names[i]);
    if (bytes > 0)
      return (uint64_t)bytes;
  }
  for (int index = 4; index >= 2; index--) {
    uint64_t bytes = cache_size_file(index);
    if (bytes != 0)
      return bytes;
  }
  return 0;
}

/* Whether a request is refused: by a fault, or because it overflows (which the allocators of
 * sanitizers take for a bug). */
static bool refused(enum lu_fault_site site, size_t n, size_t size) {
  size_t bytes;
  return lu_fault(site) || __builtin_mul_overflow(n, size, &bytes);
}

void *lu_alloc_array(enum lu_fault_site site, size_t n, size_t size) {
  return refused(site, n, size) ? NULL : malloc(n * size);
}

void *lu_zalloc_array(enum lu_fault_site site, size_t n, size_t size) {
  return refused(site, n, size) ? NULL : calloc(n, size);
}

void *lu_realloc_array(enum lu_fault_site site, void *memory, size_t n, size_t size) {
  return refused(site, n, size) ? NULL : realloc(memory, n * size);
}

void *lu_zalloc_aligned(enum lu_fault_site site, size_t align, size_t bytes) {
  LU_CHECK(align >= sizeof(void *) && (align & (align - 1)) == 0, "an alignment is a power of two");
  void *memory;
  if (lu_fault(site) || posix_memalign(&memory, align, bytes) != 0)
    return NULL;
  return memset(memory, 0, bytes);
}

void lu_free(void *memory) {
  free(memory);
}
