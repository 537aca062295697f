/*
 * tests/test_threads.c: attaching, detaching, ending attached, blocked regions: the public calls
 * and their refusals. Each test runs with membarrier and, as on a kernel without it, with
 * sequentially consistent state words (_i = 0).
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/fault.h"
#include "tests/suite.h"
#include "tests/threads_fake.h"

static void *run(void *(*fn)(void *), void *arg) {
  pthread_t thread;
  void *result;
  ck_assert_int_eq(pthread_create(&thread, NULL, fn, arg), 0);
  ck_assert_int_eq(pthread_join(thread, &result), 0);
  return result;
}

/* The last log line. */
static char logged[1024];
static void keep_line(const char *line, void *data) {
  (void)data;
  snprintf(logged, sizeof logged, "%s", line);
}

START_TEST(attach_and_detach) {
  struct lull_heap *heap = fake_heap_new(_i, FAKE_PATIENT);
  ck_assert_ptr_null(lull_self(heap));
  lull_thread *thread = fake_attach(heap);
  ck_assert_ptr_eq(lull_self(heap), thread);
  ck_assert_ptr_eq(thread->heap, heap);
  ck_assert_uint_eq(heap->registry.count, 1);
  ck_assert_int_eq(lu_registry_fini(&heap->registry), LULL_E_BUSY);

  lull_thread *again = NULL;
  ck_assert_int_eq(lull_attach(heap, &again), LULL_E_STATE);
  ck_assert_ptr_eq(again, thread);
  ck_assert_uint_eq(heap->registry.count, 1);

  lull_poll(thread);
  fake_detach(thread);
  ck_assert_ptr_null(lull_self(heap));
  ck_assert_uint_eq(heap->registry.count, 0);
  ck_assert_uint_eq(heap->registry.attached_ever, 1);

  thread = fake_attach(heap);
  ck_assert_uint_eq(((struct lu_thread *)thread)->id, 1);
  fake_detach(thread);
  fake_heap_free(heap);
}
END_TEST

static void *misuse_foreign(void *arg) {
  lull_thread *foreign = arg;
  ck_assert_int_eq(lull_detach(foreign), LULL_E_THREAD);
  ck_assert_int_eq(lull_blocked_begin(foreign), LULL_E_THREAD);
  ck_assert_int_eq(lull_blocked_end(foreign), LULL_E_THREAD);
  ck_assert_int_eq(lull_last_error(), LULL_E_THREAD);
  logged[0] = '\0';
  lull_poll_slow(foreign);
  ck_assert_ptr_nonnull(strstr(logged, "lull_poll: not an attachment of the calling thread"));
  return NULL;
}

START_TEST(foreign_and_stale_pointers) {
  struct lull_heap *heap = fake_heap_new(_i, FAKE_PATIENT);
  lull_thread *thread = fake_attach(heap);
  lull_log_to(keep_line, NULL);
  run(misuse_foreign, thread);
  ck_assert_uint_eq(heap->registry.count, 1);

  fake_detach(thread);
  ck_assert_int_eq(lull_detach(thread), LULL_E_THREAD);
  ck_assert_ptr_nonnull(strstr(logged, "[warning][api"));
  ck_assert_int_eq(lull_blocked_begin(thread), LULL_E_THREAD);
  ck_assert_int_eq(lull_detach(NULL), LULL_E_ARGUMENT);
  ck_assert_int_eq(lull_blocked_begin(NULL), LULL_E_ARGUMENT);
  ck_assert_int_eq(lull_blocked_end(NULL), LULL_E_ARGUMENT);
  ck_assert_int_eq(lull_attach(NULL, &thread), LULL_E_ARGUMENT);
  ck_assert_int_eq(lull_attach(heap, NULL), LULL_E_ARGUMENT);
  ck_assert_ptr_null(lull_self(NULL));
  fake_heap_free(heap);
}
END_TEST

START_TEST(detach_with_a_live_frame) {
  struct lull_heap *heap = fake_heap_new(_i, FAKE_PATIENT);
  lull_thread *thread = fake_attach(heap);
  {
    void *object = NULL;
    LULL_ROOTS(thread, object);
    lull_log_to(keep_line, NULL);
    ck_assert_int_eq(lull_detach(thread), LULL_E_STATE);
    ck_assert_ptr_nonnull(strstr(logged, "frames"));
    ck_assert_ptr_eq(lull_self(heap), thread);
  }
  fake_detach(thread);
  fake_heap_free(heap);
}
END_TEST

START_TEST(blocked_regions) {
  struct lull_heap *heap = fake_heap_new(_i, FAKE_PATIENT);
  struct lull_heap *other = fake_heap_new(_i, FAKE_PATIENT);
  lull_thread *thread = fake_attach(heap);
  struct lu_os_thread *os = ((struct lu_thread *)thread)->os;
  lull_log_to(keep_line, NULL);
  ck_assert_int_eq(lull_blocked_end(thread), LULL_E_STATE);
  ck_assert_ptr_nonnull(strstr(logged, "lull_blocked_end"));

  ck_assert_int_eq(lull_blocked_begin(thread), LULL_OK);
  ck_assert_int_eq(lull_blocked_begin(thread), LULL_OK);
  ck_assert_int_eq(lull_detach(thread), LULL_E_STATE);
  lull_thread *none = thread;
  ck_assert_int_eq(lull_attach(other, &none), LULL_E_STATE);
  ck_assert_ptr_null(none);
  ck_assert_uint_eq(fake_handshake(heap), 1);  /* for this thread, which is its driver */
  lull_poll_slow(thread);
  ck_assert_ptr_nonnull(strstr(logged, "lull_poll: inside"));
  ck_assert_int_eq(lull_blocked_end(thread), LULL_OK);
  ck_assert_uint_eq(os->state, LU_BLOCKED);
  ck_assert_int_eq(lull_blocked_end(thread), LULL_OK);
  ck_assert_uint_eq(os->state, LU_RUNNING);
  ck_assert_uint_eq(*thread->poll_word, 0);  /* set by the handshake; the end polls */
  ck_assert_int_eq(lull_blocked_end(thread), LULL_E_STATE);

  ck_assert_uint_eq(heap->claimed, 1);
  fake_detach(thread);
  fake_heap_free(other);
  fake_heap_free(heap);
}
END_TEST

struct ending { struct lull_heap *heap, *other; bool blocked; };

static __attribute__((noinline)) void leave_a_frame(lull_thread *thread) {
  static void *object;
  static struct {
    struct lull_frame frame;
    void *locals[1];
  } frame;
  frame.frame.count = 1;
  frame.locals[0] = &object;
  lull_frame_push(thread, &frame.frame);
}

static void *end_attached(void *arg) {
  struct ending *ending = arg;
  lull_thread *thread = fake_attach(ending->heap);
  fake_attach(ending->other);
  leave_a_frame(thread);
  if (ending->blocked) {
    ck_assert_int_eq(lull_blocked_begin(thread), LULL_OK);
    ck_assert_int_eq(lull_blocked_begin(thread), LULL_OK);
  }
  return NULL;
}

START_TEST(thread_ends_attached) {
  struct ending ending = {.heap = fake_heap_new(_i, FAKE_PATIENT),
                          .other = fake_heap_new(!_i, FAKE_PATIENT)};
  for (int i = 0; i < 4; i++) {
    ending.blocked = i % 2 != 0;
    run(end_attached, &ending);
    ck_assert_uint_eq(fake_handshake(ending.heap), 0);
    ck_assert_uint_eq(ending.heap->ended, i + 1);
    ck_assert_uint_eq(ending.other->ended, i + 1);
  }
  fake_heap_free(ending.heap);
  fake_heap_free(ending.other);
}
END_TEST

/* A key made after the library's own, whose destructor runs after it in each round. */
static pthread_key_t late_key;
static struct lull_heap *late_heap;
static _Atomic uint32_t late_runs, late_refusals;

static void use_attachment_at_end(void *value) {
  lull_thread *thread = value;
  ck_assert_ptr_eq(lull_self(late_heap), thread);
  lull_poll(thread);
  fake_work(thread, 1);
  fake_detach(thread);
  atomic_fetch_add(&late_runs, 1);
}

static void attach_at_end(void *value) {
  lull_thread *thread;
  lull_status status = lull_attach(late_heap, &thread);
  if (status == LULL_E_STATE && thread == NULL)
    atomic_fetch_add(&late_refusals, 1);
  else
    ck_assert(status == LULL_OK || (status == LULL_E_STATE && thread == lull_self(late_heap)));
  /* No later: the refusal is logged, for which urcu-bp has the thread registered until the next
   * round, and in the fourth and last one sanitizers take their own state away. */
  if (atomic_fetch_add(&late_runs, 1) < 1)
    pthread_setspecific(late_key, value);
}

static void *end_with_a_late_key(void *arg) {
  lull_thread *thread = fake_attach(late_heap);
  ck_assert_int_eq(pthread_key_create(&late_key, (void (*)(void *))(uintptr_t)arg), 0);
  pthread_setspecific(late_key, thread);
  return NULL;
}

/* Destructors of embedders may still use and detach the attachment. */
START_TEST(destructor_uses_the_attachment) {
  late_heap = fake_heap_new(_i, FAKE_PATIENT);
  run(end_with_a_late_key, (void *)(uintptr_t)use_attachment_at_end);
  ck_assert_uint_eq(late_runs, 1);
  ck_assert_uint_eq(late_heap->ended, 0);
  fake_heap_free(late_heap);
}
END_TEST

/* One that attaches again and again cannot leave an attachment behind. */
START_TEST(destructor_attaches) {
  late_heap = fake_heap_new(_i, FAKE_PATIENT);
  run(end_with_a_late_key, (void *)(uintptr_t)attach_at_end);
  ck_assert_uint_eq(late_runs, 2);
  ck_assert_uint_eq(late_refusals, 1);
  ck_assert_uint_eq(late_heap->registry.count, 0);
  fake_heap_free(late_heap);
}
END_TEST

START_TEST(attach_fails) {
  struct lull_heap *heap = fake_heap_new(_i, FAKE_PATIENT);
  lull_thread *thread;
  heap->create_status = LULL_E_MEMORY;
  ck_assert_int_eq(lull_attach(heap, &thread), LULL_E_MEMORY);
  ck_assert_ptr_null(thread);
  heap->create_status = LULL_OK;
  fake_detach(fake_attach(heap));
  /* The thread's own record exists by now: the next request is for the attachment's. */
  lu_fault_arm(LU_FAULT_THREAD, 1, true);
  ck_assert_int_eq(lull_attach(heap, &thread), LULL_E_MEMORY);
  ck_assert_ptr_null(thread);
  lu_fault_clear();
  fake_detach(fake_attach(heap));
  fake_heap_free(heap);
}
END_TEST

static void *attach_without_memory(void *arg) {
  lull_thread *thread;
  lu_fault_arm(LU_FAULT_THREAD, 1, true);
  ck_assert_int_eq(lull_attach(arg, &thread), LULL_E_MEMORY);
  fake_detach(fake_attach(arg));
  return NULL;
}

START_TEST(first_attach_fails) {
  struct lull_heap *heap = fake_heap_new(_i, FAKE_PATIENT);
  run(attach_without_memory, heap);
  fake_heap_free(heap);
}
END_TEST

START_TEST(membarrier_is_refused) {
  lu_fault_arm(LU_FAULT_MEMBARRIER, 1, true);
  struct lull_heap *heap = fake_heap_new(true, FAKE_PATIENT);
  ck_assert(!heap->registry.membarrier);
  lull_thread *thread = fake_attach(heap);
  ck_assert_uint_eq(((struct lu_thread *)thread)->os->fenced, 1);
  ck_assert_int_eq(lull_blocked_begin(thread), LULL_OK);
  ck_assert_uint_eq(fake_handshake(heap), 1);
  ck_assert_int_eq(lull_blocked_end(thread), LULL_OK);
  fake_detach(thread);
  fake_heap_free(heap);
}
END_TEST

static void count_registry(struct lu_registry *registry, void *arg) {
  (void)registry;
  ++*(int *)arg;
}
static int registries(void) {
  int n = 0;
  lu_registries_each(count_registry, &n);
  return n;
}

START_TEST(every_registry_is_listed) {
  struct lull_heap *a = fake_heap_new(_i, FAKE_PATIENT), *b = fake_heap_new(_i, FAKE_PATIENT),
                   *c = fake_heap_new(_i, FAKE_PATIENT);
  ck_assert_int_eq(registries(), 3);
  fake_heap_free(b);
  ck_assert_int_eq(registries(), 2);
  fake_heap_free(c);
  fake_heap_free(a);
  ck_assert_int_eq(registries(), 0);
}
END_TEST

/* Attachments come and go in any order; one poll serves all. */
START_TEST(two_heaps) {
  struct lull_heap *a = fake_heap_new(_i, FAKE_PATIENT), *b = fake_heap_new(!_i, FAKE_PATIENT);
  for (int order = 0; order < 2; order++) {
    lull_thread *in_a = fake_attach(a), *in_b = fake_attach(b);
    ck_assert_ptr_eq(in_a->poll_word, in_b->poll_word);
    ck_assert_ptr_eq(lull_self(a), in_a);
    ck_assert_ptr_eq(lull_self(b), in_b);
    ck_assert_int_eq(lull_blocked_begin(in_a), LULL_OK);
    ck_assert_uint_eq(fake_handshake(a), 1);
    ck_assert_uint_eq(fake_handshake(b), 1);
    ck_assert_int_eq(lull_blocked_end(in_b), LULL_OK);
    fake_detach(order == 0 ? in_a : in_b);
    fake_detach(order == 0 ? in_b : in_a);
  }
  fake_heap_free(a);
  fake_heap_free(b);
}
END_TEST

int main(void) {
  Suite *suite = new_suite("threads");
  TCase *tcase = tcase_create("threads");
  tcase_add_loop_test(tcase, attach_and_detach, 0, 2);
  tcase_add_loop_test(tcase, foreign_and_stale_pointers, 0, 2);
  tcase_add_loop_test(tcase, detach_with_a_live_frame, 0, 2);
  tcase_add_loop_test(tcase, blocked_regions, 0, 2);
  tcase_add_loop_test(tcase, thread_ends_attached, 0, 2);
  tcase_add_loop_test(tcase, destructor_uses_the_attachment, 0, 2);
  tcase_add_loop_test(tcase, destructor_attaches, 0, 2);
  tcase_add_loop_test(tcase, attach_fails, 0, 2);
  tcase_add_loop_test(tcase, first_attach_fails, 0, 2);
  tcase_add_test(tcase, membarrier_is_refused);
  tcase_add_loop_test(tcase, every_registry_is_listed, 0, 2);
  tcase_add_loop_test(tcase, two_heaps, 0, 2);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
