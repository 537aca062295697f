/*
 * Operations on threads, collections and memory; allocation with what to do when there is no
 * memory.
 *
 * Failing allocations are allowed: the graphs of all threads and what they share may fill the heap.
 * But each failure makes its thread drop part of its roots, so a thread that fails again and again
 * for no reason is noticed.
 */
#include <sched.h>

#include "stress/common/check.h"
#include "stress/common/clock.h"
#include "stress/common/figures.h"
#include "stress/mutators/mutator.h"

enum { FAILURES_MOST = 1000, NODES_MOST = 20000 };

static void after_failure(struct mutator *m) {
  struct actor *actor = m->actor;
  lull_status status = lull_last_error();

  STRESS_CHECK(status == LULL_E_MEMORY || status == LULL_E_PROGRESS,
               "an allocation failed with \"%s\"", lull_status_text(status));
  actor->failures++;
  STRESS_CHECK(++actor->failures_in_a_row < FAILURES_MOST,
               "%d allocations failed in a row although roots were dropped", FAILURES_MOST);
  roots_shed(m, 2);
  shared_clear(m);
}

struct thing *control_new_id(struct mutator *m, enum kind kind, size_t length, uint64_t id) {
  struct thing *thing = thing_new(m->thread, &m->world->kinds, kind, length, id);

  if (!thing) {
    after_failure(m);
    return NULL;
  }
  m->actor->allocations++;
  m->actor->failures_in_a_row = 0;
  return thing;
}

struct thing *control_new(struct mutator *m, enum class class, enum kind kind, size_t length) {
  uint64_t id = thing_id(class, (uint64_t)(m->actor->number + 1) << 44 | ++m->actor->serial);
  return control_new_id(m, kind, length, id);
}

bool control_out_of_memory(lull_thread *thread, size_t size, lull_oom why, void *data) {
  struct world *world = data;

  (void)size, (void)why;
  for (unsigned i = 0; actor_self && i < actor_self->worlds; i++) {
    struct mutator *m = &actor_self->mutator[i];
    if (m->world == world && m->thread == thread) {
      roots_shed(m, 2);
      return once(m, 2);
    }
  }
  return false;
}

/* Others cleared the shared roots: what this thread still holds of them must go some time, too. */
static void follow_clearings(struct mutator *m) {
  unsigned clearings = atomic_load_explicit(&m->world->clearings, memory_order_relaxed);

  if (clearings - m->clearings_seen >= 2) {
    m->clearings_seen = clearings;
    roots_shed(m, 3);
  }
}

void control_budget(struct mutator *m) {
  follow_clearings(m);
  if (m->graph.bytes <= m->world->private_budget && m->graph.count <= NODES_MOST)
    return;
  graph_collect(&m->graph);
  while (m->graph.bytes > m->world->private_budget / 2 || m->graph.count > NODES_MOST / 2) {
    size_t before = m->graph.bytes;
    roots_shed(m, 2);
    graph_collect(&m->graph);
    if (m->graph.bytes == before && m->actor->depth > 0)
      return;
  }
}

void control_poll(struct mutator *m) {
  switch (below(m, 3)) {
  case 0:
    lull_poll(m->thread);
    break;
  case 1:
    control_blocked(m);
    break;
  default:
    control_new(m, CLASS_PRIVATE, LEAF, below(m, 200));
    break;
  }
}

/* A call that needs all threads to reach a safepoint in time. */
static void expect_progress(lull_status status, const char *call) {
  STRESS_CHECK(status == LULL_OK || status == LULL_E_PROGRESS, "%s returned \"%s\"", call,
               lull_status_text(status));
}

/* Whether an operation asks for a collection. */
static bool asks(struct mutator *m) {
  return !m->world->patient || once(m, 100);
}

void control_collect(struct mutator *m) {
  if (asks(m))
    expect_progress(lull_collect(m->thread), "lull_collect");
}

/* The mode may change between the question and the step, which is refused then. */
void control_collect_step(struct mutator *m) {
  uint64_t budget = (uint64_t)below(m, 200) * 1000;

  if (lull_heap_mode(m->world->heap) == LULL_INCREMENTAL)
    lull_collect_step(m->thread, budget);
}

void control_mode(struct mutator *m) {
  if (m->world->changes_mode)
    STRESS_OK(lull_heap_set_mode(m->world->heap, (lull_mode)below(m, 3)));
}

void control_collect_start(struct mutator *m) {
  if (asks(m))
    lull_collect_start(m->world->heap);
}

void control_verify(struct mutator *m) {
  if (m->world->verifies)
    expect_progress(lull_verify(m->thread), "lull_verify");
  private_check_all(m);
}

static void wait_a_little(struct mutator *m) {
  if (once(m, 4))
    clock_pause(below(m, 200000));
  else
    sched_yield();
}

void control_blocked(struct mutator *m) {
  STRESS_OK(lull_blocked_begin(m->thread));
  wait_a_little(m);
  if (once(m, 4)) {
    STRESS_OK(lull_blocked_begin(m->thread));
    wait_a_little(m);
    STRESS_OK(lull_blocked_end(m->thread));
  }
  STRESS_OK(lull_blocked_end(m->thread));
}

void control_roots(struct mutator *m) {
  if (once(m, 4))
    roots_shed(m, 4);
  else
    roots_renew(m);
}

void control_pressure(struct mutator *m) {
  lull_stats stats = figures_stats(m->world->heap);

  if (stats.bytes_live <= stats.heap_limit / 2)
    return;
  roots_shed(m, 3);
  shared_clear(m);
}

/* Ends this life of the actor's thread; not with live frames. */
void control_leave(struct mutator *m) {
  if (m->actor->depth == 0)
    m->actor->leave = once(m, 2) ? LEAVE_BY_DETACH : LEAVE_BY_EXIT;
}

/* Calls that must be refused in the middle of everything. */
void control_wrong(struct mutator *m) {
  lull_thread *again = NULL;

  STRESS_STATUS(lull_attach(m->world->heap, &again), LULL_E_STATE);
  STRESS_CHECK(again == m->thread && lull_self(m->world->heap) == m->thread, "another attachment");
  STRESS_STATUS(lull_blocked_end(m->thread), LULL_E_STATE);
  if (m->thread->frames)
    STRESS_STATUS(lull_detach(m->thread), LULL_E_STATE);
}
