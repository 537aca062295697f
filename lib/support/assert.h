/*
 * support/assert.h: invariants of the library's own code. Mistakes of callers are status codes
 * (support/error.h), not these.
 */
#ifndef LU_SUPPORT_ASSERT_H
#define LU_SUPPORT_ASSERT_H

#include <lull/base.h>

/* Writes one line to stderr (never to the log hook, which might be what broke) and aborts. Any
 * thread. */
void lu_fatal(const char *format, ...) __attribute__((noreturn, cold, format(printf, 1, 2)));

/* Checked in every build: for what must not go on wrong and is not on a fast path. `message` is a
 * literal. */
#define LU_CHECK(condition, message)                                                               \
  (LULL_LIKELY(condition) ? (void)0                                                                \
                          : lu_fatal("%s:%d: %s (%s)", __FILE__, __LINE__, message, #condition))

/* Checked in debug builds. Elsewhere the condition is compiled but not evaluated. */
#ifdef LULL_DEBUG
#define LU_ASSERT(condition)                                                                       \
  (LULL_LIKELY(condition) ? (void)0                                                                \
                          : lu_fatal("%s:%d: assertion failed: %s", __FILE__, __LINE__, #condition))
#else
#define LU_ASSERT(condition) ((void)sizeof(!(condition)))
#endif

#endif
