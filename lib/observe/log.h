/*
 * observe/log.h: log lines in the JVM's unified form, which existing viewers read:
 *
 *   [0.150s][info][gc] GC(0) Pause Young (Allocation) 12M->4M(64M) 0.412ms
 *
 * The first field is the time since the library was loaded. Level and tags are padded to the
 * widest so far, as the JVM does. A message has one tag, whose level decides; viewers get the
 * tags that the JVM would print (phase: "gc,phases").
 *
 * Levels are four bits for each tag in one word. A heap has its own (lu_settings.log); messages
 * without a heap use the process's, which are those of the heap created last.
 */
#ifndef LU_OBSERVE_LOG_H
#define LU_OBSERVE_LOG_H

#include <lull/base.h>
#include <stdatomic.h>

/* X(constant, name in the option, what is printed) */
#define LU_LOG_TAGS(X)                                                                             \
  X(GC, "gc", "gc")                                                                                \
  X(PHASE, "phase", "gc,phases")                                                                   \
  X(HANDSHAKE, "handshake", "handshake")                                                           \
  X(HEAP, "heap", "gc,heap")                                                                       \
  X(API, "api", "api")                                                                             \
  X(BARRIER, "barrier", "barrier")                                                                 \
  X(STALL, "stall", "gc,stall")                                                                    \
  X(VERIFY, "verify", "gc,verify")                                                                 \
  X(OPTIONS, "options", "options")

enum lu_log_tag {
#define LU_LOG_CONSTANT(constant, name, printed) LU_TAG_##constant,
  LU_LOG_TAGS(LU_LOG_CONSTANT)
#undef LU_LOG_CONSTANT
  LU_TAGS
};

enum lu_log_level {
  LU_LOG_OFF,
  LU_LOG_ERROR,
  LU_LOG_WARNING,
  LU_LOG_INFO,
  LU_LOG_DEBUG,
  LU_LOG_TRACE
};

_Static_assert(LU_TAGS <= 16, "levels are four bits a tag in one word");

/* The longest line, with its newline; what is longer is cut and ends in "...". */
#define LU_LOG_LINE 1024

/* Every tag at one level. */
static inline uint64_t lu_log_all(enum lu_log_level level) {
  return UINT64_C(0x1111111111111111) * (uint64_t)level;
}

static inline bool lu_log_on(uint64_t levels, enum lu_log_tag tag, enum lu_log_level level) {
  return (levels >> (4 * tag) & 15) >= (uint64_t)level;
}

/* Written by lu_log_set_levels; read by any thread (relaxed: a message more or less). */
extern _Atomic uint64_t lu_log_process_levels;

/* The levels for messages that belong to no heap. */
static inline uint64_t lu_log_levels(void) {
  return atomic_load_explicit(&lu_log_process_levels, memory_order_relaxed);
}

void lu_log_set_levels(uint64_t levels);

/*
 * LU_LOG(levels, tag, level, format, ...): LU_LOG(heap->settings.log, LU_TAG_GC, LU_LOG_INFO,
 * "GC(%u) ...", n) or LU_LOG(lu_log_levels(), ...). A test of one word when off. When on, one
 * line: one write(2) to stderr, or one call of the hook of lull_log_to. Any thread; may block on
 * the file or in the hook, so not while a lock is held that mutators take, nor in a barrier's
 * fast path. Control characters are printed as '?'. Keeps errno.
 */
#define LU_LOG(levels, tag, level, ...)                                                            \
  do {                                                                                             \
    if (LULL_UNLIKELY(lu_log_on((levels), (tag), (level))))                                        \
      lu_log_write((tag), (level), __VA_ARGS__);                                                   \
  } while (0)

void lu_log_write(enum lu_log_tag tag, enum lu_log_level level, const char *format, ...)
    __attribute__((cold, format(printf, 3, 4)));

/*
 * Parses the option `log`: items separated by ',' or ';' (an environment entry can hold no ',');
 * an item is tags joined by '+' with "=level" (info if left out), a level alone (for all tags),
 * or all=level. Later items win; tags that none names stay at warning. Returns whether it was
 * valid; *levels is set only then.
 */
bool lu_log_parse(const char *text, uint64_t *levels);

/* "off" to "trace"; a constant. */
const char *lu_log_level_name(enum lu_log_level level);

#endif
