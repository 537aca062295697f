/*
 * What the operations of the torture program work on.
 *
 * A world is one heap with what its threads share. An actor is one of the program's threads, which
 * may die and be born again as another thread of the system; it keeps a mutator per world: its
 * attachment, its roots and its shadow graph. All of a mutator belongs to its actor's current
 * thread.
 */
#ifndef STRESS_MUTATORS_MUTATOR_H
#define STRESS_MUTATORS_MUTATOR_H

#include <lull.h>
#include <pthread.h>
#include <stdatomic.h>

#include "stress/common/random.h"
#include "stress/mutators/graph.h"
#include "stress/mutators/things.h"

enum { WORLDS_MOST = 2, SHARED_SLOTS = 24, SHARED_HANDLES = 8, TRAIL = 24, NEST_MOST = 10 };

/* A handle that any thread may use; the lock is only ever tried, never waited for. */
struct shared_handle {
  pthread_mutex_t lock;
  lull_handle *handle;
};

struct world {
  lull_heap *heap;
  struct kinds kinds;
  void *slots[SHARED_SLOTS]; /* a shared root range */
  struct shared_handle handles[SHARED_HANDLES];
  size_t private_budget; /* bytes that one mutator's graph may hold */
  size_t
      shared_budget; /* bytes of shared objects made before half of the shared roots are cleared */
  /* Bytes of shared objects made since, and times that all shared roots were cleared for lack of
     memory: added to by every thread, relaxed; they steer only how much is alive. */
  atomic_size_t shared_bytes;
  atomic_uint clearings;
  bool verifies; /* lull_verify is among the operations */
  bool patient;  /* nobody asks for a collection but now and then, so that most cycles are minors */
  bool changes_mode; /* lull_heap_set_mode is */
};

struct actor;

struct mutator {
  struct world *world;
  struct actor *actor;
  lull_thread *thread; /* NULL while not attached */
  struct random *random;
  struct graph graph;
  void **range;                      /* RANGE_ROOTS words, a thread range */
  void *callback[CALLBACK_ROOTS];    /* reported by a thread callback */
  lull_handle *handle[HANDLE_ROOTS]; /* outlive the thread; NULL: none */
  unsigned clearings_seen;
};

/* How a life of an actor ended. */
enum leave { STAY, LEAVE_BY_DETACH, LEAVE_BY_EXIT };

struct actor {
  unsigned number, worlds;
  struct mutator mutator[WORLDS_MOST];
  struct random random;
  uint64_t serial;  /* for ids */
  unsigned depth;   /* nested operations */
  enum leave leave; /* set by an operation at depth 0 */
  unsigned failures_in_a_row;
  /* For the watchdog and for reports: written by the actor's thread (relaxed), read by any. */
  atomic_ullong operations;
  _Atomic(const char *) trail[TRAIL]; /* the last operations, a ring by number */
  /* Figures; read after the last life. */
  uint64_t allocations, failures, loads, lives;
};

/* The calling thread's actor, for reports and the out-of-memory hook; NULL elsewhere. */
extern _Thread_local struct actor *actor_self;

static inline uint32_t below(struct mutator *m, uint32_t limit) {
  return random_below(m->random, limit);
}

static inline bool once(struct mutator *m, uint32_t n) {
  return random_once(m->random, n);
}

/* roots.c: attachment and the thread's own roots. */
void mutator_init(struct mutator *m, struct actor *actor, struct world *world);
/* Attaches the calling thread and registers its roots, which hold NULL; handles hold what they
 * held. */
void mutator_attach(struct mutator *m);
/* Detaches; the thread's own roots are lost, handles stay. */
void mutator_detach(struct mutator *m);
/* To be called when the thread has ended without detaching, by whoever joined it. */
void mutator_abandoned(struct mutator *m);
/* Releases the handles (attached) and frees the graph. */
void mutator_end(struct mutator *m);

struct thing *root_get(struct mutator *m, unsigned root);
void root_set(struct mutator *m, unsigned root, struct thing *thing, int32_t node);
/* Moves the range elsewhere; registers the callback anew. */
void roots_renew(struct mutator *m);
/* Makes a share of the roots NULL, one in n. */
void roots_shed(struct mutator *m, uint32_t n);

/* What a walk through the private graph ended at. Valid until the next call that may poll. */
struct spot {
  struct thing *thing;
  int32_t node;
};

/* private.c: operations on private objects. */
struct spot private_pick(struct mutator *m);
/* Ends the program unless `value` is what the shadow graph says. */
void private_expect(struct mutator *m, const void *value, int32_t node);
/* Follows the whole graph and checks everything. Polls. */
void private_check_all(struct mutator *m);
void private_new(struct mutator *m);
void private_walk(struct mutator *m);
void private_store(struct mutator *m);
void private_exchange(struct mutator *m);
void private_compare_exchange(struct mutator *m);
void private_copy(struct mutator *m);
void private_copy_locals(struct mutator *m);
void private_fill(struct mutator *m);
void private_root(struct mutator *m);
void private_release(struct mutator *m);
void private_nest(struct mutator *m);
void private_shared_range(struct mutator *m);

/* shared.c: operations on what threads share. */
/* An object reached through shared roots, or NULL. Valid until the next call that may poll. */
struct thing *shared_pick(struct mutator *m);
/* Clears all shared roots of a world. */
void shared_clear(struct mutator *m);
void shared_new(struct mutator *m);
void shared_store(struct mutator *m);
void shared_compare_exchange(struct mutator *m);
void shared_transfer(struct mutator *m);
void shared_copy(struct mutator *m);
void shared_fill(struct mutator *m);
void shared_root(struct mutator *m);
void shared_move(struct mutator *m);
void shared_handle(struct mutator *m);
void shared_adopt(struct mutator *m);
void shared_adopt_many(struct mutator *m);
void shared_hold(struct mutator *m);

/* parcel.c: trees whose contents follow from the id of their root. */
void parcel_check(const struct world *world, const struct thing *root);
void parcel_send(struct mutator *m);
void parcel_receive(struct mutator *m);

/* control.c: threads, collections, memory. */
/* Makes an object for the mutator; on failure sheds and returns NULL. */
struct thing *control_new(struct mutator *m, enum class class, enum kind kind, size_t length);
/* The same with an id given. */
struct thing *control_new_id(struct mutator *m, enum kind kind, size_t length, uint64_t id);
/* Brings the private graph back to its budget. */
void control_budget(struct mutator *m);
bool control_out_of_memory(lull_thread *thread, size_t size, lull_oom why, void *data);
void control_poll(struct mutator *m);
void control_collect(struct mutator *m);
void control_collect_start(struct mutator *m);
/* A step of a collection; only in the incremental mode it does one. */
void control_collect_step(struct mutator *m);
/* Another mode, in worlds where that is wanted. */
void control_mode(struct mutator *m);
void control_verify(struct mutator *m);
void control_blocked(struct mutator *m);
void control_roots(struct mutator *m);
/* Sheds when the heap is more than half full of live objects. */
void control_pressure(struct mutator *m);
void control_leave(struct mutator *m);
void control_wrong(struct mutator *m);

/* operations.c: one random operation in a random world. */
void operation(struct actor *actor);

#endif
