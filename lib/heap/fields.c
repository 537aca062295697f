/*
 * heap/fields.c: the names of a type's fields: checked and copied when the type is defined, looked
 * up when a report is written.
 *
 * Names are input, as the rest of a descriptor: counts are bounded by the words that there are
 * before a field is read. Names are for whole words, because a reference is one.
 *
 * Threads: any; a table is complete before its type's index is given out, and constant after.
 */
#include "heap/fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "heap/heap.h"
#include "support/memory.h"

#define WORD ((size_t)8)
#define LONGEST ((size_t)63) /* bytes of a name that are kept */

/* A part of `bytes` bytes, whose words from `first` on may be named. */
static const char *part_fault(const lull_field *fields, size_t count, size_t first, size_t bytes) {
  if (count == 0)
    return NULL;
  if (fields == NULL)
    return "the names of fields are missing";
  if (count > (bytes + WORD - 1) / WORD)
    return "more fields are named than there are words";
  for (size_t i = 0; i < count; i++) {
    if (fields[i].name == NULL || fields[i].name[0] == '\0')
      return "a field has no name";
    if (fields[i].offset % WORD != 0)
      return "the offset of a named field is no multiple of 8";
    if (fields[i].offset < first || fields[i].offset >= bytes)
      return "a named field lies outside, or on the header";
  }
  return NULL;
}

const char *lu_fields_fault(const lull_type_desc *desc) {
  const char *fault =
      part_fault(desc->fields, desc->field_count, sizeof(lull_object), desc->size);
  if (fault == NULL)
    fault = part_fault(desc->element_fields, desc->element_field_count, 0, desc->element_size);
  return fault;
}

static size_t text_bytes(const lull_field *fields, size_t count) {
  size_t bytes = 0;
  for (size_t i = 0; i < count; i++)
    bytes += strnlen(fields[i].name, LONGEST) + 1;
  return bytes;
}

/* Copies fields to `to` and their texts to *text, which moves on. */
static void copy_part(const lull_field *fields, size_t count, lull_field *to, char **text) {
  for (size_t i = 0; i < count; i++) {
    size_t length = strnlen(fields[i].name, LONGEST);
    memcpy(*text, fields[i].name, length);
    (*text)[length] = '\0';
    to[i] = (lull_field){*text, fields[i].offset};
    *text += length + 1;
  }
}

static int by_offset(const void *a, const void *b) {
  size_t left = ((const lull_field *)a)->offset, right = ((const lull_field *)b)->offset;
  return (left > right) - (left < right);
}

/* Whether no offset stands twice. */
static bool sort_part(lull_field *fields, size_t count) {
  qsort(fields, count, sizeof *fields, by_offset);
  for (size_t i = 1; i < count; i++)
    if (fields[i - 1].offset == fields[i].offset)
      return false;
  return true;
}

const char *lu_fields_copy(const lull_type_desc *desc, struct lu_field_names **names,
                           lull_status *status) {
  size_t fixed = desc->field_count, element = desc->element_field_count;
  *names = NULL;
  if (fixed + element == 0)
    return NULL;
  size_t lists = sizeof **names + (fixed + element) * sizeof(lull_field);
  size_t texts = text_bytes(desc->fields, fixed) + text_bytes(desc->element_fields, element);
  struct lu_field_names *copy = lu_alloc_array(LU_FAULT_METADATA, lists + texts, 1);
  if (copy == NULL) {
    *status = LULL_E_MEMORY;
    return "no memory for the names of its fields";
  }
  lull_field *fields = (lull_field *)(copy + 1);
  char *text = (char *)copy + lists;
  copy_part(desc->fields, fixed, fields, &text);
  copy_part(desc->element_fields, element, fields + fixed, &text);
  if (!sort_part(fields, fixed) || !sort_part(fields + fixed, element)) {
    lu_free(copy);
    *status = LULL_E_DESCRIPTOR;
    return "two names for one field";
  }
  copy->fixed = (struct lu_field_list){fixed, fields};
  copy->element = (struct lu_field_list){element, fields + fixed};
  *names = copy;
  return NULL;
}

/* The name of the word at an offset of a part, or NULL. */
static const char *name_in(const struct lu_field_list *list, size_t offset) {
  const lull_field key = {NULL, offset};
  const lull_field *found =
      list->count == 0 ? NULL : bsearch(&key, list->field, list->count, sizeof key, by_offset);
  return found != NULL ? found->name : NULL;
}

size_t lu_field_text(const struct lu_type *type, size_t offset, char *text, size_t size) {
  static const struct lu_field_names none;
  const struct lu_field_names *names = type->names != NULL ? type->names : &none;
  bool in_element = offset >= type->size && type->element_size != 0;
  size_t index = in_element ? (offset - type->size) / type->element_size : 0;
  size_t into = in_element ? (offset - type->size) % type->element_size : offset;
  const char *name = name_in(in_element ? &names->element : &names->fixed, into);
  char place[32] = "";
  if (in_element)
    snprintf(place, sizeof place, "[%zu]", index);
  int length;
  if (name != NULL)
    length = snprintf(text, size, "%s%s.%s", type->name, place, name);
  else if (in_element && into == 0)
    length = snprintf(text, size, "%s%s", type->name, place);
  else
    length = snprintf(text, size, "%s%s+%zu", type->name, place, into);
  return (size_t)length;
}

struct lu_field_described lu_field_describe(const struct lu_type *type, size_t offset) {
  struct lu_field_described described;
  lu_field_text(type, offset, described.text, sizeof described.text);
  return described;
}

size_t lull_field_name(lull_heap *heap, lull_type type, size_t offset, char *buffer, size_t size) {
  if (buffer == NULL)
    size = 0;
  if (size != 0)
    buffer[0] = '\0';
  if (lull_type_name(heap, type) == NULL)
    return 0;
  return lu_field_text(&heap->types.rows[type], offset, buffer, size);
}
