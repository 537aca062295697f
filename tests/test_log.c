/*
 * test_log.c: the form of a line, levels, the hook and its exchange while many threads log.
 */
#include <errno.h>
#include <fcntl.h>
#include <lull/heap.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "observe/log.h"
#include "support/error.h"
#include "support/tool.h"
#include "tests/suite.h"

enum { THREADS = 4, LINES = LU_TSAN ? 300 : 2000 };

static char last[2 * LU_LOG_LINE];
static int count;

static void keep(const char *line, void *data) {
  ck_assert_ptr_eq(data, last);
  snprintf(last, sizeof last, "%s", line);
  count++;
}

static void keep_lines(void) {
  count = 0;
  lull_log_to(keep, last);
}

/* The text after the decorations "[0.150s][info][gc] ", which are checked. */
static const char *message(const char *line, const char *level, const char *tags) {
  unsigned seconds, milliseconds;
  char found_level[16], found_tags[32];
  int end = 0;
  ck_assert_int_eq(sscanf(line, "[%u.%3us][%15[a-z ]][%31[a-z, ]] %n", &seconds, &milliseconds,
                          found_level, found_tags, &end), 4);
  ck_assert_int_gt(end, 0);
  found_level[strcspn(found_level, " ")] = '\0';
  found_tags[strcspn(found_tags, " ")] = '\0';
  ck_assert_str_eq(found_level, level);
  ck_assert_str_eq(found_tags, tags);
  return line + end;
}

START_TEST(a_line_has_the_unified_form) {
  keep_lines();
  LU_LOG(lu_log_all(LU_LOG_INFO), LU_TAG_GC, LU_LOG_INFO,
         "GC(%d) Pause Young (Allocation) %dM->%dM(%dM) %.3fms", 0, 12, 4, 64, 0.412);
  ck_assert_str_eq(message(last, "info", "gc"),
                   "GC(0) Pause Young (Allocation) 12M->4M(64M) 0.412ms");
  ck_assert_ptr_null(strchr(last, '\n'));
}
END_TEST

START_TEST(fields_are_padded_to_the_widest_so_far) {
  keep_lines();
  uint64_t on = lu_log_all(LU_LOG_TRACE);
  LU_LOG(on, LU_TAG_GC, LU_LOG_INFO, "x");
  ck_assert_ptr_nonnull(strstr(last, "s][info][gc] x"));
  LU_LOG(on, LU_TAG_PHASE, LU_LOG_WARNING, "x");
  ck_assert_ptr_nonnull(strstr(last, "s][warning][gc,phases] x"));
  LU_LOG(on, LU_TAG_GC, LU_LOG_INFO, "x");
  ck_assert_ptr_nonnull(strstr(last, "s][info   ][gc       ] x"));
}
END_TEST

START_TEST(levels_are_by_tag) {
  keep_lines();
  uint64_t levels;
  ck_assert(lu_log_parse("handshake=debug;api=off", &levels));
  LU_LOG(levels, LU_TAG_HANDSHAKE, LU_LOG_DEBUG, "yes");
  LU_LOG(levels, LU_TAG_HEAP, LU_LOG_WARNING, "yes");
  LU_LOG(levels, LU_TAG_OPTIONS, LU_LOG_ERROR, "yes");
  ck_assert_int_eq(count, 3);
  LU_LOG(levels, LU_TAG_HANDSHAKE, LU_LOG_TRACE, "no");
  LU_LOG(levels, LU_TAG_HEAP, LU_LOG_INFO, "no");
  LU_LOG(levels, LU_TAG_API, LU_LOG_ERROR, "no");
  LU_LOG(0, LU_TAG_GC, LU_LOG_ERROR, "no");
  ck_assert_int_eq(count, 3);
}
END_TEST

START_TEST(specifications_are_parsed) {
  uint64_t levels, all = lu_log_all(LU_LOG_WARNING);
  ck_assert(lu_log_parse("gc", &levels));
  ck_assert(lu_log_on(levels, LU_TAG_GC, LU_LOG_INFO));
  ck_assert(!lu_log_on(levels, LU_TAG_GC, LU_LOG_DEBUG));
  ck_assert(!lu_log_on(levels, LU_TAG_PHASE, LU_LOG_INFO));
  ck_assert(lu_log_parse("gc,handshake=debug", &levels));
  ck_assert(!lu_log_on(levels, LU_TAG_GC, LU_LOG_DEBUG));
  ck_assert(lu_log_on(levels, LU_TAG_HANDSHAKE, LU_LOG_DEBUG));
  ck_assert(lu_log_parse("gc+handshake+stall=trace", &levels));
  ck_assert(lu_log_on(levels, LU_TAG_GC, LU_LOG_TRACE));
  ck_assert(lu_log_on(levels, LU_TAG_STALL, LU_LOG_TRACE));
  ck_assert(!lu_log_on(levels, LU_TAG_API, LU_LOG_INFO));
  ck_assert(lu_log_parse("gc=debug;all=error", &levels));
  ck_assert_uint_eq(levels, lu_log_all(LU_LOG_ERROR));
  ck_assert(lu_log_parse("off;verify=info", &levels));
  ck_assert(!lu_log_on(levels, LU_TAG_GC, LU_LOG_ERROR));
  ck_assert(lu_log_on(levels, LU_TAG_VERIFY, LU_LOG_INFO));
  ck_assert(lu_log_parse("trace", &levels));
  ck_assert_uint_eq(levels, lu_log_all(LU_LOG_TRACE));
  ck_assert(lu_log_parse("warning", &levels));
  ck_assert_uint_eq(levels, all);

  static const char *const bad[] = {
      "",    ",",   "gc,",     ",gc",          "gc=", "=",      "=info", "gc=loud", "gcx",
      "gc+", "+gc", "gc++api", "gc=info=info", "GC",  "all+gc", " gc",   "gc =info"};
  levels = 42;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    ck_assert_msg(!lu_log_parse(bad[i], &levels), "\"%s\" was accepted", bad[i]);
  ck_assert_uint_eq(levels, 42);
}
END_TEST

START_TEST(long_lines_are_cut) {
  static char text[5000];
  memset(text, 'a', sizeof text - 1);
  keep_lines();
  for (size_t length = LU_LOG_LINE - 60; length < LU_LOG_LINE + 20; length++) {
    lu_log_write(LU_TAG_GC, LU_LOG_INFO, "%.*s", (int)length, text);
    size_t whole = (size_t)(message(last, "info", "gc") - last) + length;
    if (whole <= LU_LOG_LINE - 1) {
      ck_assert_uint_eq(strlen(last), whole);
      ck_assert_int_eq(last[whole - 1], 'a');
    } else {
      ck_assert_uint_eq(strlen(last), LU_LOG_LINE - 1);
      ck_assert_str_eq(last + LU_LOG_LINE - 5, "a...");
    }
  }
  lu_log_write(LU_TAG_GC, LU_LOG_INFO, "%s", text);
  ck_assert_uint_eq(strlen(last), LU_LOG_LINE - 1);
}
END_TEST

START_TEST(control_characters_are_replaced) {
  keep_lines();
  errno = EXDEV;
  lu_log_write(LU_TAG_API, LU_LOG_ERROR, "%s", "a\nb\x1b[31m\tc\x7f\xc3\xa4\r");
  ck_assert_int_eq(errno, EXDEV);
  ck_assert_str_eq(message(last, "error", "api"), "a?b?[31m?c?\xc3\xa4?");
}
END_TEST

START_TEST(a_refusal_is_one_line_and_the_last_error) {
  keep_lines();
  ck_assert_int_eq(lull_last_error(), LULL_OK);
  ck_assert_int_eq(lu_reject(LULL_E_RANGE, "lull_new_array: %d%% of %s", 120, "it"), LULL_E_RANGE);
  ck_assert_int_eq(lull_last_error(), LULL_E_RANGE);
  ck_assert_int_eq(count, 1);
  ck_assert_str_eq(message(last, "warning", "api"), "lull_new_array: 120% of it");
  lu_log_set_levels(0);
  ck_assert_int_eq(lu_reject(LULL_E_STATE, "lull_detach: no"), LULL_E_STATE);
  ck_assert_int_eq(lull_last_error(), LULL_E_STATE);
  ck_assert_int_eq(count, 1);
}
END_TEST

START_TEST(statuses_have_texts) {
  for (int status = LULL_OK; status <= LULL_E_SYSTEM; status++)
    for (int other = LULL_OK - 1; other < status; other++)
      ck_assert_str_ne(lull_status_text((lull_status)status), lull_status_text((lull_status)other));
  ck_assert_ptr_nonnull(lull_status_text((lull_status)12345));
}
END_TEST

/* Many threads write to stderr, a pipe; the lines come out whole. */
static void *write_lines(void *arg) {
  int number = *(int *)arg;
  for (int i = 0; i < LINES; i++)
    lu_log_write(LU_TAG_GC, LU_LOG_INFO, "<%d %d %0*d>", number, i, 100 + i % 50, i);
  return NULL;
}

struct reader {
  int fd;
  int seen[THREADS];
};

static void *read_lines(void *arg) {
  struct reader *reader = arg;
  char line[LU_LOG_LINE + 1];
  FILE *file = fdopen(reader->fd, "r");
  while (fgets(line, sizeof line, file) != NULL) {
    int number, i, value, end = 0;
    ck_assert_int_eq(sscanf(message(line, "info", "gc"), "<%d %d %d>%n", &number, &i, &value, &end),
                     3);
    ck_assert_int_gt(end, 0);
    ck_assert_int_eq(value, i);
    ck_assert_int_eq(reader->seen[number], i);
    reader->seen[number]++;
  }
  fclose(file);
  return NULL;
}

START_TEST(lines_to_stderr_are_written_whole) {
  int fds[2], numbers[THREADS];
  struct reader reader = {0};
  pthread_t threads[THREADS], reading;
  ck_assert_int_eq(pipe(fds), 0);
  int saved = dup(STDERR_FILENO);
  dup2(fds[1], STDERR_FILENO);
  close(fds[1]);
  reader.fd = fds[0];
  ck_assert_int_eq(pthread_create(&reading, NULL, read_lines, &reader), 0);
  for (int i = 0; i < THREADS; i++) {
    numbers[i] = i;
    ck_assert_int_eq(pthread_create(&threads[i], NULL, write_lines, &numbers[i]), 0);
  }
  for (int i = 0; i < THREADS; i++)
    ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
  dup2(saved, STDERR_FILENO);
  close(saved);
  ck_assert_int_eq(pthread_join(reading, NULL), 0);
  for (int i = 0; i < THREADS; i++)
    ck_assert_int_eq(reader.seen[i], LINES);
}
END_TEST

/*
 * Hooks come and go while threads log. Each hook's data is freed when the exchange has returned:
 * a call that came later would touch freed memory, or find the hook closed.
 */
struct sink {
  /* Atomics are relaxed: lull_log_to alone orders the hooks and the thread that swaps them. */
  _Atomic uint64_t lines;
  _Atomic int open;
  int plain; /* written by the swapping thread alone, read by hooks */
};

static void sink_line(const char *line, void *data) {
  struct sink *sink = data;
  if (atomic_load_explicit(&sink->open, memory_order_relaxed) != 1 || sink->plain != 7 ||
      strstr(line, "] tick") == NULL)
    abort();
  atomic_fetch_add_explicit(&sink->lines, 1, memory_order_relaxed);
}

static _Atomic int stop;

static void *tick(void *arg) {
  uint64_t *n = arg;
  while (!atomic_load(&stop)) {
    lu_log_write(LU_TAG_GC, LU_LOG_INFO, "tick");
    ++*n;
  }
  return NULL;
}

static struct sink *open_sink(void) {
  struct sink *sink = malloc(sizeof *sink);
  ck_assert_ptr_nonnull(sink);
  atomic_init(&sink->lines, 0);
  atomic_init(&sink->open, 1);
  sink->plain = 7;
  return sink;
}

START_TEST(hooks_are_exchanged_while_threads_log) {
  pthread_t threads[THREADS];
  uint64_t ticks[THREADS] = {0}, logged = 0, counted = 0;
  struct sink *sink = open_sink();
  lull_log_to(sink_line, sink);
  for (int i = 0; i < THREADS; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, tick, &ticks[i]), 0);
  for (int i = 0; i < LINES / 4; i++) {
    struct sink *next = open_sink();
    lull_log_to(sink_line, next);
    counted += atomic_load_explicit(&sink->lines, memory_order_relaxed);
    atomic_store_explicit(&sink->open, 0, memory_order_relaxed);
    sink->plain = 0;
    free(sink);
    sink = next;
  }
  atomic_store(&stop, 1);
  for (int i = 0; i < THREADS; i++) {
    ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    logged += ticks[i];
  }
  lull_log_to(NULL, NULL);
  counted += atomic_load_explicit(&sink->lines, memory_order_relaxed);
  free(sink);
  ck_assert_uint_eq(counted, logged);
}
END_TEST

int main(void) {
  Suite *suite = new_suite("log");
  TCase *tcase = tcase_create("lines");
  tcase_add_test(tcase, a_line_has_the_unified_form);
  tcase_add_test(tcase, fields_are_padded_to_the_widest_so_far);
  tcase_add_test(tcase, levels_are_by_tag);
  tcase_add_test(tcase, specifications_are_parsed);
  tcase_add_test(tcase, long_lines_are_cut);
  tcase_add_test(tcase, control_characters_are_replaced);
  tcase_add_test(tcase, a_refusal_is_one_line_and_the_last_error);
  tcase_add_test(tcase, statuses_have_texts);
  suite_add_tcase(suite, tcase);
  tcase = tcase_create("threads");
  tcase_add_test(tcase, lines_to_stderr_are_written_whole);
  tcase_add_test(tcase, hooks_are_exchanged_while_threads_log);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
