/*
 * bag.h: the distinct words of one text with their numbers of occurrences, in malloc's memory. A
 * bag belongs to one thread, which fills it again and again.
 */
#ifndef TEXTINDEX_BAG_H
#define TEXTINDEX_BAG_H

#include <stddef.h>
#include <stdint.h>

struct bag_entry {
  uint64_t hash;
  uint32_t text;        /* offset in `bytes` */
  uint32_t length;
  uint32_t occurrences;
};

struct bag {
  struct bag_entry *entries; /* in order of first occurrence */
  size_t count, room;
  uint32_t *slots;           /* open addressing: index of an entry + 1, or 0 */
  size_t slots_mask;
  unsigned char *bytes;
  size_t bytes_used, bytes_room;
};

/* Empties the bag (all zero at first) and fills it with the words of a text. O(size). */
void bag_fill(struct bag *bag, const unsigned char *text, size_t size);

/* Frees what the bag holds; it is empty then. */
void bag_clear(struct bag *bag);

static inline const unsigned char *bag_text(const struct bag *bag, size_t i) {
  return bag->bytes + bag->entries[i].text;
}

static inline size_t bag_length(const struct bag *bag, size_t i) {
  return bag->entries[i].length;
}

static inline uint32_t bag_occurrences(const struct bag *bag, size_t i) {
  return bag->entries[i].occurrences;
}

#endif
