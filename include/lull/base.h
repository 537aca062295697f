/*
 * lull/base.h: what every other header needs: platform, attributes, versions
 * and the status codes that calls return.
 */
#ifndef LULL_BASE_H
#define LULL_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if !defined(__linux__) || !defined(__LP64__) || \
    !(defined(__x86_64__) || defined(__aarch64__)) || \
    __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Lull needs 64-bit little-endian Linux on x86-64 or arm64"
#endif

#define LULL_VERSION_MAJOR 0
#define LULL_VERSION_MINOR 1
#define LULL_VERSION_PATCH 0

#define LULL_API __attribute__((visibility("default")))
#define LULL_LIKELY(x) __builtin_expect(!!(x), 1)
#define LULL_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define LULL_NONNULL(...) __attribute__((nonnull(__VA_ARGS__)))
#define LULL_NODISCARD __attribute__((warn_unused_result))

#ifdef __cplusplus
extern "C" {
#endif

/* A heap with its types, threads, roots and collector. A process may have several. */
typedef struct lull_heap lull_heap;

/* One thread's attachment to one heap. Its first words are public (lull/thread.h). */
typedef struct lull_thread lull_thread;

/*
 * What a call returns when it can fail. A call that fails changes nothing,
 * writes one log line under the tag "api" that says what was wrong, and leaves
 * the heap usable. Each call's comment says when it fails; beside that, for all
 * of them: LULL_E_ARGUMENT for a NULL that is not allowed, LULL_E_THREAD for a
 * lull_thread that is not the calling thread's own, LULL_E_STATE for one that
 * is inside a blocked region where the call is for RUNNING threads.
 */
typedef enum lull_status {
  LULL_OK = 0,
  LULL_E_ARGUMENT,    /* a NULL or otherwise meaningless argument */
  LULL_E_RANGE,       /* a number outside its range, or a size that overflows */
  LULL_E_UNKNOWN,     /* no option, type or handle of that name */
  LULL_E_DESCRIPTOR,  /* a type descriptor that contradicts itself */
  LULL_E_MEMORY,      /* the system or the heap limit has no memory left */
  LULL_E_THREAD,      /* the calling thread is not attached, or not the owner */
  LULL_E_STATE,       /* not now: unbalanced region, live frames, already done */
  LULL_E_BUSY,        /* threads are still attached */
  LULL_E_PROGRESS,    /* another thread does not reach a safepoint */
  LULL_E_SYSTEM       /* the operating system refused something Lull needs */
} lull_status;

/*
 * A constant English sentence for a status, also for a number that is none; never NULL, not to be
 * freed. Any thread, O(1).
 */
LULL_API const char *lull_status_text(lull_status status);

/* The library's version as "MAJOR.MINOR.PATCH"; a constant. Any thread, O(1). */
LULL_API const char *lull_version(void);

/*
 * The status of the calling OS thread's last failed call that has no status of
 * its own to return (an allocation that returned NULL). It is not cleared by
 * success. Any thread, attached or not. O(1).
 */
LULL_API lull_status lull_last_error(void);

#ifdef __cplusplus
}
#endif
#endif
