/*
 * tokens.c: cuts a text into words. No state beside the caller's.
 */
#include "examples/textindex/tokens.h"

/* Classes of bytes: what they are in a word, made small; 0 = not part of a word. */
static unsigned char folded(unsigned char byte) {
  if (byte >= 'A' && byte <= 'Z')
    return (unsigned char)(byte + ('a' - 'A'));
  bool inside = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte >= 0x80;
  return inside ? byte : 0;
}

size_t tokens_next(struct tokens *tokens, unsigned char *bytes) {
  const unsigned char *at = tokens->at;
  while (at < tokens->end) {
    size_t length = 0;
    unsigned char byte;
    while (at < tokens->end && (byte = folded(*at)) != 0) {
      if (length < WORD_BYTES)
        bytes[length] = byte;
      length++;
      at++;
    }
    if (length >= 2 && length <= WORD_BYTES && !(bytes[0] >= '0' && bytes[0] <= '9')) {
      tokens->at = at;
      return length;
    }
    at += length == 0;
  }
  tokens->at = at;
  return 0;
}
