/*
 * What a stress program does when something is wrong: one message that says what, where and
 * in which circumstances, then abort(), so that a core or a debugger shows the place.
 */
#ifndef STRESS_COMMON_CHECK_H
#define STRESS_COMMON_CHECK_H

#include <lull.h>

/*
 * Ends the program with the message. Any thread. Before the message the circumstances are
 * printed by the function set with stress_on_failure.
 */
void stress_fail(const char *file, int line, const char *format, ...)
    __attribute__((noreturn, format(printf, 3, 4)));

/* Sets what prints the circumstances of a failure (seed, thread, operation) on stderr. Set it
 * before threads start. */
void stress_on_failure(void (*print)(void));

/* Ends the program unless the condition holds. Always on; the rest is a printf format with its
 * values. */
#define STRESS_CHECK(condition, ...)                \
  do {                                              \
    if (__builtin_expect(!(condition), 0))          \
      stress_fail(__FILE__, __LINE__, __VA_ARGS__); \
  } while (0)

/* Ends the program unless the call returned LULL_OK. */
#define STRESS_OK(call) STRESS_STATUS(call, LULL_OK)

/* Ends the program unless the call returned the expected status. */
#define STRESS_STATUS(call, expected)                                                \
  do {                                                                               \
    lull_status stress_got_ = (call);                                                \
    if (__builtin_expect(stress_got_ != (expected), 0))                              \
      stress_fail(__FILE__, __LINE__, "%s returned \"%s\" instead of \"%s\"", #call, \
                  lull_status_text(stress_got_), lull_status_text(expected));        \
  } while (0)

/* malloc and calloc that end the program instead of failing. */
void *stress_malloc(size_t size);
void *stress_calloc(size_t count, size_t size);

#endif
