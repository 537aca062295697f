/*
 * fail.h: how a benchmark ends when it cannot go on. (A wrong result is STRESS_CHECK's, which
 * aborts.) Any thread.
 */
#ifndef BENCH_COMMON_FAIL_H
#define BENCH_COMMON_FAIL_H

#include <stdbool.h>
#include <stddef.h>

/* Without memory: says so and ends with status 3. `size` is what was asked for, in the message
 * only. */
void bench_exhausted(size_t size) __attribute__((noreturn, cold));

/* Unless the condition holds, which is one on the command line, says the message and ends with
 * status 2. */
void bench_require(bool condition, const char *message);

#endif
