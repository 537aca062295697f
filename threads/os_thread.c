/*
 * threads/os_thread.c: finding the calling thread's record, and detaching by force a thread that
 * ends attached.
 *
 * The record is found through a thread-local pointer, which only its thread touches. A
 * thread-specific key holds the same pointer for the sake of its destructor. The pointer is plain
 * static thread-local data without a C++ destructor, so it is still there when key destructors run.
 *
 * Order at thread end: C++ thread_local objects are destroyed first, then the keys' destructors run
 * in rounds, ours somewhere among the embedder's. In the first round ours only asks for another, so
 * that the destructors of embedders, which may use or detach an attachment, all have had their
 * turn; but frames are forgotten at once, and a blocked region is left, because the stack that the
 * frames stand on is in use for other things by now (a cancelled thread runs no cleanup in C unless
 * compiled with -fexceptions). In the second it detaches what is still attached; the thread's own
 * roots are forgotten before any closure could look at them, because what they pointed to may be
 * gone. From then on attaching is refused, since no later round is certain to come.
 *
 * Lifetime: the record is held by its thread and by each lu_thread that is not freed yet
 * (lu_os_thread.holds), because a collector may touch state and claims of a thread that has left
 * until its handshake is over.
 */
#include "threads/os_thread.h"

#include <pthread.h>
#include <unistd.h>

#include "support/assert.h"
#include "support/memory.h"
#include "threads/registry.h"

/* Of the calling thread only. initial-exec: one load instead of a call; 16 bytes of the static
 * block also when the library is opened by dlopen. */
#define OWN_THREAD static _Thread_local __attribute__((tls_model("initial-exec")))
OWN_THREAD struct lu_os_thread *current;
OWN_THREAD bool ended;

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool key_made;  /* written once, in key_once */

struct lu_os_thread *lu_os_current(void) { return current; }

void lu_os_hold(struct lu_os_thread *os) {
  atomic_fetch_add_explicit(&os->holds, 1, memory_order_relaxed);
}

/* Release: what this holder did to the record comes before the freeing; acquire: the freeing
 * comes after what all did. */
void lu_os_drop(struct lu_os_thread *os) {
  if (atomic_fetch_sub_explicit(&os->holds, 1, memory_order_acq_rel) == 1)
    lu_free(os);
}

static void at_thread_end(void *value) {
  struct lu_os_thread *os = value;
  LU_ASSERT(os == current);
  if (!os->ending && os->attachments != NULL) {
    os->ending = true;
    lu_forget_frames(os);
    if (pthread_setspecific(key, os) == 0)
      return;
  }
  lu_leave_by_force(os);
  current = NULL;
  ended = true;
  lu_os_drop(os);
}

static void make_key(void) { key_made = pthread_key_create(&key, at_thread_end) == 0; }

lull_status lu_os_obtain(struct lu_os_thread **result) {
  *result = current;
  if (current != NULL)
    return LULL_OK;
  if (ended)
    return LULL_E_STATE;
  pthread_once(&key_once, make_key);
  if (!key_made)
    return LULL_E_SYSTEM;

  struct lu_os_thread *os = lu_zalloc(LU_FAULT_THREAD, sizeof *os);
  if (os == NULL)
    return LULL_E_MEMORY;
  if (pthread_setspecific(key, os) != 0) {
    lu_free(os);
    return LULL_E_MEMORY;
  }
  atomic_init(&os->state, LU_BLOCKED);
  atomic_init(&os->holds, 1);
  lu_event_init(&os->unclaimed);
  os->tid = gettid();
  current = os;
  *result = os;
  return LULL_OK;
}
