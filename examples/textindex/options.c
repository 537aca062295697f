/*
 * options.c: the command line.
 */
#include "examples/textindex/options.h"

#include <getopt.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: textindex [OPTION...] [FOLDER...]\n"
    "Indexes the text files of the folders by several threads at once, retires documents and\n"
    "adds them again while others query, and checks the index against an independent count.\n"
    "Without a folder: what any Debian has.\n"
    "  --threads N   that read, retire and re-add documents (default: the cores, 2 or more)\n"
    "  --queriers N  that query (default 2)\n"
    "  --seconds S   from the end of indexing to the end of the run (default 15)\n"
    "  --limit-mb N  of input (default 64)\n"
    "  --heap SIZE   the limit of the heap, as in 64M or 2G (heap.max)\n"
    "  --seed N      of the random choices (default 1)\n"
    "  --quiet       no progress\n"
    "  --figures     one line of key=value words instead of the table\n"
    "  --compare     run this and its twins on malloc and on Boehm's collector, one by one\n"
    "Exit status: 0 the check found no difference, 1 it did, 2 wrong usage, 3 no memory.\n";

static const char *const default_folders[] = {"/usr/share/doc",  "/usr/share/common-licenses",
                                              "/usr/share/perl", "/usr/share/perl5",
                                              "/usr/include",    NULL};

static _Noreturn void reject(const char *option, const char *value) {
  fprintf(stderr, "textindex: '%s' is no value for --%s\n%s", value, option, usage);
  exit(2);
}

static double number(const char *option, const char *text, double least, double most) {
  char *end;
  double value = strtod(text, &end);
  if (*text == '\0' || *end != '\0' || !(value >= least && value <= most))
    reject(option, text);
  return value;
}

static void set_defaults(struct options *options) {
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  *options = (struct options){.threads = cores > 2 ? (unsigned)cores : 2,
                              .queriers = 2,
                              .seconds = 15,
                              .limit = 64 << 20,
                              .seed = 1};
}

enum { THREADS, QUERIERS, SECONDS, LIMIT, HEAP, SEED, QUIET, FIGURES, COMPARE, HELP };

static const struct option names[] = {
  {"threads", required_argument, NULL, THREADS}, {"queriers", required_argument, NULL, QUERIERS},
  {"seconds", required_argument, NULL, SECONDS}, {"limit-mb", required_argument, NULL, LIMIT},
  {"heap", required_argument, NULL, HEAP},       {"seed", required_argument, NULL, SEED},
  {"quiet", no_argument, NULL, QUIET},           {"figures", no_argument, NULL, FIGURES},
  {"compare", no_argument, NULL, COMPARE},       {"help", no_argument, NULL, HELP},
  {NULL, 0, NULL, 0}};

static void set(struct options *options, int name, const char *value) {
  switch (name) {
  case THREADS: options->threads = (unsigned)number("threads", value, 1, 1000); break;
  case QUERIERS: options->queriers = (unsigned)number("queriers", value, 0, 1000); break;
  case SECONDS: options->seconds = number("seconds", value, 0, 1e6); break;
  case LIMIT: options->limit = (uint64_t)(number("limit-mb", value, 0.001, 1e6) * 1048576); break;
  case HEAP: options->heap = value; break;
  case SEED: options->seed = (uint64_t)number("seed", value, 0, 1e15); break;
  case QUIET: options->quiet = true; break;
  case FIGURES: options->figures = options->quiet = true; break;
  case COMPARE: options->compare = true; break;
  case HELP: fputs(usage, stdout); exit(0);
  default: fputs(usage, stderr); exit(2);
  }
}

void options_parse(struct options *options, int argc, char **argv) {
  int name;
  set_defaults(options);
  while ((name = getopt_long(argc, argv, "", names, NULL)) != -1)
    set(options, name, optarg);
  options->folders = optind < argc ? (const char *const *)argv + optind : default_folders;
}
