/*
 * barrier: what a store barrier costs, in ns of the thread's CPU time for each store. The same
 * loops store into the same objects by
 *
 *   bare           the store alone
 *   store          lull_store while no cycle runs
 *   init           lull_init
 *   card           card marking: a byte of a table for each 512 bytes of heap is set
 *   field          field logging: a bit for each field is tested (Zhao, Blackburn and McKinley,
 *                  "Low-Latency, High-Throughput Garbage Collection", 2022)
 *   marking        lull_store while a cycle marks, into objects that are logged
 *   first          lull_store, the first one into each object in an epoch, no cycle running
 *   first_marking  the same while a cycle marks: the object's references are copied
 *   first_field    field logging, the first store into each field: the old value is kept
 *
 * in three loops:
 *
 *   hot           512 objects (16 KB) over and over; the address of each comes from the one before
 *   independent   the same, but addresses come from an array, so that stores overlap
 *   random        an array of old objects (64 MB) in random order
 *
 * Variants take turns within each of many rounds, so that a disturbance meets all of them alike;
 * the figures are medians over the rounds, with quartiles. LOOP_VARIANT_over is the median of a
 * round's difference to its own bare store.
 *
 * The comparators are given their best case: their table's address is in a register. They and the
 * bare stores hide nothing from a collector, because no cycle runs meanwhile: all memory is
 * allocated beforehand. lull_init, too, is for fresh objects only; its cost is the same for old
 * ones.
 *
 * Checked: that each loop stored what it should; and by the library's count of slow paths that a
 * store that was to be fast was, and one that was to be slow as well.
 */
#include "bench/common/fail.h"
#include "bench/common/measure.h"
#include "bench/common/process.h"
#include "bench/micro/cycle.h"
#include "bench/micro/rounds.h"
#include "stress/common/arguments.h"
#include "stress/common/check.h"
#include "stress/common/figures.h"
#include "stress/common/heap.h"
#include "stress/common/random.h"

#include <inttypes.h>
#include <string.h>

struct object {
  lull_object header;
  struct object *next; /* the loop's own */
  struct object *kept; /* what is stored */
  uint64_t number;
};

struct order {
  lull_object header;
  size_t length; /* a power of two */
  struct object *items[];
};

enum { HOT = 512, CARD_SHIFT = 9, FIELD_SHIFT = 3, KEPT_FIELDS = 1 << 16 };

/* What field logging's slow path keeps. */
struct field_log {
  uint64_t count;
  struct {
    void *slot, *old;
  } entries[KEPT_FIELDS];
};

/* What the barriers need beside the object. The tables' addresses are those for address 0. */
struct side {
  lull_thread *thread;
  uint8_t *cards;
  uint8_t *unlogged; /* a bit for each field: set until it is logged */
  struct field_log *log;
};

struct set;
typedef void loop_fn(const struct set *set, uint64_t stores);

enum variant { BARE, STORE, INIT, CARD, FIELD, IDLE_VARIANTS, MARKING = IDLE_VARIANTS, FIRST,
               FIRST_MARKING, FIRST_FIELD, VARIANTS };

static const char *const variant_names[VARIANTS] = {
    "bare", "store", "init", "card", "field", "marking", "first", "first_marking", "first_field"};

/* A loop with its objects and what it measured. */
struct set {
  const char *name;
  loop_fn *const *loops; /* by variant up to FIELD */
  struct order *order;   /* in a root */
  uint64_t stores;       /* of a measurement; the first stores are one for each object */
  struct side side;
  double *rounds[VARIANTS];
};

static uint64_t rounds = 21, bytes = 64u << 20, stores = 1u << 20, seed = 1;
static lull_heap *heap;
static uint64_t check;

static __attribute__((noinline, cold)) void log_field(const struct side *side, void *slot) {
  uintptr_t field = (uintptr_t)slot >> FIELD_SHIFT;
  uint8_t bit = (uint8_t)(1 << (field & 7));
  struct field_log *log = side->log;

  if (!(__atomic_fetch_and(&side->unlogged[field >> 3], (uint8_t)~bit, __ATOMIC_ACQ_REL) & bit))
    return;
  /* Where a buffer is full, a collector would take it away. */
  log->entries[log->count % KEPT_FIELDS].slot = slot;
  log->entries[log->count % KEPT_FIELDS].old = *(void **)slot;
  log->count++;
}

typedef void store_fn(const struct side *side, struct object *object, struct object *value);

static inline void store_bare(const struct side *side, struct object *object,
                              struct object *value) {
  (void)side;
  __atomic_store_n(&object->kept, value, __ATOMIC_RELAXED);
}

static inline void store_store(const struct side *side, struct object *object,
                               struct object *value) {
  lull_store(side->thread, object, &object->kept, value);
}

static inline void store_init(const struct side *side, struct object *object,
                              struct object *value) {
  lull_init(side->thread, object, &object->kept, value);
}

static inline void store_card(const struct side *side, struct object *object,
                              struct object *value) {
  __atomic_store_n(&object->kept, value, __ATOMIC_RELAXED);
  __atomic_store_n(&side->cards[(uintptr_t)object >> CARD_SHIFT], 1, __ATOMIC_RELAXED);
}

static inline void store_field(const struct side *side, struct object *object,
                               struct object *value) {
  uintptr_t field = (uintptr_t)&object->kept >> FIELD_SHIFT;
  uint8_t unlogged = __atomic_load_n(&side->unlogged[field >> 3], __ATOMIC_RELAXED);

  if (LULL_UNLIKELY(unlogged >> (field & 7) & 1))
    log_field(side, &object->kept);
  __atomic_store_n(&object->kept, value, __ATOMIC_RELAXED);
}

#define ALWAYS_INLINE inline __attribute__((always_inline))

/* The side is copied so that its words may be kept in registers. Each object keeps the one before
 * it in the order. */
static ALWAYS_INLINE void loop_dependent(const struct set *set, uint64_t count, store_fn *store) {
  const struct side side = set->side;
  struct object *object = set->order->items[0];
  struct object *before = set->order->items[set->order->length - 1];

  for (; count > 0; count--) {
    struct object *next = object->next;
    store(&side, object, before);
    before = object;
    object = next;
  }
}

static ALWAYS_INLINE void loop_independent(const struct set *set, uint64_t count, store_fn *store) {
  const struct side side = set->side;
  struct object *const *items = set->order->items;
  uint64_t mask = set->order->length - 1;
  struct object *before = items[mask];

  for (uint64_t i = 0; i < count; i++) {
    struct object *object = items[i & mask];
    store(&side, object, before);
    before = object;
  }
}

#define LOOPS(variant)                                                                       \
  static __attribute__((noinline, aligned(64))) void dependent_##variant(                    \
      const struct set *set, uint64_t count) {                                               \
    loop_dependent(set, count, store_##variant);                                             \
  }                                                                                          \
  static __attribute__((noinline, aligned(64))) void independent_##variant(                  \
      const struct set *set, uint64_t count) {                                               \
    loop_independent(set, count, store_##variant);                                           \
  }
LOOPS(bare)
LOOPS(store)
LOOPS(init)
LOOPS(card)
LOOPS(field)

static loop_fn *const dependent_loops[] = {dependent_bare, dependent_store, dependent_init,
                                           dependent_card, dependent_field};
static loop_fn *const independent_loops[] = {independent_bare, independent_store, independent_init,
                                             independent_card, independent_field};

/* Of a large set only so many objects are looked at after each measurement. */
static size_t step_of(const struct set *set) {
  return set->order->length / HOT;
}

static void clear(const struct set *set) {
  for (size_t i = 0; i < set->order->length; i += step_of(set)) {
    struct object *object = set->order->items[i];
    lull_store(set->side.thread, object, &object->kept, NULL);
  }
}

/* Also brings the objects of a hot set back into the cache. */
static uint64_t sum_numbers(const struct set *set) {
  uint64_t sum = 0;

  for (size_t i = 0; i < set->order->length; i += step_of(set))
    sum += set->order->items[i]->number;
  return sum;
}

static void verify(const struct set *set, enum variant variant) {
  size_t mask = set->order->length - 1;

  for (size_t i = 0; i < set->order->length; i += step_of(set))
    STRESS_CHECK(set->order->items[i]->kept == set->order->items[(i - 1) & mask],
                 "%s, %s: object %zu was not stored into", set->name, variant_names[variant], i);
  check += sum_numbers(set);
}

static bool is_first(enum variant variant) {
  return variant == FIRST || variant == FIRST_MARKING || variant == FIRST_FIELD;
}

static loop_fn *loop_of(const struct set *set, enum variant variant) {
  if (variant < IDLE_VARIANTS)
    return set->loops[variant];
  return set->loops[variant == FIRST_FIELD ? FIELD : STORE];
}

/* Debug builds take the slow path always. */
static void check_slow_paths(const struct set *set, enum variant variant, uint64_t count,
                             uint64_t slow) {
  bool slow_ones = variant == FIRST || variant == FIRST_MARKING;
#ifdef LULL_DEBUG
  (void)set, (void)count, (void)slow, (void)slow_ones;
#else
  STRESS_CHECK(slow == (slow_ones ? count : 0),
               "%s, %s: %" PRIu64 " of %" PRIu64 " stores were slow", set->name,
               variant_names[variant], slow, count);
#endif
}

/* Returns ns for each store. */
static double measure(const struct set *set, enum variant variant) {
  uint64_t count = is_first(variant) ? set->order->length : set->stores;
  uint64_t slow = figures_stats(heap).barrier_slow, taken;

  check += sum_numbers(set);
  taken = process_thread_cpu();
  loop_of(set, variant)(set, count);
  taken = process_thread_cpu() - taken;
  check_slow_paths(set, variant, count, figures_stats(heap).barrier_slow - slow);
  verify(set, variant);
  return (double)taken / (double)count;
}

static void clear_all(struct set *sets, size_t count) {
  for (size_t i = 0; i < count; i++)
    clear(&sets[i]);
}

static void measure_all(struct set *sets, size_t count, enum variant variant, uint64_t round) {
  for (size_t i = 0; i < count; i++)
    sets[i].rounds[variant][round] = measure(&sets[i], variant);
}

/* No cycle runs. The order of the variants changes from round to round. */
static void measure_idle(struct set *sets, size_t count, uint64_t round) {
  measure_all(sets, count, FIRST, round);
  for (unsigned i = 0; i < IDLE_VARIANTS; i++) {
    enum variant variant = (enum variant)((round + i) % IDLE_VARIANTS);
    clear_all(sets, count);
    measure_all(sets, count, variant, round);
  }
}

/* Bits from the least to the highest field of the sets. */
struct range {
  uintptr_t low, high;
};

static void measure_first_field(struct set *sets, size_t count, const struct range *range,
                                uint64_t round) {
  uint8_t *unlogged = sets[0].side.unlogged;
  uintptr_t low = range->low >> (FIELD_SHIFT + 3), high = range->high >> (FIELD_SHIFT + 3);

  memset(unlogged + low, 0xff, high - low + 1);
  clear_all(sets, count);
  measure_all(sets, count, FIRST_FIELD, round);
}

/* Returns false when the cycle went on before the measurements, which are then to be repeated. */
static bool measure_marking(struct set *sets, size_t count, uint64_t round) {
  struct cycle cycle;
  bool held;

  clear_all(sets, count);
  cycle = cycle_begin(heap, sets[0].side.thread);
  held = cycle_marking(&cycle);
  if (held) {
    measure_all(sets, count, FIRST_MARKING, round);
    clear_all(sets, count);
    measure_all(sets, count, MARKING, round);
  }
  cycle_end(&cycle);
  return held;
}

static void run(struct set *sets, size_t count, const struct range *range) {
  lull_thread *thread = sets[0].side.thread;
  struct measure_thread self;

  measure_start();
  measure_thread_begin(&self, MEASURE_IRREGULAR);
  for (uint64_t round = 0; round < rounds; round++) {
    measure_first_field(sets, count, range, round);
    clear_all(sets, count);
    STRESS_OK(lull_collect(thread));
    measure_idle(sets, count, round);
    while (!measure_marking(sets, count, round))
      ;
  }
  measure_thread_end(&self);
  measure_stop();
}

static void report(const struct set *set) {
  double *over = stress_malloc(rounds * sizeof *over);

  for (unsigned variant = 0; variant < VARIANTS; variant++) {
    char key[64];
    snprintf(key, sizeof key, "%s_%s", set->name, variant_names[variant]);
    rounds_report(key, set->rounds[variant], rounds);
    for (uint64_t i = 0; i < rounds; i++)
      over[i] = set->rounds[variant][i] - set->rounds[BARE][i];
    rounds_field(key, "_over", rounds_median(over, rounds));
  }
  free(over);
}

/* Objects in the order of their addresses, an array of them in random order, and a ring in that
 * order. */
static struct order *new_objects(lull_thread *thread, lull_type object_type, lull_type order_type,
                                 size_t length) {
  struct random random = random_seeded(seed, length);
  struct order *order = lull_new_array(thread, order_type, length);
  LULL_ROOTS(thread, order);

  STRESS_CHECK(order != NULL, "no memory for %zu objects", length);
  for (size_t i = 0; i < length; i++) {
    size_t other = (size_t)((random_next(&random) >> 11) % (i + 1));
    struct object *object = lull_new(thread, object_type);
    STRESS_CHECK(object != NULL, "no memory for an object");
    object->number = i;
    lull_store(thread, order, &order->items[i], order->items[other]);
    lull_store(thread, order, &order->items[other], object);
  }
  for (size_t i = 0; i < length; i++) {
    struct object *object = order->items[i];
    lull_store(thread, object, &object->next, order->items[(i + 1) & (length - 1)]);
  }
  return order;
}

static void extend(struct range *range, const struct order *order) {
  for (size_t i = 0; i < order->length; i++) {
    uintptr_t from = (uintptr_t)order->items[i], to = from + sizeof(struct object);
    range->low = from < range->low ? from : range->low;
    range->high = to > range->high ? to : range->high;
  }
}

/* Tables for the addresses in the range. */
static struct side new_side(lull_thread *thread, const struct range *range) {
  size_t cards = (range->high >> CARD_SHIFT) - (range->low >> CARD_SHIFT) + 1;
  size_t fields = (range->high >> (FIELD_SHIFT + 3)) - (range->low >> (FIELD_SHIFT + 3)) + 1;
  uintptr_t card_table = (uintptr_t)stress_calloc(cards, 1);
  uintptr_t field_table = (uintptr_t)stress_calloc(fields, 1);

  return (struct side){
      .thread = thread,
      .cards = (uint8_t *)(card_table - (range->low >> CARD_SHIFT)),
      .unlogged = (uint8_t *)(field_table - (range->low >> (FIELD_SHIFT + 3))),
      .log = stress_calloc(1, sizeof(struct field_log))};
}

static void free_side(const struct side *side, const struct range *range) {
  free(side->cards + (range->low >> CARD_SHIFT));
  free(side->unlogged + (range->low >> (FIELD_SHIFT + 3)));
  free(side->log);
}

static void new_rounds(struct set *set) {
  for (unsigned variant = 0; variant < VARIANTS; variant++)
    set->rounds[variant] = stress_calloc(rounds, sizeof(double));
}

static void free_rounds(struct set *set) {
  for (unsigned variant = 0; variant < VARIANTS; variant++)
    free(set->rounds[variant]);
}

static size_t power_of_two_below(uint64_t count) {
  return (size_t)1 << (63 - __builtin_clzll(count));
}

static void measure_barriers(lull_thread *thread, lull_type object_type, lull_type order_type) {
  struct set sets[] = {{.name = "hot", .loops = dependent_loops, .stores = stores},
                       {.name = "independent", .loops = independent_loops, .stores = stores},
                       {.name = "random", .loops = independent_loops}};
  enum { SETS = sizeof sets / sizeof *sets };
  struct range range = {UINTPTR_MAX, 0};
  LULL_ROOTS(thread, sets[0].order, sets[1].order, sets[2].order);

  for (size_t i = 0; i < SETS; i++) {
    size_t length = i < 2 ? HOT : power_of_two_below(bytes / sizeof(struct object));
    sets[i].order = new_objects(thread, object_type, order_type, length);
    if (sets[i].stores == 0)
      sets[i].stores = length;
    extend(&range, sets[i].order);
    new_rounds(&sets[i]);
  }
  sets[0].side = new_side(thread, &range);
  sets[1].side = sets[2].side = sets[0].side;
  run(sets, SETS, &range);
  for (size_t i = 0; i < SETS; i++) {
    STRESS_CHECK(sets[i].side.cards[(uintptr_t)sets[i].order->items[0] >> CARD_SHIFT] == 1,
                 "%s: no card was marked", sets[i].name);
    report(&sets[i]);
    free_rounds(&sets[i]);
  }
  STRESS_CHECK(sets[0].side.log->count ==
                   rounds * (2 * HOT + power_of_two_below(bytes / sizeof(struct object))),
               "%" PRIu64 " fields were logged", sets[0].side.log->count);
  free_side(&sets[0].side, &range);
}

int main(int argc, char **argv) {
  static const uint64_t map[] = {LULL_BIT(struct object, next) | LULL_BIT(struct object, kept)};
  const char *options = NULL;
  const struct argument table[] = {
      {"rounds", ARGUMENT_COUNT, &rounds, "how often everything is measured"},
      {"bytes", ARGUMENT_COUNT, &bytes, "of the old objects (down to a power of two of objects)"},
      {"stores", ARGUMENT_COUNT, &stores, "of a measurement in the hot loops"},
      {"seed", ARGUMENT_COUNT, &seed, "of the random order"},
      {"options", ARGUMENT_TEXT, &options, "options of the heap, as in LULL_OPTIONS"},
      {NULL, ARGUMENT_FLAG, NULL, NULL}};
  char limit[128];
  lull_type object_type, order_type;
  lull_thread *thread;

  arguments_parse(argc, argv, "What a store costs with and without barriers.", table);
  bench_require(rounds > 0 && rounds <= 100000, "--rounds must be 1 to 100000");
  bench_require(bytes >= HOT * sizeof(struct object) && bytes <= (uint64_t)1 << 36,
                "--bytes must be 16K to 64G");
  bench_require(stores >= HOT, "--stores must be 512 or more");
  snprintf(limit, sizeof limit, "heap.max=%" PRIu64 ",heap.initial=%" PRIu64 ",watchdog=0",
           16 * bytes + (64 << 20), 16 * bytes + (64 << 20));
  heap = heap_make(limit, options);
  object_type = heap_type(
      heap, (lull_type_desc){.name = "object",
                             .size = sizeof(struct object),
                             .layout = {.refs = LULL_REFS_MAP, .map = map, .map_words = 1}});
  order_type = heap_type(heap, (lull_type_desc){.name = "order",
                                                .size = sizeof(struct order),
                                                .element_size = sizeof(struct object *),
                                                .length_offset = offsetof(struct order, length),
                                                .element = {.refs = LULL_REFS_ALL}});
  thread = heap_attach(heap);
  measure_barriers(thread, object_type, order_type);
  heap_detach(thread);
  measure_count("rounds", rounds);
  measure_print("barrier", "lull", 1, stores, check);
  heap_end(heap);
  return 0;
}
