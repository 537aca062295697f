/*
 * verify/oracle.h: what the checks see of the oracle beyond verify/verify.h.
 */
#ifndef LU_VERIFY_ORACLE_H
#define LU_VERIFY_ORACLE_H

#include "verify/objset.h"
#include "verify/report.h"
#include "verify/verify.h"

/* Marks as lu_oracle_mark; violations go to the report. */
struct lu_oracle *lu_oracle_run(lull_heap *heap, struct lu_report *report);

const struct lu_objset *lu_oracle_reached(const struct lu_oracle *oracle);
/* The cycle that was armed when it was made. */
uint32_t lu_oracle_cycle(const struct lu_oracle *oracle);
const struct lu_objset *lu_oracle_large(const struct lu_oracle *oracle);

/* Logs how `object` is reached, from a root to it (tag verify, level error). Marks once more, with
 * parents: O(heap). World stopped. */
void lu_oracle_explain(lull_heap *heap, const void *object);

#endif
