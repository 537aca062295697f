/*
 * support/event.h: waiting until something changed: an event count, ConcurrencyKit's ck_ec with
 * 32 bits and several producers.
 *
 * The waiting side:                         The signalling side:
 *   uint32_t seen = lu_event_value(e);        make the condition true
 *   if (!condition)                           lu_event_signal(e)
 *     lu_event_wait(e, seen, timeout);
 * in a loop. Guarantees:
 *   E.1  A signal after lu_event_value returned `seen` ends every wait for `seen`: no wake-up is
 *        lost.
 *   E.2  What a thread did before lu_event_signal happens before what another does after it saw
 *        the new value.
 *   E.3  A wait may end although the condition does not hold (the event is shared, values wrap
 *        after 2^31 signals).
 * A signal touches the event after waiters may have been released: the memory must stay until the
 * call has returned. A wait inside the library by a thread that is attached goes through
 * lu_wait_blocking (threads/blocked.h).
 */
#ifndef LU_SUPPORT_EVENT_H
#define LU_SUPPORT_EVENT_H

#include <ck_ec.h>
#include <stdbool.h>
#include <stdint.h>

struct lu_event {
  struct ck_ec32 count;  /* any thread, through the functions below only */
};

#define LU_FOREVER UINT64_MAX

/* Zeroed memory is an initialised event too. */
void lu_event_init(struct lu_event *event);

/* The value to wait on (31 bits). Acquire. Any thread; a load. */
uint32_t lu_event_value(const struct lu_event *event);

/* Wakes every waiter. Full fence, then one atomic increment; a system call only if somebody
 * waits. Any thread. */
void lu_event_signal(struct lu_event *event);

/*
 * Returns true as soon as the value is not `value` (acquire), false after timeout_ns (0: looks
 * once; LU_FOREVER: never). Spins for about 100 loads, then sleeps. Keeps errno.
 */
bool lu_event_wait(struct lu_event *event, uint32_t value, uint64_t timeout_ns);

#endif
