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

/* For functions that race or read memory by design (conservative scans); each use says why. Not
 * inlined, or the caller's instrumentation would come back. */
#define LU_NO_SANITIZE_THREAD __attribute__((noinline, no_sanitize("thread")))
#define LU_NO_SANITIZE_ADDRESS __attribute__((noinline, no_sanitize("address")))
#define LU_NO_SANITIZE_UNDEFINED __attribute__((noinline, no_sanitize("undefined")))

/*
 * Memory of the heap that no object occupies: from POISON to UNPOISON any access is reported, by
 * AddressSanitizer or, in a build with -DLULL_VALGRIND, by Valgrind. Under AddressSanitizer p and
 * n must be multiples of 8.
 */
#if LU_ASAN
void __asan_poison_memory_region(void const volatile *address, size_t size);
void __asan_unpoison_memory_region(void const volatile *address, size_t size);
#define LU_ASAN_POISON(p, n) __asan_poison_memory_region((p), (n))
#define LU_ASAN_UNPOISON(p, n) __asan_unpoison_memory_region((p), (n))
#elif defined(LULL_VALGRIND)
#include <valgrind/memcheck.h>
#define LU_ASAN_POISON(p, n) ((void)VALGRIND_MAKE_MEM_NOACCESS((p), (n)))
#define LU_ASAN_UNPOISON(p, n) ((void)VALGRIND_MAKE_MEM_DEFINED((p), (n)))
#else
#define LU_ASAN_POISON(p, n) ((void)(p), (void)(n))
#define LU_ASAN_UNPOISON(p, n) ((void)(p), (void)(n))
#endif

#define LU_CACHE_LINE 64

/* Hints; any address, also an unmapped one. */
#define LU_PREFETCH_READ(p) __builtin_prefetch((p), 0, 3)
#define LU_PREFETCH_WRITE(p) __builtin_prefetch((p), 1, 3)

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
