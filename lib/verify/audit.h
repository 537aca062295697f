/*
 * verify/audit.h: finds stores of any kind that went past the barrier (option debug.audit).
 *
 * At edges of the cycle it keeps a copy of every reference; at the next edge it compares. What has
 * changed must have been announced: in a debug build by a barrier on that very slot, in others by
 * the log of the object, or of the card, which says that it was stored into since the epoch began.
 */
#ifndef LU_VERIFY_AUDIT_H
#define LU_VERIFY_AUDIT_H

#include <stdatomic.h>
#include "verify/verify.h"

struct lu_checks;

/* The copy: records of objects, their values one after another. The driver's, world stopped. */
struct lu_audit {
  bool taken;              /* there is a copy */
  enum lu_edge edge;       /* where it was taken */
  uint32_t sweeps;         /* space->sweeps then */
  struct lu_audited *records;
  size_t count, room;
  void **values;
  size_t value_count, value_room;
  /* Debug builds: a bit for each word of the reserved range: a barrier on it has run since the copy
   * was taken. Set by mutators (relaxed or: the stop orders it); cleared with the world stopped. */
  _Atomic uint64_t *touched;
  size_t touched_bytes;
};

/* heap->audit, if the settings ask for it. */
lull_status lu_audit_init(lull_heap *heap);
void lu_audit_fini(lull_heap *heap);

/* Compares with the copy that the edge before took, then takes a new one. World stopped. */
void lu_audit_run(struct lu_checks *checks);

/* An edge was left out: there is nothing to compare with. The driver. */
void lu_audit_drop(lull_heap *heap);

/* Debug builds: a barrier on a slot. The owner of the store. */
void lu_audit_touch(lull_heap *heap, const void *slot);

#endif
