/*
 * metadata: memory that a heap takes beside its blocks, at several sizes of live data: a list of
 * objects, collected twice. For each size of live data, in MB (N):
 *
 *   live_N       bytes of live objects
 *   blocks_N     committed bytes of blocks and page runs
 *   metadata_N   committed bytes of metadata, as the library counts them
 *   share_N      of the two, the second divided by the first
 *   resident_N   what the heap added to the process's resident memory
 *   beside_N     of that, what is not blocks, divided by blocks: mark packets too, which the
 *                library's count leaves out
 *
 * Checked: that the library finds as much alive as there is.
 */
#include "bench/common/fail.h"
#include "bench/common/measure.h"
#include "bench/common/process.h"
#include "bench/micro/rounds.h"
#include "stress/common/arguments.h"
#include "stress/common/check.h"
#include "stress/common/figures.h"
#include "stress/common/heap.h"

#include <inttypes.h>

struct object {
  lull_object header;
  struct object *next;
  uint64_t number;
  uint64_t payload[];
};

static uint64_t least = 64u << 20, most = 512u << 20, object_bytes = 48;
static const char *options;

static struct object *new_list(lull_thread *thread, lull_type type, uint64_t count) {
  struct object *head = NULL;
  LULL_ROOTS(thread, head);

  for (uint64_t i = 0; i < count; i++) {
    struct object *object = lull_new(thread, type);
    STRESS_CHECK(object != NULL, "no memory for an object");
    object->number = i;
    lull_init(thread, object, &object->next, head);
    head = object;
  }
  return head;
}

static uint64_t check_list(const struct object *head, uint64_t count) {
  uint64_t sum = 0;

  for (; head; head = head->next)
    sum += head->number;
  STRESS_CHECK(sum == count * (count - 1) / 2, "the objects' numbers add up to %" PRIu64, sum);
  return sum;
}

static void count_of(const char *key, uint64_t megabytes, uint64_t value) {
  char name[64];

  snprintf(name, sizeof name, "%s_%" PRIu64, key, megabytes);
  measure_count(name, value);
}

static void share_of(const char *key, uint64_t megabytes, double value) {
  char name[64];

  snprintf(name, sizeof name, "%s_%" PRIu64, key, megabytes);
  measure_real(name, value);
}

static void report(const lull_stats *stats, uint64_t live, uint64_t resident) {
  uint64_t blocks = stats->heap_committed - stats->heap_metadata, megabytes = live >> 20;

  count_of("live", megabytes, stats->bytes_live);
  count_of("blocks", megabytes, blocks);
  count_of("metadata", megabytes, stats->heap_metadata);
  share_of("share", megabytes, (double)stats->heap_metadata / (double)blocks);
  count_of("resident", megabytes, resident);
  share_of("beside", megabytes, ((double)resident - (double)blocks) / (double)blocks);
}

static uint64_t measure(uint64_t live) {
  static const uint64_t map[] = {LULL_BIT(struct object, next)};
  uint64_t count = live / object_bytes, resident = process_resident(), sum;
  struct object *head = NULL;
  char text[64];
  lull_heap *heap;
  lull_thread *thread;
  lull_stats stats;

  snprintf(text, sizeof text, "heap.max=%" PRIu64, 3 * live);
  heap = heap_make(text, options);
  thread = heap_attach(heap);
  {
    LULL_ROOTS(thread, head);
    head = new_list(thread,
                    heap_type(heap, (lull_type_desc){.name = "object",
                                                     .size = object_bytes,
                                                     .layout = {.refs = LULL_REFS_MAP,
                                                                .map = map,
                                                                .map_words = 1}}),
                    count);
    STRESS_OK(lull_collect(thread));
    STRESS_OK(lull_collect(thread));
    stats = figures_stats(heap);
    STRESS_CHECK(stats.bytes_live >= count * object_bytes,
                 "%" PRIu64 " bytes are alive, %" PRIu64 " were found", count * object_bytes,
                 stats.bytes_live);
    report(&stats, live, process_resident() - resident);
    sum = check_list(head, count);
  }
  heap_detach(thread);
  heap_end(heap);
  return sum;
}

int main(int argc, char **argv) {
  const struct argument table[] = {
      {"least", ARGUMENT_COUNT, &least, "bytes of live data; each further size is twice as large"},
      {"most", ARGUMENT_COUNT, &most, "bytes of live data"},
      {"size", ARGUMENT_COUNT, &object_bytes, "of an object"},
      {"options", ARGUMENT_TEXT, &options, "options of the heaps, as in LULL_OPTIONS"},
      {NULL, ARGUMENT_FLAG, NULL, NULL}};
  struct measure_thread self;
  uint64_t check = 0, sizes = 0;

  arguments_parse(argc, argv, "How much memory metadata takes.", table);
  bench_require(least >= 1 << 20 && least <= most && most <= (uint64_t)1 << 40,
                "--least and --most must be 1M to 1024G, in this order");
  bench_require(object_bytes >= sizeof(struct object) && object_bytes <= 1 << 20 &&
                    object_bytes % 8 == 0,
                "--size must be a multiple of 8 from 24 to 1M");
  measure_start();
  measure_thread_begin(&self, MEASURE_IRREGULAR);
  for (uint64_t live = least; live <= most; live *= 2, sizes++)
    check += measure(live);
  measure_thread_end(&self);
  measure_stop();
  measure_print("metadata", "lull", 1, sizes, check);
  return 0;
}
