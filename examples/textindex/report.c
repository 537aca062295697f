/*
 * report.c: progress, the final table, the line of figures and the chart of the heap. Runs on the
 * main thread only.
 */
#include "examples/textindex/report.h"

#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
  CHART_WIDTH = 64,
  CHART_HEIGHT = 8
};

#define MEGABYTE (1024.0 * 1024.0)
#define LINE_EVERY UINT64_C(3000000000) /* ns, where there is no terminal */
#define REWRITE_EVERY UINT64_C(200000000)

static double ms(uint64_t ns) {
  return (double)ns / 1e6;
}

static double seconds(uint64_t ns) {
  return (double)ns / 1e9;
}

void history_add(struct history *history, uint64_t started_ns) {
  if (history->count == history->room) {
    history->room = history->room != 0 ? 2 * history->room : 1024;
    history->samples =
        allocated(realloc(history->samples, history->room * sizeof *history->samples));
    history->times = allocated(realloc(history->times, history->room * sizeof *history->times));
  }
  memory_sample(&history->samples[history->count]);
  history->times[history->count++] = clock_ns() - started_ns;
}

void history_clear(struct history *history) {
  free(history->samples);
  free(history->times);
  *history = (struct history){0};
}

void progress_open(struct progress *progress) {
  progress->terminal = isatty(STDERR_FILENO);
  progress->shown_ns = clock_ns();
}

void progress_show(struct progress *progress, struct run *run, const struct memory_sample *sample) {
  uint64_t now = clock_ns();
  if (now - progress->shown_ns < (progress->terminal ? REWRITE_EVERY : LINE_EVERY))
    return;
  progress->shown_ns = now;
  fprintf(stderr,
          "%s%5.1f s  %zu of %zu files, %" PRIu64 " retired, %" PRIu64 " added again, %" PRIu64
          " queries; "
          "heap %.0f MB, %" PRIu64 " collections%s",
          progress->terminal ? "\r" : "", seconds(now - run->started_ns),
          atomic_load(&run->finished_files), run->files.count, (uint64_t)atomic_load(&run->retired),
          (uint64_t)atomic_load(&run->readded), (uint64_t)atomic_load(&run->queries),
          (double)sample->used / MEGABYTE, sample->cycles, progress->terminal ? "\033[K" : "\n");
}

void progress_close(struct progress *progress) {
  if (progress->terminal)
    fputs("\r\033[K", stderr);
}

/*
 * What each column of the chart shows: the most that was used and the last that was live in its
 * share of the time.
 */
static void fill_columns(const struct history *history, struct memory_sample *columns) {
  uint64_t end = history->times[history->count - 1] + 1;
  size_t last = 0;
  for (size_t i = 0; i < history->count; i++) {
    size_t at = (size_t)((double)history->times[i] / (double)end * CHART_WIDTH);
    while (last + 1 < at) { /* no sample fell into these */
      columns[last + 1] = columns[last];
      last++;
    }
    last = at;
    if (history->samples[i].used > columns[at].used)
      columns[at].used = history->samples[i].used;
    columns[at].live = history->samples[i].live;
  }
}

/* One place of the chart. */
static char mark_of(const struct memory_sample *column, double level) {
  if ((double)column->live >= level)
    return '#';
  return (double)column->used >= level ? '.' : ' ';
}

/* Heap over time: # live at the last collection, . used. */
static void print_chart(const struct history *history) {
  struct memory_sample columns[CHART_WIDTH + 1] = {0};
  uint64_t top = 1;
  fill_columns(history, columns);
  for (size_t i = 0; i < CHART_WIDTH; i++)
    top = columns[i].used > top ? columns[i].used : top;
  printf("  heap in MB over %.0f s (. used, # live at the last collection)\n",
         seconds(history->times[history->count - 1]));
  for (int row = CHART_HEIGHT; row > 0; row--) {
    double level = (double)top * (row - 0.5) / CHART_HEIGHT;
    printf("  %6.0f |", (double)top * row / CHART_HEIGHT / MEGABYTE);
    for (size_t i = 0; i < CHART_WIDTH; i++)
      putchar(mark_of(&columns[i], level));
    putchar('\n');
  }
  printf("         +");
  for (size_t i = 0; i < CHART_WIDTH; i++)
    putchar('-');
  putchar('\n');
}

static void print_latency(const char *what, const struct latency *latency) {
  if (latency->count == 0) {
    printf("  %-28s none\n", what);
    return;
  }
  printf("  %-28s p50 %.3f ms, p99 %.3f ms, p99.9 %.3f ms, longest %.3f ms (%" PRIu64 " times)\n",
         what, ms(latency_quantile(latency, 0.5)), ms(latency_quantile(latency, 0.99)),
         ms(latency_quantile(latency, 0.999)), ms(latency->longest), latency->count);
}

static void print_top(const struct top *top) {
  printf("  %-28s", "top words");
  for (size_t i = 0; i < TOP_WORDS && top->numbers[i] != 0; i++)
    printf("%s %.*s %" PRIu64, i != 0 ? "," : "", (int)top->words[i].length,
           (const char *)top->words[i].bytes, top->numbers[i]);
  putchar('\n');
}

/* Live objects where the memory knows them, else all that is in use. */
static double megabytes(const struct memory_sample *sample) {
  return (double)(sample->live != 0 ? sample->live : sample->used) / MEGABYTE;
}

void report_table(struct run *run, const struct outcome *outcome, const struct check *check,
                  const struct history *history) {
  struct memory_sample sample;
  memory_sample(&sample);
  printf("textindex on %s: %.1f s of indexing, %.1f s in all\n", memory_name,
         seconds(run->indexed_ns - run->started_ns), seconds(run->stopped_ns - run->started_ns));
  printf("  %-28s %" PRIu64 " of %zu files\n", "documents", check->documents, run->files.count);
  printf("  %-28s %.1f MB of %.1f MB input\n", "read",
         (double)atomic_load(&run->bytes_read) / MEGABYTE, (double)run->files.bytes / MEGABYTE);
  printf("  %-28s %" PRIu64 " distinct, %" PRIu64 " in all\n", "words", check->words,
         check->occurrences);
  printf("  %-28s %" PRIu64 "\n", "postings", check->postings);
  print_top(&check->top);
  printf("  %-28s %" PRIu64 " retired, %" PRIu64 " added again\n", "changes",
         (uint64_t)atomic_load(&run->retired), (uint64_t)atomic_load(&run->readded));
  printf("  %-28s %" PRIu64 ", with %" PRIu64 " answers\n", "queries",
         (uint64_t)atomic_load(&run->queries), outcome->found);
  print_latency("query", &outcome->queries);
  print_latency("scan for the top words", &outcome->top_queries);
  print_latency("adding a document", &outcome->adds);
  print_latency("retiring a document", &outcome->retires);
  printf("  %-28s %.0f MB\n", "allocated", (double)sample.allocated / MEGABYTE);
  printf("  %-28s %.1f MB in the end, %.1f MB after all documents were retired\n",
         "used by the index", megabytes(&run->full), megabytes(&run->cleared));
  memory_report(stdout);
  print_chart(history);
}

void report_figures(struct run *run, const struct outcome *outcome, const struct check *check) {
  struct memory_sample sample;
  struct rusage usage;
  memory_sample(&sample);
  getrusage(RUSAGE_SELF, &usage);
  double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  uint64_t longest_edit = outcome->adds.longest > outcome->retires.longest
                              ? outcome->adds.longest
                              : outcome->retires.longest;
  printf(
      "memory=%s documents=%" PRIu64 " words=%" PRIu64 " postings=%" PRIu64 " occurrences=%" PRIu64
      " bytes_read=%" PRIu64 " queries=%" PRIu64 " retired=%" PRIu64 " readded=%" PRIu64
      " index_s=%.3f wall_s=%.3f cpu_s=%.3f rss_mb=%.1f allocated_mb=%.1f collections=%" PRIu64
      " query_p50_us=%.1f query_p99_us=%.1f query_p999_us=%.1f query_max_us=%.1f edit_max_us=%.1f"
      " wrong=%" PRIu64 " differences=%" PRIu64,
      memory_name, check->documents, check->words, check->postings, check->occurrences,
      (uint64_t)atomic_load(&run->bytes_read), (uint64_t)atomic_load(&run->queries),
      (uint64_t)atomic_load(&run->retired), (uint64_t)atomic_load(&run->readded),
      seconds(run->indexed_ns - run->started_ns), seconds(run->stopped_ns - run->started_ns), cpu,
      (double)usage.ru_maxrss / 1024.0, (double)sample.allocated / MEGABYTE, sample.cycles,
      (double)latency_quantile(&outcome->queries, 0.5) / 1e3,
      (double)latency_quantile(&outcome->queries, 0.99) / 1e3,
      (double)latency_quantile(&outcome->queries, 0.999) / 1e3,
      (double)outcome->queries.longest / 1e3, (double)longest_edit / 1e3, outcome->wrong,
      check->differences);
  memory_figures(stdout);
  putchar('\n');
}
