/*
 * bump.h: fresh memory that is never freed, in pieces of 64 MB that a thread maps for itself. What
 * a thread mapped stays when it leaves. Objects come zeroed, as the system gives the memory.
 */
#ifndef BENCH_MEMORY_BUMP_H
#define BENCH_MEMORY_BUMP_H

#include <stdlib.h>
#include <sys/mman.h>

#include "bench/common/fail.h"

#define MEM_NAME "bump"
#define MEM_FREES 0

enum { BUMP_PIECE = 64 << 20 };

typedef struct mem_thread {
  char *next, *end; /* of the piece */
} mem_thread;

#include "bench/memory/handle.h"
#include "bench/memory/plain.h"

static inline void mem_open(uint64_t limit, const char *options) {
  (void)limit;
  bench_require(!options, "bump allocation takes no --options");
}

static inline void mem_close(void) {
}

static inline mem_thread *mem_enter(void) {
  mem_thread *thread = calloc(1, sizeof *thread);

  if (!thread)
    bench_exhausted(sizeof *thread);
  return thread;
}

static inline void mem_leave(mem_thread *thread) {
  free(thread);
}

static inline char *bump_map(size_t size) {
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

  if (memory == MAP_FAILED)
    bench_exhausted(size);
  return memory;
}

/* A new piece; what would not fit into one has a mapping of its own. */
static __attribute__((noinline, unused)) void *bump_slow(mem_thread *thread, size_t size) {
  if (size > BUMP_PIECE)
    return bump_map(size);
  thread->next = bump_map(BUMP_PIECE);
  thread->end = thread->next + BUMP_PIECE;
  thread->next += size;
  return thread->next - size;
}

static inline void *mem_new(mem_thread *thread, mem_type type, size_t size) {
  char *object = thread->next;

  (void)type;
  size = (size + 7) & ~(size_t)7;
  if (__builtin_expect(size > (size_t)(thread->end - object), 0))
    return bump_slow(thread, size);
  thread->next = object + size;
  return object;
}

static inline void *mem_new_array(mem_thread *thread, mem_type type, size_t length) {
  void *array = mem_new(thread, type, plain_array_size(type, length));

  return plain_set_length(array, type, length);
}

static inline void mem_free(mem_thread *thread, void *object) {
  (void)thread;
  (void)object;
}

static inline void mem_report(void) {
}

#endif
