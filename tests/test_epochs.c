/*
 * test_epochs.c: epochs that wrap, on whole heaps: what a thread takes out of an object after its
 * root scan, by the object's first store of the cycle, survives in every epoch, whatever the log
 * words held before, and however seldom logs are renewed.
 */
#include "tests/fixture.h"

#define LARGE 4000
#define SMALL 900
#define ROUNDS 20  /* more than the 8 epochs of 4 bits, twice */

/*
 * A vector that is initialised only, so that no store has touched its logs. The cells are reachable
 * through it alone.
 */
static struct vector *fresh_vector(lull_thread *thread, lull_type vectors, lull_type cells,
                                   size_t n) {
  struct cell *list = make_list(thread, cells, n, 0);
  LULL_ROOTS(thread, list);
  struct vector *vector = (struct vector *)lull_new_array(thread, vectors, n);
  EXPECT(vector != NULL);
  for (size_t i = 0; i < n; i++, list = list->next)
    lull_init(thread, vector, &vector->item[i], list);
  for (size_t i = 0; i < n; i++)
    lull_store(thread, vector->item[i], &vector->item[i]->next, NULL);
  return vector;
}

/* Polls until the thread has scanned its roots in the cycle that follows `epoch`. */
static void await_trace(lull_thread *thread, uint32_t epoch) {
  do
    lull_poll(thread);
  while (thread->birth_epoch == epoch || thread->pass_epoch == LULL_PASS_NEVER);
}

static void await_end(lull_heap *heap, lull_thread *thread) {
  uint64_t started = stats_of(heap).cycles_started;
  while (stats_of(heap).cycles < started)
    lull_poll(thread);
}

static void take_out(lull_heap *heap, lull_thread *thread, lull_type vectors, lull_type cells,
                     struct cell **taken, size_t n) {
  struct vector *vector = NULL;
  LULL_ROOTS(thread, vector);
  vector = fresh_vector(thread, vectors, cells, n);
  uint32_t epoch = thread->birth_epoch;
  lull_collect_start(heap);
  await_trace(thread, epoch);
  for (size_t i = 0; i < n; i++)
    taken[i] = (struct cell *)lull_exchange(thread, vector, &vector->item[i], NULL);
  await_end(heap, thread);
  for (size_t i = 0; i < n; i++)
    EXPECT(taken[i]->value == i);
  memset(taken, 0, n * sizeof *taken);
}

static void run_rounds(size_t n) {
  static struct cell *taken[LARGE];
  lull_heap *heap =
      heap_with("heap.max=64M,stress.epoch_bits=4,stress.scribble=true,stress.delay=5ms");
  lull_thread *thread = attach(heap);
  lull_type cells = cell_type(heap), vectors = vector_type(heap);
  ck_assert_int_eq(lull_thread_range_add(thread, taken, LARGE), LULL_OK);
  for (int round = 0; round < ROUNDS; round++)
    take_out(heap, thread, vectors, cells, taken, n);
  end_heap(heap, thread);
}

START_TEST(what_leaves_a_large_array_survives_every_epoch) { run_rounds(LARGE); }
END_TEST

START_TEST(what_leaves_a_small_array_survives_every_epoch) { run_rounds(SMALL); }
END_TEST

/*
 * A large object that is kept by its re-scan flag in every cycle, for want of packets, has its
 * cards renewed all the same: seven cycles after a store the epoch of that store has come round.
 */
START_TEST(cards_are_renewed_without_packets) {
  lull_heap *heap =
      heap_with("heap.max=64M,stress.epoch_bits=4,stress.delay=60ms,fault.packet=1,verify=phase");
  lull_thread *thread = attach(heap);
  lull_type cells = cell_type(heap), vectors = vector_type(heap);
  {
    struct vector *vector = NULL;
    struct cell *taken = NULL;
    LULL_ROOTS(thread, vector, taken);
    vector = (struct vector *)lull_new_array(thread, vectors, LARGE);
    ck_assert_int_eq(lull_collect(thread), LULL_OK);
    lull_store(thread, vector, &vector->item[2], make_list(thread, cells, 1, 42));
    uint32_t stored = thread->birth_epoch;
    for (int i = 0; i < 7; i++)
      ck_assert_int_eq(lull_collect(thread), LULL_OK);
    uint32_t epoch = thread->birth_epoch;
    lull_collect_start(heap);
    await_trace(thread, epoch);
    ck_assert_uint_eq(thread->birth_epoch, stored);
    taken = vector->item[2];
    lull_store(thread, vector, &vector->item[2], NULL);
    ck_assert_int_eq(lull_collect(thread), LULL_OK);
    ck_assert_uint_eq(taken->value, 42);
    ck_assert_uint_gt(stats_of(heap).packet_overflows, 0);
  }
  end_heap(heap, thread);
}
END_TEST

/*
 * Two vectors that have survived a cycle are stored into, so that their logs say the epoch of now.
 * The cells are taken out in the cycle that has this epoch again, after the root scan: unless the
 * logs were renewed in between, nobody shades them.
 */
static void come_round(lull_heap *heap, lull_thread *thread, lull_type vectors, lull_type cells,
                       int cycles) {
  struct vector *small = NULL, *large = NULL;
  struct cell *taken = NULL, *other = NULL;
  LULL_ROOTS(thread, small, large, taken, other);
  small = (struct vector *)lull_new_array(thread, vectors, SMALL);
  large = (struct vector *)lull_new_array(thread, vectors, LARGE);
  ck_assert_int_eq(lull_collect(thread), LULL_OK);
  lull_store(thread, small, &small->item[2], make_list(thread, cells, 1, 42));
  lull_store(thread, large, &large->item[2], make_list(thread, cells, 1, 43));
  uint32_t stored = thread->birth_epoch;
  for (int i = 1; i < cycles; i++)
    ck_assert_int_eq(lull_collect(thread), LULL_OK);
  uint32_t epoch = thread->birth_epoch;
  lull_collect_start(heap);
  await_trace(thread, epoch);
  ck_assert_uint_eq(thread->birth_epoch, stored);
  taken = (struct cell *)lull_exchange(thread, small, &small->item[2], NULL);
  other = (struct cell *)lull_exchange(thread, large, &large->item[2], NULL);
  await_end(heap, thread);
  ck_assert_uint_eq(taken->value, 42);
  ck_assert_uint_eq(other->value, 43);
}

/*
 * Stale logs are renewed in every 2nd, 4th and 8th major with 5, 6 and 7 bits. Each round has one
 * cycle more than it takes the epoch to come round, so that the rounds begin at every distance from
 * the renewal.
 */
START_TEST(logs_that_are_renewed_now_and_then_never_come_round) {
  char options[128];
  snprintf(options, sizeof options,
           "heap.max=64M,stress.epoch_bits=%d,stress.scribble=true,stress.delay=100us,verify=phase",
           _i);
  lull_heap *heap = heap_with(options);
  lull_thread *thread = attach(heap);
  lull_type cells = cell_type(heap), vectors = vector_type(heap);
  for (int round = 0; round < 1 << _i >> 4; round++)
    come_round(heap, thread, vectors, cells, 1 << _i >> 1);
  end_heap(heap, thread);
}
END_TEST

int main(void) {
  Suite *suite = new_suite("epochs");
  TCase *tcase = tcase_create("wrap");
  tcase_add_test(tcase, what_leaves_a_large_array_survives_every_epoch);
  tcase_add_test(tcase, what_leaves_a_small_array_survives_every_epoch);
  tcase_add_test(tcase, cards_are_renewed_without_packets);
  suite_add_tcase(suite, tcase);
  tcase = tcase_create("renewal");
  tcase_add_loop_test(tcase, logs_that_are_renewed_now_and_then_never_come_round, 5, 8);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
