/*
 * stuck: one thread runs in a loop without safepoints while others fill the heap with garbage up to
 * its limit. The watchdog must name the thread; the others must get neither NULL for lack of memory
 * (there is plenty of garbage) nor wait for ever: their allocations end with LULL_E_PROGRESS. When
 * the thread polls again all goes on.
 *
 * Checked: the log line, the status of every failed allocation, how long each took, the hook's
 * reason, and that afterwards each thread can allocate twice the heap's limit without one failure.
 */
#include "stress/common/arguments.h"
#include "stress/common/check.h"
#include "stress/common/clock.h"
#include "stress/common/figures.h"
#include "stress/common/heap.h"
#include "stress/common/log.h"
#include "stress/common/team.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

struct bytes {
  lull_object header;
  size_t length;
  uint8_t at[];
};

enum { PIECE = 1000 };

static uint64_t limit = 32u << 20, timeout_ms = 1000, threads = 3, seed = 1;
static lull_type bytes_type;
static char thread_id[32];
/* The looping thread: `looping` is set by it, `released` by the main thread (release, acquire: they
 * order the counts below). */
static atomic_bool looping, released;
/* Allocations that ended with LULL_E_PROGRESS; how many threads have seen one. Relaxed counters. */
static atomic_ullong failures, failed_threads, longest_wait;
/* Calls of the hook by reason. */
static atomic_ullong hook_progress, hook_other;

static bool out_of_memory(lull_thread *thread, size_t size, lull_oom why, void *data) {
  (void)thread, (void)size, (void)data;
  atomic_fetch_add(why == LULL_OOM_PROGRESS ? &hook_progress : &hook_other, 1);
  return false;
}

static void loop(struct member *member) {
  pthread_setname_np(pthread_self(), "no-safepoint");
  snprintf(thread_id, sizeof thread_id, "%ld", (long)syscall(SYS_gettid));
  lull_poll(member->thread);
  atomic_store_explicit(&looping, true, memory_order_release);
  while (!atomic_load_explicit(&released, memory_order_acquire))
    continue;
}

static void note_wait(uint64_t taken) {
  unsigned long long longest = atomic_load(&longest_wait);
  while (taken > longest && !atomic_compare_exchange_weak(&longest_wait, &longest, taken))
    continue;
}

/* Allocates a piece of garbage; false when that failed for lack of progress, which is the only
 * failure allowed. */
static bool litter(lull_thread *thread) {
  uint64_t began = clock_wall();
  struct bytes *bytes = lull_new_array(thread, bytes_type, PIECE);

  note_wait(clock_wall() - began);
  if (bytes) {
    bytes->at[PIECE - 1] = 1;
    return true;
  }
  STRESS_CHECK(lull_last_error() == LULL_E_PROGRESS, "a false NULL: %s",
               lull_status_text(lull_last_error()));
  STRESS_CHECK(atomic_load_explicit(&looping, memory_order_relaxed),
               "LULL_E_PROGRESS before the thread loops");
  atomic_fetch_add(&failures, 1);
  return false;
}

static void litter_until_stuck(lull_thread *thread) {
  while (litter(thread))
    continue;
  atomic_fetch_add(&failed_threads, 1);
  while (!atomic_load_explicit(&released, memory_order_acquire))
    litter(thread);
}

/* The first allocations may still be told of what was; after one success none may fail. */
static void litter_afterwards(lull_thread *thread) {
  uint64_t pieces = 2 * limit / PIECE;

  while (!litter(thread))
    continue;
  for (uint64_t i = 0; i < pieces; i++)
    STRESS_CHECK(litter(thread), "an allocation failed after the thread polled again");
}

static void work(struct member *member) {
  if (member->index == 0) {
    loop(member);
    return;
  }
  while (!atomic_load_explicit(&looping, memory_order_acquire))
    lull_poll(member->thread);
  litter_until_stuck(member->thread);
  litter_afterwards(member->thread);
}

static void await_failures(void) {
  uint64_t began = clock_wall();

  while (atomic_load(&failed_threads) < threads) {
    STRESS_CHECK(clock_wall() - began < 60000000000u, "%llu of %llu threads still wait after 60 s",
                 (unsigned long long)(threads - atomic_load(&failed_threads)),
                 (unsigned long long)threads);
    clock_pause(1000000);
  }
}

static void await_name(void) {
  uint64_t began = clock_wall();

  while (log_count(0, thread_id) == 0 && log_count(0, "no-safepoint") == 0) {
    STRESS_CHECK(clock_wall() - began < 60000000000u, "the watchdog did not name thread %s",
                 thread_id);
    clock_pause(1000000);
  }
}

static void run(lull_heap *heap) {
  struct team team;

  STRESS_OK(lull_heap_oom_hook(heap, out_of_memory, NULL));
  team_start(&team, heap, (unsigned)threads + 1, seed, work, NULL);
  await_failures();
  await_name();
  atomic_store_explicit(&released, true, memory_order_release);
  team_join(&team);
  STRESS_CHECK(atomic_load(&hook_other) == 0, "the hook was called for lack of memory");
  STRESS_CHECK(atomic_load(&hook_progress) > 0, "the hook was not called");
  STRESS_CHECK(atomic_load(&longest_wait) < (timeout_ms * 4 + 10000) * 1000000,
               "an allocation waited for %.1f s", (double)atomic_load(&longest_wait) / 1e9);
  STRESS_CHECK(figures_stats(heap).slow_polls > 0, "no slow poll was counted");
}

int main(int argc, char **argv) {
  const char *options = NULL;
  const struct argument table[] = {
      {"limit", ARGUMENT_COUNT, &limit, "limit of the heap"},
      {"timeout", ARGUMENT_COUNT, &timeout_ms, "stall.timeout in milliseconds"},
      {"threads", ARGUMENT_COUNT, &threads, "threads that allocate"},
      {"options", ARGUMENT_TEXT, &options, "options of the heap, as in LULL_OPTIONS"},
      {NULL, ARGUMENT_FLAG, NULL, NULL}};
  char text[128];
  lull_heap *heap;

  arguments_parse(argc, argv, "A thread that does not poll, and others at the limit.", table);
  log_capture(true);
  snprintf(text, sizeof text, "heap.max=%lluK,stall.timeout=%llums,watchdog=100ms",
           (unsigned long long)limit >> 10, (unsigned long long)timeout_ms);
  heap = heap_make(text, options);
  bytes_type = heap_type(heap, (lull_type_desc){.name = "bytes",
                                                .size = sizeof(struct bytes),
                                                .element_size = 1,
                                                .length_offset = offsetof(struct bytes, length)});
  run(heap);
  figures_start("stuck");
  figures_count("progress_failures", atomic_load(&failures));
  figures_real("longest_wait_s", (double)atomic_load(&longest_wait) / 1e9);
  figures_count("slow_polls", figures_stats(heap).slow_polls);
  figures_heap(heap);
  figures_end();
  heap_end(heap);
  return 0;
}
