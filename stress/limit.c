/*
 * limit: threads fill the heap to its limit with live data. The out-of-memory hook is called,
 * allocations return NULL with LULL_E_MEMORY, half of the data is dropped, and all goes on; several
 * times, in the last rounds with a hook that makes room itself.
 *
 * Checked: that NULL came only with the heap really full of live data, its status, the hook's
 * reason, the contents of all that was kept, and that garbage can be made without a failure once
 * there is room.
 */
#include "stress/common/arguments.h"
#include "stress/common/check.h"
#include "stress/common/clock.h"
#include "stress/common/figures.h"
#include "stress/common/heap.h"
#include "stress/common/team.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

struct block {
  lull_object header;
  size_t length;
  struct block *next;
  uint64_t number;
  uint8_t at[];
};

enum { LEAST_FULL_PERCENT = 60 };

static uint64_t limit = 64u << 20, rounds = 4, threads = 2, seed = 1;
static lull_type block_type;
/* Live bytes that all threads hold in their lists. */
static atomic_ullong held;
static atomic_ullong failures, hook_calls, hook_rescues;
static pthread_barrier_t barrier;

/* One thread's list. Owned by it. */
struct stack {
  struct block *head;
  uint64_t blocks, bytes;
};

static _Thread_local struct stack
    *own_stack; /* for the hook, which runs on the thread that allocates */
static _Thread_local bool hook_makes_room;

static void drop_half(struct stack *stack) {
  for (uint64_t keep = stack->blocks / 2; stack->blocks > keep; stack->blocks--) {
    uint64_t size = stack->head->length;
    stack->bytes -= size;
    atomic_fetch_sub(&held, size);
    stack->head = stack->head->next;
  }
}

static bool out_of_memory(lull_thread *thread, size_t size, lull_oom why, void *data) {
  (void)thread, (void)size, (void)data;
  STRESS_CHECK(why == LULL_OOM_LIMIT, "the hook's reason is %d", why);
  atomic_fetch_add(&hook_calls, 1);
  if (!hook_makes_room || !own_stack)
    return false;
  hook_makes_room = false;
  drop_half(own_stack);
  atomic_fetch_add(&hook_rescues, 1);
  return true;
}

static size_t random_length(struct random *random) {
  switch (random_below(random, 20)) {
  case 0:
    return 8000 + random_below(random, 60000);
  case 1:
  case 2:
    return 1000 + random_below(random, 7000);
  default:
    return random_below(random, 500);
  }
}

static bool push(lull_thread *thread, struct stack *stack, struct random *random) {
  size_t length = random_length(random);
  struct block *block = lull_new_array(thread, block_type, length);

  if (!block) {
    STRESS_CHECK(lull_last_error() == LULL_E_MEMORY, "failure is \"%s\"",
                 lull_status_text(lull_last_error()));
    atomic_fetch_add(&failures, 1);
    return false;
  }
  block->number = stack->blocks;
  if (length)
    block->at[0] = block->at[length - 1] = (uint8_t)block->number;
  lull_init(thread, block, &block->next, stack->head);
  stack->head = block;
  stack->blocks++;
  stack->bytes += length;
  atomic_fetch_add(&held, length);
  return true;
}

static void check_stack(lull_thread *thread, struct block *head, const struct stack *stack) {
  uint64_t number = stack->blocks, bytes = 0;
  LULL_ROOTS(thread, head);

  for (; head; head = head->next) {
    STRESS_CHECK(head->number == --number, "block %llu has number %llu", (unsigned long long)number,
                 (unsigned long long)head->number);
    STRESS_CHECK(!head->length || (head->at[0] == (uint8_t)number &&
                                   head->at[head->length - 1] == (uint8_t)number),
                 "block %llu is overwritten", (unsigned long long)number);
    bytes += head->length;
    lull_poll(thread);
  }
  STRESS_CHECK(number == 0 && bytes == stack->bytes, "%llu blocks are lost",
               (unsigned long long)number);
}

static void meet(lull_thread *thread) {
  STRESS_OK(lull_blocked_begin(thread));
  pthread_barrier_wait(&barrier);
  STRESS_OK(lull_blocked_end(thread));
}

/* Where no hook makes room, nobody drops anything before all have come here: then NULL means full.
 */
static void fill(struct member *member, struct stack *stack, bool room) {
  while (push(member->thread, stack, &member->random))
    continue;
  STRESS_CHECK(room || atomic_load(&held) > limit / 100 * LEAST_FULL_PERCENT,
               "NULL with %llu of %llu KB live", (unsigned long long)atomic_load(&held) >> 10,
               (unsigned long long)limit >> 10);
}

static void litter(lull_thread *thread, struct random *random) {
  for (uint64_t bytes = 0; bytes < limit;) {
    size_t length = random_below(random, 500);
    STRESS_CHECK(lull_new_array(thread, block_type, length) != NULL,
                 "garbage cannot be made with %llu of %llu KB live: %s",
                 (unsigned long long)atomic_load(&held) >> 10, (unsigned long long)limit >> 10,
                 lull_status_text(lull_last_error()));
    bytes += length + sizeof(struct block);
  }
}

static void one_round(struct member *member, struct stack *stack, bool room) {
  hook_makes_room = room;
  fill(member, stack, room);
  meet(member->thread);
  STRESS_CHECK(lull_new_array(member->thread, block_type, limit) == NULL &&
                   lull_last_error() == LULL_E_RANGE,
               "more than the limit at once: %s", lull_status_text(lull_last_error()));
  check_stack(member->thread, stack->head, stack);
  meet(member->thread);
  drop_half(stack);
  meet(member->thread);
  litter(member->thread, &member->random);
  check_stack(member->thread, stack->head, stack);
  meet(member->thread);
}

static void work(struct member *member) {
  struct stack stack = {0};
  LULL_ROOTS(member->thread, stack.head);

  own_stack = &stack;
  for (uint64_t round = 0; round < rounds; round++) {
    one_round(member, &stack, round >= rounds / 2);
    if (member->index == 0)
      fprintf(stderr, "limit: round %llu done\n", (unsigned long long)round);
  }
  own_stack = NULL;
}

int main(int argc, char **argv) {
  static const uint64_t map[] = {LULL_BIT(struct block, next)};
  const char *options = NULL;
  const struct argument table[] = {
      {"limit", ARGUMENT_COUNT, &limit, "limit of the heap"},
      {"rounds", ARGUMENT_COUNT, &rounds, "how often it is filled"},
      {"threads", ARGUMENT_COUNT, &threads, "threads"},
      {"seed", ARGUMENT_COUNT, &seed, "of the random choices"},
      {"options", ARGUMENT_TEXT, &options, "options of the heap, as in LULL_OPTIONS"},
      {NULL, ARGUMENT_FLAG, NULL, NULL}};
  char text[64];
  lull_heap *heap;
  uint64_t began;

  arguments_parse(argc, argv, "The heap's limit, reached with live data.", table);
  snprintf(text, sizeof text, "heap.max=%lluK", (unsigned long long)limit >> 10);
  heap = heap_make(text, options);
  block_type = heap_type(
      heap, (lull_type_desc){.name = "block",
                             .size = sizeof(struct block),
                             .layout = {.refs = LULL_REFS_MAP, .map = map, .map_words = 1},
                             .element_size = 1,
                             .length_offset = offsetof(struct block, length)});
  STRESS_OK(lull_heap_oom_hook(heap, out_of_memory, NULL));
  pthread_barrier_init(&barrier, NULL, (unsigned)threads);
  began = clock_wall();
  team_run(heap, (unsigned)threads, seed, work, NULL);
  pthread_barrier_destroy(&barrier);
  STRESS_CHECK(atomic_load(&failures) >= rounds * threads &&
                   atomic_load(&hook_calls) >= atomic_load(&failures),
               "%llu failures, %llu calls of the hook", (unsigned long long)atomic_load(&failures),
               (unsigned long long)atomic_load(&hook_calls));
  STRESS_CHECK(atomic_load(&hook_rescues) > 0, "the hook never made room");
  figures_start("limit");
  figures_count("rounds", rounds);
  figures_count("failures", atomic_load(&failures));
  figures_count("hook_calls", atomic_load(&hook_calls));
  figures_count("hook_rescues", atomic_load(&hook_rescues));
  figures_real("seconds", clock_seconds(began, clock_wall()));
  figures_heap(heap);
  figures_memory();
  figures_end();
  heap_end(heap);
  return 0;
}
