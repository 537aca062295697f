/* What a round is like: everything follows from its seed and from what the user asked for. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "stress/common/check.h"
#include "stress/mutators/rounds.h"

/* One option, set in one of `of` rounds to one of the values. */
struct chance {
  const char *option;
  uint32_t of;
  const char *values[6];
};

static const struct chance chances[] = {
    {"gc.step", 3, {"10us", "100us", "5ms"}},
    {"gc.step_bytes", 6, {"4K", "64K", "1M"}},
    {"gc.work", 4, {"0", "20%", "1000%"}},
    {"gc.thread_from", 3, {"0", "1M", "1G"}},
    {"gc.helpers", 2, {"0", "1", "2", "5"}},
    {"gc.assist", 4, {"0", "10us", "1ms"}},
    {"gc.every", 8, {"64K", "512K"}},
    {"gc.start", 4, {"5", "20", "90"}},
    {"gc.packets", 8, {"64K"}},
    {"gc.generational", 5, {"false"}},
    {"gc.promote", 2, {"2", "3", "7"}},
    {"gc.young", 2, {"64K", "512K", "4M"}},
    {"rs.max", 6, {"4K", "64K"}},
    {"rs.card", 3, {"64", "128", "1K", "8K"}},
    {"heap.initial", 3, {"1M", "4M"}},
    {"heap.growth", 4, {"10", "50", "300"}},
    {"heap.return", 4, {"false"}},
    {"heap.huge", 8, {"true"}},
    {"verify", 3, {"cycle", "phase", "barrier"}},
    {"debug.audit", 6, {"true"}},
    {"stress.region", 2, {"128", "256", "1K", "4K"}},
    {"stress.packet", 2, {"1", "2", "7"}},
    {"stress.delay", 2, {"5us", "50us", "200us", "1ms"}},
    {"stress.loop", 2, {"true"}},
    {"stress.epoch_bits", 2, {"4", "5", "8", "15"}},
    {"stress.membarrier", 3, {"false"}},
};

static void __attribute__((format(printf, 2, 3))) append(char *text, const char *format, ...) {
  size_t used = strlen(text), size = sizeof((struct round *)0)->options[0];
  va_list values;
  int length;

  va_start(values, format);
  length = vsnprintf(text + used, size - used, format, values);
  va_end(values);
  STRESS_CHECK(length >= 0 && (size_t)length < size - used, "too many options");
}

static void choose_chances(struct random *random, char *text) {
  for (size_t i = 0; i < sizeof chances / sizeof *chances; i++) {
    uint32_t count = 0;
    while (count < 6 && chances[i].values[count])
      count++;
    if (random_once(random, chances[i].of))
      append(text, ",%s=%s", chances[i].option, chances[i].values[random_below(random, count)]);
  }
}

static uint64_t choose_heap(struct random *random, const struct wishes *wishes) {
  static const uint64_t sizes[] = {6, 8, 16, 32, 128};
  uint64_t size = sizes[random_below(random, 5)] << 20;
  return wishes->heap ? wishes->heap : size;
}

static const char *choose_mode(struct random *random, const struct wishes *wishes) {
  uint32_t choice = random_below(random, 10);

  if (wishes->stop_the_world)
    return "stw";
  if (wishes->incremental)
    return "incremental";
  return choice == 0 ? "stw" : choice < 4 ? "incremental" : "concurrent";
}

static void choose_world(struct round *round, unsigned i, struct random *random,
                         const struct wishes *wishes) {
  struct world *world = &round->world[i];
  char *text = round->options[i];
  uint64_t heap = choose_heap(random, wishes);
  const char *mode = choose_mode(random, wishes);

  *text = '\0';
  append(text, "heap.max=%" PRIu64 ",seed=%" PRIu64 ",gc.mode=%s,stress.scribble=%s", heap,
         (round->seed & UINT32_MAX) + 1, mode,
         random_once(random, 3) ? "false" : "true");
  choose_chances(random, text);
  if (wishes->options && *wishes->options)
    append(text, ",%s", wishes->options);
  world->private_budget = heap / (4 * round->actors);
  world->shared_budget = heap / 2;
  world->verifies = random_once(random, 2);
  world->patient = random_once(random, 2);
  world->changes_mode =
      random_once(random, 3) && !wishes->stop_the_world && !wishes->incremental;
}

void round_choose(struct round *round, const struct wishes *wishes) {
  struct random random = random_seeded(round->seed, UINT64_MAX);
  uint32_t fewer = random_once(&random, 4) ? random_below(&random, (uint32_t)wishes->threads) : 0;

  round->actors = (unsigned)wishes->threads - fewer;
  round->operations = wishes->operations;
  round->worlds = random_once(&random, 5) && !wishes->stop_the_world ? 2 : 1;
  for (unsigned i = 0; i < round->worlds; i++)
    choose_world(round, i, &random, wishes);
}
