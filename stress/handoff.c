/*
 * handoff: two threads pass one object back and forth through two shared places, clearing the place
 * that it came from, while cycles run back to back with delays at every edge of a phase. The object
 * is never in a third place but in locals, so a collector that looks at the places one after
 * another can miss it; and it is replaced by a new one now and then, so it is old in some cycles
 * and young in others. A third thread allocates, so that freed memory is used again.
 *
 *   exchange  two words of a shared root range, taken by exchange with NULL by whoever comes
 *   slots     the same words, by turns: load, store into the other, clear this one, in either order
 *   handles   two handles, by turns: get, set the other, clear this one
 *   release   one handle at a time, by turns: get, release it at once, make a new one
 *   fields    two fields of a shared object, by exchange
 *   window    from a field of an old object to one of an object that was born after the other
 * thread's second handshake, by a thread that is between its first and its second scan      out of
 * a root slot, a handle or a field, and back, by a thread whose own roots were just scanned
 *
 * The last two wait for the phase that they are made for, which a thread can tell from the fields
 * in lull/thread.h that the store barrier uses.
 *
 * Checked at every pass: the object's number, its checksum, and those of what hangs from it.
 */
#include "stress/common/arguments.h"
#include "stress/common/check.h"
#include "stress/common/clock.h"
#include "stress/common/figures.h"
#include "stress/common/heap.h"
#include "stress/common/team.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

struct baton {
  lull_object header;
  struct baton *tail;
  uint64_t number, check;
};

struct pair {
  lull_object header;
  void *field[2];
};

enum {
  TAILS = 3,
  PASSERS = 2,
  LITTER = 10000,
  PATIENCE = 200000000,
  LINGER = 20000000
}; /* times in ns */

/* What all threads of one way of passing share. */
struct course {
  void (*pass)(struct member *, struct course *);
  void *slots[2];          /* a shared root range */
  lull_handle *handles[2]; /* [i] belongs to thread i while it is its turn */
  lull_handle *pair;       /* holds a struct pair */
  /* Whose turn it is: set by the thread that gives it away (release), waited for by the other
   * (acquire). */
  atomic_uint turn;
  /* The number of the one baton. Belongs to whoever holds it; passing it is what orders the
   * accesses. */
  uint64_t number;
  /* Until then (wall) nobody passes: set by whoever thinks of it, read by all; relaxed. */
  atomic_ullong rest_until;
  atomic_bool over; /* set by the main thread; relaxed, orders nothing */
  atomic_ullong passes;
};

static uint64_t seconds = 20, seed = 1;
static lull_type baton_type, pair_type;

static void define_types(lull_heap *heap) {
  static const uint64_t map[] = {LULL_BIT(struct baton, tail)};

  baton_type = heap_type(
      heap, (lull_type_desc){.name = "baton",
                             .size = sizeof(struct baton),
                             .layout = {.refs = LULL_REFS_MAP, .map = map, .map_words = 1}});
  pair_type = heap_type(heap, (lull_type_desc){.name = "pair",
                                               .size = sizeof(struct pair),
                                               .layout = {.refs = LULL_REFS_ALL,
                                                          .from = offsetof(struct pair, field)}});
}

static struct baton *new_baton(lull_thread *thread, uint64_t number) {
  struct baton *head = NULL;
  LULL_ROOTS(thread, head);

  for (unsigned i = 0; i <= TAILS; i++) {
    struct baton *baton = lull_new(thread, baton_type);
    STRESS_CHECK(baton != NULL, "no memory for a baton");
    baton->number = number;
    baton->check = random_mix2(number, i);
    lull_init(thread, baton, &baton->tail, head);
    head = baton;
  }
  return head;
}

static void check_baton(const struct baton *baton, uint64_t number) {
  for (unsigned i = TAILS + 1; i > 0; i--) {
    STRESS_CHECK(baton != NULL, "baton %llu is lost", (unsigned long long)number);
    STRESS_CHECK(baton->number == number && baton->check == random_mix2(number, i - 1),
                 "baton %llu is overwritten at depth %u", (unsigned long long)number,
                 TAILS + 1 - i);
    baton = baton->tail;
  }
  STRESS_CHECK(baton == NULL, "baton %llu has too many tails", (unsigned long long)number);
}

/* While the caller holds the baton in a local only: checks it, and sometimes polls, allocates or
 * makes a new one of it. */
static struct baton *hold(struct member *member, struct course *course, struct baton *baton) {
  lull_thread *thread = member->thread;
  LULL_ROOTS(thread, baton);

  check_baton(baton, course->number);
  switch (random_below(&member->random, 64)) {
  case 0:
    course->number++;
    baton = new_baton(thread, course->number);
    break;
  case 1:
    new_baton(thread, 0);
    break;
  case 2:
    STRESS_OK(lull_blocked_begin(thread));
    sched_yield();
    STRESS_OK(lull_blocked_end(thread));
    break;
  case 3:
    lull_poll(thread);
    break;
  default:
    break;
  }
  check_baton(baton, course->number);
  return baton;
}

static void count_pass(struct course *course) {
  atomic_fetch_add_explicit(&course->passes, 1, memory_order_relaxed);
}

/* Waits for the caller's turn; false when the course is over. */
static bool await_turn(struct member *member, struct course *course) {
  for (unsigned i = 1; atomic_load_explicit(&course->turn, memory_order_acquire) != member->index;
       i++) {
    if (atomic_load_explicit(&course->over, memory_order_relaxed))
      return false;
    lull_poll(member->thread);
    if (i % 256 == 0)
      sched_yield();
  }
  return true;
}

static void give_turn(struct member *member, struct course *course) {
  count_pass(course);
  atomic_store_explicit(&course->turn, 1 - member->index, memory_order_release);
}

static void pass_exchange(struct member *member, struct course *course) {
  for (unsigned from = 0; from < 2; from++) {
    struct baton *baton = lull_root_exchange(member->thread, &course->slots[from], NULL);
    if (baton) {
      baton = hold(member, course, baton);
      lull_root_store(member->thread, &course->slots[1 - from], baton);
      count_pass(course);
    }
  }
}

static void pass_slots(struct member *member, struct course *course) {
  void **from = &course->slots[member->index], **to = &course->slots[1 - member->index];
  lull_thread *thread = member->thread;
  struct baton *baton;

  if (!await_turn(member, course))
    return;
  baton = lull_load(from);
  switch (random_below(&member->random, 3)) {
  case 0:
    check_baton(baton, course->number);
    lull_root_store(thread, to, baton);
    lull_root_store(thread, from, NULL);
    break;
  case 1:
    lull_root_store(thread, from, NULL);
    lull_root_store(thread, to, hold(member, course, baton));
    break;
  default:
    baton = hold(member, course, baton);
    lull_root_store(thread, to, baton);
    lull_root_store(thread, from, NULL);
    break;
  }
  give_turn(member, course);
}

static void pass_handles(struct member *member, struct course *course) {
  lull_handle *from = course->handles[member->index], *to = course->handles[1 - member->index];
  lull_thread *thread = member->thread;
  struct baton *baton;

  if (!await_turn(member, course))
    return;
  baton = lull_handle_get(thread, from);
  if (random_once(&member->random, 2)) {
    lull_handle_set(thread, from, NULL);
    lull_handle_set(thread, to, hold(member, course, baton));
  } else {
    check_baton(baton, course->number);
    lull_handle_set(thread, to, baton);
    lull_handle_set(thread, from, NULL);
  }
  give_turn(member, course);
}

static void pass_release(struct member *member, struct course *course) {
  lull_handle **from = &course->handles[member->index], **to = &course->handles[1 - member->index];
  lull_thread *thread = member->thread;
  struct baton *baton;

  if (!await_turn(member, course))
    return;
  baton = lull_handle_get(thread, *from);
  STRESS_OK(lull_handle_release(thread, *from));
  *from = NULL;
  if (random_once(&member->random, 2))
    baton = hold(member, course, baton);
  else
    check_baton(baton, course->number);
  *to = lull_handle_new(thread, baton);
  STRESS_CHECK(*to != NULL, "no memory for a handle");
  give_turn(member, course);
}

static void pass_fields(struct member *member, struct course *course) {
  lull_thread *thread = member->thread;
  struct pair *pair = lull_handle_get(thread, course->pair);
  LULL_ROOTS(thread, pair);

  for (unsigned from = 0; from < 2; from++) {
    struct baton *baton = lull_exchange(thread, pair, &pair->field[from], NULL);
    if (baton) {
      baton = hold(member, course, baton);
      lull_store(thread, pair, &pair->field[1 - from], baton);
      count_pass(course);
    }
  }
}

/*
 * Now and then the baton stays where it is for longer than the start of a cycle takes: a baton on
 * its way all the time is shaded by every store of the start window, and then its moves while roots
 * are scanned prove nothing. A thread rests without a safepoint for parts of the time, and one goes
 * on before the other, so for a while they are in different phases.
 */
static void rest(struct member *member, struct course *course) {
  uint64_t own_delay = random_below(&member->random, 1000000);

  if (random_once(&member->random, 256))
    atomic_store_explicit(&course->rest_until,
                          clock_wall() + random_below(&member->random, 6000000),
                          memory_order_relaxed);
  while (clock_wall() <
         atomic_load_explicit(&course->rest_until, memory_order_relaxed) + own_delay) {
    lull_poll(member->thread);
    clock_pause(random_below(&member->random, 100000));
  }
}

/* Polls until the thread is in the start window of a cycle; false when none came for a while. */
static bool await_window(lull_thread *thread) {
  uint64_t began = clock_wall();

  while (thread->pass_epoch != LULL_PASS_NEVER) {
    if (clock_wall() - began > PATIENCE)
      return false;
    lull_poll(thread);
  }
  return true;
}

/* Polls until the thread's roots have been scanned in the cycle in whose window it is; false when
 * that took too long. */
static bool await_scan(lull_thread *thread) {
  uint64_t began = clock_wall();

  while (thread->pass_epoch == LULL_PASS_NEVER) {
    if (clock_wall() - began > PATIENCE)
      return false;
    lull_poll(thread);
  }
  return true;
}

/* Waits for two cycles to end. */
static void await_cycles(struct member *member, struct course *course) {
  uint64_t cycles = figures_stats(member->heap).cycles;

  while (figures_stats(member->heap).cycles < cycles + 2 &&
         !atomic_load_explicit(&course->over, memory_order_relaxed)) {
    STRESS_OK(lull_blocked_begin(member->thread));
    clock_pause(100000);
    STRESS_OK(lull_blocked_end(member->thread));
  }
}

/* The other thread of `window`: puts a new pair into the first slot again and again while the baton
 * is not in one. */
static void make_young(struct member *member, struct course *course) {
  struct pair *pair = lull_load(&course->slots[0]);

  if (pair && lull_load(&pair->field[0]))
    return;
  pair = lull_new(member->thread, pair_type);
  STRESS_CHECK(pair != NULL, "no memory for a pair");
  lull_root_store(member->thread, &course->slots[0], pair);
}

/* Without a poll: a pair that was born by a thread that has passed its second handshake, while this
 * one has not; NULL when none came. */
static struct pair *await_young(lull_thread *thread, struct course *course) {
  uint64_t began = clock_wall();

  while (clock_wall() - began < LINGER) {
    struct pair *pair = lull_load(&course->slots[0]);
    if (pair && __atomic_load_n(&pair->header.log_epoch, __ATOMIC_RELAXED) != thread->birth_epoch)
      return pair;
  }
  return NULL;
}

static void pass_window(struct member *member, struct course *course) {
  lull_thread *thread = member->thread;
  struct pair *old = lull_handle_get(thread, course->pair), *young = NULL;
  struct baton *baton;
  LULL_ROOTS(thread, old, young);

  if (member->index != 0) {
    make_young(member, course);
    return;
  }
  if (!await_window(thread) || !(young = await_young(thread, course)))
    return;
  baton = lull_exchange(thread, old, &old->field[0], NULL);
  lull_store(thread, young, &young->field[0], baton);
  count_pass(course);
  await_cycles(member, course);
  baton = lull_load(&young->field[0]);
  check_baton(baton, course->number);
  lull_store(thread, old, &old->field[0], baton);
  lull_store(thread, young, &young->field[0], NULL);
  await_cycles(member, course);
}

/* Stands still without a safepoint until the collector wants the next handshake, which comes after
 * it has scanned the places. */
static void linger(lull_thread *thread) {
  for (uint64_t began = clock_wall(); clock_wall() - began < LINGER;)
    if (__atomic_load_n(thread->poll_word, __ATOMIC_RELAXED) != 0)
      return;
}

/* The baton is in none of the places, but in a local, while the collector scans them. */
static void pass_scan(struct member *member, struct course *course) {
  lull_thread *thread = member->thread;
  struct pair *pair = lull_handle_get(thread, course->pair);
  struct baton *baton;
  LULL_ROOTS(thread, pair);

  if (member->index != 0) {
    new_baton(thread, 0);
    return;
  }
  if (!await_window(thread) || !await_scan(thread))
    return;
  if ((baton = lull_root_exchange(thread, &course->slots[0], NULL))) {
    linger(thread);
    lull_handle_set(thread, course->handles[0], baton);
  } else if ((baton = lull_handle_get(thread, course->handles[0]))) {
    lull_handle_set(thread, course->handles[0], NULL);
    linger(thread);
    lull_store(thread, pair, &pair->field[0], baton);
  } else {
    baton = lull_exchange(thread, pair, &pair->field[0], NULL);
    linger(thread);
    lull_root_store(thread, &course->slots[0], baton);
  }
  check_baton(baton, course->number);
  count_pass(course);
  await_cycles(member, course);
}

static void litter(struct member *member) {
  for (unsigned i = 0; i < 100; i++)
    new_baton(member->thread, i);
}

static void work(struct member *member) {
  struct course *course = member->data;

  while (!atomic_load_explicit(&course->over, memory_order_relaxed)) {
    if (member->index < PASSERS) {
      if (course->pass != pass_window && course->pass != pass_scan)
        rest(member, course);
      course->pass(member, course);
    } else {
      litter(member);
    }
    lull_poll(member->thread);
  }
}

/*
 * Puts the first baton where all ways of passing look for it at the start, and lets the threads
 * run. */
static void set_up(lull_thread *thread, struct course *course) {
  struct baton *baton = NULL;
  struct pair *pair = NULL;
  LULL_ROOTS(thread, baton, pair);

  STRESS_OK(lull_shared_range_add(thread, course->slots, 2));
  course->number = 1;
  baton = new_baton(thread, 1);
  pair = lull_new(thread, pair_type);
  STRESS_CHECK(pair != NULL, "no memory for a pair");
  for (unsigned i = 0; i < LITTER; i++)
    new_baton(thread, 0);
  course->pair = lull_handle_new(thread, pair);
  course->handles[0] = lull_handle_new(thread, NULL);
  course->handles[1] = course->pass == pass_release ? NULL : lull_handle_new(thread, NULL);
  STRESS_CHECK(course->pair && course->handles[0], "no memory for handles");
  if (course->pass == pass_fields || course->pass == pass_window)
    lull_store(thread, pair, &pair->field[0], baton);
  else if (course->pass == pass_handles || course->pass == pass_release)
    lull_handle_set(thread, course->handles[0], baton);
  else
    lull_root_store(thread, &course->slots[0], baton);
}

/* Where the baton is when all threads have stopped between two passes: in exactly one of the
 * places. */
static void check_end(lull_thread *thread, struct course *course) {
  struct pair *pair = lull_handle_get(thread, course->pair);
  struct baton *found = NULL;
  unsigned places = 0;

  if (course->pass == pass_window) {
    check_baton(lull_load(&pair->field[0]), course->number);
    return;
  }

  for (unsigned i = 0; i < 2; i++) {
    void *in[3] = {lull_load(&course->slots[i]), lull_load(&pair->field[i]),
                   course->handles[i] ? lull_handle_get(thread, course->handles[i]) : NULL};
    for (unsigned j = 0; j < 3; j++)
      if (in[j]) {
        found = in[j];
        places++;
      }
  }
  STRESS_CHECK(places == 1, "at the end the baton is in %u places", places);
  check_baton(found, course->number);
}

static void tear_down(lull_thread *thread, struct course *course) {
  for (unsigned i = 0; i < 2; i++)
    if (course->handles[i])
      STRESS_OK(lull_handle_release(thread, course->handles[i]));
  STRESS_OK(lull_handle_release(thread, course->pair));
  STRESS_OK(lull_shared_range_remove(thread, course->slots));
}

static void run(lull_heap *heap, lull_thread *thread, const char *name,
                void (*pass)(struct member *, struct course *), uint64_t span) {
  static struct course course;
  struct team team;
  uint64_t before = figures_stats(heap).cycles, began = clock_wall(), passes, cycles;

  memset(&course, 0, sizeof course);
  course.pass = pass;
  set_up(thread, &course);
  STRESS_OK(lull_blocked_begin(thread));
  team_start(&team, heap, PASSERS + 1, seed, work, &course);
  while (clock_wall() - began < span)
    clock_pause(1000000);
  atomic_store_explicit(&course.over, true, memory_order_relaxed);
  team_join(&team);
  STRESS_OK(lull_blocked_end(thread));
  check_end(thread, &course);
  tear_down(thread, &course);
  passes = atomic_load(&course.passes);
  cycles = figures_stats(heap).cycles - before;
  STRESS_CHECK(passes > 0 && cycles > 0, "%s: %llu passes in %llu cycles", name,
               (unsigned long long)passes, (unsigned long long)cycles);
  figures_count(name, passes);
  fprintf(stderr, "handoff: %s done\n", name);
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*pass)(struct member *, struct course *);
  } ways[] = {{"exchange", pass_exchange}, {"slots", pass_slots},   {"handles", pass_handles},
              {"release", pass_release},   {"fields", pass_fields}, {"window", pass_window},
              {"scan", pass_scan}};
  enum { WAYS = sizeof ways / sizeof *ways };
  const char *options = NULL;
  const struct argument table[] = {
      {"seconds", ARGUMENT_COUNT, &seconds, "how long, for all ways of passing together"},
      {"seed", ARGUMENT_COUNT, &seed, "of the random choices"},
      {"options", ARGUMENT_TEXT, &options, "options of the heap, as in LULL_OPTIONS"},
      {NULL, ARGUMENT_FLAG, NULL, NULL}};
  lull_heap *heap;
  lull_thread *thread;

  arguments_parse(argc, argv, "Two threads pass one object through two places.", table);
  heap =
      heap_make("heap.max=32M,stress.loop=true,stress.scribble=true,stress.delay=500us", options);
  define_types(heap);
  thread = heap_attach(heap);
  figures_start("handoff");
  for (unsigned i = 0; i < WAYS; i++)
    run(heap, thread, ways[i].name, ways[i].pass, seconds * 1000000000u / WAYS);
  heap_detach(thread);
  figures_heap(heap);
  figures_end();
  heap_end(heap);
  return 0;
}
