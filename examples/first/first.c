#include <lull.h>
#include <stdio.h>
struct node { lull_object header; struct node *next; long number; }; /* the header comes first */

int main(void) {
  static const uint64_t map[] = {LULL_BIT(struct node, next)}; /* where the references are */
  const lull_type_desc desc = {.struct_size = sizeof desc, .name = "node",
      .size = sizeof(struct node), .layout = {LULL_REFS_MAP, 0, map, 1}};
  lull_heap *heap;
  lull_thread *thread;
  lull_type type;
  if (lull_heap_create(NULL, &heap) || lull_type_define(heap, &desc, &type) ||
      lull_attach(heap, &thread))
    return 1;
  for (int round = 0; round < 1000; round++) {
    struct node *list = NULL;
    LULL_ROOTS(thread, list); /* `list` keeps what it points to alive until this block ends */
    for (long i = 0; i < 10000; i++) {
      struct node *node = lull_new(thread, type);
      if (node == NULL)
        return 1;
      node->number = i;
      lull_store(thread, node, &node->next, list);
      list = node;
    }
    lull_poll(thread); /* allocation polls too; a loop that does not allocate must */
  }
  lull_stats stats = {.struct_size = sizeof stats};
  if (lull_heap_stats(heap, &stats))
    return 1;
  printf("%llu collections beside the program, longest handshake %.1f us\n",
         (unsigned long long)stats.cycles, (double)stats.handshake_closure.max / 1000);
  return lull_detach(thread) || lull_heap_destroy(heap);
}
