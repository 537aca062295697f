/*
 * threads/driver.h: what handshakes and stops share: the list of threads still to be served, and
 * waiting for them.
 */
#ifndef LU_THREADS_DRIVER_H
#define LU_THREADS_DRIVER_H

#include "threads/registry.h"

/* The most threads that share one membarrier. Each may have to wait for the closures of the
 * others if it returns meanwhile. */
enum { LU_CLAIM_BATCH = 8 };

/* One handshake or stop. Belongs to its driver, who is the only one for the registry. */
struct lu_drive {
  struct lu_registry *registry;
  const char *name;               /* for the log */
  /* Whether the thread needs nothing any more. */
  bool (*done)(const struct lu_drive *drive, const struct lu_thread *thread);
  /* Called while the thread is claimed and BLOCKED and not done; returns whether the claim is
   * kept. */
  bool (*act)(struct lu_drive *drive, struct lu_thread *thread);
  uint64_t sequence;
  uint64_t start_ns;
  struct lu_thread *pending;      /* not done when last looked at, in order of attachment */
  uint64_t cpu_ns;                /* the driver's CPU clock when the last act ended */
  uint64_t pause_ns;              /* the next wait */
  uint64_t deadline_ns;           /* a pass ends with the batch that outlasts it; 0 = none */
  bool spun, named;
};

/* With the registry lock: the registry is driven, and every registered thread is pending. */
void lu_drive_begin(struct lu_drive *drive);

/* Makes a thread poll; after the request that it is to find. */
void lu_drive_poke(const struct lu_thread *thread);

/* Claims pending threads that are BLOCKED, in batches, and acts for them. Takes what is done off
 * the list; returns whether it took or served any. */
bool lu_drive_pass(struct lu_drive *drive);

/* Whether the deadline of a pass is over. */
bool lu_drive_late(const struct lu_drive *drive);

/*
 * Names a pending thread in the log when watchdog_ns have passed since the arming (0: never), once.
 */
void lu_drive_watch(struct lu_drive *drive);

/*
 * Waits for a pending thread to be done or BLOCKED: spins for a microsecond the first time, then
 * sleeps until progress is signalled or a time that grows from 50 us to 1 ms has passed, because a
 * thread that becomes BLOCKED signals nothing. Looks after the watchdog.
 */
void lu_drive_wait(struct lu_drive *drive);

/* Takes and gives back the registry lock: the registry is not driven any more. Frees records
 * that have left. */
void lu_drive_end(struct lu_drive *drive);

#endif
