/*
 * cycle/pacing.c: lull/pacing.h: a heap's pacing for those who ask and those who change it.
 *
 * A setting has the range of its option; the table of options is asked, so that there is one place
 * for it. All settings are checked before one is changed.
 *
 * Threads: any. The policy is under pacer.lock; the hard limit is an atomic word of the heap's
 * space.
 */
#include <lull/pacing.h>

#include <inttypes.h>
#include <string.h>
#include "heap/heap.h"
#include "support/error.h"
#include "support/options.h"

#define SETTING(field, option) {offsetof(lull_pacing, field), option}

static const struct {
  size_t offset;
  const char *option;
} settings[] = {
    SETTING(hard_limit, "heap.max"),
    SETTING(soft_limit, "heap.soft"),
    SETTING(initial, "heap.initial"),
    SETTING(sizing, "heap.sizing"),
    SETTING(balance, "heap.balance"),
    SETTING(major_growth, "heap.growth"),
    SETTING(generational, "gc.generational"),
    SETTING(young, "gc.young"),
    SETTING(minor_ratio, "gc.minor_ratio"),
    SETTING(minor_growth, "gc.minor_growth"),
    SETTING(threshold_bytes, "gc.threshold_bytes"),
    SETTING(threshold_objects, "gc.threshold_objects"),
    SETTING(start, "gc.start"),
    SETTING(every, "gc.every"),
    SETTING(pause, "gc.pause"),
    SETTING(cpu, "gc.cpu"),
    SETTING(step, "gc.step"),
    SETTING(step_bytes, "gc.step_bytes"),
    SETTING(work, "gc.work"),
};
#define SETTINGS (sizeof settings / sizeof settings[0])

static uint64_t value_at(const lull_pacing *pacing, size_t offset) {
  uint64_t value;
  memcpy(&value, (const char *)pacing + offset, sizeof value);
  return value;
}

/* Lock held. */
static void read_settings(const struct lu_pacer *pacer, lull_pacing *pacing) {
  const struct lu_policy_config *config = &pacer->policy.config;
  pacing->step = atomic_load_explicit(&pacer->step, memory_order_relaxed);
  pacing->step_bytes = atomic_load_explicit(&pacer->step_bytes, memory_order_relaxed);
  pacing->work = atomic_load_explicit(&pacer->work, memory_order_relaxed);
  pacing->hard_limit = config->limit;
  pacing->soft_limit = config->soft;
  pacing->initial = config->initial;
  pacing->sizing = (uint64_t)config->sizing;
  pacing->balance = config->balance;
  pacing->major_growth = config->growth;
  pacing->generational = config->generational;
  pacing->young = config->young;
  pacing->minor_ratio = config->minor_ratio;
  pacing->minor_growth = config->minor_growth;
  pacing->threshold_bytes = config->threshold_bytes;
  pacing->threshold_objects = config->threshold_objects;
  pacing->start = config->start;
  pacing->every = config->every;
  pacing->pause = config->pause;
  pacing->cpu = config->cpu;
}

/* Lock held; the policy is told by the caller. */
static void write_settings(struct lu_pacer *pacer, struct lu_policy_config *config,
                           const lull_pacing *pacing) {
  atomic_store_explicit(&pacer->step, pacing->step, memory_order_relaxed);
  atomic_store_explicit(&pacer->step_bytes, pacing->step_bytes, memory_order_relaxed);
  atomic_store_explicit(&pacer->work, pacing->work, memory_order_relaxed);
  config->limit = pacing->hard_limit;
  config->soft = pacing->soft_limit;
  config->initial = pacing->initial;
  config->sizing = (enum lu_sizing)pacing->sizing;
  config->balance = pacing->balance;
  config->growth = pacing->major_growth;
  config->generational = pacing->generational != 0;
  config->young = pacing->young != 0 ? pacing->young : lu_default_young();
  config->minor_ratio = pacing->minor_ratio;
  config->minor_growth = pacing->minor_growth;
  config->threshold_bytes = pacing->threshold_bytes;
  config->threshold_objects = pacing->threshold_objects;
  config->start = pacing->start;
  config->every = pacing->every;
  config->pause = pacing->pause;
  config->cpu = pacing->cpu;
}

/* Lock held. */
static void read_figures(const struct lu_policy *policy, uint64_t allocated, lull_pacing *pacing) {
  pacing->allocated = allocated;
  pacing->debt = lu_policy_debt(policy, allocated);
  pacing->goal = policy->goal;
  pacing->live_estimate = lu_policy_live(policy, allocated);
  pacing->live_major = policy->major_live;
  pacing->next_is_minor = policy->planned == LU_MINOR;
  pacing->minors_pay = policy->config.generational && policy->left == 0;
  pacing->survival = policy->survival;
  pacing->rate = lu_policy_rate(policy);
  pacing->mark_speed = policy->ns_per_byte > 0 ? 1e9 / policy->ns_per_byte : 0;
  pacing->share = policy->share;
}

static bool size_is_good(const lull_pacing *pacing) {
  return pacing != NULL && pacing->struct_size >= sizeof pacing->struct_size &&
         pacing->struct_size <= sizeof *pacing;
}

lull_status lull_heap_pacing(lull_heap *heap, lull_pacing *pacing) {
  if (heap == NULL || !size_is_good(pacing))
    return lu_reject(LULL_E_ARGUMENT,
                     "lull_heap_pacing: no heap, or struct_size is not sizeof(lull_pacing), at "
                     "most %zu", sizeof *pacing);
  struct lu_pacer *pacer = &heap->cycle.pacer;
  lull_pacing all = {.struct_size = pacing->struct_size};
  lu_lock(&pacer->lock);
  read_settings(pacer, &all);
  read_figures(&pacer->policy, atomic_load_explicit(&pacer->allocated, memory_order_relaxed), &all);
  lu_pacer_unlock(heap);
  memcpy(pacing, &all, (size_t)all.struct_size);
  return LULL_OK;
}

/* Whether each setting that the caller's structure reaches is one that its option would accept. */
static lull_status check(const lull_heap *heap, const lull_pacing *pacing) {
  char why[LU_WHY];
  for (size_t i = 0; i < SETTINGS; i++) {
    if (settings[i].offset + sizeof(uint64_t) > pacing->struct_size)
      continue;
    if (lu_option_check(settings[i].option, value_at(pacing, settings[i].offset), why) != LULL_OK)
      return lu_reject(LULL_E_RANGE, "lull_heap_set_pacing: %s", why);
  }
  if (pacing->struct_size >= offsetof(lull_pacing, soft_limit) &&
      (pacing->hard_limit == 0 || pacing->hard_limit > heap->settings.heap_max))
    return lu_reject(LULL_E_RANGE,
                     "lull_heap_set_pacing: the hard limit is 1M to what the heap was made with, %"
                     PRIu64 " bytes", heap->settings.heap_max);
  return LULL_OK;
}

lull_status lull_heap_set_pacing(lull_heap *heap, const lull_pacing *pacing) {
  if (heap == NULL || !size_is_good(pacing))
    return lu_reject(LULL_E_ARGUMENT,
                     "lull_heap_set_pacing: no heap, or struct_size is not sizeof(lull_pacing), at "
                     "most %zu", sizeof *pacing);
  lull_status status = check(heap, pacing);
  if (status != LULL_OK)
    return status;
  struct lu_pacer *pacer = &heap->cycle.pacer;
  lull_pacing all;
  lu_lock(&pacer->lock);
  struct lu_policy_config config = pacer->policy.config;
  read_settings(pacer, &all);
  memcpy(&all, pacing, (size_t)pacing->struct_size);
  write_settings(pacer, &config, &all);
  atomic_store(&heap->space.limit, (size_t)config.limit);
  lu_policy_configure(&pacer->policy, &config);
  lu_pacer_publish_plan(heap);
  lu_pacer_unlock(heap);
  /* Steps may not have been wanted before */
  atomic_store_explicit(&heap->cycle.step_at, 0, memory_order_relaxed);
  lu_event_signal(&heap->cycle.wake);      /* a cycle may be held back by what has changed */
  lu_event_signal(&heap->cycle.progress);  /* and an allocation by a limit that was lower */
  return LULL_OK;
}

bool lull_should_collect(lull_heap *heap) {
  const struct lu_cycle *cycle = &heap->cycle;
  return atomic_load_explicit(&cycle->pacer.allocated, memory_order_relaxed) >=
         atomic_load_explicit(&cycle->pacer.trigger, memory_order_relaxed) ||
         atomic_load_explicit(&cycle->wanted, memory_order_relaxed) >
         atomic_load_explicit(&cycle->begun, memory_order_relaxed);
}
