/*
 * json.h: managed trees of objects with members, arrays, strings and numbers; writing them into a
 * byte array that doubles when it is full, parsing that text, and hashing. Compiled with the one
 * workload that includes it, since mem_* differ.
 *
 * A tree is not changed when it is done. Functions that make objects root their arguments if they
 * need them afterwards; a tree or a text that is only read is in a root of the caller's.
 */
#ifndef BENCH_WORKLOADS_JSON_H
#define BENCH_WORKLOADS_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "bench/memory/memory.h"
#include "stress/common/check.h"
#include "stress/common/random.h"

/* Lengths of the first arrays; each further one is twice as long. */
enum { FIRST_BUFFER = 512, FIRST_ITEMS = 4 };

enum kind { KIND_NUMBER = 1, KIND_TEXT, KIND_ARRAY, KIND_OBJECT };

/* What all values begin with. */
struct value {
  lull_object header;
  uint64_t kind;
};

struct number {
  struct value base;
  int64_t thousandths;
};

struct text {
  struct value base;
  size_t length;
  char bytes[];
};

struct array {
  struct value base;
  size_t length;
  struct value *items[];
};

struct pair {
  lull_object header;
  struct text *name;
  struct value *value;
  struct pair *next;
};

struct object {
  struct value base;
  struct pair *first;
};

struct buffer {
  lull_object header;
  size_t length;
  char bytes[];
};

static mem_type number_type, text_type, array_type, pair_type, object_type, buffer_type;

static void json_define_types(void) {
  number_type = mem_record("number", sizeof(struct number), 0);
  text_type = mem_array("text", sizeof(struct text), offsetof(struct text, length), 1, 0);
  array_type = mem_array("array", sizeof(struct array), offsetof(struct array, length),
                         sizeof(struct value *), 1);
  pair_type = mem_record("pair", sizeof(struct pair),
                         LULL_BIT(struct pair, name) | LULL_BIT(struct pair, value) |
                             LULL_BIT(struct pair, next));
  object_type = mem_record("object", sizeof(struct object), LULL_BIT(struct object, first));
  buffer_type = mem_array("buffer", sizeof(struct buffer), offsetof(struct buffer, length), 1, 0);
}

static struct value *new_number(mem_thread *thread, int64_t thousandths) {
  struct number *number = mem_new(thread, number_type, sizeof *number);

  number->base.kind = KIND_NUMBER;
  number->thousandths = thousandths;
  return &number->base;
}

static struct text *new_text(mem_thread *thread, size_t length) {
  struct text *text = mem_new_array(thread, text_type, length);

  text->base.kind = KIND_TEXT;
  return text;
}

static struct array *new_array(mem_thread *thread, size_t length) {
  struct array *array = mem_new_array(thread, array_type, length);

  array->base.kind = KIND_ARRAY;
  return array;
}

/* A new array with the first `count` items, and more room or less. */
static struct array *copy_items(mem_thread *thread, struct array *from, size_t count,
                                size_t length) {
  struct array *array;
  MEM_ROOTS(thread, from);

  array = new_array(thread, length);
  for (size_t i = 0; i < count; i++)
    mem_init(thread, array, &array->items[i], from->items[i]);
  mem_free(thread, from);
  return array;
}

static struct object *new_object(mem_thread *thread) {
  struct object *object = mem_new(thread, object_type, sizeof *object);

  object->base.kind = KIND_OBJECT;
  mem_init(thread, object, &object->first, NULL);
  return object;
}

/* Adds a member behind `last` (NULL: the first). Returns it; it is reachable through the object. */
static struct pair *add_member(mem_thread *thread, struct object *object, struct pair *last,
                               struct text *name, struct value *value) {
  struct pair *pair;
  MEM_ROOTS(thread, object, name, value);

  pair = mem_new(thread, pair_type, sizeof *pair);
  mem_init(thread, pair, &pair->name, name);
  mem_init(thread, pair, &pair->value, value);
  mem_init(thread, pair, &pair->next, NULL);
  if (last)
    mem_store(thread, last, &last->next, pair);
  else
    mem_store(thread, object, &object->first, pair);
  return pair;
}

static void free_value(mem_thread *thread, struct value *value);

static void free_members(mem_thread *thread, struct pair *pair) {
  for (struct pair *next; pair; pair = next) {
    next = pair->next;
    mem_free(thread, pair->name);
    free_value(thread, pair->value);
    mem_free(thread, pair);
  }
}

static void free_value(mem_thread *thread, struct value *value) {
  if (!MEM_FREES)
    return;
  if (value->kind == KIND_OBJECT)
    free_members(thread, ((struct object *)value)->first);
  if (value->kind == KIND_ARRAY)
    for (size_t i = 0; i < ((struct array *)value)->length; i++)
      free_value(thread, ((struct array *)value)->items[i]);
  mem_free(thread, value);
}

/* Hashes depend on all contents and their order. */
static uint64_t hash_text(const struct text *text) {
  uint64_t hash = text->length, word;
  size_t i = 0;

  for (; i + 8 <= text->length; i += 8) {
    memcpy(&word, text->bytes + i, 8);
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 32;
  }
  for (; i < text->length; i++)
    hash = hash * 31 + (unsigned char)text->bytes[i];
  return hash;
}

static uint64_t hash_value(const struct value *value);

static uint64_t hash_array(const struct array *array) {
  uint64_t hash = array->length;

  for (size_t i = 0; i < array->length; i++)
    hash = random_mix(hash + hash_value(array->items[i]));
  return hash;
}

static uint64_t hash_object(const struct object *object) {
  uint64_t hash = 0;

  for (const struct pair *pair = object->first; pair; pair = pair->next)
    hash = random_mix(hash + hash_text(pair->name) * 3 + hash_value(pair->value));
  return hash;
}

/* Does not poll. */
static uint64_t hash_value(const struct value *value) {
  switch (value->kind) {
  case KIND_NUMBER:
    return random_mix((uint64_t)((const struct number *)value)->thousandths);
  case KIND_TEXT:
    return hash_text((const struct text *)value);
  case KIND_ARRAY:
    return hash_array((const struct array *)value);
  case KIND_OBJECT:
    return hash_object((const struct object *)value);
  default:
    STRESS_CHECK(false, "a value of kind %llu", (unsigned long long)value->kind);
    return 0;
  }
}

/* The buffer is a root. */
struct writer {
  mem_thread *thread;
  struct buffer *buffer;
  size_t used;
};

/* Room for so many bytes more; a larger buffer takes the place of the one that is full. */
static char *reserve(struct writer *writer, size_t bytes) {
  struct buffer *old = writer->buffer, *larger;
  size_t length = old->length;

  while (length < writer->used + bytes)
    length *= 2;
  if (length > old->length) {
    larger = mem_new_array(writer->thread, buffer_type, length);
    memcpy(larger->bytes, old->bytes, writer->used);
    writer->buffer = larger;
    mem_free(writer->thread, old);
  }
  return writer->buffer->bytes + writer->used;
}

static void write_byte(struct writer *writer, char byte) {
  *reserve(writer, 1) = byte;
  writer->used++;
}

/* The letter that stands behind a backslash for this byte, or 0. */
static char escape_of(char byte) {
  switch (byte) {
  case '"':
  case '\\':
    return byte;
  case '\n':
    return 'n';
  case '\t':
    return 't';
  default:
    return 0;
  }
}

static void write_text(struct writer *writer, const struct text *text) {
  char *start = reserve(writer, 2 * text->length + 2), *end = start;

  *end++ = '"';
  for (size_t i = 0; i < text->length; i++) {
    char escape = escape_of(text->bytes[i]);
    if (escape)
      *end++ = '\\';
    *end++ = escape ? escape : text->bytes[i];
  }
  *end++ = '"';
  writer->used += (size_t)(end - start);
}

/* A sign, digits, and three decimals unless they are zero. */
static void write_number(struct writer *writer, int64_t thousandths) {
  uint64_t rest = thousandths < 0 ? 0 - (uint64_t)thousandths : (uint64_t)thousandths;
  unsigned decimals = rest % 1000 ? 3 : 0;
  char digits[32], *start = digits + sizeof digits;

  if (!decimals)
    rest /= 1000;
  for (unsigned i = 0; i <= decimals || rest > 0; i++, rest /= 10) {
    if (decimals && i == decimals)
      *--start = '.';
    *--start = (char)('0' + rest % 10);
  }
  if (thousandths < 0)
    *--start = '-';
  memcpy(reserve(writer, sizeof digits), start, (size_t)(digits + sizeof digits - start));
  writer->used += (size_t)(digits + sizeof digits - start);
}

static void write_value(struct writer *writer, const struct value *value);

static void write_array(struct writer *writer, const struct array *array) {
  write_byte(writer, '[');
  for (size_t i = 0; i < array->length; i++) {
    if (i > 0)
      write_byte(writer, ',');
    write_value(writer, array->items[i]);
  }
  write_byte(writer, ']');
}

static void write_object(struct writer *writer, const struct object *object) {
  write_byte(writer, '{');
  for (const struct pair *pair = object->first; pair; pair = pair->next) {
    if (pair != object->first)
      write_byte(writer, ',');
    write_text(writer, pair->name);
    write_byte(writer, ':');
    write_value(writer, pair->value);
  }
  write_byte(writer, '}');
}

/* The tree is reachable from a root of the caller's. */
static void write_value(struct writer *writer, const struct value *value) {
  switch (value->kind) {
  case KIND_NUMBER:
    write_number(writer, ((const struct number *)value)->thousandths);
    break;
  case KIND_TEXT:
    write_text(writer, (const struct text *)value);
    break;
  case KIND_ARRAY:
    write_array(writer, (const struct array *)value);
    break;
  default:
    write_object(writer, (const struct object *)value);
  }
}

/* The text ends with a zero byte. */
static struct buffer *write_document(mem_thread *thread, struct value *root) {
  struct writer writer = {.thread = thread};
  MEM_ROOTS(thread, root, writer.buffer);

  writer.buffer = mem_new_array(thread, buffer_type, FIRST_BUFFER);
  write_value(&writer, root);
  write_byte(&writer, 0);
  return writer.buffer;
}

/* The text is in a buffer that the caller has in a root. */
struct parser {
  mem_thread *thread;
  const char *at;
};

static bool accept(struct parser *parser, char byte) {
  if (*parser->at != byte)
    return false;
  parser->at++;
  return true;
}

static void expect(struct parser *parser, char byte) {
  STRESS_CHECK(accept(parser, byte), "'%c' in a text instead of '%c'", *parser->at, byte);
}

/* The bytes between the quotes, each escape counted as one. */
static size_t text_length(const struct parser *parser) {
  size_t length = 0;

  for (const char *at = parser->at; *at && *at != '"'; at++, length++)
    if (*at == '\\' && at[1])
      at++;
  return length;
}

static char unescape(char letter) {
  return letter == 'n' ? '\n' : letter == 't' ? '\t' : letter;
}

static struct text *parse_text(struct parser *parser) {
  struct text *text;

  expect(parser, '"');
  text = new_text(parser->thread, text_length(parser));
  for (size_t i = 0; i < text->length; i++) {
    char byte = *parser->at++;
    text->bytes[i] = byte == '\\' ? unescape(*parser->at++) : byte;
  }
  expect(parser, '"');
  return text;
}

static uint64_t parse_digits(struct parser *parser, uint64_t before) {
  for (; *parser->at >= '0' && *parser->at <= '9'; parser->at++)
    before = before * 10 + (uint64_t)(*parser->at - '0');
  return before;
}

static struct value *parse_number(struct parser *parser) {
  bool negative = accept(parser, '-');
  uint64_t number;

  STRESS_CHECK(*parser->at >= '0' && *parser->at <= '9', "'%c' in a number", *parser->at);
  number = parse_digits(parser, 0);
  number = accept(parser, '.') ? parse_digits(parser, number) : number * 1000;
  return new_number(parser->thread, (int64_t)(negative ? 0 - number : number));
}

static struct value *parse_value(struct parser *parser);

/* Items are gathered in an array that doubles, and copied to one of their number. */
static struct value *parse_array(struct parser *parser) {
  struct array *array = NULL;
  struct value *item;
  size_t count = 0;
  MEM_ROOTS(parser->thread, array);

  expect(parser, '[');
  array = new_array(parser->thread, FIRST_ITEMS);
  while (*parser->at != ']') {
    if (count > 0)
      expect(parser, ',');
    if (count == array->length)
      array = copy_items(parser->thread, array, count, 2 * count);
    item = parse_value(parser);
    mem_store(parser->thread, array, &array->items[count++], item);
  }
  expect(parser, ']');
  return &copy_items(parser->thread, array, count, count)->base;
}

static struct value *parse_object(struct parser *parser) {
  struct object *object = new_object(parser->thread);
  struct pair *last = NULL;
  struct text *name = NULL;
  MEM_ROOTS(parser->thread, object, name);

  expect(parser, '{');
  while (*parser->at != '}') {
    if (last)
      expect(parser, ',');
    name = parse_text(parser);
    expect(parser, ':');
    last = add_member(parser->thread, object, last, name, parse_value(parser));
  }
  expect(parser, '}');
  return &object->base;
}

static struct value *parse_value(struct parser *parser) {
  switch (*parser->at) {
  case '{':
    return parse_object(parser);
  case '[':
    return parse_array(parser);
  case '"':
    return &parse_text(parser)->base;
  default:
    return parse_number(parser);
  }
}

static struct value *parse_document(mem_thread *thread, struct buffer *text) {
  struct parser parser = {.thread = thread, .at = text->bytes};
  struct value *root;
  MEM_ROOTS(thread, text);

  root = parse_value(&parser);
  expect(&parser, 0);
  return root;
}

#endif
