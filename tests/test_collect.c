/*
 * test_collect.c: the concurrent cycle through the public API: what is reachable survives with its
 * contents, what is not is freed, from every kind of root, over many cycles, epochs and threads;
 * and with marking's packets failing.
 */
#include <pthread.h>
#include "tests/one_heap.h"

/* Options under which every case of the loop runs. */
static const char *const variants[] = {
    "heap.max=64M,verify=phase",
    "heap.max=64M,verify=phase,stress.epoch_bits=4,stress.scribble=true",
    "heap.max=64M,stress.packet=1,gc.helpers=2,stress.scribble=true,verify=cycle",
    "heap.max=64M,stress.region=256,gc.assist=100us,stress.delay=200us,verify=phase",
    "heap.max=64M,stress.membarrier=false,stress.loop=true",
    "heap.max=64M,gc.mode=incremental,verify=phase,stress.epoch_bits=4,stress.scribble=true",
    "heap.max=64M,gc.mode=incremental,gc.step=10us,stress.packet=1,stress.region=256,"
    "stress.delay=20us,verify=cycle",
    "heap.max=64M,gc.mode=incremental,gc.step_bytes=4K,gc.every=1M,stress.scribble=true,"
    "verify=phase",
    "heap.max=64M,gc.mode=incremental,gc.helpers=2,stress.loop=true,verify=cycle",
    "heap.max=64M,heap.initial=1M,gc.thread_from=1T,verify=cycle",
    "heap.max=64M,gc.mode=stw,verify=phase,stress.epoch_bits=4,stress.scribble=true",
    "heap.max=64M,gc.mode=stw,stress.packet=1,gc.helpers=1,verify=cycle",
};
#define VARIANTS ((int)(sizeof variants / sizeof variants[0]))

START_TEST(a_list_survives_and_garbage_goes) {
  set_up(variants[_i]);
  {
    struct cell *kept = NULL;
    LULL_ROOTS(thread, kept);
    kept = make_list(thread, type, 10000, 7);
    for (int round = 0; round < 12; round++) {
      make_list(thread, type, 20000, 0);
      collect();
      check_list(kept, 10000, 7);
      lull_stats stats = stats_of(heap);
      ck_assert_uint_eq(stats.bytes_live, 10000 * sizeof(struct cell));
    }
  }
  collect();
  ck_assert_uint_eq(stats_of(heap).bytes_live, 0);
  tear_down();
}
END_TEST

START_TEST(memory_is_used_again_without_end) {
  set_up(variants[_i]);
  {
    struct cell *kept = NULL;
    LULL_ROOTS(thread, kept);
    /* Ten times the limit. */
    for (int round = 0; round < 280; round++) {
      struct cell *list = make_list(thread, type, 100000, (uint64_t)round);
      if (round % 16 == 0)
        kept = list;
      check_list(kept, 100000, (uint64_t)(round - round % 16));
    }
  }
  lull_stats stats = stats_of(heap);
  ck_assert_uint_gt(stats.cycles, 3);
  ck_assert_uint_eq(stats.stall_failures, 0);
  ck_assert_uint_le(stats.heap_used, 64u << 20);
  tear_down();
}
END_TEST

START_TEST(vectors_small_and_large_keep_their_items) {
  static const size_t lengths[] = {1, 100, 1000, 1100, 5000, 100000, 600000};
  set_up(variants[_i]);
  lull_type vectors = vector_type(heap);
  for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++) {
    struct vector *vector = NULL;
    LULL_ROOTS(thread, vector);
    vector = (struct vector *)lull_new_array(thread, vectors, lengths[l]);
    ck_assert_ptr_nonnull(vector);
    ck_assert_uint_eq(vector->length, lengths[l]);
    for (size_t i = 0; i < lengths[l]; i += 1 + lengths[l] / 5000) {
      EXPECT(vector->item[i] == NULL);
      struct cell *item = (struct cell *)lull_new(thread, type);
      item->value = i;
      lull_store(thread, vector, &vector->item[i], item);
    }
    for (int round = 0; round < 3; round++) {
      make_list(thread, type, 1000, 0);
      collect();
      for (size_t i = 0; i < lengths[l]; i += 1 + lengths[l] / 5000)
        EXPECT(vector->item[i]->value == i);
    }
  }
  tear_down();
}
END_TEST

START_TEST(copy_moves_as_memmove_does) {
  set_up(variants[_i]);
  lull_type vectors = vector_type(heap);
  {
    struct vector *vector = NULL, *expected = NULL;
    LULL_ROOTS(thread, vector, expected);
    vector = (struct vector *)lull_new_array(thread, vectors, 3000);
    expected = (struct vector *)lull_new_array(thread, vectors, 3000);
    for (size_t i = 0; i < 3000; i++) {
      struct cell *item = (struct cell *)lull_new(thread, type);
      item->value = i;
      lull_store(thread, vector, &vector->item[i], item);
    }
    lull_collect_start(heap);
    lull_copy(thread, expected, &expected->item[0], &vector->item[0], 3000);
    lull_copy(thread, vector, &vector->item[10], &vector->item[0], 2990);
    lull_copy(thread, vector, &vector->item[0], &vector->item[500], 2500);
    lull_fill(thread, vector, &vector->item[2900], NULL, 100);
    memmove(&expected->item[10], &expected->item[0], 2990 * sizeof(void *));
    memmove(&expected->item[0], &expected->item[500], 2500 * sizeof(void *));
    memset(&expected->item[2900], 0, 100 * sizeof(void *));
    ck_assert_int_eq(memcmp(vector->item, expected->item, sizeof(void *) * 3000), 0);
    collect();
    for (size_t i = 0; i < 2900; i++)
      EXPECT(vector->item[i]->value < 3000);
  }
  tear_down();
}
END_TEST

/* No packet but the first few can be had: objects are kept by their marks and re-scan flags. */
START_TEST(marking_without_packets_loses_nothing) {
  char options[128];
  snprintf(options, sizeof options, "heap.max=64M,verify=phase,stress.packet=3,fault.packet=%d",
           1 + _i * 7);
  set_up(options);
  lull_type vectors = vector_type(heap);
  {
    struct vector *vector = NULL;
    LULL_ROOTS(thread, vector);
    vector = (struct vector *)lull_new_array(thread, vectors, 4000);
    for (size_t i = 0; i < 4000; i++)
      lull_store(thread, vector, &vector->item[i], make_list(thread, type, 5, i));
    for (int round = 0; round < 4; round++) {
      make_list(thread, type, 5000, 0);
      collect();
      for (size_t i = 0; i < 4000; i++)
        check_list(vector->item[i], 5, i);
    }
    ck_assert_uint_gt(stats_of(heap).packet_overflows, 0);
  }
  tear_down();
}
END_TEST

struct worker {
  lull_handle *shared;
  unsigned seed;
};

/* Builds lists, passes some on through the shared handle, keeps one, checks all. */
static void *work(void *arg) {
  struct worker *worker = arg;
  lull_thread *self = attach(heap);
  {
    struct cell *mine = NULL, *theirs = NULL;
    LULL_ROOTS(self, mine, theirs);
    for (unsigned round = 0; round < 150; round++) {
      uint64_t first = (uint64_t)worker->seed << 32 | round << 12;
      mine = make_list(self, type, 500, first);
      theirs = (struct cell *)lull_handle_get(self, worker->shared);
      lull_handle_set(self, worker->shared, mine);
      if (theirs != NULL)
        check_list(theirs, 500, theirs->value);
      lull_poll(self);
      check_list(mine, 500, first);
      if (round % 32 == 0)
        ck_assert_int_eq(lull_collect(self), LULL_OK);
    }
  }
  ck_assert_int_eq(lull_detach(self), LULL_OK);
  return NULL;
}

START_TEST(many_threads_share_through_a_handle) {
  enum { THREADS = 6 };
  set_up(variants[_i]);
  struct worker workers[THREADS];
  pthread_t threads[THREADS];
  lull_handle *shared = lull_handle_new(thread, NULL);
  for (unsigned i = 0; i < THREADS; i++) {
    workers[i] = (struct worker){shared, i + 1};
    ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
  }
  ck_assert_int_eq(lull_blocked_begin(thread), LULL_OK);
  for (unsigned i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  ck_assert_int_eq(lull_blocked_end(thread), LULL_OK);
  ck_assert_int_eq(lull_handle_release(thread, shared), LULL_OK);
  collect();
  ck_assert_uint_eq(stats_of(heap).bytes_live, 0);
  tear_down();
}
END_TEST

int main(void) {
  Suite *suite = new_suite("collect");
  TCase *tcase = tcase_create("variants");
  tcase_add_loop_test(tcase, a_list_survives_and_garbage_goes, 0, VARIANTS);
  tcase_add_loop_test(tcase, memory_is_used_again_without_end, 0, VARIANTS);
  tcase_add_loop_test(tcase, vectors_small_and_large_keep_their_items, 0, VARIANTS);
  tcase_add_loop_test(tcase, copy_moves_as_memmove_does, 0, VARIANTS);
  tcase_add_loop_test(tcase, many_threads_share_through_a_handle, 0, VARIANTS);
  tcase_add_loop_test(tcase, marking_without_packets_loses_nothing, 0, 4);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
