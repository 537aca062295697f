/*
 * log.c: composing a line, writing it whole, and the hook.
 *
 * The hook is one of two slots; `current` says which. lull_log_to writes the slot that is not
 * current, switches, and waits for an RCU grace period (urcu-bp) before it returns: afterwards
 * nobody runs the old hook, and its slot may be written again. Readers hold the RCU read lock
 * across the hook's call. Slots are written under `hook_lock` only.
 */
#include "observe/log.h"

#include <errno.h>
#include <inttypes.h>
#include <lull/heap.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <urcu/urcu-bp.h>

#include "support/clock.h"
#include "support/lock.h"
#include "support/tool.h"

struct hook {
  lull_log_fn *fn;  /* NULL: stderr */
  void *data;
};

static struct hook hooks[2];
static struct lu_lock hook_lock = LU_LOCK_INITIALIZER;
/* Written under hook_lock (release: the slot is complete); read by every line (acquire). */
static struct hook *_Atomic current = &hooks[0];

/* Written once, when the library is loaded, before threads. */
static uint64_t start_ns;

/* The widest level and tags so far; grow only, and a line more or less that misses it does no
 * harm (relaxed). */
static _Atomic unsigned level_width, tags_width;

_Atomic uint64_t lu_log_process_levels = UINT64_C(0x1111111111111111) * LU_LOG_WARNING;

static const char *const level_names[] = {"off", "error", "warning", "info", "debug", "trace"};
#define LEVELS (sizeof level_names / sizeof level_names[0])

#define TAG_NAME(constant, name, printed) name,
static const char *const tag_names[] = {LU_LOG_TAGS(TAG_NAME)};
#define TAG_PRINTED(constant, name, printed) printed,
static const char *const tag_printed[] = {LU_LOG_TAGS(TAG_PRINTED)};

__attribute__((constructor)) static void remember_start(void) {
  start_ns = lu_now_ns();
}

const char *lu_log_level_name(enum lu_log_level level) {
  return level_names[level];
}

void lu_log_set_levels(uint64_t levels) {
  atomic_store_explicit(&lu_log_process_levels, levels, memory_order_relaxed);
}

void lull_log_to(lull_log_fn *fn, void *data) {
  lu_lock(&hook_lock);
  struct hook *old = atomic_load_explicit(&current, memory_order_relaxed);
  struct hook *next = old == &hooks[0] ? &hooks[1] : &hooks[0];
  next->fn = fn;
  next->data = data;
  atomic_store_explicit(&current, next, memory_order_release);
  urcu_bp_synchronize_rcu();
  LU_TSAN_ACQUIRE(old);
  lu_unlock(&hook_lock);
}

/* Raises *width to `length` and returns the wider. */
static int widen(_Atomic unsigned *width, size_t length) {
  unsigned seen = atomic_load_explicit(width, memory_order_relaxed);
  while (seen < length)
    if (atomic_compare_exchange_weak_explicit(width, &seen, (unsigned)length, memory_order_relaxed,
                                              memory_order_relaxed))
      return (int)length;
  return (int)seen;
}

static void write_whole(const char *text, size_t length) {
  while (length > 0) {
    ssize_t written = write(STDERR_FILENO, text, length);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return;
    text += written;
    length -= (size_t)written;
  }
}

/* `line` has room for one byte after its `length`, which is a zero. */
static void hand_over(char *line, size_t length) {
  urcu_bp_read_lock();
  struct hook *hook = atomic_load_explicit(&current, memory_order_acquire);
  lull_log_fn *fn = hook->fn;
  if (fn != NULL)
    fn(line, hook->data);
  LU_TSAN_RELEASE(hook);
  urcu_bp_read_unlock();
  if (fn == NULL) {
    line[length] = '\n';
    write_whole(line, length + 1);
  }
}

void lu_log_write(enum lu_log_tag tag, enum lu_log_level level, const char *format, ...) {
  int saved = errno;
  char line[LU_LOG_LINE];
  uint64_t uptime = (lu_now_ns() - start_ns) / LU_MILLISECOND;
  int length =
      snprintf(line, sizeof line, "[%" PRIu64 ".%03us][%-*s][%-*s] ", uptime / 1000,
               (unsigned)(uptime % 1000), widen(&level_width, strlen(level_names[level])),
               level_names[level], widen(&tags_width, strlen(tag_printed[tag])), tag_printed[tag]);
  va_list arguments;
  va_start(arguments, format);
  int more = vsnprintf(line + length, sizeof line - (size_t)length, format, arguments);
  va_end(arguments);
  size_t end = (size_t)length + (size_t)(more > 0 ? more : 0);
  if (end > sizeof line - 1) {
    end = sizeof line - 1;
    memcpy(line + end - 3, "...", 3);
  }
  for (size_t i = (size_t)length; i < end; i++)
    if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
      line[i] = '?';
  hand_over(line, end);
  errno = saved;
}

/* The index of a word of `length` characters in a list of names, or n. */
static size_t find(const char *word, size_t length, const char *const *names, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (strlen(names[i]) == length && memcmp(names[i], word, length) == 0)
      return i;
  return n;
}

static uint64_t with_level(uint64_t levels, size_t tag, uint64_t level) {
  return (levels & ~(UINT64_C(15) << (4 * tag))) | level << (4 * tag);
}

/* Applies one item ("gc+phase=debug", "info", "all=off") to *levels; false if it is not valid. */
static bool parse_item(const char *item, size_t length, uint64_t *levels) {
  const char *equals = memchr(item, '=', length);
  size_t names = equals != NULL ? (size_t)(equals - item) : length;
  size_t level = LU_LOG_INFO;
  if (equals != NULL) {
    level = find(equals + 1, length - names - 1, level_names, LEVELS);
  } else if (find(item, length, level_names, LEVELS) < LEVELS) {
    *levels = lu_log_all((enum lu_log_level)find(item, length, level_names, LEVELS));
    return true;
  }
  if (level == LEVELS)
    return false;
  if (names == 3 && memcmp(item, "all", 3) == 0) {
    *levels = lu_log_all((enum lu_log_level)level);
    return true;
  }
  for (const char *name = item, *end = item + names;; name++) {
    const char *plus = memchr(name, '+', (size_t)(end - name));
    const char *stop = plus != NULL ? plus : end;
    size_t tag = find(name, (size_t)(stop - name), tag_names, LU_TAGS);
    if (tag == LU_TAGS)
      return false;
    *levels = with_level(*levels, tag, level);
    if (plus == NULL)
      return true;
    name = plus;
  }
}

bool lu_log_parse(const char *text, uint64_t *levels) {
  uint64_t parsed = lu_log_all(LU_LOG_WARNING);
  for (const char *item = text;; item++) {
    size_t length = strcspn(item, ",;");
    if (!parse_item(item, length, &parsed))
      return false;
    item += length;
    if (*item == '\0')
      break;
  }
  *levels = parsed;
  return true;
}
