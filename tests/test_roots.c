/*
 * test_roots.c: frames, ranges, callbacks, handles, shared ranges and root stores: what they keep,
 * what they refuse, and what each root store shades in each phase; handles from many threads;
 * objects handed from thread to thread through roots alone.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include "heap/heap.h"
#include "mark/shade.h"
#include "support/fault.h"
#include "tests/fixture.h"

static atomic_int api_lines;

static void count_api_lines(const char *line, void *data) {
  (void)data;
  if (strstr(line, "[api") != NULL)
    api_lines++;
}

static lull_heap *heap;
static lull_thread *thread;
static lull_type cell;

static void set_up_with(const char *options) {
  api_lines = 0;
  lull_log_to(count_api_lines, NULL);
  heap = heap_with(options);
  thread = attach(heap);
  cell = cell_type(heap);
}

static void set_up(void) { set_up_with("heap.max=64M,verify=phase,stress.scribble=true"); }

static void tear_down(void) {
  end_heap(heap, thread);
  lu_fault_clear();
  lull_log_to(NULL, NULL);
}

static struct cell *new_cell(uint64_t value) {
  struct cell *made = (struct cell *)lull_new(thread, cell);
  ck_assert_ptr_nonnull(made);
  made->value = value;
  return made;
}

static void collect(void) { ck_assert_int_eq(lull_collect(thread), LULL_OK); }

/* Bytes that the next collection finds live. */
static uint64_t live_bytes(void) {
  collect();
  return stats_of(heap).bytes_live;
}

/* Expects a refusal: the status, and one line in the log. */
#define REFUSED(call, status)                                                                      \
  do {                                                                                             \
    int before_ = api_lines;                                                                       \
    ck_assert_int_eq((call), (status));                                                            \
    ck_assert_int_eq(api_lines, before_ + 1);                                                      \
  } while (0)

START_TEST(frames_keep_and_pop) {
  set_up();
  {
    struct cell *a = new_cell(1), *b = NULL;
    LULL_ROOTS(thread, a, b);
    b = new_cell(2);
    {
      struct cell *inner = new_cell(3);
      LULL_ROOTS(thread, inner);
      ck_assert_uint_eq(live_bytes(), 3 * sizeof(struct cell));
      ck_assert_uint_eq(a->value + b->value + inner->value, 6);
    }
    ck_assert_uint_eq(live_bytes(), 2 * sizeof(struct cell));
    a = NULL;
    ck_assert_uint_eq(live_bytes(), sizeof(struct cell));
    ck_assert_uint_eq(b->value, 2);
  }
  ck_assert_ptr_null(thread->frames);
  ck_assert_uint_eq(live_bytes(), 0);
  tear_down();
}
END_TEST

static void pop_out_of_order(void) {
  struct lull_frame outer = {NULL, 0}, inner = {NULL, 0};
  struct lull_scope scope = lull_frame_push(thread, &outer);
  lull_frame_push(thread, &inner);
  lull_frame_disorder(&scope);
  ck_assert_ptr_null(thread->frames);
}

START_TEST(frames_popped_out_of_order_are_reported) {
  set_up();
#ifdef LULL_DEBUG
  struct lull_frame outer = {NULL, 0}, inner = {NULL, 0};
  struct lull_scope scope = lull_frame_push(thread, &outer);
  lull_frame_push(thread, &inner);
  lull_frame_pop(&scope);
#endif
  pop_out_of_order();
  ck_assert_int_eq(api_lines, 1);
  tear_down();
}
END_TEST

START_TEST(thread_ranges_keep_until_removed) {
  struct cell *words[3] = {NULL, NULL, NULL};
  set_up();
  ck_assert_int_eq(lull_thread_range_add(thread, words, 3), LULL_OK);
  for (int i = 0; i < 3; i++)
    words[i] = new_cell((uint64_t)i);
  ck_assert_uint_eq(live_bytes(), 3 * sizeof(struct cell));
  ck_assert_uint_eq(words[2]->value, 2);
  ck_assert_int_eq(lull_thread_range_remove(thread, words), LULL_OK);
  ck_assert_uint_eq(live_bytes(), 0);
  tear_down();
}
END_TEST

START_TEST(many_ranges_grow_the_table) {
  struct cell *words[100] = {NULL};
  set_up();
  for (int i = 0; i < 100; i++) {
    ck_assert_int_eq(lull_thread_range_add(thread, &words[i], 1), LULL_OK);
    words[i] = new_cell((uint64_t)i);
  }
  for (int i = 0; i < 100; i += 2)
    ck_assert_int_eq(lull_thread_range_remove(thread, &words[i]), LULL_OK);
  ck_assert_uint_eq(live_bytes(), 50 * sizeof(struct cell));
  for (int i = 1; i < 100; i += 2)
    ck_assert_uint_eq(words[i]->value, (uint64_t)i);
  tear_down();
}
END_TEST

static void visit_two(void *data, lull_visitor *visitor) {
  struct cell **slots = data;
  lull_visit(visitor, &slots[0]);
  lull_visit(visitor, &slots[1]);
}

START_TEST(callbacks_report_slots) {
  struct cell *slots[2] = {NULL, NULL};
  set_up();
  ck_assert_int_eq(lull_thread_callback_add(thread, visit_two, slots), LULL_OK);
  REFUSED(lull_thread_callback_add(thread, visit_two, slots), LULL_E_STATE);
  slots[1] = new_cell(5);
  ck_assert_uint_eq(live_bytes(), sizeof(struct cell));
  ck_assert_uint_eq(slots[1]->value, 5);
  ck_assert_int_eq(lull_thread_callback_remove(thread, visit_two, slots), LULL_OK);
  REFUSED(lull_thread_callback_remove(thread, visit_two, slots), LULL_E_UNKNOWN);
  ck_assert_uint_eq(live_bytes(), 0);
  tear_down();
}
END_TEST

/* Calls everything with an attachment that is not its own. */
static void *call_from_outside(void *arg) {
  void *words[2] = {NULL, NULL};
  lull_thread *other = arg;
  REFUSED(lull_thread_range_add(other, words, 2), LULL_E_THREAD);
  REFUSED(lull_thread_range_remove(other, words), LULL_E_THREAD);
  REFUSED(lull_thread_callback_add(other, visit_two, words), LULL_E_THREAD);
  REFUSED(lull_thread_callback_remove(other, visit_two, words), LULL_E_THREAD);
  REFUSED(lull_shared_range_add(other, words, 2), LULL_E_THREAD);
  REFUSED(lull_shared_range_remove(other, words), LULL_E_THREAD);
  REFUSED(lull_handle_release(other, NULL), LULL_E_THREAD);
  ck_assert_ptr_null(lull_handle_new(other, NULL));
  ck_assert_int_eq(lull_last_error(), LULL_E_THREAD);
  return NULL;
}

START_TEST(bad_arguments_are_refused) {
  void *words[2] = {NULL, NULL};
  pthread_t outside;
  set_up();
  REFUSED(lull_thread_range_add(thread, NULL, 1), LULL_E_ARGUMENT);
  REFUSED(lull_thread_range_add(thread, words, 0), LULL_E_ARGUMENT);
  REFUSED(lull_thread_range_add(thread, (char *)words + 1, 1), LULL_E_ARGUMENT);
  REFUSED(lull_thread_range_add(thread, words, SIZE_MAX / 4), LULL_E_RANGE);
  REFUSED(lull_thread_range_remove(thread, words), LULL_E_UNKNOWN);
  REFUSED(lull_thread_callback_add(thread, NULL, NULL), LULL_E_ARGUMENT);
  REFUSED(lull_shared_range_add(thread, NULL, 1), LULL_E_ARGUMENT);
  REFUSED(lull_shared_range_add(thread, words, 0), LULL_E_ARGUMENT);
  REFUSED(lull_shared_range_add(thread, (char *)words + 4, 1), LULL_E_ARGUMENT);
  REFUSED(lull_shared_range_add(thread, words, SIZE_MAX), LULL_E_RANGE);
  REFUSED(lull_shared_range_remove(thread, words), LULL_E_UNKNOWN);
  REFUSED(lull_handle_release(thread, NULL), LULL_E_ARGUMENT);
  REFUSED(lull_handle_release(thread, (lull_handle *)words), LULL_E_UNKNOWN);
  ck_assert_int_eq(lull_blocked_begin(thread), LULL_OK);
  REFUSED(lull_thread_range_add(thread, words, 2), LULL_E_STATE);
  REFUSED(lull_shared_range_add(thread, words, 2), LULL_E_STATE);
  ck_assert_int_eq(lull_blocked_end(thread), LULL_OK);
  ck_assert_int_eq(lull_blocked_begin(thread), LULL_OK);
  ck_assert_int_eq(pthread_create(&outside, NULL, call_from_outside, thread), 0);
  ck_assert_int_eq(pthread_join(outside, NULL), 0);
  ck_assert_int_eq(lull_blocked_end(thread), LULL_OK);
  collect();
  tear_down();
}
END_TEST

START_TEST(no_memory_is_reported) {
  void *words[1] = {NULL};
  set_up();
  lu_fault_arm(LU_FAULT_ROOTS, 1, false);
  REFUSED(lull_thread_range_add(thread, words, 1), LULL_E_MEMORY);
  REFUSED(lull_thread_callback_add(thread, visit_two, words), LULL_E_MEMORY);
  REFUSED(lull_shared_range_add(thread, words, 1), LULL_E_MEMORY);
  lu_fault_arm(LU_FAULT_HANDLE, 1, false);
  ck_assert_ptr_null(lull_handle_new(thread, NULL));
  ck_assert_int_eq(lull_last_error(), LULL_E_MEMORY);
  lu_fault_clear();
  ck_assert_int_eq(lull_thread_range_add(thread, words, 1), LULL_OK);
  ck_assert_ptr_nonnull(lull_handle_new(thread, NULL));
  collect();
  tear_down();
}
END_TEST

START_TEST(handles_hold_until_released) {
  enum { N = 1000 }; /* several chunks */
  static lull_handle *handles[N];
  set_up();
  for (int i = 0; i < N; i++)
    handles[i] = lull_handle_new(thread, new_cell((uint64_t)i));
  ck_assert_uint_eq(live_bytes(), N * sizeof(struct cell));
  bool all = true;
  for (int i = 0; i < N; i++)
    all &= ((struct cell *)lull_handle_get(thread, handles[i]))->value == (uint64_t)i;
  ck_assert(all);
  for (int i = 0; i < N; i += 2)
    ck_assert_int_eq(lull_handle_release(thread, handles[i]), LULL_OK);
  ck_assert_uint_eq(live_bytes(), N / 2 * sizeof(struct cell));
  lull_handle_set(thread, handles[1], NULL);
  ck_assert_uint_eq(live_bytes(), (N / 2 - 1) * sizeof(struct cell));
  /* Released ones are used again before the table grows. */
  uint32_t carved = heap->shared.carved;
  for (int i = 0; i < N; i += 2)
    handles[i] = lull_handle_new(thread, NULL);
  ck_assert_uint_eq(heap->shared.carved, carved);
  tear_down();
}
END_TEST

START_TEST(a_handle_released_twice_is_refused) {
  set_up();
  lull_handle *one = lull_handle_new(thread, NULL), *two = lull_handle_new(thread, new_cell(2));
  ck_assert_int_eq(lull_handle_release(thread, one), LULL_OK);
  REFUSED(lull_handle_release(thread, one), LULL_E_UNKNOWN);
  REFUSED(lull_handle_release(thread, (lull_handle *)((char *)two + 4)), LULL_E_UNKNOWN);
  REFUSED(lull_handle_release(thread, (lull_handle *)((char *)two + 800)), LULL_E_UNKNOWN);
  int before = api_lines;
  lull_handle_set(thread, one, NULL);
  ck_assert_ptr_null(lull_handle_get(thread, one));
  ck_assert_int_eq(api_lines, before + 2);
  ck_assert_uint_eq(((struct cell *)lull_handle_get(thread, two))->value, 2);
  ck_assert_uint_eq(live_bytes(), sizeof(struct cell));
  tear_down();
}
END_TEST

START_TEST(shared_ranges_hold_and_are_cleared) {
  struct cell *words[4] = {NULL};
  set_up();
  ck_assert_int_eq(lull_shared_range_add(thread, words, 4), LULL_OK);
  lull_root_store(thread, &words[0], new_cell(1));
  ck_assert_ptr_null(lull_root_exchange(thread, &words[1], new_cell(2)));
  struct cell *expected = words[0];
  ck_assert(!lull_root_compare_exchange(thread, &words[1], &expected, NULL));
  ck_assert_ptr_eq(expected, words[1]);
  ck_assert(lull_root_compare_exchange(thread, &words[1], &expected, words[0]));
  ck_assert_ptr_eq(words[1], words[0]);
  ck_assert_uint_eq(live_bytes(), sizeof(struct cell));
  ck_assert_uint_eq(((struct cell *)lull_load(&words[1]))->value, 1);
  ck_assert_int_eq(lull_shared_range_remove(thread, words), LULL_OK);
  ck_assert_ptr_null(words[0]);
  ck_assert_ptr_null(words[1]);
  REFUSED(lull_shared_range_remove(thread, words), LULL_E_UNKNOWN);
  ck_assert_uint_eq(live_bytes(), 0);
  tear_down();
}
END_TEST

static void count_object(void *object, void *arg) {
  (void)object;
  ++*(size_t *)arg;
}

/* The walk goes piece by piece; large ranges and several of them are all found. */
START_TEST(the_walk_finds_every_slot) {
  enum { N = 50000 };
  static struct cell *big[N], *small[3];
  set_up();
  ck_assert_int_eq(lull_shared_range_add(thread, small, 3), LULL_OK);
  ck_assert_int_eq(lull_shared_range_add(thread, big, N), LULL_OK);
  struct cell *one = new_cell(1);
  for (size_t i = 0; i < N; i++)
    lull_root_store(thread, &big[i], one);
  lull_root_store(thread, &small[2], one);
  lull_handle *handle = lull_handle_new(thread, one), *empty = lull_handle_new(thread, NULL);
  ck_assert(handle != NULL && empty != NULL);
  size_t found = 0;
  ck_assert_uint_eq(lu_shared_roots_each(&heap->shared, count_object, &found), N + 3 + 2);
  ck_assert_uint_eq(found, N + 1 + 1);
  ck_assert_int_eq(lull_shared_range_remove(thread, big), LULL_OK);
  found = 0;
  ck_assert_uint_eq(lu_shared_roots_each(&heap->shared, count_object, &found), 3 + 2);
  ck_assert_uint_eq(found, 2);
  tear_down();
}
END_TEST

/* The walk lets the lock go between pieces; a range that is removed meanwhile must not be its
 * place. */
START_TEST(a_range_is_removed_under_the_walk) {
  struct cell *first[2] = {NULL}, *second[2] = {NULL};
  set_up();
  ck_assert_int_eq(lull_shared_range_add(thread, second, 2), LULL_OK);
  struct lu_shared_range *last = heap->shared.ranges;
  ck_assert_int_eq(lull_shared_range_add(thread, first, 2), LULL_OK);
  heap->shared.scan_range = heap->shared.ranges;
  heap->shared.scan_word = 1;
  ck_assert_int_eq(lull_shared_range_remove(thread, first), LULL_OK);
  ck_assert_ptr_eq(heap->shared.scan_range, last);
  ck_assert_uint_eq(heap->shared.scan_word, 0);
  heap->shared.scan_word = 1;
  ck_assert_int_eq(lull_shared_range_remove(thread, second), LULL_OK);
  ck_assert_ptr_null(heap->shared.scan_range);
  tear_down();
}
END_TEST

/* A thread that sleeps in the middle of taking a free handle must notice that it was taken and came
 * back. */
START_TEST(the_free_list_counts_its_changes) {
  set_up();
  lull_handle *one = lull_handle_new(thread, NULL), *two = lull_handle_new(thread, NULL);
  ck_assert_int_eq(lull_handle_release(thread, two), LULL_OK);
  ck_assert_int_eq(lull_handle_release(thread, one), LULL_OK);
  uint64_t head = heap->shared.free_handles;
  ck_assert_ptr_eq(lull_handle_new(thread, NULL), one);
  ck_assert_ptr_eq(lull_handle_new(thread, NULL), two);
  ck_assert_int_eq(lull_handle_release(thread, one), LULL_OK);
  ck_assert_uint_eq((uint32_t)heap->shared.free_handles, (uint32_t)head);
  ck_assert_uint_ne(heap->shared.free_handles, head);
  tear_down();
}
END_TEST

/* Takes the thread's shaded objects: whether exactly a and b (either may be NULL) are among them.
 * */
static bool shaded_exactly(struct lu_mutator *mutator, const void *a, const void *b) {
  bool found_a = a == NULL, found_b = b == NULL, other = false;
  for (uint32_t i = 0; mutator->grey != NULL && i < mutator->grey->count; i++) {
    const void *object = (const void *)mutator->grey->entry[i];
    found_a |= object == a;
    found_b |= object == b;
    other |= object != a && object != b;
  }
  lu_shade_discard(mutator);
  return found_a && found_b && !other;
}

/* What each form of a root store shades in a phase: the old object from BUMPED on, the new one in
 * the window. */
START_TEST(root_stores_shade_by_phase) {
  set_up_with("heap.max=64M,gc.mode=stw");
  struct cell *old = new_cell(1), *new = new_cell(2), *words[1] = {old}, *expected;
  struct lu_mutator *mutator = lu_mutator_of(thread);
  enum lu_phase phase = (enum lu_phase)_i;
  bool keeps_old = phase == LU_BUMPED || phase == LU_TRACE,
       window = phase == LU_WINDOW || phase == LU_BUMPED;
  const void *o = keeps_old ? old : NULL, *n = window ? new : NULL;
  lull_handle *handle = lull_handle_new(thread, old);
  mutator->phase = phase;

  lull_root_store(thread, words, new);
  ck_assert(shaded_exactly(mutator, o, n));
  words[0] = old;
  ck_assert_ptr_eq(lull_root_exchange(thread, words, new), old);
  ck_assert(shaded_exactly(mutator, o, n));
  words[0] = old;
  expected = old;
  ck_assert(lull_root_compare_exchange(thread, words, &expected, new));
  ck_assert(shaded_exactly(mutator, o, n));
  /* A comparison that fails changes nothing and shades nothing, however stale the expected pointer
   * is. */
  expected = old;
  ck_assert(!lull_root_compare_exchange(thread, words, &expected, new));
  ck_assert_ptr_eq(expected, new);
  ck_assert(shaded_exactly(mutator, NULL, NULL));
  words[0] = old;
  lull_root_store(thread, words, NULL);
  ck_assert(shaded_exactly(mutator, o, NULL));
  lull_handle_set(thread, handle, new);
  ck_assert(shaded_exactly(mutator, o, n));
  lull_handle_set(thread, handle, old);
  lu_shade_discard(mutator);
  ck_assert_int_eq(lull_handle_release(thread, handle), LULL_OK);
  ck_assert(shaded_exactly(mutator, o, NULL));
  handle = lull_handle_new(thread, new);
  ck_assert(shaded_exactly(mutator, NULL, n));
  words[0] = old;
  ck_assert_int_eq(lull_shared_range_add(thread, words, 1), LULL_OK);
  ck_assert_int_eq(lull_shared_range_remove(thread, words), LULL_OK);
  ck_assert_ptr_null(words[0]);
  ck_assert(shaded_exactly(mutator, o, NULL));
  mutator->phase = LU_IDLE;
  tear_down();
}
END_TEST

#define WORKERS 4

struct worker {
  pthread_t id;
  lull_thread *attached;
  unsigned seed;
  bool good;
};

/* Makes, reads, sets and releases handles at random; each must hold what this thread put into it.
 * */
static void *handle_worker(void *arg) {
  enum { HELD = 50, ROUNDS = 20000 };
  struct worker *worker = arg;
  lull_handle *held[HELD] = {NULL};
  uint64_t values[HELD] = {0}, next = (uint64_t)worker->seed << 32;
  worker->good = lull_attach(heap, &worker->attached) == LULL_OK;
  for (int round = 0; worker->good && round < ROUNDS; round++) {
    int i = rand_r(&worker->seed) % HELD;
    struct cell *made = (struct cell *)lull_new(worker->attached, cell);
    made->value = ++next;
    if (held[i] == NULL) {
      held[i] = lull_handle_new(worker->attached, made);
      values[i] = next;
      continue;
    }
    const struct cell *got = (const struct cell *)lull_handle_get(worker->attached, held[i]);
    worker->good &= got != NULL && got->value == values[i];
    if (rand_r(&worker->seed) % 2) {
      lull_handle_set(worker->attached, held[i], made);
      values[i] = next;
    } else {
      worker->good &= lull_handle_release(worker->attached, held[i]) == LULL_OK;
      held[i] = NULL;
    }
  }
  for (int i = 0; i < HELD; i++)
    if (held[i] != NULL)
      worker->good &= lull_handle_release(worker->attached, held[i]) == LULL_OK;
  worker->good &= lull_detach(worker->attached) == LULL_OK;
  return NULL;
}

static void run_workers(int n, void *(*body)(void *)) {
  struct worker workers[WORKERS] = {0};
  ck_assert_int_eq(lull_blocked_begin(thread), LULL_OK);
  for (int i = 0; i < n; i++) {
    workers[i].seed = (unsigned)i + 1;
    ck_assert_int_eq(pthread_create(&workers[i].id, NULL, body, &workers[i]), 0);
  }
  bool good = true;
  for (int i = 0; i < n; i++) {
    ck_assert_int_eq(pthread_join(workers[i].id, NULL), 0);
    good &= workers[i].good;
  }
  ck_assert_int_eq(lull_blocked_end(thread), LULL_OK);
  ck_assert(good);
}

START_TEST(handles_from_many_threads) {
  set_up_with("heap.max=64M,stress.loop=true,stress.scribble=true");
  run_workers(WORKERS, handle_worker);
  size_t found = 0;
  lu_shared_roots_each(&heap->shared, count_object, &found);
  ck_assert_uint_eq(found, 0);
  /* At most as many were ever in use at a time as the threads held. */
  ck_assert_uint_le(heap->shared.carved, WORKERS * 51);
  tear_down();
}
END_TEST

/* One releases a handle as often as the other: exactly one release of each succeeds. */
static lull_handle *_Atomic contested;
static atomic_int released, refused;
static pthread_barrier_t meet;
enum { CONTESTS = 2000 };

static void *releaser(void *arg) {
  struct worker *worker = arg;
  worker->good = lull_attach(heap, &worker->attached) == LULL_OK;
  for (int i = 0; i < CONTESTS; i++) {
    if (worker->seed == 1)
      contested = lull_handle_new(worker->attached, NULL);
    lull_blocked_begin(worker->attached);
    pthread_barrier_wait(&meet);
    lull_blocked_end(worker->attached);
    if (lull_handle_release(worker->attached, contested) == LULL_OK)
      released++;
    else
      refused++;
    lull_blocked_begin(worker->attached);
    pthread_barrier_wait(&meet);
    lull_blocked_end(worker->attached);
  }
  worker->good &= lull_detach(worker->attached) == LULL_OK;
  return NULL;
}

START_TEST(of_two_releases_one_succeeds) {
  set_up();
  released = refused = 0;
  pthread_barrier_init(&meet, NULL, 2);
  run_workers(2, releaser);
  ck_assert_int_eq(released, CONTESTS);
  ck_assert_int_eq(refused, CONTESTS);
  pthread_barrier_destroy(&meet);
  tear_down();
}
END_TEST

/*
 * Objects that stand in one of two slots, or with the one thread that has taken them out. The slots
 * are far apart, so that the collector's walk over the range takes a while from the one to the
 * other. Objects rest in the slot (or handle) about as long as with a thread: what a thread holds
 * when its roots are scanned is never lost, so it must take them afterwards.
 */
enum { PASSES = 1000, APART = 20000, HOLD = 2000 };
static struct cell *slots[APART];
static lull_handle *_Atomic passed;
static atomic_int passes;
#define MAGIC UINT64_C(0x600dce11600dce11)

/* Lets cycles go on for a while; allocates so little that the heap does not fill, which would make
 * threads wait. */
static void hold(lull_thread *self) {
  for (int i = 0; i < HOLD; i++) {
    if (i % 100 == 0) {
      struct cell *garbage = (struct cell *)lull_new(self, cell);
      garbage->value = 0;
    }
    lull_poll(self);
  }
}

/* An object that is in no thread's current block, so that a sweep that takes it for dead overwrites
 * it. */
static struct cell *new_passed(void) {
  struct cell *made = new_cell(MAGIC);
  LULL_ROOTS(thread, made);
  for (size_t bytes = 0; bytes < 4 * LU_BLOCK_BYTES; bytes += sizeof(struct cell))
    new_cell(0);
  return made;
}

static bool is_whole(const struct cell *object) {
  return object != NULL && object->value == MAGIC && lull_type_of(object) == cell;
}

/* Takes from one slot, clearing it, and puts into the other: at once, or after holding the object
 * in a frame. */
static void *slot_passer(void *arg) {
  struct worker *worker = arg;
  bool up = worker->seed == 1;
  struct cell **from = up ? &slots[0] : &slots[APART - 1],
              **to = up ? &slots[APART - 1] : &slots[0];
  worker->good = lull_attach(heap, &worker->attached) == LULL_OK;
  while (worker->good && passes < PASSES) {
    struct cell *taken = NULL;
    LULL_ROOTS(worker->attached, taken);
    hold(worker->attached);
    taken = (struct cell *)lull_root_exchange(worker->attached, from, NULL);
    if (taken == NULL)
      continue;
    if (rand_r(&worker->seed) % 2)
      hold(worker->attached);
    worker->good &= is_whole(taken);
    lull_root_store(worker->attached, to, taken);
    passes++;
  }
  worker->good &= lull_detach(worker->attached) == LULL_OK;
  return NULL;
}

START_TEST(an_object_passes_through_two_slots) {
  set_up_with("heap.max=8M,stress.loop=true,stress.scribble=true,stress.delay=100us");
  passes = 0;
  ck_assert_int_eq(lull_shared_range_add(thread, slots, APART), LULL_OK);
  lull_root_store(thread, &slots[0], new_passed());
  run_workers(2, slot_passer);
  ck_assert(is_whole((const struct cell *)lull_load(&slots[slots[0] == NULL ? APART - 1 : 0])));
  ck_assert_int_eq(lull_shared_range_remove(thread, slots), LULL_OK);
  tear_down();
}
END_TEST

/* Reads a handle's value and releases the handle at once; holds the object in a frame; makes a new
 * handle. */
static void *handle_passer(void *arg) {
  struct worker *worker = arg;
  worker->good = lull_attach(heap, &worker->attached) == LULL_OK;
  while (worker->good && passes < PASSES) {
    struct cell *taken = NULL;
    LULL_ROOTS(worker->attached, taken);
    hold(worker->attached);
    lull_handle *handle = atomic_exchange(&passed, NULL);
    if (handle == NULL)
      continue;
    taken = (struct cell *)lull_handle_get(worker->attached, handle);
    worker->good &= lull_handle_release(worker->attached, handle) == LULL_OK;
    hold(worker->attached);
    worker->good &= is_whole(taken);
    passed = lull_handle_new(worker->attached, taken);
    passes++;
  }
  worker->good &= lull_detach(worker->attached) == LULL_OK;
  return NULL;
}

START_TEST(a_handle_is_released_right_after_its_value_was_read) {
  set_up_with("heap.max=8M,stress.loop=true,stress.scribble=true,stress.delay=100us");
  passes = 0;
  passed = lull_handle_new(thread, new_passed());
  run_workers(2, handle_passer);
  ck_assert(is_whole((const struct cell *)lull_handle_get(thread, passed)));
  tear_down();
}
END_TEST

/*
 * The only reference is loaded from a shared root by a thread whose own roots have been scanned,
 * and removed from there at once, before the collector looks: nobody would mark the object but the
 * barrier of the store that removes it.
 */
static lull_handle *only;

/* Loads the object and clears the root, by one of the forms. */
static struct cell *take_by(int form) {
  struct cell *taken = (struct cell *)lull_load(&slots[0]), *expected = taken;
  switch (form) {
  case 0:
    return (struct cell *)lull_root_exchange(thread, &slots[0], NULL);
  case 1:
    lull_root_store(thread, &slots[0], NULL);
    return taken;
  case 2:
    return lull_root_compare_exchange(thread, &slots[0], &expected, NULL) ? taken : NULL;
  case 3:
    return lull_shared_range_remove(thread, slots) == LULL_OK ? taken : NULL;
  case 4:
    taken = (struct cell *)lull_handle_get(thread, only);
    lull_handle_set(thread, only, NULL);
    return taken;
  default:
    taken = (struct cell *)lull_handle_get(thread, only);
    return lull_handle_release(thread, only) == LULL_OK ? taken : NULL;
  }
}

static void put_by(int form, struct cell *object) {
  if (form == 3)
    ck_assert_int_eq(lull_shared_range_add(thread, slots, 1), LULL_OK);
  if (form <= 3)
    lull_root_store(thread, &slots[0], object);
  else if (form == 4)
    lull_handle_set(thread, only, object);
  else
    only = lull_handle_new(thread, object);
}

/* Polls until the thread's own poll has taken it from one phase to another. */
static void poll_into(enum lu_phase phase) {
  const struct lu_mutator *mutator = lu_mutator_of(thread);
  while (mutator->phase == phase)
    lull_poll(thread);
  while (mutator->phase != phase)
    lull_poll(thread);
}

START_TEST(an_object_taken_before_the_scan_survives) {
  set_up_with("heap.max=8M,stress.loop=true,stress.scribble=true,stress.delay=2ms,verify=phase");
  ck_assert_int_eq(lull_shared_range_add(thread, slots, 1), LULL_OK);
  only = lull_handle_new(thread, NULL);
  put_by(_i, new_passed());
  for (int exposed = 0; exposed < 3;) {
    struct cell *taken = NULL;
    LULL_ROOTS(thread, taken);
    poll_into(LU_TRACE);
    taken = take_by(_i);
    exposed += !atomic_load(&heap->marking.tracing);
    uint64_t ended = atomic_load(&heap->cycle.ended);
    while (atomic_load(&heap->cycle.ended) == ended)
      lull_poll(thread);
    ck_assert(is_whole(taken));
    put_by(_i, taken);
  }
  if (_i != 5)
    ck_assert_int_eq(lull_handle_release(thread, only), LULL_OK);
  ck_assert_int_eq(lull_shared_range_remove(thread, slots), LULL_OK);
  tear_down();
}
END_TEST

/* Ranges come and go, and root stores race on a slot of another, while cycles run. */
static void *range_worker(void *arg) {
  enum { ROUNDS = 300, WORDS = 3000 };
  struct worker *worker = arg;
  struct cell **words = calloc(WORDS, sizeof *words);
  worker->good = words != NULL && lull_attach(heap, &worker->attached) == LULL_OK;
  for (int round = 0; worker->good && round < ROUNDS; round++) {
    worker->good &= lull_shared_range_add(worker->attached, words, WORDS) == LULL_OK;
    for (int i = 0; i < 20; i++) {
      struct cell *made = (struct cell *)lull_new(worker->attached, cell);
      made->value = MAGIC;
      lull_root_store(worker->attached, &words[rand_r(&worker->seed) % WORDS], made);
      lull_root_store(worker->attached, &slots[0], made);
      const struct cell *seen = (const struct cell *)lull_load(&slots[0]);
      worker->good &= seen->value == MAGIC;
    }
    for (int i = 0; i < WORDS; i++)
      worker->good &= words[i] == NULL || words[i]->value == MAGIC;
    worker->good &= lull_shared_range_remove(worker->attached, words) == LULL_OK;
    for (int i = 0; i < WORDS; i++)
      worker->good &= words[i] == NULL;
  }
  worker->good &= lull_detach(worker->attached) == LULL_OK;
  free(words);
  return NULL;
}

START_TEST(ranges_come_and_go_while_cycles_run) {
  set_up_with("heap.max=64M,stress.loop=true,stress.scribble=true");
  ck_assert_int_eq(lull_shared_range_add(thread, slots, 1), LULL_OK);
  lull_root_store(thread, &slots[0], NULL);
  run_workers(WORKERS, range_worker);
  ck_assert_int_eq(lull_shared_range_remove(thread, slots), LULL_OK);
  ck_assert_ptr_null(heap->shared.ranges);
  ck_assert_uint_eq(live_bytes(), 0);
  tear_down();
}
END_TEST

int main(void) {
  Suite *suite = new_suite("roots");
  TCase *owned = tcase_create("owned"), *shared = tcase_create("shared"),
        *many = tcase_create("many threads");
  tcase_add_test(owned, frames_keep_and_pop);
#ifdef LULL_DEBUG
  tcase_add_test_raise_signal(owned, frames_popped_out_of_order_are_reported, SIGABRT);
#else
  tcase_add_test(owned, frames_popped_out_of_order_are_reported);
#endif
  tcase_add_test(owned, thread_ranges_keep_until_removed);
  tcase_add_test(owned, many_ranges_grow_the_table);
  tcase_add_test(owned, callbacks_report_slots);
  tcase_add_test(owned, bad_arguments_are_refused);
  tcase_add_test(owned, no_memory_is_reported);
  suite_add_tcase(suite, owned);
  tcase_add_test(shared, handles_hold_until_released);
  tcase_add_test(shared, a_handle_released_twice_is_refused);
  tcase_add_test(shared, shared_ranges_hold_and_are_cleared);
  tcase_add_test(shared, the_walk_finds_every_slot);
  tcase_add_test(shared, a_range_is_removed_under_the_walk);
  tcase_add_test(shared, the_free_list_counts_its_changes);
  tcase_add_loop_test(shared, root_stores_shade_by_phase, LU_IDLE, LU_TRACE + 1);
  suite_add_tcase(suite, shared);
  tcase_add_test(many, handles_from_many_threads);
  tcase_add_test(many, of_two_releases_one_succeeds);
  tcase_add_test(many, an_object_passes_through_two_slots);
  tcase_add_test(many, a_handle_is_released_right_after_its_value_was_read);
  tcase_add_loop_test(many, an_object_taken_before_the_scan_survives, 0, 6);
  tcase_add_test(many, ranges_come_and_go_while_cycles_run);
  suite_add_tcase(suite, many);
  return run_suite(suite);
}
