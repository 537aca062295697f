/*
 * queries.c: queries that run while documents come and go, and that check their own answers.
 *
 *   Q.1  A document that was in the table before a query and is the same object there after it
 *        has been in the index all the time (D.1), so it must be among the hits of its own words.
 *        The object is held in a frame meanwhile: its address cannot have become another
 *        document's.
 *   Q.2  A scan meets words in strictly ascending order (M.4).
 *   Q.3  What the table holds at id is the document id.
 * Each violation is counted as a wrong answer, and a run with one has failed.
 *
 * A querier's working memory belongs to its thread.
 */
#include "examples/textindex/queries.h"

#include "examples/textindex/map.h"
#include "examples/textindex/postings.h"

enum {
  AND_WORDS = 3,
  PREFIX_WORDS = 100,
  POLL_EVERY = 64 /* words of a scan; some microseconds */
};

void querier_open(struct querier *querier, size_t documents, uint64_t seed) {
  *querier = (struct querier){.random = {seed}};
  querier->matched = allocated(calloc(documents, sizeof *querier->matched));
  querier->candidates = allocated(calloc(documents, sizeof *querier->candidates));
}

void querier_close(struct querier *querier) {
  free(querier->matched);
  free(querier->candidates);
}

void top_offer(struct top *top, const struct word *word, uint64_t number) {
  size_t at = TOP_WORDS;
  while (at > 0 && top->numbers[at - 1] < number)
    at--;
  if (at == TOP_WORDS)
    return;
  memmove(top->words + at + 1, top->words + at, (TOP_WORDS - 1 - at) * sizeof *top->words);
  memmove(top->numbers + at + 1, top->numbers + at, (TOP_WORDS - 1 - at) * sizeof *top->numbers);
  key_of_word(&top->words[at], word);
  top->numbers[at] = number;
}

/* A random document with words, or NULL after some tries. Does not poll. */
static struct document *pick_document(struct index *index, struct querier *querier) {
  struct table *table = index->table;
  for (int tries = 0; tries < 100; tries++) {
    size_t id = random_below(&querier->random, table->length);
    struct document *document = lull_load(&table->documents[id]);
    if (document != NULL) {
      querier->wrong += document->id != id;
      if (document->words->length != 0)
        return document;
    }
  }
  return NULL;
}

/* The text of a random word of the document. Does not poll. */
static void pick_word(struct document *document, struct querier *querier, struct key *key) {
  struct word_list *list = document->words;
  key_of_word(key, list->words[random_below(&querier->random, list->length)]);
}

/* State of postings_visit: the word's number in the query. */
struct matching {
  struct querier *querier;
  uint8_t step;
};

static void match(void *data, struct posting posting) {
  struct matching *matching = data;
  struct querier *querier = matching->querier;
  uint8_t *matched = &querier->matched[posting.document];
  if (*matched != matching->step)
    return;
  if (matching->step == 0)
    querier->candidates[querier->candidate_count++] = posting.document;
  ++*matched;
}

/* Counts the documents that matched `words` times and forgets all matches. Does not poll. */
static size_t count_hits(struct index *index, struct querier *querier, uint8_t words) {
  size_t hits = 0;
  for (size_t i = 0; i < querier->candidate_count; i++) {
    uint32_t id = querier->candidates[i];
    struct document *document = lull_load(&index->table->documents[id]);
    if (querier->matched[id] == words && document != NULL) {
      querier->wrong += document->id != id;
      hits++;
    }
    querier->matched[id] = 0;
  }
  querier->candidate_count = 0;
  return hits;
}

size_t query_and(lull_thread *thread, struct index *index, struct querier *querier) {
  struct document *document = NULL;
  LULL_ROOTS(thread, index, document);
  size_t hits = 0;
  memory_enter(thread);
  document = pick_document(index, querier);
  if (document != NULL) {
    struct key keys[AND_WORDS];
    uint8_t words = (uint8_t)(2 + random_below(&querier->random, AND_WORDS - 1));
    for (uint8_t i = 0; i < words; i++)
      pick_word(document, querier, &keys[i]);
    for (uint8_t i = 0; i < words; i++) {
      struct word *word = map_find(index->head, &keys[i]);
      struct matching matching = {querier, i};
      if (word != NULL)
        postings_visit(word, match, &matching);
      lull_poll(thread);
    }
    bool hit = querier->matched[document->id] == words;
    bool stayed = lull_load(&index->table->documents[document->id]) == document;
    querier->wrong += stayed && !hit;
    hits = count_hits(index, querier, words);
  }
  memory_leave(thread);
  return hits;
}

static bool begins_with(const struct word *word, const struct key *prefix) {
  return word->text->length >= prefix->length &&
         memcmp(word->text->bytes, prefix->bytes, prefix->length) == 0;
}

/*
 * Whether a scan may go from the word `last` to `word`; makes it the last. An empty key is before
 * all words.
 */
static bool ascends(struct key *last, const struct word *word) {
  bool ascending = compare_word(word, last) > 0;
  key_of_word(last, word);
  return ascending;
}

size_t query_prefix(lull_thread *thread, struct index *index, struct querier *querier) {
  struct document *document = NULL;
  struct word *word = NULL;
  LULL_ROOTS(thread, index, document, word);
  size_t found = 0;
  memory_enter(thread);
  document = pick_document(index, querier);
  if (document != NULL) {
    struct key prefix;
    struct key last = {0};
    pick_word(document, querier, &prefix);
    size_t letters = 2 + random_below(&querier->random, 3);
    key_set(&prefix, prefix.bytes, letters < prefix.length ? letters : prefix.length);
    word = map_seek(index->head, &prefix);
    while (word != NULL && found < PREFIX_WORDS && begins_with(word, &prefix)) {
      querier->wrong += !ascends(&last, word);
      if (++found % POLL_EVERY == 0)
        lull_poll(thread);
      word = map_next(word);
    }
  }
  memory_leave(thread);
  return found;
}

size_t query_top(lull_thread *thread, struct index *index, struct querier *querier,
                 struct top *top) {
  struct word *word = NULL;
  LULL_ROOTS(thread, index, word);
  struct key last = {0};
  size_t found = 0;
  *top = (struct top){0};
  memory_enter(thread);
  for (word = map_next(index->head); word != NULL; word = map_next(word)) {
    querier->wrong += !ascends(&last, word);
    top_offer(top, word, atomic_load_explicit(&word->documents, memory_order_relaxed));
    if (++found % POLL_EVERY == 0)
      lull_poll(thread);
  }
  memory_leave(thread);
  return found;
}
