/*
 * test_policy.c: the pacer's arithmetic: starts, goals, kinds of cycles, what minors have to pay,
 * sizing, shares, assists. No heap, no clock.
 */
#include <stdlib.h>
#include "cycle/policy.h"
#include "tests/suite.h"

#define KB (UINT64_C(1) << 10)
#define MB (UINT64_C(1) << 20)
#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)

static struct lu_policy_config config_of(uint64_t limit) {
  return (struct lu_policy_config){.initial = MB,
                                   .limit = limit,
                                   .growth = 100,
                                   .minor_growth = 0,
                                   .minor_ratio = 100,
                                   .young = 16 * MB,
                                   .start = 40,
                                   .balance = 5000,
                                   .cpu = 50,
                                   .cores = 2,
                                   .sizing = LU_SIZING_PROPORTIONAL,
                                   .concurrent = true};
}

static struct lu_policy_config fixed_config(void) {
  struct lu_policy_config config = config_of(64 * MB);
  config.sizing = LU_SIZING_FIXED;
  return config;
}

/* A policy and the world around it. */
struct world {
  struct lu_policy policy;
  uint64_t now, allocated;
};

static struct world world_of(const struct lu_policy_config *config) {
  struct world world = {.now = SECOND};
  lu_policy_init(&world.policy, config, world.now, 0);
  return world;
}

/* Allocates `bytes` in `ns`. */
static void pass(struct world *world, uint64_t bytes, uint64_t ns) {
  world->allocated += bytes;
  world->now += ns;
}

struct cycle {
  uint64_t ns, born;   /* its length until marking ends, and what is allocated meanwhile */
  uint64_t live, survived, cpu_ns, space_left;
};

static void run(struct world *world, enum lu_kind kind, const struct cycle *cycle) {
  lu_policy_begin(&world->policy, kind, world->now, world->allocated);
  ck_assert(world->policy.running);
  ck_assert_uint_eq(world->policy.trigger, UINT64_MAX);
  pass(world, cycle->born, cycle->ns);
  lu_policy_marked(&world->policy, world->now, world->allocated, cycle->live / 32);
  lu_policy_end(&world->policy, world->now, world->allocated,
                &(struct lu_cycle_result){.kind = kind,
                                          .live_bytes = cycle->live,
                                          .survived_bytes = cycle->survived,
                                          .objects_marked = cycle->live / 32,
                                          .cpu_ns = cycle->cpu_ns,
                                          .space_left = cycle->space_left});
}

static uint64_t until_due(const struct world *world) {
  return world->policy.trigger - world->allocated;
}

START_TEST(the_first_cycle_begins_below_the_initial_size) {
  struct lu_policy_config config = config_of(256 * MB);
  config.initial = 32 * MB;
  struct world world = world_of(&config);
  ck_assert_uint_eq(world.policy.goal, 32 * MB);
  ck_assert_uint_eq(world.policy.planned, LU_MAJOR);
  ck_assert_uint_le(until_due(&world), 32 * MB / 10 * 6 + KB);
  ck_assert_uint_ge(until_due(&world), 32 * MB / 10 * 6 - KB);
}
END_TEST

START_TEST(the_goal_is_what_growth_says) {
  struct lu_policy_config config = config_of(256 * MB);
  struct world world = world_of(&config);
  run(&world, LU_MAJOR, &(struct cycle){.ns = MS, .live = 40 * MB, .cpu_ns = MS});
  ck_assert_uint_eq(world.policy.goal, 80 * MB);
  run(&world, LU_MAJOR, &(struct cycle){.ns = MS, .live = 200 * MB, .cpu_ns = MS});
  /* The limit, less what threads hold and do not fill. */
  ck_assert_uint_eq(world.policy.goal, (256 - 8) * MB);
  config.growth = 50;
  config.limit = UINT64_C(1) << 40;
  lu_policy_configure(&world.policy, &config);
  ck_assert_uint_eq(world.policy.goal, 300 * MB);
}
END_TEST

START_TEST(a_cycle_begins_so_early_that_it_ends_below_the_goal) {
  struct lu_policy_config config = config_of(256 * MB);
  config.growth = 300;
  config.start = 5;
  struct world world = world_of(&config);
  /* 100 MB/s, 100 ms: 10 MB, times 1.3. The rate between cycles is the same. */
  for (int i = 0; i < 4; i++) {
    pass(&world, 50 * MB, 500 * MS);
    run(&world, LU_MAJOR,
        &(struct cycle){.ns = 100 * MS, .born = 10 * MB, .live = 20 * MB, .cpu_ns = 100 * MS});
  }
  /* What was born floats. */
  ck_assert_uint_eq(world.policy.goal, 80 * MB);
  ck_assert_uint_eq(until_due(&world), (80 - 30 - 13) * MB);
}
END_TEST

START_TEST(cycles_do_not_follow_each_other_for_nothing) {
  struct lu_policy_config config = config_of(64 * MB);
  struct world world = world_of(&config);
  /* A rate at which no start is early enough. */
  pass(&world, 30 * MB, MS);
  run(&world, LU_MAJOR,
      &(struct cycle){.ns = 100 * MS, .born = 10 * MB, .live = 30 * MB, .cpu_ns = 100 * MS});
  ck_assert_uint_ge(until_due(&world), (60 - 40) * MB / 8);
  /* No room at all. */
  run(&world, LU_MAJOR,
      &(struct cycle){.ns = 100 * MS, .born = 10 * MB, .live = 64 * MB, .cpu_ns = 100 * MS});
  ck_assert_uint_ge(until_due(&world), 64 * KB);
}
END_TEST

START_TEST(stalls_make_cycles_begin_earlier) {
  struct lu_policy_config config = config_of(64 * MB);
  config.start = 5;
  struct world world = world_of(&config);
  struct cycle cycle = {.ns = MS, .live = 20 * MB, .cpu_ns = MS};
  run(&world, LU_MAJOR, &cycle);
  uint64_t calm = until_due(&world), stalled = calm;
  for (int i = 0; i < 5; i++) {
    lu_policy_stalled(&world.policy);
    run(&world, LU_MAJOR, &cycle);
    ck_assert(until_due(&world) < stalled || world.policy.margin >= 0.5);
    stalled = until_due(&world);
  }
  ck_assert_uint_le(stalled, 10 * MB + 64 * KB);   /* half of the room */
  for (int i = 0; i < 60; i++)
    run(&world, LU_MAJOR, &cycle);
  ck_assert_uint_gt(until_due(&world), calm - MB);
}
END_TEST

START_TEST(thresholds_and_every_bound_what_is_allocated) {
  struct lu_policy_config config = config_of(1024 * MB);
  struct world world = world_of(&config);
  run(&world, LU_MAJOR, &(struct cycle){.ns = MS, .live = 100 * MB, .cpu_ns = MS});
  config.threshold_bytes = 10 * MB;
  lu_policy_configure(&world.policy, &config);
  ck_assert_uint_eq(world.policy.goal, 110 * MB);
  config.threshold_bytes = 0;
  config.threshold_objects = 1000;   /* of 32 bytes */
  lu_policy_configure(&world.policy, &config);
  ck_assert_uint_eq(world.policy.goal, 100 * MB + 32000);
  config.every = 3 * MB;
  lu_policy_configure(&world.policy, &config);
  ck_assert_uint_eq(until_due(&world), 3 * MB);
}
END_TEST

START_TEST(the_soft_limit_asks_for_more_collection_not_for_no_room) {
  struct lu_policy_config config = config_of(1024 * MB);
  config.soft = 100 * MB;
  struct world world = world_of(&config);
  run(&world, LU_MAJOR, &(struct cycle){.ns = MS, .live = 80 * MB, .cpu_ns = MS});
  ck_assert_uint_eq(world.policy.goal, 100 * MB);
  run(&world, LU_MAJOR, &(struct cycle){.ns = MS, .live = 160 * MB, .cpu_ns = MS});
  ck_assert_uint_eq(world.policy.goal, 171 * MB);
}
END_TEST

START_TEST(a_pause_holds_the_next_cycle) {
  struct lu_policy_config config = config_of(64 * MB);
  config.pause = 5 * MS;
  struct world world = world_of(&config);
  run(&world, LU_MAJOR, &(struct cycle){.ns = MS, .live = MB, .cpu_ns = MS});
  ck_assert_uint_eq(world.policy.pause_until, world.now + 5 * MS);
}
END_TEST

START_TEST(a_collector_beyond_its_share_is_held) {
  struct lu_policy_config config = config_of(64 * MB);
  config.cpu = 10;   /* of two cores: a fifth of one */
  struct world world = world_of(&config);
  for (int i = 0; i < 30; i++)
    run(&world, LU_MAJOR, &(struct cycle){.ns = 100 * MS, .live = MB, .cpu_ns = 100 * MS});
  ck_assert(!world.policy.may_assist);
  ck_assert_uint_gt(world.policy.cpu_until, world.now);
  ck_assert_uint_le(world.policy.cpu_until, world.now + SECOND);
  world.now = world.policy.cpu_until + 2 * SECOND;
  run(&world, LU_MAJOR, &(struct cycle){.ns = MS, .live = MB, .cpu_ns = MS});
  ck_assert(world.policy.may_assist);
  ck_assert_uint_eq(world.policy.cpu_until, world.now);
}
END_TEST

/*
 * Rounds of small garbage beside a large tree: minors find nothing alive and cost next to nothing.
 */
START_TEST(garbage_beside_a_large_tree_makes_minors_only) {
  struct lu_policy_config config = config_of(150 * MB);
  config.generational = true;
  struct world world = world_of(&config);
  int majors = 0;
  pass(&world, 100 * MB, SECOND);
  run(&world, LU_MAJOR,
      &(struct cycle){.ns = 100 * MS, .born = MB, .live = 100 * MB, .cpu_ns = 100 * MS});
  for (int i = 0; i < 200; i++) {
    pass(&world, until_due(&world), 10 * MS);
    enum lu_kind kind = lu_policy_kind(&world.policy, world.allocated);
    majors += kind == LU_MAJOR;
    run(&world, kind,
        &(struct cycle){.ns = MS,
                        .born = MB,
                        .live = 100 * MB,
                        .survived = 0,
                        .cpu_ns = kind == LU_MAJOR ? 100 * MS : MS / 2});
  }
  ck_assert_int_eq(majors, 0);
}
END_TEST

/*
 * Everything young survives: a minor marks it, and then a major marks it again. Returns how many of
 * 400 cycles were minors.
 */
static int minors_of_400(double survival, uint64_t minor_ns_per_mb) {
  struct lu_policy_config config = config_of(150 * MB);
  config.generational = true;
  struct world world = world_of(&config);
  uint64_t live = 75 * MB;
  int minors = 0;
  run(&world, LU_MAJOR, &(struct cycle){.ns = 100 * MS, .live = live, .cpu_ns = 100 * MS});
  for (int i = 0; i < 400; i++) {
    uint64_t left = until_due(&world);
    pass(&world, left, 100 * MS);
    enum lu_kind kind = lu_policy_kind(&world.policy, world.allocated);
    uint64_t survived = (uint64_t)((double)left * survival);
    live = kind == LU_MAJOR ? 75 * MB : live + survived;
    minors += kind == LU_MINOR;
    run(&world, kind,
        &(struct cycle){.ns = kind == LU_MAJOR ? 100 * MS : 10 * MS,
                        .live = live,
                        .survived = survived,
                        .cpu_ns = kind == LU_MAJOR ? 100 * MS : left / MB * minor_ns_per_mb});
  }
  return minors;
}

START_TEST(minors_that_do_not_pay_become_rare) {
  ck_assert_int_lt(minors_of_400(0.95, 2 * MS), 20);
  ck_assert_int_gt(minors_of_400(0.95, 2 * MS), 2);   /* but are tried again */
  ck_assert_int_gt(minors_of_400(0.05, MS / 10), 300);
}
END_TEST

START_TEST(a_minor_leaves_room_for_a_major) {
  struct lu_policy_config config = config_of(100 * MB);
  config.generational = true;
  struct world world = world_of(&config);
  run(&world, LU_MAJOR, &(struct cycle){.ns = 10 * MS, .live = 50 * MB, .cpu_ns = 10 * MS});
  ck_assert_uint_eq(lu_policy_kind(&world.policy, world.allocated), LU_MINOR);
  run(&world, LU_MINOR,
      &(struct cycle){.ns = MS, .live = 92 * MB, .survived = 42 * MB, .cpu_ns = MS});
  ck_assert_uint_eq(world.policy.planned, LU_MAJOR);
  ck_assert_uint_eq(lu_policy_kind(&world.policy, world.allocated), LU_MAJOR);
  config.generational = false;
  run(&world, LU_MAJOR, &(struct cycle){.ns = MS, .live = 10 * MB, .cpu_ns = MS});
  lu_policy_configure(&world.policy, &config);
  ck_assert_uint_eq(lu_policy_kind(&world.policy, world.allocated), LU_MAJOR);
}
END_TEST

START_TEST(the_young_size_is_bounded_by_setting_and_live_bytes) {
  struct lu_policy_config config = config_of(4096 * MB);
  config.generational = true;
  struct world world = world_of(&config);
  run(&world, LU_MAJOR, &(struct cycle){.ns = 10 * MS, .live = 1000 * MB, .cpu_ns = 10 * MS});
  run(&world, LU_MINOR, &(struct cycle){.ns = MS, .live = 1000 * MB, .cpu_ns = MS});
  ck_assert_uint_eq(until_due(&world), 16 * MB);
  config.minor_ratio = 50;
  lu_policy_configure(&world.policy, &config);
  ck_assert_uint_eq(until_due(&world), 8 * MB);
  config.minor_ratio = 100;
  config.minor_growth = 20;
  lu_policy_configure(&world.policy, &config);
  ck_assert_uint_eq(until_due(&world), 200 * MB);
}
END_TEST

START_TEST(the_square_root_rule) {
  struct lu_policy_config config = config_of(UINT64_C(1) << 40);
  config.sizing = LU_SIZING_ADAPTIVE;
  uint64_t room[2];
  for (int i = 0; i < 2; i++) {
    struct world world = world_of(&config);
    for (int j = 0; j < 30; j++) {
      pass(&world, (uint64_t)(i == 0 ? 10 : 40) * MB, SECOND);
      run(&world, LU_MAJOR, &(struct cycle){.ns = MS, .live = 64 * MB, .cpu_ns = 64 * MS});
    }
    room[i] = world.policy.goal - 64 * MB;
  }
  /* 64 MB live, 10 MB/s, 1000 MB/s: the root of 64 * 10 / 1000 / 0.005. */
  ck_assert_double_eq_tol((double)room[0] / (double)MB, 11.3, 0.4);
  ck_assert_double_eq_tol((double)room[1] / (double)room[0], 2.0, 0.05);
  config.sizing = LU_SIZING_FIXED;
  config.limit = 512 * MB;
  struct world world = world_of(&config);
  ck_assert_uint_eq(world.policy.goal, (512 - 16) * MB);
}
END_TEST

START_TEST(a_share_of_a_group_bounds_the_goal) {
  struct lu_policy_config config = config_of(1024 * MB);
  struct world world = world_of(&config);
  run(&world, LU_MAJOR, &(struct cycle){.ns = MS, .live = 100 * MB, .cpu_ns = MS});
  lu_policy_set_share(&world.policy, 130 * MB);
  ck_assert_uint_eq(world.policy.goal, 130 * MB);
  lu_policy_set_share(&world.policy, 10 * MB);
  ck_assert_uint_gt(world.policy.goal, 100 * MB);
  ck_assert_uint_lt(world.policy.goal, 110 * MB);
}
END_TEST

START_TEST(debt_and_live_follow_allocation) {
  struct lu_policy_config config = config_of(256 * MB);
  struct world world = world_of(&config);
  run(&world, LU_MAJOR, &(struct cycle){.ns = MS, .live = 40 * MB, .cpu_ns = MS});
  int64_t before = lu_policy_debt(&world.policy, world.allocated);
  ck_assert_int_lt(before, 0);
  pass(&world, until_due(&world) + MB, MS);
  ck_assert_int_eq(lu_policy_debt(&world.policy, world.allocated), (int64_t)MB);
  ck_assert_uint_ge(lu_policy_live(&world.policy, world.allocated), 40 * MB);
  ck_assert_uint_le(lu_policy_live(&world.policy, world.allocated),
                    lu_policy_filled(&world.policy, world.allocated));
}
END_TEST

START_TEST(assists_are_owed_by_those_who_outrun_the_collector) {
  struct lu_policy_progress progress = {
      .headroom = 10 * MB, .limit_room = 10 * MB, .work = 20 * MB, .all = 1000, .mark_ns = 10 * MS};
  ck_assert_uint_eq(lu_policy_assist(&progress, 64 * KB), 0);
  progress.since = 6 * MB;
  progress.done = 900;
  ck_assert_uint_eq(lu_policy_assist(&progress, 64 * KB), 0);
  progress.done = 500;
  /* Half of 20 MB over the 4 MB that are left. */
  ck_assert_uint_eq(lu_policy_assist(&progress, 64 * KB), 160 * KB);
  progress.since = 10 * MB;
  ck_assert_uint_eq(lu_policy_assist(&progress, 64 * KB), 512 * KB);
  ck_assert_uint_le(lu_policy_assist(&progress, 64 * MB), MB);
}
END_TEST

/* The cycles before found next to nothing, this one a large tree. */
START_TEST(marking_that_takes_longer_than_ever_before_makes_threads_sleep) {
  struct lu_policy_progress progress = {.limit_room = 8 * MB,
                                        .work = 64 * KB,
                                        .all = 100,
                                        .mark_ns = 20000,
                                        .since = 5 * MB,
                                        .done = 5000};
  uint64_t known = lu_policy_sleep(&progress, 64 * KB);
  ck_assert_uint_lt(known, 100);
  progress.elapsed_ns = MS;
  uint64_t some = lu_policy_sleep(&progress, 64 * KB);
  /* As long again as it has taken, over the 3 MB that are left. */
  ck_assert_uint_ge(some, MS / 48);
  progress.elapsed_ns = 3 * MS;
  ck_assert_uint_ge(lu_policy_sleep(&progress, 64 * KB), 3 * some - 3);
  progress.since = 3 * MB;
  ck_assert(!lu_policy_sleeps(&progress));
  ck_assert_uint_eq(lu_policy_sleep(&progress, 64 * KB), 0);
}
END_TEST

START_TEST(what_is_kept_for_large_objects_is_not_planned_with) {
  struct lu_policy_config config = fixed_config();
  struct world world = world_of(&config);
  run(&world, LU_MAJOR, &(struct cycle){.ns = MS, .live = 10 * MB, .cpu_ns = MS});
  uint64_t goal = world.policy.goal, due = until_due(&world);
  lu_policy_keep(&world.policy, config.limit / 8);
  ck_assert_uint_eq(world.policy.goal, goal - config.limit / 8);
  ck_assert_uint_lt(until_due(&world), due);
  lu_policy_begin(&world.policy, LU_MAJOR, world.now, world.allocated);
  ck_assert_uint_le(world.policy.limit_room, goal - config.limit / 8 - 10 * MB);
  /* Nearly full of what lives: half of the rest is planned with all the same. */
  world = world_of(&config);
  uint64_t live = config.limit / 16 * 15;
  run(&world, LU_MAJOR, &(struct cycle){.ns = MS, .live = live, .cpu_ns = MS});
  uint64_t rest = world.policy.goal - live;
  lu_policy_keep(&world.policy, config.limit / 8);
  ck_assert_uint_ge(world.policy.goal - live, rest / 2);
}
END_TEST

/* What lives is scattered: the blocks that it holds have no holes to speak of. */
START_TEST(a_cycle_begins_before_the_space_is_used_up) {
  struct lu_policy_config config = fixed_config();
  struct world world = world_of(&config);
  struct cycle cycle = {.ns = MS, .live = 10 * MB, .cpu_ns = MS};
  run(&world, LU_MAJOR, &cycle);
  uint64_t due = until_due(&world);
  cycle.space_left = 2 * MB;
  run(&world, LU_MAJOR, &cycle);
  ck_assert_uint_gt(due, 2 * MB);
  ck_assert_uint_lt(until_due(&world), 2 * MB);
  world.allocated += MB;
  lu_policy_begin(&world.policy, LU_MAJOR, world.now, world.allocated);
  ck_assert_uint_le(world.policy.limit_room, MB);
}
END_TEST

START_TEST(a_raised_limit_is_room_at_once) {
  struct lu_policy_config config = fixed_config();
  struct world world = world_of(&config);
  struct cycle cycle = {.ns = MS, .live = 10 * MB, .cpu_ns = MS, .space_left = MB / 4};
  run(&world, LU_MAJOR, &cycle);
  uint64_t due = until_due(&world);
  ck_assert_uint_lt(due, MB / 4);
  config.limit += 48 * MB;
  lu_policy_configure(&world.policy, &config);
  ck_assert_uint_gt(until_due(&world), MB);
  lu_policy_begin(&world.policy, LU_MAJOR, world.now, world.allocated);
  ck_assert_uint_gt(world.policy.limit_room, 40 * MB);
}
END_TEST

START_TEST(sleeps_are_bounded_and_only_near_the_limit) {
  struct lu_policy_progress progress = {
      .headroom = MB, .limit_room = 10 * MB, .work = 20 * MB, .all = 1000, .mark_ns = 10 * MS};
  progress.since = 4 * MB;
  ck_assert_uint_eq(lu_policy_sleep(&progress, 64 * KB), 0);
  progress.since = 6 * MB;
  progress.done = 700;
  ck_assert_uint_eq(lu_policy_sleep(&progress, 64 * KB), 0);
  progress.done = 500;
  uint64_t some = lu_policy_sleep(&progress, 64 * KB);
  ck_assert_uint_gt(some, 0);
  progress.since = 9 * MB;
  ck_assert_uint_gt(lu_policy_sleep(&progress, 64 * KB), some);
  ck_assert_uint_eq(lu_policy_sleep(&progress, 64 * MB), LU_POLICY_SLEEP);
}
END_TEST

int main(void) {
  Suite *suite = new_suite("policy");
  TCase *tcase = tcase_create("policy");
  tcase_add_test(tcase, the_first_cycle_begins_below_the_initial_size);
  tcase_add_test(tcase, the_goal_is_what_growth_says);
  tcase_add_test(tcase, a_cycle_begins_so_early_that_it_ends_below_the_goal);
  tcase_add_test(tcase, cycles_do_not_follow_each_other_for_nothing);
  tcase_add_test(tcase, stalls_make_cycles_begin_earlier);
  tcase_add_test(tcase, thresholds_and_every_bound_what_is_allocated);
  tcase_add_test(tcase, the_soft_limit_asks_for_more_collection_not_for_no_room);
  tcase_add_test(tcase, a_pause_holds_the_next_cycle);
  tcase_add_test(tcase, a_collector_beyond_its_share_is_held);
  tcase_add_test(tcase, garbage_beside_a_large_tree_makes_minors_only);
  tcase_add_test(tcase, minors_that_do_not_pay_become_rare);
  tcase_add_test(tcase, a_minor_leaves_room_for_a_major);
  tcase_add_test(tcase, the_young_size_is_bounded_by_setting_and_live_bytes);
  tcase_add_test(tcase, the_square_root_rule);
  tcase_add_test(tcase, a_share_of_a_group_bounds_the_goal);
  tcase_add_test(tcase, debt_and_live_follow_allocation);
  tcase_add_test(tcase, assists_are_owed_by_those_who_outrun_the_collector);
  tcase_add_test(tcase, sleeps_are_bounded_and_only_near_the_limit);
  tcase_add_test(tcase, marking_that_takes_longer_than_ever_before_makes_threads_sleep);
  tcase_add_test(tcase, what_is_kept_for_large_objects_is_not_planned_with);
  tcase_add_test(tcase, a_cycle_begins_before_the_space_is_used_up);
  tcase_add_test(tcase, a_raised_limit_is_room_at_once);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
