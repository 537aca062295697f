/*
 * event.c: the event count: what ck_ec asks of Linux (a clock and a futex), and the fences that
 * it leaves out.
 *
 * ck_ec works with inline assembly: it orders memory as its documentation says (ck_ec_value and
 * ck_ec_wait acquire), but ThreadSanitizer sees neither accesses nor order. The annotations say
 * what E.2 promises, on the event's address.
 *
 * ck_ec_wait may say "changed" when only its flag for sleepers was cleared, by a signal that made
 * the value and is still at its wake-up. The value itself decides, so the wait is repeated.
 *
 * ck_ec_inc orders earlier stores only. On ARM an earlier load, for example of the state that
 * made the caller decide to signal, could be satisfied after the increment; the full fence before
 * it orders all of them. On x86 the locked increment would do.
 */
#include "support/event.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "support/clock.h"
#include "support/tool.h"

static int event_time(const struct ck_ec_ops *ops, struct timespec *now) {
  (void)ops;
  return clock_gettime(CLOCK_MONOTONIC, now);
}

/* The deadline is absolute, on CLOCK_MONOTONIC, as FUTEX_WAIT_BITSET takes it. May return early. */
static void event_sleep(const struct ck_ec_wait_state *state, const uint32_t *word,
                        uint32_t expected, const struct timespec *deadline) {
  (void)state;
  syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, expected, deadline, NULL,
          FUTEX_BITSET_MATCH_ANY);
}

static void event_wake(const struct ck_ec_ops *ops, const uint32_t *word) {
  (void)ops;
  syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT_MAX, NULL, NULL, 0);
}

static const struct ck_ec_ops event_ops = {
  .gettime = event_time, .wait32 = event_sleep, .wake32 = event_wake};
static const struct ck_ec_mode event_mode = {.ops = &event_ops, .single_producer = false};

void lu_event_init(struct lu_event *event) {
  ck_ec32_init(&event->count, 0);
}

uint32_t lu_event_value(const struct lu_event *event) {
  uint32_t value = ck_ec32_value(&event->count);
  LU_TSAN_ACQUIRE(event);
  return value;
}

void lu_event_signal(struct lu_event *event) {
  int saved = errno;
  LU_TSAN_RELEASE(event);
  lu_fence();
  ck_ec32_inc(&event->count, &event_mode);
  errno = saved;
}

bool lu_event_wait(struct lu_event *event, uint32_t value, uint64_t timeout_ns) {
  int saved = errno;
  struct timespec limit, *deadline = NULL;
  if (timeout_ns != LU_FOREVER) {
    struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / LU_SECOND),
                               .tv_nsec = (long)(timeout_ns % LU_SECOND)};
    if (timeout_ns != 0)
      ck_ec_deadline(&limit, &event_mode, &timeout);
    else
      limit = (struct timespec){0};
    deadline = &limit;
  }
  bool more = true;
  while (more && lu_event_value(event) == value)
    more = ck_ec32_wait(&event->count, &event_mode, value, deadline) == 0;
  errno = saved;
  return lu_event_value(event) != value;
}
