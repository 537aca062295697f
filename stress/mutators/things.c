/*
 * Objects: types, contents, checks. Contents are written by the thread that allocates, before
 * anybody else can see the object, and never again; references are left to the operations.
 */
#include "stress/mutators/things.h"

#include <inttypes.h>
#include <string.h>

#include "stress/common/check.h"
#include "stress/common/heap.h"

enum { RECORD_WORDS = 90, RECORD_REFS = 10, TRACED_WORDS = 24, TAIL_REFS = 5 };

struct pair {
  struct thing thing;
  void *ref[2];
};

struct record {
  struct thing thing;
  uint64_t word[RECORD_WORDS];
};

struct tail {
  struct thing thing;
  uint64_t junk;
  void *ref[TAIL_REFS];
};

struct traced {
  struct thing thing;
  uint64_t mask; /* immutable: bit i = word i is a reference */
  uint64_t word[TRACED_WORDS];
};

struct array {
  struct thing thing;
  size_t length;
  void *ref[];
};

struct element {
  void *first;
  uint64_t junk;
  void *second;
};

struct elements {
  struct thing thing;
  size_t length;
  void *name;
  struct element at[];
};

struct leaf {
  struct thing thing;
  size_t length;
  uint8_t at[];
};

/* Which words of a record are references: on both sides of each 64-word edge of the map. */
static const uint8_t record_refs[RECORD_REFS] = {0, 5, 31, 59, 60, 61, 62, 70, 77, 89};

static const char *const names[KINDS] = {"PAIR",  "RECORD",   "TAIL", "TRACED",
                                         "ARRAY", "ELEMENTS", "LEAF"};

const char *kind_name(enum kind kind) {
  return names[kind];
}

/* A word of junk, made from the id. */
static uint64_t junk(uint64_t id, uint64_t i) {
  return random_mix2(id, i);
}

static uint64_t checksum(uint64_t id, enum kind kind, size_t length) {
  return random_mix2(id, (uint64_t)kind << 48 | length) | 1;
}

static uint64_t traced_mask(uint64_t id) {
  return junk(id, 1000) >> (64 - TRACED_WORDS);
}

static void trace(void *object, lull_visitor *visitor) {
  struct traced *traced = object;

  for (uint64_t left = traced->mask; left; left &= left - 1)
    lull_visit(visitor, &traced->word[__builtin_ctzll(left)]);
}

static void define_fixed(lull_heap *heap, struct kinds *kinds) {
  static const uint64_t pair_map[] = {LULL_BIT(struct pair, ref[0]) |
                                      LULL_BIT(struct pair, ref[1])};
  uint64_t record_map[2] = {0};

  for (unsigned i = 0; i < RECORD_REFS; i++) {
    unsigned word = LULL_WORD(struct record, word) + record_refs[i];
    record_map[word / 64] |= (uint64_t)1 << word % 64;
  }
  kinds->type[PAIR] = heap_type(heap, (lull_type_desc){.name = names[PAIR],
                                                       .size = sizeof(struct pair),
                                                       .layout = {LULL_REFS_MAP, 0, pair_map, 1}});
  kinds->type[RECORD] =
      heap_type(heap, (lull_type_desc){.name = names[RECORD],
                                       .size = sizeof(struct record),
                                       .layout = {LULL_REFS_MAP, 0, record_map, 2}});
  kinds->type[TAIL] = heap_type(
      heap,
      (lull_type_desc){.name = names[TAIL],
                       .size = sizeof(struct tail),
                       .layout = {.refs = LULL_REFS_ALL, .from = offsetof(struct tail, ref)}});
  kinds->type[TRACED] = heap_type(heap, (lull_type_desc){.name = names[TRACED],
                                                         .size = sizeof(struct traced),
                                                         .layout = {.refs = LULL_REFS_TRACE},
                                                         .trace = trace});
}

static void define_arrays(lull_heap *heap, struct kinds *kinds) {
  static const uint64_t name_map[] = {LULL_BIT(struct elements, name)};
  static const uint64_t element_map[] = {LULL_BIT(struct element, first) |
                                         LULL_BIT(struct element, second)};

  kinds->type[ARRAY] =
      heap_type(heap, (lull_type_desc){.name = names[ARRAY],
                                       .size = sizeof(struct array),
                                       .element_size = sizeof(void *),
                                       .length_offset = offsetof(struct array, length),
                                       .element = {.refs = LULL_REFS_ALL}});
  kinds->type[ELEMENTS] =
      heap_type(heap, (lull_type_desc){.name = names[ELEMENTS],
                                       .size = sizeof(struct elements),
                                       .layout = {LULL_REFS_MAP, 0, name_map, 1},
                                       .element_size = sizeof(struct element),
                                       .length_offset = offsetof(struct elements, length),
                                       .element = {LULL_REFS_MAP, 0, element_map, 1}});
  kinds->type[LEAF] =
      heap_type(heap, (lull_type_desc){.name = names[LEAF],
                                       .size = sizeof(struct leaf),
                                       .element_size = 1,
                                       .length_offset = offsetof(struct leaf, length)});
}

void kinds_define(lull_heap *heap, struct kinds *kinds) {
  define_fixed(heap, kinds);
  define_arrays(heap, kinds);
}

static bool record_ref(unsigned word) {
  return memchr(record_refs, (int)word, RECORD_REFS) != NULL;
}

static void fill_leaf(struct leaf *leaf) {
  for (size_t i = 0; i < leaf->length; i++)
    leaf->at[i] = (uint8_t)(leaf->thing.id + 7 * i);
}

/* Writes the words that are not references. */
static void fill(enum kind kind, struct thing *thing) {
  uint64_t id = thing->id;

  switch (kind) {
  case RECORD:
    for (unsigned i = 0; i < RECORD_WORDS; i++)
      if (!record_ref(i))
        ((struct record *)thing)->word[i] = junk(id, i);
    break;
  case TAIL:
    ((struct tail *)thing)->junk = junk(id, 0);
    break;
  case TRACED:
    ((struct traced *)thing)->mask = traced_mask(id);
    for (unsigned i = 0; i < TRACED_WORDS; i++)
      if (!(traced_mask(id) >> i & 1))
        ((struct traced *)thing)->word[i] = junk(id, i);
    break;
  case ELEMENTS:
    for (size_t i = 0; i < ((struct elements *)thing)->length; i++)
      ((struct elements *)thing)->at[i].junk = junk(id, i);
    break;
  case LEAF:
    fill_leaf((struct leaf *)thing);
    break;
  default:
    break;
  }
}

struct thing *thing_new(lull_thread *thread, const struct kinds *kinds, enum kind kind,
                        size_t length, uint64_t id) {
  struct thing *thing = kind < ARRAY ? lull_new(thread, kinds->type[kind])
                                     : lull_new_array(thread, kinds->type[kind], length);

  if (!thing)
    return NULL;
  STRESS_CHECK(thing->id == 0 && thing->check == 0 && thing->header.user == 0,
               "a new %s at %p is not zeroed: id %" PRIx64, names[kind], (void *)thing, thing->id);
  for (size_t i = 0, slots = thing_slots(kind, thing); i < slots; i += 1 + slots / 16)
    STRESS_CHECK(lull_load(thing_slot(kind, thing, i)) == NULL,
                 "slot %zu of a new %s at %p is not NULL", i, names[kind], (void *)thing);
  thing->id = id;
  thing->check = checksum(id, kind, thing_length(kind, thing));
  thing->header.user = (uint16_t)(thing->check >> 8);
  fill(kind, thing);
  return thing;
}

size_t thing_random_length(struct random *random, enum kind kind, bool wide) {
  uint32_t choice = random_below(random, 1000);
  size_t unit = kind == LEAF ? 8 : kind == ELEMENTS ? 1 : 2;

  if (kind < ARRAY)
    return 0;
  if (choice == 0 && wide)
    return unit * (10000 + random_below(random, 20000));
  if (choice < 20)
    return unit * (300 + random_below(random, 1000));
  if (choice < 100)
    return unit * random_below(random, 300);
  return random_below(random, 12);
}

enum kind thing_kind(const struct kinds *kinds, const struct thing *thing) {
  lull_type type = lull_type_of(thing);

  for (unsigned kind = 0; kind < KINDS; kind++)
    if (kinds->type[kind] == type)
      return (enum kind)kind;
  stress_fail(__FILE__, __LINE__,
              "dead or overwritten object at %p: type %u, id %" PRIx64 ", check %" PRIx64,
              (const void *)thing, type, thing->id, thing->check);
}

size_t thing_length(enum kind kind, const struct thing *thing) {
  return kind < ARRAY ? 0 : ((const struct array *)thing)->length;
}

_Static_assert(offsetof(struct array, length) == offsetof(struct elements, length) &&
                   offsetof(struct array, length) == offsetof(struct leaf, length),
               "thing_length reads all arrays alike");

size_t thing_slots(enum kind kind, const struct thing *thing) {
  switch (kind) {
  case PAIR:
    return 2;
  case RECORD:
    return RECORD_REFS;
  case TAIL:
    return TAIL_REFS;
  case TRACED:
    return (size_t)__builtin_popcountll(((const struct traced *)thing)->mask);
  case ARRAY:
    return thing_length(kind, thing);
  case ELEMENTS:
    return 1 + 2 * thing_length(kind, thing);
  default:
    return 0;
  }
}

static void **traced_slot(struct traced *traced, size_t i) {
  uint64_t left = traced->mask;

  for (; i > 0; i--)
    left &= left - 1;
  return (void **)&traced->word[__builtin_ctzll(left)];
}

static void **elements_slot(struct elements *elements, size_t i) {
  if (i == 0)
    return &elements->name;
  return i % 2 ? &elements->at[(i - 1) / 2].first : &elements->at[(i - 1) / 2].second;
}

void **thing_slot(enum kind kind, struct thing *thing, size_t i) {
  switch (kind) {
  case PAIR:
    return &((struct pair *)thing)->ref[i];
  case RECORD:
    return (void **)&((struct record *)thing)->word[record_refs[i]];
  case TAIL:
    return &((struct tail *)thing)->ref[i];
  case TRACED:
    return traced_slot((struct traced *)thing, i);
  case ARRAY:
    return &((struct array *)thing)->ref[i];
  default:
    return elements_slot((struct elements *)thing, i);
  }
}

bool kind_contiguous(enum kind kind) {
  return kind == PAIR || kind == TAIL || kind == ARRAY;
}

enum kind thing_check(const struct kinds *kinds, const struct thing *thing) {
  enum kind kind;

  STRESS_CHECK((uintptr_t)thing % 8 == 0, "reference %p is not aligned", (const void *)thing);
  kind = thing_kind(kinds, thing);
  STRESS_CHECK(thing->check == checksum(thing->id, kind, thing_length(kind, thing)) &&
                   thing->header.user == (uint16_t)(thing->check >> 8),
               "dead or overwritten %s at %p: id %" PRIx64 ", check %" PRIx64
               ", length %zu, user %x",
               names[kind], (const void *)thing, thing->id, thing->check, thing_length(kind, thing),
               thing->header.user);
  return kind;
}

static bool leaf_whole(const struct leaf *leaf) {
  for (size_t i = 0; i < leaf->length; i++)
    if (leaf->at[i] != (uint8_t)(leaf->thing.id + 7 * i))
      return false;
  return true;
}

static bool record_whole(const struct record *record) {
  for (unsigned i = 0; i < RECORD_WORDS; i++)
    if (!record_ref(i) && record->word[i] != junk(record->thing.id, i))
      return false;
  return true;
}

static bool traced_whole(const struct traced *traced) {
  for (unsigned i = 0; i < TRACED_WORDS; i++)
    if (!(traced->mask >> i & 1) && traced->word[i] != junk(traced->thing.id, i))
      return false;
  return traced->mask == traced_mask(traced->thing.id);
}

static bool elements_whole(const struct elements *elements) {
  for (size_t i = 0; i < elements->length; i++)
    if (elements->at[i].junk != junk(elements->thing.id, i))
      return false;
  return true;
}

static bool whole(enum kind kind, const struct thing *thing) {
  switch (kind) {
  case RECORD:
    return record_whole((const struct record *)thing);
  case TAIL:
    return ((const struct tail *)thing)->junk == junk(thing->id, 0);
  case TRACED:
    return traced_whole((const struct traced *)thing);
  case ELEMENTS:
    return elements_whole((const struct elements *)thing);
  case LEAF:
    return leaf_whole((const struct leaf *)thing);
  default:
    return true;
  }
}

static size_t size_of(enum kind kind, size_t length) {
  static const size_t fixed[KINDS] = {
      sizeof(struct pair),  sizeof(struct record),   sizeof(struct tail), sizeof(struct traced),
      sizeof(struct array), sizeof(struct elements), sizeof(struct leaf)};
  static const size_t each[KINDS] = {0, 0, 0, 0, sizeof(void *), sizeof(struct element), 1};

  return (fixed[kind] + each[kind] * length + 7) & ~(size_t)7;
}

void thing_check_all(lull_heap *heap, const struct kinds *kinds, struct thing *thing) {
  enum kind kind = thing_check(kinds, thing);
  size_t size = size_of(kind, thing_length(kind, thing));

  STRESS_CHECK(whole(kind, thing), "%s at %p, id %" PRIx64 ", is overwritten inside", names[kind],
               (void *)thing, thing->id);
  STRESS_CHECK(lull_size_of(heap, thing) == size, "%s at %p has size %zu instead of %zu",
               names[kind], (void *)thing, lull_size_of(heap, thing), size);
}
