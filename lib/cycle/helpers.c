/*
 * cycle/helpers.c: threads that help the driver of a cycle where cores are idle.
 *
 * Invariants: Q.1 to Q.4 of cycle/helpers.h; M.3 of mark/mark.h. Model of their part in marking:
 * mark.pml, where a helper comes and goes as it likes.
 *
 * Threads: the driver (looks, makes, wakes), the helpers, and any marker that wakes them. Ordering:
 * a helper reads the value of an event before it looks whether there is anything to do
 * (support/event.h); counts and limits are hints.
 */
#include "cycle/helpers.h"

#include <signal.h>
#include "heap/heap.h"
#include "heap/sweep.h"
#include "support/assert.h"
#include "support/clock.h"
#include "support/fault.h"
#include "support/memory.h"

#define PIECE_NS (500 * LU_MICROSECOND)   /* of marking, between looks at the machine */
#define BLOCKS_EACH 512                   /* of a sweep, for each helper that is woken for it */
/* marking must be faster by so much with helpers, and with twice as many */
#define GAIN 1.125
#define FIRST 2                           /* helpers that the first look wakes at most */

static void count_running(struct lu_thread *thread, void *arg) {
  *(unsigned *)arg += atomic_load_explicit(&thread->os->state, memory_order_relaxed) == LU_RUNNING;
}

static void count_registry(struct lu_registry *registry, void *arg) {
  lu_registry_each(registry, count_running, arg);
}

/*
 * How many helpers of this heap there are cores for: those at work, and idle cores; less if more
 * threads run than there are cores. A thread that is attached to two heaps counts twice, one that
 * sleeps without saying so (lull_blocked_begin) counts as running: both keep helpers away.
 */
static unsigned room(const struct lu_helpers *helpers) {
  unsigned running = lu_cores_collecting();
  lu_registries_each(count_registry, &running);
  unsigned cores = lu_cores() + atomic_load_explicit(&helpers->at_work, memory_order_relaxed);
  unsigned all = cores > running ? cores - running : 0;
  return all < helpers->most ? all : helpers->most;
}

static bool has_retired(const struct lu_helper *helper) {
  return atomic_load_explicit(&helper->retired, memory_order_relaxed) ==
         atomic_load_explicit(&helper->heap->helpers.round, memory_order_relaxed);
}

static bool may_work(const struct lu_helper *helper) {
  return helper->index <
             atomic_load_explicit(&helper->heap->helpers.allowed, memory_order_relaxed) &&
         !has_retired(helper);
}

static void retire(struct lu_helper *helper) {
  uint32_t round = atomic_load_explicit(&helper->heap->helpers.round, memory_order_relaxed);
  atomic_store_explicit(&helper->retired, round, memory_order_relaxed);
}

static void begin_work(struct lu_helper *helper) {
  lu_cores_begin();
  atomic_fetch_add_explicit(&helper->heap->helpers.at_work, 1, memory_order_relaxed);
  helper->waited.wall_ns = helper->waited.waited_ns = 0;
  lu_waited_begin(&helper->waited);
}

static void end_work(struct lu_helper *helper) {
  atomic_fetch_sub_explicit(&helper->heap->helpers.at_work, 1, memory_order_relaxed);
  lu_cores_end();
}

/* After each piece of work: Q.1 and Q.2. */
static void judge(struct lu_helper *helper) {
  struct lu_helpers *helpers = &helper->heap->helpers;
  atomic_fetch_add_explicit(&helpers->cpu_ns, lu_waited_end(&helper->waited), memory_order_relaxed);
  if (helpers->automatic) {
    if (lu_waited_much(&helper->waited))
      retire(helper);
    unsigned now = room(helpers);
    if (now < atomic_load_explicit(&helpers->allowed, memory_order_relaxed))
      atomic_store_explicit(&helpers->allowed, now, memory_order_relaxed);
  }
  lu_waited_begin(&helper->waited);
}

/* Marks in pieces while there is something to take. Returns whether there was. */
static bool help_marking(struct lu_helper *helper) {
  lull_heap *heap = helper->heap;
  struct lu_marker marker;
  if (atomic_load(&heap->marking.packets.grey_count) == 0 || !lu_marker_enter(&marker, heap, false))
    return false;
  begin_work(helper);
  bool done;
  do {
    struct lu_budget piece = lu_budget_of_time(PIECE_NS);
    done = lu_marker_drain(&marker, &piece);
    judge(helper);
  } while (!done && may_work(helper));
  uint64_t marked = marker.marked;
  lu_marker_leave(&marker);
  end_work(helper);
  if (marked != 0)
    lu_count_shared(&heap->figures.helper_packets, 1 + marked / LU_PACKET_ENTRIES);
  return true;
}

static bool go_on(void *arg) {
  judge(arg);
  return may_work(arg);
}

/* Sweeps slabs while there are some. Returns whether there were. */
static bool help_sweeping(struct lu_helper *helper) {
  struct lu_helpers *helpers = &helper->heap->helpers;
  size_t blocks = 0;
  atomic_fetch_add(&helpers->sweepers, 1);
  if (atomic_load(&helpers->sweeping)) {
    begin_work(helper);
    blocks = lu_sweep_help(helpers->sweep, go_on, helper);
    end_work(helper);
    lu_count_shared(&helper->heap->figures.helper_blocks, blocks);
  }
  if (atomic_fetch_sub(&helpers->sweepers, 1) == 1)
    lu_event_signal(&helpers->swept);
  return blocks != 0;
}

/* Works for as long as it may. */
static void take_part(struct lu_helper *helper) {
  struct lu_helpers *helpers = &helper->heap->helpers;
  for (;;) {
    uint32_t seen = lu_event_value(&helpers->work);
    if (atomic_load(&helpers->stop) || !may_work(helper))
      return;
    if (help_marking(helper) || help_sweeping(helper))
      continue;
    atomic_store_explicit(&helper->heap->marking.hungry, 1, memory_order_relaxed);
    lu_event_wait(&helpers->work, seen, LU_FOREVER);
  }
}

static void *helper_main(void *arg) {
  struct lu_helper *helper = arg;
  struct lu_helpers *helpers = &helper->heap->helpers;
  for (;;) {
    uint32_t seen = lu_event_value(&helpers->begin);
    if (atomic_load(&helpers->stop))
      return NULL;
    if (may_work(helper))
      take_part(helper);
    else
      lu_event_wait(&helpers->begin, seen, LU_FOREVER);
  }
}

/* Signals are the program's: helpers take none. */
static bool spawn(struct lu_helper *helper) {
  sigset_t all, before;
  if (lu_fault(LU_FAULT_SPAWN))
    return false;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool made = pthread_create(&helper->thread, NULL, helper_main, helper) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (made)
    pthread_setname_np(helper->thread, "lull-helper");
  return made;
}

/* Makes threads until there are `wanted`, or the system refuses one: then no more in this round. */
static void make(lull_heap *heap, unsigned wanted) {
  struct lu_helpers *helpers = &heap->helpers;
  unsigned count = atomic_load_explicit(&helpers->count, memory_order_relaxed);
  unsigned round = atomic_load_explicit(&helpers->round, memory_order_relaxed);
  if (count >= wanted || helpers->refused == round)
    return;
  if (helpers->row == NULL)
    helpers->row = lu_zalloc_array(LU_FAULT_METADATA, helpers->most, sizeof *helpers->row);
  for (; helpers->row != NULL && count < wanted; count++) {
    struct lu_helper *helper = &helpers->row[count];
    *helper = (struct lu_helper){.heap = heap, .index = count};
    if (!spawn(helper))
      break;
    atomic_store_explicit(&helpers->count, count + 1, memory_order_relaxed);
  }
  if (count < wanted)
    helpers->refused = round;
}

/* Lets the first `allowed` helpers work, and wakes them if there were fewer. */
static void allow(lull_heap *heap, unsigned allowed) {
  struct lu_helpers *helpers = &heap->helpers;
  unsigned before = atomic_exchange_explicit(&helpers->allowed, allowed, memory_order_relaxed);
  if (allowed <= before)
    return;
  lu_event_signal(&helpers->begin);
  lu_helpers_wake(heap);
}

/* No helper may work: how many are tried now. */
static unsigned try_again(struct lu_helpers *helpers) {
  if (helpers->rest == 0)
    return FIRST;
  helpers->rest--;
  return 0;
}

/*
 * How many helpers pay, judged by the objects that all markers scanned since the last look: Q.3.
 * Their CPU time would not tell: where there is little to share it goes into waking each other.
 */
static unsigned worth(struct lu_helpers *helpers, uint64_t scanned) {
  unsigned before = atomic_load_explicit(&helpers->allowed, memory_order_relaxed);
  uint64_t now = lu_now_ns();
  double last = helpers->rate;
  helpers->rate =
      (double)(scanned - helpers->looked_scanned) / (double)(now - helpers->looked_ns + 1);
  helpers->looked_ns = now;
  helpers->looked_scanned = scanned;
  if (before == 0) {
    helpers->alone = helpers->rate;
    return try_again(helpers);
  }
  if (helpers->rate < helpers->alone * GAIN) {
    helpers->rest = helpers->next_rest;
    helpers->next_rest = 2 * helpers->next_rest + 1;
    return 0;
  }
  helpers->next_rest = 0;
  return helpers->rate > last * GAIN ? 2 * before : before;
}

void lu_helpers_look(lull_heap *heap) {
  struct lu_helpers *helpers = &heap->helpers;
  if (!helpers->automatic || helpers->most == 0 ||
      (!lu_collector_runs(&heap->cycle) && !heap->cycle.run.stopped))
    return;
  uint64_t scanned = atomic_load_explicit(&heap->marking.progress, memory_order_relaxed);
  unsigned now = worth(helpers, scanned), most = room(helpers);
  if (now > most)
    now = most;
  make(heap, now);
  allow(heap, now);
}

void lu_helpers_begin(lull_heap *heap) {
  struct lu_helpers *helpers = &heap->helpers;
  /* 0 is the round of helpers that have never retired. */
  uint32_t round = atomic_load_explicit(&helpers->round, memory_order_relaxed) + 1;
  atomic_store_explicit(&helpers->round, round != 0 ? round : 1, memory_order_relaxed);
  helpers->rest = helpers->next_rest = 0;
  helpers->looked_ns = lu_now_ns();
  helpers->looked_scanned = 0;
  if (helpers->automatic || helpers->most == 0)
    return;
  make(heap, helpers->most);
  allow(heap, helpers->most);
}

void lu_helpers_rest(lull_heap *heap) {
  atomic_store_explicit(&heap->helpers.allowed, 0, memory_order_relaxed);
}

void lu_helpers_begin_sweep(lull_heap *heap) {
  struct lu_helpers *helpers = &heap->helpers;
  unsigned wanted = helpers->most;
  if (helpers->automatic && !lu_collector_runs(&heap->cycle) && !heap->cycle.run.stopped)
    return;
  if (helpers->automatic && wanted != 0) {
    size_t worth = lu_sweep_blocks(&heap->cycle.run.sweep) / BLOCKS_EACH;
    wanted = worth == 0 ? 0 : room(helpers);
    wanted = worth < wanted ? (unsigned)worth : wanted;
  }
  if (wanted == 0)
    return;
  helpers->sweep = &heap->cycle.run.sweep;
  atomic_store(&helpers->sweeping, true);
  make(heap, wanted);
  allow(heap, wanted);
}

void lu_helpers_end_sweep(lull_heap *heap) {
  struct lu_helpers *helpers = &heap->helpers;
  atomic_store(&helpers->sweeping, false);
  lu_helpers_rest(heap);
  for (;;) {
    uint32_t seen = lu_event_value(&helpers->swept);
    if (atomic_load(&helpers->sweepers) == 0)
      return;
    lu_event_wait(&helpers->swept, seen, LU_MILLISECOND);
  }
}

uint64_t lu_helpers_cpu_ns(lull_heap *heap) {
  return atomic_exchange_explicit(&heap->helpers.cpu_ns, 0, memory_order_relaxed);
}

void lu_helpers_wake(lull_heap *heap) {
  if (atomic_load_explicit(&heap->helpers.count, memory_order_relaxed) != 0)
    lu_event_signal(&heap->helpers.work);
}

void lu_helpers_init(lull_heap *heap) {
  struct lu_helpers *helpers = &heap->helpers;
  helpers->automatic = heap->settings.gc_helpers == LU_AUTO;
  helpers->most = helpers->automatic ? lu_cores() - 1 : (unsigned)heap->settings.gc_helpers;
  lu_event_init(&helpers->begin);
  lu_event_init(&helpers->work);
  lu_event_init(&helpers->swept);
}

void lu_helpers_fini(lull_heap *heap) {
  struct lu_helpers *helpers = &heap->helpers;
  atomic_store(&helpers->stop, true);
  lu_event_signal(&helpers->begin);
  lu_event_signal(&helpers->work);
  for (unsigned i = 0; i < atomic_load_explicit(&helpers->count, memory_order_relaxed); i++)
    pthread_join(helpers->row[i].thread, NULL);
  atomic_store_explicit(&helpers->count, 0, memory_order_relaxed);
  lu_free(helpers->row);
  helpers->row = NULL;
}
