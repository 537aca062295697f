/*
 * tests/puppets.h: threads that are led through the phases of a cycle one handshake at a time.
 *
 * A puppet is an attached thread that waits, RUNNING and without polling, for the next thing to do;
 * so the collector waits for it, and an interleaving of puppets is the only one that can happen.
 *
 * One heap at a time, and the process of one test: main's thread leads, everything here is its own
 * but what a puppet does in its act.
 */
#ifndef LULL_TESTS_PUPPETS_H
#define LULL_TESTS_PUPPETS_H

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include "heap/heap.h"
#include "tests/fixture.h"
#include "threads/handshake.h"

struct puppet {
  pthread_t id;
  sem_t go, done;
  void (*act)(struct puppet *puppet);
  lull_thread *thread;    /* NULL while it is not attached */
  enum lu_phase phase;    /* for advance */
  struct cell *root[4];   /* a thread range */
};

extern lull_heap *heap;
extern struct puppet a, b, c;
extern lull_type cells, vectors;   /* for new_cell and leave_blocks; the test defines them */
extern uint64_t target;            /* the number of the cycle under test */
extern _Atomic bool over;          /* nobody need poll any more */

/* Starts a puppet, which attaches itself to the heap. */
void create(struct puppet *puppet);
/* Detaches it if it is attached, and ends it. */
void end(struct puppet *puppet);

/* Has a puppet do something: until it is done; or started only, and waited for later. */
void let(struct puppet *puppet, void (*act)(struct puppet *puppet));
void start(struct puppet *puppet, void (*act)(struct puppet *puppet));
void await(struct puppet *puppet);

/* Asks for a major; for a minor. `target` is its number. */
void begin(void);
void begin_minor(void);
/* Leads a puppet to a phase, or both of a and b. */
void lead(struct puppet *puppet, enum lu_phase phase);
void lead_both(enum lu_phase phase);
/* All puppets that are attached let the cycle go on to its end. */
void finish(void);

/* What the collector has armed last, as a thread that joins would find it. */
bool is_idle_armed(void);
bool is_settling(void);
/* An act: the puppet takes requests until one of them is the wanted one, which it leaves open. */
extern bool (*stop_at)(void);
void take_requests_until(struct puppet *puppet);

/* The heap's verifier, while a and b stand still. */
void verify_now(void);

/* More acts. */
/* Takes requests until it has the phase that puppet->phase says. */
void advance(struct puppet *puppet);
void poll_to_the_end(struct puppet *puppet);
/* Uses up what is left of the thread's block, and some more. */
void leave_blocks(struct puppet *puppet);
void collect(struct puppet *puppet);
/* What there is becomes old, and lies in blocks that the next sweep meets. */
void grow_old(struct puppet *puppet);
void block(struct puppet *puppet);
void unblock(struct puppet *puppet);
void verify(struct puppet *puppet);
void detach(struct puppet *puppet);

/* For acts. */
struct cell *new_cell(struct puppet *puppet, uint64_t value);
struct lu_mutator *mutator_of(const struct puppet *puppet);
struct lu_os_thread *os_of(const struct puppet *puppet);

#endif
