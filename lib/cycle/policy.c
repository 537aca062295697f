/*
 * cycle/policy.c: when the next cycle begins, of which kind, and how far the heap may grow
 * (doc/design/pacing.md).
 *
 * Words: `room` is what may be allocated after a cycle's end until the goal; what was born during
 * the cycle floats, so it has used a part of the room already. `headroom` of a kind is what is
 * allocated while such a cycle marks, by the worst of the last four allocation rates and times.
 *
 *   P.1  live bytes and what was allocated since never exceed the goal before marking ends, if rate
 *        and time are what they were.
 *   P.2  Between two cycles at least a part of the room is allocated (LEAST_SHARE), whatever is
 *        predicted: cycles do not follow each other for nothing.
 *   P.3  A minor is planned only where a major still fits behind it.
 *   P.4  Minors that cost more CPU than majors alone would are given up after two in a row, and
 *        tried again after 1, 2, 4 to 64 majors.
 *
 * Wall time is used for rates and predictions, so what other processes take from the collector
 * makes it begin earlier; CPU time for what pays.
 *
 * Threads: none; the caller locks.
 */
#include "cycle/policy.h"

#include <string.h>

#define KB (UINT64_C(1) << 10)
#define MB (UINT64_C(1) << 20)
#define SAFETY 1.3
#define LEAST (64 * KB)           /* between two cycles: a block */
#define LEAST_SHARE 8             /* ... and this part of the room */
#define SHORTEST_NS 200000        /* rates of shorter times say nothing */
#define SURVIVAL_GUESS 0.3
/* Assumed of a trial at least, even if the last minor found less */
#define TRIAL_SURVIVAL 0.4
/*
 * Minors must cost less than this part of what majors alone do: they also take room and handshakes
 */
#define WORTH 0.7
#define LONGEST_SKIP 64
#define MEMORY 0.75               /* of what a minor took, from one major to the next */
#define GOOD_MINORS 4             /* after which the next trial comes soon again */
#define HOPELESS 3
#define MOST_STRETCH 4.0
/* This part of the limit is in blocks that threads hold and have not filled */
#define UNUSABLE 32
#define ASSIST_MOST MB            /* of marking that one call is charged with */
#define CPU_WINDOW 1e9            /* ns of its share that the collector may save up, and owe */

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }
static uint64_t most(uint64_t a, uint64_t b) { return a > b ? a : b; }
static uint64_t minus(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }
static double lower(double a, double b) { return a < b ? a : b; }
static double higher(double a, double b) { return a > b ? a : b; }
static uint64_t percent(uint64_t bytes, uint64_t share) {
  return bytes / 100 * share + bytes % 100 * share / 100;
}
/* Of a figure that may be beyond all integers. */
static uint64_t whole(double bytes) {
  return bytes < 1e18 ? (uint64_t)bytes : UINT64_C(1000000000000000000);
}

static double worst(const double samples[4]) {
  return higher(higher(samples[0], samples[1]), higher(samples[2], samples[3]));
}

static double rate_of(uint64_t bytes, uint64_t ns) {
  return (double)bytes * 1e9 / (double)most(ns, SHORTEST_NS);
}

/*
 * By how much more there may be to mark for a major now than at the last one: of what minors have
 * made old much may be dead, so no more than it grew last.
 */
static double grown(const struct lu_policy *policy) {
  uint64_t before = policy->major_live;
  return before > 0 ? higher(lower((double)policy->live / (double)before, policy->trend), 1.0)
         : 1.0;
}

static double seconds_of(const struct lu_policy *policy, enum lu_kind kind) {
  return worst(policy->history[kind].seconds) * (kind == LU_MAJOR ? grown(policy) : 1.0);
}

/*
 * Allocation beside a cycle: while one ran, or between two, less what the collector takes from the
 * program's share of the cores.
 */
static double rate_beside(const struct lu_policy *policy) {
  return higher(worst(policy->rate_beside), worst(policy->rate) * policy->slowing);
}

static uint64_t headroom_of(const struct lu_policy *policy, enum lu_kind kind) {
  if (!policy->config.concurrent)
    return 0;
  return whole(SAFETY * rate_beside(policy) * seconds_of(policy, kind));
}

/* The goal. */

/* Speed of marking in bytes for a second of CPU time; 0 = unknown. */
static double mark_speed(const struct lu_policy *policy) {
  return policy->ns_per_byte > 0 ? 1e9 / policy->ns_per_byte : 0;
}

/* By Newton's method; a mathematics library for one root is not worth a dependency. */
static double square_root(double x) {
  double root = x > 1 ? x : 1;
  if (x <= 0)
    return 0;
  for (double next; (next = (root + x / root) / 2) < root * (1 - 1e-12); root = next)
    ;
  return root;
}

double lu_policy_weight(const struct lu_policy *policy) {
  double speed = mark_speed(policy);
  return speed > 0 ? square_root((double)policy->major_live * policy->fill_rate / speed) : 0;
}

/* What live bytes may grow by, before limits are looked at. */
static uint64_t growth_of(const struct lu_policy *policy) {
  const struct lu_policy_config *config = &policy->config;
  uint64_t proportional = percent(policy->major_live, config->growth);
  if (config->sizing == LU_SIZING_FIXED)
    return minus(config->limit, policy->major_live);
  if (config->sizing == LU_SIZING_PROPORTIONAL || policy->fill_rate <= 0 || mark_speed(policy) <= 0)
    return proportional;
  /*
   * The last bytes of heap save as much CPU time as they are worth: the derivative of (rate / room)
   * * (live / speed) is -balance.
   */
  double worth = (double)config->balance / 1e6 / (double)MB;
  return most(whole(lu_policy_weight(policy) / square_root(worth)), policy->major_live / 16 + MB);
}

/*
 * A bound that may be passed, at the price of more collection: a sixteenth is left to allocate even
 * then.
 */
static uint64_t soften(const struct lu_policy *policy, uint64_t bound) {
  uint64_t used = policy->live + policy->floating;
  return most(bound, used + used / 16 + MB);
}

/* Bytes that may be live or allocated at all. */
static uint64_t usable(const struct lu_policy *policy) {
  uint64_t all = policy->config.limit - policy->config.limit / UNUSABLE;
  /*
   * Where what lives leaves little more than what is kept, threads come to use that as well, after
   * a wait: half of the rest is planned with.
   */
  return all - least(policy->kept, minus(all, policy->major_live) / 2);
}

static uint64_t goal_of(const struct lu_policy *policy) {
  const struct lu_policy_config *config = &policy->config;
  uint64_t growth = growth_of(policy);
  if (config->threshold_bytes != 0)
    growth = least(growth, config->threshold_bytes);
  const struct lu_policy_history *major = &policy->history[LU_MAJOR];
  if (config->threshold_objects != 0 && major->objects != 0)
    growth = least(growth, whole((double)config->threshold_objects * (double)major->live /
                                 (double)major->objects));
  uint64_t goal = policy->major_live + growth;
  if (config->threshold_bytes == 0 && config->threshold_objects == 0)
    goal = most(goal, config->initial);
  if (policy->share != 0)
    goal = most(soften(policy, policy->share), policy->major_live);
  if (config->soft != 0 && goal > config->soft)
    goal = least(goal, soften(policy, config->soft));
  return least(most(goal, LEAST), usable(policy));
}

/* The start. */

static uint64_t room_of(const struct lu_policy *policy) {
  return least(minus(policy->goal, policy->live + policy->floating), policy->space_left);
}

/* Room right after the last major, had nothing been born during it. */
static uint64_t full_room(const struct lu_policy *policy) {
  return most(minus(policy->goal, policy->major_live), LEAST);
}

static uint64_t minor_headroom(const struct lu_policy *policy) {
  return least(whole((double)headroom_of(policy, LU_MINOR) * policy->trust), full_room(policy) / 3);
}

/* What is left unplanned: an eighth, more after stalls. */
static uint64_t slack_of(const struct lu_policy *policy, uint64_t room) {
  return most(room / LEAST_SHARE, whole(policy->margin * (double)room));
}

static uint64_t major_start(const struct lu_policy *policy, uint64_t room) {
  uint64_t headroom = headroom_of(policy, LU_MAJOR);
  uint64_t early = minus(room, headroom + whole(policy->margin * (double)room));
  uint64_t latest = percent(room, 100 - policy->config.start);
  /*
   * When no start is early enough by far, an early one only makes more cycles: what is born during
   * each floats through the next.
   */
  if (headroom > full_room(policy) * HOPELESS)
    return most(latest, LEAST);
  return most(least(early, latest), most(room / LEAST_SHARE, LEAST));
}

/* What may be young when a minor begins, by the settings. */
static uint64_t young_of(const struct lu_policy *policy) {
  const struct lu_policy_config *config = &policy->config;
  uint64_t base = most(config->young, percent(policy->live, config->minor_growth));
  return most(percent(whole((double)base * policy->stretch), config->minor_ratio), LEAST);
}

/*
 * Room that is kept for the major that ends a row of minors: what is allocated while it marks.
 * Where that is nearly all the room there is, or more, keeping it helps less and less, and minors
 * help more.
 */
static uint64_t reserve(const struct lu_policy *policy) {
  uint64_t full = full_room(policy), headroom = headroom_of(policy, LU_MAJOR);
  return most(least(headroom, 3 * minus(full, headroom)), full / LEAST_SHARE);
}

static double survival_at_worst(const struct lu_policy *policy) {
  double before = policy->survival > 0 ? policy->survival : 1.0;
  if (policy->minors == 0)
    return higher(before * policy->trust, TRIAL_SURVIVAL);
  return lower(policy->survival * 1.5 * policy->trust + 0.05, 1.0);
}

/*
 * Most that may be young when a minor begins so that a major fits behind it (P.3); one that is a
 * trial may find that everything survives. What is known of minors grows old: else a bad one long
 * ago could keep the next one from being made for ever, for want of room.
 */
static uint64_t most_young(const struct lu_policy *policy) {
  uint64_t room = minus(policy->goal, policy->live + minor_headroom(policy) + reserve(policy));
  return whole((double)room / survival_at_worst(policy));
}

/* Bytes to allocate until a minor begins; 0: none fits. */
static uint64_t minor_start(const struct lu_policy *policy, uint64_t room) {
  uint64_t most_now = most_young(policy), wanted = young_of(policy);
  uint64_t worthwhile = most(least(wanted / 4, full_room(policy) / LEAST_SHARE), LEAST);
  uint64_t latest = least(minus(room, slack_of(policy, room)), minus(room, minor_headroom(policy)));
  uint64_t start = most(least(minus(least(wanted, most_now), policy->floating), latest), LEAST);
  uint64_t young = policy->floating + start;
  return young >= worthwhile && young <= most_now ? start : 0;
}

static bool minors_wanted(const struct lu_policy *policy) {
  /*
   * The first cycle is a major: nothing is old yet, so it costs no more than a minor, and shows
   * what majors cost.
   */
  return policy->config.generational && policy->left == 0 && policy->history[LU_MAJOR].samples > 0;
}

static void plan(struct lu_policy *policy) {
  const struct lu_policy_config *config = &policy->config;
  policy->goal = goal_of(policy);
  uint64_t room = room_of(policy), minor = minors_wanted(policy) ? minor_start(policy, room) : 0;
  policy->planned = minor != 0 ? LU_MINOR : LU_MAJOR;
  uint64_t start = minor != 0 ? minor : config->concurrent ? major_start(policy, room)
      : most(room, LEAST);
  policy->trigger = policy->ended_at + (config->every != 0 ? config->every : start);
}

void lu_policy_init(struct lu_policy *policy, const struct lu_policy_config *config, uint64_t now,
                    uint64_t allocated) {
  memset(policy, 0, sizeof *policy);
  policy->config = *config;
  policy->stretch = policy->slowing = policy->trust = policy->trend = 1.0;
  policy->skip = 1;
  policy->may_assist = true;
  policy->space_left = UINT64_MAX;
  policy->begun_at = policy->ended_at = allocated;
  policy->begun_ns = policy->ended_ns = policy->major_ended_ns = policy->cpu_ns_at = now;
  policy->cpu_left = CPU_WINDOW;
  plan(policy);
}

void lu_policy_configure(struct lu_policy *policy, const struct lu_policy_config *config) {
  if (policy->config.generational != config->generational)
    policy->left = 0;
  if (policy->config.cpu != config->cpu)
    policy->cpu_until = 0;
  if (config->limit > policy->config.limit && policy->space_left != UINT64_MAX)
    policy->space_left += config->limit - policy->config.limit;
  policy->config = *config;
  policy->pause_until = policy->ended_ns + config->pause;
  if (!policy->running)
    plan(policy);
  else
    policy->goal = goal_of(policy);
}

void lu_policy_keep(struct lu_policy *policy, uint64_t bytes) {
  if (bytes == policy->kept)
    return;
  policy->kept = bytes;
  if (!policy->running)
    plan(policy);
}

void lu_policy_set_share(struct lu_policy *policy, uint64_t bytes) {
  policy->share = bytes;
  if (!policy->running)
    plan(policy);
}

/* A cycle. */

enum lu_kind lu_policy_kind(const struct lu_policy *policy, uint64_t allocated) {
  /*
   * A cycle that begins much later than planned (a pause, a wait for the CPU's share) may find that
   * a minor does not fit any more.
   */
  uint64_t since = allocated - policy->ended_at, late = minus(allocated, policy->trigger);
  if (policy->planned == LU_MINOR && late > since / 4 &&
      policy->floating + since > most_young(policy))
    return LU_MAJOR;
  return policy->planned;
}

/* What the cycle is expected to mark, how long that takes, and how many objects it is. */
static void expect(struct lu_policy *policy) {
  const struct lu_policy_history *history = &policy->history[policy->kind];
  double factor = policy->kind == LU_MAJOR ? grown(policy) : 1.0;
  uint64_t young = policy->floating + (policy->begun_at - policy->ended_at);
  double survival = policy->minors > 0 ? policy->survival : SURVIVAL_GUESS;
  uint64_t work = policy->kind == LU_MAJOR ? policy->live + whole(policy->retained * (double)young)
      : whole(survival * (double)young);
  policy->work = most(work, LEAST);
  policy->objects = whole((double)history->objects * factor);
  policy->seconds = seconds_of(policy, policy->kind);
}

void lu_policy_begin(struct lu_policy *policy, enum lu_kind kind, uint64_t now,
                     uint64_t allocated) {
  policy->running = true;
  policy->kind = kind;
  policy->rate[policy->rates % 4] = now - policy->ended_ns >= SHORTEST_NS || policy->rates == 0
                                        ? rate_of(allocated - policy->ended_at,
                                                  now - policy->ended_ns)
                                        : policy->rate[(policy->rates + 3) % 4];
  policy->begun_at = allocated;
  policy->begun_ns = now;
  uint64_t filled = policy->live + policy->floating + (allocated - policy->ended_at);
  policy->headroom = most(minus(policy->goal, filled), LEAST);
  uint64_t space = minus(policy->space_left, allocated - policy->ended_at);
  policy->limit_room = most(least(minus(usable(policy), filled), space), LEAST);
  policy->trigger = UINT64_MAX;
  expect(policy);
}

void lu_policy_stalled(struct lu_policy *policy) { policy->stalled = true; }

void lu_policy_turned_major(struct lu_policy *policy) {
  policy->kind = LU_MAJOR;
  expect(policy);
}

void lu_policy_marked(struct lu_policy *policy, uint64_t now, uint64_t allocated,
                      uint64_t objects) {
  struct lu_policy_history *history = &policy->history[policy->kind];
  uint64_t born = allocated - policy->begun_at;
  double rate = rate_of(born, now - policy->begun_ns), between = policy->rate[policy->rates % 4];
  /*
   * A program that was near the limit, and so stalled or was slowed, says nothing of how fast it
   * would have been.
   */
  if (born > policy->limit_room / 2 || policy->limit_room < policy->config.limit / 16)
    rate = higher(rate, between * policy->slowing);
  else if (between > 0 && policy->begun_ns - policy->ended_ns >= SHORTEST_NS)
    policy->slowing = (policy->slowing + lower(rate / between, 2.0)) / 2;
  policy->rate_beside[policy->rates++ % 4] = rate;
  history->seconds[history->samples++ % 4] = (double)(now - policy->begun_ns) / 1e9;
  history->objects = objects;
}

/* Share of the CPU: earned with the time, spent by cycles; what is owed delays the next one. */
static void account(struct lu_policy *policy, uint64_t now, uint64_t cpu_ns) {
  double share = (double)policy->config.cpu / 100 * policy->config.cores;
  /*
   * What is saved up is bounded after the cycle's time has been paid for: a long cycle that kept
   * within its share owes nothing.
   */
  policy->cpu_left = lower(policy->cpu_left + (double)(now - policy->cpu_ns_at) * share -
                           (double)cpu_ns, CPU_WINDOW);
  policy->cpu_left = higher(policy->cpu_left, -CPU_WINDOW * share);
  policy->cpu_ns_at = now;
  policy->may_assist = policy->cpu_left > 0;
  policy->pause_until = now + policy->config.pause;
  policy->cpu_until = policy->cpu_left < 0 ? now + (uint64_t)(-policy->cpu_left / share) : now;
}

/*
 * What would be allocated from one major to the next without minors: what is born during a major
 * floats until the next one.
 */
static double between_majors(const struct lu_policy *policy, double born) {
  uint64_t room = minus(policy->goal, policy->major_live + whole(born));
  double start =
      (double)(policy->config.concurrent ? major_start(policy, room) : most(room, LEAST));
  double most_at_all = (double)minus(usable(policy), policy->major_live) - born;
  return higher(lower(start + born, most_at_all), (double)LEAST);
}

/*
 * What is allocated from one major to the next with minors: a row of them, in which survivors fill
 * the room up to the reserve, then what is born during the major, which has the reserve, and what
 * is beyond the goal.
 */
static void row_of_minors(const struct lu_policy *policy, double born, double *row,
                          double *beside) {
  double full = (double)full_room(policy);
  double spare = (survival_at_worst(policy) - policy->survival) *
      (double)least(young_of(policy), full_room(policy));
  double for_survivors = higher(full - (double)reserve(policy) - (double)minor_headroom(policy) -
                                spare, full / LEAST_SHARE);
  *row = for_survivors / higher(policy->survival, 0.01);
  *beside = lower(born, (double)(reserve(policy) + minus(usable(policy), policy->goal)));
}

/*
 * What minors with a major now and then, and what majors alone, cost for a byte of allocation; both
 * 0 while unknown.
 */
static void compare(const struct lu_policy *policy, double *with_minors, double *majors_alone) {
  const struct lu_policy_history *major = &policy->history[LU_MAJOR];
  double row, beside;
  *with_minors = *majors_alone = 0;
  if (major->samples == 0)
    return;
  double born = lower((double)headroom_of(policy, LU_MAJOR) / SAFETY,
                      (double)minus(usable(policy), policy->major_live) / 2);
  row_of_minors(policy, born, &row, &beside);
  *with_minors = (policy->minor_cost * row + major->cost) / (row + beside);
  *majors_alone = major->cost / between_majors(policy, born);
}

/* After a minor: does it pay? */
static void judge(struct lu_policy *policy, bool trial) {
  double with_minors, majors_alone;
  compare(policy, &with_minors, &majors_alone);
  /* Where allocations stall, time counts more than CPU time, and room more than both. */
  if (with_minors <= majors_alone * WORTH * (1 - policy->margin / 2) || majors_alone == 0) {
    policy->bad = 0;
    if (++policy->good >= GOOD_MINORS)
      policy->skip = 1;
    return;
  }
  policy->good = 0;
  if (++policy->bad < 2 && !trial)
    return;
  policy->left = policy->skip;
  policy->skip = (unsigned)least(policy->skip * 2, LONGEST_SKIP);
}

/* In the stop-the-world mode the same program does the same every time: bytes stand for time. */
static double cost_of(const struct lu_policy *policy, const struct lu_cycle_result *result) {
  if (policy->config.concurrent)
    return (double)result->cpu_ns;
  return (double)(result->kind == LU_MAJOR ? result->live_bytes : result->survived_bytes);
}

static double mean_of(double before, double sample, unsigned samples) {
  return samples == 0 ? sample : (before + sample) / 2;
}

static void minor_ended(struct lu_policy *policy, const struct lu_cycle_result *result,
                        uint64_t young) {
  if (young < LEAST)
    return;
  bool trial = policy->minors == 0 && policy->bad >= 2;
  policy->survival = mean_of(policy->survival, lower((double)result->survived_bytes / (double)young,
                                                     1.0), policy->minors);
  policy->minor_cost =
      mean_of(policy->minor_cost, cost_of(policy, result) / (double)young, policy->minors);
  policy->minors++;
  policy->trust = 1.0;
  if (policy->survival > 0.3)
    policy->stretch = lower(policy->stretch * 1.5, MOST_STRETCH);
  else if (policy->survival < 0.15)
    policy->stretch = higher(policy->stretch / 1.25, 1.0);
  judge(policy, trial);
}

/*
 * How fast the heap fills, for the square-root rule: smoothed, because one quiet moment says
 * little.
 */
static void measure_fill(struct lu_policy *policy, uint64_t now) {
  uint64_t filled = policy->live + policy->floating + (policy->begun_at - policy->ended_at);
  double rate = rate_of(minus(filled, policy->filled_after), now - policy->major_ended_ns);
  policy->fill_rate = policy->fill_rate > 0 ? (policy->fill_rate + rate) / 2 : rate;
}

static void major_ended(struct lu_policy *policy, const struct lu_cycle_result *result,
                        uint64_t now, uint64_t allocated) {
  struct lu_policy_history *history = &policy->history[LU_MAJOR];
  measure_fill(policy, now);
  history->live = result->live_bytes;
  if (result->live_bytes > LEAST) {
    double cost = (double)result->cpu_ns / (double)result->live_bytes;
    policy->ns_per_byte = policy->ns_per_byte > 0 ? (policy->ns_per_byte + cost) / 2 : cost;
  }
  policy->trend = policy->major_live > 0
      ? higher(lower((double)result->live_bytes / (double)policy->major_live, 2.0), 1.0) : 2.0;
  policy->major_live = result->live_bytes;
  policy->filled_after = result->live_bytes + (allocated - policy->begun_at);
  policy->major_ended_ns = now;
  policy->trust *= MEMORY;
  if (policy->left > 0 && --policy->left == 0) {
    policy->minors = 0;  /* the trial is judged by itself */
    policy->trust = 1.0;
  }
}

void lu_policy_end(struct lu_policy *policy, uint64_t now, uint64_t allocated,
                   const struct lu_cycle_result *result) {
  uint64_t young = policy->floating + (policy->begun_at - policy->ended_at);
  if (young >= LEAST) {
    double growth = lower((double)minus(result->live_bytes, policy->live) / (double)young, 1.0);
    policy->retained = (policy->retained + growth) / 2;
  }
  policy->history[result->kind].cost = cost_of(policy, result);
  if (result->kind == LU_MAJOR)
    major_ended(policy, result, now, allocated);
  policy->live = result->live_bytes;
  if (result->kind == LU_MINOR)
    minor_ended(policy, result, young);
  /*
   * Stalls make the next cycles begin earlier, whatever was predicted; without any the margin is
   * forgotten slowly.
   */
  policy->margin = policy->stalled ? lower(policy->margin * 2 + 1.0 / 16, 0.5)
      : policy->margin * 0.9;
  policy->stalled = false;
  policy->running = false;
  policy->floating = least(allocated - policy->begun_at, policy->config.limit);
  policy->space_left = result->space_left != 0 ? result->space_left : UINT64_MAX;
  policy->ended_at = allocated;
  policy->ended_ns = now;
  account(policy, now, result->cpu_ns);
  plan(policy);
}

/* Answers. */

uint64_t lu_policy_filled(const struct lu_policy *policy, uint64_t allocated) {
  return policy->live + policy->floating + (allocated - policy->ended_at);
}

double lu_policy_rate(const struct lu_policy *policy) { return worst(policy->rate); }

uint64_t lu_policy_live(const struct lu_policy *policy, uint64_t allocated) {
  return policy->live +
         whole(policy->retained * (double)(policy->floating + (allocated - policy->ended_at)));
}

int64_t lu_policy_debt(const struct lu_policy *policy, uint64_t allocated) {
  return policy->running ? 0 : (int64_t)(allocated - policy->trigger);
}

/*
 * Whether marking gets done in time: the share of the expected objects that is scanned is `margin`
 * times the share of the room that is used. When more is scanned than was expected, nobody knows
 * how much is left.
 */
static bool on_track(const struct lu_policy_progress *progress, uint64_t room, double margin) {
  return progress->done < progress->all &&
         (double)progress->done * (double)room >=
         margin * (double)progress->since * (double)progress->all;
}

/*
 * Part of the marking that is left; never less than an eighth, because expectations are not that
 * good.
 */
static double part_left(const struct lu_policy_progress *progress) {
  if (progress->all == 0 || progress->done >= progress->all)
    return progress->all == 0 ? 1.0 : 0.125;
  return higher(1.0 - (double)progress->done / (double)progress->all, 0.125);
}

uint64_t lu_policy_assist(const struct lu_policy_progress *progress, uint64_t bytes) {
  uint64_t headroom = progress->headroom;
  if (progress->since < headroom / 2 || on_track(progress, headroom, SAFETY))
    return 0;
  double left = (double)most(minus(headroom, progress->since), headroom / 8);
  return least(whole((double)bytes * part_left(progress) * (double)progress->work / left),
               ASSIST_MOST);
}

/*
 * Time that the rest of marking takes. Expectations are of the last cycles, and the one that finds
 * a large structure just being built takes a hundred times as long as those before: so marking that
 * is behind, or has found more than was expected, is taken to need as much time again as it has
 * had.
 */
static double ns_left(const struct lu_policy_progress *progress) {
  return higher(part_left(progress) * (double)progress->mark_ns, (double)progress->elapsed_ns);
}

bool lu_policy_sleeps(const struct lu_policy_progress *progress) {
  return progress->since >= progress->limit_room / 2 &&
         !on_track(progress, progress->limit_room, 1.0);
}

uint64_t lu_policy_sleep(const struct lu_policy_progress *progress, uint64_t bytes) {
  uint64_t room = progress->limit_room;
  if (!lu_policy_sleeps(progress))
    return 0;
  double left = (double)most(minus(room, progress->since), room / 16);
  return least(whole((double)bytes * ns_left(progress) / left), LU_POLICY_SLEEP);
}
