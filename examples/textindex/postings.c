/*
 * postings.c: a word's postings: a list of cells, each with a chunk of postings, in no order.
 *
 * Invariants
 *   P.1  Cells are added in front by compare-exchange and stay until the word is dead: a walk
 *        meets every cell that was there when it began, and no thread that found a cell can lose
 *        it.
 *   P.2  A chunk is immutable. A change makes a new chunk and swaps it in by compare-exchange of
 *        cell->chunk, so that of two changes neither is lost; the loser starts over from the
 *        winner's chunk.
 *   P.3  A posting stays in the cell that it was added to. So a reader cannot miss it between two
 *        cells.
 * The old chunk is garbage after the swap; this is most of the garbage that the index makes.
 * Chunks grow by one posting at a time: nearly all words have few, and a chunk is never longer
 * than CHUNK_POSTINGS.
 *
 * While a thread holds a chunk in a frame (or in an epoch section of the malloc twin) its address
 * cannot come back as that of another chunk, so the compare-exchange needs no counter against
 * reuse.
 */
#include "examples/textindex/postings.h"

#include <string.h>

static size_t chunk_length(const struct chunk *chunk) {
  return chunk != NULL ? chunk->length : 0;
}

/* The first cell with room, or NULL. */
static struct cell *find_room(struct word *word) {
  struct cell *cell = lull_load(&word->cells);
  while (cell != NULL && chunk_length(lull_load(&cell->chunk)) >= CHUNK_POSTINGS)
    cell = cell->next;
  return cell;
}

/* Adds to this cell unless it is full or another thread changed it meanwhile. May poll. */
static bool add_to_cell(lull_thread *thread, struct cell *cell, struct posting posting) {
  struct chunk *old = lull_load(&cell->chunk);
  size_t length = chunk_length(old);
  if (length >= CHUNK_POSTINGS)
    return false;
  LULL_ROOTS(thread, cell, old);
  struct chunk *chunk = allocated(lull_new_array(thread, types.chunk, length + 1));
  if (length != 0)
    memcpy(chunk->postings, old->postings, length * sizeof *old->postings);
  chunk->postings[length] = posting;
  struct chunk *expected = old;
  bool added = lull_compare_exchange(thread, cell, &cell->chunk, &expected, chunk);
  memory_retire(thread, added ? old : chunk);
  return added;
}

/* Adds a cell with this one posting. May poll. */
static void add_cell(lull_thread *thread, struct word *word, struct posting posting) {
  struct chunk *chunk = NULL;
  LULL_ROOTS(thread, word, chunk);
  chunk = allocated(lull_new_array(thread, types.chunk, 1));
  chunk->postings[0] = posting;
  struct cell *cell = allocated(lull_new(thread, types.cell));
  lull_init(thread, cell, &cell->chunk, chunk);
  struct cell *first = lull_load(&word->cells);
  do
    lull_init(thread, cell, &cell->next, first);
  while (!lull_compare_exchange(thread, word, &word->cells, &first, cell));
}

void postings_add(lull_thread *thread, struct word *word, struct posting posting) {
  LULL_ROOTS(thread, word);
  for (;;) {
    struct cell *cell = find_room(word);
    if (cell == NULL) {
      add_cell(thread, word, posting);
      return;
    }
    if (add_to_cell(thread, cell, posting))
      return;
  }
}

/* The place of the document's posting in the chunk, or the chunk's length. */
static size_t find_posting(const struct chunk *chunk, uint32_t document) {
  size_t length = chunk_length(chunk);
  size_t at = 0;
  while (at < length && chunk->postings[at].document != document)
    at++;
  return at;
}

/* A copy of the chunk without one posting; NULL if that was all. May poll. */
static struct chunk *copy_without(lull_thread *thread, struct chunk *old, size_t at) {
  size_t length = old->length - 1;
  if (length == 0)
    return NULL;
  LULL_ROOTS(thread, old);
  struct chunk *chunk = allocated(lull_new_array(thread, types.chunk, length));
  memcpy(chunk->postings, old->postings, at * sizeof *old->postings);
  memcpy(chunk->postings + at, old->postings + at + 1, (length - at) * sizeof *old->postings);
  return chunk;
}

/* Removes the document's posting from this cell; false if it is not there. May poll. */
static bool remove_from_cell(lull_thread *thread, struct cell *cell, uint32_t document) {
  struct chunk *old = NULL;
  LULL_ROOTS(thread, cell, old);
  for (;;) {
    old = lull_load(&cell->chunk);
    size_t at = find_posting(old, document);
    if (at == chunk_length(old))
      return false;
    struct chunk *chunk = copy_without(thread, old, at);
    struct chunk *expected = old;
    bool removed = lull_compare_exchange(thread, cell, &cell->chunk, &expected, chunk);
    memory_retire(thread, removed ? old : chunk);
    if (removed)
      return true;
  }
}

void postings_remove(lull_thread *thread, struct word *word, uint32_t document) {
  struct cell *cell = lull_load(&word->cells);
  LULL_ROOTS(thread, cell);
  while (cell != NULL && !remove_from_cell(thread, cell, document))
    cell = cell->next;
}

void postings_visit(struct word *word, posting_fn *visit, void *data) {
  for (struct cell *cell = lull_load(&word->cells); cell != NULL; cell = cell->next) {
    const struct chunk *chunk = lull_load(&cell->chunk);
    size_t length = chunk_length(chunk);
    for (size_t i = 0; i < length; i++)
      visit(data, chunk->postings[i]);
  }
}
