/*
 * documents.h: adding documents to the index and retiring them (documents.c).
 */
#ifndef TEXTINDEX_DOCUMENTS_H
#define TEXTINDEX_DOCUMENTS_H

#include "examples/textindex/bag.h"
#include "examples/textindex/objects.h"
#include "examples/textindex/random.h"

/*
 * Makes an empty index for documents 0 to `documents` - 1. The handle is the caller's to release.
 * May poll.
 */
lull_handle *index_new(lull_thread *thread, size_t documents);

/*
 * Adds a document with the words of the bag and publishes it in the table. The caller is the only
 * one who adds or retires this document now, and it is not in the index. One operation
 * (memory_enter). May poll.
 */
void document_add(lull_thread *thread, struct index *index, uint32_t id, const struct bag *bag,
                  struct random *random);

/* Takes a document that is in the index out of it. As document_add. */
void document_retire(lull_thread *thread, struct index *index, uint32_t id);

/*
 * Retires all documents and then the index itself, which nobody else uses any more, and releases
 * the handle. Returns the number of words that were left in the map, which should be 0. May poll.
 */
size_t index_clear(lull_thread *thread, lull_handle *root);

#endif
