/*
 * pusher: a ring of live buffers of 1 KB, the oldest of which is replaced by each push; after an
 * experiment with message queues that made the pauses of several runtimes known (Pusher, 2016).
 * Much live memory dies in the order of its birth. The ring is full before the measured part.
 *
 * Checked: each buffer still holds the contents of its own number when it is replaced, and at the
 * end.
 */
#include "bench/common/fail.h"
#include "bench/common/measure.h"
#include "bench/memory/memory.h"
#include "stress/common/arguments.h"
#include "stress/common/check.h"

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

enum { BUFFER_WORDS = 1024 / 8, BUFFER_SIZE = sizeof(struct buffer) + 1024, PAUSE = 50000 };

static uint64_t live = 200000, pushes = 2000000, heap_limit;
static mem_type buffer_type, ring_type;
static uint64_t check; /* the first words of all buffers, as read when they were checked */

static void define_types(void) {
  buffer_type = mem_array("buffer", sizeof(struct buffer), offsetof(struct buffer, length), 8,
                          false);
  ring_type = mem_array("ring", sizeof(struct ring), offsetof(struct ring, length), 8, true);
}

static void check_buffer(const struct buffer *buffer, uint64_t number) {
  STRESS_CHECK(buffer->length == BUFFER_WORDS, "buffer %llu has length %zu",
               (unsigned long long)number, buffer->length);
  for (unsigned i = 0; i < BUFFER_WORDS; i++)
    STRESS_CHECK(buffer->words[i] == number + i, "buffer %llu is overwritten at word %u",
                 (unsigned long long)number, i);
  check += buffer->words[0];
}

static struct buffer *new_buffer(mem_thread *thread, uint64_t number) {
  struct buffer *buffer = mem_new_array(thread, buffer_type, BUFFER_WORDS);

  for (unsigned i = 0; i < BUFFER_WORDS; i++)
    buffer->words[i] = number + i;
  return buffer;
}

static void push(mem_thread *thread, struct ring *ring, uint64_t number) {
  struct buffer **slot = &ring->slots[number % live], *old;
  struct buffer *buffer = new_buffer(thread, number);

  old = *slot;
  check_buffer(old, number - live);
  mem_store(thread, ring, slot, buffer);
  mem_free(thread, old);
}

static struct ring *fill(mem_thread *thread) {
  struct ring *ring = mem_new_array(thread, ring_type, live);
  MEM_ROOTS(thread, ring);

  for (uint64_t number = 0; number < live; number++)
    mem_store(thread, ring, &ring->slots[number], new_buffer(thread, number));
  return ring;
}

static void empty(mem_thread *thread, struct ring *ring) {
  for (uint64_t number = pushes; number < live + pushes; number++) {
    check_buffer(ring->slots[number % live], number);
    mem_free(thread, ring->slots[number % live]);
  }
  mem_free(thread, ring);
}

static void run(mem_thread *thread) {
  struct measure_thread measure;
  struct ring *ring = fill(thread);
  MEM_ROOTS(thread, ring);

  measure_start();
  measure_thread_begin(&measure, PAUSE);
  for (uint64_t number = live; number < live + pushes; number++) {
    push(thread, ring, number);
    measure_operation(&measure);
  }
  measure_thread_end(&measure);
  measure_stop();
  empty(thread, ring);
}

/* Each number once. */
static uint64_t check_expected(void) {
  uint64_t count = live + pushes;
  return count % 2 ? (count - 1) / 2 * count : count / 2 * (count - 1);
}

int main(int argc, char **argv) {
  const char *options = NULL;
  const struct argument table[] = {
      {"live", ARGUMENT_COUNT, &live, "buffers in the ring"},
      {"pushes", ARGUMENT_COUNT, &pushes, "replacements after the ring is full"},
      {"heap", ARGUMENT_COUNT, &heap_limit, "the heap's limit in bytes; 0: three times the live"},
      {"options", ARGUMENT_TEXT, &options, "options of the heap, as in LULL_OPTIONS"},
      {NULL, ARGUMENT_FLAG, NULL, NULL}};
  mem_thread *thread;

  arguments_parse(argc, argv, "A ring of live buffers, replaced one by one.", table);
  bench_require(live > 0 && live < (uint64_t)1 << 40, "--live must be 1 to 1024G");
  if (heap_limit == 0)
    heap_limit = 3 * live * (BUFFER_SIZE + 8) + (16 << 20);
  mem_open(heap_limit, options);
  define_types();
  thread = mem_enter();
  run(thread);
  mem_leave(thread);
  STRESS_CHECK(check == check_expected(), "the buffers' numbers add up to %llu instead of %llu",
               (unsigned long long)check, (unsigned long long)check_expected());
  mem_report();
  measure_print("pusher", MEM_NAME, 1, pushes, check);
  mem_close();
  return 0;
}
