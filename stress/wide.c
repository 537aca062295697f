/*
 * wide: arrays of many MB of references under random stores by several threads while cycles run
 * back to back. The collector must split them, and the barrier may copy only a small part of such
 * an object at a time. The elements of an array are dealt out to the threads in turn, so
 * neighbouring words have different writers. Now and then an array is replaced by a new one into
 * which the elements are copied in bulk.
 *
 * Checked: each element, at stores and over all at the end, against a plain array of the numbers
 * that were stored.
 */
#include "stress/common/arguments.h"
#include "stress/common/check.h"
#include "stress/common/clock.h"
#include "stress/common/figures.h"
#include "stress/common/heap.h"
#include "stress/common/team.h"

#include <stdio.h>
#include <stdlib.h>

struct number {
  lull_object header;
  uint64_t value, inverse;
};

struct array {
  lull_object header;
  size_t length;
  struct number *at[];
};

static uint64_t length = 2u << 20, stores = 4000000, threads = 2, seed = 1, copies = 4;
static lull_type number_type, array_type;
static lull_handle *shared_array;
static uint64_t *expected; /* word i belongs to thread i % threads; 0 = NULL */

static void define_types(lull_heap *heap) {
  number_type = heap_type(heap, (lull_type_desc){.name = "number", .size = sizeof(struct number)});
  array_type = heap_type(heap, (lull_type_desc){.name = "array",
                                                .size = sizeof(struct array),
                                                .element_size = 8,
                                                .length_offset = offsetof(struct array, length),
                                                .element = {.refs = LULL_REFS_ALL}});
}

static void check_element(struct array *array, uint64_t i) {
  struct number *number = lull_load(&array->at[i]);

  if (!expected[i]) {
    STRESS_CHECK(number == NULL, "element %llu is not NULL", (unsigned long long)i);
    return;
  }
  STRESS_CHECK(number != NULL, "element %llu is lost", (unsigned long long)i);
  STRESS_CHECK(number->value == expected[i] && number->inverse == ~expected[i],
               "element %llu holds %llu instead of %llu", (unsigned long long)i,
               (unsigned long long)number->value, (unsigned long long)expected[i]);
}

static void store_new(lull_thread *thread, struct array *array, uint64_t i, uint64_t value) {
  struct number *number = lull_new(thread, number_type);

  STRESS_CHECK(number != NULL, "no memory for a number");
  number->value = value;
  number->inverse = ~value;
  lull_store(thread, array, &array->at[i], number);
  expected[i] = value;
}

/* Makes element i a second reference to what element j holds. */
static void store_again(lull_thread *thread, struct array *array, uint64_t i, uint64_t j) {
  lull_store(thread, array, &array->at[i], lull_load(&array->at[j]));
  expected[i] = expected[j];
}

static void work(struct member *member) {
  lull_thread *thread = member->thread;
  struct array *array = lull_handle_get(thread, shared_array);
  uint32_t own = (uint32_t)((length - member->index + member->count - 1) / member->count);
  LULL_ROOTS(thread, array);

  for (uint64_t n = 1; n <= stores / member->count && own; n++) {
    uint64_t i = (uint64_t)random_below(&member->random, own) * member->count + member->index;
    uint64_t j = (uint64_t)random_below(&member->random, own) * member->count + member->index;

    check_element(array, i);
    if (random_once(&member->random, 4))
      store_again(thread, array, i, j);
    else
      store_new(thread, array, i, n * member->count + member->index);
    lull_poll(thread);
    if (n % 100000 == 0)
      lull_collect_start(member->heap);
  }
}

static void check_all(lull_thread *thread) {
  struct array *array = lull_handle_get(thread, shared_array);
  LULL_ROOTS(thread, array);

  STRESS_CHECK(array->length == length, "the array's length is %zu", array->length);
  for (uint64_t i = 0; i < length; i++) {
    check_element(array, i);
    lull_poll(thread);
  }
}

/* Replaces the array by a copy made in pieces, while a cycle runs. */
static void renew(lull_thread *thread, struct random *random) {
  struct array *old = lull_handle_get(thread, shared_array), *fresh = NULL;
  LULL_ROOTS(thread, old, fresh);

  fresh = lull_new_array(thread, array_type, length);
  STRESS_CHECK(fresh != NULL, "no memory for a second array");
  lull_collect_start(thread->heap);
  for (uint64_t i = 0, n; i < length; i += n) {
    n = 1 + random_below(random, 4096);
    if (n > length - i)
      n = length - i;
    lull_copy(thread, fresh, &fresh->at[i], &old->at[i], n);
    lull_poll(thread);
  }
  lull_handle_set(thread, shared_array, fresh);
}

static void run(lull_heap *heap) {
  lull_thread *thread = heap_attach(heap);
  struct random random = random_seeded(seed, 1000);

  shared_array = lull_handle_new(thread, NULL);
  STRESS_CHECK(shared_array != NULL, "no memory for a handle");
  lull_handle_set(thread, shared_array, lull_new_array(thread, array_type, length));
  STRESS_CHECK(lull_handle_get(thread, shared_array) != NULL, "no memory for the array");
  for (uint64_t round = 0; round < copies; round++) {
    STRESS_OK(lull_blocked_begin(thread));
    team_run(heap, (unsigned)threads, seed + round, work, NULL);
    STRESS_OK(lull_blocked_end(thread));
    renew(thread, &random);
    check_all(thread);
    fprintf(stderr, "wide: array %llu checked\n", (unsigned long long)round);
  }
  STRESS_OK(lull_collect(thread));
  check_all(thread);
  STRESS_OK(lull_handle_release(thread, shared_array));
  heap_detach(thread);
}

int main(int argc, char **argv) {
  const char *options = NULL;
  const struct argument table[] = {
      {"length", ARGUMENT_COUNT, &length, "references in the array"},
      {"stores", ARGUMENT_COUNT, &stores, "stores into each array, by all threads"},
      {"copies", ARGUMENT_COUNT, &copies, "arrays one after another, each copied from the last"},
      {"threads", ARGUMENT_COUNT, &threads, "threads"},
      {"seed", ARGUMENT_COUNT, &seed, "of the random choices"},
      {"options", ARGUMENT_TEXT, &options, "options of the heap, as in LULL_OPTIONS"},
      {NULL, ARGUMENT_FLAG, NULL, NULL}};
  char limit[64];
  lull_heap *heap;
  uint64_t began;

  arguments_parse(argc, argv, "Random stores into large arrays of references.", table);
  STRESS_CHECK(length > 0 && length < UINT32_MAX && threads > 0,
               "--length or --threads is out of range");
  snprintf(limit, sizeof limit, "heap.max=%lluK",
           (unsigned long long)(length * 40 * 4 / 1024 + 65536));
  heap = heap_make(limit, options);
  define_types(heap);
  expected = stress_calloc(length, sizeof *expected);
  began = clock_wall();
  run(heap);
  figures_start("wide");
  figures_count("length", length);
  figures_count("stores", stores * copies);
  figures_count("threads", threads);
  figures_real("seconds", clock_seconds(began, clock_wall()));
  figures_heap(heap);
  figures_memory();
  figures_end();
  heap_end(heap);
  free(expected);
  return 0;
}
