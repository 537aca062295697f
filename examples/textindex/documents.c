/*
 * documents.c: the root of the index, and documents coming and going.
 *
 * Invariants
 *   D.1  Document id is in the table only while the postings of all its words are in the index:
 *        it is put there after the last was added and taken out before the first is removed. So
 *        what a reader finds in the table before and after a query must be among the query's hits
 *        if it has the words asked for (queries.c counts on it).
 *   D.2  A document in the table, and one being added or retired, holds a reservation of each of
 *        its words: its word_list refers to words that are alive.
 * Who may add or retire a document is settled outside (workers.c): one thread at a time.
 */
#include "examples/textindex/documents.h"

#include "examples/textindex/map.h"
#include "examples/textindex/postings.h"

lull_handle *index_new(lull_thread *thread, size_t documents) {
  struct table *table = NULL;
  struct word *head = NULL;
  LULL_ROOTS(thread, table, head);
  table = allocated(lull_new_array(thread, types.table, documents));
  head = map_new(thread);
  struct index *index = allocated(lull_new(thread, types.index));
  lull_init(thread, index, &index->head, head);
  lull_init(thread, index, &index->table, table);
  return allocated(lull_handle_new(thread, index));
}

void document_add(lull_thread *thread, struct index *index, uint32_t id, const struct bag *bag,
                  struct random *random) {
  struct word_list *list = NULL;
  LULL_ROOTS(thread, index, list);
  memory_enter(thread);
  list = allocated(lull_new_array(thread, types.word_list, bag->count));
  for (size_t i = 0; i < bag->count; i++) {
    struct key key;
    key_set(&key, bag_text(bag, i), bag_length(bag, i));
    struct word *word = map_reserve(thread, index->head, &key, random);
    lull_store(thread, list, &list->words[i], word);
    postings_add(thread, word, (struct posting){id, bag_occurrences(bag, i)});
  }
  struct document *document = allocated(lull_new(thread, types.document));
  document->id = id;
  lull_init(thread, document, &document->words, list);
  lull_store(thread, index->table, &index->table->documents[id], document);
  memory_leave(thread);
}

void document_retire(lull_thread *thread, struct index *index, uint32_t id) {
  struct document *document = NULL;
  struct word *word = NULL;
  LULL_ROOTS(thread, index, document, word);
  memory_enter(thread);
  document = lull_load(&index->table->documents[id]);
  lull_store(thread, index->table, &index->table->documents[id], NULL);
  for (size_t i = 0; i < document->words->length; i++) {
    word = document->words->words[i];
    postings_remove(thread, word, id);
    map_release(thread, index->head, word);
  }
  memory_retire(thread, document->words);
  memory_retire(thread, document);
  memory_leave(thread);
}

/* Retires the objects that the index has without documents. */
static void retire_index(lull_thread *thread, struct index *index) {
  memory_enter(thread);
  memory_retire(thread, index->head);
  memory_retire(thread, index->table);
  memory_retire(thread, index);
  memory_leave(thread);
}

size_t index_clear(lull_thread *thread, lull_handle *root) {
  struct index *index = lull_handle_get(thread, root);
  LULL_ROOTS(thread, index);
  for (size_t id = 0; id < index->table->length; id++)
    if (lull_load(&index->table->documents[id]) != NULL)
      document_retire(thread, index, (uint32_t)id);
  size_t left = 0;
  for (struct word *word = map_next(index->head); word != NULL; word = map_next(word))
    left++;
  lull_handle_release(thread, root);
  retire_index(thread, index);
  return left;
}
