/*
 * test_memory.c: reservations, allocations that fail by count, and the stress options' random
 * numbers.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "support/memory.h"
#include "support/random.h"
#include "support/tool.h"
#include "tests/suite.h"

#define MB ((size_t)1 << 20)

/* Whether the system has a mapping at every page of a range. */
static bool mapped(char *memory, size_t bytes) {
  return msync(memory, bytes, MS_ASYNC) == 0;
}

START_TEST(reservations_are_aligned_and_zero) {
  static const size_t aligns[] = {4096, 65536, 4 * MB, 64 * MB};
  for (size_t i = 0; i < sizeof aligns / sizeof aligns[0]; i++) {
    size_t align = aligns[i] < lu_page_size() ? lu_page_size() : aligns[i];
    char *memory = lu_reserve(3 * MB, align);
    ck_assert_ptr_nonnull(memory);
    ck_assert_uint_eq((uintptr_t)memory & (align - 1), 0);
    ck_assert(mapped(memory, 3 * MB));
    ck_assert_int_eq(memory[0], 0);
    memory[0] = memory[3 * MB - 1] = 1;
    lu_unreserve(memory, 3 * MB);
    ck_assert(!mapped(memory, lu_page_size()));
    ck_assert(!mapped(memory + 3 * MB - lu_page_size(), lu_page_size()));
  }
  lu_unreserve(NULL, 3 * MB);
}
END_TEST

START_TEST(a_large_reservation_costs_nothing) {
  size_t bytes = (size_t)1 << 40;
  char *memory = lu_reserve(bytes, 4 * MB);
  ck_assert_ptr_nonnull(memory);
  memory[0] = memory[bytes / 2] = memory[bytes - 1] = 1;
  lu_unreserve(memory, bytes);
}
END_TEST

START_TEST(reservations_are_refused) {
  ck_assert_ptr_null(lu_reserve((size_t)1 << 62, 4 * MB));
  ck_assert_ptr_null(lu_reserve(SIZE_MAX & ~(4 * MB - 1), 4 * MB));
  ck_assert_ptr_null(lu_reserve(SIZE_MAX & ~(lu_page_size() - 1), (size_t)1 << 63));
}
END_TEST

START_TEST(released_pages_are_zero_again) {
  size_t page = lu_page_size();
  char *memory = lu_reserve(8 * page, page);
  ck_assert_ptr_nonnull(memory);
  memset(memory, 1, 8 * page);
  lu_huge_pages(memory, 8 * page, true);
  lu_huge_pages(memory, 8 * page, false);
  ck_assert(lu_release_pages(memory + page, 2 * page));
  for (size_t i = 0; i < 8 * page; i += 64)
    ck_assert_int_eq(memory[i], i >= page && i < 3 * page ? 0 : 1);
  lu_unreserve(memory, 8 * page);
}
END_TEST

START_TEST(arrays_do_not_overflow) {
  ck_assert_ptr_null(lu_alloc_array(LU_FAULT_METADATA, SIZE_MAX, 2));
  ck_assert_ptr_null(lu_zalloc_array(LU_FAULT_METADATA, (size_t)1 << 33, (size_t)1 << 33));
  int *array = lu_zalloc_array(LU_FAULT_METADATA, 100, sizeof *array);
  ck_assert_ptr_nonnull(array);
  for (int i = 0; i < 100; i++) {
    ck_assert_int_eq(array[i], 0);
    array[i] = i;
  }
  ck_assert_ptr_null(lu_realloc_array(LU_FAULT_METADATA, array, SIZE_MAX / 2, 4));
  int *longer = lu_realloc_array(LU_FAULT_METADATA, array, 1000, sizeof *longer);
  ck_assert_ptr_nonnull(longer);
  for (int i = 0; i < 100; i++)
    ck_assert_int_eq(longer[i], i);
  lu_free(longer);
  for (size_t align = 8; align <= 4096; align *= 2) {
    char *record = lu_zalloc_aligned(LU_FAULT_THREAD, align, 1000);
    ck_assert_ptr_nonnull(record);
    ck_assert_uint_eq((uintptr_t)record % align, 0);
    for (size_t i = 0; i < 1000; i++)
      ck_assert_int_eq(record[i], 0);
    lu_free(record);
  }
}
END_TEST

START_TEST(every_primitive_can_be_made_to_fail) {
  lu_fault_arm(LU_FAULT_RESERVE, 1, true);
  ck_assert_ptr_null(lu_reserve(MB, MB));
  void *memory = lu_reserve(MB, MB);
  ck_assert_ptr_nonnull(memory);
  lu_unreserve(memory, MB);
  lu_fault_arm(LU_FAULT_THREAD, 1, false);
  ck_assert_ptr_null(lu_alloc_array(LU_FAULT_THREAD, 1, 1));
  ck_assert_ptr_null(lu_zalloc_array(LU_FAULT_THREAD, 1, 1));
  ck_assert_ptr_null(lu_zalloc(LU_FAULT_THREAD, 1));
  ck_assert_ptr_null(lu_realloc_array(LU_FAULT_THREAD, NULL, 1, 1));
  ck_assert_ptr_null(lu_zalloc_aligned(LU_FAULT_THREAD, 64, 64));
  ck_assert_uint_eq(lu_fault_requests(LU_FAULT_THREAD), 5);
  lu_fault_clear();
  void *block = lu_zalloc(LU_FAULT_THREAD, 1);
  ck_assert_ptr_nonnull(block);
  lu_free(block);
}
END_TEST

/* Of all requests of all threads exactly one is the nth. */
enum { THREADS = 4, REQUESTS = 10000 };

static void *ask(void *arg) {
  int *failed = arg;
  for (int i = 0; i < REQUESTS; i++)
    *failed += lu_fault(LU_FAULT_BLOCK);
  return NULL;
}

static int failures_of_threads(void) {
  pthread_t threads[THREADS];
  int failed[THREADS] = {0}, all = 0;
  for (int i = 0; i < THREADS; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, ask, &failed[i]), 0);
  for (int i = 0; i < THREADS; i++) {
    ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    all += failed[i];
  }
  return all;
}

START_TEST(faults_count_over_threads) {
  lu_fault_arm(LU_FAULT_BLOCK, THREADS * REQUESTS / 2, true);
  ck_assert_int_eq(failures_of_threads(), 1);
  lu_fault_arm(LU_FAULT_BLOCK, THREADS * REQUESTS / 2, false);
  ck_assert_int_eq(failures_of_threads(), THREADS * REQUESTS / 2 + 1);
  lu_fault_arm(LU_FAULT_BLOCK, 0, false);
  ck_assert_int_eq(failures_of_threads(), 0);
  ck_assert_uint_eq(lu_faults_armed, 0);
}
END_TEST

START_TEST(system_memory_is_plausible) {
  uint64_t memory = lu_system_memory();
  ck_assert_uint_gt(memory, MB);
  ck_assert_uint_lt(memory, UINT64_C(1) << 52);
}
END_TEST

static void *draw(void *arg) {
  uint64_t *numbers = arg;
  for (int i = 0; i < 100; i++)
    numbers[i] = lu_random();
  return NULL;
}

START_TEST(seeds_replay_and_threads_differ) {
  uint64_t first[100], again[100], other[100];
  lu_random_seed(7);
  draw(first);
  pthread_t thread;
  ck_assert_int_eq(pthread_create(&thread, NULL, draw, other), 0);
  ck_assert_int_eq(pthread_join(thread, NULL), 0);
  lu_random_seed(7);
  draw(again);
  ck_assert_mem_eq(first, again, sizeof first);
  for (int i = 0; i < 100; i++)
    ck_assert_uint_ne(first[i], other[i]);
  lu_random_seed(8);
  draw(again);
  for (int i = 0; i < 100; i++)
    ck_assert_uint_ne(first[i], again[i]);
}
END_TEST

START_TEST(numbers_below_a_bound_are_spread) {
  enum { N = 10, DRAWS = 100000 };
  int seen[N] = {0};
  lu_random_seed(1);
  for (int i = 0; i < DRAWS; i++) {
    uint64_t r = lu_random_below(N);
    ck_assert(r < N);
    seen[r]++;
  }
  for (int i = 0; i < N; i++)
    ck_assert(seen[i] > DRAWS / N * 9 / 10 && seen[i] < DRAWS / N * 11 / 10);
  ck_assert_uint_eq(lu_random_below(1), 0);
  ck_assert_uint_eq(lu_random_scale(UINT64_MAX, 1000), 999);
}
END_TEST

int main(void) {
  Suite *suite = new_suite("memory");
  TCase *tcase = tcase_create("memory");
  tcase_add_test(tcase, reservations_are_aligned_and_zero);
  if (!LU_TSAN && !LU_ASAN) /* their own mappings leave no room for it */
    tcase_add_test(tcase, a_large_reservation_costs_nothing);
  tcase_add_test(tcase, reservations_are_refused);
  tcase_add_test(tcase, released_pages_are_zero_again);
  tcase_add_test(tcase, arrays_do_not_overflow);
  tcase_add_test(tcase, system_memory_is_plausible);
  suite_add_tcase(suite, tcase);
  tcase = tcase_create("faults and randomness");
  tcase_add_test(tcase, every_primitive_can_be_made_to_fail);
  tcase_add_test(tcase, faults_count_over_threads);
  tcase_add_test(tcase, seeds_replay_and_threads_differ);
  tcase_add_test(tcase, numbers_below_a_bound_are_spread);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
