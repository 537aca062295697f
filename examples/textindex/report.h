/*
 * report.h: what a run shows of itself (report.c).
 */
#ifndef TEXTINDEX_REPORT_H
#define TEXTINDEX_REPORT_H

#include "examples/textindex/check.h"
#include "examples/textindex/run.h"

/* The heap over time, sampled by main while the others work. */
struct history {
  struct memory_sample *samples;
  uint64_t *times; /* ns after the start */
  size_t count, room;
};

/* Takes a sample now. By a thread that need not be attached. */
void history_add(struct history *history, uint64_t started_ns);
void history_clear(struct history *history);

/*
 * Shows how far the run is: one line that is rewritten on a terminal, else a line every few
 * seconds.
 */
struct progress {
  bool terminal;
  uint64_t shown_ns;
};
void progress_open(struct progress *progress);
void progress_show(struct progress *progress, struct run *run, const struct memory_sample *sample);
void progress_close(struct progress *progress);

/* The final table, or one line of key=value words, on stdout. */
void report_table(struct run *run, const struct outcome *outcome, const struct check *check,
                  const struct history *history);
void report_figures(struct run *run, const struct outcome *outcome, const struct check *check);

#endif
