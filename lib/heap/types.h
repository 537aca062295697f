/*
 * heap/types.h: type descriptors, compiled for the marker, and walks over an object's references.
 *
 * The tables are reserved for LU_TYPES_MAX types and filled under a lock; a row is complete before
 * its index is given out, and never changes. Readers take no lock.
 */
#ifndef LU_HEAP_TYPES_H
#define LU_HEAP_TYPES_H

#include <lull/alloc.h>
#include <lull/object.h>
#include "heap/fields.h"
#include "support/lock.h"

#define LU_TYPES_MAX ((uint32_t)1 << 20)

/* The first cache line is all that a marker reads. */
struct lu_type {
  size_t size;               /* fixed part, bytes */
  size_t element_size;       /* 0 = not an array */
  uint64_t map;              /* MAP: first 64 words */
  uint64_t element_map;
  const uint64_t *long_map;  /* MAP of more than 64 words: all of it; owned; else NULL */
  uint32_t length_offset;
  uint32_t from;             /* ALL: first offset, bytes */
  uint32_t element_from;
  uint8_t refs;              /* lull_refs of the fixed part; NONE when its map is empty */
  uint8_t element_refs;
  bool leaf;                 /* no references at all */
  bool simple;               /* not an array, refs MAP within 64 words: `map` is all there is */
  lull_trace_fn *trace;
  uint32_t long_words;
  char name[64];
  struct lu_field_names *names; /* heap/fields.h; owned; NULL = none */
} __attribute__((aligned(64)));

struct lu_types {
  struct lu_lock lock;
  _Atomic uint32_t count;               /* rows below, but 0, are valid; written under lock
                                           (release) */
  struct lu_type *rows;                 /* reserved */
  struct lull_type_info *infos;         /* reserved; what lull_new reads */
};

lull_status lu_types_init(struct lu_types *types);
void lu_types_fini(struct lu_types *types);
/* lull_type_define, with its log line (api). */
lull_status lu_types_define(struct lu_types *types, const lull_type_desc *desc, lull_type *type);

/* Bytes of an object, a multiple of 8. */
static inline size_t lu_type_object_size(const struct lu_type *type, const void *object) {
  size_t size = type->size;
  if (type->element_size != 0)
    size += *(const size_t *)((const char *)object + type->length_offset) * type->element_size;
  return (size + 7) & ~(size_t)7;
}

struct lull_visitor {
  void (*slot)(struct lull_visitor *visitor, void **slot);
  /* Only slots in [low, high) count (cards, pieces of arrays); lull_visit applies it. */
  char *low, *high;
  void *context;
};

#include "heap/scan.h"   /* lu_scan_slots: the walk over reference slots */

#endif
