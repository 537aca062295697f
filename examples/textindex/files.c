/*
 * files.c: finds text files and reads them. A struct files is filled by one thread and constant
 * while others read it.
 */
#include "examples/textindex/files.h"

#include "examples/textindex/memory.h"

#include <fcntl.h>
#include <fts.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  LARGEST_FILE = 4 << 20,
  PROBE = 1024 /* bytes that are looked at to tell text from other files */
};

/* Fills the buffer with up to `most` bytes of a file. */
static bool read_up_to(const char *path, struct buffer *buffer, size_t most) {
  buffer->size = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    return false;
  ssize_t got = 1;
  while (got > 0 && buffer->size < most) {
    if (buffer->room - buffer->size < PROBE) {
      buffer->room = buffer->room != 0 ? 2 * buffer->room : 65536;
      buffer->bytes = allocated(realloc(buffer->bytes, buffer->room));
    }
    size_t room = buffer->room - buffer->size;
    got = read(fd, buffer->bytes + buffer->size,
               room < most - buffer->size ? room : most - buffer->size);
    buffer->size += got > 0 ? (size_t)got : 0;
  }
  close(fd);
  if (got < 0)
    buffer->size = 0;
  return got >= 0;
}

bool file_read(const struct file *file, struct buffer *buffer) {
  return read_up_to(file->path, buffer, LARGEST_FILE);
}

static bool has_ending(const char *name, const char *ending) {
  size_t length = strlen(name), tail = strlen(ending);
  return length > tail && strcmp(name + length - tail, ending) == 0;
}

/* Text has no control bytes but white space, escape and backspace where it begins. */
static bool is_text(const char *path, struct buffer *buffer) {
  if (!read_up_to(path, buffer, PROBE) || buffer->size == 0)
    return false;
  for (size_t i = 0; i < buffer->size; i++) {
    unsigned char byte = buffer->bytes[i];
    if (byte < ' ' && (byte == 0 || strchr("\t\n\v\f\r\b\033", byte) == NULL))
      return false;
  }
  return true;
}

static bool wanted(const FTSENT *entry, struct buffer *buffer) {
  static const char *const compressed[] = {".gz", ".bz2", ".xz", ".zst", ".lz", ".zip", ".pdf"};
  if (entry->fts_info != FTS_F || entry->fts_statp->st_size > LARGEST_FILE)
    return false;
  for (size_t i = 0; i < sizeof compressed / sizeof *compressed; i++)
    if (has_ending(entry->fts_name, compressed[i]))
      return false;
  return is_text(entry->fts_accpath, buffer);
}

static void append(struct files *files, const FTSENT *entry) {
  if (files->count == files->room) {
    files->room = files->room != 0 ? 2 * files->room : 1024;
    files->files = allocated(realloc(files->files, files->room * sizeof *files->files));
  }
  uint64_t size = (uint64_t)entry->fts_statp->st_size;
  files->files[files->count++] = (struct file){allocated(strdup(entry->fts_path)), size};
  files->bytes += size;
}

static int by_name(const FTSENT **a, const FTSENT **b) {
  return strcmp((*a)->fts_name, (*b)->fts_name);
}

void files_find(struct files *files, const char *folder, uint64_t limit) {
  char *const roots[] = {(char *)folder, NULL};
  struct buffer buffer = {0};
  FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
  if (tree == NULL)
    return;
  for (FTSENT *entry; files->bytes < limit && (entry = fts_read(tree)) != NULL;)
    if (wanted(entry, &buffer) && files->bytes + (uint64_t)entry->fts_statp->st_size <= limit)
      append(files, entry);
  fts_close(tree);
  free(buffer.bytes);
}

void files_clear(struct files *files) {
  for (size_t i = 0; i < files->count; i++)
    free(files->files[i].path);
  free(files->files);
  *files = (struct files){0};
}
