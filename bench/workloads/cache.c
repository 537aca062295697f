/*
 * cache: a hash table whose entries expire. An operation looks up a key; small numbers are drawn
 * more often than large ones. When the key has no entry, or an expired one, its value is made and
 * inserted. Every operation also moves the shard's clock hand over a few buckets and drops what has
 * expired there. Each operation is timed, its waits for locks included.
 *
 * The table is divided into shards, each under a mutex. A contended lock is waited for in a blocked
 * region. Values and entries are made outside the lock, and nothing polls under it, so what is
 * read from the table under the lock needs no roots. Time is counted in a shard's operations.
 *
 * A value's contents follow from its key, so the sum of all values that operations used does not
 * depend on which of them were hits, nor on the order of threads.
 *
 * Checked: the contents of every value used; at the end the number and contents of all entries.
 */
#include "bench/workloads/gate.h"
#include "stress/common/arguments.h"
#include "stress/common/random.h"

enum {
  SHARDS = 16,
  SWEPT = 2,         /* buckets that the hand looks at in each operation */
  KEYS = 4,          /* times the entries: keys that are drawn */
  LEAST_WORDS = 8,   /* a value has 64 to 512 bytes */
  MOST_WORDS = 64,
  ENTRY_BYTES = 350, /* what an entry takes with its value, on average */
  PAUSE = 50000,     /* ns; the least that counts as a pause */
  SEED = 1
};

/* Of the entries, in thousandths: how long an entry lives, in operations. Keys are drawn as the
 * product of two uniform numbers in [0, 1); with this lifetime a quarter of them, as many as the
 * entries wanted, is alive at a time, and 41 of 100 lookups are hits. */
enum { LIFETIME = 1693 };

struct value {
  lull_object header;
  size_t length;    /* words */
  uint64_t words[]; /* the last one is the checksum of the others and the key */
};

struct entry {
  lull_object header;
  struct entry *next;
  uint64_t key, expiry;
  struct value *value;
};

struct buckets {
  lull_object header;
  size_t length; /* a power of two */
  struct entry *chains[];
};

struct table {
  lull_object header;
  size_t length;
  struct buckets *shards[];
};

/* What is not managed of a shard; under its lock. */
struct shard {
  pthread_mutex_t lock;
  uint64_t tick, hand, entries;
} __attribute__((aligned(128)));

/* Where a reference to an entry is: the slot, and the object that has it. */
struct place {
  void *owner;
  struct entry **slot;
};

/* One thread's work. */
struct worker {
  mem_thread *thread;
  struct table *table; /* in a root of the thread */
  struct random random;
  uint64_t sum, hits, waits;
};

static uint64_t entries = 200000, operations = 2000000, threads = 1, heap_limit;
static mem_type value_type, entry_type, buckets_type, table_type;
static struct shard shards[SHARDS];
static mem_handle *table_handle;
static struct gate gate;
static uint64_t check, hits, waits;

static void define_types(void) {
  value_type = mem_array("value", sizeof(struct value), offsetof(struct value, length), 8, 0);
  entry_type = mem_record("entry", sizeof(struct entry),
                          LULL_BIT(struct entry, next) | LULL_BIT(struct entry, value));
  buckets_type = mem_array("buckets", sizeof(struct buckets), offsetof(struct buckets, length),
                           sizeof(struct entry *), 1);
  table_type = mem_array("table", sizeof(struct table), offsetof(struct table, length),
                         sizeof(struct buckets *), 1);
}

static uint64_t hash_of(uint64_t key) {
  return random_mix2(SEED, key);
}

static struct shard *shard_of(uint64_t hash) {
  return &shards[hash % SHARDS];
}

static struct buckets *buckets_of(const struct worker *worker, const struct shard *shard) {
  return worker->table->shards[shard - shards];
}

/* May poll; the lock is held for a few hundred nanoseconds. */
static void lock(struct worker *worker, struct shard *shard) {
  if (pthread_mutex_trylock(&shard->lock) == 0)
    return;
  worker->waits++;
  mem_block(worker->thread);
  pthread_mutex_lock(&shard->lock);
  mem_unblock(worker->thread);
}

static void unlock(struct shard *shard) {
  pthread_mutex_unlock(&shard->lock);
}

static uint64_t checksum(const struct value *value, uint64_t key) {
  uint64_t sum = key;

  for (size_t i = 0; i + 1 < value->length; i++)
    sum = (sum << 7 | sum >> 57) + value->words[i];
  return sum;
}

static struct value *make_value(mem_thread *thread, uint64_t key) {
  uint64_t word = hash_of(key);
  size_t length = LEAST_WORDS + (word >> 32) % (MOST_WORDS - LEAST_WORDS + 1);
  struct value *value = mem_new_array(thread, value_type, length);

  for (size_t i = 0; i + 1 < length; i++)
    value->words[i] = word = word * 0x5851f42d4c957f2du + 1;
  value->words[length - 1] = checksum(value, key);
  return value;
}

/* Verifies the value and uses it: the result goes into the worker's sum. */
static uint64_t use_value(const struct value *value, uint64_t key) {
  uint64_t sum = checksum(value, key);

  STRESS_CHECK(value->words[value->length - 1] == sum, "the value of key %llu is overwritten",
               (unsigned long long)key);
  return sum;
}

/* An entry that nobody knows yet; it has no expiry. */
static struct entry *make_entry(mem_thread *thread, uint64_t key) {
  struct value *value = make_value(thread, key);
  struct entry *entry;
  MEM_ROOTS(thread, value);

  entry = mem_new(thread, entry_type, sizeof *entry);
  entry->key = key;
  entry->expiry = 0;
  mem_init(thread, entry, &entry->next, NULL);
  mem_init(thread, entry, &entry->value, value);
  return entry;
}

static void free_entry(mem_thread *thread, struct entry *entry) {
  if (!MEM_FREES)
    return;
  mem_free(thread, entry->value);
  mem_free(thread, entry);
}

static struct place head_of(struct buckets *buckets, uint64_t bucket) {
  return (struct place){buckets, &buckets->chains[bucket]};
}

static struct place behind(struct entry *entry) {
  return (struct place){entry, &entry->next};
}

/* The place that refers to the key's entry, or the chain's end. Under the lock. */
static struct place find(struct buckets *buckets, uint64_t hash, uint64_t key) {
  struct place place = head_of(buckets, hash / SHARDS & (buckets->length - 1));

  while (*place.slot && (*place.slot)->key != key)
    place = behind(*place.slot);
  return place;
}

/* Takes an entry out of its chain. Under the lock. */
static void drop(mem_thread *thread, struct shard *shard, struct place place) {
  struct entry *entry = *place.slot;

  mem_store(thread, place.owner, place.slot, entry->next);
  shard->entries--;
  free_entry(thread, entry);
}

/* Drops what has expired in the next buckets. Under the lock. */
static void move_hand(struct worker *worker, struct shard *shard) {
  struct buckets *buckets = buckets_of(worker, shard);

  for (unsigned i = 0; i < SWEPT; i++) {
    struct place place = head_of(buckets, shard->hand++ & (buckets->length - 1));
    while (*place.slot)
      if ((*place.slot)->expiry <= shard->tick)
        drop(worker->thread, shard, place);
      else
        place = behind(*place.slot);
  }
}

/* Uses the key's value if it has one that has not expired. */
static bool look_up(struct worker *worker, uint64_t key) {
  uint64_t hash = hash_of(key);
  struct shard *shard = shard_of(hash);
  const struct entry *entry;
  bool hit;

  lock(worker, shard);
  shard->tick++;
  entry = *find(buckets_of(worker, shard), hash, key).slot;
  hit = entry && entry->expiry > shard->tick;
  if (hit)
    worker->sum += use_value(entry->value, key);
  move_hand(worker, shard);
  unlock(shard);
  return hit;
}

/* Puts the entry at the head of its chain, in place of another of its key. Under the lock. */
static void insert_locked(struct worker *worker, struct shard *shard, struct entry *entry,
                          uint64_t hash) {
  struct buckets *buckets = buckets_of(worker, shard);
  struct place place = find(buckets, hash, entry->key);

  if (*place.slot)
    drop(worker->thread, shard, place);
  place = head_of(buckets, hash / SHARDS & (buckets->length - 1));
  entry->expiry = shard->tick + entries * LIFETIME / 1000 / SHARDS;
  mem_store(worker->thread, entry, &entry->next, *place.slot);
  mem_store(worker->thread, place.owner, place.slot, entry);
  shard->entries++;
}

static void make_and_insert(struct worker *worker, uint64_t key) {
  struct entry *entry = make_entry(worker->thread, key);
  uint64_t hash = hash_of(key);
  struct shard *shard = shard_of(hash);
  MEM_ROOTS(worker->thread, entry);

  worker->sum += use_value(entry->value, key);
  lock(worker, shard);
  insert_locked(worker, shard, entry, hash);
  unlock(shard);
}

/* The integer part of keys * x * y, for two uniform numbers x and y. */
static uint64_t draw_key(struct random *random) {
  uint64_t drawn = random_next(random);

  return (drawn >> 32) * (uint32_t)drawn / ((uint64_t)1 << 32) * (entries * KEYS) >> 32;
}

static void operate(struct worker *worker) {
  uint64_t key = draw_key(&worker->random);

  if (look_up(worker, key))
    worker->hits++;
  else
    make_and_insert(worker, key);
}

/* Verifies all entries of a shard, and frees them where that is needed. Every shard is one thread's
 * to finish. Polls; the table is in a root. */
static void finish_shard(struct worker *worker, struct shard *shard) {
  struct buckets *buckets = buckets_of(worker, shard);
  uint64_t count = 0;

  for (size_t i = 0; i < buckets->length; i++) {
    for (struct entry *entry = buckets->chains[i], *next; entry; entry = next) {
      next = entry->next;
      use_value(entry->value, entry->key);
      free_entry(worker->thread, entry);
      count++;
    }
    mem_poll(worker->thread);
  }
  STRESS_CHECK(count == shard->entries, "%llu entries instead of %llu", (unsigned long long)count,
               (unsigned long long)shard->entries);
  mem_free(worker->thread, buckets);
}

/* Twice as many operations as entries bring the table to the size that it keeps. */
static void run(struct worker *worker, const struct crew_member *member) {
  struct measure_thread measure = {0};
  uint64_t warm = gate_share(member, 2 * entries), count = gate_share(member, operations);
  MEM_ROOTS(worker->thread, worker->table);

  for (uint64_t i = 0; i < warm; i++)
    operate(worker);
  gate_begin(&gate, worker->thread, &measure, PAUSE);
  worker->hits = worker->waits = 0;
  for (uint64_t i = 0; i < count; i++) {
    operate(worker);
    measure_operation(&measure);
  }
  gate_end(&gate, worker->thread, &measure);
  for (unsigned i = member->index; i < SHARDS; i += member->count)
    finish_shard(worker, &shards[i]);
}

static void work(struct crew_member *member) {
  struct worker worker = {.thread = mem_enter(), .random = random_seeded(SEED, member->index)};

  worker.table = mem_handle_get(worker.thread, table_handle);
  run(&worker, member);
  mem_leave(worker.thread);
  gate_add(&check, worker.sum);
  gate_add(&hits, worker.hits);
  gate_add(&waits, worker.waits);
}

static size_t buckets_wanted(void) {
  size_t length = 1;

  while (length * SHARDS < entries)
    length *= 2;
  return length;
}

static void make_table(void) {
  mem_thread *thread = mem_enter();
  struct table *table = mem_new_array(thread, table_type, SHARDS);

  {
    MEM_ROOTS(thread, table);
    for (unsigned i = 0; i < SHARDS; i++) {
      struct buckets *buckets = mem_new_array(thread, buckets_type, buckets_wanted());
      mem_store(thread, table, &table->shards[i], buckets);
      STRESS_CHECK(pthread_mutex_init(&shards[i].lock, NULL) == 0, "no mutex");
    }
    table_handle = mem_handle_new(thread, table);
  }
  mem_leave(thread);
}

static void end_table(void) {
  mem_thread *thread = mem_enter();

  mem_free(thread, mem_handle_get(thread, table_handle));
  mem_handle_release(thread, table_handle);
  mem_leave(thread);
}

static uint64_t live_bytes(void) {
  return entries * ENTRY_BYTES;
}

int main(int argc, char **argv) {
  const char *options = NULL;
  const struct argument table[] = {
      {"entries", ARGUMENT_COUNT, &entries, "entries alive, about"},
      {"operations", ARGUMENT_COUNT, &operations, "lookups, of all threads"},
      {"threads", ARGUMENT_COUNT, &threads, "threads"},
      {"heap", ARGUMENT_COUNT, &heap_limit, "the heap's limit; 0: three times the entries and 16M"},
      {"options", ARGUMENT_TEXT, &options, "options of the heap, as in LULL_OPTIONS"},
      {NULL, ARGUMENT_FLAG, NULL, NULL}};

  arguments_parse(argc, argv, "A cache whose entries expire.", table);
  crew_require(threads);
  bench_require(entries >= 100 && entries <= 1u << 28, "--entries must be 100 to 256M");
  mem_open(heap_limit ? heap_limit : 3 * live_bytes() + (16u << 20), options);
  define_types();
  make_table();
  gate_open(&gate, threads);
  crew_run(threads, work, NULL);
  end_table();
  measure_count("hits", hits);
  measure_count("lock_waits", waits);
  mem_report();
  measure_print("cache", MEM_NAME, threads, operations, check);
  mem_close();
  gate_close(&gate);
  return 0;
}
