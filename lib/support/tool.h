/*
 * support/tool.h: what the code says to compilers, processors and checking tools; the only place
 * that does.
 *
 * ThreadSanitizer understands C11 atomics and pthreads, but not inline assembly (ck, liburcu),
 * bare fences, futexes or membarrier. Where one of those orders two threads, the releasing side
 * says LU_TSAN_RELEASE(p) before it and the acquiring side LU_TSAN_ACQUIRE(p) after it, with the
 * same address. An annotation must describe an order that the code really has.
 */
#ifndef LU_SUPPORT_TOOL_H
#define LU_SUPPORT_TOOL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#ifndef __has_feature
#define __has_feature(x) 0
#endif

#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
#define LU_TSAN 1
#else
#define LU_TSAN 0
#endif

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define LU_ASAN 1
#else
#define LU_ASAN 0
#endif

#if LU_TSAN
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#define LU_TSAN_ACQUIRE(p) __tsan_acquire((void *)(uintptr_t)(p))
#define LU_TSAN_RELEASE(p) __tsan_release((void *)(uintptr_t)(p))
#else
#define LU_TSAN_ACQUIRE(p) ((void)(p))
#define LU_TSAN_RELEASE(p) ((void)(p))
#endif

#define LU_CACHE_LINE 64

/*
 * Hints; any address, also an unmapped one. The empty statement is there because gcc takes a
 * function that only prefetches for one without effect, and drops calls of it: the marker ran
 * without a prefetch that way (tests/prefetch).
 */
#define LU_PREFETCH_READ(p) LU_PREFETCH_((p), 0)
#define LU_PREFETCH_WRITE(p) LU_PREFETCH_((p), 1)
#define LU_PREFETCH_(p, rw)        \
  do {                             \
    __builtin_prefetch((p), rw, 3); \
    __asm__ volatile("");          \
  } while (0)

/* For the few functions of a hot loop that gcc would rather call. */
#define LU_INLINE inline __attribute__((always_inline))

/*
 * The pointer, by way of a general register. gcc makes of two neighbouring words that are copied
 * one access of 16 bytes; where one of them was stored by itself just before, the store buffer
 * cannot hand it on, and the load waits a dozen nanoseconds until both are in the cache.
 */
static inline char *lu_apart(char *pointer) {
  __asm__ volatile("" : "+r"(pointer));
  return pointer;
}

/* Inside a spin loop. */
static inline void lu_cpu_relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  __asm__ volatile("yield" ::: "memory");
#endif
}

/*
 * A sequentially consistent fence. gcc warns that ThreadSanitizer does not see fences: it runs
 * correctly there all the same, and what it orders is annotated where it stands.
 */
static inline void lu_fence(void) {
#if LU_TSAN && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wtsan"
#endif
  atomic_thread_fence(memory_order_seq_cst);
#if LU_TSAN && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
}

/* Keeps the compiler from moving memory accesses across; the processor may. The light side of a
 * membarrier pair. */
static inline void lu_compiler_barrier(void) { atomic_signal_fence(memory_order_seq_cst); }

#endif
