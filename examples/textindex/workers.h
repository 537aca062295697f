/*
 * workers.h: the threads of a run (workers.c).
 */
#ifndef TEXTINDEX_WORKERS_H
#define TEXTINDEX_WORKERS_H

#include "examples/textindex/run.h"

struct workers;

/*
 * Starts options->threads readers and options->queriers queriers. By a thread that is not
 * attached, or in a blocked region.
 */
struct workers *workers_start(struct run *run);

/*
 * Waits for the end of all (run->stop is set), adds up what they found and frees the workers. As
 * workers_start.
 */
void workers_join(struct workers *workers, struct outcome *outcome);

#endif
