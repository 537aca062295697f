/*
 * test_interleavings_requests.c: who asks for a collection and who waits, with puppets and the
 * scene of tests/victim.h: that a request begins a cycle that comes after it, that waiting ends,
 * also when a thread does not poll, and what an acknowledgement and a claim promise.
 */
#include "tests/victim.h"
#include "threads/claim.h"

/* Requests and waiting. */

/* A thread that waits for a collection hears of its end; the time after which it would look by
 * itself is not for tests to wait. */
START_TEST(a_collection_ends_for_who_waits) {
  heap = heap_with(OPTIONS_OF_MAJORS ",stall.timeout=3600s");
  create(&a);
  for (int i = 0; i < 20; i++)
    let(&a, collect);
  end(&a);
  ck_assert_int_eq(lull_heap_destroy(heap), LULL_OK);
}
END_TEST

static void forget_and_collect(struct puppet *puppet) {
  puppet->root[0] = NULL;
  collect(puppet);
}

/* The cycle that runs has seen the victim already: who asks for a collection now means the next. */
START_TEST(a_collection_begins_after_its_request) {
  set_up_major();
  begin_until(LU_BUMPED);
  lead(&a, LU_TRACE);
  target++;
  start(&a, forget_and_collect);
  start(&b, poll_to_the_end);
  await(&a);
  ck_assert_uint_ge(atomic_load(&heap->cycle.ended), target);
  await(&b);
  tear_down();
}
END_TEST

#define FULL "heap.max=16M,gc.every=1G,gc.helpers=0"
enum { TEN_MB = 10 << 17, EIGHT_MB = 8 << 17 };

static void hold_much(struct puppet *puppet) {
  puppet->root[0] = (struct cell *)lull_new_array(puppet->thread, vectors, TEN_MB);
  EXPECT(puppet->root[0] != NULL);
}

static void want_much(struct puppet *puppet) {
  puppet->root[1] = (struct cell *)lull_new_array(puppet->thread, vectors, EIGHT_MB);
}

static void scanned_then_forget(struct puppet *puppet) {
  advance(puppet);
  puppet->root[0] = NULL;
}

/* The first cycle that a stalled thread waits for may free nothing: what dies during it is the
 * next one's. */
START_TEST(a_stalled_thread_waits_for_a_second_cycle) {
  set_up_major_with(_i == 0 ? FULL ",gc.generational=false" : FULL);
  let(&b, hold_much);
  start(&a, want_much);
  b.phase = LU_TRACE;
  let(&b, scanned_then_forget);
  target = UINT64_MAX;
  start(&b, poll_to_the_end);
  await(&a);
  ck_assert_ptr_nonnull(a.root[1]);
  atomic_store(&over, true);
  await(&b);
  tear_down();
}
END_TEST

static void fail_to_get_much(struct puppet *puppet) {
  want_much(puppet);
  ck_assert_ptr_null(puppet->root[1]);
  ck_assert_int_eq(lull_last_error(), LULL_E_PROGRESS);
}

static void fail_to_collect(struct puppet *puppet) {
  ck_assert_int_eq(lull_collect(puppet->thread), LULL_E_PROGRESS);
}

/* b does not poll. */
START_TEST(a_thread_that_does_not_poll_holds_up_nobody_for_ever) {
  set_up_major_with(FULL ",stall.timeout=100ms");
  let(&b, hold_much);
  let(&a, fail_to_get_much);
  let(&a, fail_to_collect);
  target = 1 + atomic_load(&heap->cycle.begun);
  finish();
  tear_down();
}
END_TEST

/* Two heaps of one thread: the request of one comes while the closure of the other runs. */

static lull_heap *second;
static struct lu_thread *second_thread;

static void ask_for_second(void *data, lull_visitor *visitor) {
  bool *asked = data;
  (void)visitor;
  if (*asked)
    return;
  *asked = true;
  uint64_t before = atomic_load(&second_thread->request);
  lull_collect_start(second);
  while (atomic_load(&second_thread->request) == before)
    sched_yield();
}

static void collect_with_two_heaps(struct puppet *puppet) {
  bool asked = false;
  lull_thread *thread = attach(second);
  second_thread = &lu_mutator_of(thread)->thread;
  ck_assert_int_eq(lull_thread_callback_add(puppet->thread, ask_for_second, &asked), LULL_OK);
  lull_collect_start(heap);
  while (!asked)
    lu_requests_run(os_of(puppet));
  ck_assert(atomic_load(&second_thread->request) == atomic_load(&second_thread->acknowledged) ||
            atomic_load(&os_of(puppet)->poll_word) != 0);
  collect(puppet);
  ck_assert_int_eq(lull_collect(thread), LULL_OK);
  ck_assert_int_eq(lull_thread_callback_remove(puppet->thread, ask_for_second, &asked), LULL_OK);
  ck_assert_int_eq(lull_detach(thread), LULL_OK);
}

START_TEST(a_request_comes_while_another_heaps_closure_runs) {
  set_up_major();
  second = heap_with(OPTIONS_OF_MAJORS);
  let(&b, detach);
  let(&a, collect_with_two_heaps);
  ck_assert_int_eq(lull_heap_destroy(second), LULL_OK);
  tear_down();
}
END_TEST

/* Handshakes and claims. */

/* Inside the closure of a handshake: it is not acknowledged yet. */
static void look_at_acknowledgement(void *data, lull_visitor *visitor) {
  const struct lu_thread *own = data;
  (void)visitor;
  EXPECT(atomic_load(&own->acknowledged) != atomic_load(&own->request));
}

static void add_look(struct puppet *puppet) {
  void *own = mutator_of(puppet);
  ck_assert_int_eq(lull_thread_callback_add(puppet->thread, look_at_acknowledgement, own), LULL_OK);
}

static void remove_look(struct puppet *puppet) {
  void *own = mutator_of(puppet);
  ck_assert_int_eq(lull_thread_callback_remove(puppet->thread, look_at_acknowledgement, own),
                   LULL_OK);
}

START_TEST(a_handshake_is_acknowledged_after_its_closure) {
  set_up_major_with(OPTIONS_OF_MAJORS ",verify=none");
  let(&a, add_look);
  begin_until(LU_BUMPED);
  outlive_major();
  let(&a, remove_look);
  tear_down();
}
END_TEST

START_TEST(nobody_returns_into_a_claim) {
  struct lu_os_thread os = {.fenced = (uint32_t)_i};
  lu_event_init(&os.unclaimed);
  lu_os_block(&os);
  lu_claim(&os);
  lu_claim(&os);
  ck_assert(lu_claim_granted(&os));
  ck_assert(!lu_os_try_return(&os));
  ck_assert(lu_claim_granted(&os));
  lu_unclaim(&os);
  ck_assert(!lu_os_try_return(&os));
  lu_unclaim(&os);
  ck_assert(lu_os_try_return(&os));
  lu_claim(&os);
  ck_assert(!lu_claim_granted(&os));
  lu_unclaim(&os);
}
END_TEST

int main(void) {
  Suite *suite = new_suite("interleavings of requests");
  ADD_CASE(suite, a_collection_ends_for_who_waits, 0, 1);
  ADD_CASE(suite, a_collection_begins_after_its_request, 0, 1);
  ADD_CASE(suite, a_stalled_thread_waits_for_a_second_cycle, 0, 2);
  ADD_CASE(suite, a_thread_that_does_not_poll_holds_up_nobody_for_ever, 0, 1);
  ADD_CASE(suite, a_request_comes_while_another_heaps_closure_runs, 0, 1);
  ADD_CASE(suite, a_handshake_is_acknowledged_after_its_closure, 0, 1);
  ADD_CASE(suite, nobody_returns_into_a_claim, 0, 2);
  return run_suite(suite);
}
