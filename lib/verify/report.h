/*
 * verify/report.h: counting and logging violations.
 */
#ifndef LU_VERIFY_REPORT_H
#define LU_VERIFY_REPORT_H

#include "heap/heap.h"

#define LU_REPORT_LINES 20

struct lu_report {
  const lull_heap *heap;
  const char *where; /* the edge, for the log */
  size_t violations;
};

/* Counts one violation; the first LU_REPORT_LINES are logged (tag verify, level error). The text
 * says what is wrong with what. */
void lu_violation(struct lu_report *report, const char *format, ...)
    __attribute__((cold, format(printf, 2, 3)));

/* An object for a log line: address, type, block state. */
struct lu_described {
  char text[160];
};
struct lu_described lu_describe(const lull_heap *heap, const void *object);

/* A slot of an object that has no fault: "node.left", "vector[17]". */
struct lu_field_described lu_describe_slot(const lull_heap *heap, const void *object,
                                           const void *slot);

#endif
