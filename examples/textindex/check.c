/*
 * check.c: the independent count. One hash table of malloc's memory, filled by one thread from
 * the files of all documents that should be in the index now; it shares with the index only the
 * definition of a word (tokens.h). The walk over the index then takes each word from the table:
 * every number must agree, and none may be left.
 */
#include "examples/textindex/check.h"

#include "examples/textindex/map.h"
#include "examples/textindex/postings.h"
#include "examples/textindex/tokens.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

enum {
  DIFFERENCES_SHOWN = 10,
  POLL_EVERY = 16 /* words */
};

struct counted {
  unsigned char *bytes; /* NULL = free slot */
  size_t length;
  uint64_t documents, occurrences;
  size_t last_document; /* the last that was counted in `documents`, plus 1 */
};

struct count {
  struct counted *slots; /* open addressing, at most half full */
  size_t mask, used;
  uint64_t documents, postings, occurrences;
};

/* The slot of a word, or the free one where it belongs. */
static struct counted *find(const struct count *count, const unsigned char *bytes, size_t length) {
  uint64_t hash = length;
  for (size_t i = 0; i < length; i++)
    hash = (hash << 5 ^ hash >> 59 ^ bytes[i]) * 0x9e3779b97f4a7c15u;
  size_t at = (hash >> 20) & count->mask;
  struct counted *slot = &count->slots[at];
  while (slot->bytes != NULL &&
         (slot->length != length || memcmp(slot->bytes, bytes, length) != 0)) {
    at = (at + 1) & count->mask;
    slot = &count->slots[at];
  }
  return slot;
}

static void grow(struct count *count) {
  struct count larger = *count;
  larger.mask = count->mask != 0 ? 2 * count->mask + 1 : 65535;
  larger.slots = allocated(calloc(larger.mask + 1, sizeof *larger.slots));
  for (size_t i = 0; count->slots != NULL && i <= count->mask; i++)
    if (count->slots[i].bytes != NULL)
      *find(&larger, count->slots[i].bytes, count->slots[i].length) = count->slots[i];
  free(count->slots);
  *count = larger;
}

static void count_word(struct count *count, const unsigned char *bytes, size_t length,
                       size_t document) {
  if (2 * count->used >= count->mask)
    grow(count);
  struct counted *slot = find(count, bytes, length);
  if (slot->bytes == NULL) {
    slot->bytes = allocated(malloc(length));
    memcpy(slot->bytes, bytes, length);
    slot->length = length;
    count->used++;
  }
  if (slot->last_document != document + 1) {
    slot->last_document = document + 1;
    slot->documents++;
    count->postings++;
  }
  slot->occurrences++;
  count->occurrences++;
}

static void count_files(struct count *count, struct run *run) {
  struct buffer buffer = {0};
  for (size_t id = 0; id < run->files.count; id++) {
    if (atomic_load(&run->states[id]) != STATE_INDEXED)
      continue;
    count->documents++;
    file_read(&run->files.files[id], &buffer);
    struct tokens tokens = {buffer.bytes, buffer.bytes + buffer.size};
    unsigned char word[WORD_BYTES];
    size_t length;
    while ((length = tokens_next(&tokens, word)) != 0)
      count_word(count, word, length, id);
  }
  free(buffer.bytes);
}

static void count_clear(struct count *count) {
  for (size_t i = 0; count->slots != NULL && i <= count->mask; i++)
    free(count->slots[i].bytes);
  free(count->slots);
}

static void differ(struct check *check, const char *format, ...) {
  if (++check->differences > DIFFERENCES_SHOWN)
    return;
  va_list arguments;
  va_start(arguments, format);
  fputs("self-check: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
}

static void compare(struct check *check, const char *what, uint64_t index, uint64_t count) {
  if (index != count)
    differ(check, "%s: %" PRIu64 " in the index, %" PRIu64 " counted", what, index, count);
}

/* One word's postings, added up. */
struct sum {
  struct run *run;
  uint64_t documents, occurrences, strays;
};

static void add_posting(void *data, struct posting posting) {
  struct sum *sum = data;
  sum->documents++;
  sum->occurrences += posting.count;
  sum->strays += posting.document >= sum->run->files.count ||
                 atomic_load(&sum->run->states[posting.document]) != STATE_INDEXED;
}

/* Compares one word of the index and takes it out of the count. Does not poll. */
static void check_word(struct run *run, struct check *check, struct count *count,
                       struct word *word) {
  struct sum sum = {.run = run};
  postings_visit(word, add_posting, &sum);
  check->words++;
  check->postings += sum.documents;
  check->occurrences += sum.occurrences;
  top_offer(&check->top, word, sum.occurrences);
  static struct counted none;
  struct counted *counted =
      count->slots != NULL ? find(count, word->text->bytes, word->text->length) : &none;
  if (counted->documents != sum.documents || counted->occurrences != sum.occurrences ||
      atomic_load(&word->documents) != sum.documents || sum.strays != 0)
    differ(check,
           "'%.*s': %" PRIu64 " documents and %" PRIu64 " occurrences in the index, %" PRIu64
           " and %" PRIu64 " counted; %" PRIu32 " reservations, %" PRIu64
           " postings of documents that are not indexed",
           (int)word->text->length, (const char *)word->text->bytes, sum.documents, sum.occurrences,
           counted->documents, counted->occurrences, (uint32_t)atomic_load(&word->documents),
           sum.strays);
  counted->documents = 0; /* a second word of the same text would differ */
}

static void check_words(lull_thread *thread, struct index *index, struct run *run,
                        struct check *check, struct count *count) {
  struct word *word = NULL;
  LULL_ROOTS(thread, index, word);
  memory_enter(thread);
  for (word = map_next(index->head); word != NULL; word = map_next(word)) {
    check_word(run, check, count, word);
    if (check->words % POLL_EVERY == 0)
      lull_poll(thread);
  }
  memory_leave(thread);
}

static void check_table(struct index *index, struct run *run, struct check *check) {
  for (size_t id = 0; id < run->files.count; id++) {
    bool present = lull_load(&index->table->documents[id]) != NULL;
    check->documents += present;
    if (present != (atomic_load(&run->states[id]) == STATE_INDEXED))
      differ(check, "%s %s in the table", run->files.files[id].path,
             present ? "is still" : "is not");
  }
}

void check_index(lull_thread *thread, struct run *run, struct check *check) {
  struct count count = {0};
  *check = (struct check){0};
  lull_blocked_begin(thread);
  count_files(&count, run);
  lull_blocked_end(thread);
  struct index *index = lull_handle_get(thread, run->root);
  LULL_ROOTS(thread, index);
  check_words(thread, index, run, check, &count);
  check_table(index, run, check);
  compare(check, "documents", check->documents, count.documents);
  compare(check, "words", check->words, count.used);
  compare(check, "postings", check->postings, count.postings);
  compare(check, "occurrences", check->occurrences, count.occurrences);
  count_clear(&count);
}
