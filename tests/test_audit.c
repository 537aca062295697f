/*
 * test_audit.c: stores that go past the barrier, made on purpose, are found and named; the right
 * ones are not.
 *
 * Everything is old in most tests, so nothing is lost by such a store and no other check sees it:
 * it is the audit (debug.audit) that has to.
 */
#include <unistd.h>
#include "support/fault.h"
#include "tests/fixture.h"

#define FOUND 7 /* exit status of a test whose line was logged */
#define LARGE 4000

struct node {
  lull_object header;
  struct node *left, *right;
};

static lull_heap *heap;
static lull_thread *thread;
static lull_type node_type, vectors;
static struct {
  struct node *old, *other, *fresh;
  struct vector *vector;
} roots;

static char wanted[128];
static bool exit_when_found;
static int found, lines;

static void watch(const char *line, void *data) {
  (void)data;
  lines++;
  if (wanted[0] == '\0' || strstr(line, wanted) == NULL)
    return;
  found++;
  if (exit_when_found)
    _exit(FOUND);
}

static struct node *new_node(void) {
  struct node *node = (struct node *)lull_new(thread, node_type);
  ck_assert_ptr_nonnull(node);
  return node;
}

static void collect(void) { ck_assert_int_eq(lull_collect(thread), LULL_OK); }

static void begin(const char *options) {
  static const uint64_t map[] = {LULL_BIT(struct node, left) | LULL_BIT(struct node, right)};
  static const lull_field fields[] = {LULL_FIELD(struct node, left),
                                      LULL_FIELD(struct node, right)};
  lull_type_desc desc = {.struct_size = sizeof desc,
                         .name = "node",
                         .size = sizeof(struct node),
                         .layout = {.refs = LULL_REFS_MAP, .map = map, .map_words = 1},
                         .fields = fields,
                         .field_count = 2};
  wanted[0] = '\0';
  found = lines = 0;
  lull_log_to(watch, NULL);
  heap = heap_with(options);
  thread = attach(heap);
  ck_assert_int_eq(lull_type_define(heap, &desc, &node_type), LULL_OK);
  vectors = vector_type(heap);
  ck_assert_int_eq(lull_thread_range_add(thread, &roots, sizeof roots / sizeof(void *)), LULL_OK);
  roots.old = new_node();
  roots.other = new_node();
  roots.vector = (struct vector *)lull_new_array(thread, vectors, LARGE);
  collect();
  ck_assert_int_eq(lull_verify(thread), LULL_OK);
}

static void end(void) {
  end_heap(heap, thread);
  lull_log_to(NULL, NULL);
}

static const char *const modes[] = {
    "heap.max=32M,log=verify=error,debug.audit=true",
    "heap.max=32M,log=verify=error,debug.audit=true,gc.mode=stw",
    "heap.max=32M,log=verify=error,debug.audit=true,gc.mode=incremental",
    "heap.max=32M,log=verify=error,debug.audit=true,rs.card=64"};
#define MODES ((int)(sizeof modes / sizeof modes[0]))

/* The next look finds it, by this text, and once: it is not reported again. */
static void expect(const char *text) {
  snprintf(wanted, sizeof wanted, "%s", text);
  found = 0;
  ck_assert_msg(lull_verify(thread) == LULL_E_STATE, "not found: %s", text);
  ck_assert_msg(found == 1, "found %d times by its text: %s", found, text);
  wanted[0] = '\0';
  ck_assert_int_eq(lull_verify(thread), LULL_OK);
}

START_TEST(a_field_of_a_small_object) {
  begin(modes[_i]);
  roots.old->left = roots.other;
  expect("node.left of ");
  roots.old->right = roots.old;
  expect("node.right of ");
  roots.old->left = NULL;
  expect("stored without the barrier: it was 0x");
  end();
}
END_TEST

START_TEST(an_element_of_a_large_object) {
  begin(modes[_i]);
  roots.vector->item[0] = (struct cell *)(void *)roots.old;
  expect("vector[0] of ");
  roots.vector->item[LARGE - 1] = (struct cell *)(void *)roots.old;
  expect("vector[3999] of ");
  lull_store(thread, roots.vector, &roots.vector->item[10], roots.old);
  roots.vector->item[2000] = (struct cell *)(void *)roots.old;
  expect("vector[2000] of ");
  end();
}
END_TEST

START_TEST(an_initialising_store_after_a_poll) {
  begin(modes[_i]);
  roots.fresh = new_node();
  lull_init(thread, roots.fresh, &roots.fresh->left, roots.old);
  collect();
  lull_init(thread, roots.fresh, &roots.fresh->right, roots.old);
  expect("node.right of ");
  end();
}
END_TEST

/* In a debug build the barrier of another field is no excuse; in others the object's log is one. */
START_TEST(beside_a_store_that_took_it) {
  begin(modes[_i]);
  lull_store(thread, roots.old, &roots.old->left, roots.other);
  roots.old->right = roots.other;
#ifdef LULL_DEBUG
  expect("node.right of ");
#else
  ck_assert_int_eq(lull_verify(thread), LULL_OK);
#endif
  /* The epoch that comes has seen no store into it. */
  collect();
  roots.old->right = NULL;
  expect("node.right of ");
  end();
}
END_TEST

/* A cycle ends the process; the line that says why comes first. */
START_TEST(in_a_cycle) {
  begin(modes[_i]);
  roots.old->left = roots.other;
  snprintf(wanted, sizeof wanted, "node.left of ");
  exit_when_found = true;
  collect();
  ck_abort_msg("not found");
}
END_TEST

static void store_in_every_form(struct node *node, struct vector *vector) {
  struct node *seen = NULL;
  lull_store(thread, node, &node->left, roots.other);
  lull_store(thread, node, &node->left, NULL);
  lull_barrier(thread, node, &node->left, roots.old);
  node->left = roots.old;
  lull_exchange(thread, node, &node->right, roots.old);
  ck_assert(!lull_compare_exchange(thread, node, &node->right, &seen, roots.other));
  ck_assert(lull_compare_exchange(thread, node, &node->right, &seen, roots.other));
  lull_fill(thread, vector, &vector->item[100], node, 1000);
  lull_copy(thread, vector, &vector->item[900], &vector->item[500], 700);
  lull_store(thread, vector, &vector->item[LARGE - 1], node);
  struct node *fresh = new_node();
  lull_init(thread, fresh, &fresh->left, roots.old);
  fresh->right = roots.other;
  lull_store(thread, node, &node->right, fresh);
}

START_TEST(right_stores_are_not_reported) {
  begin(modes[_i]);
  for (int round = 0; round < 12; round++) {
    store_in_every_form(roots.old, roots.vector);
    ck_assert_int_eq(lull_verify(thread), LULL_OK);
    store_in_every_form(roots.old, roots.vector);
    collect();
    store_in_every_form(roots.old, roots.vector);
    for (int i = 0; i < 5000; i++)
      new_node();
  }
  ck_assert_int_eq(lines, 0);
  end();
}
END_TEST

/* What a minor cycle would lose is found without the audit. */
START_TEST(from_old_to_young) {
  begin("heap.max=32M,log=verify=error");
  roots.fresh = new_node();
  roots.old->right = roots.fresh;
  snprintf(wanted, sizeof wanted, "in node.right, and is not in the remembered set: stored with");
  ck_assert_int_eq(lull_verify(thread), LULL_E_STATE);
  ck_assert_int_gt(found, 0);
  lull_store(thread, roots.old, &roots.old->left, NULL);
  ck_assert_int_eq(lull_verify(thread), LULL_OK);
  roots.vector->item[1234] = (struct cell *)(void *)roots.fresh;
  snprintf(wanted, sizeof wanted, "in vector[1234], and is not in the remembered set: stored with");
  found = 0;
  ck_assert_int_eq(lull_verify(thread), LULL_E_STATE);
  ck_assert_int_gt(found, 0);
  lull_store(thread, roots.vector, &roots.vector->item[1234], roots.fresh);
  ck_assert_int_eq(lull_verify(thread), LULL_OK);
  end();
}
END_TEST

static const char *const barrier_modes[] = {
    "heap.max=32M,log=verify=error,verify=barrier",
    "heap.max=32M,log=verify=error,verify=barrier,gc.promote=3",
    "heap.max=32M,log=verify=error,verify=barrier,gc.mode=stw",
    "heap.max=32M,log=verify=error,verify=barrier,gc.mode=incremental",
    "heap.max=32M,log=verify=error,verify=phase"};
#define BARRIER_MODES ((int)(sizeof barrier_modes / sizeof barrier_modes[0]))

/* Before the set is used, whatever kind of cycle it is. */
START_TEST(from_old_to_young_in_a_cycle) {
  begin(barrier_modes[_i]);
  roots.fresh = new_node();
  roots.old->right = roots.fresh;
  snprintf(wanted, sizeof wanted, "in node.right, and is not in the remembered set: stored with");
  exit_when_found = true;
  collect();
  ck_abort_msg("not found");
}
END_TEST

START_TEST(right_stores_from_old_to_young) {
  begin(barrier_modes[_i]);
  for (int round = 0; round < 10; round++) {
    for (int i = 0; i < 2000; i++) {
      roots.fresh = new_node();
      lull_store(thread, roots.old, &roots.old->right, roots.fresh);
      lull_store(thread, roots.vector, &roots.vector->item[(i * 37) % LARGE], roots.fresh);
    }
    collect();
  }
  ck_assert_int_eq(lines, 0);
  end();
}
END_TEST

/* Without memory for the copy nothing is claimed, and what is found later is right. */
START_TEST(without_memory) {
  begin(modes[_i]);
  int refused = 0;
  for (uint64_t n = 1; n < 40; n++) {
    lu_fault_arm(LU_FAULT_METADATA, n, false);
    refused += lull_verify(thread) == LULL_E_PROGRESS;
    lu_fault_clear();
    lull_store(thread, roots.old, &roots.old->left, n % 2 == 0 ? roots.other : NULL);
    ck_assert_int_eq(lull_verify(thread), LULL_OK);
    lull_store(thread, roots.old, &roots.old->left, roots.old);
    ck_assert_int_eq(lull_verify(thread), LULL_OK);
  }
  ck_assert_int_gt(refused, 0);
  collect();
  roots.old->left = roots.other;
  expect("node.left of ");
  end();
}
END_TEST

int main(void) {
  Suite *suite = new_suite("audit");
  TCase *wrong = tcase_create("wrong"), *right = tcase_create("right");
  tcase_add_loop_test(wrong, a_field_of_a_small_object, 0, MODES);
  tcase_add_loop_test(wrong, an_element_of_a_large_object, 0, MODES);
  tcase_add_loop_test(wrong, an_initialising_store_after_a_poll, 0, MODES);
  tcase_add_loop_test(wrong, beside_a_store_that_took_it, 0, MODES);
  tcase_add_loop_exit_test(wrong, in_a_cycle, FOUND, 0, MODES);
  tcase_add_test(wrong, from_old_to_young);
  tcase_add_loop_exit_test(wrong, from_old_to_young_in_a_cycle, FOUND, 0, BARRIER_MODES);
  suite_add_tcase(suite, wrong);
  tcase_add_loop_test(right, right_stores_are_not_reported, 0, MODES);
  tcase_add_loop_test(right, right_stores_from_old_to_young, 0, BARRIER_MODES);
  tcase_add_loop_test(right, without_memory, 0, MODES);
  suite_add_tcase(suite, right);
  return run_suite(suite);
}
