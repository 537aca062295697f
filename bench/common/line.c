/* JSON as far as figures need it. A comma stands before each field except the first of an object.
 */
#include "bench/common/line.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "stress/common/check.h"

static void __attribute__((format(printf, 2, 3))) append(struct line *line, const char *format,
                                                         ...) {
  va_list values;
  int length;

  va_start(values, format);
  length = vsnprintf(line->text + line->used, sizeof line->text - line->used, format, values);
  va_end(values);
  STRESS_CHECK(length >= 0 && (size_t)length < sizeof line->text - line->used,
               "line of figures too long");
  line->used += (size_t)length;
}

static void key_of(struct line *line, const char *key) {
  bool first = line->used == 0 || line->text[line->used - 1] == '{';

  append(line, "%s\"%s\": ", first ? "" : ", ", key);
}

void line_count(struct line *line, const char *key, uint64_t value) {
  key_of(line, key);
  append(line, "%" PRIu64, value);
}

void line_real(struct line *line, const char *key, double value) {
  STRESS_CHECK(isfinite(value), "%s is no number", key);
  key_of(line, key);
  append(line, "%.6g", value);
}

void line_text(struct line *line, const char *key, const char *value) {
  STRESS_CHECK(!strpbrk(value, "\"\\\n"), "%s would need quoting", key);
  key_of(line, key);
  append(line, "\"%s\"", value);
}

void line_times(struct line *line, const char *key, const lull_histogram *times) {
  line_open(line, key);
  line_count(line, "count", times->count);
  line_count(line, "p50", lull_histogram_quantile(times, 0.5));
  line_count(line, "p99", lull_histogram_quantile(times, 0.99));
  line_count(line, "p999", lull_histogram_quantile(times, 0.999));
  line_count(line, "p9999", lull_histogram_quantile(times, 0.9999));
  line_count(line, "max", times->max);
  line_count(line, "sum", times->sum);
  line_close(line);
}

void line_open(struct line *line, const char *key) {
  key_of(line, key);
  append(line, "{");
}

void line_close(struct line *line) {
  append(line, "}");
}

void line_join(struct line *line, const struct line *fields) {
  if (fields->used > 0)
    append(line, "%s%s", line->used == 0 ? "" : ", ", fields->text);
}

void line_print(const struct line *line) {
  STRESS_CHECK(printf("{%s}\n", line->text) > 0 && fflush(stdout) == 0,
               "the line of figures cannot be printed");
}
