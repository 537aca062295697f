/*
 * objects.h: the managed objects of the index, from the root down.
 *
 *   index -> head of the map -> word -> word ...      in order of their texts (map.c)
 *                               word -> text
 *                               word -> cell -> cell ...   its postings (postings.c)
 *                                       cell -> chunk
 *         -> table -> document -> word_list -> words    what was indexed (documents.c)
 *
 * Text, posting and array lengths never change after an object was published. Fields that change
 * while other threads look are marked below; references among them are read by lull_load.
 */
#ifndef TEXTINDEX_OBJECTS_H
#define TEXTINDEX_OBJECTS_H

#include "examples/textindex/memory.h"

#include <stdatomic.h>

enum {
  MAP_LEVELS = 12,   /* levels of the skip list; a level holds a quarter of the one below */
  CHUNK_POSTINGS = 64,
  WORD_BYTES = 40    /* longer runs of letters are no words */
};

struct text {
  lull_object header;
  size_t length;
  unsigned char bytes[];
};

/* One document's share in a word. */
struct posting {
  uint32_t document;
  uint32_t count;
};

/* Immutable: a changed chunk is a new chunk. */
struct chunk {
  lull_object header;
  size_t length;
  struct posting postings[];
};

/* A place for a chunk in a word's list. */
struct cell {
  lull_object header;
  struct cell *next;    /* immutable */
  struct chunk *chunk;  /* changes by compare-exchange; NULL = empty */
};

#define WORD_DEAD UINT32_MAX

/* A word of the map; or the head of the map, or a marker (map.c), which have no text. */
struct word {
  lull_object header;
  size_t levels;
  struct text *text;
  struct cell *cells;          /* changes by compare-exchange: cells are added in front */
  uint64_t prefix; /* the first 8 bytes of the text as a big-endian number, zero-filled */
  _Atomic uint32_t documents;  /* how many hold it, or WORD_DEAD for good; see map.c */
  uint32_t unused;
  struct word *next[];         /* change by compare-exchange once the word is in the map */
};

struct word_list {
  lull_object header;
  size_t length;
  struct word *words[];
};

struct document {
  lull_object header;
  uint64_t id;              /* its place in the table and in the list of files */
  struct word_list *words;  /* each distinct word once */
};

struct table {
  lull_object header;
  size_t length;
  struct document *documents[];  /* change by lull_store; NULL = not indexed */
};

struct index {
  lull_object header;
  struct word *head;    /* immutable */
  struct table *table;  /* immutable */
};

#endif
