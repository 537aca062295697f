/*
 * verify/walk.c: sizes and reference slots of an object, by the descriptor. Any thread; reads the
 * row and the object only.
 */
#include "verify/walk.h"

#include <string.h>

size_t lu_walk_size(const struct lu_type *type, const void *object) {
  size_t size = type->size, length, elements;
  if (type->element_size != 0) {
    memcpy(&length, (const char *)object + type->length_offset, sizeof length);
    if (__builtin_mul_overflow(length, (size_t)type->element_size, &elements) ||
        __builtin_add_overflow(size, elements, &size))
      return 0;
  }
  return size > SIZE_MAX - 7 ? 0 : (size + 7) / 8 * 8;
}

/* Whether the word at this offset of the fixed part is a reference. */
static bool is_fixed_slot(const struct lu_type *type, size_t offset) {
  size_t word = offset / sizeof(void *);
  switch ((lull_refs)type->refs) {
  case LULL_REFS_MAP:
    if (type->long_map != NULL)
      return word / 64 < type->long_words && (type->long_map[word / 64] >> (word % 64) & 1) != 0;
    return word < 64 && (type->map >> word & 1) != 0;
  case LULL_REFS_ALL:
    return offset >= type->from;
  default:
    return false;
  }
}

/* The same of an element; offset counts from the element's start. */
static bool is_element_slot(const struct lu_type *type, size_t offset) {
  size_t word = offset / sizeof(void *);
  switch ((lull_refs)type->element_refs) {
  case LULL_REFS_MAP:
    return word < 64 && (type->element_map >> word & 1) != 0;
  case LULL_REFS_ALL:
    return offset >= type->element_from;
  default:
    return false;
  }
}

struct traced {
  struct lull_visitor visitor; /* first: lull_visit hands its address back */
  void (*fn)(void **slot, void *arg);
  void *arg;
};

static void visited(struct lull_visitor *visitor, void **slot) {
  struct traced *traced = (struct traced *)(void *)visitor;
  traced->fn(slot, traced->arg);
}

static void walk_elements(const struct lu_type *type, char *object,
                          void (*fn)(void **slot, void *arg), void *arg) {
  size_t length;
  memcpy(&length, object + type->length_offset, sizeof length);
  for (size_t i = 0; i < length; i++) {
    char *element = object + type->size + i * type->element_size;
    for (size_t offset = 0; offset + sizeof(void *) <= type->element_size; offset += sizeof(void *))
      if (is_element_slot(type, offset))
        fn((void **)(void *)(element + offset), arg);
  }
}

void lu_walk_slots(const struct lu_type *type, void *object, void (*fn)(void **slot, void *arg),
                   void *arg) {
  if (type->refs == LULL_REFS_TRACE) {
    struct traced traced = {{visited, NULL, (char *)UINTPTR_MAX, NULL}, fn, arg};
    type->trace(object, &traced.visitor);
  } else {
    for (size_t offset = sizeof(lull_object); offset < type->size; offset += sizeof(void *))
      if (is_fixed_slot(type, offset))
        fn((void **)(void *)((char *)object + offset), arg);
  }
  if (type->element_size != 0 && type->element_refs != LULL_REFS_NONE)
    walk_elements(type, object, fn, arg);
}
