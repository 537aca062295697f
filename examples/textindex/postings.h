/*
 * postings.h: which documents hold a word, and how often (postings.c).
 */
#ifndef TEXTINDEX_POSTINGS_H
#define TEXTINDEX_POSTINGS_H

#include "examples/textindex/objects.h"

/*
 * Adds a posting to a word that the caller has reserved (map.h). O(cells) at worst, mostly the
 * first has room. May poll.
 */
void postings_add(lull_thread *thread, struct word *word, struct posting posting);

/* Removes the posting of a document, which must be there. O(postings). May poll. */
void postings_remove(lull_thread *thread, struct word *word, uint32_t document);

/*
 * Calls visit for each posting, in no order. A posting that is there during the whole call is
 * visited once; one that comes or goes meanwhile may be. O(postings). Does not poll, and nor may
 * visit.
 */
typedef void posting_fn(void *data, struct posting posting);
void postings_visit(struct word *word, posting_fn *visit, void *data);

#endif
