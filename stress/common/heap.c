/* Heaps made from option text. Every function may be called by any thread. */
#include "stress/common/heap.h"

#include <stdlib.h>
#include <string.h>

#include "stress/common/check.h"

static void set_options(lull_config *config, const char *options) {
  char *copy, *rest, *entry;

  if (!options)
    return;
  copy = strdup(options);
  STRESS_CHECK(copy != NULL, "no memory");
  for (entry = strtok_r(copy, ",", &rest); entry; entry = strtok_r(NULL, ",", &rest)) {
    char *value = strchr(entry, '=');
    STRESS_CHECK(value != NULL, "option '%s' has no value", entry);
    *value++ = '\0';
    STRESS_CHECK(lull_option_set(config, entry, value) == LULL_OK, "option %s=%s refused", entry,
                 value);
  }
  free(copy);
}

lull_heap *heap_make(const char *options, const char *more_options) {
  lull_config *config = lull_config_new();
  lull_heap *heap = NULL;

  STRESS_CHECK(config != NULL, "no memory for a config");
  set_options(config, options);
  set_options(config, more_options);
  STRESS_OK(lull_heap_create(config, &heap));
  lull_config_free(config);
  return heap;
}

void heap_end(lull_heap *heap) {
  STRESS_OK(lull_heap_destroy(heap));
}

lull_type heap_type(lull_heap *heap, lull_type_desc desc) {
  lull_type type = 0;

  desc.struct_size = sizeof desc;
  STRESS_OK(lull_type_define(heap, &desc, &type));
  STRESS_CHECK(type != 0, "type %s got index 0", desc.name);
  return type;
}

lull_thread *heap_attach(lull_heap *heap) {
  lull_thread *thread = NULL;

  STRESS_OK(lull_attach(heap, &thread));
  return thread;
}

void heap_detach(lull_thread *thread) {
  STRESS_OK(lull_detach(thread));
}
