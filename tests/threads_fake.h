/*
 * tests/threads_fake.h: a heap that has nothing but threads, for the tests of threads/.
 *
 * It checks while it runs: each closure runs once for each thread that was registered at the arming
 * and for no other, never on behalf of a thread that is inside, and each thread adopts what is
 * armed when it joins and has it acknowledged when it leaves. A violation ends the process. Its
 * words are plain on purpose where the protocol orders them, so that ThreadSanitizer checks the
 * order.
 */
#ifndef TESTS_THREADS_FAKE_H
#define TESTS_THREADS_FAKE_H

#include <lull.h>
#include "observe/histogram.h"
#include "support/assert.h"
#include "threads/handshake.h"
#include "threads/registry.h"

/* What lull_heap is in these tests. */
struct lull_heap {
  struct lu_registry registry;
  struct lu_handshake_figures figures;
  struct lu_histogram closure, time_to, claim_wait, caused;
  _Atomic uint64_t handshakes, claimed, slow_polls;
  _Atomic uint64_t created, joined, ended, left, destroyed;
  lull_status create_status;    /* what hooks.create returns */
  uint64_t phase;               /* armed; under the registry lock */
  uint64_t expected;            /* threads registered at the arming; the driver's */
  _Atomic uint64_t ran;         /* closures of this round */
  pthread_t driver;             /* who calls fake_handshake now */
  /* Extra work in each closure, or NULL. */
  void (*in_closure)(struct lu_thread *thread, struct lull_heap *heap);
};

struct fake_thread {
  struct lu_thread thread;      /* first */
  uint64_t phase;               /* last adopted or acknowledged */
  uint64_t snapshot;            /* the last round that it was asked in; under the registry lock */
  uint64_t work;                /* the owner counts here while inside */
  bool inside;                  /* the owner is between fake_enter and fake_exit */
};

/* watchdog_ns for tests in which every thread polls. */
#define FAKE_PATIENT UINT64_C(3600000000000)

struct lull_heap *fake_heap_new(bool membarrier, uint64_t watchdog_ns);
/* Checks that every hook ran as often as its counterpart. */
void fake_heap_free(struct lull_heap *heap);

/* One round with all checks. Returns the number of closures. */
uint64_t fake_handshake(struct lull_heap *heap);

/* Attached or dead. */
lull_thread *fake_attach(struct lull_heap *heap);
void fake_detach(lull_thread *thread);

/* A stretch of n steps in which the owner is inside and does not poll. */
void fake_work(lull_thread *thread, unsigned n);

/* Waits until the word has the value, yielding. By threads that are not attached, or in a
 * blocked region. */
void fake_await(const _Atomic uint32_t *word, uint32_t value);

#endif
