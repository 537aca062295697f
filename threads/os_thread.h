/*
 * threads/os_thread.h: the calling OS thread's record, made at its first attachment and let go at
 * its end.
 */
#ifndef LU_THREADS_OS_THREAD_H
#define LU_THREADS_OS_THREAD_H

#include <lull/base.h>
#include "threads/thread.h"

/* The calling thread's record, or NULL before its first attachment and after its forced detach. */
struct lu_os_thread *lu_os_current(void);

/* The same, made if there is none. LULL_E_MEMORY; LULL_E_SYSTEM when the process has no
 * thread-specific key left; LULL_E_STATE when the thread is at its end and has been detached by
 * force. */
lull_status lu_os_obtain(struct lu_os_thread **os);

/* One hold more: by the owner, for a lu_thread that points to it. */
void lu_os_hold(struct lu_os_thread *os);

/* One hold less; the last one frees. Any thread. */
void lu_os_drop(struct lu_os_thread *os);

#endif
