/*
 * mark/age.h: ages of objects where a survivor becomes old after more than one cycle (gc.promote
 * above 1; generations.md).
 *
 *   Y.1  The age of an object counts the cycles that marked it, up to gc.promote: then it is
 *        promoted. A major, and a re-scan, promote whatever they mark.
 *   Y.2  Who marks an object claims it, and writes its age once, after its MARK bit (release).
 *   Y.3  What a minor marks and does not promote is listed. When its births are no longer live the
 *        MARK bits of the listed are cleared: they are young again, and their blocks are in the
 *        young masks.
 *   Y.4  A promoted object that refers to one that this cycle does not promote is in rs(k+2).
 * Model: promote.pml.
 */
#ifndef LU_MARK_AGE_H
#define LU_MARK_AGE_H

#include <lull/object.h>
#include "mark/mark.h"
#include "mark/remember.h"

#define LU_AGE_SHIFT 27u

/* Any thread that may hold the object. Acquire: pairs with the release in lu_age_set. */
static inline unsigned lu_age(const void *object) {
  uint32_t word = __atomic_load_n(&((const lull_object *)object)->type_word, __ATOMIC_ACQUIRE);
  return word >> LU_AGE_SHIFT & LU_AGE_MOST;
}

/* Claims an unmarked object by its first MARK bit; false when somebody else has. */
bool lu_age_claim(const void *object, unsigned map);

/*
 * Counts the age of an object that this marker has just marked (or, promote: makes it promoted),
 * and lists it if it stays young. Returns whether it is promoted.
 */
bool lu_age_count(struct lu_marker *marker, void *object, bool promote);

/*
 * Enters the object or card of a promoted object into the new remembered set if one of its
 * referents in [low, high), which are both NULL for all, is not promoted by this cycle. All of
 * these have been made grey.
 */
void lu_age_keep_remembered(struct lu_marker *marker, struct lu_remembered entry, char *low,
                            char *high);

/* Publishes what the marker has listed, and its figures. */
void lu_age_publish(struct lu_marker *marker);

/*
 * The collector's, when births are no longer live: Y.3. False when the budget is used up before the
 * end.
 */
bool lu_age_unmark_survivors(lull_heap *heap, struct lu_budget *budget);

#endif
