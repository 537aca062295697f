/*
 * support/error.h: how a call that is refused tells its caller: a status, lull_last_error and one
 * log line.
 */
#ifndef LU_SUPPORT_ERROR_H
#define LU_SUPPORT_ERROR_H

#include <lull/base.h>

/* What lull_last_error will return in this OS thread. */
void lu_set_error(lull_status status);

/*
 * Refuses a public call: one log line with the tag api at level warning (whole process's levels),
 * the thread's last error, and the status back, so that a call ends with `return
 * lu_reject(LULL_E_RANGE, "lull_new_array: %zu elements do not fit", n);`. The text names the
 * call and says what was wrong.
 */
lull_status lu_reject(lull_status status, const char *format, ...)
    __attribute__((cold, format(printf, 2, 3)));

#endif
