/*
 * tokens.h: what a word is: a run of letters, digits and bytes of UTF-8 sequences, of 2 to
 * WORD_BYTES bytes, with a letter in front and ASCII letters made small. Longer runs (hashes,
 * encoded data) are no words.
 */
#ifndef TEXTINDEX_TOKENS_H
#define TEXTINDEX_TOKENS_H

#include "examples/textindex/objects.h"

struct tokens {
  const unsigned char *at;
  const unsigned char *end;
};

/*
 * Writes the next word of the text to `bytes` (WORD_BYTES of room) and returns its length; 0 at
 * the end.
 */
size_t tokens_next(struct tokens *tokens, unsigned char *bytes);

#endif
