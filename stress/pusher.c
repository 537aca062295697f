/*
 * pusher: a ring of live buffers of 1 KB, the oldest of which is replaced by each push; after an
 * experiment with message queues that made the pauses of several runtimes known (Pusher, 2016).
 * Much live memory dies in the order of its birth.
 *
 * Checked: each buffer that is replaced still holds the contents of its own number.
 */
#include "stress/common/arguments.h"
#include "stress/common/check.h"
#include "stress/common/clock.h"
#include "stress/common/figures.h"
#include "stress/common/heap.h"

#include <stdio.h>

struct buffer {
  lull_object header;
  size_t length;
  uint64_t words[];
};

struct ring {
  lull_object header;
  size_t length;
  struct buffer *slots[];
};

enum { BUFFER_WORDS = 1024 / 8 };

static uint64_t live = 200000, pushes = 2000000;
static lull_type buffer_type, ring_type;
static lull_histogram push_times;

static void define_types(lull_heap *heap) {
  buffer_type = heap_type(heap, (lull_type_desc){.name = "buffer",
                                                 .size = sizeof(struct buffer),
                                                 .element_size = 8,
                                                 .length_offset = offsetof(struct buffer, length)});
  ring_type = heap_type(heap, (lull_type_desc){.name = "ring",
                                               .size = sizeof(struct ring),
                                               .element_size = 8,
                                               .length_offset = offsetof(struct ring, length),
                                               .element = {.refs = LULL_REFS_ALL}});
}

static void check_buffer(const struct buffer *buffer, uint64_t number) {
  STRESS_CHECK(buffer->length == BUFFER_WORDS, "buffer %llu has length %zu",
               (unsigned long long)number, buffer->length);
  for (unsigned i = 0; i < BUFFER_WORDS; i++)
    STRESS_CHECK(buffer->words[i] == number + i, "buffer %llu is overwritten at word %u",
                 (unsigned long long)number, i);
}

static void push(lull_thread *thread, struct ring *ring, uint64_t number) {
  struct buffer **slot = &ring->slots[number % live];
  uint64_t began = clock_wall();
  struct buffer *buffer = lull_new_array(thread, buffer_type, BUFFER_WORDS);

  STRESS_CHECK(buffer != NULL, "no memory for a buffer");
  for (unsigned i = 0; i < BUFFER_WORDS; i++)
    buffer->words[i] = number + i;
  if (number >= live)
    check_buffer(*slot, number - live);
  lull_store(thread, ring, slot, buffer);
  figures_record(&push_times, clock_wall() - began);
}

static void run(lull_thread *thread) {
  struct ring *ring = lull_new_array(thread, ring_type, live);
  LULL_ROOTS(thread, ring);

  STRESS_CHECK(ring != NULL, "no memory for the ring");
  for (uint64_t number = 0; number < live + pushes; number++) {
    push(thread, ring, number);
    if (number % 1000000 == 999999)
      fprintf(stderr, "pusher: %llu pushed\n", (unsigned long long)number + 1);
  }
  for (uint64_t number = pushes; number < live + pushes; number++)
    check_buffer(ring->slots[number % live], number);
}

int main(int argc, char **argv) {
  const char *options = NULL;
  const struct argument table[] = {
      {"live", ARGUMENT_COUNT, &live, "buffers in the ring"},
      {"pushes", ARGUMENT_COUNT, &pushes, "replacements after the ring is full"},
      {"options", ARGUMENT_TEXT, &options, "options of the heap, as in LULL_OPTIONS"},
      {NULL, ARGUMENT_FLAG, NULL, NULL}};
  char limit[64];
  lull_heap *heap;
  lull_thread *thread;
  uint64_t began;

  arguments_parse(argc, argv, "A ring of live buffers, replaced one by one.", table);
  STRESS_CHECK(live > 0, "--live must be at least 1");
  snprintf(limit, sizeof limit, "heap.max=%lluK", (unsigned long long)(3 * live + 32768));
  heap = heap_make(limit, options);
  define_types(heap);
  began = clock_wall();
  thread = heap_attach(heap);
  run(thread);
  heap_detach(thread);
  figures_start("pusher");
  figures_count("live", live);
  figures_count("pushes", pushes);
  figures_real("seconds", clock_seconds(began, clock_wall()));
  figures_tail("push", &push_times);
  figures_heap(heap);
  figures_memory();
  figures_end();
  heap_end(heap);
  return 0;
}
