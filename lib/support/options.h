/*
 * support/options.h: the rows of the options table, and what the parser does with one. For
 * options.c and parse.c; others use support/settings.h.
 */
#ifndef LU_SUPPORT_OPTIONS_H
#define LU_SUPPORT_OPTIONS_H

#include "support/settings.h"

#define LU_OPTIONS_VARIABLE "LULL_OPTIONS"

enum {
  LU_OPTION_LONGEST = 1024,    /* bytes of a value that are looked at; no valid one is longer */
  LU_OPTIONS_LONGEST = 65536,  /* bytes of an environment variable; a longer one is refused whole */
  LU_RANGE = 256,              /* buffer for an accepted range, or a value, as text */
  LU_WHY = 512                 /* buffer for what is wrong with an entry */
};

enum lu_option_type {
  LU_OPTION_BOOL,      /* field bool; the others: uint64_t */
  LU_OPTION_INTEGER,
  LU_OPTION_SIZE,      /* bytes */
  LU_OPTION_DURATION,  /* ns */
  LU_OPTION_PERCENT,
  LU_OPTION_CHOICE,    /* the index in choices */
  LU_OPTION_LOG        /* levels: observe/log.h */
};

struct lu_option {
  const char *name;
  enum lu_option_type type;
  size_t offset;               /* in struct lu_settings */
  uint64_t initial_value;
  uint64_t min, max;           /* both allowed */
  bool power;                  /* numbers: powers of two only; min and max are */
  const char *zero;            /* not NULL: 0 is allowed too and means this */
  bool automatic;              /* numbers: "auto" is allowed too and means LU_AUTO */
  const char *const *choices;  /* CHOICE: names, ends with NULL */
  const char *help;
};

extern const struct lu_option lu_options[];
extern const size_t lu_option_count;

/* Stores a value that is in range in the option's field. */
void lu_option_store(struct lu_settings *settings, const struct lu_option *option, uint64_t value);

/*
 * Sets the option `name` (not terminated, as value) from text. LULL_E_UNKNOWN or LULL_E_RANGE,
 * with the reason in `why` and nothing stored. Cost: linear in the lengths.
 */
lull_status lu_option_parse(struct lu_settings *settings, const char *name, size_t name_length,
                            const char *value, size_t value_length, char why[LU_WHY]);

/*
 * Whether the option `name` accepts a number (of a choice: its index); as above, nothing is stored.
 */
lull_status lu_option_check(const char *name, uint64_t value, char why[LU_WHY]);

/* A value as lu_option_parse would take it. */
void lu_option_show(const struct lu_option *option, uint64_t value, char *text, size_t size);

/* What is accepted, in words. */
void lu_option_range(const struct lu_option *option, char *text, size_t size);

/* "size", "duration"..., and "bytes, or with K, M, G or T"...; constants. */
const char *lu_option_type(const struct lu_option *option);
const char *lu_option_unit(const struct lu_option *option);

#endif
