/*
 * memory.h: where the index lives.
 *
 * The index (objects.h, map.c, postings.c, documents.c, queries.c) is written to Lull's
 * interface. Three programs are built from it: textindex links Lull; for the two twins that it is
 * measured against, twin.h stands in for the few calls that the index uses.
 *
 *   textindex         lull_new, frames, barriers, polls are the library's       memory_lull.c
 *   textindex-malloc  lull_new is calloc; memory_retire frees by epochs         twin_malloc.c
 *   textindex-boehm   lull_new is GC_MALLOC of Boehm's collector                twin_boehm.c
 *
 * The index says three things that a collector has no use for: memory_enter and memory_leave
 * round each operation and memory_retire for what was unlinked. They are what manual reclamation
 * needs to be safe, and do nothing under Lull.
 */
#ifndef TEXTINDEX_MEMORY_H
#define TEXTINDEX_MEMORY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef TEXTINDEX_TWIN
#include "examples/textindex/twin.h"
#else
#include <lull.h>

static inline void memory_enter(lull_thread *thread) {
  (void)thread;
}

static inline void memory_leave(lull_thread *thread) {
  (void)thread;
}

static inline void memory_retire(lull_thread *thread, void *object) {
  (void)thread;
  (void)object;
}
#endif

/* The types of objects.h, as the memory knows them. Set by memory_open. */
struct types {
  lull_type cell, chunk, document, index, table, text, word, word_list;
};
extern struct types types;

/* What every kind of memory can say of itself at any time, in bytes. 0 where it does not know. */
struct memory_sample {
  uint64_t allocated; /* since the start */
  uint64_t used;      /* by objects, living or not yet reclaimed */
  uint64_t live;      /* found reachable by the last collection */
  uint64_t cycles;    /* completed collections */
};

/* "lull", "malloc" or "boehm". */
extern const char memory_name[];

/*
 * Makes the heap and its types. `limit` is the value of heap.max ("64M"), or NULL for the
 * default. Messages go to stderr.
 */
bool memory_open(const char *limit);

/* Ends what memory_open made; every thread has detached. Returns whether all went well. */
bool memory_close(void);

/*
 * The calling thread may use the index from memory_attach to memory_detach. Ends the process if
 * it cannot.
 */
lull_thread *memory_attach(void);
void memory_detach(lull_thread *thread);

/* Reclaims all that is garbage now and waits for it. By an attached thread outside operations. */
bool memory_settle(lull_thread *thread);

/* Any thread, attached or not. */
void memory_sample(struct memory_sample *sample);

/*
 * The rows of the final table that only this kind of memory has, and the same as " key=value"
 * words.
 */
void memory_report(FILE *out);
void memory_figures(FILE *out);

/* Ends the process with status 3 and a line that says why an allocation failed. */
_Noreturn void memory_exhausted(void);

/*
 * Passes on what an allocation returned. An index without memory has nothing better to do than to
 * say so and end.
 */
static inline void *allocated(void *object) {
  if (object == NULL)
    memory_exhausted();
  return object;
}

#endif
