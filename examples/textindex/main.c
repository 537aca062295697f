/*
 * main.c: one run: find the files, index them, let documents come and go, check, report.
 *
 * The main thread makes the index and attaches for that and for the check only. While the workers
 * run it is not attached: it watches them and the heap from outside.
 */
#include "examples/textindex/check.h"
#include "examples/textindex/compare.h"
#include "examples/textindex/documents.h"
#include "examples/textindex/options.h"
#include "examples/textindex/report.h"
#include "examples/textindex/workers.h"

#include <inttypes.h>
#include <time.h>

/* Below this the documentation was stripped, and the project's own texts are used too. */
enum { ENOUGH_FILES = 20 };

#define SAMPLE_EVERY 50000000L /* ns */

static void find_input(struct run *run) {
  uint64_t limit = run->options->limit;
  for (const char *const *folder = run->options->folders; *folder != NULL; folder++)
    files_find(&run->files, *folder, limit);
  if (run->files.count >= ENOUGH_FILES)
    return;
  static const char *const own[] = {"examples/textindex/fallback", "doc", "examples", "include",
                                    "lib", "threads"};
  fprintf(stderr, "textindex: only %zu text files found; the project's own in %s are added\n",
          run->files.count, TEXTINDEX_SOURCE);
  for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", TEXTINDEX_SOURCE, own[i]);
    files_find(&run->files, path, limit);
  }
}

static void make_index(struct run *run) {
  lull_thread *thread = memory_attach();
  run->root = index_new(thread, run->files.count);
  memory_detach(thread);
}

/* Samples the heap and shows progress until everything is indexed and the time is over. */
static void watch(struct run *run, struct history *history) {
  struct progress progress;
  progress_open(&progress);
  do {
    nanosleep(&(struct timespec){0, SAMPLE_EVERY}, NULL);
    history_add(history, run->started_ns);
    if (!run->options->quiet)
      progress_show(&progress, run, &history->samples[history->count - 1]);
    if (run->indexed_ns == 0 && atomic_load(&run->finished_files) == run->files.count)
      run->indexed_ns = clock_ns();
  } while (run->indexed_ns == 0 ||
           (double)(clock_ns() - run->indexed_ns) < run->options->seconds * 1e9);
  progress_close(&progress);
}

/* The check, and the end of the index, of which nothing must be left then. */
static bool finish(struct run *run, struct check *check) {
  lull_thread *thread = memory_attach();
  if (!run->options->quiet)
    fprintf(stderr, "textindex: counting the same files again and comparing ...\n");
  check_index(thread, run, check);
  bool settled = memory_settle(thread);
  memory_sample(&run->full);
  check->words_left = index_clear(thread, run->root);
  settled &= memory_settle(thread);
  memory_sample(&run->cleared);
  memory_detach(thread);
  return settled;
}

/* Says what is wrong, if anything is. */
static bool verdict(const struct options *options, const struct outcome *outcome,
                    const struct check *check) {
  bool ok = check->differences == 0 && check->words_left == 0 && outcome->wrong == 0;
  if (outcome->wrong != 0)
    fprintf(stderr, "self-check: %" PRIu64 " queries had wrong answers\n", outcome->wrong);
  if (check->words_left != 0)
    fprintf(stderr, "self-check: %" PRIu64 " words are left without documents\n",
            check->words_left);
  if (!options->figures)
    printf("self-check: %s\n", ok ? "ok" : "FAILED");
  return ok;
}

/* From an open memory to the verdict; returns the exit status. */
static int index_and_check(struct run *run) {
  struct history history = {0};
  struct outcome outcome;
  struct check check;
  make_index(run);
  run->started_ns = clock_ns();
  struct workers *workers = workers_start(run);
  watch(run, &history);
  atomic_store(&run->stop, true);
  workers_join(workers, &outcome);
  run->stopped_ns = clock_ns();
  bool ended = finish(run, &check);
  if (run->options->figures)
    report_figures(run, &outcome, &check);
  else
    report_table(run, &outcome, &check, &history);
  history_clear(&history);
  return !verdict(run->options, &outcome, &check) ? 1 : ended ? 0 : 3;
}

static int run_once(const struct options *options) {
  struct run run = {.options = options};
  find_input(&run);
  if (run.files.count == 0) {
    fprintf(stderr, "textindex: there is no text to index\n");
    return 2;
  }
  if (!memory_open(options->heap))
    return 3;
  run.states = allocated(calloc(run.files.count, sizeof *run.states));
  int status = index_and_check(&run);
  if (!memory_close() && status == 0)
    status = 3;
  files_clear(&run.files);
  free(run.states);
  return status;
}

int main(int argc, char **argv) {
  struct options options;
  options_parse(&options, argc, argv);
  return options.compare ? compare_programs(argc, argv) : run_once(&options);
}
