/*
 * verify/audit.c: the audit of stores: a copy of all references, compared at the next edge.
 *
 *   U.1  Between two audited edges an object of the copy stays where it is: there is no sweep
 *        between them but the one from MARKED to SETTLED, which keeps what is marked, and only
 *        marked objects are in a copy of MARKED. So an address stands for the same object at both.
 *   U.2  No thread is between a barrier and its store at an edge (I.9): what is announced has
 *        happened, and what has happened is announced.
 *   U.3  An object that is born after the copy is not in it, so its initialising stores are exempt;
 *        one that is in it has lived through a poll since its birth, so lull_init on it is wrong.
 *
 * Which logs say "stored into since the edge before": the epoch; at WINDOW the window's value too,
 * at MARKED that of the window that has passed. A marker that renews a log sets another epoch.
 *
 * Threads: the driver, with the world stopped; lu_audit_touch by the owner of a store, RUNNING.
 */
#include "verify/audit.h"

#include <string.h>
#include "heap/large.h"
#include "support/memory.h"
#include "verify/checks.h"
#include "verify/place.h"
#include "verify/walk.h"

/* An object of the copy: values[first] on are its references, in the order of the walk. */
struct lu_audited {
  void *object;
  size_t first;
};

lull_status lu_audit_init(lull_heap *heap) {
  if (!heap->settings.debug_audit)
    return LULL_OK;
  struct lu_audit *audit = lu_zalloc(LU_FAULT_METADATA, sizeof *audit);
  if (audit == NULL)
    return LULL_E_MEMORY;
  heap->audit = audit;
#ifdef LULL_DEBUG
  audit->touched_bytes = heap->space.slab_count * (LU_SLAB_BYTES / LU_GRANULE / 8);
  audit->touched = lu_reserve(audit->touched_bytes, lu_page_size());
  if (audit->touched == NULL) {
    lu_audit_fini(heap);
    return LULL_E_MEMORY;
  }
#endif
  return LULL_OK;
}

void lu_audit_fini(lull_heap *heap) {
  struct lu_audit *audit = heap->audit;
  if (audit == NULL)
    return;
  lu_unreserve((void *)audit->touched, audit->touched_bytes);
  lu_free(audit->records);
  lu_free((void *)audit->values);
  lu_free(audit);
  heap->audit = NULL;
}

void lu_audit_drop(lull_heap *heap) {
  if (heap->audit != NULL)
    heap->audit->taken = false;
}

static size_t word_of(const lull_heap *heap, const void *slot) {
  return (size_t)((const char *)slot - heap->space.base) / LU_GRANULE;
}

void lu_audit_touch(lull_heap *heap, const void *slot) {
  size_t word = word_of(heap, slot);
  atomic_fetch_or_explicit(&heap->audit->touched[word / 64], (uint64_t)1 << (word % 64),
                           memory_order_relaxed);
}

static void forget_touched(struct lu_audit *audit) {
  if (audit->touched != NULL && !lu_release_pages((void *)audit->touched, audit->touched_bytes))
    memset((void *)audit->touched, 0, audit->touched_bytes);
}

/* Whether a copy of `from` can be compared at `to`: nothing was left out between them (U.1). */
static bool follows(enum lu_edge from, enum lu_edge to) {
  bool idle = from == LU_EDGE_SETTLED || from == LU_EDGE_IDLE;
  return (idle && (to == LU_EDGE_WINDOW || to == LU_EDGE_IDLE)) ||
         (from == LU_EDGE_WINDOW && to == LU_EDGE_MARKED) ||
         (from == LU_EDGE_MARKED && to == LU_EDGE_SETTLED);
}

/* Whether a log says that what it covers was stored into since the edge before this one. */
static bool log_tells(const struct lu_checks *checks, uint16_t log) {
  uint16_t epoch = checks->heap->cycle.armed.epoch, mask = checks->heap->marking.epoch_mask;
  return log == epoch || (checks->edge == LU_EDGE_WINDOW && log == ((epoch + 1) & mask)) ||
         (checks->edge == LU_EDGE_MARKED && log == ((epoch - 1) & mask));
}

struct comparison {
  struct lu_checks *checks;
  const struct lu_audited *record;
  void **before; /* what the next slot held */
};

static bool was_announced(const struct comparison *comparison, const void *slot) {
  const struct lu_checks *checks = comparison->checks;
  const struct lu_audit *audit = checks->heap->audit;
  if (audit->touched != NULL) {
    size_t word = word_of(checks->heap, slot);
    return (atomic_load_explicit(&audit->touched[word / 64], memory_order_relaxed) >> (word % 64) &
            1) != 0;
  }
  return log_tells(checks, lu_check_log(checks->heap, comparison->record->object, slot));
}

static void compare_slot(void **slot, void *arg) {
  struct comparison *comparison = arg;
  struct lu_checks *checks = comparison->checks;
  const lull_heap *heap = checks->heap;
  const void *object = comparison->record->object, *before = *comparison->before++;
  const void *now = (const void *)__atomic_load_n(slot, __ATOMIC_ACQUIRE);
  if (now == before || was_announced(comparison, slot))
    return;
  lu_violation(&checks->report,
               "%s of %s was stored without the barrier: it was %p and is %s (log %u, epoch %u)",
               lu_describe_slot(heap, object, slot).text, lu_describe(heap, object).text, before,
               lu_describe(heap, now).text, (unsigned)lu_check_log(heap, object, slot),
               (unsigned)heap->cycle.armed.epoch);
  lu_check_explain(checks, object);
}

static void compare(struct lu_checks *checks) {
  const lull_heap *heap = checks->heap;
  const struct lu_audit *audit = heap->audit;
  for (size_t i = 0; i < audit->count; i++) {
    const struct lu_audited *record = &audit->records[i];
    struct comparison comparison = {checks, record, audit->values + record->first};
    lu_walk_slots(&heap->types.rows[lull_type_of(record->object)], record->object, compare_slot,
                  &comparison);
  }
}

static size_t grown(size_t room) { return room == 0 ? 4096 : room * 2; }

static bool room_for_value(struct lu_audit *audit) {
  if (audit->value_count < audit->value_room)
    return true;
  size_t room = grown(audit->value_room);
  void **values =
      lu_realloc_array(LU_FAULT_METADATA, (void *)audit->values, room, sizeof *audit->values);
  if (values == NULL)
    return false;
  audit->values = values;
  audit->value_room = room;
  return true;
}

static bool room_for_record(struct lu_audit *audit) {
  if (audit->count < audit->room)
    return true;
  size_t room = grown(audit->room);
  struct lu_audited *records =
      lu_realloc_array(LU_FAULT_METADATA, audit->records, room, sizeof *records);
  if (records == NULL)
    return false;
  audit->records = records;
  audit->room = room;
  return true;
}

/* Without memory the copy is given up: taken is false from then on. */
static void copy_slot(void **slot, void *arg) {
  struct lu_audit *audit = arg;
  audit->taken = audit->taken && room_for_value(audit);
  if (audit->taken)
    audit->values[audit->value_count++] = (void *)__atomic_load_n(slot, __ATOMIC_ACQUIRE);
}

static void copy_object(void *object, void *arg) {
  struct lu_checks *checks = arg;
  const lull_heap *heap = checks->heap;
  struct lu_audit *audit = heap->audit;
  const struct lu_type *type = &heap->types.rows[lull_type_of(object)];
  if (type->leaf || (checks->edge == LU_EDGE_MARKED && !lu_is_marked(object, heap->marking.map)))
    return;
  audit->taken = audit->taken && room_for_record(audit);
  if (!audit->taken)
    return;
  audit->records[audit->count++] = (struct lu_audited){object, audit->value_count};
  lu_walk_slots(type, object, copy_slot, audit);
}

static void copy(struct lu_checks *checks) {
  struct lu_audit *audit = checks->heap->audit;
  audit->taken = true;
  audit->edge = checks->edge;
  audit->sweeps = atomic_load_explicit(&checks->heap->space.sweeps, memory_order_relaxed);
  audit->count = audit->value_count = 0;
  lu_objset_each(lu_oracle_reached(checks->oracle), copy_object, checks);
  if (!audit->taken)
    checks->no_memory = true;
  forget_touched(audit);
}

/* Whether the copy is there, and its objects still are (U.1). */
static bool comparable(const struct lu_checks *checks) {
  const struct lu_audit *audit = checks->heap->audit;
  uint32_t sweeps =
      atomic_load_explicit(&checks->heap->space.sweeps, memory_order_relaxed) - audit->sweeps;
  return audit->taken && follows(audit->edge, checks->edge) &&
         sweeps == (checks->edge == LU_EDGE_SETTLED ? 1 : 0);
}

void lu_audit_run(struct lu_checks *checks) {
  if (checks->heap->audit == NULL)
    return;
  /* In a heap that is broken already, the memory of an object may have been freed. */
  if (checks->report.violations == 0 && comparable(checks))
    compare(checks);
  if (lu_edge_audited(checks->edge))
    copy(checks);
}
