/*
 * check.h: counting the same input independently, and comparing (check.c).
 */
#ifndef TEXTINDEX_CHECK_H
#define TEXTINDEX_CHECK_H

#include "examples/textindex/run.h"

struct check {
  /* What the index holds. */
  uint64_t documents, words, postings, occurrences;
  struct top top;        /* by occurrences */
  uint64_t words_left;   /* after all documents were retired: filled by main */
  uint64_t differences;  /* between the index and the count; the first few went to stderr */
};

/*
 * Counts the words of the files that are indexed, from the files, in malloc's memory, then walks
 * the index and compares. By an attached thread when all workers have ended; reads in a blocked
 * region. May poll.
 */
void check_index(lull_thread *thread, struct run *run, struct check *check);

#endif
