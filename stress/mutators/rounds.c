/*
 * One round: heaps, threads, readers of statistics, and at the end the last checks: the verifier
 * finds nothing, what is alive is what the roots reach, what handles still hold is whole, and when
 * all roots are gone a collection leaves nothing alive.
 *
 * `current` is the round that lasts, guarded by `current_lock`: the main thread sets and clears it,
 * the watchdog and a thread that fails look at it.
 */
#include "stress/mutators/rounds.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "stress/common/check.h"
#include "stress/common/clock.h"
#include "stress/common/figures.h"
#include "stress/common/heap.h"
#include "stress/common/log.h"

static struct round *current;
static pthread_mutex_t current_lock = PTHREAD_MUTEX_INITIALIZER;
/* Counts steps of the main thread, for the watchdog; relaxed. */
static atomic_ullong main_steps;

static void set_current(struct round *round) {
  pthread_mutex_lock(&current_lock);
  current = round;
  pthread_mutex_unlock(&current_lock);
}

static void step(void) {
  atomic_fetch_add_explicit(&main_steps, 1, memory_order_relaxed);
}

static void start_world(struct round *round, unsigned i) {
  struct world *world = &round->world[i];
  lull_thread *thread;

  world->heap = heap_make(round->options[i], NULL);
  kinds_define(world->heap, &world->kinds);
  if (round->seed % 2)
    STRESS_OK(lull_heap_oom_hook(world->heap, control_out_of_memory, world));
  for (unsigned j = 0; j < SHARED_HANDLES; j++)
    pthread_mutex_init(&world->handles[j].lock, NULL);
  thread = heap_attach(world->heap);
  STRESS_OK(lull_shared_range_add(thread, world->slots, SHARED_SLOTS));
  heap_detach(thread);
}

/* A reader of statistics, never attached: counters must not fall. */
static void read_stats(lull_heap *heap, lull_stats *last) {
  lull_stats now = figures_stats(heap);

  STRESS_CHECK(now.cycles >= last->cycles && now.bytes_allocated >= last->bytes_allocated &&
                   now.handshakes >= last->handshakes &&
                   now.threads_attached >= last->threads_attached &&
                   now.caused.count >= last->caused.count,
               "a counter of the statistics fell");
  STRESS_CHECK(now.cycles_started >= last->cycles_started && now.cycles_started + 1 >= now.cycles,
               "%" PRIu64 " cycles started, %" PRIu64 " completed", now.cycles_started, now.cycles);
  *last = now;
}

static void *read_all(void *argument) {
  struct round *round = argument;
  struct random random = random_seeded(round->seed, UINT64_MAX - 1);
  static _Thread_local lull_stats last[WORLDS_MOST];

  while (!atomic_load_explicit(&round->over, memory_order_relaxed)) {
    unsigned i = random_below(&random, round->worlds);
    read_stats(round->world[i].heap, &last[i]);
    if (random_once(&random, round->world[i].patient ? 2000 : 20))
      lull_collect_start(round->world[i].heap);
    clock_pause(random_below(&random, 2000000));
  }
  return NULL;
}

static void await_end(struct round *round, uint64_t nanoseconds) {
  uint64_t began = clock_wall();

  if (round->operations == 0) {
    while (clock_wall() - began < nanoseconds)
      clock_pause(10000000);
    atomic_store_explicit(&round->over, true, memory_order_relaxed);
  }
  for (unsigned i = 0; i < round->actors; i++)
    keeper_join(&round->keeper[i]);
  atomic_store_explicit(&round->over, true, memory_order_relaxed);
}

static void run_threads(struct round *round, uint64_t nanoseconds) {
  bool reads = round->operations == 0;
  pthread_t reader;

  if (reads)
    STRESS_CHECK(pthread_create(&reader, NULL, read_all, round) == 0, "no thread");
  for (unsigned i = 0; i < round->actors; i++)
    keeper_start(&round->keeper[i]);
  await_end(round, nanoseconds);
  if (reads)
    pthread_join(reader, NULL);
}

/* Checks what an actor's handles hold, as the actor's own thread would, and gives them back. */
static void end_actor(struct round *round, struct actor *actor, unsigned i) {
  struct mutator *m = &actor->mutator[i];

  m->thread = lull_self(round->world[i].heap);
  m->range = stress_calloc(RANGE_ROOTS, sizeof *m->range);
  private_check_all(m);
  mutator_end(m);
  free(m->range);
  step();
}

/*
 * All that has died is found: by the second collection also in blocks that were in use when the
 * first one swept.
 */
static void collect_all(lull_thread *thread) {
  STRESS_OK(lull_collect(thread));
  STRESS_OK(lull_collect(thread));
}

/* What is alive is what the roots reach. */
static void check_census(struct round *round, unsigned i, lull_thread *thread) {
  uint64_t live, reached;

  collect_all(thread);
  live = figures_stats(thread->heap).bytes_live;
  reached = census_bytes(round, i, thread);
  STRESS_CHECK(live == reached, "%" PRIu64 " bytes are alive, and the roots reach %" PRIu64, live,
               reached);
}

/* No root is left: nothing may be alive. */
static void check_empty(lull_thread *thread) {
  lull_stats stats;

  collect_all(thread);
  stats = figures_stats(thread->heap);
  STRESS_CHECK(stats.bytes_live == 0, "%" PRIu64 " bytes are alive without any root",
               stats.bytes_live);
  STRESS_CHECK(stats.threads == 1, "%" PRIu64 " threads are attached", stats.threads);
}

static void end_world(struct round *round, unsigned i, struct totals *totals) {
  struct world *world = &round->world[i];
  lull_thread *thread = heap_attach(world->heap);

  STRESS_OK(lull_verify(thread));
  check_census(round, i, thread);
  step();
  for (unsigned j = 0; j < round->actors; j++)
    end_actor(round, &round->keeper[j].actor, i);
  for (unsigned j = 0; j < SHARED_HANDLES; j++) {
    if (world->handles[j].handle)
      STRESS_OK(lull_handle_release(thread, world->handles[j].handle));
    pthread_mutex_destroy(&world->handles[j].lock);
  }
  STRESS_OK(lull_shared_range_remove(thread, world->slots));
  check_empty(thread);
  STRESS_OK(lull_verify(thread));
  heap_detach(thread);
  totals->cycles += figures_stats(world->heap).cycles;
  totals->minors += figures_stats(world->heap).cycles_minor;
  totals->verified++;
  heap_end(world->heap);
  step();
}

static void add_totals(const struct round *round, struct totals *totals) {
  totals->rounds++;
  for (unsigned i = 0; i < round->actors; i++) {
    const struct actor *actor = &round->keeper[i].actor;
    totals->operations += atomic_load(&actor->operations);
    totals->allocations += actor->allocations;
    totals->failures += actor->failures;
    totals->loads += actor->loads;
    totals->lives += actor->lives;
  }
}

static void announce(const struct round *round) {
  fprintf(stderr, "torture: round %u, %u threads\n", round->number, round->actors);
  for (unsigned i = 0; i < round->worlds; i++)
    fprintf(stderr, "torture:   %s\n", round->options[i]);
}

void round_run(const struct wishes *wishes, unsigned number, uint64_t nanoseconds,
               struct totals *totals) {
  struct round *round = stress_calloc(1, sizeof *round);

  round->number = number;
  round->seed = random_mix2(wishes->seed, number);
  round_choose(round, wishes);
  round->keeper = stress_calloc(round->actors, sizeof *round->keeper);
  for (unsigned i = 0; i < round->actors; i++)
    keeper_init(&round->keeper[i], round, i);
  announce(round);
  set_current(round);
  for (unsigned i = 0; i < round->worlds; i++)
    start_world(round, i);
  step();
  run_threads(round, nanoseconds);
  step();
  for (unsigned i = 0; i < round->worlds; i++)
    end_world(round, i, totals);
  set_current(NULL);
  add_totals(round, totals);
  free(round->keeper);
  free(round);
}

static void explain_actor(struct actor *actor) {
  unsigned long long last = atomic_load_explicit(&actor->operations, memory_order_relaxed);

  fprintf(stderr, "  %s%u: operation %llu; the last were",
          actor == actor_self ? "THIS THREAD " : "thread ", actor->number, last);
  for (unsigned i = TRAIL; i-- > 0;) {
    const char *name =
        last >= i ? atomic_load_explicit(&actor->trail[(last - i) % TRAIL], memory_order_relaxed)
                  : NULL;
    if (name)
      fprintf(stderr, " %s", name);
  }
  fputc('\n', stderr);
}

static void explain(struct round *round) {
  fprintf(stderr, "in round %u, whose seed is %" PRIu64 ":\n", round->number, round->seed);
  for (unsigned i = 0; i < round->worlds; i++)
    fprintf(stderr, "  heap %u at %p: %s\n", i, (void *)round->world[i].heap, round->options[i]);
  for (unsigned i = 0; i < round->actors; i++)
    explain_actor(&round->keeper[i].actor);
}

/* Where the lock is not to be had, the watchdog looks at the round just now, or failed itself: the
 * round lasts. */
void round_explain(void) {
  bool locked = pthread_mutex_trylock(&current_lock) == 0;

  log_print_last(200, "[api");
  if (current)
    explain(current);
  if (locked)
    pthread_mutex_unlock(&current_lock);
}

uint64_t round_pulse(void) {
  uint64_t pulse = atomic_load_explicit(&main_steps, memory_order_relaxed) << 40;

  pthread_mutex_lock(&current_lock);
  for (unsigned i = 0; current && i < current->actors; i++)
    pulse += atomic_load_explicit(&current->keeper[i].actor.operations, memory_order_relaxed);
  pthread_mutex_unlock(&current_lock);
  return pulse;
}
