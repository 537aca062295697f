/*
 * consumer.c: a program as a user writes it, compiled against the installed package only. It
 * builds a list, drops half of it, collects and finds the rest intact. The
 * expected version comes from pkg-config.
 */
#include <lull.h>
#include <stdio.h>
#include <string.h>

struct pair {
  lull_object header;
  struct pair *next;
  size_t number;
};

static int fail(const char *what, lull_status status) {
  fprintf(stderr, "consumer: %s: %s\n", what, lull_status_text(status));
  return 1;
}

/* Numbers 0 to length - 1, the last in front. */
static struct pair *make_list(lull_thread *thread, lull_type type, size_t length) {
  struct pair *list = NULL;
  LULL_ROOTS(thread, list);
  for (size_t i = 0; i < length; i++) {
    struct pair *pair = (struct pair *)lull_new(thread, type);
    if (pair == NULL)
      return NULL;
    pair->number = i;
    lull_init(thread, pair, &pair->next, list);
    list = pair;
  }
  return list;
}

static int use_heap(lull_thread *thread, lull_type type) {
  enum { LENGTH = 20000 };
  struct pair *list = make_list(thread, type, LENGTH);
  LULL_ROOTS(thread, list);
  size_t kept = 0;
  for (struct pair *pair = list; pair != NULL; pair = pair->next) {
    if (pair->next != NULL)
      lull_store(thread, pair, &pair->next, pair->next->next);
    kept++;
  }
  lull_status status = lull_collect(thread);
  if (status != LULL_OK)
    return fail("lull_collect", status);
  size_t expected = LENGTH - 1;
  for (struct pair *pair = list; pair != NULL; pair = pair->next) {
    if (pair->number != expected || lull_type_of(pair) != type)
      return fail("the list after a collection", LULL_E_STATE);
    expected -= 2;
    kept--;
  }
  return kept == 0 && list != NULL ? 0 : fail("the length after a collection", LULL_E_STATE);
}

int main(int argc, char **argv) {
  if (argc != 2 || strcmp(lull_version(), argv[1]) != 0) {
    fprintf(stderr, "consumer: the library says version %s\n", lull_version());
    return 1;
  }
  const uint64_t map[] = {LULL_BIT(struct pair, next)};
  lull_type_desc desc;
  memset(&desc, 0, sizeof desc);
  desc.struct_size = sizeof desc;
  desc.name = "pair";
  desc.size = sizeof(struct pair);
  desc.layout.refs = LULL_REFS_MAP;
  desc.layout.map = map;
  desc.layout.map_words = 1;

  lull_heap *heap;
  lull_thread *thread;
  lull_type type;
  lull_status status = lull_heap_create(NULL, &heap);
  if (status != LULL_OK)
    return fail("lull_heap_create", status);
  if ((status = lull_type_define(heap, &desc, &type)) != LULL_OK)
    return fail("lull_type_define", status);
  if ((status = lull_attach(heap, &thread)) != LULL_OK)
    return fail("lull_attach", status);
  int result = use_heap(thread, type);
  if ((status = lull_detach(thread)) != LULL_OK)
    return fail("lull_detach", status);
  if ((status = lull_heap_destroy(heap)) != LULL_OK)
    return fail("lull_heap_destroy", status);
  return result;
}
