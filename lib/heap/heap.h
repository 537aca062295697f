/*
 * heap/heap.h: a heap: what hangs together.
 */
#ifndef LU_HEAP_HEAP_H
#define LU_HEAP_HEAP_H

#include <lull/heap.h>
#include "cycle/cycle.h"
#include "cycle/helpers.h"
#include "heap/mutator.h"
#include "heap/space.h"
#include "heap/types.h"
#include "mark/mark.h"
#include "observe/counters.h"
#include "roots/shared.h"
#include "support/settings.h"
#include "threads/handshake.h"
#include "threads/registry.h"

struct lull_heap {
  struct lu_settings settings;      /* immutable after creation */
  struct lu_types types;
  struct lu_space space;
  struct lu_registry registry;
  struct lu_shared_roots shared;
  struct lu_marking marking;
  struct lu_helpers helpers;
  struct lu_cycle cycle;
  struct lu_heap_figures figures;
  struct lu_handshake_figures handshake_figures;
  struct lu_audit *audit;           /* verify/audit.c: NULL unless debug.audit asks for it */
  struct lu_oracle *snapshot;       /* verify/check.c: what was reachable at the TRACE edge, until
                                       the MARKED edge; the driver's */
};

/* Counts a delay that the library caused in a mutator: in its own histogram and in `caused`. */
static inline void lu_caused(struct lu_heap_figures *figures, struct lu_histogram *histogram,
                             uint64_t cpu_ns) {
  lu_histogram_add(histogram, cpu_ns);
  lu_histogram_add(&figures->caused, cpu_ns);
}

/* The heap's thread hooks (heap/heap.c). */
extern const struct lu_registry_hooks lu_mutator_hooks;

#endif
