/*
 * The choice of operations. All choices of a life come from the actor's random sequence, so the
 * same seed gives the same sequence as far as what an operation finds is the same.
 */
#include <inttypes.h>

#include "stress/mutators/mutator.h"

static const struct {
  void (*fn)(struct mutator *m);
  const char *name;
  uint32_t weight;
} table[] = {
    {private_new, "private_new", 2500},
    {private_walk, "private_walk", 800},
    {private_store, "private_store", 1200},
    {private_exchange, "private_exchange", 300},
    {private_compare_exchange, "private_compare_exchange", 300},
    {private_copy, "private_copy", 250},
    {private_copy_locals, "private_copy_locals", 150},
    {private_fill, "private_fill", 120},
    {private_root, "private_root", 500},
    {private_release, "private_release", 200},
    {private_nest, "private_nest", 500},
    {private_shared_range, "private_shared_range", 60},
    {private_check_all, "private_check_all", 6},
    {shared_new, "shared_new", 1200},
    {shared_store, "shared_store", 800},
    {shared_compare_exchange, "shared_compare_exchange", 300},
    {shared_transfer, "shared_transfer", 60},
    {shared_copy, "shared_copy", 150},
    {shared_fill, "shared_fill", 50},
    {shared_root, "shared_root", 500},
    {shared_move, "shared_move", 400},
    {shared_handle, "shared_handle", 250},
    {shared_adopt, "shared_adopt", 300},
    {shared_adopt_many, "shared_adopt_many", 80},
    {shared_hold, "shared_hold", 200},
    {shared_clear, "shared_clear", 2},
    {parcel_send, "parcel_send", 250},
    {parcel_receive, "parcel_receive", 400},
    {control_poll, "control_poll", 300},
    {control_collect, "control_collect", 2},
    {control_collect_start, "control_collect_start", 8},
    {control_collect_step, "control_collect_step", 20},
    {control_mode, "control_mode", 6},
    {control_verify, "control_verify", 1},
    {control_blocked, "control_blocked", 80},
    {control_roots, "control_roots", 40},
    {control_pressure, "control_pressure", 8},
    {control_leave, "control_leave", 6},
    {control_wrong, "control_wrong", 1},
};
enum { OPERATIONS = sizeof table / sizeof *table };

static unsigned choose(struct actor *actor) {
  static uint32_t total;
  uint32_t sum = __atomic_load_n(&total, __ATOMIC_RELAXED), choice;
  unsigned i;

  if (sum == 0) {
    for (i = 0; i < OPERATIONS; i++)
      sum += table[i].weight;
    __atomic_store_n(&total, sum, __ATOMIC_RELAXED);
  }
  choice = random_below(&actor->random, sum);
  for (i = 0; choice >= table[i].weight; i++)
    choice -= table[i].weight;
  return i;
}

void operation(struct actor *actor) {
  struct mutator *m =
      &actor->mutator[actor->worlds > 1 ? random_below(&actor->random, actor->worlds) : 0];
  unsigned choice = choose(actor);
  unsigned long long number = atomic_load_explicit(&actor->operations, memory_order_relaxed) + 1;

  atomic_store_explicit(&actor->trail[number % TRAIL], table[choice].name, memory_order_relaxed);
  atomic_store_explicit(&actor->operations, number, memory_order_relaxed);
  table[choice].fn(m);
}
