/*
 * badinput: everything that a program can hand to the library wrongly through its public interface.
 * Each call must return its error code and write exactly one log line under the tag "api", and the
 * heap must be usable afterwards. In a debug build the misuses that end the process are run in a
 * process of their own each (--die NAME) and must end it with a message.
 *
 * Checked: status, log line, and after each step that the heap allocates, stores and collects.
 */
#include "stress/common/arguments.h"
#include "stress/common/check.h"
#include "stress/common/figures.h"
#include "stress/common/heap.h"
#include "stress/common/log.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct node {
  lull_object header;
  struct node *next;
  uint64_t number;
};

struct vector {
  lull_object header;
  size_t length;
  struct node *at[];
};

static lull_heap *heap;
static lull_thread *thread;
static lull_type node_type, vector_type;
static uint64_t steps;

/* What was wrong so far; the program goes on, so that one run shows all of it. */
static uint64_t complaints;

static void judge(bool right, const char *call, lull_status got, lull_status expected,
                  uint64_t from) {
  uint64_t lines = log_count(from, "[api");

  steps++;
  if (right && got == expected && lines == 1)
    return;
  complaints++;
  fprintf(stderr, "badinput: %s gave \"%s\", expected \"%s\"%s; log lines under the tag api: %u\n",
          call, lull_status_text(got), lull_status_text(expected),
          right ? "" : ", and did not return NULL", (unsigned)lines);
  log_print_last((unsigned)(log_lines() - from), NULL);
}

/* The call must return the status, with one log line. */
#define REFUSED(call, status)                \
  do {                                       \
    uint64_t from_ = log_lines();            \
    lull_status got_ = (call);               \
    judge(true, #call, got_, status, from_); \
  } while (0)

/* The call must return NULL with that last error, with one log line. */
#define REFUSED_NULL(call, status)                         \
  do {                                                     \
    uint64_t from_ = log_lines();                          \
    bool null_ = (call) == NULL;                           \
    judge(null_, #call, lull_last_error(), status, from_); \
  } while (0)

static void define_types(void) {
  static const uint64_t map[] = {LULL_BIT(struct node, next)};

  node_type = heap_type(
      heap, (lull_type_desc){.name = "node",
                             .size = sizeof(struct node),
                             .layout = {.refs = LULL_REFS_MAP, .map = map, .map_words = 1}});
  vector_type = heap_type(heap, (lull_type_desc){.name = "vector",
                                                 .size = sizeof(struct vector),
                                                 .element_size = 8,
                                                 .length_offset = offsetof(struct vector, length),
                                                 .element = {.refs = LULL_REFS_ALL}});
}

static void start_heap(const char *options) {
  heap = heap_make("heap.max=32M,stall.timeout=2s", options);
  define_types();
  thread = heap_attach(heap);
}

/* The heap goes on: allocation, stores, collection, contents. */
static void check_usable(void) {
  struct node *head = NULL;
  LULL_ROOTS(thread, head);

  for (uint64_t number = 0; number < 1000; number++) {
    struct node *node = lull_new(thread, node_type);
    STRESS_CHECK(node != NULL, "the heap does not allocate any more");
    node->number = number;
    lull_init(thread, node, &node->next, head);
    head = node;
  }
  STRESS_OK(lull_collect(thread));
  for (uint64_t number = 1000; number-- > 0; head = head->next)
    STRESS_CHECK(head && head->number == number, "the heap lost node %llu",
                 (unsigned long long)number);
}

static void check_option(const char *name, const char *value, lull_status status,
                         const char *hint) {
  lull_config *config = lull_config_new();
  uint64_t from = log_lines();
  char line[320];

  STRESS_CHECK(config != NULL, "no memory for a config");
  REFUSED(lull_option_set(config, name, value), status);
  if (hint)
    STRESS_CHECK(log_find(from, hint, line, sizeof line), "the line for %s=%s does not say \"%s\"",
                 name, value, hint);
  lull_config_free(config);
}

static void bad_options(void) {
  check_option("heap.mx", "64M", LULL_E_UNKNOWN, "heap.max");
  check_option("gc.helper", "1", LULL_E_UNKNOWN, "gc.helpers");
  check_option("", "1", LULL_E_UNKNOWN, NULL);
  check_option("heap.max", "12", LULL_E_RANGE, "heap.max");
  check_option("heap.max", "banana", LULL_E_RANGE, "heap.max");
  check_option("heap.max", "-5M", LULL_E_RANGE, "heap.max");
  check_option("heap.max", "99999999999999999999999", LULL_E_RANGE, "heap.max");
  check_option("heap.max", "", LULL_E_RANGE, "heap.max");
  check_option("gc.helpers", "100000", LULL_E_RANGE, "gc.helpers");
  check_option("gc.mode", "sometimes", LULL_E_RANGE, "gc.mode");
  check_option("verify", "maybe", LULL_E_RANGE, "verify");
  check_option("stress.epoch_bits", "3", LULL_E_RANGE, "stress.epoch_bits");
  check_option("stress.epoch_bits", "16", LULL_E_RANGE, "stress.epoch_bits");
}

/* A heap made with a bad environment: with a line only, or refused under `strict`. */
static void bad_environment(void) {
  lull_config *config = lull_config_new();
  lull_heap *other = NULL;
  uint64_t from = log_lines();
  lull_status status;

  STRESS_CHECK(config != NULL, "no memory for a config");
  STRESS_OK(lull_config_environment(config, "BADINPUT_OPTIONS"));
  setenv("BADINPUT_OPTIONS", "heap.mx=64M", 1);
  STRESS_OK(lull_heap_create(config, &other));
  heap_end(other);
  STRESS_CHECK(log_count(from, "heap.max") == 1, "a bad entry in the environment is not named");
  setenv("BADINPUT_OPTIONS", "strict,heap.mx=64M", 1);
  status = lull_heap_create(config, &other);
  STRESS_CHECK(status == LULL_E_UNKNOWN, "a bad entry under strict gives \"%s\"",
               lull_status_text(status));
  setenv("BADINPUT_OPTIONS", "strict,stress.epoch_bits=77", 1);
  status = lull_heap_create(config, &other);
  STRESS_CHECK(status == LULL_E_RANGE, "a bad value under strict gives \"%s\"",
               lull_status_text(status));
  unsetenv("BADINPUT_OPTIONS");
  lull_config_free(config);
  steps += 3;
}

static lull_status define(lull_type_desc desc) {
  lull_type type = 12345;
  lull_status status = lull_type_define(heap, &desc, &type);

  STRESS_CHECK(status == LULL_OK || type == 12345, "a refused type changed the result");
  return status;
}

static void trace_nothing(void *object, lull_visitor *visitor) {
  (void)object, (void)visitor;
}

/* A type of 4 words with a map; the base from which the bad descriptors differ in one thing. */
static lull_type_desc fixed_with(const uint64_t *map) {
  return (lull_type_desc){.struct_size = sizeof(lull_type_desc),
                          .name = "bad",
                          .size = 32,
                          .layout = {.refs = LULL_REFS_MAP, .map = map, .map_words = 1}};
}

/* An array whose length is word 1, elements of 16 bytes with a map. */
static lull_type_desc array_with(const uint64_t *map) {
  return (lull_type_desc){.struct_size = sizeof(lull_type_desc),
                          .name = "bad",
                          .size = 32,
                          .element_size = 16,
                          .length_offset = 8,
                          .element = {.refs = LULL_REFS_MAP, .map = map, .map_words = 1}};
}

static void bad_fixed_descriptors(void) {
  static const uint64_t header[] = {1}, outside[] = {1u << 4}, good[] = {1u << 2};
  lull_type_desc desc;

  REFUSED(define(fixed_with(header)), LULL_E_DESCRIPTOR);
  REFUSED(define(fixed_with(outside)), LULL_E_DESCRIPTOR);
  desc = fixed_with(NULL);
  REFUSED(define(desc), LULL_E_DESCRIPTOR);
  desc = fixed_with(good);
  desc.size = 4;
  REFUSED(define(desc), LULL_E_DESCRIPTOR);
  desc.size = 33;
  REFUSED(define(desc), LULL_E_DESCRIPTOR);
  desc.size = LULL_SIZE_MAX + 8;
  REFUSED(define(desc), LULL_E_RANGE);
  desc = (lull_type_desc){
      .struct_size = sizeof desc, .name = "bad", .size = 32, .layout = {.refs = LULL_REFS_ALL}};
  REFUSED(define(desc), LULL_E_DESCRIPTOR);
  desc.layout.from = 12;
  REFUSED(define(desc), LULL_E_DESCRIPTOR);
  desc.layout.from = 40;
  REFUSED(define(desc), LULL_E_DESCRIPTOR);
  desc.layout = (lull_layout){.refs = LULL_REFS_TRACE};
  REFUSED(define(desc), LULL_E_DESCRIPTOR);
  desc.layout.refs = (lull_refs)77;
  REFUSED(define(desc), LULL_E_DESCRIPTOR);
  desc.layout.refs = LULL_REFS_NONE;
  desc.trace = trace_nothing;
  REFUSED(define(desc), LULL_E_DESCRIPTOR);
}

static void bad_array_descriptors(void) {
  static const uint64_t good[] = {1}, outside[] = {1u << 2}, on_length[] = {1u << 1};
  lull_type_desc desc = array_with(good);

  desc.length_offset = 0;
  REFUSED(define(desc), LULL_E_DESCRIPTOR);
  desc.length_offset = 12;
  REFUSED(define(desc), LULL_E_DESCRIPTOR);
  desc.length_offset = 32;
  REFUSED(define(desc), LULL_E_DESCRIPTOR);
  REFUSED(define(array_with(outside)), LULL_E_DESCRIPTOR);
  desc = array_with(good);
  desc.layout = (lull_layout){.refs = LULL_REFS_MAP, .map = on_length, .map_words = 1};
  REFUSED(define(desc), LULL_E_DESCRIPTOR);
  desc = array_with(good);
  desc.element_size = 12;
  REFUSED(define(desc), LULL_E_DESCRIPTOR);
  desc = array_with(good);
  desc.element = (lull_layout){.refs = LULL_REFS_TRACE};
  desc.trace = trace_nothing;
  REFUSED(define(desc), LULL_E_DESCRIPTOR);
  desc = array_with(good);
  desc.element_size = LULL_SIZE_MAX + 8;
  REFUSED(define(desc), LULL_E_RANGE);
  desc.element_size = SIZE_MAX & ~(size_t)7;
  REFUSED(define(desc), LULL_E_RANGE);
}

static void bad_descriptors(void) {
  static const uint64_t good[] = {1u << 2};
  lull_type_desc desc = fixed_with(good);
  lull_type type;

  bad_fixed_descriptors();
  bad_array_descriptors();
  desc.struct_size = 0;
  REFUSED(define(desc), LULL_E_DESCRIPTOR);
  desc.struct_size = sizeof desc + 4096;
  REFUSED(define(desc), LULL_E_DESCRIPTOR);
  REFUSED(lull_type_define(heap, NULL, &type), LULL_E_ARGUMENT);
  REFUSED(lull_type_define(NULL, &desc, &type), LULL_E_ARGUMENT);
  desc.struct_size = sizeof desc;
  STRESS_OK(define(desc));
  STRESS_CHECK(lull_type_name(heap, 0) == NULL && lull_type_name(heap, 1u << 26) == NULL,
               "an index that is no type has a name");
}

static void bad_sizes(void) {
  REFUSED_NULL(lull_new_array(thread, vector_type, SIZE_MAX), LULL_E_RANGE);
  REFUSED_NULL(lull_new_array(thread, vector_type, SIZE_MAX / 8), LULL_E_RANGE);
  REFUSED_NULL(lull_new_array(thread, vector_type, SIZE_MAX / 8 - 1), LULL_E_RANGE);
  REFUSED_NULL(lull_new_array(thread, vector_type, LULL_SIZE_MAX / 8), LULL_E_RANGE);
  REFUSED_NULL(lull_new_array(thread, vector_type, (33u << 20) / 8), LULL_E_RANGE);
  REFUSED_NULL(lull_new_array(thread, node_type, 1), LULL_E_UNKNOWN);
  REFUSED_NULL(lull_new_array(thread, 0, 1), LULL_E_UNKNOWN);
  REFUSED_NULL(lull_new_slow(thread, vector_type), LULL_E_UNKNOWN);
  REFUSED_NULL(lull_new_slow(thread, 0), LULL_E_UNKNOWN);
  REFUSED_NULL(lull_new_slow(thread, 1000), LULL_E_UNKNOWN);
  REFUSED_NULL(lull_new_slow(thread, LULL_TYPE_INDEX_MASK), LULL_E_UNKNOWN);
  REFUSED_NULL(lull_new_sized(thread, node_type, 0), LULL_E_ARGUMENT);
  REFUSED_NULL(lull_new_sized_slow(thread, node_type, sizeof(struct node) + 8), LULL_E_ARGUMENT);
  REFUSED_NULL(lull_new_sized_slow(thread, vector_type, sizeof(struct vector)), LULL_E_UNKNOWN);
}

/* Run by a thread that is not attached, with the main thread's attachment. */
static void *from_unattached(void *argument) {
  static void *words[2];

  (void)argument;
  STRESS_CHECK(lull_self(heap) == NULL, "an unattached thread has an attachment");
  REFUSED_NULL(lull_new_slow(thread, node_type), LULL_E_THREAD);
  REFUSED_NULL(lull_new_sized_slow(thread, node_type, sizeof(struct node)), LULL_E_THREAD);
  REFUSED_NULL(lull_new_array(thread, vector_type, 1), LULL_E_THREAD);
  REFUSED_NULL(lull_handle_new(thread, NULL), LULL_E_THREAD);
  REFUSED(lull_detach(thread), LULL_E_THREAD);
  REFUSED(lull_blocked_begin(thread), LULL_E_THREAD);
  REFUSED(lull_blocked_end(thread), LULL_E_THREAD);
  REFUSED(lull_collect(thread), LULL_E_THREAD);
  REFUSED(lull_verify(thread), LULL_E_THREAD);
  REFUSED(lull_thread_range_add(thread, words, 2), LULL_E_THREAD);
  REFUSED(lull_shared_range_add(thread, words, 2), LULL_E_THREAD);
  return NULL;
}

static void bad_threads(void) {
  pthread_t system;
  lull_thread *again = NULL;

  STRESS_OK(lull_blocked_begin(thread));
  STRESS_CHECK(pthread_create(&system, NULL, from_unattached, NULL) == 0, "no thread");
  pthread_join(system, NULL);
  STRESS_OK(lull_blocked_end(thread));
  REFUSED(lull_attach(heap, &again), LULL_E_STATE);
  STRESS_CHECK(again == thread && lull_self(heap) == thread,
               "attaching twice gave another attachment");
  REFUSED(lull_attach(NULL, &again), LULL_E_ARGUMENT);
  REFUSED(lull_attach(heap, NULL), LULL_E_ARGUMENT);
  REFUSED(lull_heap_destroy(heap), LULL_E_BUSY);
  REFUSED(lull_heap_destroy(NULL), LULL_E_ARGUMENT);
}

static void bad_regions(void) {
  REFUSED(lull_blocked_end(thread), LULL_E_STATE);
  STRESS_OK(lull_blocked_begin(thread));
  STRESS_OK(lull_blocked_begin(thread));
  REFUSED(lull_detach(thread), LULL_E_STATE);
  REFUSED(lull_collect(thread), LULL_E_STATE);
  REFUSED_NULL(lull_new_slow(thread, node_type), LULL_E_STATE);
  STRESS_OK(lull_blocked_end(thread));
  STRESS_OK(lull_blocked_end(thread));
  REFUSED(lull_blocked_end(thread), LULL_E_STATE);
}

static void bad_detach(void) {
  lull_thread *old = thread;

  {
    struct node *node = NULL;
    LULL_ROOTS(thread, node);
    node = lull_new(thread, node_type);
    REFUSED(lull_detach(thread), LULL_E_STATE);
    check_usable();
  }
  REFUSED(lull_detach(NULL), LULL_E_ARGUMENT);
  STRESS_OK(lull_detach(thread));
  REFUSED(lull_detach(old), LULL_E_THREAD);
  thread = heap_attach(heap);
}

static void visit_nothing(void *data, lull_visitor *visitor) {
  (void)data, (void)visitor;
}

static void bad_roots(void) {
  static void *words[4];
  lull_handle *handle = lull_handle_new(thread, NULL);

  REFUSED(lull_thread_range_add(thread, NULL, 2), LULL_E_ARGUMENT);
  REFUSED(lull_thread_range_add(thread, words, 0), LULL_E_ARGUMENT);
  REFUSED(lull_thread_range_add(thread, (char *)words + 4, 2), LULL_E_ARGUMENT);
  REFUSED(lull_thread_range_remove(thread, words), LULL_E_UNKNOWN);
  REFUSED(lull_thread_callback_remove(thread, visit_nothing, NULL), LULL_E_UNKNOWN);
  REFUSED(lull_thread_callback_add(thread, NULL, NULL), LULL_E_ARGUMENT);
  REFUSED(lull_shared_range_add(thread, NULL, 2), LULL_E_ARGUMENT);
  REFUSED(lull_shared_range_add(thread, words, 0), LULL_E_ARGUMENT);
  REFUSED(lull_shared_range_add(thread, (char *)words + 4, 2), LULL_E_ARGUMENT);
  REFUSED(lull_shared_range_remove(thread, words), LULL_E_UNKNOWN);
  STRESS_CHECK(handle != NULL, "no memory for a handle");
  STRESS_OK(lull_handle_release(thread, handle));
  REFUSED(lull_handle_release(thread, handle), LULL_E_UNKNOWN);
  REFUSED(lull_handle_release(thread, NULL), LULL_E_ARGUMENT);
}

static void bad_arguments(void) {
  lull_stats stats = {.struct_size = 0};
  lull_config *config = lull_config_new();

  REFUSED(lull_heap_stats(heap, &stats), LULL_E_ARGUMENT);
  stats.struct_size = sizeof stats + 8;
  REFUSED(lull_heap_stats(heap, &stats), LULL_E_ARGUMENT);
  REFUSED(lull_heap_stats(NULL, &stats), LULL_E_ARGUMENT);
  REFUSED(lull_heap_stats(heap, NULL), LULL_E_ARGUMENT);
  REFUSED(lull_heap_create(config, NULL), LULL_E_ARGUMENT);
  REFUSED(lull_option_set(NULL, "heap.max", "1M"), LULL_E_ARGUMENT);
  REFUSED(lull_option_set(config, NULL, "1M"), LULL_E_ARGUMENT);
  REFUSED(lull_option_set(config, "heap.max", NULL), LULL_E_ARGUMENT);
  STRESS_CHECK(lull_status_text((lull_status)12345) != NULL, "an unknown status has no text");
  lull_config_free(config);
}

/* What debug builds end the process for. Each function is run in a process of its own. */
static void die_non_object(void) {
  static struct node node;
  lull_store(thread, &node, &node.next, NULL);
}

/* Its block must have been left and swept: until then a dead object cannot be told from a live one.
 */
static void die_dead_object(void) {
  struct node *node = lull_new(thread, node_type);

  for (unsigned i = 0; i < 4; i++) {
    check_usable();
    for (unsigned j = 0; j < 10000; j++)
      lull_new(thread, node_type);
  }
  for (unsigned i = 0; i < 4; i++)
    STRESS_OK(lull_collect(thread));
  lull_store(thread, node, &node->next, NULL);
}

static void die_frame_order(void) {
  struct lull_frame outer = {NULL, 0}, inner = {NULL, 0};
  struct lull_scope scope = lull_frame_push(thread, &outer);

  lull_frame_push(thread, &inner);
  lull_frame_pop(&scope);
}

static const struct {
  const char *name;
  void (*fn)(void);
} deaths[] = {{"non-object", die_non_object},
              {"dead-object", die_dead_object},
              {"frame-order", die_frame_order}};
enum { DEATHS = sizeof deaths / sizeof *deaths };

/* The child: status 3 when the misuse went unnoticed. */
static void die(const char *name) {
  start_heap("stress.scribble=true");
  for (unsigned i = 0; i < DEATHS; i++)
    if (strcmp(deaths[i].name, name) == 0)
      deaths[i].fn();
  _exit(3);
}

/* Runs this program with --die; its stderr comes back in `text`. Returns its wait status. */
static int run_child(const char *name, char *text, size_t size) {
  int ends[2], status;
  size_t used = 0;
  ssize_t got;
  pid_t child;

  STRESS_CHECK(pipe(ends) == 0, "no pipe");
  child = fork();
  STRESS_CHECK(child >= 0, "no process");
  if (child == 0) {
    dup2(ends[1], 2);
    close(ends[0]);
    close(ends[1]);
    execl("/proc/self/exe", "badinput", "--die", name, (char *)NULL);
    _exit(4);
  }
  close(ends[1]);
  while (used < size - 1 && (got = read(ends[0], text + used, size - 1 - used)) > 0)
    used += (size_t)got;
  text[used] = '\0';
  close(ends[0]);
  STRESS_CHECK(waitpid(child, &status, 0) == child, "the child is lost");
  return status;
}

static unsigned check_deaths(void) {
#ifdef LULL_DEBUG
  char text[16384];

  for (unsigned i = 0; i < DEATHS; i++) {
    int status = run_child(deaths[i].name, text, sizeof text);
    STRESS_CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT,
                 "%s did not end the process by abort (wait status %x): %s", deaths[i].name, status,
                 text);
    STRESS_CHECK(text[0] != '\0', "%s ended the process without a message", deaths[i].name);
  }
  return DEATHS;
#else
  (void)run_child;
  return 0;
#endif
}

int main(int argc, char **argv) {
  static void (*const parts[])(void) = {bad_options, bad_environment, bad_descriptors,
                                        bad_sizes,   bad_threads,     bad_regions,
                                        bad_detach,  bad_roots,       bad_arguments};
  const char *dying = NULL;
  bool echo = false;
  const struct argument table[] = {
      {"die", ARGUMENT_TEXT, &dying, "run one misuse that must end the process"},
      {"log", ARGUMENT_FLAG, &echo, "print the library's lines"},
      {NULL, ARGUMENT_FLAG, NULL, NULL}};
  unsigned died;

  arguments_parse(argc, argv, "Everything that can be handed to the library wrongly.", table);
  if (dying)
    die(dying);
  log_capture(echo);
  died = check_deaths();
  start_heap(NULL);
  for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++) {
    parts[i]();
    check_usable();
  }
  STRESS_CHECK(complaints == 0, "%llu calls were not refused as they must be",
               (unsigned long long)complaints);
  heap_detach(thread);
  figures_start("badinput");
  figures_count("refused", steps);
  figures_count("died", died);
  figures_heap(heap);
  figures_end();
  heap_end(heap);
  return 0;
}
