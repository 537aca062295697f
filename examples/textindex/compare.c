/*
 * compare.c: runs the three programs one after another on the same input and sets their figures
 * side by side. A program that was not built is left out, with a line that says so.
 */
#include "examples/textindex/compare.h"

#include "examples/textindex/memory.h"

#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { LINE = 8192 };

struct program {
  const char *ending;
  const char *title;
  bool ran;
  char figures[LINE]; /* its line of key=value words, with a space in front */
};

static const struct {
  const char *title;
  const char *key;
} rows[] = {
  {"wall time, s", "wall_s"},
  {"of it indexing, s", "index_s"},
  {"CPU time, s", "cpu_s"},
  {"peak resident memory, MB", "rss_mb"},
  {"allocated, MB", "allocated_mb"},
  {"collections", "collections"},
  {"documents retired", "retired"},
  {"queries", "queries"},
  {"query p50, us", "query_p50_us"},
  {"query p99, us", "query_p99_us"},
  {"query p99.9, us", "query_p999_us"},
  {"longest query, us", "query_max_us"},
  {"longest add or retire, us", "edit_max_us"},
};

/* The arguments without --compare, with --figures. */
static char **arguments_of(const char *path, int argc, char **argv) {
  char **arguments = allocated(calloc((size_t)argc + 2, sizeof *arguments));
  size_t count = 0;
  arguments[count++] = (char *)path;
  arguments[count++] = (char *)"--figures";
  for (int i = 1; i < argc; i++)
    if (strcmp(argv[i], "--compare") != 0)
      arguments[count++] = argv[i];
  return arguments;
}

/* Reads the program's output, of which the last line stays. */
static void read_figures(int fd, struct program *program) {
  FILE *in = fdopen(fd, "r");
  program->figures[0] = ' ';
  while (in != NULL && fgets(program->figures + 1, sizeof program->figures - 1, in) != NULL)
    continue;
  if (in != NULL)
    fclose(in);
}

/* Runs one program to its end; returns its exit status, 3 if it could not be run or was killed. */
static int run_program(const char *path, struct program *program, int argc, char **argv) {
  int ends[2];
  if (pipe(ends) != 0)
    return 3;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  char **arguments = arguments_of(path, argc, argv);
  pid_t child;
  int error = posix_spawn(&child, path, &actions, NULL, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  free(arguments);
  close(ends[1]);
  if (error != 0) {
    close(ends[0]);
    return 3;
  }
  read_figures(ends[0], program);
  program->ran = true;
  int status;
  if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
    return 3;
  return WEXITSTATUS(status);
}

/* Prints the value of a key, or - */
static void print_value(const struct program *program, const char *key) {
  char wanted[64];
  snprintf(wanted, sizeof wanted, " %s=", key);
  const char *at = strstr(program->figures, wanted);
  if (at == NULL) {
    printf(" %12s", "-");
    return;
  }
  at += strlen(wanted);
  printf(" %12.*s", (int)strcspn(at, " \n"), at);
}

/* The path of the program that runs now; its twins stand beside it. */
static void find_self(char *path, size_t room) {
  ssize_t length = readlink("/proc/self/exe", path, room - 1);
  path[length > 0 ? length : 0] = '\0';
}

static void print_table(const struct program *programs, size_t count) {
  printf("%-28s", "");
  for (size_t i = 0; i < count; i++)
    if (programs[i].ran)
      printf(" %12s", programs[i].title);
  putchar('\n');
  for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
    printf("%-28s", rows[row].title);
    for (size_t i = 0; i < count; i++)
      if (programs[i].ran)
        print_value(&programs[i], rows[row].key);
    putchar('\n');
  }
}

int compare_programs(int argc, char **argv) {
  static struct program programs[] = {{.ending = "", .title = "lull"},
                                      {.ending = "-malloc", .title = "malloc"},
                                      {.ending = "-boehm", .title = "boehm"}};
  size_t count = sizeof programs / sizeof *programs;
  int worst = 0;
  char self[4096];
  find_self(self, sizeof self);
  for (size_t i = 0; i < count; i++) {
    char path[sizeof self + 16];
    snprintf(path, sizeof path, "%s%s", self, programs[i].ending);
    if (access(path, X_OK) != 0) {
      fprintf(stderr, "textindex: %s was not built and is left out\n", path);
      continue;
    }
    fprintf(stderr, "textindex: running %s ...\n", path);
    int status = run_program(path, &programs[i], argc, argv);
    if (status != 0)
      fprintf(stderr, "textindex: %s ended with status %d\n", path, status);
    worst = status > worst ? status : worst;
  }
  print_table(programs, count);
  return worst;
}
