/*
 * lull/object.h: the object header and type descriptors.
 *
 * A managed struct has a lull_object as its first member. References are plain
 * pointers to that first member (never into the middle of an object), or NULL.
 * An object never moves in the default configuration.
 */
#ifndef LULL_OBJECT_H
#define LULL_OBJECT_H

#include <lull/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The 8-byte header. The collector owns type_word and log_epoch: a user never
 * writes them. `user` is the embedder's own, and is to be accessed as 16 bits
 * only (a wider access would race with the store barrier).
 *
 * type_word: bits 0..26 the type's index, 27..29 age, 30 pinned, 31 forwarded.
 * log_epoch: read by every store barrier, written by its slow path (see
 * lull/barrier.h); both with __atomic accesses.
 */
typedef struct lull_object {
  uint32_t type_word;
  uint16_t log_epoch;
  uint16_t user;
} lull_object;

#define LULL_TYPE_INDEX_MASK 0x07ffffffu

/* A type's index in its heap. 0 is never a type. */
typedef uint32_t lull_type;

/* What a range of words may hold. */
typedef enum lull_refs {
  LULL_REFS_NONE = 0,  /* no references */
  LULL_REFS_MAP,       /* the words whose bit is set in `map` */
  LULL_REFS_ALL,       /* every word from `from` to the end is a reference or NULL */
  LULL_REFS_TRACE      /* ask the callback (fixed part only) */
} lull_refs;

/* Passed through a trace callback; opaque. */
typedef struct lull_visitor lull_visitor;

/*
 * Reports one reference slot: from a trace callback (lull_trace_fn) an aligned word inside the
 * object being traced, from a root callback (lull_roots_fn) any aligned word that holds an object
 * or NULL. Only there, once for each slot, with the visitor that the callback was given. O(1).
 */
LULL_API void lull_visit(lull_visitor *visitor, void *slot) LULL_NONNULL(1, 2);

/*
 * A trace callback reports every reference slot of `object` by lull_visit. It is
 * called by the collector, by helpers, and by mutators (barrier slow path,
 * assists, steps) at any time, by several threads at once, and concurrently
 * with stores into the object. It must not call Lull but for lull_visit, wait,
 * store, or depend on anything but immutable parts of the object and its
 * references' addresses.
 */
typedef void lull_trace_fn(void *object, lull_visitor *visitor);

/*
 * Describes a part of an object: where its references are. Offsets count from the
 * start of the object for the fixed part, from the start of the element for elements.
 */
typedef struct lull_layout {
  lull_refs refs;
  uint32_t from;        /* LULL_REFS_ALL: offset in bytes of the first reference; multiple of 8 */
  const uint64_t *map;  /* LULL_REFS_MAP: bit i set = the word at offset 8*i is a reference */
  size_t map_words;     /* how many uint64_t `map` has */
} lull_layout;

/*
 * The name of a word of an object, for the verifier's reports and for tools. Any word but the
 * header may have one, at most one each, whether it is a reference or not.
 */
typedef struct lull_field {
  const char *name;  /* not empty; at most 63 bytes are kept */
  size_t offset;     /* multiple of 8; from the start of the object, or of the element */
} lull_field;

/* The lull_field of a member: LULL_FIELD(struct node, left). */
#define LULL_FIELD(type, member) {#member, offsetof(type, member)}

/*
 * A type. The fixed part starts with the lull_object header; an array type adds `length` elements
 * of element_size bytes from offset `size` on, and the library stores the length (a size_t,
 * immutable) at length_offset inside the fixed part. Everything is copied by lull_type_define;
 * nothing needs to outlive the call. New members are added at the end: lull_type_define takes the
 * struct_size of every version (the first had no names of fields) and what is missing as 0.
 */
typedef struct lull_type_desc {
  uint32_t struct_size;     /* sizeof(lull_type_desc); versions this struct */
  const char *name;         /* for logs and tools; at most 63 bytes are kept */
  size_t size;              /* bytes of the fixed part with the header; multiple of 8, 8 or more */
  lull_layout layout;       /* references of the fixed part; the header's word must not be one */
  lull_trace_fn *trace;     /* for LULL_REFS_TRACE, else NULL */
  size_t element_size;      /* 0 = not an array; any size for elements without references,
                               else a multiple of 8 */
  size_t length_offset;     /* arrays: offset of the size_t length; multiple of 8, inside the fixed
                               part */
  lull_layout element;      /* references of each element: NONE, MAP (first 64 words) or ALL */
  const lull_field *fields; /* names of words of the fixed part, in any order; NULL if there are
                               none */
  size_t field_count;
  const lull_field *element_fields; /* names of words of each element */
  size_t element_field_count;
} lull_type_desc;

/*
 * Defines a type in a heap. Any thread, attached or not; takes a lock; O(size of the maps), and O(n
 * log n) for n names. Returns LULL_OK and the index in *type, LULL_E_DESCRIPTOR if the descriptor
 * contradicts itself (a reference outside the object, on the header or on the length word, overlap,
 * unaligned offset, missing callback, a name for a word that is not there, two for one),
 * LULL_E_RANGE if a size overflows or is beyond LULL_SIZE_MAX, LULL_E_MEMORY when there is no room
 * for a further type (1 << 20 types). Types live as long as the heap.
 */
LULL_API lull_status lull_type_define(lull_heap *heap, const lull_type_desc *desc,
                                      lull_type *type) LULL_NODISCARD;

/* The largest object in bytes; larger requests fail at once with LULL_E_RANGE. */
#define LULL_SIZE_MAX ((size_t)1 << 40)

/* The index of an object's type. Any thread that may hold the object. O(1). */
static inline lull_type lull_type_of(const void *object) {
  return __atomic_load_n(&((const lull_object *)object)->type_word, __ATOMIC_RELAXED) &
         LULL_TYPE_INDEX_MASK;
}

/*
 * The name given at definition, the heap's as long as the heap lives, or NULL for an index that is
 * not a type. Any thread, O(1).
 */
LULL_API const char *lull_type_name(lull_heap *heap, lull_type type);

/*
 * Writes into buffer which field the word at `offset` bytes from an object's start is: "node.left",
 * "table[17].key"; without a name "node+24", "vector[3]", "table[17]+8". At most `size` bytes
 * including the 0 at the end; buffer may be NULL when size is 0. Returns the bytes of the whole
 * text without the 0, as snprintf; 0 (and an empty text) for an index that is not a type. The
 * length of arrays is not looked at. Any thread, O(log of the names).
 */
LULL_API size_t lull_field_name(lull_heap *heap, lull_type type, size_t offset, char *buffer,
                                size_t size);

/*
 * The object's size in bytes as allocated (rounded up to 8). Any thread that may hold the object;
 * O(1).
 */
LULL_API size_t lull_size_of(lull_heap *heap, const void *object) LULL_NONNULL(1, 2);

/*
 * LULL_BIT gives the map bit of a member within the first 64 words:
 *   static const uint64_t map[] = { LULL_BIT(struct node, left) | LULL_BIT(struct node, right) };
 */
#define LULL_WORD(type, member) (offsetof(type, member) / 8)
#define LULL_BIT(type, member) ((uint64_t)1 << LULL_WORD(type, member))

#ifdef __cplusplus
}
#endif
#endif
