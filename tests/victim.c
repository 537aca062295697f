/*
 * tests/victim.c: an object that has to live through a cycle, what puppets do with it, and the
 * scene of majors.
 *
 * All of it is main's thread's, which leads the puppets, but what a puppet's act does while main's
 * thread waits for it.
 */
#include "tests/victim.h"

struct cell *victim, *tail;
struct vector *shared;
size_t length = SMALL;
lull_handle *handle, *spare_handle;

void forget(struct puppet *puppet) { puppet->root[0] = NULL; }

void put_into_shared(struct puppet *puppet) {
  lull_store(puppet->thread, shared, &shared->item[length - 1], puppet->root[0]);
}

void put_and_forget(struct puppet *puppet) {
  put_into_shared(puppet);
  forget(puppet);
}

void take_from_shared(struct puppet *puppet) {
  puppet->root[0] =
      (struct cell *)lull_exchange(puppet->thread, shared, &shared->item[length - 1], NULL);
  EXPECT(puppet->root[0] == victim);
}

void load_and_clear(struct puppet *puppet) {
  puppet->root[0] = (struct cell *)lull_load(&shared->item[length - 1]);
  EXPECT(puppet->root[0] == victim);
  lull_store(puppet->thread, shared, &shared->item[length - 1], NULL);
}

void store_elsewhere(struct puppet *puppet) {
  lull_store(puppet->thread, shared, &shared->item[0], NULL);
}

void barrier_only(struct puppet *puppet) {
  lull_barrier(puppet->thread, shared, &shared->item[length - 1], puppet->root[0]);
}

void store_now(struct puppet *puppet) {
  __atomic_store_n((lull_word *)&shared->item[length - 1], (void *)puppet->root[0],
                   __ATOMIC_RELEASE);
  forget(puppet);
}

void bear_victim(struct puppet *puppet) {
  victim = puppet->root[0] = new_cell(puppet, MAGIC);
  tail = puppet->root[2] = new_cell(puppet, MAGIC + 1);
  lull_store(puppet->thread, victim, &victim->next, tail);
  puppet->root[2] = NULL;
}

void check_victim(void) {
  ck_assert_uint_eq(victim->value, MAGIC);
  ck_assert_ptr_eq(victim->next, tail);
  ck_assert_uint_eq(tail->value, MAGIC + 1);
}

void tear_down(void) {
  end(&b);
  end(&a);
  ck_assert_int_eq(lull_heap_destroy(heap), LULL_OK);
}

static void make_scene(struct puppet *puppet) {
  bear_victim(puppet);
  shared = (struct vector *)lull_new_array(puppet->thread, vectors, length);
  handle = lull_handle_new(puppet->thread, shared);
  spare_handle = lull_handle_new(puppet->thread, NULL);
  grow_old(puppet);
}

static void set_up_one(const char *options) {
  heap = heap_with(options);
  cells = cell_type(heap);
  vectors = vector_type(heap);
  create(&a);
  let(&a, make_scene);
}

void set_up_major_with(const char *options) {
  set_up_one(options);
  create(&b);
}

void set_up_major(void) { set_up_major_with(OPTIONS_OF_MAJORS); }

void alone(void (*act)(struct puppet *puppet)) {
  set_up_one(OPTIONS_OF_MAJORS);
  let(&a, act);
  end(&a);
  ck_assert_int_eq(lull_heap_destroy(heap), LULL_OK);
}

void begin_until(enum lu_phase phase) {
  begin();
  for (enum lu_phase step = LU_WINDOW; step <= phase; step++)
    lead_both(step);
}

void begin_and_scan_b(void) {
  begin_until(LU_BUMPED);
  lead(&b, LU_TRACE);
}

void outlive_major(void) {
  finish();
  ck_assert_uint_eq(atomic_load(&heap->cycle.ended), target);
  check_victim();
}
