/*
 * test_types.c: descriptors that contradict themselves are refused, whatever they say; the others
 * yield exactly the slots they name.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "support/random.h"
#include "tests/heap_fake.h"

#define MOST_WORDS 400

static lull_heap *heap;

static void begin(void) { heap = fake_heap(1 << 20); }
static void end(void) { fake_heap_end(heap); }

static void trace_nothing(void *object, lull_visitor *visitor) {
  (void)object;
  (void)visitor;
}

static const uint64_t map_second[] = {2};
static const uint64_t map_zero[MOST_WORDS];
static const uint64_t map_long[] = {2, 0, 8};

/* Two words after the header. */
static lull_type_desc plain_desc(void) {
  return (lull_type_desc){.struct_size = sizeof(lull_type_desc), .name = "plain", .size = 24};
}

/* A length after the header, elements of two words. */
static lull_type_desc array_desc(void) {
  return (lull_type_desc){.struct_size = sizeof(lull_type_desc),
                          .name = "array",
                          .size = 24,
                          .element_size = 16,
                          .length_offset = 8};
}

static lull_status define(const lull_type_desc *desc) {
  lull_type type = 12345;
  uint32_t count = atomic_load(&heap->types.count);
  lull_status status = lull_type_define(heap, desc, &type);
  if (status == LULL_OK) {
    ck_assert_uint_eq(type, count);
    ck_assert_uint_eq(atomic_load(&heap->types.count), count + 1);
  } else {
    ck_assert_uint_eq(type, 12345);
    ck_assert_uint_eq(atomic_load(&heap->types.count), count);
    ck_assert_int_eq(lull_last_error(), status);
  }
  return status;
}

#define WITH(base, ...)                                                                            \
  ({                                                                                               \
    lull_type_desc desc = base();                                                                  \
    __VA_ARGS__;                                                                                   \
    define(&desc);                                                                                 \
  })

START_TEST(missing_arguments_are_refused) {
  lull_type type;
  lull_type_desc desc = plain_desc();
  begin();
  ck_assert_int_eq(lull_type_define(NULL, &desc, &type), LULL_E_ARGUMENT);
  ck_assert_int_eq(lull_type_define(heap, NULL, &type), LULL_E_ARGUMENT);
  ck_assert_int_eq(lull_type_define(heap, &desc, NULL), LULL_E_ARGUMENT);
  desc.struct_size = 0;
  ck_assert_int_eq(define(&desc), LULL_E_DESCRIPTOR);
  desc.struct_size = sizeof desc + 8;
  ck_assert_int_eq(define(&desc), LULL_E_DESCRIPTOR);
  end();
}
END_TEST

START_TEST(bad_sizes_are_refused) {
  begin();
  ck_assert_int_eq(WITH(plain_desc, desc.size = 0), LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(plain_desc, desc.size = 7), LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(plain_desc, desc.size = 12), LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(plain_desc, desc.size = 8), LULL_OK);
  ck_assert_int_eq(WITH(plain_desc, desc.size = LULL_SIZE_MAX), LULL_OK);
  ck_assert_int_eq(WITH(plain_desc, desc.size = LULL_SIZE_MAX + 8), LULL_E_RANGE);
  ck_assert_int_eq(WITH(plain_desc, desc.size = SIZE_MAX), LULL_E_RANGE);
  ck_assert_int_eq(WITH(plain_desc, desc.size = SIZE_MAX - 7), LULL_E_RANGE);
  ck_assert_int_eq(WITH(array_desc, desc.element_size = LULL_SIZE_MAX), LULL_OK);
  ck_assert_int_eq(WITH(array_desc, desc.element_size = LULL_SIZE_MAX + 1), LULL_E_RANGE);
  ck_assert_int_eq(WITH(array_desc, desc.element_size = SIZE_MAX), LULL_E_RANGE);
  ck_assert_int_eq(WITH(array_desc, desc.element_size = 3), LULL_OK);
  end();
}
END_TEST

START_TEST(bad_layouts_are_refused) {
  begin();
  ck_assert_int_eq(WITH(plain_desc, desc.layout.refs = (lull_refs)17), LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(plain_desc, desc.layout.refs = (lull_refs)-1), LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(plain_desc, desc.layout = (lull_layout){LULL_REFS_MAP, 0, NULL, 1}),
                   LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(plain_desc, desc.layout = (lull_layout){LULL_REFS_MAP, 0, NULL, 0}),
                   LULL_OK);
  ck_assert_int_eq(WITH(plain_desc, desc.layout = (lull_layout){LULL_REFS_MAP, 0, map_second, 1}),
                   LULL_OK);
  /* Longer than the object: not even read. */
  ck_assert_int_eq(WITH(plain_desc, desc.layout = (lull_layout){LULL_REFS_MAP, 0, map_second, 2}),
                   LULL_E_DESCRIPTOR);
  ck_assert_int_eq(
      WITH(plain_desc, desc.layout = (lull_layout){LULL_REFS_MAP, 0, map_second, SIZE_MAX}),
      LULL_E_DESCRIPTOR);
  ck_assert_int_eq(
      WITH(plain_desc, desc.layout = (lull_layout){LULL_REFS_MAP, 0, (const uint64_t[]){1}, 1}),
      LULL_E_DESCRIPTOR);
  ck_assert_int_eq(
      WITH(plain_desc, desc.layout = (lull_layout){LULL_REFS_MAP, 0, (const uint64_t[]){8}, 1}),
      LULL_E_DESCRIPTOR);
  ck_assert_int_eq(
      WITH(plain_desc,
           desc.layout = (lull_layout){LULL_REFS_MAP, 0, (const uint64_t[]){(uint64_t)1 << 63}, 1}),
      LULL_E_DESCRIPTOR);
  /* The last word of two maps' worth, and the one behind it. */
  ck_assert_int_eq(WITH(plain_desc, desc.size = (128 + 4) * 8,
                        desc.layout = (lull_layout){LULL_REFS_MAP, 0, map_long, 3}),
                   LULL_OK);
  ck_assert_int_eq(WITH(plain_desc, desc.size = (128 + 3) * 8,
                        desc.layout = (lull_layout){LULL_REFS_MAP, 0, map_long, 3}),
                   LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(plain_desc, desc.size = 128 * 8,
                        desc.layout = (lull_layout){LULL_REFS_MAP, 0, map_long, 3}),
                   LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(plain_desc, desc.layout = (lull_layout){LULL_REFS_ALL, 0, NULL, 0}),
                   LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(plain_desc, desc.layout = (lull_layout){LULL_REFS_ALL, 8, NULL, 0}),
                   LULL_OK);
  ck_assert_int_eq(WITH(plain_desc, desc.layout = (lull_layout){LULL_REFS_ALL, 12, NULL, 0}),
                   LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(plain_desc, desc.layout = (lull_layout){LULL_REFS_ALL, 24, NULL, 0}),
                   LULL_OK);
  ck_assert_int_eq(WITH(plain_desc, desc.layout = (lull_layout){LULL_REFS_ALL, 32, NULL, 0}),
                   LULL_E_DESCRIPTOR);
  ck_assert_int_eq(
      WITH(plain_desc, desc.layout = (lull_layout){LULL_REFS_ALL, UINT32_MAX - 7, NULL, 0}),
      LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(plain_desc, desc.layout.refs = LULL_REFS_TRACE), LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(plain_desc, desc.trace = trace_nothing), LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(plain_desc, desc.trace = trace_nothing, desc.layout.refs = LULL_REFS_TRACE),
                   LULL_OK);
  end();
}
END_TEST

START_TEST(bad_arrays_are_refused) {
  begin();
  ck_assert_int_eq(WITH(array_desc, desc.size = 24), LULL_OK);
  ck_assert_int_eq(WITH(array_desc, desc.length_offset = 0), LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(array_desc, desc.length_offset = 4), LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(array_desc, desc.length_offset = 12), LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(array_desc, desc.length_offset = 16), LULL_OK);
  ck_assert_int_eq(WITH(array_desc, desc.length_offset = 24), LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(array_desc, desc.length_offset = SIZE_MAX - 7), LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(array_desc, desc.size = 8), LULL_E_DESCRIPTOR);
  ck_assert_int_eq(
      WITH(array_desc, desc.size = ((size_t)8 << 30), desc.length_offset = (size_t)1 << 32),
      LULL_E_RANGE);
  ck_assert_int_eq(WITH(array_desc, desc.layout = (lull_layout){LULL_REFS_MAP, 0, map_second, 1}),
                   LULL_E_DESCRIPTOR);
  ck_assert_int_eq(
      WITH(array_desc, desc.layout = (lull_layout){LULL_REFS_MAP, 0, (const uint64_t[]){4}, 1}),
      LULL_OK);
  ck_assert_int_eq(WITH(array_desc, desc.layout = (lull_layout){LULL_REFS_ALL, 8, NULL, 0}),
                   LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(array_desc, desc.layout = (lull_layout){LULL_REFS_ALL, 16, NULL, 0}),
                   LULL_OK);
  ck_assert_int_eq(WITH(plain_desc, desc.element = (lull_layout){LULL_REFS_ALL, 0, NULL, 0}),
                   LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(array_desc, desc.element = (lull_layout){LULL_REFS_ALL, 0, NULL, 0}),
                   LULL_OK);
  ck_assert_int_eq(WITH(array_desc, desc.element = (lull_layout){LULL_REFS_ALL, 16, NULL, 0}),
                   LULL_OK);
  ck_assert_int_eq(WITH(array_desc, desc.element = (lull_layout){LULL_REFS_ALL, 24, NULL, 0}),
                   LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(array_desc, desc.element = (lull_layout){LULL_REFS_ALL, 4, NULL, 0}),
                   LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(array_desc, desc.element = (lull_layout){LULL_REFS_MAP, 0, map_second, 1}),
                   LULL_OK);
  ck_assert_int_eq(
      WITH(array_desc, desc.element = (lull_layout){LULL_REFS_MAP, 0, (const uint64_t[]){4}, 1}),
      LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(array_desc, desc.element = (lull_layout){LULL_REFS_MAP, 0, NULL, 1}),
                   LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(array_desc, desc.element = (lull_layout){LULL_REFS_MAP, 0, map_zero, 2}),
                   LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(array_desc, desc.element_size = 1024,
                        desc.element = (lull_layout){LULL_REFS_MAP, 0, map_long, 2}),
                   LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(array_desc, desc.element_size = 12,
                        desc.element = (lull_layout){LULL_REFS_MAP, 0, map_second, 1}),
                   LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(array_desc, desc.element.refs = LULL_REFS_TRACE), LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(array_desc, desc.element.refs = (lull_refs)4), LULL_E_DESCRIPTOR);
  end();
}
END_TEST

START_TEST(names_are_copied) {
  char name[100];
  lull_type first, second, third;
  lull_type_desc desc = plain_desc();
  begin();
  memset(name, 'x', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  desc.name = name;
  ck_assert_int_eq(lull_type_define(heap, &desc, &first), LULL_OK);
  strcpy(name, "short");
  ck_assert_int_eq(lull_type_define(heap, &desc, &second), LULL_OK);
  desc.name = NULL;
  ck_assert_int_eq(lull_type_define(heap, &desc, &third), LULL_OK);
  name[0] = '\0';
  ck_assert_uint_eq(strlen(lull_type_name(heap, first)), 63);
  ck_assert_str_eq(lull_type_name(heap, second), "short");
  ck_assert_str_eq(lull_type_name(heap, third), "(unnamed)");
  ck_assert_ptr_null(lull_type_name(heap, 0));
  ck_assert_ptr_null(lull_type_name(heap, third + 1));
  ck_assert_ptr_null(lull_type_name(heap, UINT32_MAX));
  ck_assert_ptr_null(lull_type_name(NULL, first));
  end();
}
END_TEST

static const lull_field plain_fields[] = {{"second", 16}, {"first", 8}};
static const lull_field element_fields[] = {{"key", 0}, {"value", 8}};

START_TEST(bad_field_names_are_refused) {
  begin();
#define FIELDS(...) desc.fields = (const lull_field[])__VA_ARGS__
  ck_assert_int_eq(WITH(plain_desc, desc.field_count = 1), LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(plain_desc, desc.fields = plain_fields), LULL_OK);
  ck_assert_int_eq(WITH(plain_desc, desc.fields = plain_fields, desc.field_count = 2), LULL_OK);
  /* More than there are words: none is read. */
  ck_assert_int_eq(WITH(plain_desc, desc.fields = plain_fields, desc.field_count = 4),
                   LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(plain_desc, desc.fields = plain_fields, desc.field_count = SIZE_MAX),
                   LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(plain_desc, desc.field_count = 1, FIELDS({{NULL, 8}})), LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(plain_desc, desc.field_count = 1, FIELDS({{"", 8}})), LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(plain_desc, desc.field_count = 1, FIELDS({{"a", 0}})), LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(plain_desc, desc.field_count = 1, FIELDS({{"a", 12}})), LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(plain_desc, desc.field_count = 1, FIELDS({{"a", 24}})), LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(plain_desc, desc.field_count = 1, FIELDS({{"a", SIZE_MAX - 7}})),
                   LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(plain_desc, desc.field_count = 2, FIELDS({{"a", 8}, {"b", 8}})),
                   LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(plain_desc, desc.field_count = 2, FIELDS({{"a", 8}, {"a", 16}})), LULL_OK);
#undef FIELDS
  ck_assert_int_eq(
      WITH(plain_desc, desc.element_fields = element_fields, desc.element_field_count = 1),
      LULL_E_DESCRIPTOR);
  ck_assert_int_eq(
      WITH(array_desc, desc.element_fields = element_fields, desc.element_field_count = 2),
      LULL_OK);
  ck_assert_int_eq(WITH(array_desc, desc.element_size = 8, desc.element_fields = element_fields,
                        desc.element_field_count = 2),
                   LULL_E_DESCRIPTOR);
  ck_assert_int_eq(WITH(array_desc, desc.element_size = 12, desc.element_fields = element_fields,
                        desc.element_field_count = 2),
                   LULL_OK);
  end();
}
END_TEST

static void expect_field(lull_type type, size_t offset, const char *expected) {
  char text[200], tight[200];
  size_t length = lull_field_name(heap, type, offset, text, sizeof text);
  ck_assert_str_eq(text, expected);
  ck_assert_uint_eq(length, strlen(expected));
  ck_assert_uint_eq(lull_field_name(heap, type, offset, NULL, 0), length);
  ck_assert_uint_eq(lull_field_name(heap, type, offset, NULL, 10), length);
  memset(tight, 'x', sizeof tight);
  ck_assert_uint_eq(lull_field_name(heap, type, offset, tight, length), length);
  ck_assert_uint_eq(strlen(tight), length - 1);
  ck_assert_int_eq(tight[length], 'x');
}

START_TEST(fields_are_named) {
  struct node {
    lull_object header;
    void *left, *right;
  };
  lull_type plain, bare, array, long_named;
  char name[100];
  lull_field fields[] = {LULL_FIELD(struct node, right), {name, 8}};
  lull_type_desc desc = plain_desc();
  begin();
  ck_assert_int_eq(lull_type_define(heap, &desc, &bare), LULL_OK);
  strcpy(name, "left");
  desc.fields = fields;
  desc.field_count = 2;
  ck_assert_int_eq(lull_type_define(heap, &desc, &plain), LULL_OK);
  memset(name, 'n', sizeof name);
  name[sizeof name - 1] = '\0';
  ck_assert_int_eq(lull_type_define(heap, &desc, &long_named), LULL_OK);
  name[0] = '\0';
  fields[0].offset = 4;
  expect_field(plain, 8, "plain.left");
  expect_field(plain, 16, "plain.right");
  expect_field(plain, 0, "plain+0");
  expect_field(plain, 10, "plain+10");
  expect_field(plain, 800, "plain+800");
  expect_field(bare, 16, "plain+16");
  ck_assert_uint_eq(lull_field_name(heap, long_named, 8, NULL, 0), strlen("plain.") + 63);

  desc = array_desc();
  desc.fields = plain_fields;
  desc.field_count = 1;
  desc.element_fields = element_fields;
  desc.element_field_count = 1;
  ck_assert_int_eq(lull_type_define(heap, &desc, &array), LULL_OK);
  expect_field(array, 8, "array+8");
  expect_field(array, 16, "array.second");
  expect_field(array, 24, "array[0].key");
  expect_field(array, 24 + 17 * 16, "array[17].key");
  expect_field(array, 24 + 17 * 16 + 8, "array[17]+8");
  desc.element_fields++;
  ck_assert_int_eq(lull_type_define(heap, &desc, &array), LULL_OK);
  expect_field(array, 24 + 17 * 16, "array[17]");
  expect_field(array, 24 + 17 * 16 + 8, "array[17].value");

  strcpy(name, "kept");
  ck_assert_uint_eq(lull_field_name(heap, array + 1, 8, name, sizeof name), 0);
  ck_assert_str_eq(name, "");
  ck_assert_uint_eq(lull_field_name(heap, 0, 8, name, sizeof name), 0);
  ck_assert_uint_eq(lull_field_name(NULL, array, 8, name, sizeof name), 0);
  ck_assert_uint_eq(lull_field_name(NULL, array, 8, NULL, 8), 0);
  end();
}
END_TEST

/* A program that was compiled with the descriptor of the first version, which ended before the
 * names of fields. */
START_TEST(older_descriptors_are_accepted) {
  const size_t first_version = offsetof(lull_type_desc, fields);
  lull_type type;
  lull_type_desc desc = plain_desc();
  begin();
  ck_assert_uint_eq(first_version, 96);
  lull_type_desc *old = malloc(first_version);
  ck_assert_ptr_nonnull(old);
  desc.struct_size = (uint32_t)first_version;
  desc.fields = (const lull_field *)8;
  desc.field_count = 1;
  ck_assert_int_eq(lull_type_define(heap, &desc, &type), LULL_OK);
  memcpy(old, &desc, first_version);
  ck_assert_int_eq(lull_type_define(heap, old, &type), LULL_OK);
  expect_field(type, 8, "plain+8");
  free(old);
  for (size_t size = 0; size < sizeof desc; size++) {
    desc.struct_size = (uint32_t)size;
    if (size != first_version)
      ck_assert_int_eq(lull_type_define(heap, &desc, &type), LULL_E_DESCRIPTOR);
  }
  end();
}
END_TEST

START_TEST(small_objects_can_be_bump_allocated) {
  begin();
  ck_assert_int_eq(WITH(plain_desc, desc.size = LU_SMALL_MAX), LULL_OK);
  ck_assert_int_eq(WITH(plain_desc, desc.size = LU_SMALL_MAX + 8), LULL_OK);
  ck_assert_int_eq(WITH(array_desc, desc.size = 24), LULL_OK);
  ck_assert_uint_eq(heap->types.infos[0].fixed_size, 0);
  ck_assert_uint_eq(heap->types.infos[1].fixed_size, LU_SMALL_MAX);
  ck_assert_uint_eq(heap->types.infos[2].fixed_size, 0);
  ck_assert_uint_eq(heap->types.infos[3].fixed_size, 0);
  end();
}
END_TEST

START_TEST(a_full_table_and_missing_memory_are_refused) {
  begin();
  lull_type_desc desc = plain_desc(), wide = plain_desc();
  wide.size = (128 + 4) * 8;
  wide.layout = (lull_layout){LULL_REFS_MAP, 0, map_long, 3};
  lu_fault_arm(LU_FAULT_TYPE, 1, true);
  ck_assert_int_eq(define(&desc), LULL_E_MEMORY);
  lu_fault_clear();
  wide.fields = plain_fields;
  wide.field_count = 2;
  for (uint64_t i = 1; i <= 2; i++) {
    lu_fault_arm(LU_FAULT_METADATA, i, true);
    ck_assert_int_eq(define(&wide), LULL_E_MEMORY);
    lu_fault_clear();
  }
  ck_assert_int_eq(define(&wide), LULL_OK);
  /* Defining a million types would fill 200 MB: the count is moved on instead. The rows skipped are
   * zero. */
  atomic_store(&heap->types.count, LU_TYPES_MAX - 1);
  ck_assert_int_eq(define(&wide), LULL_OK);
  ck_assert_int_eq(define(&wide), LULL_E_MEMORY);
  ck_assert_int_eq(define(&desc), LULL_E_MEMORY);
  end();
}
END_TEST

/* Slots seen, as word offsets from the object. */
struct seen {
  char *object;
  unsigned count[MOST_WORDS * 4];
};

static void see(struct lull_visitor *visitor, void **slot) {
  struct seen *seen = visitor->context;
  size_t offset = (size_t)((char *)slot - seen->object);
  REQUIRE(offset % 8 == 0 && offset / 8 < COUNT_OF(seen->count));
  seen->count[offset / 8]++;
}

/* What a descriptor says of one word, read off slowly. */
static bool layout_refers(const lull_layout *layout, size_t word) {
  if (layout->refs == LULL_REFS_MAP)
    return word / 64 < layout->map_words && (layout->map[word / 64] >> (word % 64) & 1);
  return layout->refs == LULL_REFS_ALL && word * 8 >= layout->from;
}

static bool desc_refers(const lull_type_desc *desc, size_t length, size_t word) {
  if (word < desc->size / 8)
    return layout_refers(&desc->layout, word);
  size_t into = word - desc->size / 8, per = desc->element_size / 8;
  if (per == 0 || into / per >= length)
    return false;
  return layout_refers(&desc->element, into % per);
}

static void random_layout(lull_layout *layout, uint64_t *map, size_t words, uint64_t *random) {
  *layout = (lull_layout){(lull_refs)(lu_random_step(random) % 3), 0, map, 0};
  layout->from = (uint32_t)lu_random_scale(lu_random_step(random), words + 1) * 8;
  layout->map_words = lu_random_scale(lu_random_step(random), (words + 63) / 64 + 1);
  uint64_t dense = lu_random_step(random) % 4;
  for (size_t i = 0; i < words; i++)
    if (dense == 0 || lu_random_step(random) % 4 < dense)
      map[i / 64] |= (uint64_t)1 << (i % 64);
}

/* Any descriptor; the library says whether it is valid. */
static void random_desc(lull_type_desc *desc, uint64_t maps[2][MOST_WORDS / 64 + 1],
                        uint64_t *random) {
  memset(maps, 0, 2 * sizeof maps[0]);
  *desc = plain_desc();
  size_t words = 1 + lu_random_scale(lu_random_step(random),
                                     lu_random_step(random) % 3 == 0 ? MOST_WORDS : 12);
  desc->size = words * 8;
  random_layout(&desc->layout, maps[0], words, random);
  maps[0][0] &= ~(uint64_t)1;
  if (desc->layout.from == 0)
    desc->layout.from = 8;
  if (lu_random_step(random) % 2 == 0)
    return;
  desc->length_offset = lu_random_scale(lu_random_step(random), words) * 8;
  if (lu_random_step(random) % 4 != 0)
    maps[0][desc->length_offset / 8 / 64] &= ~((uint64_t)1 << (desc->length_offset / 8 % 64));
  size_t element = 1 + lu_random_scale(lu_random_step(random), 20);
  desc->element_size = element * 8;
  random_layout(&desc->element, maps[1], element, random);
}

static char arena[MOST_WORDS * 4 * 8] __attribute__((aligned(16)));

static void check_walk(const lull_type_desc *desc, lull_type type, size_t length, size_t low,
                       size_t high) {
  static struct seen seen;
  memset(&seen, 0, sizeof seen);
  seen.object = arena;
  bool whole = low == 0 && high == SIZE_MAX;
  lu_scan_slots(&heap->types.rows[type], arena, whole ? NULL : arena + low * 8,
                whole ? NULL : arena + high * 8, see, &seen);
  for (size_t word = 0; word < COUNT_OF(seen.count); word++) {
    unsigned expected = desc_refers(desc, length, word) && word >= low && word < high;
    if (seen.count[word] != expected)
      ck_abort_msg("word %zu of %zu + %zu x %zu bytes seen %u times in [%zu, %zu)", word,
                   desc->size, length, desc->element_size, seen.count[word], low, high);
  }
}

START_TEST(a_walk_yields_the_slots_that_the_descriptor_names) {
  uint64_t random = (uint64_t)_i, maps[2][MOST_WORDS / 64 + 1];
  size_t accepted = 0;
  lull_type_desc desc;
  begin();
  for (int i = 0; i < 3000; i++) {
    lull_type type;
    random_desc(&desc, maps, &random);
    if (lu_types_define(&heap->types, &desc, &type) != LULL_OK)
      continue;
    accepted++;
    size_t length = 0, words = desc.size / 8;
    if (desc.element_size != 0) {
      length = lu_random_scale(lu_random_step(&random),
                               (COUNT_OF(arena) / 8 - words) * 8 / desc.element_size + 1);
      length = lu_random_step(&random) % 8 == 0 ? 0 : length;
      memcpy(arena + desc.length_offset, &length, sizeof length);
      words += length * desc.element_size / 8;
    }
    const struct lu_type *row = &heap->types.rows[type];
    ck_assert_uint_eq(lu_type_object_size(row, arena), words * 8);
    bool any = false;
    for (size_t word = 0; word < desc.size / 8 + desc.element_size / 8; word++)
      any |= desc_refers(&desc, 1, word);
    ck_assert_int_eq(row->leaf, !any);
    check_walk(&desc, type, length, 0, SIZE_MAX);
    for (int j = 0; j < 4; j++) {
      size_t low = lu_random_scale(lu_random_step(&random), words + 2);
      check_walk(&desc, type, length, low, low + lu_random_scale(lu_random_step(&random), 80));
    }
  }
  ck_assert_uint_gt(accepted, 500);
  end();
}
END_TEST

static void trace_every_third(void *object, lull_visitor *visitor) {
  for (size_t word = 1; word < 30; word += 3)
    lull_visit(visitor, (char *)object + word * 8);
}

START_TEST(a_callback_reports_the_slots) {
  static struct seen seen;
  lull_type type;
  lull_type_desc desc = plain_desc();
  begin();
  desc.size = 240;
  desc.trace = trace_every_third;
  desc.layout.refs = LULL_REFS_TRACE;
  ck_assert_int_eq(lull_type_define(heap, &desc, &type), LULL_OK);
  seen.object = arena;
  lu_scan_slots(&heap->types.rows[type], arena, NULL, NULL, see, &seen);
  lu_scan_slots(&heap->types.rows[type], arena, arena + 80, arena + 104, see, &seen);
  for (size_t word = 0; word < 40; word++)
    ck_assert_uint_eq(seen.count[word], (word < 30 && word % 3 == 1) + (word == 10));
  ck_assert(!heap->types.rows[type].leaf && !heap->types.rows[type].simple);
  end();
}
END_TEST

START_TEST(sizes_are_rounded_up_to_a_granule) {
  lull_type type;
  lull_type_desc desc = array_desc();
  begin();
  desc.element_size = 3;
  ck_assert_int_eq(lull_type_define(heap, &desc, &type), LULL_OK);
  struct {
    lull_object header;
    size_t length;
    uint64_t more;
  } object = {.header.type_word = type | 0xf8000000u, .length = 3};
  ck_assert_uint_eq(lull_size_of(heap, &object), 24 + 16);
  object.length = 8;
  ck_assert_uint_eq(lull_size_of(heap, &object), 24 + 24);
  end();
}
END_TEST

static lull_type defined[8][300];

static void define_some(void *arg, unsigned index) {
  (void)arg;
  for (unsigned i = 0; i < COUNT_OF(defined[0]); i++) {
    lull_type_desc desc = plain_desc();
    desc.size = 8 * (1 + index * 1000 + i);
    REQUIRE(lull_type_define(heap, &desc, &defined[index][i]) == LULL_OK);
    for (unsigned other = 1; other <= defined[index][i]; other++)
      REQUIRE(strcmp(lull_type_name(heap, other), "plain") == 0);
  }
}

START_TEST(types_can_be_defined_by_many_threads) {
  begin();
  fake_threads(8, define_some, NULL);
  for (unsigned index = 0; index < 8; index++)
    for (unsigned i = 0; i < COUNT_OF(defined[0]); i++)
      ck_assert_uint_eq(heap->types.rows[defined[index][i]].size, 8 * (1 + index * 1000 + i));
  end();
}
END_TEST

static void drop_line(const char *line, void *data) {
  (void)line;
  (void)data;
}

int main(void) {
  Suite *suite = new_suite("types");
  TCase *tcase = tcase_create("types");
  tcase_add_test(tcase, missing_arguments_are_refused);
  tcase_add_test(tcase, bad_sizes_are_refused);
  tcase_add_test(tcase, bad_layouts_are_refused);
  tcase_add_test(tcase, bad_arrays_are_refused);
  tcase_add_test(tcase, names_are_copied);
  tcase_add_test(tcase, bad_field_names_are_refused);
  tcase_add_test(tcase, fields_are_named);
  tcase_add_test(tcase, older_descriptors_are_accepted);
  tcase_add_test(tcase, small_objects_can_be_bump_allocated);
  tcase_add_test(tcase, a_full_table_and_missing_memory_are_refused);
  tcase_add_loop_test(tcase, a_walk_yields_the_slots_that_the_descriptor_names, 0, 4);
  tcase_add_test(tcase, a_callback_reports_the_slots);
  tcase_add_test(tcase, sizes_are_rounded_up_to_a_granule);
  tcase_add_test(tcase, types_can_be_defined_by_many_threads);
  suite_add_tcase(suite, tcase);

  /* Thousands of refusals are part of the test. */
  lull_log_to(drop_line, NULL);
  return run_suite(suite);
}
