/*
 * files.h: the input: which files, and their bytes (files.c).
 */
#ifndef TEXTINDEX_FILES_H
#define TEXTINDEX_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct file {
  char *path;
  uint64_t size; /* bytes when it was found */
};

struct files {
  struct file *files;
  size_t count, room;
  uint64_t bytes;
};

/* A thread's buffer for one file. All zero at first; its bytes are freed by the owner. */
struct buffer {
  unsigned char *bytes;
  size_t size, room;
};

/*
 * Appends the text files under a folder (or the one file) in the order of their paths, until all
 * together have `limit` bytes. Files without text, empty or above 4 MB, compressed ones and
 * symbolic links are left out. What cannot be read is passed over.
 */
void files_find(struct files *files, const char *folder, uint64_t limit);
void files_clear(struct files *files);

/*
 * Reads a whole file; false, with an empty buffer, when it cannot be read any more. It waits for
 * the disk: an attached thread calls it in a blocked region.
 */
bool file_read(const struct file *file, struct buffer *buffer);

#endif
