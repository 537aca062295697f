/*
 * deep: lists of ten million elements, linked in one direction and in both. A marker that recursed,
 * or kept a stack as deep as the list, would fail on them; linked in both directions each element
 * is an old object that is stored into when its successor is born.
 *
 * Checked: every element's number along the list, forwards and backwards, before and after a
 * collection, and after the front half was cut off.
 */
#include "stress/common/arguments.h"
#include "stress/common/check.h"
#include "stress/common/clock.h"
#include "stress/common/figures.h"
#include "stress/common/heap.h"

#include <stdio.h>

/* A singly linked element ends before `previous`. */
struct element {
  lull_object header;
  struct element *next;
  uint64_t number;
  struct element *previous;
};

enum { POLL_EVERY = 1024 };

static uint64_t length = 10000000;
static lull_type single_type, double_type;

static void define_types(lull_heap *heap) {
  static const uint64_t single[] = {LULL_BIT(struct element, next)};
  static const uint64_t both[] = {LULL_BIT(struct element, next) |
                                  LULL_BIT(struct element, previous)};

  single_type = heap_type(
      heap, (lull_type_desc){.name = "single",
                             .size = offsetof(struct element, previous),
                             .layout = {.refs = LULL_REFS_MAP, .map = single, .map_words = 1}});
  double_type = heap_type(
      heap, (lull_type_desc){.name = "double",
                             .size = sizeof(struct element),
                             .layout = {.refs = LULL_REFS_MAP, .map = both, .map_words = 1}});
}

/* A list whose first element has number length - 1, the last 0. */
static struct element *build(lull_thread *thread, lull_type type) {
  struct element *head = NULL;
  LULL_ROOTS(thread, head);

  for (uint64_t number = 0; number < length; number++) {
    struct element *element = lull_new(thread, type);
    STRESS_CHECK(element != NULL, "no memory for element %llu", (unsigned long long)number);
    element->number = number;
    lull_init(thread, element, &element->next, head);
    if (head && type == double_type)
      lull_store(thread, head, &head->previous, element);
    head = element;
  }
  return head;
}

/* Walks from first, whose number is `number`, to the end; returns the last element. */
static struct element *check_forwards(lull_thread *thread, struct element *first, uint64_t number) {
  struct element *at = first;
  LULL_ROOTS(thread, first, at);

  for (;; number--) {
    STRESS_CHECK(at->number == number, "element %llu has number %llu", (unsigned long long)number,
                 (unsigned long long)at->number);
    STRESS_CHECK((at->next == NULL) == (number == 0), "the list ends at %llu",
                 (unsigned long long)number);
    if (number == 0)
      return at;
    at = at->next;
    if (number % POLL_EVERY == 0)
      lull_poll(thread);
  }
}

static void check_backwards(lull_thread *thread, struct element *last, uint64_t most) {
  struct element *at = last;
  LULL_ROOTS(thread, at);

  for (uint64_t number = 0; number <= most; number++) {
    STRESS_CHECK(at != NULL && at->number == number, "backwards element %llu is wrong",
                 (unsigned long long)number);
    at = at->previous;
    if (number % POLL_EVERY == 0)
      lull_poll(thread);
  }
  STRESS_CHECK(at == NULL, "the list goes on before its first element");
}

static struct element *element_at(lull_thread *thread, struct element *first, uint64_t steps) {
  struct element *at = first;
  LULL_ROOTS(thread, at);

  for (uint64_t i = 0; i < steps; i++) {
    at = at->next;
    if (i % POLL_EVERY == 0)
      lull_poll(thread);
  }
  return at;
}

static void check_list(lull_thread *thread, struct element *head, uint64_t most, lull_type type) {
  struct element *last = check_forwards(thread, head, most);

  if (type == double_type)
    check_backwards(thread, last, most);
}

static void run(lull_thread *thread, lull_type type) {
  struct element *head = NULL;
  LULL_ROOTS(thread, head);

  head = build(thread, type);
  check_list(thread, head, length - 1, type);
  STRESS_OK(lull_collect(thread));
  check_list(thread, head, length - 1, type);
  head = element_at(thread, head, length / 2);
  if (type == double_type)
    lull_store(thread, head, &head->previous, NULL);
  STRESS_OK(lull_collect(thread));
  check_list(thread, head, length - 1 - length / 2, type);
  fprintf(stderr, "deep: %s list checked\n", type == double_type ? "double" : "single");
}

int main(int argc, char **argv) {
  const char *options = NULL;
  const struct argument table[] = {
      {"length", ARGUMENT_COUNT, &length, "elements of each list"},
      {"options", ARGUMENT_TEXT, &options, "options of the heap, as in LULL_OPTIONS"},
      {NULL, ARGUMENT_FLAG, NULL, NULL}};
  char limit[64];
  lull_heap *heap;
  lull_thread *thread;
  uint64_t began;

  arguments_parse(argc, argv, "Lists of millions of elements.", table);
  STRESS_CHECK(length >= 2, "--length must be at least 2");
  snprintf(limit, sizeof limit, "heap.max=%lluK",
           (unsigned long long)(length * 32 * 3 / 1024 + 32768));
  heap = heap_make(limit, options);
  define_types(heap);
  began = clock_wall();
  thread = heap_attach(heap);
  run(thread, single_type);
  run(thread, double_type);
  STRESS_OK(lull_collect(thread));
  heap_detach(thread);
  figures_start("deep");
  figures_count("length", length);
  figures_real("seconds", clock_seconds(began, clock_wall()));
  figures_heap(heap);
  figures_memory();
  figures_end();
  heap_end(heap);
  return 0;
}
