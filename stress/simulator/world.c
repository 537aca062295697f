/*
 * The simulated program, its memory, and the collector that the policy starts. One thread.
 *
 * Amounts are expectations, not samples: the same arguments give the same run.
 */
#include "stress/simulator/world.h"

#include <math.h>

#include "stress/common/check.h"

#define SHORT_LIFE (256.0 * 1024) /* bytes allocated in which most of what dies soon has died */
#define REFILL (64.0 * 1024)      /* a thread talks to the pacer so often */
#define ASSIST_NS 100e3           /* the longest assist at a refill */
#define OBJECT 48.0
#define STEP_NS 50e3
#define LONGEST_STEP_NS 2e6
#define USABLE 0.98               /* of the limit; the rest is in blocks that threads hold */

enum phase { IDLE, START, MARK, SWEEP };

/* Bytes. */
struct amount {
  double longer, shorter, dead;
};

struct world {
  const struct world_program *program;
  const struct world_costs *costs;
  struct lu_policy policy;
  double now, allocated;        /* ns, bytes */
  struct amount old, young, born;
  double survival;              /* 1 while the live bytes are built */
  bool building;

  enum phase phase;
  enum lu_kind kind;
  bool wanted, major_wanted;
  double left;                  /* CPU ns of this phase */
  double work, done;            /* bytes to mark, marked */
  double freed, to_free;
  double survived;              /* young bytes that were alive when the cycle began */
  double live_at_begin;
  double cpu;                   /* of this cycle */
  unsigned fruitless, stall_cycles;   /* stall_cycles: ended since the stall began */

  double stall_began;           /* < 0: not stalled */
  /* Sums over the steady state. */
  double began, allocated_before, collector, stalled, slept, longest_stall;
  unsigned cycles, missed, minors, majors;
  bool out_of_memory;
};

static double alive(const struct amount *amount) { return amount->longer + amount->shorter; }
static double all(const struct amount *amount) { return alive(amount) + amount->dead; }
static double used(const struct world *world) {
  return all(&world->old) + all(&world->young) + all(&world->born);
}

static void age(struct amount *amount, double longer, double shorter) {
  double kept_longer = amount->longer * longer, kept_shorter = amount->shorter * shorter;
  amount->dead += amount->longer - kept_longer + amount->shorter - kept_shorter;
  amount->longer = kept_longer;
  amount->shorter = kept_shorter;
}

/* What dies while `bytes` are allocated, and those bytes. */
static void allocate(struct world *world, double bytes) {
  const struct world_program *program = world->program;
  double mean = program->survival > 0 ? program->live / program->survival : INFINITY;
  double longer = world->building ? 1.0 : exp(-bytes / mean), shorter = exp(-bytes / SHORT_LIFE);
  age(&world->old, longer, shorter);
  age(&world->young, longer, shorter);
  age(&world->born, longer, shorter);
  struct amount *to = world->phase == IDLE ? &world->young : &world->born;
  double lasting = bytes * world->survival, passing = bytes - lasting,
         still = passing > 0 ? fmin(passing, SHORT_LIFE * (1 - shorter)) : 0;
  to->longer += lasting;
  to->shorter += still;
  to->dead += passing - still;
  world->allocated += bytes;
}

/* Cycles. */

static void begin(struct world *world) {
  world->kind =
      world->major_wanted ? LU_MAJOR : lu_policy_kind(&world->policy, (uint64_t)world->allocated);
  world->wanted = world->major_wanted = false;
  lu_policy_begin(&world->policy, world->kind, (uint64_t)world->now, (uint64_t)world->allocated);
  bool major = world->kind == LU_MAJOR;
  world->survived = alive(&world->young);
  world->live_at_begin = alive(&world->old) + alive(&world->young);
  double since = all(&world->young);
  world->work =
      major ? world->live_at_begin
            : alive(&world->young) + fmin(alive(&world->old), world->costs->touched * since);
  world->to_free = world->young.dead + (major ? world->old.dead : 0);
  world->freed = world->done = world->cpu = 0;
  world->left = world->costs->cycle / 2;
  world->phase = START;
}

static void marked(struct world *world) {
  uint64_t allocated = (uint64_t)world->allocated;
  world->cycles++;
  world->missed +=
      lu_policy_filled(&world->policy, allocated) > world->policy.goal + world->policy.goal / 50;
  lu_policy_marked(&world->policy, (uint64_t)world->now, allocated,
                   (uint64_t)(world->work / OBJECT));
  double swept = all(&world->young) + (world->kind == LU_MAJOR ? all(&world->old) : 0);
  world->left = world->costs->cycle / 2 + swept * world->costs->sweep;
  world->phase = SWEEP;
}

/* What was dead when the cycle began is free, a part at a time. */
static void release(struct world *world, double part) {
  double bytes = fmin(world->to_free * part, world->to_free - world->freed);
  double from_young = fmin(bytes, world->young.dead);
  world->young.dead -= from_young;
  world->old.dead -= bytes - from_young;
  world->freed += bytes;
}

static void end(struct world *world) {
  release(world, 1.0);
  world->old.longer += world->young.longer;
  world->old.shorter += world->young.shorter;
  world->old.dead += world->young.dead;
  world->young = world->born;
  world->born = (struct amount){0};
  world->phase = IDLE;
  world->fruitless =
      world->freed < world->program->limit / 100 ? world->fruitless + (world->kind == LU_MAJOR) : 0;
  world->minors += world->kind == LU_MINOR;
  world->majors += world->kind == LU_MAJOR;
  world->collector += world->cpu;
  world->stall_cycles++;
  lu_policy_end(&world->policy, (uint64_t)world->now, (uint64_t)world->allocated,
                &(struct lu_cycle_result){.kind = world->kind,
                                          .live_bytes = (uint64_t)all(&world->old),
                                          .survived_bytes = (uint64_t)world->survived,
                                          .freed_bytes = (uint64_t)world->freed,
                                          .objects_marked = (uint64_t)(world->work / OBJECT),
                                          .cpu_ns = (uint64_t)world->cpu});
}

/* The collector's thread has had `ns` of CPU time. */
static void collect(struct world *world, double ns) {
  double spent = fmin(ns, world->phase == MARK ? (world->work - world->done) * world->costs->mark
                                               : world->left);
  world->cpu += spent;
  switch (world->phase) {
  case IDLE:
    return;
  case START:
    world->left -= spent;
    if (world->left <= 0)
      world->phase = MARK;
    return;
  case MARK:
    world->done += spent / world->costs->mark;
    if (world->done >= world->work - 1)
      marked(world);
    return;
  case SWEEP:
    release(world, spent / fmax(world->left, 1));
    world->left -= spent;
    if (world->left <= 0)
      end(world);
    return;
  }
}

/* Threads. */

static struct lu_policy_progress progress_of(const struct world *world) {
  const struct lu_policy *policy = &world->policy;
  return (struct lu_policy_progress){.since = (uint64_t)world->allocated - policy->begun_at,
                                     .headroom = policy->headroom,
                                     .limit_room = policy->limit_room,
                                     .work = policy->work,
                                     .done = (uint64_t)(world->done / OBJECT),
                                     .all = policy->objects,
                                     .mark_ns = (uint64_t)(policy->seconds * 1e9),
                                     .elapsed_ns = (uint64_t)world->now - policy->begun_ns};
}

/* What a refill costs beside the program's own work. */
static void refill_delays(const struct world *world, double *assist, double *sleep) {
  *assist = *sleep = 0;
  if (world->phase != START && world->phase != MARK)
    return;
  struct lu_policy_progress progress = progress_of(world);
  *sleep = (double)lu_policy_sleep(&progress, (uint64_t)REFILL);
  if (world->phase == MARK && world->policy.may_assist)
    *assist = fmin(ASSIST_NS,
                   (double)lu_policy_assist(&progress, (uint64_t)REFILL) * world->costs->mark);
}

static void request(struct world *world, bool major) {
  world->wanted = true;
  world->major_wanted |= major;
}

static void stall(struct world *world, double ns) {
  if (world->stall_began < 0) {
    world->stall_began = world->now;
    world->fruitless = world->stall_cycles = 0;
    lu_policy_stalled(&world->policy);
  }
  world->stalled += ns * world->program->threads;
  if (world->fruitless >= 2)
    world->out_of_memory = true;
  else if (world->phase == IDLE)
    request(world, world->stall_cycles > 0);
}

static void stall_ended(struct world *world) {
  if (world->stall_began >= 0)
    world->longest_stall = fmax(world->longest_stall, (world->now - world->stall_began) / 1e9);
  world->stall_began = -1;
}

static bool full(const struct world *world) {
  return world->program->limit * USABLE - used(world) < REFILL * world->program->threads;
}

/* All threads run for `ns`, with `share` of a core each. */
static void mutate(struct world *world, double ns, double share) {
  const struct world_program *program = world->program;
  double assist, sleep, threads = program->threads;
  double room = program->limit * USABLE - used(world);
  if (full(world)) {
    stall(world, ns);
    return;
  }
  refill_delays(world, &assist, &sleep);
  double refill = REFILL / program->rate * 1e9 / share + assist / share + sleep;
  double refills = fmin(ns / refill, room / (REFILL * threads));
  stall_ended(world);
  if (world->phase == MARK) {
    world->done = fmin(world->done + refills * threads * assist / world->costs->mark, world->work);
    world->cpu += refills * threads * assist;
  }
  world->slept += refills * threads * sleep;
  allocate(world, refills * threads * REFILL);
  if ((uint64_t)world->allocated >= world->policy.trigger)
    request(world, false);
}

/* Between cycles, until the next one is due. */
static double step_of(const struct world *world) {
  if (world->phase != IDLE || world->wanted)
    return STEP_NS;
  double rate = world->program->rate * world->program->threads;
  double bytes = (double)world->policy.trigger - world->allocated;
  return fmin(fmax(bytes / rate * 1e9, STEP_NS / 10), LONGEST_STEP_NS);
}

static void step(struct world *world, double cores) {
  if (world->phase == IDLE && world->wanted && world->now >= (double)world->policy.cpu_until)
    begin(world);
  double ns = step_of(world);
  double runnable = (full(world) ? 0 : world->program->threads) + (world->phase != IDLE ? 1 : 0);
  double share = runnable > cores ? cores / runnable : 1.0;
  mutate(world, ns, share);
  if (world->phase != IDLE)
    collect(world, ns * share);
  world->now += ns;
}

static void start_measuring(struct world *world) {
  world->building = false;
  world->survival = world->program->survival;
  world->began = world->now;
  world->allocated_before = world->allocated;
  world->collector = world->stalled = world->slept = world->longest_stall = 0;
  world->cycles = world->missed = world->minors = world->majors = 0;
}

struct world_result world_run(const struct world_program *program, const struct world_costs *costs,
                              const struct lu_policy_config *config, unsigned cycles,
                              double seconds) {
  struct world world = {
      .program = program, .costs = costs, .survival = 1.0, .building = true, .stall_began = -1};
  lu_policy_init(&world.policy, config, 0, 0);
  while (!world.out_of_memory) {
    if (world.building && world.allocated >= program->live)
      start_measuring(&world);
    double ran = (world.now - world.began) / 1e9;
    if (!world.building && ((world.cycles >= cycles && world.majors >= 3 &&
                             world.allocated > world.allocated_before + 20 * program->live) ||
                            ran >= seconds))
      break;
    STRESS_CHECK(!world.building || world.now < 1e13, "the live bytes are never built");
    step(&world, config->cores);
  }
  double ran = fmax((world.now - world.began) / 1e9, 1e-9), threads = program->threads;
  double allocated = fmax(world.allocated - world.allocated_before, 1);
  double alone = allocated / (program->rate * threads) * fmax(1.0, threads / config->cores);
  return (struct world_result){.seconds = ran,
                               .allocated = allocated,
                               .slowdown = ran / alone,
                               .stalled = world.stalled / 1e9 / (ran * threads),
                               .longest_stall = world.longest_stall,
                               .slept = world.slept / 1e9 / (ran * threads),
                               .collector = world.collector / 1e9 / (ran * config->cores),
                               .collector_ns = world.collector / allocated,
                               .missed = world.cycles > 0 ? (double)world.missed / world.cycles : 0,
                               .minors = world.minors,
                               .majors = world.majors,
                               .out_of_memory = world.out_of_memory};
}
