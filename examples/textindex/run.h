/*
 * run.h: one run of textindex: what was asked for, what all threads share, what came out.
 */
#ifndef TEXTINDEX_RUN_H
#define TEXTINDEX_RUN_H

#include "examples/textindex/files.h"
#include "examples/textindex/latency.h"
#include "examples/textindex/memory.h"
#include "examples/textindex/queries.h"

#include <stdatomic.h>

struct options {
  unsigned threads;     /* that read files and later retire and re-add documents */
  unsigned queriers;
  double seconds;       /* between the end of indexing and the end of the run */
  uint64_t limit;       /* bytes of input */
  const char *heap;     /* value of heap.max, or NULL */
  uint64_t seed;
  bool quiet;           /* no progress */
  bool figures;         /* one line of key=value instead of the table */
  bool compare;         /* run this program and its twins */
  const char *const *folders; /* NULL-terminated */
};

/*
 * What a document is doing. A thread that sets BUSY by compare-exchange is the one that may add
 * or retire it.
 */
enum document_state { STATE_NEW, STATE_BUSY, STATE_INDEXED, STATE_RETIRED, STATE_UNREADABLE };

struct run {
  const struct options *options;
  struct files files;                /* constant while threads run */
  lull_handle *root;                 /* the index; constant while threads run */
  _Atomic unsigned char *states;     /* per file: enum document_state */
  atomic_size_t next_file;           /* the next that a reader takes */
  atomic_size_t finished_files;      /* first indexing done, or found unreadable */
  atomic_bool stop;                  /* set by main: end after the operation at hand */

  /* Counted by workers (relaxed), shown by main. */
  atomic_uint_fast64_t bytes_read, queries, retired, readded;

  /* Set by main between the phases. */
  uint64_t started_ns, indexed_ns, stopped_ns;
  struct memory_sample full;    /* the index at its end, garbage collected */
  struct memory_sample cleared; /* after all documents were retired, likewise */
};

struct outcome {
  struct latency queries, top_queries, retires, adds; /* ns */
  uint64_t found;                                     /* by all queries */
  uint64_t wrong;                                     /* answers that cannot be right */
};

#endif
