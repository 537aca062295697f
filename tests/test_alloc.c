/*
 * test_alloc.c: allocation by a caller that knows the size: what it yields is what lull_new yields;
 * a size that is not the type's is refused wherever it is looked at, and a refusal takes nothing
 * from the region and leaves the heap as it was.
 */
#include "heap/large.h"
#include "heap/region.h"
#include "tests/fixture.h"

static const char *const variants[] = {
    "heap.max=64M,verify=phase,stress.epoch_bits=4,stress.scribble=true",
    "heap.max=64M,stress.region=256,stress.scribble=true",
    "heap.max=64M,gc.mode=stw,verify=cycle,stress.scribble=true",
};
#define VARIANTS ((int)(sizeof variants / sizeof variants[0]))

static const size_t sizes[] = {
    8, 16, 24, 56, LU_MEDIUM, LU_MEDIUM + 8, 5000, LU_SMALL_MAX, LU_SMALL_MAX + 8, 3 << 20};
#define SIZES (sizeof sizes / sizeof sizes[0])

/* Lines that the library logged. */
static unsigned lines;

static void count_line(const char *line, void *data) {
  (void)line;
  (void)data;
  lines++;
}

/* NULL with that error and one line of the log. */
#define REFUSED(call, status)             \
  do {                                    \
    unsigned before_ = lines;             \
    EXPECT((call) == NULL);               \
    EXPECT(lull_last_error() == (status)); \
    EXPECT(lines == before_ + 1);         \
  } while (0)

/* Words without references. */
static lull_type leaf_type(lull_heap *heap, size_t size) {
  lull_type_desc desc = {.struct_size = sizeof desc, .name = "leaf", .size = size};
  lull_type type = 0;
  ck_assert_int_eq(lull_type_define(heap, &desc, &type), LULL_OK);
  return type;
}

/*
 * One object, by the inline path or out of line, which must be a new one in every respect. It is
 * left full of ones.
 */
static void check_one(lull_heap *heap, lull_thread *thread, lull_type type, size_t size) {
  char *bump = thread->bump;
  bool room = (size_t)(thread->limit - bump) >= size;
  lull_object *object = (lull_object *)lull_new_sized(thread, type, size);
  EXPECT(object != NULL);
  EXPECT(!room || ((char *)object == bump && thread->bump == bump + size));
  EXPECT(object->type_word == type && object->user == 0);
  EXPECT(object->log_epoch == (size > LU_SMALL_MAX ? LU_LOG_LARGE : thread->birth_epoch));
  EXPECT(lull_size_of(heap, object) == size);
  uint64_t *field = (uint64_t *)(object + 1), *end = (uint64_t *)((char *)object + size);
  for (; field < end; field++) {
    EXPECT(*field == 0);
    *field = UINT64_MAX;
  }
}

START_TEST(objects_of_known_size_are_new_in_every_epoch) {
  lull_heap *heap = heap_with(variants[_i]);
  lull_thread *thread = attach(heap);
  lull_type types[SIZES];
  for (size_t i = 0; i < SIZES; i++)
    types[i] = leaf_type(heap, sizes[i]);
  /* More rounds than there are epochs of 4 bits, in memory that was full of ones. */
  for (int round = 0; round < 10; round++) {
    for (size_t i = 0; i < SIZES; i++)
      for (size_t bytes = 0; bytes < (size_t)128 << 10; bytes += sizes[i])
        check_one(heap, thread, types[i], sizes[i]);
    ck_assert_int_eq(lull_collect(thread), LULL_OK);
  }
  end_heap(heap, thread);
}
END_TEST

/* A heap, the types that the refusals need, and a list that must survive them. */
struct scene {
  lull_heap *heap;
  lull_thread *thread;
  lull_type word, cell, vector;
};

static struct scene begin(const char *options) {
  struct scene scene = {.heap = heap_with(options)};
  scene.thread = attach(scene.heap);
  scene.word = leaf_type(scene.heap, 8);
  scene.cell = cell_type(scene.heap);
  scene.vector = vector_type(scene.heap);
  lull_log_to(count_line, NULL);
  return scene;
}

static void end(struct scene *scene) {
  lull_log_to(NULL, NULL);
  end_heap(scene->heap, scene->thread);
}

/* Allocates until the region has no room at all, so that the next allocation is out of line. */
static void use_up_room(const struct scene *scene) {
  do
    EXPECT(lull_new(scene->thread, scene->word) != NULL);
  while (scene->thread->bump != scene->thread->limit);
}

/*
 * Allocates until the region has room for a few cells, so that the next allocation of one is
 * inline.
 */
static void make_room(const struct scene *scene) {
  do
    EXPECT(lull_new(scene->thread, scene->word) != NULL);
  while (scene->thread->limit - scene->thread->bump < (ptrdiff_t)(4 * sizeof(struct cell)));
}

/*
 * Sizes that a cell does not have and types of which no record is; the sizes are no constants here.
 */
static void refuse_all(const struct scene *scene) {
  static const size_t wrong[] = {
      0, 1, 8, 16, 20, 23, 25, 32, 8192, 8200, 1 << 20, LULL_SIZE_MAX, SIZE_MAX - 7, SIZE_MAX};
  const lull_type strange[] = {0,       scene->vector,        scene->vector + 1,
                               1000000, LULL_TYPE_INDEX_MASK, UINT32_MAX};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
    REFUSED(lull_new_sized(scene->thread, scene->cell, wrong[i]), LULL_E_ARGUMENT);
  for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++)
    REFUSED(lull_new_sized(scene->thread, strange[i], sizeof(struct cell)), LULL_E_UNKNOWN);
}

/*
 * What is refused however much room there is: 0, more than there is room for, and constants that
 * are no size.
 */
static void refuse_at_sight(const struct scene *scene) {
  lull_thread *thread = scene->thread;
  volatile size_t nothing = 0;
  REFUSED(lull_new_sized(thread, scene->cell, 0), LULL_E_ARGUMENT);
  REFUSED(lull_new_sized(thread, scene->cell, nothing), LULL_E_ARGUMENT);
  REFUSED(lull_new_sized(thread, scene->cell, 1 << 20), LULL_E_ARGUMENT);
  REFUSED(lull_new_sized(thread, scene->vector, 0), LULL_E_UNKNOWN);
/* Without optimisation no argument of a function is a constant. */
#if defined LULL_DEBUG || defined __OPTIMIZE__
  REFUSED(lull_new_sized(thread, scene->cell, 1), LULL_E_ARGUMENT);
  REFUSED(lull_new_sized(thread, scene->cell, 20), LULL_E_ARGUMENT);
  REFUSED(lull_new_sized(thread, scene->cell, sizeof(struct cell) - 1), LULL_E_ARGUMENT);
  REFUSED(lull_new_sized(thread, scene->cell, sizeof(struct cell) + 1), LULL_E_ARGUMENT);
#endif
}

static void check_usable(const struct scene *scene) {
  struct cell *list = NULL;
  LULL_ROOTS(scene->thread, list);
  list = make_list(scene->thread, scene->cell, 3000, 5);
  for (int i = 0; i < 3; i++) {
    struct cell *more =
        (struct cell *)lull_new_sized(scene->thread, scene->cell, sizeof(struct cell));
    EXPECT(more != NULL);
    lull_init(scene->thread, more, &more->next, list);
    more->value = list->value - 1;
    list = more;
  }
  ck_assert_int_eq(lull_collect(scene->thread), LULL_OK);
  check_list(list, 3003, 2);
  ck_assert_int_eq(lull_verify(scene->thread), LULL_OK);
}

START_TEST(wrong_sizes_and_types_are_refused_out_of_line) {
  struct scene scene = begin(variants[_i]);
  /* A thread that has allocated nothing has no room either. */
  refuse_all(&scene);
  refuse_at_sight(&scene);
  ck_assert_ptr_null(scene.thread->bump);
  check_usable(&scene);
  use_up_room(&scene);
  char *bump = scene.thread->bump;
  refuse_all(&scene);
  refuse_at_sight(&scene);
  ck_assert_ptr_eq(scene.thread->bump, bump);
  ck_assert_ptr_eq(scene.thread->limit, bump);
  check_usable(&scene);
  end(&scene);
}
END_TEST

START_TEST(what_is_no_size_is_refused_inline) {
  struct scene scene = begin(variants[_i]);
  for (int round = 0; round < 3; round++) {
    make_room(&scene);
    char *bump = scene.thread->bump, *limit = scene.thread->limit;
    refuse_at_sight(&scene);
#ifdef LULL_DEBUG
    refuse_all(&scene);
#endif
    ck_assert_ptr_eq(scene.thread->bump, bump);
    ck_assert_ptr_eq(scene.thread->limit, limit);
    check_usable(&scene);
  }
  end(&scene);
}
END_TEST

int main(void) {
  Suite *suite = new_suite("alloc");
  TCase *tcase = tcase_create("sized");
  tcase_add_loop_test(tcase, objects_of_known_size_are_new_in_every_epoch, 0, VARIANTS);
  tcase_add_loop_test(tcase, wrong_sizes_and_types_are_refused_out_of_line, 0, VARIANTS);
  tcase_add_loop_test(tcase, what_is_no_size_is_refused_inline, 0, VARIANTS);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
