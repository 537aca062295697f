/*
 * alloc: what it costs to allocate objects that die at once. The loop stores two numbers into each
 * object, reads them back and adds them up.
 *
 * With --full P the heap is fragmented before: every thread fills its part of the heap once to
 * FILLED percent with objects that all live, then drops all but P percent of the heap, which are
 * clusters of 20 consecutive objects, or with --scattered single objects, chosen at random. The
 * objects are linked to chains that begin in arrays, so that the memory to keep them is small and
 * the same for all managers. Then the heap's size is allocated twice more before the measured part
 * begins, so that what only the first collections cost is not in it.
 *
 * Checked: the sum of all numbers; the count and the contents of the survivors at the end.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bench/workloads/gate.h"
#include "stress/common/arguments.h"
#include "stress/common/clock.h"
#include "stress/common/random.h"

enum {
  BATCH = 1000,   /* objects timed together */
  CLUSTER = 20,   /* survivors side by side */
  CHAIN = 256,    /* survivors in a chain */
  FILLED = 80,    /* percent of the heap that lives while it is filled */
  MOST_FULL = 75, /* percent that may stay */
  MOST_THREADS = 256,
  PAUSE = 100000, /* ns for a batch; the least that counts as a pause */
  SEED = 1
};

struct dying {
  lull_object header;
  uint64_t number, previous;
};

/* The smallest object has room for one number. */
struct smallest {
  lull_object header;
  uint64_t number;
};

/* A survivor has the same size; the words behind `next` are made from its number. */
struct kept {
  lull_object header;
  uint64_t number;
  struct kept *next;
  uint64_t rest[];
};

struct chains {
  lull_object header;
  size_t length;
  struct kept *heads[];
};

/* Survivors, or what is dropped: the next one goes to the chain number count / CHAIN. */
struct pile {
  struct chains *chains;
  uint64_t count;
};

/* One thread's times for its objects, in ns. */
struct times {
  uint64_t cpu, wall;
};

static uint64_t object_size = 24, objects = 10000000, threads = 1, heap_limit = 256u << 20;
static uint64_t full;
static bool scattered;
static mem_type dying_type, kept_type, chains_type;
static struct times times[MOST_THREADS]; /* each thread writes its own */
static struct gate gate;
static uint64_t check;

static void define_types(void) {
  dying_type = mem_record("dying", object_size, 0);
  if (object_size >= sizeof(struct kept))
    kept_type = mem_record("kept", object_size, LULL_BIT(struct kept, next));
  chains_type = mem_array("chains", sizeof(struct chains), offsetof(struct chains, length),
                          sizeof(struct kept *), 1);
}

/* Objects that die at once, with the numbers from `first` on; returns the sum of what was read. The
 * empty asm hides from the compiler that an object's contents are known, and that nobody else sees
 * it: otherwise the object would not be made at all. */
static inline __attribute__((always_inline)) uint64_t allocate_sized(mem_thread *thread,
                                                                     uint64_t first,
                                                                     uint64_t count, size_t size) {
  uint64_t sum = 0;

  for (uint64_t number = first; number < first + count; number++) {
    struct dying *object = mem_new(thread, dying_type, size);
    object->number = number;
    object->previous = number - 1;
    __asm__ volatile("" : "+m"(*object));
    sum += object->number + object->previous;
    mem_free(thread, object);
  }
  return sum;
}

/* The usual size is a constant, as it is where a program allocates a struct. */
static uint64_t allocate(mem_thread *thread, uint64_t first, uint64_t count) {
  if (object_size == sizeof(struct dying))
    return allocate_sized(thread, first, count, sizeof(struct dying));
  return allocate_sized(thread, first, count, object_size);
}

static uint64_t allocate_smallest(mem_thread *thread, uint64_t first, uint64_t count) {
  uint64_t sum = 0;

  for (uint64_t number = first; number < first + count; number++) {
    struct smallest *object = mem_new(thread, dying_type, sizeof *object);
    object->number = number;
    __asm__ volatile("" : "+m"(*object));
    sum += object->number;
    mem_free(thread, object);
  }
  return sum;
}

static bool is_smallest(void) {
  return object_size == sizeof(struct smallest);
}

/* The sum in all for the numbers 1 to count. */
static uint64_t sum_expected(uint64_t count) {
  return is_smallest() ? count * (count + 1) / 2 : count * count;
}

static size_t rest_words(void) {
  return (object_size - sizeof(struct kept)) / 8;
}

/* A number's object, on top of the pile. The pile's array is in a root. */
static void pile_up(mem_thread *thread, struct pile *pile, uint64_t number) {
  struct kept *object = mem_new(thread, kept_type, object_size);
  struct kept **head = &pile->chains->heads[pile->count++ / CHAIN];

  object->number = number;
  for (size_t i = 0; i < rest_words(); i++)
    object->rest[i] = random_mix2(number, i);
  mem_init(thread, object, &object->next, *head);
  mem_store(thread, pile->chains, head, object);
}

static void free_pile(mem_thread *thread, struct chains *chains) {
  if (!MEM_FREES)
    return;
  for (size_t i = 0; i < chains->length; i++)
    for (struct kept *object = chains->heads[i], *next; object; object = next) {
      next = object->next;
      mem_free(thread, object);
    }
  mem_free(thread, chains);
}

/* How many clusters a thread makes, and how many of them it keeps. */
struct plan {
  uint64_t cluster, all, keep;
};

static struct plan plan_of(const struct crew_member *member) {
  struct plan plan = {.cluster = scattered ? 1 : CLUSTER};
  uint64_t fit = heap_limit / member->count / (object_size * plan.cluster);

  plan.all = fit * FILLED / 100;
  plan.keep = fit * full / 100;
  return plan;
}

/* Whether the next of `left` clusters is one of the `wanted`: a random sample of that very size. */
static bool chosen(struct random *random, uint64_t wanted, uint64_t left) {
  return random_below(random, (uint32_t)left) < wanted;
}

static struct chains *new_chains(mem_thread *thread, uint64_t count) {
  return mem_new_array(thread, chains_type, count / CHAIN + 1);
}

/* Fills the thread's part of the heap and drops what is not chosen; returns the survivors. */
static struct chains *fill(mem_thread *thread, const struct crew_member *member) {
  struct plan plan = plan_of(member);
  struct random random = random_seeded(SEED, member->index);
  struct pile keep = {NULL, 0}, drop = {NULL, 0};
  uint64_t wanted = plan.keep, number = 1;
  MEM_ROOTS(thread, keep.chains, drop.chains);

  keep.chains = new_chains(thread, plan.keep * plan.cluster);
  drop.chains = new_chains(thread, (plan.all - plan.keep) * plan.cluster);
  for (uint64_t left = plan.all; left > 0; left--) {
    bool stays = chosen(&random, wanted, left);
    for (uint64_t i = 0; i < plan.cluster; i++)
      pile_up(thread, stays ? &keep : &drop, number++);
    wanted -= stays;
  }
  free_pile(thread, drop.chains);
  return keep.chains;
}

static void check_contents(const struct kept *object) {
  for (size_t i = 0; i < rest_words(); i++)
    STRESS_CHECK(object->rest[i] == random_mix2(object->number, i),
                 "survivor %llu is overwritten", (unsigned long long)object->number);
}

/* Counts the survivors and adds up what their numbers are mapped to. Polls: `chains` is rooted
 * here. */
static uint64_t survivors_sum(mem_thread *thread, struct chains *chains, uint64_t *count) {
  uint64_t sum = 0;
  MEM_ROOTS(thread, chains);

  for (size_t i = 0; i < chains->length; i++) {
    for (const struct kept *object = chains->heads[i]; object; object = object->next) {
      check_contents(object);
      sum += random_mix(object->number);
      ++*count;
    }
    mem_poll(thread);
  }
  return sum;
}

/* The same from the random numbers alone. */
static uint64_t survivors_expected(const struct crew_member *member) {
  struct plan plan = plan_of(member);
  struct random random = random_seeded(SEED, member->index);
  uint64_t wanted = plan.keep, number = 1, sum = 0;

  for (uint64_t left = plan.all; left > 0; left--) {
    bool stays = chosen(&random, wanted, left);
    for (uint64_t i = 0; i < plan.cluster; i++, number++)
      sum += stays ? random_mix(number) : 0;
    wanted -= stays;
  }
  return sum;
}

static uint64_t check_survivors(mem_thread *thread, const struct crew_member *member,
                                struct chains *chains) {
  struct plan plan = plan_of(member);
  uint64_t count = 0, sum = survivors_sum(thread, chains, &count);

  STRESS_CHECK(count == plan.keep * plan.cluster, "%llu survivors instead of %llu",
               (unsigned long long)count, (unsigned long long)(plan.keep * plan.cluster));
  STRESS_CHECK(sum == survivors_expected(member), "the survivors are others");
  return sum;
}

static uint64_t clock_thread(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t measured(mem_thread *thread, struct measure_thread *measure, struct times *taken) {
  uint64_t sum = 0, done = 0, count, cpu = clock_thread(), wall = clock_wall();

  for (; done < objects; done += count) {
    count = objects - done < BATCH ? objects - done : BATCH;
    sum += is_smallest() ? allocate_smallest(thread, 1 + done, count)
                         : allocate(thread, 1 + done, count);
    measure_operation(measure);
  }
  *taken = (struct times){clock_thread() - cpu, clock_wall() - wall};
  return sum;
}

static void work(struct crew_member *member) {
  struct measure_thread measure = {0};
  mem_thread *thread = mem_enter();
  struct chains *survivors = NULL;

  {
    uint64_t sum;
    MEM_ROOTS(thread, survivors);
    if (full) {
      survivors = fill(thread, member);
      allocate(thread, 1, 2 * heap_limit / object_size / member->count);
    }
    gate_begin(&gate, thread, &measure, PAUSE);
    sum = measured(thread, &measure, &times[member->index]);
    gate_end(&gate, thread, &measure);
    STRESS_CHECK(sum == sum_expected(objects), "the numbers add up to %llu instead of %llu",
                 (unsigned long long)sum, (unsigned long long)sum_expected(objects));
    if (full) {
      sum += check_survivors(thread, member, survivors);
      free_pile(thread, survivors);
    }
    gate_add(&check, sum);
  }
  mem_leave(thread);
}

/* Nanoseconds of CPU and of wall time for an object, the mean of all threads and each thread's. */
static void report(void) {
  double cpu = 0, wall = 0;
  char key[64];

  for (uint64_t i = 0; i < threads; i++) {
    double mine = (double)times[i].cpu / (double)objects;
    cpu += mine / (double)threads;
    wall += (double)times[i].wall / (double)objects / (double)threads;
    snprintf(key, sizeof key, "ns_per_object_%u", (unsigned)i);
    if (threads > 1)
      measure_real(key, mine);
  }
  measure_real("ns_per_object", cpu);
  measure_real("ns_per_object_wall", wall);
  measure_count("batch", BATCH);
  measure_count("size", object_size);
  measure_count("full", full);
}

static void check_arguments(void) {
  bool keeps = strcmp(MEM_NAME, "bump") != 0 && strcmp(MEM_NAME, "recycle") != 0;

  bench_require(object_size >= 16 && object_size <= 512 && object_size % 8 == 0,
                "--size must be a multiple of 8, 16 to 512");
  bench_require(!full || !is_smallest(), "--full needs a --size of 24 or more");
  bench_require(threads > 0 && threads <= MOST_THREADS, "--threads must be 1 to 256");
  bench_require(objects > 0, "--objects must be 1 or more");
  bench_require(full <= MOST_FULL, "--full must be 0 to 75 percent");
  bench_require(!full || keeps, MEM_NAME " keeps no objects: no --full");
  bench_require(!scattered || full, "--scattered needs --full");
  bench_require(!full || heap_limit >= 1 << 20, "--full needs a --heap of 1M or more");
  bench_require(heap_limit >> 32 < 16, "--heap must be less than 64G");
}

int main(int argc, char **argv) {
  const char *options = NULL;
  const struct argument table[] = {
      {"size", ARGUMENT_COUNT, &object_size, "bytes of an object, with its header"},
      {"objects", ARGUMENT_COUNT, &objects, "objects for each thread"},
      {"threads", ARGUMENT_COUNT, &threads, "threads"},
      {"heap", ARGUMENT_COUNT, &heap_limit, "the heap's limit in bytes"},
      {"full", ARGUMENT_COUNT, &full, "percent of the heap that survives from before"},
      {"scattered", ARGUMENT_FLAG, &scattered, "survivors are single objects, not clusters"},
      {"options", ARGUMENT_TEXT, &options, "options of the heap, as in LULL_OPTIONS"},
      {NULL, ARGUMENT_FLAG, NULL, NULL}};

  arguments_parse(argc, argv, "Allocates objects that die at once.", table);
  check_arguments();
  mem_open(heap_limit, options);
  define_types();
  gate_open(&gate, threads);
  crew_run(threads, work, NULL);
  report();
  mem_report();
  measure_print("alloc", MEM_NAME, threads, threads * objects, check);
  mem_close();
  gate_close(&gate);
  return 0;
}
