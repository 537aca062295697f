/*
 * tests/puppets.c: threads that are led through the phases of a cycle one handshake at a time.
 *
 * A puppet takes one request at a time: lull_poll would also take the next one, if it came at once.
 * What a puppet has done is visible to main's thread, and what main's thread has done to it, by the
 * semaphores.
 */
#include "tests/puppets.h"
#include "tests/minor.h"

lull_heap *heap;
struct puppet a, b, c;
lull_type cells, vectors;
uint64_t target;
_Atomic bool over;
bool (*stop_at)(void);

struct lu_mutator *mutator_of(const struct puppet *puppet) { return lu_mutator_of(puppet->thread); }
struct lu_os_thread *os_of(const struct puppet *puppet) { return mutator_of(puppet)->thread.os; }

static void *live(void *arg) {
  struct puppet *puppet = arg;
  puppet->thread = attach(heap);
  ck_assert_int_eq(lull_thread_range_add(puppet->thread, puppet->root, 4), LULL_OK);
  for (;;) {
    sem_post(&puppet->done);
    while (sem_wait(&puppet->go) != 0)
      ;
    if (puppet->act == NULL)
      return NULL;
    puppet->act(puppet);
  }
}

void await(struct puppet *puppet) {
  while (sem_wait(&puppet->done) != 0)
    ;
}

void create(struct puppet *puppet) {
  sem_init(&puppet->go, 0, 0);
  sem_init(&puppet->done, 0, 0);
  ck_assert_int_eq(pthread_create(&puppet->id, NULL, live, puppet), 0);
  await(puppet);
}

void start(struct puppet *puppet, void (*act)(struct puppet *puppet)) {
  puppet->act = act;
  sem_post(&puppet->go);
}

void let(struct puppet *puppet, void (*act)(struct puppet *puppet)) {
  start(puppet, act);
  await(puppet);
}

void end(struct puppet *puppet) {
  if (puppet->thread != NULL)
    let(puppet, detach);
  start(puppet, NULL);
  pthread_join(puppet->id, NULL);
}

void advance(struct puppet *puppet) {
  while (mutator_of(puppet)->phase != puppet->phase) {
    lu_requests_run(os_of(puppet));
    sched_yield();
  }
}

void lead(struct puppet *puppet, enum lu_phase phase) {
  puppet->phase = phase;
  let(puppet, advance);
}

void lead_both(enum lu_phase phase) {
  lead(&a, phase);
  lead(&b, phase);
}

static struct lu_armed armed_now(void) {
  lu_lock(&heap->registry.lock);
  struct lu_armed armed = heap->cycle.armed;
  lu_unlock(&heap->registry.lock);
  return armed;
}

bool is_idle_armed(void) { return armed_now().phase == LU_IDLE; }
bool is_settling(void) { return is_idle_armed() && !armed_now().born_live; }

void take_requests_until(struct puppet *puppet) {
  struct lu_thread *thread = &mutator_of(puppet)->thread;
  for (;;) {
    if (atomic_load(&thread->request) == atomic_load(&thread->acknowledged))
      sched_yield();
    else if (stop_at())
      return;
    else
      lu_requests_run(os_of(puppet));
  }
}

void poll_to_the_end(struct puppet *puppet) {
  while (atomic_load(&heap->cycle.ended) < target && !atomic_load(&over))
    lull_poll(puppet->thread);
}

void begin(void) { target = lu_cycle_request(heap, LU_CAUSE_EXPLICIT); }

void begin_minor(void) { target = ask_for_minor(heap); }

void finish(void) {
  struct puppet *const all[] = {&a, &b, &c};
  bool waits[3];
  for (int i = 0; i < 3; i++) {
    waits[i] = all[i]->thread != NULL;
    if (waits[i])
      start(all[i], poll_to_the_end);
  }
  for (int i = 0; i < 3; i++)
    if (waits[i])
      await(all[i]);
}

void verify_now(void) {
  let(&b, block);
  let(&a, verify);
  let(&b, unblock);
}

struct cell *new_cell(struct puppet *puppet, uint64_t value) {
  struct cell *cell = (struct cell *)lull_new(puppet->thread, cells);
  EXPECT(cell != NULL);
  cell->value = value;
  return cell;
}

void leave_blocks(struct puppet *puppet) {
  for (size_t bytes = 0; bytes < 4 * LU_BLOCK_BYTES; bytes += sizeof(struct cell))
    new_cell(puppet, 0);
}

void collect(struct puppet *puppet) { ck_assert_int_eq(lull_collect(puppet->thread), LULL_OK); }

void grow_old(struct puppet *puppet) {
  for (int i = 0; i < 2; i++) {
    leave_blocks(puppet);
    collect(puppet);
  }
}

void block(struct puppet *puppet) { ck_assert_int_eq(lull_blocked_begin(puppet->thread), LULL_OK); }
void unblock(struct puppet *puppet) { ck_assert_int_eq(lull_blocked_end(puppet->thread), LULL_OK); }
void verify(struct puppet *puppet) { ck_assert_int_eq(lull_verify(puppet->thread), LULL_OK); }

void detach(struct puppet *puppet) {
  memset(puppet->root, 0, sizeof puppet->root);
  ck_assert_int_eq(lull_detach(puppet->thread), LULL_OK);
  puppet->thread = NULL;
}
