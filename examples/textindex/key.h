/*
 * key.h: words outside the heap: what a search compares with, and copies that outlive a safepoint.
 */
#ifndef TEXTINDEX_KEY_H
#define TEXTINDEX_KEY_H

#include "examples/textindex/objects.h"

#include <string.h>

/* A word's text with its prefix, by value. The bytes behind `length` are 0. */
struct key {
  uint64_t prefix;
  size_t length;
  unsigned char bytes[WORD_BYTES];
};

/* Makes a key of at most WORD_BYTES bytes. */
static inline void key_set(struct key *key, const unsigned char *bytes, size_t length) {
  memset(key->bytes, 0, sizeof key->bytes);
  memcpy(key->bytes, bytes, length);
  key->length = length;
  memcpy(&key->prefix, key->bytes, sizeof key->prefix);
  key->prefix = __builtin_bswap64(key->prefix);
}

/* Makes a key of the text of a word of the map. */
static inline void key_of_word(struct key *key, const struct word *word) {
  key_set(key, word->text->bytes, word->text->length);
}

/*
 * The order of the map, that of memcmp: below, at or above 0. Most words differ in their first 8
 * bytes.
 */
static inline int compare_word(const struct word *word, const struct key *key) {
  if (word->prefix != key->prefix)
    return word->prefix < key->prefix ? -1 : 1;
  size_t length = word->text->length;
  int order = memcmp(word->text->bytes, key->bytes, length < key->length ? length : key->length);
  if (order != 0)
    return order;
  return (length > key->length) - (length < key->length);
}

#endif
