/*
 * twin.h: the part of Lull's interface that the index uses, over memory without Lull, for the
 * programs that it is compared with. Objects have no header, stores no barrier, frames and polls
 * cost nothing: a twin pays for its own way of managing memory only. lull.h must not be included
 * beside this.
 *
 * lull_new, lull_new_array and memory_retire are the twin's own (twin_malloc.c, twin_boehm.c).
 */
#ifndef TEXTINDEX_TWIN_H
#define TEXTINDEX_TWIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct lull_object {
} lull_object;

typedef unsigned lull_type;
typedef struct lull_thread lull_thread;
typedef enum { LULL_OK } lull_status;
typedef void *__attribute__((may_alias)) lull_word;

/* Sizes of a type; the length of an array is its first word. */
struct twin_type {
  size_t size;
  size_t element_size;
  bool references; /* holds some */
};
extern const struct twin_type twin_types[];

/* Sets `types` to indices of twin_types. */
void twin_define_types(void);

void *lull_new(lull_thread *thread, lull_type type);
void *lull_new_array(lull_thread *thread, lull_type type, size_t length);

void memory_enter(lull_thread *thread);
void memory_leave(lull_thread *thread);
void memory_retire(lull_thread *thread, void *object);

#define LULL_ROOTS(thread_, ...) ((void)(thread_))

static inline void lull_poll(lull_thread *thread) {
  (void)thread;
}

static inline lull_status lull_blocked_begin(lull_thread *thread) {
  (void)thread;
  return LULL_OK;
}

static inline lull_status lull_blocked_end(lull_thread *thread) {
  (void)thread;
  return LULL_OK;
}

static inline void *lull_load(const void *slot) {
  return (void *)__atomic_load_n((const lull_word *)slot, __ATOMIC_ACQUIRE);
}

static inline void lull_store(lull_thread *thread, void *object, void *slot, const void *value) {
  (void)thread;
  (void)object;
  __atomic_store_n((lull_word *)slot, (void *)value, __ATOMIC_RELEASE);
}

static inline void lull_init(lull_thread *thread, void *object, void *slot, const void *value) {
  (void)thread;
  (void)object;
  __atomic_store_n((lull_word *)slot, (void *)value, __ATOMIC_RELAXED);
}

static inline bool lull_compare_exchange(lull_thread *thread, void *object, void *slot,
                                         void *expected, const void *value) {
  (void)thread;
  (void)object;
  return __atomic_compare_exchange_n((lull_word *)slot, (lull_word *)expected, (void *)value, false,
                                     __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* A twin has one handle, in static memory, which Boehm's collector scans. */
typedef struct lull_handle {
  void *object;
} lull_handle;
extern lull_handle twin_handle;

static inline lull_handle *lull_handle_new(lull_thread *thread, void *object) {
  (void)thread;
  twin_handle.object = object;
  return &twin_handle;
}

static inline void *lull_handle_get(lull_thread *thread, const lull_handle *handle) {
  (void)thread;
  return handle->object;
}

static inline lull_status lull_handle_release(lull_thread *thread, lull_handle *handle) {
  (void)thread;
  handle->object = NULL;
  return LULL_OK;
}

#endif
