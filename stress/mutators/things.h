/*
 * The objects of the torture program. Every kind begins with an id and a checksum over what is
 * immutable in it: id, kind, length. Words that are not references are made from the id, so all of
 * an object but its references can be checked at any time by any thread.
 *
 *   PAIR      two references, by a map
 *   RECORD    references scattered over more than 64 words, by a map of several words
 *   TAIL      all words from an offset on
 *   TRACED    which of its words are references stands in the object; reported by a callback
 *   ARRAY     an array of references, from none to far more than 8 KB
 *   ELEMENTS  a reference in the fixed part and elements with a map
 *   LEAF      an array of bytes
 */
#ifndef STRESS_MUTATORS_THINGS_H
#define STRESS_MUTATORS_THINGS_H

#include <lull.h>

#include "stress/common/random.h"

enum kind { PAIR, RECORD, TAIL, TRACED, ARRAY, ELEMENTS, LEAF, KINDS };

/* The two highest bits of an id: who may write the object's references. */
enum class {
  CLASS_PRIVATE = 1, /* the thread that made it */
  CLASS_SHARED = 2,  /* every thread */
  CLASS_PARCEL = 3   /* nobody after it was made */
};

/* What every object begins with. */
struct thing {
  lull_object header;
  uint64_t id, check;
};

/* The types of one heap, by kind. */
struct kinds {
  lull_type type[KINDS];
};

void kinds_define(lull_heap *heap, struct kinds *kinds);

/* Makes an object; NULL when the allocation failed. May poll before; the object is fresh. */
struct thing *thing_new(lull_thread *thread, const struct kinds *kinds, enum kind kind,
                        size_t length, uint64_t id);

/* A length for an object of the kind: mostly short, sometimes large; `wide` allows hundreds of KB.
 */
size_t thing_random_length(struct random *random, enum kind kind, bool wide);

static inline enum class thing_class(const struct thing *thing) {
  return (enum class)(thing->id >> 62);
}

static inline uint64_t thing_id(enum class class, uint64_t rest) {
  return (uint64_t) class << 62 | (rest & UINT64_MAX >> 2);
}

/* By the type in the header; ends the program when it is none of the heap's. */
enum kind thing_kind(const struct kinds *kinds, const struct thing *thing);
const char *kind_name(enum kind kind);

/* The length of an array, else 0. */
size_t thing_length(enum kind kind, const struct thing *thing);

/* How many references it has, and the i-th of them. */
size_t thing_slots(enum kind kind, const struct thing *thing);
void **thing_slot(enum kind kind, struct thing *thing, size_t i);

/* Whether the slots stand one after another. */
bool kind_contiguous(enum kind kind);

/* Ends the program unless the object is alive and whole: header, id, checksum. Returns its kind. */
enum kind thing_check(const struct kinds *kinds, const struct thing *thing);
/* Every word that is not a reference, and the size as the library sees it, too. */
void thing_check_all(lull_heap *heap, const struct kinds *kinds, struct thing *thing);

#endif
