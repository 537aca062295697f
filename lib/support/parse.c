/*
 * parse.c: option values from text and back, the entries of an environment variable, and the
 * nearest name for one that is none.
 *
 * Input is hostile: it is read once, by length, with bounds on what is looked at, and echoed cut
 * short. Functions here touch only what their arguments point to, so any thread
 * may call them for a config or heap of its own.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "observe/log.h"
#include "support/clock.h"
#include "support/options.h"

/* A suffix and what it stands for; the largest first. */
struct suffix {
  const char *text;
  uint64_t factor;
};

static const struct suffix sizes[] = {{"T", UINT64_C(1) << 40},
                                      {"G", UINT64_C(1) << 30},
                                      {"M", UINT64_C(1) << 20},
                                      {"K", UINT64_C(1) << 10},
                                      {"", 1},
                                      {0}};
static const struct suffix durations[] = {
  {"s", LU_SECOND}, {"ms", LU_MILLISECOND}, {"us", LU_MICROSECOND}, {"ns", 1}, {0}};
static const struct suffix percents[] = {{"%", 1}, {"", 1}, {0}};
static const struct suffix integers[] = {{"", 1}, {0}};

/* By enum lu_option_type. */
static const struct {
  const char *name, *unit;
  const struct suffix *suffixes;  /* NULL: not a number */
} types[] = {
  [LU_OPTION_BOOL] = {"bool", "", NULL},
  [LU_OPTION_INTEGER] = {"integer", "", integers},
  [LU_OPTION_SIZE] = {"size", "bytes, or with K, M, G or T", sizes},
  [LU_OPTION_DURATION] = {"duration", "with ns, us, ms or s", durations},
  [LU_OPTION_PERCENT] = {"percent", "%", percents},
  [LU_OPTION_CHOICE] = {"choice", "", NULL},
  [LU_OPTION_LOG] = {"levels", "", NULL},
};

const char *lu_option_type(const struct lu_option *option) {
  return types[option->type].name;
}

const char *lu_option_unit(const struct lu_option *option) {
  return types[option->type].unit;
}

void lu_option_store(struct lu_settings *settings, const struct lu_option *option, uint64_t value) {
  char *field = (char *)settings + option->offset;
  if (option->type == LU_OPTION_BOOL)
    *(bool *)field = value != 0;
  else
    *(uint64_t *)(void *)field = value;
}

static bool same(const char *text, size_t length, const char *word) {
  return strlen(word) == length && memcmp(text, word, length) == 0;
}

static bool parse_bool(const char *text, size_t length, uint64_t *value) {
  static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (same(text, length, words[i])) {
      *value = i % 2;
      return true;
    }
  return false;
}

static bool parse_choice(const char *text, size_t length, const char *const *choices,
                         uint64_t *value) {
  for (size_t i = 0; choices[i] != NULL; i++)
    if (same(text, length, choices[i])) {
      *value = i;
      return true;
    }
  return false;
}

/* Digits and one of the suffixes (size suffixes in either case); a plain 0 is valid everywhere.
 * False on overflow too. */
static bool parse_number(const char *text, size_t length, const struct suffix *suffixes,
                         uint64_t *value) {
  uint64_t number = 0;
  size_t digits = 0;
  for (; digits < length && text[digits] >= '0' && text[digits] <= '9'; digits++)
    if (__builtin_mul_overflow(number, 10, &number) ||
        __builtin_add_overflow(number, (uint64_t)(text[digits] - '0'), &number))
      return false;
  if (digits == 0)
    return false;
  const char *rest = text + digits;
  size_t left = length - digits;
  char upper = left == 1 && suffixes == sizes ? (char)(*rest & ~0x20) : '\0';
  for (const struct suffix *suffix = suffixes; suffix->text != NULL; suffix++)
    if (same(rest, left, suffix->text) || (upper != '\0' && upper == suffix->text[0]))
      return !__builtin_mul_overflow(number, suffix->factor, value);
  *value = 0;
  return left == 0 && number == 0;
}

static bool parse_log(const char *text, size_t length, uint64_t *value) {
  char copy[LU_OPTION_LONGEST + 1];
  if (length > LU_OPTION_LONGEST)
    return false;
  memcpy(copy, text, length);
  copy[length] = '\0';
  return strlen(copy) == length && lu_log_parse(copy, value);
}

#define AUTO "auto"

/* Whether a number is one that the option accepts. */
static bool accepts(const struct lu_option *option, uint64_t value) {
  size_t count = 0;
  if (option->type == LU_OPTION_CHOICE) {
    while (option->choices[count] != NULL)
      count++;
    return value < count;
  }
  return (!option->power || (value & (value - 1)) == 0) &&
         ((value >= option->min && value <= option->max) || (value == 0 && option->zero != NULL));
}

/* The value that a text stands for, if the option accepts it. */
static bool parse_value(const struct lu_option *option, const char *text, size_t length,
                        uint64_t *value) {
  if (length > LU_OPTION_LONGEST)
    return false;
  switch (option->type) {
    case LU_OPTION_BOOL: return parse_bool(text, length, value);
    case LU_OPTION_CHOICE: return parse_choice(text, length, option->choices, value);
    case LU_OPTION_LOG: return parse_log(text, length, value);
    default: break;
  }
  if (option->automatic && same(text, length, AUTO)) {
    *value = LU_AUTO;
    return true;
  }
  return parse_number(text, length, types[option->type].suffixes, value) && accepts(option, *value);
}

/* How many letters must be put in, left out or changed to turn a (at most LONGEST_NAME letters)
 * into b (likewise). */
enum { LONGEST_NAME = 64 };
static unsigned distance(const char *a, size_t a_length, const char *b, size_t b_length) {
  unsigned row[LONGEST_NAME + 1];
  for (size_t j = 0; j <= b_length; j++)
    row[j] = (unsigned)j;
  for (size_t i = 1; i <= a_length; i++) {
    unsigned diagonal = row[0];
    row[0] = (unsigned)i;
    for (size_t j = 1; j <= b_length; j++) {
      unsigned change = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      unsigned shift = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
      row[j] = change < shift ? change : shift;
    }
  }
  return row[b_length];
}

static const char *nearest_name(const char *name, size_t length) {
  const char *nearest = NULL;
  unsigned least = UINT32_MAX;
  if (length > LONGEST_NAME)
    length = LONGEST_NAME;
  for (size_t i = 0; i < lu_option_count; i++) {
    unsigned d = distance(name, length, lu_options[i].name, strlen(lu_options[i].name));
    if (d < least) {
      least = d;
      nearest = lu_options[i].name;
    }
  }
  return nearest;
}

/* A user's text as it is echoed: printf("%.*s%s", CUT(text, length)). */
enum { ECHOED = 40 };
#define CUT(text, length)                                                                         \
  (int)((length) < ECHOED ? (length) : ECHOED), (text), (length) > ECHOED ? "..." : ""

lull_status lu_option_parse(struct lu_settings *settings, const char *name, size_t name_length,
                            const char *value, size_t value_length, char why[LU_WHY]) {
  for (size_t i = 0; i < lu_option_count; i++) {
    const struct lu_option *option = &lu_options[i];
    uint64_t number;
    if (!same(name, name_length, option->name))
      continue;
    if (parse_value(option, value, value_length, &number)) {
      lu_option_store(settings, option, number);
      return LULL_OK;
    }
    char range[LU_RANGE];
    lu_option_range(option, range, sizeof range);
    snprintf(why, LU_WHY, "%s=%.*s%s is not accepted: %s", option->name, CUT(value, value_length),
             range);
    return LULL_E_RANGE;
  }
  snprintf(why, LU_WHY, "there is no option \"%.*s%s\"; the nearest name is %s",
           CUT(name, name_length), nearest_name(name, name_length));
  return LULL_E_UNKNOWN;
}

lull_status lu_option_check(const char *name, uint64_t value, char why[LU_WHY]) {
  for (size_t i = 0; i < lu_option_count; i++) {
    const struct lu_option *option = &lu_options[i];
    char range[LU_RANGE];
    if (strcmp(option->name, name) != 0)
      continue;
    if (accepts(option, value))
      return LULL_OK;
    lu_option_range(option, range, sizeof range);
    snprintf(why, LU_WHY, "%s=%" PRIu64 " is not accepted: %s", name, value, range);
    return LULL_E_RANGE;
  }
  snprintf(why, LU_WHY, "there is no option \"%s\"", name);
  return LULL_E_UNKNOWN;
}

/* One entry, "name=value" or the name of a bool option. */
static lull_status parse_entry(struct lu_settings *settings, const char *entry, size_t length) {
  char why[LU_WHY];
  const char *equals = memchr(entry, '=', length);
  size_t name_length = equals != NULL ? (size_t)(equals - entry) : length;
  const char *value = equals != NULL ? equals + 1 : "";
  size_t value_length = equals != NULL ? length - name_length - 1 : 0;
  if (equals == NULL && same(entry, length, "help")) {
    lull_options_help(STDERR_FILENO);
    return LULL_OK;
  }
  for (size_t i = 0; equals == NULL && i < lu_option_count; i++)
    if (lu_options[i].type == LU_OPTION_BOOL && same(entry, length, lu_options[i].name)) {
      value = "true";
      value_length = 4;
    }
  lull_status status = lu_option_parse(settings, entry, name_length, value, value_length, why);
  if (status != LULL_OK)
    LU_LOG(settings->log, LU_TAG_OPTIONS, LU_LOG_WARNING, "%s", why);
  return status;
}

lull_status lu_settings_parse(struct lu_settings *settings, const char *text) {
  lull_status first = LULL_OK;
  if (strnlen(text, LU_OPTIONS_LONGEST + 1) > LU_OPTIONS_LONGEST) {
    LU_LOG(settings->log, LU_TAG_OPTIONS, LU_LOG_WARNING,
           "options of more than %d bytes are ignored", LU_OPTIONS_LONGEST);
    return LULL_E_RANGE;
  }
  for (;;) {
    text += strspn(text, ", \t\n");
    if (*text == '\0')
      return first;
    size_t length = strcspn(text, ","), used = length;
    while (used > 0 && strchr(" \t\n", text[used - 1]) != NULL)
      used--;
    lull_status status = parse_entry(settings, text, used);
    if (first == LULL_OK)
      first = status;
    text += length;
  }
}

/* The log levels as lu_log_parse takes them. */
static void show_levels(uint64_t levels, char *text, size_t size) {
#define SAME(constant, name, printed) | (((levels >> (4 * LU_TAG_##constant)) ^ levels) & 15)
#define LEVEL(tag) lu_log_level_name((enum lu_log_level)(levels >> (4 * (tag)) & 15))
#define ONE(constant, name, printed)                                                               \
  if ((size_t)length < size)                                                                       \
    length += snprintf(text + length, size - (size_t)length, ";" name "=%s",                       \
                       LEVEL(LU_TAG_##constant));
  int length = snprintf(text, size, "all=%s", LEVEL(0));
  if ((0 LU_LOG_TAGS(SAME)) != 0) {
    LU_LOG_TAGS(ONE)
  }
}

void lu_option_show(const struct lu_option *option, uint64_t value, char *text, size_t size) {
  const struct suffix *suffix = types[option->type].suffixes;
  if (option->type == LU_OPTION_BOOL) {
    snprintf(text, size, "%s", value != 0 ? "true" : "false");
  } else if (option->type == LU_OPTION_CHOICE) {
    snprintf(text, size, "%s", option->choices[value]);
  } else if (option->type == LU_OPTION_LOG) {
    show_levels(value, text, size);
  } else if (option->automatic && value == LU_AUTO) {
    snprintf(text, size, AUTO);
  } else if (value == 0) {
    snprintf(text, size, "0");
  } else {
    while (value % suffix->factor != 0)
      suffix++;
    snprintf(text, size, "%" PRIu64 "%s", value / suffix->factor, suffix->text);
  }
}

void lu_option_range(const struct lu_option *option, char *text, size_t size) {
  char low[32], high[32];
  int length = 0;
  switch (option->type) {
    case LU_OPTION_BOOL:
      snprintf(text, size, "true or false");
      return;
    case LU_OPTION_CHOICE:
      for (size_t i = 0; option->choices[i] != NULL && (size_t)length < size; i++) {
        const char *comma = option->choices[i + 1] == NULL ? " or " : ", ";
        length += snprintf(text + length, size - (size_t)length, "%s%s", i > 0 ? comma : "",
                           option->choices[i]);
      }
      return;
    case LU_OPTION_LOG:
#define PLUS_NAME(constant, name, printed) " " name
      snprintf(text, size,
               "tag+tag=level;..., tags" LU_LOG_TAGS(PLUS_NAME)
               " all, levels off error warning info debug trace");
      return;
    default: break;
  }
  if (option->min == 0 && option->max == UINT64_MAX) {
    length = snprintf(text, size, "any number");
  } else {
    lu_option_show(option, option->min, low, sizeof low);
    lu_option_show(option, option->max, high, sizeof high);
    length = snprintf(text, size, option->power ? "powers of two from %s to %s" : "%s to %s", low,
                      high);
  }
  if (option->automatic && (size_t)length < size)
    length += snprintf(text + length, size - (size_t)length, ", or " AUTO);
  if (option->zero != NULL && (size_t)length < size)
    snprintf(text + length, size - (size_t)length, "%s 0 = %s", option->min > 0 ? ", or" : ",",
             option->zero);
}
