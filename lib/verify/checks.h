/*
 * verify/checks.h: the groups of checks that lu_verify_edge makes. World stopped, regions
 * published; each reports violations and changes nothing.
 */
#ifndef LU_VERIFY_CHECKS_H
#define LU_VERIFY_CHECKS_H

#include "verify/oracle.h"

struct lu_checks {
  lull_heap *heap;
  enum lu_edge edge;
  struct lu_report report;
  struct lu_oracle *oracle;
  unsigned explained; /* paths logged so far */
  bool no_memory;     /* a check was left out */
};

/* Edges at which marking is over and barriers are idle. */
static inline bool lu_edge_after_marking(enum lu_edge edge) {
  return edge == LU_EDGE_IDLE || edge == LU_EDGE_MARKED || edge == LU_EDGE_SWEPT ||
         edge == LU_EDGE_SETTLED;
}
/* Edges at which births are live. */
static inline bool lu_edge_born_live(enum lu_edge edge) {
  return edge == LU_EDGE_BUMPED || edge == LU_EDGE_TRACE || edge == LU_EDGE_MARKED ||
         edge == LU_EDGE_SWEPT;
}
/* Edges between two cycles. */
static inline bool lu_edge_settled(enum lu_edge edge) {
  return edge == LU_EDGE_IDLE || edge == LU_EDGE_SETTLED;
}

/* check_threads.c: phases, barrier fields, regions, private packets. */
void lu_check_threads(struct lu_checks *checks);
/* check_marks.c: MARK against what is reachable, and against TAKEN. */
void lu_check_marks(struct lu_checks *checks);
/* check_space.c: states, claim masks, counts of bytes. */
void lu_check_space(struct lu_checks *checks);
/* check_remembered.c: the remembered set, and where packets are. */
void lu_check_remembered(struct lu_checks *checks);

/* The log that covers a slot: the header's, or its card's. */
uint16_t lu_check_log(const lull_heap *heap, const void *object, const void *slot);

/* Logs the path to an object, for the first three violations that concern one. */
void lu_check_explain(struct lu_checks *checks, const void *object);

/* All of the above; returns violations. For a driver that has stopped the world and published
 * regions itself. Without memory: 0, and *checked is false. */
size_t lu_verify_stopped(lull_heap *heap, enum lu_edge edge, bool *checked);

/* As lu_verify_edge; *checked tells whether anything was. */
size_t lu_verify_run(lull_heap *heap, enum lu_edge edge, bool *checked);

/* lu_region_publish for every thread. World stopped. */
void lu_publish_regions(lull_heap *heap);

#endif
