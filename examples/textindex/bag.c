/*
 * bag.c: counts the words of one text. Data of the calling thread only.
 */
#include "examples/textindex/bag.h"

#include "examples/textindex/tokens.h"

#include <string.h>

/* FNV-1a. */
static uint64_t hash_of(const unsigned char *bytes, size_t length) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (size_t i = 0; i < length; i++)
    hash = (hash ^ bytes[i]) * 0x100000001b3u;
  return hash;
}

/* Room for one more entry with its text and for a free slot. */
static void make_room(struct bag *bag) {
  if (bag->count == bag->room) {
    bag->room = bag->room != 0 ? 2 * bag->room : 1024;
    bag->entries = allocated(realloc(bag->entries, bag->room * sizeof *bag->entries));
    free(bag->slots);
    bag->slots_mask = 2 * bag->room - 1;
    bag->slots = allocated(calloc(bag->slots_mask + 1, sizeof *bag->slots));
    for (size_t i = 0; i < bag->count; i++) {
      size_t slot = bag->entries[i].hash & bag->slots_mask;
      while (bag->slots[slot] != 0)
        slot = (slot + 1) & bag->slots_mask;
      bag->slots[slot] = (uint32_t)i + 1;
    }
  }
  if (bag->bytes_room - bag->bytes_used < WORD_BYTES) {
    bag->bytes_room = bag->bytes_room != 0 ? 2 * bag->bytes_room : 16384;
    bag->bytes = allocated(realloc(bag->bytes, bag->bytes_room));
  }
}

static bool entry_is(const struct bag *bag, size_t i, uint64_t hash, const unsigned char *bytes,
                     size_t length) {
  const struct bag_entry *entry = &bag->entries[i];
  return entry->hash == hash && entry->length == length &&
         memcmp(bag->bytes + entry->text, bytes, length) == 0;
}

static void add(struct bag *bag, const unsigned char *bytes, size_t length) {
  make_room(bag);
  uint64_t hash = hash_of(bytes, length);
  size_t slot = hash & bag->slots_mask;
  for (; bag->slots[slot] != 0; slot = (slot + 1) & bag->slots_mask) {
    size_t i = bag->slots[slot] - 1;
    if (entry_is(bag, i, hash, bytes, length)) {
      bag->entries[i].occurrences++;
      return;
    }
  }
  memcpy(bag->bytes + bag->bytes_used, bytes, length);
  bag->entries[bag->count++] =
      (struct bag_entry){hash, (uint32_t)bag->bytes_used, (uint32_t)length, 1};
  bag->slots[slot] = (uint32_t)bag->count;
  bag->bytes_used += length;
}

void bag_fill(struct bag *bag, const unsigned char *text, size_t size) {
  struct tokens tokens = {text, text + size};
  unsigned char word[WORD_BYTES];
  size_t length;
  bag->count = 0;
  bag->bytes_used = 0;
  if (bag->slots != NULL)
    memset(bag->slots, 0, (bag->slots_mask + 1) * sizeof *bag->slots);
  while ((length = tokens_next(&tokens, word)) != 0)
    add(bag, word, length);
}

void bag_clear(struct bag *bag) {
  free(bag->entries);
  free(bag->slots);
  free(bag->bytes);
  *bag = (struct bag){0};
}
