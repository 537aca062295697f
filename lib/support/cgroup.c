/*
 * support/cgroup.c: limits of cgroups, version 2.
 *
 * A limit of a folder binds all below it, so the lowest on the way up counts. Files that are not
 * there or cannot be read set none. No state; any thread.
 */
#include "support/cgroup.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The start of a small file as text; false if it cannot be read. */
static bool read_text(const char *path, char *text, size_t size) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return false;
  ssize_t length = read(file, text, size - 1);
  close(file);
  if (length < 0)
    return false;
  text[length] = '\0';
  return true;
}

static uint64_t limit_of(const char *folder, const char *file,
                         uint64_t (*parse)(const char *text)) {
  char path[4352], text[64];
  if (snprintf(path, sizeof path, "/sys/fs/cgroup%s/%s", folder, file) >= (int)sizeof path ||
      !read_text(path, text, sizeof text))
    return UINT64_MAX;
  return parse(text);
}

uint64_t lu_cgroup_lowest(const char *file, uint64_t (*parse)(const char *text)) {
  char text[4096];
  if (!read_text("/proc/self/cgroup", text, sizeof text))
    return UINT64_MAX;
  char *folder = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
  if (folder == NULL)
    return UINT64_MAX;
  folder = strchr(folder, '/');
  if (folder == NULL)
    return UINT64_MAX;
  folder[strcspn(folder, "\n")] = '\0';
  uint64_t lowest = limit_of("", file, parse);
  while (folder[0] == '/' && folder[1] != '\0') {
    uint64_t limit = limit_of(folder, file, parse);
    if (limit < lowest)
      lowest = limit;
    *strrchr(folder, '/') = '\0';
  }
  return lowest;
}
