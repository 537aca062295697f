/* The library's log lines, kept by the program: it looks for lines and prints the last ones when
 * something failed. */
#ifndef STRESS_COMMON_LOG_H
#define STRESS_COMMON_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From now on log lines come here instead of stderr; with `echo` also to stderr. */
void log_capture(bool echo);

/* How many lines came so far. */
uint64_t log_lines(void);

/* How many of the lines that came since line `from` (a result of log_lines) hold the text; only the
 * last 256 are kept. */
uint64_t log_count(uint64_t from, const char *text);

/* Copies the first line since `from` that holds the text; false if there is none. */
bool log_find(uint64_t from, const char *text, char *line, size_t size);

/* Prints those of the last lines on stderr that do not hold `skip` (NULL: all). */
void log_print_last(unsigned count, const char *skip);

#endif
