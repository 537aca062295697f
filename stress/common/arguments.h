/* The command line of a stress program: --name VALUE from a table; --help prints it. */
#ifndef STRESS_COMMON_ARGUMENTS_H
#define STRESS_COMMON_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

enum argument_kind {
  ARGUMENT_COUNT, /* uint64_t; K, M and G multiply by powers of 1024 */
  ARGUMENT_TEXT,  /* const char * */
  ARGUMENT_FLAG   /* bool; takes no value */
};

struct argument {
  const char *name; /* without the dashes; NULL ends the table */
  enum argument_kind kind;
  void *value; /* holds the default before */
  const char *help;
};

/* At most 30 rows. Ends the program with status 2 and a hint when the command line is wrong. */
void arguments_parse(int argc, char **argv, const char *about, const struct argument *table);

#endif
