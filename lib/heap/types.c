/*
 * heap/types.c: checks type descriptors and compiles them for the marker.
 *
 *   T.1  Whatever the descriptor says, every slot that a walk of the compiled row yields is an
 *        aligned word inside an object of that type, behind its header, and not its length word.
 *   T.2  A row is complete before `count` covers it (release), and constant from then on: readers
 *        need an index that was given out, no lock.
 *
 * Descriptors are input: no field is trusted, and no word of a map is read before the map's length
 * is known to fit. Layouts are compiled to the cheapest form that says the same: an empty map is
 * NONE; ALL within 64 words is a map; a full element map is ALL from 0.
 *
 * Threads: any; the tables grow under types->lock.
 */
#include "heap/types.h"

#include <string.h>
#include "heap/heap.h"
#include "heap/layout.h"
#include "support/assert.h"
#include "support/error.h"
#include "support/memory.h"

/* A word of the object, in bytes. */
#define WORD ((size_t)8)

struct refusal {
  lull_status status;
  const char *why; /* NULL: none */
};

static const struct refusal accepted = {LULL_OK, NULL};

static struct refusal contradiction(const char *why) {
  return (struct refusal){LULL_E_DESCRIPTOR, why};
}

static size_t words_of_map(size_t bytes) { return (bytes / WORD + 63) / 64; }

static bool map_has(const lull_layout *layout, size_t word) {
  return word / 64 < layout->map_words && (layout->map[word / 64] >> (word % 64) & 1);
}

/* Whether a reference is named at or beyond the end of `bytes`; the map has words_of_map(bytes)
 * words at most. */
static bool map_exceeds(const lull_layout *layout, size_t bytes) {
  size_t words = bytes / WORD;
  return words % 64 != 0 && words / 64 < layout->map_words &&
         layout->map[words / 64] >> (words % 64) != 0;
}

/* What the fixed part and an element have in common: bytes is its size. */
static struct refusal check_layout(const lull_layout *layout, size_t bytes) {
  switch (layout->refs) {
  case LULL_REFS_NONE:
  case LULL_REFS_TRACE:
    return accepted;
  case LULL_REFS_MAP:
    if (layout->map == NULL && layout->map_words != 0)
      return contradiction("a reference map is missing");
    if (layout->map_words > words_of_map(bytes))
      return contradiction("a reference map is longer than what it describes");
    if (map_exceeds(layout, bytes))
      return contradiction("a reference map names a word outside");
    return accepted;
  case LULL_REFS_ALL:
    if (layout->from % WORD != 0)
      return contradiction("the offset of the first reference is no multiple of 8");
    if (layout->from > bytes)
      return contradiction("the first reference lies outside");
    return accepted;
  }
  return contradiction("a layout is of no known kind");
}

/* Whether the fixed part has a reference at this offset, a multiple of 8. */
static bool refers_at(const lull_layout *layout, size_t offset) {
  return (layout->refs == LULL_REFS_MAP && map_has(layout, offset / WORD)) ||
         (layout->refs == LULL_REFS_ALL && layout->from <= offset);
}

static struct refusal check_fixed(const lull_type_desc *desc) {
  if (desc->size > LULL_SIZE_MAX)
    return (struct refusal){LULL_E_RANGE, "the size is beyond LULL_SIZE_MAX"};
  if (desc->size < sizeof(lull_object) || desc->size % WORD != 0)
    return contradiction("the size is not a multiple of 8 that holds the header");
  if ((desc->layout.refs == LULL_REFS_TRACE) != (desc->trace != NULL))
    return contradiction(desc->trace == NULL ? "the trace callback is missing"
                                             : "a trace callback without LULL_REFS_TRACE");
  struct refusal refusal = check_layout(&desc->layout, desc->size);
  if (refusal.why == NULL && refers_at(&desc->layout, 0))
    return contradiction("the header's word is named as a reference");
  return refusal;
}

static struct refusal check_elements(const lull_type_desc *desc) {
  const lull_layout *layout = &desc->element;
  if (desc->element_size == 0)
    return layout->refs == LULL_REFS_NONE ? accepted
                                          : contradiction("elements of no size have references");
  if (desc->element_size > LULL_SIZE_MAX)
    return (struct refusal){LULL_E_RANGE, "the element size is beyond LULL_SIZE_MAX"};
  if (desc->length_offset % WORD != 0)
    return contradiction("the length's offset is no multiple of 8");
  if (desc->length_offset < sizeof(lull_object) || desc->length_offset > desc->size - WORD)
    return contradiction("the length lies outside the fixed part, or on the header");
  if (desc->length_offset > UINT32_MAX)
    return (struct refusal){LULL_E_RANGE, "the length's offset is beyond 4 GB"};
  if (refers_at(&desc->layout, desc->length_offset))
    return contradiction("the length's word is named as a reference");
  if (layout->refs == LULL_REFS_NONE)
    return accepted;
  if (layout->refs == LULL_REFS_TRACE)
    return contradiction("elements cannot be traced by a callback");
  if (desc->element_size % WORD != 0)
    return contradiction("elements with references have a size that is no multiple of 8");
  if (layout->refs == LULL_REFS_MAP && layout->map_words > 1)
    return contradiction("the reference map of an element has more than 64 words");
  return check_layout(layout, desc->element_size);
}

/* The first version had no names of fields. */
#define FIRST_VERSION offsetof(lull_type_desc, fields)

/* The descriptor as one of the current version; what its own lacks is 0. */
static struct refusal read_desc(const lull_type_desc *given, lull_type_desc *desc) {
  memset(desc, 0, sizeof *desc);
  if (given->struct_size >= FIRST_VERSION)
    desc->name = given->name;
  if (given->struct_size != sizeof *desc && given->struct_size != FIRST_VERSION)
    return contradiction("struct_size is not that of a version of lull_type_desc");
  memcpy(desc, given, given->struct_size);
  return accepted;
}

static struct refusal check_desc(const lull_type_desc *desc) {
  struct refusal refusal = check_fixed(desc);
  if (refusal.why == NULL)
    refusal = check_elements(desc);
  const char *fault = refusal.why == NULL ? lu_fields_fault(desc) : NULL;
  return fault != NULL ? contradiction(fault) : refusal;
}

/* A map of the words in [from, bytes), one at least; bytes is at most 64 words. */
static uint64_t words_from(size_t from, size_t bytes) {
  size_t end = bytes / WORD, start = from / WORD;
  return (end == 64 ? ~(uint64_t)0 : ((uint64_t)1 << end) - 1) & ~(uint64_t)0 << start;
}

/* Copies a map without the zero words at its end. False without memory. */
static bool copy_map(const lull_layout *layout, struct lu_type *row) {
  size_t words = layout->map_words;
  while (words > 0 && layout->map[words - 1] == 0)
    words--;
  row->map = words > 0 ? layout->map[0] : 0;
  row->refs = words > 0 ? LULL_REFS_MAP : LULL_REFS_NONE;
  if (words <= 1)
    return true;
  uint64_t *copy = lu_alloc_array(LU_FAULT_METADATA, words, sizeof *copy);
  if (copy == NULL)
    return false;
  memcpy(copy, layout->map, words * sizeof *copy);
  row->long_map = copy;
  row->long_words = (uint32_t)words;
  return true;
}

static bool compile_fixed(const lull_type_desc *desc, struct lu_type *row) {
  row->size = desc->size;
  row->refs = (uint8_t)desc->layout.refs;
  row->trace = desc->trace;
  if (row->refs == LULL_REFS_MAP)
    return copy_map(&desc->layout, row);
  if (row->refs != LULL_REFS_ALL)
    return true;
  row->from = desc->layout.from;
  if (row->from == row->size) {
    row->refs = LULL_REFS_NONE;
  } else if (row->size <= 64 * WORD) {
    row->map = words_from(row->from, row->size);
    row->refs = LULL_REFS_MAP;
  }
  return true;
}

static void compile_elements(const lull_type_desc *desc, struct lu_type *row) {
  const lull_layout *layout = &desc->element;
  if (desc->element_size == 0)
    return;
  row->element_size = desc->element_size;
  row->length_offset = (uint32_t)desc->length_offset;
  row->element_refs = (uint8_t)layout->refs;
  if (layout->refs == LULL_REFS_MAP) {
    row->element_map = layout->map_words > 0 ? layout->map[0] : 0;
    if (row->element_map == 0)
      row->element_refs = LULL_REFS_NONE;
    else if (row->element_size <= 64 * WORD && row->element_map == words_from(0, row->element_size))
      row->element_refs = LULL_REFS_ALL;
  } else if (layout->refs == LULL_REFS_ALL) {
    row->element_from = layout->from;
    if (layout->from == desc->element_size)
      row->element_refs = LULL_REFS_NONE;
  }
}

/* Fills a zeroed row. */
static struct refusal compile(const lull_type_desc *desc, struct lu_type *row) {
  static const struct refusal no_memory = {LULL_E_MEMORY, "no room for a further type"};
  struct refusal refusal = accepted;
  const char *name = desc->name != NULL ? desc->name : "(unnamed)";
  memcpy(row->name, name, strnlen(name, sizeof row->name - 1));
  if (lu_fault(LU_FAULT_TYPE) || !compile_fixed(desc, row))
    return no_memory;
  compile_elements(desc, row);
  row->leaf = row->refs == LULL_REFS_NONE && row->element_refs == LULL_REFS_NONE;
  row->simple = row->element_size == 0 && row->refs == LULL_REFS_MAP && row->long_map == NULL;
  refusal.why = lu_fields_copy(desc, &row->names, &refusal.status);
  return refusal;
}

/* Frees what a row owns. */
static void end_row(const struct lu_type *row) {
  lu_free((void *)(uintptr_t)row->long_map);
  lu_free(row->names);
}

/* Gives a compiled row an index; 0 when the table is full. */
static lull_type add_row(struct lu_types *types, const struct lu_type *row) {
  lu_lock(&types->lock);
  uint32_t index = atomic_load_explicit(&types->count, memory_order_relaxed);
  if (index == LU_TYPES_MAX) {
    lu_unlock(&types->lock);
    return 0;
  }
  types->rows[index] = *row;
  types->infos[index].fixed_size =
      row->element_size == 0 && row->size <= LU_SMALL_MAX ? (uint32_t)row->size : 0;
  atomic_store_explicit(&types->count, index + 1, memory_order_release);
  lu_unlock(&types->lock);
  return index;
}

/* Compiles a descriptor and gives it an index. */
static struct refusal define(struct lu_types *types, const lull_type_desc *desc, lull_type *type) {
  struct lu_type row;
  memset(&row, 0, sizeof row);
  struct refusal refusal = compile(desc, &row);
  lull_type index = refusal.why == NULL ? add_row(types, &row) : 0;
  if (refusal.why == NULL && index == 0)
    refusal = (struct refusal){LULL_E_MEMORY, "no room for a further type"};
  if (refusal.why != NULL)
    end_row(&row);
  else
    *type = index;
  return refusal;
}

lull_status lu_types_define(struct lu_types *types, const lull_type_desc *given, lull_type *type) {
  lull_type_desc desc;
  struct refusal refusal = read_desc(given, &desc);
  if (refusal.why == NULL)
    refusal = check_desc(&desc);
  if (refusal.why == NULL)
    refusal = define(types, &desc, type);
  if (refusal.why == NULL)
    return LULL_OK;
  return lu_reject(refusal.status, "lull_type_define: type %.63s: %s",
                   desc.name != NULL ? desc.name : "(unnamed)", refusal.why);
}

static size_t table_bytes(size_t row_size) {
  size_t page = lu_page_size();
  return (LU_TYPES_MAX * row_size + page - 1) & ~(page - 1);
}

lull_status lu_types_init(struct lu_types *types) {
  memset(types, 0, sizeof *types);
  lu_lock_init(&types->lock);
  atomic_store_explicit(&types->count, LU_FILLER_TYPE + 1, memory_order_relaxed);
  types->rows = lu_reserve(table_bytes(sizeof *types->rows), lu_page_size());
  types->infos = lu_reserve(table_bytes(sizeof *types->infos), lu_page_size());
  if (types->rows != NULL && types->infos != NULL)
    return LULL_OK;
  lu_types_fini(types);
  return LULL_E_MEMORY;
}

void lu_types_fini(struct lu_types *types) {
  uint32_t count = atomic_load_explicit(&types->count, memory_order_relaxed);
  for (uint32_t i = LU_FILLER_TYPE + 1; types->rows != NULL && i < count; i++)
    end_row(&types->rows[i]);
  lu_unreserve(types->rows, table_bytes(sizeof *types->rows));
  lu_unreserve(types->infos, table_bytes(sizeof *types->infos));
  types->rows = NULL;
  types->infos = NULL;
  lu_lock_destroy(&types->lock);
}

lull_status lull_type_define(lull_heap *heap, const lull_type_desc *desc, lull_type *type) {
  if (heap == NULL || desc == NULL || type == NULL)
    return lu_reject(LULL_E_ARGUMENT, "lull_type_define: heap, desc and type must not be NULL");
  return lu_types_define(&heap->types, desc, type);
}

const char *lull_type_name(lull_heap *heap, lull_type type) {
  if (heap == NULL || type == LU_FILLER_TYPE ||
      type >= atomic_load_explicit(&heap->types.count, memory_order_acquire))
    return NULL;
  return heap->types.rows[type].name;
}

size_t lull_size_of(lull_heap *heap, const void *object) {
  lull_type type = lull_type_of(object);
  LU_ASSERT(type != LU_FILLER_TYPE &&
            type < atomic_load_explicit(&heap->types.count, memory_order_acquire));
  return lu_type_object_size(&heap->types.rows[type], object);
}

void lull_visit(lull_visitor *visitor, void *slot) {
  char *at = (char *)slot;
  LU_ASSERT((uintptr_t)at % sizeof(void *) == 0);
  if (visitor->low == NULL || (at >= visitor->low && at < visitor->high))
    visitor->slot(visitor, (void **)at);
}
