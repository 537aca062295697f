/*
 * verify/verify.h: the second collector: simple marking code of its own, one thread, the world
 * stopped.
 *
 * It serves two ends: the oracle against which the verifier checks the collector at the edges of
 * its phases, and lull_verify. It shares with the collector the layout of memory and the
 * descriptors as the user gave them, not the marker: its walk over an object's references is
 * written a second time, slot by slot, from the descriptor.
 */
#ifndef LU_VERIFY_VERIFY_H
#define LU_VERIFY_VERIFY_H

#include "heap/heap.h"

/* Where in a cycle the verifier runs. */
enum lu_edge {
  LU_EDGE_IDLE,      /* no cycle runs */
  LU_EDGE_WINDOW,    /* all acknowledged H1 */
  LU_EDGE_BUMPED,    /* all acknowledged H2 */
  LU_EDGE_TRACE,     /* all acknowledged H3 */
  LU_EDGE_MARKED,    /* clean flush round and the IDLE handshake */
  LU_EDGE_SWEPT,     /* swept; births of the cycle still live */
  LU_EDGE_SETTLED    /* births cleared; the cycle is over */
};

/* Where the audit of stores looks (verify/audit.h). */
static inline bool lu_edge_audited(enum lu_edge edge) {
  return edge == LU_EDGE_IDLE || edge == LU_EDGE_WINDOW || edge == LU_EDGE_MARKED ||
         edge == LU_EDGE_SETTLED;
}

/* Whether the settings ask for the verifier at an edge of a cycle. */
static inline bool lu_verify_due(const struct lu_settings *settings, enum lu_edge edge) {
  if (settings->debug_audit && lu_edge_audited(edge))
    return true;
  switch ((enum lu_verify)settings->verify) {
  case LU_VERIFY_PHASE:
    return true;
  case LU_VERIFY_CYCLE:
    return edge == LU_EDGE_SETTLED;
  case LU_VERIFY_BARRIER:
    return edge == LU_EDGE_WINDOW || edge == LU_EDGE_SETTLED;
  default:
    return false;
  }
}

/* A set of objects found reachable; memory by malloc, none of the heap's. */
struct lu_oracle;
/*
 * World stopped, regions published. Marks from every root. NULL without memory. Counts objects that
 * are not valid as `broken` and logs the first ones.
 */
struct lu_oracle *lu_oracle_mark(lull_heap *heap);
bool lu_oracle_has(const struct lu_oracle *oracle, const void *object);
size_t lu_oracle_objects(const struct lu_oracle *oracle);
size_t lu_oracle_bytes(const struct lu_oracle *oracle);
size_t lu_oracle_broken(const struct lu_oracle *oracle);
void lu_oracle_free(struct lu_oracle *oracle);

/*
 * Stops the world unless it is stopped already, checks all that must hold at this edge, resumes. By
 * the driver of the registry (holds cycle.driver, not attached or BLOCKED). Returns the number of
 * violations, each logged (the first 20) under tag verify at level error.
 */
size_t lu_verify_edge(lull_heap *heap, enum lu_edge edge, bool stopped);

#endif
