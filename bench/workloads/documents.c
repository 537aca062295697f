/*
 * documents: trees of objects with members, arrays, strings and numbers, as in JSON. An operation
 * makes a document from the random numbers of its own seed, writes it as text into a byte array
 * that doubles when it is full, parses the text to a second tree, compares the two, and puts
 * the second one with its text into a ring of the last documents. One in ATTACHMENT_ONCE documents
 * has a string of several thousand bytes. Objects have 24 bytes to 128 KB.
 *
 * The order in which random numbers are drawn is part of the workload: the programs in other
 * languages make the same documents.
 *
 * Checked: that both trees have the same hash, and that a document which leaves the ring, and each
 * that is left at the end, still has it.
 */
#include "bench/workloads/gate.h"
#include "bench/workloads/json.h"
#include "stress/common/arguments.h"
#include "stress/common/random.h"

enum {
  LEAST_VALUES = 40, /* in a document, about */
  MOST_VALUES = 160,
  MOST_MEMBERS = 12,
  MOST_ITEMS = 16,
  MOST_LEVELS = 6,
  MOST_NAME = 16,
  MOST_STRING = 200,
  ATTACHMENT_ONCE = 100,
  LEAST_ATTACHMENT = 4 << 10,
  MOST_ATTACHMENT = 28 << 10,
  DOCUMENT_BYTES = 20 << 10, /* what a document takes, about */
  PAUSE = 500000, /* ns; the least that counts as a pause */
  SEED = 1
};

struct document {
  lull_object header;
  uint64_t hash;
  struct value *root;
  struct buffer *text;
};

struct ring {
  lull_object header;
  size_t length;
  struct document *documents[];
};

static uint64_t documents = 30000, threads = 1, heap_limit, live = 1000;
static mem_type document_type, ring_type;
static struct gate gate;
static uint64_t check;

static void define_types(void) {
  json_define_types();
  document_type = mem_record("document", sizeof(struct document),
                             LULL_BIT(struct document, root) | LULL_BIT(struct document, text));
  ring_type = mem_array("ring", sizeof(struct ring), offsetof(struct ring, length),
                        sizeof(struct document *), 1);
}

struct maker {
  mem_thread *thread;
  struct random random;
  uint32_t left; /* values that may still be made, about */
};

static uint32_t between(struct maker *maker, uint32_t least, uint32_t most) {
  return least + random_below(&maker->random, most - least + 1);
}

/* Letters, digits and blanks; in one of four texts a character that is written with a backslash. */
static struct text *make_text(struct maker *maker, size_t length) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .";
  static const char special[] = "\"\\\n\t";
  struct text *text = new_text(maker->thread, length);
  uint64_t letters = 0;

  for (size_t i = 0; i < length; i++, letters >>= 8) {
    if (i % 8 == 0)
      letters = random_next(&maker->random);
    text->bytes[i] = plain[letters & 63];
  }
  if (random_once(&maker->random, 4)) {
    char byte = special[between(maker, 0, 3)];
    text->bytes[between(maker, 0, (uint32_t)length - 1)] = byte;
  }
  return text;
}

/* 1 to 200 bytes, short ones more often. */
static struct value *make_string(struct maker *maker) {
  uint32_t one = between(maker, 1, MOST_STRING), two = between(maker, 1, MOST_STRING);

  return &make_text(maker, one < two ? one : two)->base;
}

/* Half of them integers, small and large. */
static struct value *make_number(struct maker *maker) {
  int64_t number = (int64_t)random_next(&maker->random);

  number >>= between(maker, 20, 60);
  if (random_once(&maker->random, 2))
    number -= number % 1000;
  return new_number(maker->thread, number);
}

static struct value *make_value(struct maker *maker, unsigned levels);

static struct value *make_array(struct maker *maker, unsigned levels) {
  struct array *array = new_array(maker->thread, between(maker, 0, MOST_ITEMS));
  struct value *item;
  MEM_ROOTS(maker->thread, array);

  for (size_t i = 0; i < array->length; i++) {
    item = make_value(maker, levels);
    mem_store(maker->thread, array, &array->items[i], item);
  }
  return &array->base;
}

static struct object *make_object(struct maker *maker, unsigned levels) {
  struct object *object = new_object(maker->thread);
  uint32_t members = between(maker, 1, MOST_MEMBERS);
  struct pair *last = NULL;
  struct text *name = NULL;
  MEM_ROOTS(maker->thread, object, name);

  for (uint32_t i = 0; i < members; i++) {
    name = make_text(maker, between(maker, 1, MOST_NAME));
    last = add_member(maker->thread, object, last, name, make_value(maker, levels));
  }
  return object;
}

/* The deeper, and the fewer values are left, the more likely a value without further ones. */
static struct value *make_value(struct maker *maker, unsigned levels) {
  uint32_t choice = between(maker, 0, 9);

  if (maker->left > 0)
    maker->left--;
  if (levels > 0 && maker->left > 0) {
    if (choice < 2)
      return &make_object(maker, levels - 1)->base;
    if (choice < 4)
      return make_array(maker, levels - 1);
  }
  return choice % 2 ? make_string(maker) : make_number(maker);
}

/* The document of that number: an object to which members are added until there are enough. */
static struct value *make_document(mem_thread *thread, uint64_t number) {
  struct maker maker = {.thread = thread, .random = random_seeded(SEED, number)};
  struct object *object = new_object(thread);
  struct text *name = NULL;
  struct value *value;
  struct pair *last = NULL;
  MEM_ROOTS(thread, object, name);

  maker.left = between(&maker, LEAST_VALUES, MOST_VALUES);
  while (maker.left > 0) {
    name = make_text(&maker, between(&maker, 1, MOST_NAME));
    value = &make_object(&maker, MOST_LEVELS)->base;
    last = add_member(thread, object, last, name, value);
  }
  if (random_once(&maker.random, ATTACHMENT_ONCE)) {
    name = make_text(&maker, MOST_NAME);
    value = &make_text(&maker, between(&maker, LEAST_ATTACHMENT, MOST_ATTACHMENT))->base;
    add_member(thread, object, last, name, value);
  }
  return &object->base;
}

/* Makes a tree, writes it and parses the text; what is kept is the text and the second tree. */
static struct document *round_trip(mem_thread *thread, uint64_t number) {
  struct value *first = make_document(thread, number), *second = NULL;
  struct buffer *text = NULL;
  struct document *document;
  uint64_t hash = hash_value(first);
  MEM_ROOTS(thread, second, text);

  text = write_document(thread, first);
  free_value(thread, first);
  second = parse_document(thread, text);
  STRESS_CHECK(hash_value(second) == hash, "document %llu differs when it is read back",
               (unsigned long long)number);
  document = mem_new(thread, document_type, sizeof *document);
  document->hash = hash;
  mem_init(thread, document, &document->root, second);
  mem_init(thread, document, &document->text, text);
  return document;
}

/* Verifies a document that leaves. It is not looked at any more. */
static void finish_document(mem_thread *thread, struct document *document) {
  if (!document)
    return;
  STRESS_CHECK(hash_value(document->root) == document->hash, "a document that was kept is changed");
  free_value(thread, document->root);
  mem_free(thread, document->text);
  mem_free(thread, document);
}

/* Puts a new document in the place of the oldest; returns its hash. */
static uint64_t operate(mem_thread *thread, struct ring *ring, size_t place, uint64_t number) {
  struct document *document = round_trip(thread, number);
  struct document *oldest = ring->documents[place];

  mem_store(thread, ring, &ring->documents[place], document);
  finish_document(thread, oldest);
  return document->hash;
}

static void finish_ring(mem_thread *thread, struct ring *ring) {
  MEM_ROOTS(thread, ring);

  for (size_t i = 0; i < ring->length; i++) {
    finish_document(thread, ring->documents[i]);
    mem_poll(thread);
  }
  mem_free(thread, ring);
}

/* Every count-th document is this member's. Its part of the ring is filled before the measured
 * part. Returns the sum of all hashes. */
static uint64_t run(mem_thread *thread, const struct crew_member *member) {
  uint64_t count = gate_share(member, documents), places = gate_share(member, live), sum = 0;
  struct measure_thread measure = {0};
  struct ring *ring = mem_new_array(thread, ring_type, places);
  MEM_ROOTS(thread, ring);

  for (uint64_t i = 0; i < places; i++)
    sum += operate(thread, ring, i, i * member->count + member->index);
  gate_begin(&gate, thread, &measure, PAUSE);
  for (uint64_t i = 0; i < count; i++) {
    sum += operate(thread, ring, i % places, live + i * member->count + member->index);
    measure_operation(&measure);
  }
  gate_end(&gate, thread, &measure);
  finish_ring(thread, ring);
  return sum;
}

static void work(struct crew_member *member) {
  mem_thread *thread = mem_enter();

  gate_add(&check, run(thread, member));
  mem_leave(thread);
}

static uint64_t live_bytes(void) {
  return live * DOCUMENT_BYTES;
}

int main(int argc, char **argv) {
  const char *options = NULL;
  const struct argument table[] = {
      {"documents", ARGUMENT_COUNT, &documents, "documents, of all threads"},
      {"live", ARGUMENT_COUNT, &live, "the latest documents that are kept"},
      {"threads", ARGUMENT_COUNT, &threads, "threads"},
      {"heap", ARGUMENT_COUNT, &heap_limit, "the heap's limit; 0: three times the live and 16M"},
      {"options", ARGUMENT_TEXT, &options, "options of the heap, as in LULL_OPTIONS"},
      {NULL, ARGUMENT_FLAG, NULL, NULL}};

  arguments_parse(argc, argv, "Documents made, written, parsed and kept.", table);
  crew_require(threads);
  bench_require(live >= threads, "--live must be at least the number of threads");
  bench_require(live <= 1u << 28, "--live must be at most 256M");
  mem_open(heap_limit ? heap_limit : 3 * live_bytes() + (16u << 20), options);
  define_types();
  gate_open(&gate, threads);
  crew_run(threads, work, NULL);
  mem_report();
  measure_print("documents", MEM_NAME, threads, documents, check);
  mem_close();
  gate_close(&gate);
  return 0;
}
