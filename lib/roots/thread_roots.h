/*
 * roots/thread_roots.h: the roots that one thread owns: frames, ranges, callbacks.
 *
 * Changed by the owner while RUNNING; scanned in its H3 closure by the owner, or by the collector
 * under a claim. No atomics: the handshake orders both.
 */
#ifndef LU_ROOTS_THREAD_ROOTS_H
#define LU_ROOTS_THREAD_ROOTS_H

#include <lull/roots.h>

struct lu_mutator;

struct lu_root_range { void **words; size_t n; };
struct lu_root_callback { lull_roots_fn *fn; void *data; };

struct lu_thread_roots {
  struct lu_root_range *ranges;
  size_t range_count, range_room;
  struct lu_root_callback *callbacks;
  size_t callback_count, callback_room;
};

/*
 * Calls fn with each non-NULL object that the thread's frames, ranges and callbacks hold. Returns
 * how many slots it looked at.
 */
size_t lu_thread_roots_each(struct lu_mutator *mutator, void (*fn)(void *object, void *arg),
                            void *arg);
void lu_thread_roots_fini(struct lu_thread_roots *roots);

#endif
