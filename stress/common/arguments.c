/* Command lines, read by getopt_long. One thread, before any other starts. */
#include "stress/common/arguments.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 30 };

static void print_help(const char *program, const char *about, const struct argument *table) {
  printf("usage: %s [--NAME VALUE]...\n%s\n", program, about);
  for (const struct argument *row = table; row->name; row++) {
    printf("  --%-12s %s", row->name, row->help);
    if (row->kind == ARGUMENT_COUNT)
      printf(" (%" PRIu64 ")", *(uint64_t *)row->value);
    else if (row->kind == ARGUMENT_TEXT && *(const char **)row->value)
      printf(" (%s)", *(const char **)row->value);
    printf("\n");
  }
}

static bool read_count(const char *text, uint64_t *value) {
  static const char suffixes[] = "KMG";
  char *end;
  const char *suffix;
  unsigned shift = 0;

  if (!isdigit((unsigned char)*text))
    return false;
  errno = 0;
  *value = strtoull(text, &end, 0);
  if (errno)
    return false;
  if (*end && (suffix = strchr(suffixes, toupper((unsigned char)*end)))) {
    shift = 10 * (unsigned)(suffix - suffixes + 1);
    end++;
  }
  if (*end || *value > UINT64_MAX >> shift)
    return false;
  *value <<= shift;
  return true;
}

static bool accept(const struct argument *row, const char *text) {
  switch (row->kind) {
  case ARGUMENT_COUNT:
    return read_count(text, row->value);
  case ARGUMENT_TEXT:
    *(const char **)row->value = text;
    return true;
  default:
    *(bool *)row->value = true;
    return true;
  }
}

void arguments_parse(int argc, char **argv, const char *about, const struct argument *table) {
  struct option options[MOST + 2] = {{"help", no_argument, NULL, 'h'}};
  int count = 1, index, found;

  for (const struct argument *row = table; row->name && count <= MOST; row++, count++)
    options[count] = (struct option){
        row->name, row->kind == ARGUMENT_FLAG ? no_argument : required_argument, NULL, 'a'};
  while ((found = getopt_long(argc, argv, "", options, &index)) != -1) {
    if (found == 'h') {
      print_help(argv[0], about, table);
      exit(0);
    }
    if (found != 'a')
      exit(2);
    if (!accept(&table[index - 1], optarg)) {
      fprintf(stderr, "%s: '%s' is no value for --%s\n", argv[0], optarg, table[index - 1].name);
      exit(2);
    }
  }
  if (optind < argc) {
    fprintf(stderr, "%s: unexpected '%s'; see --help\n", argv[0], argv[optind]);
    exit(2);
  }
}
