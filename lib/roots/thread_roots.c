/*
 * roots/thread_roots.c: frames, ranges and callbacks: the roots of one thread.
 *
 * Invariant: the tables hold what the owner added and has not removed; frames are linked innermost
 * first from pub.frames. All of it is written by the owner while RUNNING and read by the owner's H3
 * closure, or by a collector that holds a claim on the BLOCKED thread, or with the world stopped.
 * So nothing here is atomic: the claim or the acknowledgement orders owner and collector.
 *
 * No barrier belongs to these roots. A thread before its H3 will scan what it holds; a thread past
 * its H3 holds only objects that are marked, grey or born live, or that the deletion barrier keeps
 * (start.pml, where `regs` stands for them).
 */
#include "roots/thread_roots.h"

#include <lull/barrier.h>
#include <stdint.h>
#include <string.h>
#include "heap/types.h"
#include "observe/log.h"
#include "roots/caller.h"
#include "support/memory.h"

/* What one walk carries. `visitor` is first: a trace of a callback hands back its address. */
struct walk {
  struct lull_visitor visitor;
  void (*fn)(void *object, void *arg);
  void *arg;
  size_t slots;
};

static void report(struct walk *walk, const void *slot) {
  void *object = (void *)*(const lull_word *)slot;
  walk->slots++;
  if (object != NULL)
    walk->fn(object, walk->arg);
}

static void report_visited(struct lull_visitor *visitor, void **slot) {
  report((struct walk *)(void *)visitor, slot);
}

size_t lu_thread_roots_each(struct lu_mutator *mutator, void (*fn)(void *object, void *arg),
                            void *arg) {
  struct walk walk = {{report_visited, NULL, (char *)UINTPTR_MAX, NULL}, fn, arg, 0};
  const struct lu_thread_roots *roots = &mutator->roots;

  for (const struct lull_frame *frame = mutator->thread.pub.frames; frame != NULL;
       frame = frame->outer)
    for (size_t i = 0; i < frame->count; i++)
      report(&walk, ((void *const *)(frame + 1))[i]);
  for (size_t r = 0; r < roots->range_count; r++)
    for (size_t i = 0; i < roots->ranges[r].n; i++)
      report(&walk, &roots->ranges[r].words[i]);
  for (size_t c = 0; c < roots->callback_count; c++)
    roots->callbacks[c].fn(roots->callbacks[c].data, &walk.visitor);
  return walk.slots;
}

void lu_thread_roots_fini(struct lu_thread_roots *roots) {
  lu_free(roots->ranges);
  lu_free(roots->callbacks);
  memset(roots, 0, sizeof *roots);
}

void lull_frame_disorder(const struct lull_scope *scope) {
#ifdef LULL_DEBUG
  lu_fatal("LULL_ROOTS: frame %p is popped, but frame %p is the innermost: "
           "a longjmp over a frame, or one popped by another thread",
           (void *)scope->frame, (void *)scope->thread->frames);
#else
  LU_LOG(lu_log_levels(), LU_TAG_API, LU_LOG_ERROR,
         "LULL_ROOTS: frame %p is popped, but frame %p is the innermost; "
         "what it holds is forgotten",
         (void *)scope->frame, (void *)scope->thread->frames);
  __atomic_store_n(&scope->thread->frames, scope->outer, __ATOMIC_RELAXED);
#endif
}

/* Room for one more element in a table; false without memory, the table unchanged. */
static bool make_room(void **table, size_t count, size_t *room, size_t size) {
  if (count < *room)
    return true;
  size_t more = *room == 0 ? 4 : *room * 2;
  void *grown = lu_realloc_array(LU_FAULT_ROOTS, *table, more, size);
  if (grown == NULL)
    return false;
  *table = grown;
  *room = more;
  return true;
}

lull_status lull_thread_range_add(lull_thread *thread, void *words, size_t n) {
  lull_status status = lu_check_caller(thread, __func__);
  if (status != LULL_OK)
    return status;
  if (words == NULL || (uintptr_t)words % sizeof(void *) != 0 || n == 0)
    return lu_reject(LULL_E_ARGUMENT, "%s: %zu words at %p: not a range of aligned words", __func__,
                     n, words);
  if (n > PTRDIFF_MAX / sizeof(void *))
    return lu_reject(LULL_E_RANGE, "%s: %zu words are more than memory can hold", __func__, n);

  struct lu_thread_roots *roots = &lu_mutator_of(thread)->roots;
  void *table = roots->ranges;
  if (!make_room(&table, roots->range_count, &roots->range_room, sizeof *roots->ranges))
    return lu_reject(LULL_E_MEMORY, "%s: no memory for a further range", __func__);
  roots->ranges = table;
  roots->ranges[roots->range_count++] = (struct lu_root_range){words, n};
  return LULL_OK;
}

lull_status lull_thread_range_remove(lull_thread *thread, void *words) {
  lull_status status = lu_check_caller(thread, __func__);
  if (status != LULL_OK)
    return status;
  struct lu_thread_roots *roots = &lu_mutator_of(thread)->roots;
  for (size_t i = roots->range_count; i-- > 0;)
    if (roots->ranges[i].words == words) {
      roots->ranges[i] = roots->ranges[--roots->range_count];
      return LULL_OK;
    }
  return lu_reject(LULL_E_UNKNOWN, "%s: no range of this thread begins at %p", __func__, words);
}

/* The index of a registered pair, or callback_count. */
static size_t find_callback(const struct lu_thread_roots *roots, lull_roots_fn *fn,
                            const void *data) {
  size_t i = 0;
  while (i < roots->callback_count &&
         (roots->callbacks[i].fn != fn || roots->callbacks[i].data != data))
    i++;
  return i;
}

lull_status lull_thread_callback_add(lull_thread *thread, lull_roots_fn *fn, void *data) {
  lull_status status = lu_check_caller(thread, __func__);
  if (status != LULL_OK)
    return status;
  if (fn == NULL)
    return lu_reject(LULL_E_ARGUMENT, "%s: the function is NULL", __func__);
  struct lu_thread_roots *roots = &lu_mutator_of(thread)->roots;
  if (find_callback(roots, fn, data) < roots->callback_count)
    return lu_reject(LULL_E_STATE, "%s: the pair of function and data %p is registered already",
                     __func__, data);

  void *table = roots->callbacks;
  if (!make_room(&table, roots->callback_count, &roots->callback_room, sizeof *roots->callbacks))
    return lu_reject(LULL_E_MEMORY, "%s: no memory for a further callback", __func__);
  roots->callbacks = table;
  roots->callbacks[roots->callback_count++] = (struct lu_root_callback){fn, data};
  return LULL_OK;
}

lull_status lull_thread_callback_remove(lull_thread *thread, lull_roots_fn *fn, void *data) {
  lull_status status = lu_check_caller(thread, __func__);
  if (status != LULL_OK)
    return status;
  struct lu_thread_roots *roots = &lu_mutator_of(thread)->roots;
  size_t i = find_callback(roots, fn, data);
  if (i == roots->callback_count)
    return lu_reject(LULL_E_UNKNOWN, "%s: the pair of function and data %p is not registered",
                     __func__, data);
  roots->callbacks[i] = roots->callbacks[--roots->callback_count];
  return LULL_OK;
}
