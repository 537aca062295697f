/*
 * queries.h: what readers of the index ask (queries.c).
 */
#ifndef TEXTINDEX_QUERIES_H
#define TEXTINDEX_QUERIES_H

#include "examples/textindex/key.h"
#include "examples/textindex/random.h"

enum { TOP_WORDS = 10 };

/* The words with the highest numbers so far, highest first; free places have number 0. */
struct top {
  struct key words[TOP_WORDS];
  uint64_t numbers[TOP_WORDS];
};

void top_offer(struct top *top, const struct word *word, uint64_t number);

/* One querying thread's working memory and findings. */
struct querier {
  struct random random;
  uint8_t *matched;      /* per document: how many of the query's words it holds */
  uint32_t *candidates;  /* the documents that hold the first word */
  size_t candidate_count;
  uint64_t wrong;        /* answers that cannot be right */
};

/* Working memory for an index of so many documents; and its end. */
void querier_open(struct querier *querier, size_t documents, uint64_t seed);
void querier_close(struct querier *querier);

/*
 * Each is one operation (memory_enter), may poll, and returns the number of things found.
 *   query_and     documents that hold all of two or three words, taken from a random document
 *   query_prefix  up to 100 words in order that begin with the first letters of a random word
 *   query_top     words of the whole map, to find those in most documents
 */
size_t query_and(lull_thread *thread, struct index *index, struct querier *querier);
size_t query_prefix(lull_thread *thread, struct index *index, struct querier *querier);
size_t query_top(lull_thread *thread, struct index *index, struct querier *querier,
                 struct top *top);

#endif
