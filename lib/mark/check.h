/*
 * mark/check.h: what debug builds check of a store: that object and value are objects, alive, and
 * that the slot lies inside.
 */
#ifndef LU_MARK_CHECK_H
#define LU_MARK_CHECK_H

struct lu_mutator;

#ifdef LULL_DEBUG
/*
 * Ends the process with a message that names what is wrong. The owner, RUNNING. O(1) for small
 * objects.
 */
void lu_check_store(struct lu_mutator *mutator, const void *object, const void *slot,
                    const void *value);
#else
static inline void lu_check_store(struct lu_mutator *mutator, const void *object, const void *slot,
                                  const void *value) {
  (void)mutator, (void)object, (void)slot, (void)value;
}
#endif

#endif
