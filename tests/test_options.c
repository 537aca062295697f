/*
 * test_options.c: the options table through its public calls and the environment: values and
 * their ranges, what is said about bad ones, which source wins, hostile input, and faults.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "observe/log.h"
#include "support/clock.h"
#include "support/fault.h"
#include "support/memory.h"
#include "support/options.h"
#include "support/random.h"
#include "support/tool.h"
#include "tests/suite.h"

#define MB (UINT64_C(1) << 20)

static char last[LU_LOG_LINE + 1];
static int lines;

static void keep(const char *line, void *data) {
  (void)data;
  snprintf(last, sizeof last, "%s", line);
  lines++;
}

static lull_config *config;

static void setup(void) {
  unsetenv("LULL_OPTIONS");
  lines = 0;
  lull_log_to(keep, NULL);
  config = lull_config_new();
  ck_assert_ptr_nonnull(config);
}

static void teardown(void) {
  lull_config_free(config);
  lull_log_to(NULL, NULL);
}

static struct lu_settings resolved(void) {
  struct lu_settings settings;
  ck_assert_int_eq(lu_settings_resolve(config, &settings), LULL_OK);
  return settings;
}

static void set(const char *name, const char *value) {
  int before = lines;
  ck_assert_msg(lull_option_set(config, name, value) == LULL_OK, "%s=%s: %s", name, value, last);
  ck_assert_int_eq(lines, before);
}

/* The option refuses the value with this status and one line under the tag api, and keeps what it
 * had. */
static void refuse(const char *name, const char *value, lull_status status) {
  struct lu_settings before = resolved(), after;
  int lines_before = lines;
  ck_assert_msg(lull_option_set(config, name, value) == status, "%.50s=%.50s", name, value);
  ck_assert_int_eq(lines, lines_before + 1);
  ck_assert_ptr_nonnull(strstr(last, "[warning][api"));
  ck_assert_int_eq(lull_last_error(), status);
  after = resolved();
  ck_assert_mem_eq(&before, &after, sizeof before);
}

static uint64_t field(const struct lu_settings *settings, const struct lu_option *option) {
  const char *at = (const char *)settings + option->offset;
  return option->type == LU_OPTION_BOOL ? *(const bool *)at : *(const uint64_t *)(const void *)at;
}

START_TEST(defaults) {
  struct lu_settings s = resolved();
  ck_assert_uint_ge(s.heap_max, MB);
  ck_assert_uint_le(s.heap_max, lu_system_memory() / 2);
  ck_assert_uint_eq(s.heap_initial, s.heap_max < 32 * MB ? s.heap_max : 32 * MB);
  ck_assert_uint_eq(s.heap_growth, 100);
  ck_assert_uint_eq(s.gc_mode, LU_GC_CONCURRENT);
  ck_assert_uint_eq(s.gc_assist, 100 * LU_MICROSECOND);
  ck_assert_uint_eq(s.gc_start, 40);
  ck_assert_uint_ge(s.gc_packets, 8 * MB);
  ck_assert_uint_eq(s.rs_max, 64 * MB);
  ck_assert_uint_eq(s.rs_card, 512);
  ck_assert_uint_eq(s.stall_timeout, 10 * LU_SECOND);
  ck_assert_uint_eq(s.watchdog, LU_SECOND);
  ck_assert_uint_eq(s.verify, LU_VERIFY_NONE);
  ck_assert_uint_eq(s.log, lu_log_all(LU_LOG_WARNING));
  ck_assert(!s.strict && !s.stress_scribble && s.stress_membarrier && s.heap_return);
#ifdef LULL_DEBUG
  ck_assert_uint_eq(s.stress_epoch_bits, 4);
#else
  ck_assert_uint_eq(s.stress_epoch_bits, 15);
#endif
  for (int site = 0; site < LU_FAULT_COUNT; site++)
    ck_assert_uint_eq(s.fault[site], 0);
  ck_assert_int_eq(lines, 0);
  struct lu_settings without_config;
  ck_assert_int_eq(lu_settings_resolve(NULL, &without_config), LULL_OK);
  ck_assert_mem_eq(&s, &without_config, sizeof s);
}
END_TEST

START_TEST(values_in_every_form) {
  set("heap.max", "2G");
  set("heap.initial", "67108864");
  set("heap.growth", "50%");
  set("gc.start", "99");
  set("heap.huge", "yes");
  set("heap.return", "off");
  set("gc.mode", "stw");
  set("verify", "phase");
  set("gc.assist", "0");
  set("stall.timeout", "1500ms");
  set("watchdog", "2000000us");
  set("stress.delay", "77000ns");
  set("gc.every", "128k");
  set("log", "gc,handshake=debug");
  set("seed", "18446744073709551615");
  struct lu_settings s = resolved();
  ck_assert_uint_eq(s.heap_max, 2048 * MB);
  ck_assert_uint_eq(s.heap_initial, 64 * MB);
  ck_assert_uint_eq(s.heap_growth, 50);
  ck_assert_uint_eq(s.gc_start, 99);
  ck_assert(s.heap_huge && !s.heap_return);
  ck_assert_uint_eq(s.gc_mode, LU_GC_STW);
  ck_assert_uint_eq(s.verify, LU_VERIFY_PHASE);
  ck_assert_uint_eq(s.gc_assist, 0);
  ck_assert_uint_eq(s.stall_timeout, 1500 * LU_MILLISECOND);
  ck_assert_uint_eq(s.watchdog, 2 * LU_SECOND);
  ck_assert_uint_eq(s.stress_delay, 77 * LU_MICROSECOND);
  ck_assert_uint_eq(s.gc_every, 128 << 10);
  ck_assert(lu_log_on(s.log, LU_TAG_HANDSHAKE, LU_LOG_DEBUG));
  ck_assert_uint_eq(s.seed, UINT64_MAX);
  ck_assert_uint_eq(s.gc_packets, 128 * MB);
}
END_TEST

START_TEST(dependent_values_follow) {
  set("heap.max", "4M");
  struct lu_settings s = resolved();
  ck_assert_uint_eq(s.heap_initial, 4 * MB);
  ck_assert_uint_eq(s.gc_packets, 8 * MB);
  set("gc.packets", "64K");
  s = resolved();
  ck_assert_uint_eq(s.gc_packets, 64 << 10);
}
END_TEST

START_TEST(values_are_refused) {
  static const char *const sizes[] = {"",
                                      " ",
                                      "1",
                                      "0K0",
                                      "1048575",
                                      "2T",
                                      "M",
                                      "-1",
                                      "+5M",
                                      "5 M",
                                      "5M ",
                                      " 5M",
                                      "1.5G",
                                      "5MM",
                                      "5X",
                                      "0x100000",
                                      "16777216T",
                                      "18446744073709551616",
                                      "18446744073709551615T",
                                      "99999999999999999999999999999999",
                                      "5m5",
                                      "\xff"};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
    refuse("heap.max", sizes[i], LULL_E_RANGE);
  static const char *const durations[] = {"",
                                          "10",
                                          "9ms",
                                          "3601s",
                                          "1h",
                                          "10S",
                                          "1 s",
                                          "s",
                                          "-1s",
                                          "10msec",
                                          "18446744073709551615s",
                                          "18446744073710s",
                                          "0"};
  for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++)
    refuse("stall.timeout", durations[i], LULL_E_RANGE);
  static const char *const percents[] = {"", "0", "9", "1001", "50%%", "%", "50 %", "1e2"};
  for (size_t i = 0; i < sizeof percents / sizeof percents[0]; i++)
    refuse("heap.growth", percents[i], LULL_E_RANGE);
  static const char *const bools[] = {"", "2", "TRUE", "tru", "truee", "10"};
  for (size_t i = 0; i < sizeof bools / sizeof bools[0]; i++)
    refuse("strict", bools[i], LULL_E_RANGE);
  refuse("gc.mode", "serial", LULL_E_RANGE);
  ck_assert_ptr_nonnull(strstr(last, "concurrent, incremental or stw"));
  refuse("verify", "", LULL_E_RANGE);
  ck_assert_ptr_nonnull(strstr(last, "none, cycle, phase or barrier"));
  refuse("log", "gc=loud", LULL_E_RANGE);
  ck_assert_ptr_nonnull(strstr(last, "levels off error warning info debug trace"));
  refuse("stress.epoch_bits", "16", LULL_E_RANGE);
  ck_assert_ptr_nonnull(strstr(last, "stress.epoch_bits=16 is not accepted: 4 to 15"));
  static const char *const cards[] = {"", "0", "1", "63", "65", "96", "500", "513", "8191", "16K"};
  for (size_t i = 0; i < sizeof cards / sizeof cards[0]; i++)
    refuse("rs.card", cards[i], LULL_E_RANGE);
  ck_assert_ptr_nonnull(strstr(last, "rs.card=16K is not accepted: powers of two from 64 to 8K"));
  set("rs.card", "2048");
  set("rs.card", "4k");
  refuse("heap.max", "1K", LULL_E_RANGE);
  ck_assert_ptr_nonnull(strstr(last, "1M to 1T, or 0 = half"));
  refuse("heap.max", "a\nb\x1b", LULL_E_RANGE);
  ck_assert_ptr_nonnull(strstr(last, "heap.max=a?b? is"));
}
END_TEST

START_TEST(ranges_are_exact) {
  for (size_t i = 0; i < lu_option_count; i++) {
    const struct lu_option *option = &lu_options[i];
    char text[LU_RANGE];
    if (option->type == LU_OPTION_LOG)
      continue;
    uint64_t min = option->min, max = option->max;
    if (option->type == LU_OPTION_CHOICE)
      for (max = 0; option->choices[max + 1] != NULL;)
        max++;
    const uint64_t good[] = {min, max, option->initial_value};
    for (size_t j = 0; j < 3; j++) {
      lu_option_show(option, good[j], text, sizeof text);
      set(option->name, text);
      if (good[j] != 0) {
        struct lu_settings s = resolved();
        ck_assert_uint_eq(field(&s, option), good[j]);
      }
    }
    if (option->type == LU_OPTION_CHOICE)
      continue;
    const char *suffix = option->type == LU_OPTION_DURATION ? "ns" : "";
    if (max < UINT64_MAX) {
      snprintf(text, sizeof text, "%" PRIu64 "%s", max + 1, suffix);
      refuse(option->name, text, LULL_E_RANGE);
    }
    if (min > 1) {
      snprintf(text, sizeof text, "%" PRIu64 "%s", min - 1, suffix);
      refuse(option->name, text, LULL_E_RANGE);
    }
    if (min > 0 && option->zero == NULL)
      refuse(option->name, "0", LULL_E_RANGE);
    else if (option->type != LU_OPTION_BOOL)
      set(option->name, "0");
    /* The limit above others' maxima: heap.initial is cut to it. */
    if (option->offset == offsetof(struct lu_settings, heap_max))
      set(option->name, "1T");
  }
}
END_TEST

START_TEST(the_nearest_name_is_given) {
  static const char *const names[][2] = {{"heap.mx", "heap.max"},
                                         {"heapmax", "heap.max"},
                                         {"Heap.Max", "heap.max"},
                                         {"gc.helper", "gc.helpers"},
                                         {"watch-dog", "watchdog"},
                                         {"stalltimeout", "stall.timeout"},
                                         {"stress.epochs", "stress.epoch_bits"},
                                         {"fault.packets", "fault.packet"},
                                         {"lgo", "log"},
                                         {"heap.max ", "heap.max"},
                                         {" seed", "seed"},
                                         {"heap.maximum", "heap.max"}};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    char expected[64];
    refuse(names[i][0], "1", LULL_E_UNKNOWN);
    snprintf(expected, sizeof expected, "the nearest name is %s", names[i][1]);
    ck_assert_msg(strstr(last, expected) != NULL, "%s", last);
    ck_assert_str_eq(strstr(last, expected), expected);
  }
}
END_TEST

START_TEST(arguments_must_be_there) {
  ck_assert_int_eq(lull_option_set(NULL, "seed", "1"), LULL_E_ARGUMENT);
  ck_assert_int_eq(lull_option_set(config, NULL, "1"), LULL_E_ARGUMENT);
  ck_assert_int_eq(lull_option_set(config, "seed", NULL), LULL_E_ARGUMENT);
  ck_assert_int_eq(lull_config_environment(NULL, "X"), LULL_E_ARGUMENT);
  ck_assert_int_eq(lull_config_environment(config, ""), LULL_E_ARGUMENT);
  ck_assert_int_eq(lines, 5);
  lull_config_free(NULL);
}
END_TEST

START_TEST(the_environment_wins_over_calls) {
  set("heap.max", "1G");
  set("heap.growth", "200");
  setenv("LULL_OPTIONS", "heap.max=2G", 1);
  setenv("OTHER_OPTIONS", "heap.max=3G,seed=5", 1);
  struct lu_settings s = resolved();
  ck_assert_uint_eq(s.heap_max, 2048 * MB);
  ck_assert_uint_eq(s.heap_growth, 200);

  char name[] = "OTHER_OPTIONS";
  ck_assert_int_eq(lull_config_environment(config, name), LULL_OK);
  memset(name, 'X', sizeof name - 1);
  s = resolved();
  ck_assert_uint_eq(s.heap_max, 3072 * MB);
  ck_assert_uint_eq(s.seed, 5);

  ck_assert_int_eq(lull_config_environment(config, NULL), LULL_OK);
  s = resolved();
  ck_assert_uint_eq(s.heap_max, 1024 * MB);

  ck_assert_int_eq(lu_settings_resolve(NULL, &s), LULL_OK);
  ck_assert_uint_eq(s.heap_max, 2048 * MB);
  ck_assert_uint_eq(s.heap_growth, 100);
  ck_assert_int_eq(lull_config_environment(config, "LULL_NO_SUCH_VARIABLE"), LULL_OK);
  s = resolved();
  ck_assert_uint_eq(s.heap_max, 1024 * MB);
  ck_assert_int_eq(lines, 0);
}
END_TEST

START_TEST(entries_are_read_one_by_one) {
  setenv("LULL_OPTIONS",
         " heap.max=8M , strict=false,\n heap.huge,,seed=1,seed=2,log=gc+api=debug;stall", 1);
  struct lu_settings s = resolved();
  ck_assert_uint_eq(s.heap_max, 8 * MB);
  ck_assert(s.heap_huge);
  ck_assert_uint_eq(s.seed, 2);
  ck_assert(lu_log_on(s.log, LU_TAG_API, LU_LOG_DEBUG));
  ck_assert(lu_log_on(s.log, LU_TAG_STALL, LU_LOG_INFO));
  ck_assert_int_eq(lines, 0);
}
END_TEST

START_TEST(bad_entries_cost_a_line_and_keep_the_default) {
  setenv("LULL_OPTIONS", "heap.mx=1G,heap.max=1G,gc.start=120,gc.mode", 1);
  struct lu_settings s = resolved();
  ck_assert_uint_eq(s.heap_max, 1024 * MB);
  ck_assert_uint_eq(s.gc_start, 40);
  ck_assert_int_eq(lines, 3);
  ck_assert_ptr_nonnull(strstr(last, "[warning][options] gc.mode= is not accepted"));
  setenv("LULL_OPTIONS", "log=off,heap.mx=1G", 1);
  s = resolved();
  ck_assert_int_eq(lines, 3);
}
END_TEST

START_TEST(strict_makes_them_fatal) {
  static const struct {
    const char *text;
    lull_status status;
  } cases[] = {{"strict", LULL_OK},
               {"strict,seed=3", LULL_OK},
               {"seed=x,strict", LULL_E_RANGE},
               {"strict=true,nonsense=1,seed=x", LULL_E_UNKNOWN},
               {"seed=x,nonsense=1,strict=1", LULL_E_RANGE},
               {"strict,seed=x,strict=no", LULL_OK},
               {"strict,help", LULL_OK},
               {"strict,=", LULL_E_UNKNOWN},
               {"strict,,,", LULL_OK}};
  struct lu_settings s;
  int saved = dup(STDERR_FILENO);
  ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    setenv("LULL_OPTIONS", cases[i].text, 1);
    ck_assert_msg(lu_settings_resolve(config, &s) == cases[i].status, "%s", cases[i].text);
  }
  dup2(saved, STDERR_FILENO);
  close(saved);
  /* Set by a call, and nothing is in force after the failure. */
  set("strict", "true");
  setenv("LULL_OPTIONS", "log=trace,fault.reserve=1,seeed=1", 1);
  ck_assert_int_eq(lu_settings_resolve(config, &s), LULL_E_UNKNOWN);
  ck_assert_uint_eq(lu_log_levels(), lu_log_all(LU_LOG_WARNING));
  ck_assert(!lu_fault(LU_FAULT_RESERVE));
}
END_TEST

START_TEST(hostile_variables) {
  static const char *const texts[] = {
      "",          "=",        ",,",        ",=,",          "==",           "===,===",
      "=heap.max", "heap.max", "heap.max=", "heap.max==1G", "\x01\x02\xff", "%s%n%s=%n",
      "help=1",    " ",        "\n,\t",     "log==",        "log=gc=",      "a=b=c,,,,=,"};
  struct lu_settings first = resolved();
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    setenv("LULL_OPTIONS", texts[i], 1);
    struct lu_settings s = resolved();
    ck_assert_mem_eq(&s, &first, sizeof s);
  }
  char *text = malloc(LU_OPTIONS_LONGEST + 2);
  ck_assert_ptr_nonnull(text);
  memset(text, ',', LU_OPTIONS_LONGEST + 1);
  memcpy(text + LU_OPTIONS_LONGEST - 7, "seed=77", 8);
  setenv("LULL_OPTIONS", text, 1);
  ck_assert_uint_eq(resolved().seed, 77);
  lines = 0;
  memcpy(text + LU_OPTIONS_LONGEST - 6, "seed=77", 8);
  setenv("LULL_OPTIONS", text, 1);
  ck_assert_uint_eq(resolved().seed, 0);
  ck_assert_int_eq(lines, 1);
  free(text);
}
END_TEST

/* 10^9 characters (fewer under sanitizers, whose shadow would be as large): one file mapped again
 * and again. */
START_TEST(hostile_lengths) {
  enum { PIECE = 2 << 20 };
  size_t length = LU_TSAN || LU_ASAN ? (size_t)8 * PIECE : (size_t)477 * PIECE;
  int file = memfd_create("ones", MFD_CLOEXEC);
  ck_assert_int_ge(file, 0);
  ck_assert_int_eq(ftruncate(file, PIECE), 0);
  char *text = mmap(NULL, length + lu_page_size(), PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ck_assert_ptr_ne(text, MAP_FAILED);
  for (size_t at = 0; at < length; at += PIECE)
    ck_assert_ptr_ne(
        mmap(text + at, PIECE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0),
        MAP_FAILED);
  memset(text, '1', PIECE);
  ck_assert_int_eq(lull_option_set(config, "seed", text), LULL_E_RANGE);
  ck_assert_int_eq(lull_option_set(config, "log", text), LULL_E_RANGE);
  ck_assert_int_eq(lull_option_set(config, "gc.mode", text), LULL_E_RANGE);
  ck_assert_int_eq(lull_option_set(config, text, "1"), LULL_E_UNKNOWN);
  ck_assert_int_eq(lull_option_set(config, text, text), LULL_E_UNKNOWN);
  ck_assert_uint_lt(strlen(last), 200);
  struct lu_settings s;
  lu_settings_default(&s);
  lines = 0;
  ck_assert_int_eq(lu_settings_parse(&s, text), LULL_E_RANGE);
  memset(text, ',', PIECE);
  ck_assert_int_eq(lu_settings_parse(&s, text), LULL_E_RANGE);
  for (size_t i = 0; i < PIECE; i += 4)
    memcpy(text + i, "a=b,", 4);
  ck_assert_int_eq(lu_settings_parse(&s, text), LULL_E_RANGE);
  ck_assert_int_eq(lines, 3);
  munmap(text, length + lu_page_size());
  close(file);
}
END_TEST

/* Everything that is written to a pipe by fn. The help fits a pipe's 64 KB. */
static size_t written(void (*fn)(int fd), char *text, size_t size) {
  int fds[2];
  ck_assert_int_eq(pipe(fds), 0);
  fn(fds[1]);
  close(fds[1]);
  size_t length = 0;
  for (ssize_t n; (n = read(fds[0], text + length, size - 1 - length)) > 0;)
    length += (size_t)n;
  close(fds[0]);
  text[length] = '\0';
  return length;
}

static void help_by_environment(int fd) {
  int saved = dup(STDERR_FILENO);
  dup2(fd, STDERR_FILENO);
  setenv("LULL_OPTIONS", "help", 1);
  resolved();
  dup2(saved, STDERR_FILENO);
  close(saved);
}

static void check_row(const struct lu_option_text *row, void *arg) {
  char entry[64];
  snprintf(entry, sizeof entry, "\n  %s (%s", row->name, row->type);
  const char *at = strstr(arg, entry);
  ck_assert_msg(at != NULL, "no help for %s", row->name);
  ck_assert_ptr_nonnull(strstr(at, row->help));
  ck_assert_ptr_nonnull(strstr(at, row->range));
  ck_assert_ptr_nonnull(strstr(at, row->initial));
  ck_assert_uint_gt(strlen(row->help), 4);
}

START_TEST(help_lists_every_option) {
  static char text[65536], by_environment[65536];
  ck_assert_uint_gt(written(lull_options_help, text, sizeof text), 0);
  lu_options_table(check_row, text);
  written(help_by_environment, by_environment, sizeof by_environment);
  ck_assert_str_eq(text, by_environment);
  ck_assert_int_eq(lines, 0);
  for (size_t i = 0; i < lu_option_count; i++)
    for (size_t j = 0; j < i; j++)
      ck_assert_str_ne(lu_options[i].name, lu_options[j].name);
}
END_TEST

START_TEST(options_arm_faults) {
  set("fault.metadata", "3");
  set("fault.handle", "2");
  resolved();
  for (int i = 0; i < 2; i++) {
    void *memory = lu_zalloc(LU_FAULT_METADATA, 16);
    ck_assert_ptr_nonnull(memory);
    lu_free(memory);
  }
  for (int i = 0; i < 3; i++)
    ck_assert_ptr_null(lu_zalloc(LU_FAULT_METADATA, 16));
  ck_assert_ptr_null(lull_config_new());
  ck_assert_int_eq(lull_last_error(), LULL_E_MEMORY);
  ck_assert_int_eq(lull_config_environment(config, "X"), LULL_E_MEMORY);
  ck_assert(!lu_fault(LU_FAULT_HANDLE));
  ck_assert(lu_fault(LU_FAULT_HANDLE));
  ck_assert(!lu_fault(LU_FAULT_LARGE));
  set("fault.once", "true");
  resolved();
  ck_assert(!lu_fault(LU_FAULT_HANDLE));
  ck_assert(lu_fault(LU_FAULT_HANDLE));
  ck_assert(!lu_fault(LU_FAULT_HANDLE));
  lu_fault_clear();
  ck_assert(!lu_fault(LU_FAULT_HANDLE));
}
END_TEST

/* Every field holds a value that its row allows. */
static void check_settings(const struct lu_settings *settings, const char *text) {
  for (size_t i = 0; i < lu_option_count; i++) {
    const struct lu_option *option = &lu_options[i];
    uint64_t value = field(settings, option);
    bool good = true;
    if (option->type == LU_OPTION_BOOL)
      good = *((const unsigned char *)settings + option->offset) <= 1;
    else if (option->type == LU_OPTION_CHOICE)
      for (uint64_t j = 0; j <= value; j++)
        good = good && option->choices[j] != NULL;
    else if (option->type != LU_OPTION_LOG)
      good = ((value >= option->min && value <= option->max) ||
              (value == 0 && option->zero != NULL) || (value == LU_AUTO && option->automatic)) &&
             (!option->power || (value & (value - 1)) == 0);
    ck_assert_msg(good, "%s after \"%s\"", option->name, text);
  }
}

/*
 * Random texts made of pieces that mean something here, in eight parts; the seed of a failure is in
 * its message.
 */
enum { TEXTS = LU_TSAN || LU_ASAN ? 10000 : 20000, PARTS = 8 };

START_TEST(random_texts) {
  static const char *const pieces[] = {
      "=", ",", "=", ",", ";", "+", ".", "0", "1", "9", "18446744073709551615", "K", "G", "T",
      "ms", "s", "us", "%", "true", "false", "all", "debug", "gc", "api", " ", "\n", "-", "%n",
      "\xff", "concurrent", "phase", "h", "heap.", "max"};
  enum { PIECES = sizeof pieces / sizeof pieces[0] };
  struct lu_settings settings;
  lu_settings_default(&settings);
  for (uint64_t seed = (uint64_t)_i; seed < TEXTS; seed += PARTS) {
    char text[512] = "";
    uint64_t state = seed;
    for (uint64_t n = 1 + lu_random_step(&state) % 12, i = 0; i < n; i++) {
      uint64_t r = lu_random_step(&state) % (PIECES + lu_option_count);
      strcat(text, r < PIECES ? pieces[r] : lu_options[r - PIECES].name);
      if (r >= PIECES && lu_random_step(&state) % 4 != 0)
        strcat(text, "=");
    }
    int before = lines;
    settings.log = lu_log_all(LU_LOG_WARNING);
    lull_status status = lu_settings_parse(&settings, text);
    if (settings.log == lu_log_all(LU_LOG_WARNING))
      ck_assert_msg((status == LULL_OK) == (lines == before), "seed %" PRIu64 ": \"%s\"", seed,
                    text);
    if (seed / PARTS % 16 == 0)
      check_settings(&settings, text);
    /* The same as name and value of a call. */
    char *half = text + lu_random_step(&state) % (strlen(text) + 1);
    char name[512];
    snprintf(name, sizeof name, "%.*s", (int)(half - text), text);
    status = lull_option_set(
        config, lu_random_step(&state) % 2 ? name : lu_options[seed % lu_option_count].name, half);
    ck_assert(status == LULL_OK || status == LULL_E_RANGE || status == LULL_E_UNKNOWN);
  }
  setenv("LULL_OPTIONS", "log=off", 1);
  settings = resolved();
  lu_fault_clear();
  check_settings(&settings, "calls");
}
END_TEST

int main(void) {
  Suite *suite = new_suite("options");
  TCase *tcase = tcase_create("options");
  tcase_add_checked_fixture(tcase, setup, teardown);
  tcase_add_test(tcase, defaults);
  tcase_add_test(tcase, values_in_every_form);
  tcase_add_test(tcase, dependent_values_follow);
  tcase_add_test(tcase, values_are_refused);
  tcase_add_test(tcase, ranges_are_exact);
  tcase_add_test(tcase, the_nearest_name_is_given);
  tcase_add_test(tcase, arguments_must_be_there);
  tcase_add_test(tcase, the_environment_wins_over_calls);
  tcase_add_test(tcase, entries_are_read_one_by_one);
  tcase_add_test(tcase, bad_entries_cost_a_line_and_keep_the_default);
  tcase_add_test(tcase, strict_makes_them_fatal);
  tcase_add_test(tcase, hostile_variables);
  tcase_add_test(tcase, hostile_lengths);
  tcase_add_test(tcase, help_lists_every_option);
  tcase_add_test(tcase, options_arm_faults);
  tcase_add_loop_test(tcase, random_texts, 0, PARTS);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
