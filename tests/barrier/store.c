/*
 * One store with its barrier, for tests/barrier/check.sh, which reads the instructions that a
 * compiler makes of it. MUTANT changes it in a way that the test must notice.
 */
#include <lull.h>

#ifndef MUTANT
#define MUTANT 0
#endif

struct node {
  lull_object header;
  struct node *next;
};

void store(lull_thread *thread, struct node *object, struct node *value);

void store(lull_thread *thread, struct node *object, struct node *value) {
#if MUTANT == 0
  lull_store(thread, object, &object->next, value);
#elif MUTANT == 1 /* a load more */
  (void)*(const volatile uint32_t *)&thread->birth_epoch;
  lull_store(thread, object, &object->next, value);
#elif MUTANT == 2 /* a branch more */
  if (LULL_UNLIKELY(value == NULL))
    lull_barrier_slow(thread, object, &object->next, object);
  lull_store(thread, object, &object->next, value);
#elif MUTANT == 3 /* a store more */
  *(volatile uint16_t *)&object->header.user = 1;
  lull_store(thread, object, &object->next, value);
#elif MUTANT == 4 /* arithmetic on the log */
  uint32_t log = __atomic_load_n(&object->header.log_epoch, __ATOMIC_RELAXED) ^ 5u;
  if (LULL_UNLIKELY(log != thread->pass_epoch))
    lull_barrier_slow(thread, object, &object->next, value);
  __atomic_store_n(&object->next, value, __ATOMIC_RELEASE);
#elif MUTANT == 5 /* the type instead of the log */
  uint32_t log = __atomic_load_n(&object->header.type_word, __ATOMIC_RELAXED);
  if (LULL_UNLIKELY(log != thread->pass_epoch))
    lull_barrier_slow(thread, object, &object->next, value);
  __atomic_store_n(&object->next, value, __ATOMIC_RELEASE);
#elif MUTANT == 6 /* always slow */
  lull_barrier_slow(thread, object, &object->next, value);
  __atomic_store_n(&object->next, value, __ATOMIC_RELEASE);
#elif MUTANT == 7 /* no barrier */
  (void)thread;
  __atomic_store_n(&object->next, value, __ATOMIC_RELEASE);
#else
#error "there is no such mutant"
#endif
}
