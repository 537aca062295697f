/*
 * verify/check.c: the verifier: stops the world, marks with the oracle, compares.
 *
 * What must hold at each edge is listed, with a tag for each claim, in place.c (P), check_threads.c
 * (T), check_marks.c (K), check_space.c (A) and check_remembered.c (N), and in
 * doc/design/verifier.md. A violation is counted and logged; nothing is repaired.
 *
 * Threads: the driver of the registry. lull_verify: any attached thread, which becomes the driver
 * by taking cycle.driver inside a blocked region. heap->snapshot belongs to the driver.
 */
#include "verify/checks.h"

#include "heap/large.h"
#include "observe/log.h"
#include "support/clock.h"
#include "support/error.h"
#include "threads/blocked.h"
#include "threads/stop.h"
#include "verify/audit.h"
#include "verify/place.h"

#define EXPLAINED 3

static const char *edge_name(enum lu_edge edge) {
  static const char *const names[] = {"idle",   "window", "bumped", "trace",
                                      "marked", "swept",  "settled"};
  return names[edge];
}

void lu_check_explain(struct lu_checks *checks, const void *object) {
  if (checks->explained++ < EXPLAINED)
    lu_oracle_explain(checks->heap, object);
}

static void publish(struct lu_thread *thread, void *arg) {
  (void)arg;
  lu_region_publish(lu_mutator_of(&thread->pub));
}

void lu_publish_regions(lull_heap *heap) { lu_stopped_each(&heap->registry, publish, NULL); }

/* Keeps what is reachable when all threads have scanned their roots, for K.1. */
static void keep_snapshot(lull_heap *heap, enum lu_edge edge, struct lu_oracle *oracle) {
  lu_oracle_free(heap->snapshot);
  heap->snapshot = edge == LU_EDGE_TRACE ? oracle : NULL;
  if (heap->snapshot == NULL)
    lu_oracle_free(oracle);
}

uint16_t lu_check_log(const lull_heap *heap, const void *object, const void *slot) {
  if (lu_place_is_small(heap, object))
    return __atomic_load_n(&((const lull_object *)object)->log_epoch, __ATOMIC_RELAXED);
  return atomic_load_explicit(lu_large_card(lu_large_of(object), slot), memory_order_relaxed);
}

/* Whether the settings ask at this edge for nothing but the check of stores. */
static bool stores_only(const struct lu_settings *settings, enum lu_edge edge) {
  if (edge == LU_EDGE_IDLE || settings->verify == LU_VERIFY_PHASE)
    return false;
  bool cycle = settings->verify == LU_VERIFY_CYCLE && edge == LU_EDGE_SETTLED;
  return settings->verify == LU_VERIFY_BARRIER || (settings->debug_audit && !cycle);
}

size_t lu_verify_stopped(lull_heap *heap, enum lu_edge edge, bool *checked) {
  struct lu_checks checks = {.heap = heap, .edge = edge, .report = {heap, edge_name(edge), 0}};
  checks.oracle = lu_oracle_run(heap, &checks.report);
  *checked = checks.oracle != NULL;
  if (!*checked) {
    lu_audit_drop(heap);
    return checks.report.violations;
  }
  if (!stores_only(&heap->settings, edge)) {
    lu_check_threads(&checks);
    lu_check_marks(&checks);
    lu_check_space(&checks);
  }
  lu_check_remembered(&checks);
  lu_audit_run(&checks);
  LU_LOG(heap->settings.log, LU_TAG_VERIFY, LU_LOG_DEBUG,
         "Verify (%s): %zu objects, %zu bytes reachable, %zu violations", edge_name(edge),
         lu_oracle_objects(checks.oracle), lu_oracle_bytes(checks.oracle),
         checks.report.violations);
  *checked = !checks.no_memory;
  keep_snapshot(heap, edge, checks.oracle);
  return checks.report.violations;
}

size_t lu_verify_run(lull_heap *heap, enum lu_edge edge, bool *checked) {
  size_t violations = 0;
  *checked = false;
  if (lu_stop_the_world(&heap->registry, heap->settings.stall_timeout)) {
    lu_publish_regions(heap);
    violations = lu_verify_stopped(heap, edge, checked);
    lu_resume_the_world(&heap->registry);
  }
  if (!*checked) {
    lu_audit_drop(heap);
    LU_LOG(heap->settings.log, LU_TAG_VERIFY, LU_LOG_INFO,
           "Verify (%s): not checked: a thread did not stop, or no memory", edge_name(edge));
  }
  return violations;
}

size_t lu_verify_edge(lull_heap *heap, enum lu_edge edge, bool stopped) {
  bool checked;
  if (!stopped)
    return lu_verify_run(heap, edge, &checked);
  lu_publish_regions(heap);
  return lu_verify_stopped(heap, edge, &checked);
}

lull_status lull_verify(lull_thread *thread) {
  struct lu_thread *own = lu_own(thread);
  if (own == NULL)
    return lu_reject(LULL_E_THREAD, "%s: the thread is not the caller's attachment", __func__);
  if (own->os->depth != 0)
    return lu_reject(LULL_E_STATE, "%s: called inside a blocked region", __func__);
  lull_heap *heap = lu_mutator_of(thread)->heap;
  bool checked = false;
  lu_blocked_begin(own);
  lu_driver_lock(&heap->cycle);
  bool idle = lu_cycle_finish(heap);
  size_t violations = idle ? lu_verify_run(heap, LU_EDGE_IDLE, &checked) : 0;
  lu_unlock(&heap->cycle.driver);
  lu_blocked_end(own);
  if (violations != 0)
    return lu_reject(LULL_E_STATE, "%s: %zu violations", __func__, violations);
  return checked ? LULL_OK
                 : lu_reject(LULL_E_PROGRESS, "%s: a thread did not stop, or no memory", __func__);
}
