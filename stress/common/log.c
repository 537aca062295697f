/*
 * A ring of the last log lines, guarded by `lock`. The library calls `keep` from any thread,
 * collectors included; it calls nothing of the library, as lull_log_fn demands, and holds the lock
 * for a copy of one line.
 */
#include "stress/common/log.h"

#include <lull.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { KEPT = 256, WIDTH = 320 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char ring[KEPT][WIDTH];
static uint64_t count;
static bool echoing;

static void keep(const char *line, void *data) {
  (void)data;
  pthread_mutex_lock(&lock);
  snprintf(ring[count % KEPT], WIDTH, "%s", line);
  count++;
  if (echoing)
    fprintf(stderr, "%s\n", line);
  pthread_mutex_unlock(&lock);
}

void log_capture(bool echo) {
  pthread_mutex_lock(&lock);
  echoing = echo;
  pthread_mutex_unlock(&lock);
  lull_log_to(keep, NULL);
}

uint64_t log_lines(void) {
  uint64_t lines;

  pthread_mutex_lock(&lock);
  lines = count;
  pthread_mutex_unlock(&lock);
  return lines;
}

/* The first line at or after `from` that is still kept. Under the lock. */
static uint64_t first_kept(uint64_t from) {
  return count > KEPT && from < count - KEPT ? count - KEPT : from;
}

uint64_t log_count(uint64_t from, const char *text) {
  uint64_t found = 0;

  pthread_mutex_lock(&lock);
  for (uint64_t i = first_kept(from); i < count; i++)
    found += strstr(ring[i % KEPT], text) != NULL;
  pthread_mutex_unlock(&lock);
  return found;
}

bool log_find(uint64_t from, const char *text, char *line, size_t size) {
  bool found = false;

  pthread_mutex_lock(&lock);
  for (uint64_t i = first_kept(from); i < count && !found; i++) {
    found = strstr(ring[i % KEPT], text) != NULL;
    if (found)
      snprintf(line, size, "%s", ring[i % KEPT]);
  }
  pthread_mutex_unlock(&lock);
  return found;
}

/* For reports of failures: where the lock is not to be had, the thread that failed holds it. */
void log_print_last(unsigned lines, const char *skip) {
  bool locked = pthread_mutex_trylock(&lock) == 0;

  for (uint64_t i = first_kept(count > lines ? count - lines : 0); i < count; i++)
    if (!skip || !strstr(ring[i % KEPT], skip))
      fprintf(stderr, "  log: %s\n", ring[i % KEPT]);
  if (locked)
    pthread_mutex_unlock(&lock);
}
