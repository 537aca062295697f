/* line.h: one JSON object on one line, made field by field by one thread. */
#ifndef BENCH_COMMON_LINE_H
#define BENCH_COMMON_LINE_H

#include <stddef.h>
#include <stdint.h>

#include <lull/stats.h>

/* Fields without the outer braces; zeroed to start with. */
struct line {
  size_t used;
  char text[16384];
};

void line_count(struct line *line, const char *key, uint64_t value);
void line_real(struct line *line, const char *key, double value);
void line_text(struct line *line, const char *key, const char *value);
void line_times(struct line *line, const char *key, const lull_histogram *times);

/* A nested object: its fields come between the two. */
void line_open(struct line *line, const char *key);
void line_close(struct line *line);

/* All fields of another line. */
void line_join(struct line *line, const struct line *fields);

/* Prints the object on standard output. */
void line_print(const struct line *line);

#endif
