/*
 * verify/report.c: counting and logging violations. The verifier's thread only.
 */
#include "verify/report.h"

#include <stdarg.h>
#include <stdio.h>
#include "observe/log.h"

void lu_violation(struct lu_report *report, const char *format, ...) {
  char text[LU_LOG_LINE];
  va_list arguments;
  if (++report->violations > LU_REPORT_LINES)
    return;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  LU_LOG(report->heap->settings.log, LU_TAG_VERIFY, LU_LOG_ERROR, "Verify (%s): %s", report->where,
         text);
  if (report->violations == LU_REPORT_LINES)
    LU_LOG(report->heap->settings.log, LU_TAG_VERIFY, LU_LOG_ERROR,
           "Verify (%s): more violations are not logged", report->where);
}

static const char *state_name(unsigned state) {
  static const char *const names[] = {"UNUSED",  "FREE", "POOLED", "ORPHAN", "HELD",
                                      "RETIRED", "FULL", "META",   "RUN"};
  return state < sizeof names / sizeof *names ? names[state] : "?";
}

struct lu_described lu_describe(const lull_heap *heap, const void *object) {
  struct lu_described described;
  if (!lu_space_holds(&heap->space, object) || (uintptr_t)object % LU_GRANULE != 0) {
    snprintf(described.text, sizeof described.text, "%p", object);
    return described;
  }
  lull_type type = lull_type_of(object);
  bool known = type != LU_FILLER_TYPE &&
               type < atomic_load_explicit(&heap->types.count, memory_order_acquire);
  const struct lu_block *block = lu_block_of(&heap->space, object);
  snprintf(described.text, sizeof described.text, "%p (%s, %s block, granule %zu, cursor %u)",
           object, known ? heap->types.rows[type].name : "no type",
           state_name(atomic_load_explicit(&block->state, memory_order_acquire)),
           (size_t)((const char *)object - lu_block_start(object)) / LU_GRANULE,
           (unsigned)block->cursor);
  return described;
}

struct lu_field_described lu_describe_slot(const lull_heap *heap, const void *object,
                                           const void *slot) {
  return lu_field_describe(&heap->types.rows[lull_type_of(object)],
                           (size_t)((const char *)slot - (const char *)object));
}
