/*
 * cycle/group.c: heaps that share a budget, by the square-root rule (lull/pacing.h).
 *
 * A member tells its group what it knows of itself at the end of each major, under its own
 * pacer.lock and then the group's lock; whoever does so computes the shares of all. A share takes
 * effect at once: the members are asked for their locks without waiting (a wait would be the other
 * order of locks), and who holds one looks for a new share after giving it back (lu_pacer_unlock).
 * So no share is lost: the share is stored, then a fence, then the attempt to lock; the holder
 * unlocks, then a fence, then loads it. One of the two sees the other.
 *
 * Order of locks: pacer.lock of a heap, then the group's. Members stay while the group's lock is
 * held: leaving takes it.
 *
 * Threads: any. A group is used by no call after its end (lull/pacing.h).
 */
#include <lull/pacing.h>

#include "heap/heap.h"
#include "support/error.h"
#include "support/memory.h"
#include "support/tool.h"

#define MB (UINT64_C(1) << 20)
#define TB (UINT64_C(1) << 40)

struct lull_group {
  struct lu_lock lock;
  uint64_t budget;          /* under lock, as the rest */
  lull_heap *members;       /* linked by pacer.member.next */
};

static struct lu_member *member_of(lull_heap *heap) { return &heap->cycle.pacer.member; }

/* Members that have not been measured count like the mean of the others. */
struct sums {
  uint64_t rest;        /* of the budget, without the live bytes of all */
  double weight;
  double unmeasured;    /* the weight of such a member */
};

/* Lock held. */
static struct sums sum_up(const lull_group *group) {
  struct sums sums = {.rest = group->budget};
  unsigned measured = 0, others = 0;
  for (lull_heap *heap = group->members; heap != NULL; heap = member_of(heap)->next) {
    const struct lu_member *member = member_of(heap);
    sums.rest -= member->live < sums.rest ? member->live : sums.rest;
    sums.weight += member->weight;
    measured += member->weight > 0;
    others += member->weight <= 0;
  }
  sums.unmeasured = measured > 0 ? sums.weight / measured : 1.0;
  sums.weight += others * sums.unmeasured;
  return sums;
}

/* Group's lock held; of `held` the pacer's, too. */
static void share_out(lull_group *group, lull_heap *held) {
  struct sums sums = sum_up(group);
  for (lull_heap *heap = group->members; heap != NULL; heap = member_of(heap)->next) {
    struct lu_member *member = member_of(heap);
    double weight = member->weight > 0 ? member->weight : sums.unmeasured;
    atomic_store(&member->share,
                 member->live + (uint64_t)((double)sums.rest * weight / sums.weight));
    /* Here: the share is stored, then the lock is looked at. In lu_pacer_unlock: the lock is given
     * up, then the share is looked at. A fence stands between the two on both sides, so either the
     * lock is free here, or who holds it takes the share when giving it up. */
    lu_fence();
    if (heap == held)
      lu_pacer_take_share(heap);
    else if (lu_trylock(&heap->cycle.pacer.lock)) {
      lu_pacer_take_share(heap);
      lu_pacer_unlock(heap);
    }
  }
}

void lu_group_report(lull_heap *heap) {
  struct lu_member *member = member_of(heap);
  lull_group *group = member->group;
  if (group == NULL)
    return;
  lu_lock(&group->lock);
  member->live = heap->cycle.pacer.policy.major_live;
  member->weight = lu_policy_weight(&heap->cycle.pacer.policy);
  share_out(group, heap);
  lu_unlock(&group->lock);
}

static bool in_range(uint64_t budget) { return budget >= MB && budget <= TB; }

lull_status lull_group_create(uint64_t budget, lull_group **out) {
  if (out == NULL)
    return lu_reject(LULL_E_ARGUMENT, "lull_group_create: nowhere to put the group");
  *out = NULL;
  if (!in_range(budget))
    return lu_reject(LULL_E_RANGE, "lull_group_create: a budget is 1M to 1T");
  lull_group *group = lu_zalloc(LU_FAULT_METADATA, sizeof *group);
  if (group == NULL)
    return lu_reject(LULL_E_MEMORY, "lull_group_create: no memory for the group's record");
  lu_lock_init(&group->lock);
  group->budget = budget;
  *out = group;
  return LULL_OK;
}

lull_status lull_group_destroy(lull_group *group) {
  if (group == NULL)
    return lu_reject(LULL_E_ARGUMENT, "lull_group_destroy: no group");
  lu_lock(&group->lock);
  bool busy = group->members != NULL;
  lu_unlock(&group->lock);
  if (busy)
    return lu_reject(LULL_E_BUSY, "lull_group_destroy: it has members");
  lu_lock_destroy(&group->lock);
  lu_free(group);
  return LULL_OK;
}

lull_status lull_group_set_budget(lull_group *group, uint64_t budget) {
  if (group == NULL)
    return lu_reject(LULL_E_ARGUMENT, "lull_group_set_budget: no group");
  if (!in_range(budget))
    return lu_reject(LULL_E_RANGE, "lull_group_set_budget: a budget is 1M to 1T");
  lu_lock(&group->lock);
  group->budget = budget;
  share_out(group, NULL);
  lu_unlock(&group->lock);
  return LULL_OK;
}

/* Pacer's lock held. Returns false if it is a member of a group. */
static bool enter(lull_group *group, lull_heap *heap) {
  struct lu_member *member = member_of(heap);
  if (member->group != NULL)
    return false;
  lu_lock(&group->lock);
  member->group = group;
  member->live = heap->cycle.pacer.policy.major_live;
  member->weight = lu_policy_weight(&heap->cycle.pacer.policy);
  member->next = group->members;
  group->members = heap;
  share_out(group, heap);
  lu_unlock(&group->lock);
  return true;
}

lull_group *lu_group_leave_locked(lull_heap *heap) {
  struct lu_member *member = member_of(heap);
  lull_group *group = member->group;
  if (group == NULL)
    return NULL;
  lu_lock(&group->lock);
  lull_heap **link = &group->members;
  while (*link != heap)
    link = &member_of(*link)->next;
  *link = member->next;
  member->group = NULL;
  atomic_store(&member->share, 0);
  share_out(group, NULL);
  lu_unlock(&group->lock);
  lu_pacer_take_share(heap);
  return group;
}

lull_status lull_group_join(lull_group *group, lull_heap *heap) {
  if (group == NULL || heap == NULL)
    return lu_reject(LULL_E_ARGUMENT, "lull_group_join: no group or no heap");
  lu_lock(&heap->cycle.pacer.lock);
  bool entered = enter(group, heap);
  lu_pacer_unlock(heap);
  if (!entered)
    return lu_reject(LULL_E_STATE, "lull_group_join: the heap is a member of a group already");
  return LULL_OK;
}

lull_status lull_group_leave(lull_heap *heap) {
  if (heap == NULL)
    return lu_reject(LULL_E_ARGUMENT, "lull_group_leave: no heap");
  lu_lock(&heap->cycle.pacer.lock);
  lull_group *group = lu_group_leave_locked(heap);
  lu_pacer_unlock(heap);
  return group != NULL ? LULL_OK
                       : lu_reject(LULL_E_STATE, "lull_group_leave: the heap is in no group");
}
