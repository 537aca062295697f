/*
 * error.c: statuses as text, the thread's last error, refusals, and the end of the process on a
 * broken invariant. The last error is thread-local; nothing here is shared.
 */
#include "support/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "observe/log.h"
#include "support/assert.h"

static _Thread_local lull_status last_error;

void lu_set_error(lull_status status) {
  last_error = status;
}

lull_status lull_last_error(void) {
  return last_error;
}

const char *lull_status_text(lull_status status) {
  switch (status) {
    case LULL_OK: return "no error";
    case LULL_E_ARGUMENT: return "an argument is NULL or meaningless";
    case LULL_E_RANGE: return "a number is outside its range, or a size overflows";
    case LULL_E_UNKNOWN: return "there is no option, type or handle of that name";
    case LULL_E_DESCRIPTOR: return "a type descriptor contradicts itself";
    case LULL_E_MEMORY: return "the system or the heap limit has no memory left";
    case LULL_E_THREAD: return "the calling thread is not attached, or not the owner";
    case LULL_E_STATE: return "not possible in this state";
    case LULL_E_BUSY: return "threads are still attached";
    case LULL_E_PROGRESS: return "another thread does not reach a safepoint";
    case LULL_E_SYSTEM: return "the operating system refused something that Lull needs";
  }
  return "not a status of Lull";
}

lull_status lu_reject(lull_status status, const char *format, ...) {
  lu_set_error(status);
  if (lu_log_on(lu_log_levels(), LU_TAG_API, LU_LOG_WARNING)) {
    char text[LU_LOG_LINE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    lu_log_write(LU_TAG_API, LU_LOG_WARNING, "%s", text);
  }
  return status;
}

void lu_fatal(const char *format, ...) {
  char text[LU_LOG_LINE];
  int length = snprintf(text, sizeof text, "lull: fatal: ");
  va_list arguments;
  va_start(arguments, format);
  int more = vsnprintf(text + length, sizeof text - (size_t)length, format, arguments);
  va_end(arguments);
  length = more < 0 ? length : length + more;
  if (length > (int)sizeof text - 1)
    length = (int)sizeof text - 1;
  text[length++] = '\n';
  while (write(STDERR_FILENO, text, (size_t)length) < 0 && errno == EINTR)
    ;
  abort();
}
