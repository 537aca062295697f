/*
 * A mutator's own roots: a thread range, a thread callback, handles. Root i of the shadow graph
 * says what root i holds. Range and callback end with the attachment, so the shadow's entries do
 * too.
 */
#include <stdlib.h>
#include <string.h>

#include "stress/common/check.h"
#include "stress/common/heap.h"
#include "stress/mutators/mutator.h"

enum { FIRST_CALLBACK = RANGE_ROOTS, FIRST_HANDLE = RANGE_ROOTS + CALLBACK_ROOTS };

static void report(void *data, lull_visitor *visitor) {
  struct mutator *m = data;

  for (unsigned i = 0; i < CALLBACK_ROOTS; i++)
    lull_visit(visitor, &m->callback[i]);
}

void mutator_init(struct mutator *m, struct actor *actor, struct world *world) {
  *m = (struct mutator){.world = world, .actor = actor, .random = &actor->random};
  graph_init(&m->graph);
}

void mutator_attach(struct mutator *m) {
  m->range = stress_calloc(RANGE_ROOTS, sizeof *m->range);
  m->thread = heap_attach(m->world->heap);
  STRESS_OK(lull_thread_range_add(m->thread, m->range, RANGE_ROOTS));
  STRESS_OK(lull_thread_callback_add(m->thread, report, m));
}

void mutator_abandoned(struct mutator *m) {
  for (unsigned i = 0; i < FIRST_HANDLE; i++)
    m->graph.root[i] = NOBODY;
  memset(m->callback, 0, sizeof m->callback);
  free(m->range);
  m->range = NULL;
  m->thread = NULL;
}

void mutator_detach(struct mutator *m) {
  heap_detach(m->thread);
  mutator_abandoned(m);
}

void mutator_end(struct mutator *m) {
  for (unsigned i = 0; i < HANDLE_ROOTS; i++)
    if (m->handle[i])
      STRESS_OK(lull_handle_release(m->thread, m->handle[i]));
  graph_free(&m->graph);
}

struct thing *root_get(struct mutator *m, unsigned root) {
  if (root < FIRST_CALLBACK)
    return m->range[root];
  if (root < FIRST_HANDLE)
    return m->callback[root - FIRST_CALLBACK];
  root -= FIRST_HANDLE;
  return m->handle[root] ? lull_handle_get(m->thread, m->handle[root]) : NULL;
}

/* Sets a handle, or gives it back, or takes a new one. */
static void handle_put(struct mutator *m, lull_handle **handle, struct thing *thing) {
  if (*handle && (!thing || once(m, 4))) {
    STRESS_OK(lull_handle_release(m->thread, *handle));
    *handle = NULL;
  }
  if (*handle) {
    lull_handle_set(m->thread, *handle, thing);
  } else if (thing) {
    *handle = lull_handle_new(m->thread, thing);
    STRESS_CHECK(*handle != NULL, "no memory for a handle");
  }
}

void root_set(struct mutator *m, unsigned root, struct thing *thing, int32_t node) {
  m->graph.root[root] = node;
  if (root < FIRST_CALLBACK)
    m->range[root] = thing;
  else if (root < FIRST_HANDLE)
    m->callback[root - FIRST_CALLBACK] = thing;
  else
    handle_put(m, &m->handle[root - FIRST_HANDLE], thing);
}

static void renew_range(struct mutator *m) {
  void **fresh = stress_malloc(RANGE_ROOTS * sizeof *fresh);

  memcpy(fresh, m->range, RANGE_ROOTS * sizeof *fresh);
  STRESS_OK(lull_thread_range_add(m->thread, fresh, RANGE_ROOTS));
  STRESS_OK(lull_thread_range_remove(m->thread, m->range));
  free(m->range);
  m->range = fresh;
}

void roots_renew(struct mutator *m) {
  if (once(m, 2)) {
    renew_range(m);
    return;
  }
  STRESS_OK(lull_thread_callback_remove(m->thread, report, m));
  STRESS_OK(lull_thread_callback_add(m->thread, report, m));
}

void roots_shed(struct mutator *m, uint32_t n) {
  for (unsigned i = 0; i < ROOTS; i++)
    if (once(m, n))
      root_set(m, i, NULL, NOBODY);
}
