/*
 * test_stall.c: allocation at the limit: every wait ends, with memory, or with the out-of-memory
 * hook and NULL; and a thread that does not poll costs the others LULL_E_PROGRESS, never a false
 * LULL_E_MEMORY. A heap with nothing in it refuses nothing that its limit allows.
 */
#include <pthread.h>
#include <stdatomic.h>
#include "heap/heap.h"
#include "tests/fixture.h"

static const char *const variants[] = {"heap.max=16M",
                                       "heap.max=16M,gc.mode=stw",
                                       "heap.max=16M,gc.mode=incremental",
                                       "heap.max=16M,gc.mode=incremental,gc.work=0,verify=cycle",
                                       "heap.max=16M,gc.thread_from=1G,stress.scribble=true",
                                       "heap.max=16M,verify=cycle,stress.scribble=true"};
#define VARIANTS ((int)(sizeof variants / sizeof variants[0]))

struct hook {
  int calls;
  size_t size;
  lull_oom why;
  struct cell **drop;   /* set to NULL by the hook, if not NULL */
};

static bool on_oom(lull_thread *thread, size_t size, lull_oom why, void *data) {
  struct hook *hook = data;
  (void)thread;
  hook->calls++;
  hook->size = size;
  hook->why = why;
  if (hook->drop == NULL)
    return false;
  *hook->drop = NULL;
  return true;
}

/* Adds cells to *list until allocation fails or `most` were made; returns how many. */
static size_t fill(lull_thread *thread, lull_type type, struct cell **list, size_t most) {
  for (size_t n = 0; n < most; n++) {
    struct cell *cell = (struct cell *)lull_new(thread, type);
    if (cell == NULL)
      return n;
    lull_init(thread, cell, &cell->next, *list);
    *list = cell;
  }
  return most;
}

START_TEST(a_full_heap_says_so_and_goes_on) {
  lull_heap *heap = heap_with(variants[_i]);
  lull_thread *thread = attach(heap);
  lull_type type = cell_type(heap);
  struct hook hook = {0};
  ck_assert_int_eq(lull_heap_oom_hook(heap, on_oom, &hook), LULL_OK);
  {
    struct cell *list = NULL;
    LULL_ROOTS(thread, list);
    size_t made = fill(thread, type, &list, SIZE_MAX);
    ck_assert_int_eq(lull_last_error(), LULL_E_MEMORY);
    ck_assert_int_eq(hook.calls, 1);
    ck_assert_int_eq(hook.why, LULL_OOM_LIMIT);
    ck_assert_uint_eq(hook.size, sizeof(struct cell));
    /* Nearly all of the limit is usable for objects. */
    ck_assert_uint_gt(made * sizeof(struct cell), (size_t)14 << 20);
    ck_assert_uint_gt(stats_of(heap).stalls, 0);
    ck_assert_uint_gt(stats_of(heap).stall_failures, 0);
    list = NULL;
    ck_assert_uint_eq(fill(thread, type, &list, 100000), 100000);
  }
  end_heap(heap, thread);
}
END_TEST

START_TEST(the_hook_gets_another_chance) {
  lull_heap *heap = heap_with(variants[_i]);
  lull_thread *thread = attach(heap);
  lull_type type = cell_type(heap);
  {
    struct cell *ballast = NULL, *list = NULL;
    LULL_ROOTS(thread, ballast, list);
    struct hook hook = {.drop = &ballast};
    ck_assert_int_eq(lull_heap_oom_hook(heap, on_oom, &hook), LULL_OK);
    ck_assert_uint_eq(fill(thread, type, &ballast, 300000), 300000);
    ck_assert_uint_eq(fill(thread, type, &list, 500000), 500000);
    ck_assert_int_eq(hook.calls, 1);
  }
  end_heap(heap, thread);
}
END_TEST

START_TEST(large_objects_meet_the_same_limit) {
  lull_heap *heap = heap_with(variants[_i]);
  lull_thread *thread = attach(heap);
  lull_type type = vector_type(heap);
  {
    struct vector *kept = NULL;
    LULL_ROOTS(thread, kept);
    ck_assert_ptr_null(lull_new_array(thread, type, (size_t)4 << 20));
    ck_assert_int_eq(lull_last_error(), LULL_E_RANGE);
    ck_assert_ptr_null(lull_new_array(thread, type, SIZE_MAX / 2));
    ck_assert_int_eq(lull_last_error(), LULL_E_RANGE);
    for (int i = 0; i < 40; i++) {
      kept = (struct vector *)lull_new_array(thread, type, (size_t)6 << 17);
      ck_assert_ptr_nonnull(kept);
      ck_assert_ptr_null(kept->item[kept->length - 1]);
      kept->item[0] = NULL;
    }
    ck_assert_ptr_null(lull_new_array(thread, type, (size_t)12 << 17));
    ck_assert_int_eq(lull_last_error(), LULL_E_MEMORY);
  }
  end_heap(heap, thread);
}
END_TEST

struct stuck {
  lull_heap *heap;
  atomic_bool attached, go_on;
};

static void *never_poll(void *arg) {
  struct stuck *stuck = arg;
  lull_thread *thread = attach(stuck->heap);
  atomic_store(&stuck->attached, true);
  while (!atomic_load(&stuck->go_on))
    ;
  ck_assert_int_eq(lull_detach(thread), LULL_OK);
  return NULL;
}

static _Atomic int named;

static void count_names(const char *line, void *data) {
  (void)data;
  if (strstr(line, "has not polled") != NULL)
    atomic_fetch_add(&named, 1);
}

START_TEST(a_thread_that_does_not_poll_is_named) {
  lull_heap *heap =
      heap_with(_i == 0 ? "heap.max=16M,stall.timeout=200ms,watchdog=50ms"
                        : "heap.max=16M,stall.timeout=200ms,watchdog=50ms,gc.mode=stw");
  lull_thread *thread = attach(heap);
  lull_type type = cell_type(heap);
  struct stuck stuck = {.heap = heap};
  struct hook hook = {0};
  pthread_t other;
  lull_log_to(count_names, NULL);
  ck_assert_int_eq(lull_heap_oom_hook(heap, on_oom, &hook), LULL_OK);
  ck_assert_int_eq(pthread_create(&other, NULL, never_poll, &stuck), 0);
  while (!atomic_load(&stuck.attached))
    lull_poll(thread);
  {
    /* Only garbage, so memory would come free if the cycle could go on. */
    struct cell *nothing = NULL;
    struct cell *cell;
    LULL_ROOTS(thread, nothing);
    do
      cell = (struct cell *)lull_new(thread, type);
    while (cell != NULL);
    ck_assert_int_eq(lull_last_error(), LULL_E_PROGRESS);
    ck_assert_int_eq(hook.why, LULL_OOM_PROGRESS);
    ck_assert_int_ge(atomic_load(&named), 1);
    ck_assert_int_eq(lull_collect(thread), LULL_E_PROGRESS);
    atomic_store(&stuck.go_on, true);
    pthread_join(other, NULL);
    ck_assert_int_eq(lull_collect(thread), LULL_OK);
    ck_assert_uint_eq(fill(thread, type, &nothing, 100000), 100000);
  }
  lull_log_to(NULL, NULL);
  end_heap(heap, thread);
}
END_TEST

/* Many threads at the limit at once, each with a small live part: all get memory. */
static void *strive(void *arg) {
  struct stuck *stuck = arg;
  lull_thread *thread = attach(stuck->heap);
  {
    struct cell *list = NULL;
    LULL_ROOTS(thread, list);
    for (int round = 0; round < 60; round++) {
      list = NULL;
      ck_assert_uint_eq(fill(thread, 1, &list, 30000), 30000);
    }
  }
  ck_assert_int_eq(lull_detach(thread), LULL_OK);
  return NULL;
}

START_TEST(threads_that_share_a_tight_heap_all_get_memory) {
  enum { THREADS = 8 };
  lull_heap *heap = heap_with(variants[_i]);
  ck_assert_uint_eq(cell_type(heap), 1);
  struct stuck stuck = {.heap = heap};
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, strive, &stuck), 0);
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  ck_assert_uint_eq(stats_of(heap).stall_failures, 0);
  end_heap(heap, NULL);
}
END_TEST

static const char *const spacious[] = {"heap.max=96M", "heap.max=96M,gc.mode=stw",
                                       "heap.max=96M,heap.return=false",
                                       "heap.max=96M,gc.mode=stw,heap.return=false",
                                       "heap.max=96M,gc.mode=incremental",
                                       "heap.max=96M,gc.mode=incremental,gc.step_bytes=4K"};
#define SPACIOUS ((int)(sizeof spacious / sizeof spacious[0]))

/*
 * Small objects in two slabs, far from each other and from both ends: of the 64 slabs of a heap of
 * 96 MB they leave 23 in a row before them, 16 between them and 23 behind them, where nearly all of
 * the limit wants 24. For a moment objects of 2 MB, of which each gets a slab of its own, take the
 * others' place; they are never touched, so most of this is addresses only.
 */
enum { SLABS_BEFORE = 23, SLABS_BETWEEN = 16 };
#define OF_A_SLAB ((size_t)2 << 20)
#define NEARLY_ALL ((size_t)94 << 20)

/* What has been allocated; roots. */
static void *kept[1000];
static size_t kept_count;

static lull_type bytes_type(lull_heap *heap) {
  lull_type_desc desc = {.struct_size = sizeof desc,
                         .name = "bytes",
                         .size = 16,
                         .element_size = 1,
                         .length_offset = 8};
  lull_type type = 0;
  ck_assert_int_eq(lull_type_define(heap, &desc, &type), LULL_OK);
  return type;
}

static const char *add(lull_thread *thread, lull_type type, size_t bytes) {
  void *object = lull_new_array(thread, type, bytes - 16);
  EXPECT(object != NULL && kept_count < sizeof kept / sizeof kept[0]);
  kept[kept_count++] = object;
  return object;
}

static void spread_slabs(lull_thread *thread, lull_type type) {
  for (int i = 0; i < SLABS_BEFORE; i++)
    add(thread, type, OF_A_SLAB);
  const char *slab = lu_slab_start(add(thread, type, LU_SMALL_MAX));
  for (int i = 0; i < SLABS_BETWEEN; i++)
    add(thread, type, OF_A_SLAB);
  while (lu_slab_start(add(thread, type, LU_SMALL_MAX)) == slab)
    ;
}

/* The most slabs in a row that have no use. */
static size_t unused_in_a_row(const struct lu_space *space) {
  size_t most = 0, row = 0;
  for (size_t i = 0; i < space->slab_count; i++) {
    row = atomic_load(&space->slabs[i].kind) == LU_SLAB_UNUSED ? row + 1 : 0;
    most = row > most ? row : most;
  }
  return most;
}

START_TEST(an_empty_heap_has_room_for_a_large_object) {
  lull_heap *heap = heap_with(spacious[_i]);
  lull_thread *thread = attach(heap);
  lull_type type = bytes_type(heap);
  ck_assert_int_eq(lull_thread_range_add(thread, kept, sizeof kept / sizeof kept[0]), LULL_OK);
  spread_slabs(thread, type);
  memset(kept, 0, sizeof kept);
  ck_assert_int_eq(lull_collect(thread), LULL_OK);
  ck_assert_uint_lt(unused_in_a_row(&heap->space) * LU_SLAB_BYTES, NEARLY_ALL);
  ck_assert_ptr_nonnull(lull_new_array(thread, type, NEARLY_ALL));
  ck_assert_uint_eq(stats_of(heap).stall_failures, 0);
  end_heap(heap, thread);
}
END_TEST

int main(void) {
  Suite *suite = new_suite("stall");
  TCase *tcase = tcase_create("limit");
  tcase_add_loop_test(tcase, a_full_heap_says_so_and_goes_on, 0, VARIANTS);
  tcase_add_loop_test(tcase, the_hook_gets_another_chance, 0, VARIANTS);
  tcase_add_loop_test(tcase, large_objects_meet_the_same_limit, 0, VARIANTS);
  tcase_add_loop_test(tcase, a_thread_that_does_not_poll_is_named, 0, 2);
  tcase_add_loop_test(tcase, threads_that_share_a_tight_heap_all_get_memory, 0, VARIANTS);
  suite_add_tcase(suite, tcase);
  tcase = tcase_create("slabs");
  tcase_add_loop_test(tcase, an_empty_heap_has_room_for_a_large_object, 0, SPACIOUS);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
