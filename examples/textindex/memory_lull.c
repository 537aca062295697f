/*
 * memory_lull.c: the index on Lull: the heap, its types, threads, and the collector's figures.
 *
 * `heap` is set before the first thread starts and cleared after the last one ended; every thread
 * reads it.
 */
#include "examples/textindex/memory.h"
#include "examples/textindex/objects.h"

#include <inttypes.h>
#include <string.h>

const char memory_name[] = "lull";
struct types types;
static lull_heap *heap;

#define MEGABYTE (1024.0 * 1024.0)

static bool complain(const char *what, lull_status status) {
  fprintf(stderr, "textindex: %s: %s\n", what, lull_status_text(status));
  return false;
}

static lull_status define(lull_type *type, lull_type_desc desc) {
  desc.struct_size = sizeof desc;
  return lull_type_define(heap, &desc, type);
}

/* A type of which every object has the same size; `map` has a bit for each reference. */
static lull_status define_plain(lull_type *type, const char *name, size_t size, uint64_t map) {
  return define(type, (lull_type_desc){
    .name = name, .size = size,
    .layout = {.refs = LULL_REFS_MAP, .map = &map, .map_words = 1}});
}

/* An array without references: bytes or numbers behind a length. */
static lull_status define_data(lull_type *type, const char *name, size_t size, size_t element) {
  return define(type, (lull_type_desc){
    .name = name, .size = size, .element_size = element, .length_offset = sizeof(lull_object)});
}

/* An array of references; `map` describes the fixed part. */
static lull_status define_references(lull_type *type, const char *name, size_t size, uint64_t map) {
  lull_layout fixed = {.refs = LULL_REFS_MAP, .map = &map, .map_words = 1};
  return define(type, (lull_type_desc){
    .name = name, .size = size, .layout = map != 0 ? fixed : (lull_layout){.refs = LULL_REFS_NONE},
    .element_size = sizeof(void *), .length_offset = sizeof(lull_object),
    .element = {.refs = LULL_REFS_ALL}});
}

static lull_status define_types(void) {
  lull_status status = define_plain(&types.index, "index", sizeof(struct index),
    LULL_BIT(struct index, head) | LULL_BIT(struct index, table));
  if (status == LULL_OK)
    status = define_plain(&types.cell, "cell", sizeof(struct cell),
      LULL_BIT(struct cell, next) | LULL_BIT(struct cell, chunk));
  if (status == LULL_OK)
    status = define_plain(&types.document, "document", sizeof(struct document),
      LULL_BIT(struct document, words));
  if (status == LULL_OK)
    status = define_data(&types.text, "text", sizeof(struct text), 1);
  if (status == LULL_OK)
    status = define_data(&types.chunk, "chunk", sizeof(struct chunk), sizeof(struct posting));
  if (status == LULL_OK)
    status = define_references(&types.word, "word", sizeof(struct word),
      LULL_BIT(struct word, text) | LULL_BIT(struct word, cells));
  if (status == LULL_OK)
    status = define_references(&types.word_list, "word_list", sizeof(struct word_list), 0);
  if (status == LULL_OK)
    status = define_references(&types.table, "table", sizeof(struct table), 0);
  return status;
}

/*
 * Says what an allocation asked for that is about to get NULL. There is nothing that the index
 * could drop.
 */
static bool on_out_of_memory(lull_thread *thread, size_t size, lull_oom why, void *data) {
  static const char *const reasons[] = {
      [LULL_OOM_LIMIT] = "the heap is full of live objects",
      [LULL_OOM_PROGRESS] = "a thread does not reach a safepoint"};
  (void)thread;
  (void)data;
  fprintf(stderr, "textindex: no room for %zu bytes: %s\n", size, reasons[why]);
  return false;
}

bool memory_open(const char *limit) {
  lull_config *config = lull_config_new();
  if (config == NULL)
    return complain("no memory for options", LULL_E_MEMORY);
  lull_status status = LULL_OK;
  if (limit != NULL)
    status = lull_option_set(config, "heap.max", limit);
  if (status == LULL_OK)
    status = lull_heap_create(config, &heap);
  lull_config_free(config);
  if (status != LULL_OK)
    return complain("cannot make the heap", status);
  status = define_types();
  if (status == LULL_OK)
    status = lull_heap_oom_hook(heap, on_out_of_memory, NULL);
  return status == LULL_OK || complain("cannot define the types", status);
}

bool memory_close(void) {
  lull_status status = lull_heap_destroy(heap);
  heap = NULL;
  return status == LULL_OK || complain("cannot end the heap", status);
}

lull_thread *memory_attach(void) {
  lull_thread *thread;
  lull_status status = lull_attach(heap, &thread);
  if (status != LULL_OK) {
    complain("cannot attach a thread", status);
    exit(3);
  }
  return thread;
}

void memory_detach(lull_thread *thread) {
  lull_status status = lull_detach(thread);
  if (status != LULL_OK) {
    complain("cannot detach a thread", status);
    exit(3);
  }
}

bool memory_settle(lull_thread *thread) {
  lull_status status = lull_collect(thread);
  return status == LULL_OK || complain("the last collection", status);
}

static void read_stats(lull_stats *stats) {
  memset(stats, 0, sizeof *stats);
  stats->struct_size = sizeof *stats;
  lull_status status = lull_heap_stats(heap, stats);
  if (status != LULL_OK) {
    complain("no figures", status);
    exit(3);
  }
}

void memory_exhausted(void) {
  lull_status status = lull_last_error();
  lull_stats stats;
  read_stats(&stats);
  fprintf(stderr, "textindex: %.0f of %.0f MB of the heap are in use, %.0f MB were live\n",
          (double)stats.heap_used / MEGABYTE, (double)stats.heap_limit / MEGABYTE,
          (double)stats.bytes_live / MEGABYTE);
  complain("no memory (--heap gives more)", status);
  exit(3);
}

void memory_sample(struct memory_sample *sample) {
  lull_stats stats;
  read_stats(&stats);
  sample->allocated = stats.bytes_allocated;
  sample->used = stats.heap_used;
  sample->live = stats.bytes_live;
  sample->cycles = stats.cycles;
}

/* How many delays lie in buckets that begin at `ns` or later. */
static uint64_t count_from(const lull_histogram *histogram, uint64_t ns) {
  uint64_t count = 0;
  for (unsigned bucket = 0; bucket < LULL_BUCKETS; bucket++)
    if (lull_bucket_low(bucket) >= ns)
      count += histogram->bucket[bucket];
  return count;
}

static void report_times(FILE *out, const char *what, const lull_histogram *times) {
  if (times->count == 0) {
    fprintf(out, "  %-28s none\n", what);
    return;
  }
  fprintf(out, "  %-28s p50 %.1f us, p99 %.1f us, longest %.1f us (%" PRIu64 " times)\n", what,
          (double)lull_histogram_quantile(times, 0.5) / 1e3,
          (double)lull_histogram_quantile(times, 0.99) / 1e3, (double)times->max / 1e3,
          times->count);
}

void memory_report(FILE *out) {
  lull_stats stats;
  read_stats(&stats);
  fprintf(out, "  %-28s %" PRIu64 " (%.0f ms each on average, beside the program)\n", "collections",
          stats.cycles,
          stats.cycle.count != 0 ? (double)stats.cycle.sum / (double)stats.cycle.count / 1e6 : 0.0);
  report_times(out, "handshake closure", &stats.handshake_closure);
  report_times(out, "time to handshake", &stats.time_to_handshake);
  report_times(out, "stalls for lack of memory", &stats.stall);
  fprintf(out, "  %-28s %.1f us\n", "longest delay Lull caused", (double)stats.caused.max / 1e3);
  fprintf(out, "  %-28s %" PRIu64 "\n", "delays over 1 ms", count_from(&stats.caused, 1000000));
  fprintf(out, "  %-28s %.0f MB\n", "limit of the heap", (double)stats.heap_limit / MEGABYTE);
}

void memory_figures(FILE *out) {
  lull_stats stats;
  read_stats(&stats);
  fprintf(out,
          " closure_p50_ns=%" PRIu64 " closure_p99_ns=%" PRIu64 " closure_max_ns=%" PRIu64
          " handshake_p99_ns=%" PRIu64 " handshake_max_ns=%" PRIu64 " stalls=%" PRIu64
          " stall_max_ns=%" PRIu64 " caused_max_ns=%" PRIu64 " caused_over_1ms=%" PRIu64,
          lull_histogram_quantile(&stats.handshake_closure, 0.5),
          lull_histogram_quantile(&stats.handshake_closure, 0.99), stats.handshake_closure.max,
          lull_histogram_quantile(&stats.time_to_handshake, 0.99), stats.time_to_handshake.max,
          stats.stalls, stats.stall.max, stats.caused.max, count_from(&stats.caused, 1000000));
}
