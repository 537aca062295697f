/*
 * test_verify.c: the verifier can fail: a sound heap is broken on purpose, in one way at a time,
 * and each way must be reported, by the text that belongs to it; put right again, the heap must
 * pass. Then the oracle against counted graphs of every layout, and the stop-the-world mode.
 */
#include <pthread.h>
#include <regex.h>
#include <stdatomic.h>
#include <stdio.h>
#include "heap/heap.h"
#include "heap/large.h"
#include "heap/scan.h"
#include "heap/sweep.h"
#include "mark/age.h"
#include "mark/remember.h"
#include "support/fault.h"
#include "tests/fixture.h"
#include "verify/verify.h"

/* Lines of the log that a test waits for. */
static char wanted[128];
static int wanted_lines, verify_lines;
static char gc_line[256];

static void watch_log(const char *line, void *data) {
  (void)data;
  if (strstr(line, "Verify") != NULL)
    verify_lines++;
  if (wanted[0] != '\0' && strstr(line, wanted) != NULL)
    wanted_lines++;
  if (strstr(line, "Pause Full") != NULL)
    snprintf(gc_line, sizeof gc_line, "%s", line);
}

/*
 * A heap between two cycles: `old` (a list of two, survived two collections, the first sweep of its
 * block over), `young` (born since), `vector` (large, old), all in roots; a free block; a block
 * with holes.
 */
struct scene {
  lull_heap *heap;
  lull_thread *thread;
  struct lu_mutator *mutator;
  lull_type cell, vector_type;
  struct cell *old, *young;
  struct vector *vector;
};

static struct scene scene;

static void collect(void) { ck_assert_int_eq(lull_collect(scene.thread), LULL_OK); }

/* Cells in several blocks of which one in ten survives, so that swept blocks have holes. */
static void make_holes(void) {
  struct cell *list = NULL;
  LULL_ROOTS(scene.thread, list);
  for (int i = 0; i < 30000; i++) {
    struct cell *made = (struct cell *)lull_new(scene.thread, scene.cell);
    if (i % 10 == 0) {
      lull_init(scene.thread, made, &made->next, list);
      list = made;
    }
  }
  lull_store(scene.thread, scene.old->next, &scene.old->next->next, list);
}

static void set_scene_with(const char *options) {
  memset(&scene, 0, sizeof scene);
  wanted[0] = '\0';
  verify_lines = 0;
  lull_log_to(watch_log, NULL);
  scene.heap = heap_with(options);
  scene.thread = attach(scene.heap);
  scene.mutator = lu_mutator_of(scene.thread);
  scene.cell = cell_type(scene.heap);
  scene.vector_type = vector_type(scene.heap);
  ck_assert_int_eq(lull_thread_range_add(scene.thread, &scene.old, 3), LULL_OK);
  scene.vector = (struct vector *)lull_new_array(scene.thread, scene.vector_type, 10000);
  scene.old = make_list(scene.thread, scene.cell, 2, 0);
  make_holes();
  for (int i = 0; i < 3; i++) {
    make_list(scene.thread, scene.cell, 10000, 0);
    collect();
  }
  scene.young = (struct cell *)lull_new(scene.thread, scene.cell);
  ck_assert_int_eq(lull_verify(scene.thread), LULL_OK);
  ck_assert_int_eq(verify_lines, 0);
}

static void set_scene(void) { set_scene_with("heap.max=64M,log=verify=error"); }

static void end_scene(void) {
  end_heap(scene.heap, scene.thread);
  lull_log_to(NULL, NULL);
}

/* Verifies at an edge; the heap must be found broken, by this text. */
static void expect_at(enum lu_edge edge, const char *text) {
  snprintf(wanted, sizeof wanted, "%s", text);
  wanted_lines = 0;
  ck_assert_int_eq(lull_blocked_begin(scene.thread), LULL_OK);
  lu_lock(&scene.heap->cycle.driver);
  size_t violations = lu_verify_edge(scene.heap, edge, false);
  lu_unlock(&scene.heap->cycle.driver);
  ck_assert_int_eq(lull_blocked_end(scene.thread), LULL_OK);
  ck_assert_msg(violations > 0, "not found: %s", text);
  ck_assert_msg(wanted_lines > 0, "found, but not by its text: %s", text);
  wanted[0] = '\0';
}

static void expect(const char *text) {
  snprintf(wanted, sizeof wanted, "%s", text);
  wanted_lines = 0;
  ck_assert_msg(lull_verify(scene.thread) == LULL_E_STATE, "not found: %s", text);
  ck_assert_msg(wanted_lines > 0, "found, but not by its text: %s", text);
  wanted[0] = '\0';
}

/* After the damage is put right. */
static void expect_sound(void) { ck_assert_int_eq(lull_verify(scene.thread), LULL_OK); }

static unsigned current_map(void) { return scene.heap->marking.map; }

static void flip_bit(const void *p, unsigned map) {
  lu_map_word *word = lu_map_at(p, map);
  *word = *word ^ lu_map_bit(p);
}

static struct lu_block *block_of(const void *p) { return lu_block_of(&scene.heap->space, p); }

/* Some block in this state. */
static struct lu_block *block_in(enum lu_block_state state) {
  struct lu_space *space = &scene.heap->space;
  for (size_t i = 0; i < space->slabs_high * LU_SLAB_BLOCKS; i++)
    if (space->blocks[i].state == state)
      return &space->blocks[i];
  ck_abort_msg("the scene has no block in state %d", (int)state);
  return NULL;
}

static char *memory_of(const struct lu_block *block) {
  return lu_block_memory(&scene.heap->space, block);
}

static _Atomic uint64_t *claim_of(const struct lu_block *block, enum lu_pool pool) {
  return &lu_slab_of(&scene.heap->space, memory_of(block))->claim[pool];
}
static uint64_t claim_bit(const struct lu_block *block) {
  return (uint64_t)1 << ((size_t)(block - scene.heap->space.blocks) % LU_SLAB_BLOCKS);
}

START_TEST(missing_mark) {
  set_scene();
  flip_bit(scene.old, current_map());
  expect("is reachable and");
  flip_bit(scene.old, current_map());
  flip_bit(scene.old->next, current_map());
  expect("older than the last sweep");
  expect("path:");
  expect("held by a root of thread");
  flip_bit(scene.old->next, current_map());
  flip_bit((char *)scene.old + 8, current_map());
  expect("marked in part only");
  flip_bit((char *)scene.old + 8, current_map());
  expect_sound();
  end_scene();
}
END_TEST

START_TEST(stray_marks) {
  set_scene();
  flip_bit(scene.old, current_map() ^ 1);
  expect("the spare MARK is not clear");
  flip_bit(scene.old, current_map() ^ 1);
  flip_bit(scene.vector, current_map() ^ 1);
  expect("the spare MARK is not clear");
  flip_bit(scene.vector, current_map() ^ 1);
  const char *pooled = memory_of(block_in(LU_BLOCK_POOLED));
  while (*lu_map_at(pooled, LU_MAP_TAKEN) & lu_map_bit(pooled))
    pooled += LU_GRANULE;
  flip_bit(pooled, current_map());
  expect("MARK and TAKEN differ");
  flip_bit(pooled, current_map());
  flip_bit(memory_of(block_in(LU_BLOCK_FREE)), current_map());
  expect("is FREE, and its bitmap");
  flip_bit(memory_of(block_in(LU_BLOCK_FREE)), current_map());
  expect_sound();
  end_scene();
}
END_TEST

START_TEST(births_of_a_cycle) {
  set_scene();
  const struct lu_block *block = scene.mutator->small.block;
  ck_assert_ptr_nonnull(block);
  ck_assert_uint_eq(block->live_cycle, scene.heap->cycle.armed.cycle);
  char *ahead = memory_of(block) + LU_BLOCK_BYTES - LU_GRANULE;
  ck_assert(!(*lu_map_at(ahead, LU_MAP_TAKEN) & lu_map_bit(ahead)));
  flip_bit(ahead, current_map());
  expect("their MARK is still set");
  flip_bit(ahead, current_map());
  expect_sound();
  expect_at(LU_EDGE_SWEPT, "their MARK is not set");
  scene.mutator->born_live = scene.heap->cycle.armed.born_live = true;
  scene.mutator->small.block->live_cycle--;
  expect("births are live, but not in its block");
  scene.mutator->small.block->live_cycle++;
  scene.mutator->born_live = scene.heap->cycle.armed.born_live = false;
  expect_sound();
  end_scene();
}
END_TEST

START_TEST(marking_that_lost_an_object) {
  set_scene();
  expect_at(LU_EDGE_MARKED, "is reachable and not marked");
  /* Reachable when the roots had been scanned, dropped since, and not marked: nothing reachable
   * tells of it. */
  bool found = lu_is_marked(scene.young, current_map());
  ck_assert(!found);
  struct lu_oracle *before = scene.heap->snapshot;
  ck_assert_ptr_null(before);
  ck_assert_int_eq(lull_blocked_begin(scene.thread), LULL_OK);
  lu_lock(&scene.heap->cycle.driver);
  lu_verify_edge(scene.heap, LU_EDGE_TRACE, false);
  lu_unlock(&scene.heap->cycle.driver);
  ck_assert_int_eq(lull_blocked_end(scene.thread), LULL_OK);
  ck_assert_ptr_nonnull(scene.heap->snapshot);
  scene.young = NULL;
  expect_at(LU_EDGE_MARKED, "was reachable when the roots had been scanned");
  ck_assert_ptr_null(scene.heap->snapshot);
  expect_sound();
  end_scene();
}
END_TEST

START_TEST(bad_references) {
  static char outside[64];
  set_scene();
  struct cell **slot = &scene.old->next, *right = *slot;
  *slot = (struct cell *)(void *)outside;
  expect("lies outside the heap");
  *slot = (struct cell *)((char *)right + 4);
  expect("is not aligned");
  *slot = (struct cell *)(memory_of(block_in(LU_BLOCK_FREE)) + 64);
  expect("lies in a free block");
  *slot = (struct cell *)(void *)lu_slab_start(right);
  expect("lies in a block that holds no objects");
  *slot = (struct cell *)((char *)scene.vector + 64);
  expect("is no large object that the heap knows of");
  *slot =
      (struct cell *)(scene.heap->space.base + (scene.heap->space.slab_count - 1) * LU_SLAB_BYTES);
  expect("lies in a slab that is not in use");
  *slot = right;
  /* Into the middle of an object: its value there happens to look like a header. */
  scene.old->value = scene.cell;
  *slot = (struct cell *)&scene.old->value;
  expect("begins inside");
  *slot = right;
  expect_sound();
  struct cell *root = scene.young;
  scene.young = (struct cell *)(void *)outside;
  expect("a thread's root holds");
  scene.young = root;
  lull_handle *handle = lull_handle_new(scene.thread, outside);
  expect("a shared root holds");
  ck_assert_int_eq(lull_handle_release(scene.thread, handle), LULL_OK);
  expect_sound();
  end_scene();
}
END_TEST

START_TEST(bad_headers) {
  set_scene();
  uint32_t right = scene.old->header.type_word;
  scene.old->header.type_word = 0;
  expect("has no type");
  scene.old->header.type_word = 12345;
  expect("has a type that does not exist");
  scene.old->header.type_word = right | 1u << 31;
  expect("has a header with flags");
  scene.old->header.type_word = 0xdbdbdbdb;
  expect("scribbled over");
  scene.old->header.type_word = scene.vector_type;
  size_t kept = (size_t)scene.old->next;
  expect("has a size that does not fit its block");
  ck_assert_uint_eq(kept, (size_t)scene.old->next);
  scene.old->header.type_word = right;
  scene.vector->length--;
  expect("has another size than was allocated");
  scene.vector->length++;
  expect_sound();
  end_scene();
}
END_TEST

/* What a sweep that came too early, or an allocation that forgot its cursor, leaves. */
START_TEST(objects_in_free_memory) {
  set_scene();
  flip_bit((char *)scene.old + 16, LU_MAP_TAKEN);
  struct lu_block *block = block_of(scene.old);
  if (block->state == LU_BLOCK_POOLED || block->state == LU_BLOCK_FULL)
    expect("the last sweep found free");
  else
    expect("lies across the edge of a hole");
  flip_bit((char *)scene.old + 16, LU_MAP_TAKEN);
  expect_sound();
  scene.thread->bump -= sizeof(struct cell);
  expect("lies beyond the cursor");
  scene.thread->bump += sizeof(struct cell);
  expect_sound();
  end_scene();
}
END_TEST

START_TEST(block_states) {
  set_scene();
  struct lu_block *block = block_of(scene.old);
  uint8_t right = block->state;
  block->state = LU_BLOCK_FREE;
  expect("lies in a free block");
  block->state = right;
  struct lu_block *pooled = block_in(LU_BLOCK_POOLED);
  enum lu_pool pool = LU_ROOMY(pooled->free_granules) ? LU_POOL_ROOMY : LU_POOL_SPARSE;
  *claim_of(pooled, pool) &= ~claim_bit(pooled);
  expect("can be claimed from pools 0");
  *claim_of(pooled, pool) |= claim_bit(pooled);
  *claim_of(pooled, LU_POOL_ORPHAN) |= claim_bit(pooled);
  expect("can be claimed from pools");
  *claim_of(pooled, LU_POOL_ORPHAN) &= ~claim_bit(pooled);
  pooled->free_granules -= 8;
  expect("free granules by TAKEN");
  pooled->free_granules += 8;
  struct lu_block *held = scene.mutator->small.block;
  held->state = LU_BLOCK_RETIRED;
  expect("which is not HELD");
  held->state = LU_BLOCK_HELD;
  struct lu_block *free = block_in(LU_BLOCK_FREE);
  free->state = LU_BLOCK_HELD;
  expect("blocks are HELD, threads hold");
  free->state = LU_BLOCK_FREE;
  pooled->rescan = 1;
  expect("re-scan flag");
  pooled->rescan = 0;
  expect_sound();
  end_scene();
}
END_TEST

START_TEST(sums_of_bytes) {
  set_scene();
  struct lu_space *space = &scene.heap->space;
  space->used += LU_BLOCK_BYTES;
  expect("but blocks, runs and charges are");
  space->used -= 2 * LU_BLOCK_BYTES;
  expect("but blocks, runs and charges are");
  space->used += LU_BLOCK_BYTES;
  space->pooled += 8;
  expect("pooled is");
  space->pooled -= 8;
  space->waiting[LU_POOL_FREE]--;
  expect("pool 0 counts");
  space->waiting[LU_POOL_FREE]++;
  struct lu_slab *slab = lu_slab_of(space, scene.vector);
  ck_assert_int_eq(slab->kind, LU_SLAB_PAGES);
  slab->pages[LU_SLAB_PAGE_COUNT / 64 - 1] ^= (uint64_t)1 << 63;
  expect("pages are in use");
  slab->pages[LU_SLAB_PAGE_COUNT / 64 - 1] ^= (uint64_t)1 << 63;
  struct lu_large *first = space->large;
  space->large = first->next;
  expect("is no large object that the heap knows of");
  space->large = first;
  first->rescan = 1;
  expect("re-scan flag");
  first->rescan = 0;
  expect_sound();
  end_scene();
}
END_TEST

START_TEST(the_remembered_set) {
  set_scene();
  lull_store(scene.thread, scene.old, &scene.old->next, scene.young);
  expect_sound();
  struct lu_packet *packet = scene.mutator->remembered;
  ck_assert_ptr_nonnull(packet);
  ck_assert_uint_gt(packet->count, 0);
  uintptr_t entry = packet->entry[packet->count - 1];
  ck_assert_uint_eq(entry, (uintptr_t)scene.old);
  packet->count--;
  expect("is not in the remembered set");
  /* A set that was dropped owes nothing. */
  scene.heap->marking.remembered_lost = true;
  expect_sound();
  scene.heap->marking.remembered_lost = false;
  packet->count++;
  packet->entry[packet->count - 1] = entry | LU_ENTRY_CARD;
  packet->entry[packet->count++] = 3;
  expect("with card 3");
  packet->count--;
  packet->entry[packet->count - 1] = entry + 64 * 1024 * 1024;
  expect("the remembered set has");
  packet->entry[packet->count - 1] = entry;
  /* Published, it counts as well. */
  ck_assert_int_eq(lull_blocked_begin(scene.thread), LULL_OK);
  lu_remember_publish(scene.mutator);
  ck_assert_int_eq(lull_blocked_end(scene.thread), LULL_OK);
  expect_sound();
  packet->count--;
  expect("is not in the remembered set");
  packet->count++;
  expect_sound();
  end_scene();
}
END_TEST

START_TEST(cards_of_large_objects) {
  char options[64];
  snprintf(options, sizeof options, "heap.max=64M,log=verify=error,rs.card=%d", 64 << _i);
  set_scene_with(options);
  void *slot = &scene.vector->item[5000];
  lull_store(scene.thread, scene.vector, slot, scene.young);
  expect_sound();
  _Atomic uint16_t *card = lu_large_card(lu_large_of(scene.vector), slot);
  uint16_t right = *card;
  *card = (uint16_t)(right - 2);
  expect("the card is not logged");
  *card = right;
  struct lu_packet *packet = scene.mutator->remembered;
  size_t index = packet->entry[packet->count - 1];
  ck_assert_ptr_eq(card, &lu_large_of(scene.vector)->cards[index]);
  packet->entry[packet->count - 1] = lu_large_of(scene.vector)->card_count;
  expect("with card");
  /* Another card of it, of which nobody has stored into. */
  packet->entry[packet->count - 1] = index == 0 ? 1 : 0;
  expect("is not in the remembered set: logged, but lost");
  packet->entry[packet->count - 1] = index;
  expect_sound();
  end_scene();
}
END_TEST

/* What minor cycles rely on. */
START_TEST(young_and_old) {
  set_scene();
  struct lu_space *space = &scene.heap->space;
  struct lu_block *held = scene.mutator->small.block;
  lu_block_clear_young(space, held);
  expect("was handed out, and is not young");
  lu_block_set_young(space, held);
  struct lu_block *free = block_in(LU_BLOCK_FREE);
  lu_block_set_young(space, free);
  expect("is FREE, and young");
  lu_block_clear_young(space, free);
  block_of(scene.old)->counted++;
  expect("live is");
  space->live++;
  if (block_of(scene.old)->state == LU_BLOCK_POOLED || block_of(scene.old)->state == LU_BLOCK_FULL)
    expect("granules, and has");
  block_of(scene.old)->counted--;
  space->live--;
  ck_assert_ptr_eq(space->large_old, lu_large_of(scene.vector));
  flip_bit(scene.vector, current_map());
  expect("is young, and listed among the old ones");
  flip_bit(scene.vector, current_map());
  space->large_old = lu_large_of(scene.old);
  expect("is not on the list");
  space->large_old = lu_large_of(scene.vector);
  expect_sound();
  end_scene();
}
END_TEST

START_TEST(ages) {
  set_scene_with("heap.max=64M,log=verify=error,gc.promote=3");
  uint32_t right = scene.old->header.type_word;
  ck_assert_uint_eq(lu_age(scene.old), 3);
  scene.old->header.type_word -= 1u << LU_AGE_SHIFT;
  expect("marked, though its age says that it is not old");
  scene.old->header.type_word += 2u << LU_AGE_SHIFT;
  expect("has an age that nothing gives it");
  scene.old->header.type_word = right;
  expect_sound();
  end_scene();
}
END_TEST

START_TEST(packets_out_of_place) {
  set_scene();
  struct lu_marking *marking = &scene.heap->marking;
  struct lu_packet *packet = lu_packet_new(&marking->packets);
  expect("packets were carved");
  packet->entry[packet->count++] = (uintptr_t)scene.old;
  lu_grey_push(&marking->packets, packet);
  expect("grey packets wait");
  packet = lu_grey_pop(&marking->packets);
  scene.mutator->grey = packet;
  expect("is idle and holds a grey packet");
  scene.mutator->grey = NULL;
  cds_wfs_node_init(&packet->flushed_link);
  cds_wfs_push(&marking->flushed, &packet->flushed_link);
  expect("flushed packets wait");
  __cds_wfs_pop_all(&marking->flushed);
  cds_wfs_node_init(&packet->flushed_link);
  cds_wfs_push(&marking->remembered_next, &packet->flushed_link);
  expect("has not become the current one");
  __cds_wfs_pop_all(&marking->remembered_next);
  lu_packet_drop(&marking->packets, packet);
  atomic_store(&marking->tracing, true);
  expect("markers may enter");
  atomic_store(&marking->tracing, false);
  marking->remembered_packets++;
  expect("the remembered set counts");
  marking->remembered_packets--;
  expect_sound();
  end_scene();
}
END_TEST

START_TEST(threads_out_of_step) {
  set_scene();
  scene.mutator->epoch += 2;
  expect("armed are");
  scene.mutator->epoch -= 2;
  scene.thread->pass_epoch = LULL_PASS_NEVER;
  expect("do not follow from phase");
  scene.thread->pass_epoch = scene.mutator->epoch;
  scene.mutator->phase = LU_TRACE;
  expect("is in phase");
  scene.mutator->phase = LU_IDLE;
  scene.mutator->born_live = true;
  expect("births are live");
  scene.mutator->born_live = false;
  ck_assert(scene.thread->bump < scene.thread->limit);
  *scene.thread->bump = 1;
  expect("is not zero");
  *scene.thread->bump = 0;
  char *limit = scene.thread->limit;
  scene.thread->limit = scene.thread->bump - 8;
  expect("are out of order");
  scene.thread->limit = limit;
  expect_sound();
  end_scene();
}
END_TEST

/* Objects of every layout, and how many of their words are references. */
struct shape {
  const char *name;
  lull_layout fixed, element;
  size_t size, element_size, length, references;
  lull_trace_fn *trace;
};

static void trace_third(void *object, lull_visitor *visitor) {
  lull_visit(visitor, (void **)object + 3);
}

static const uint64_t two_words[] = {0x0a}, far_words[] = {1u << 2, 1u << 5, 0},
                      third_word[] = {0x4};
static const struct shape shapes[] = {
    {"none", {0}, {0}, 64, 0, 0, 0, NULL},
    {"map", {LULL_REFS_MAP, 0, two_words, 1}, {0}, 40, 0, 0, 2, NULL},
    {"far map", {LULL_REFS_MAP, 0, far_words, 3}, {0}, 1600, 0, 0, 2, NULL},
    {"all", {LULL_REFS_ALL, 24, NULL, 0}, {0}, 80, 0, 0, 7, NULL},
    {"trace", {LULL_REFS_TRACE, 0, NULL, 0}, {0}, 48, 0, 0, 1, trace_third},
    {"elements all", {0}, {LULL_REFS_ALL, 8, NULL, 0}, 16, 24, 11, 22, NULL},
    {"elements map", {0}, {LULL_REFS_MAP, 0, third_word, 1}, 16, 32, 9, 9, NULL},
    {"both", {LULL_REFS_MAP, 0, third_word, 1}, {LULL_REFS_ALL, 0, NULL, 0}, 24, 8, 5, 6, NULL},
    {"bytes", {0}, {0}, 16, 1, 100, 0, NULL},
    {"large", {0}, {LULL_REFS_MAP, 0, third_word, 1}, 16, 32, 1000, 1000, NULL},
};
#define SHAPES ((int)(sizeof shapes / sizeof shapes[0]))

static lull_type shape_type(const struct shape *shape) {
  lull_type_desc desc = {.struct_size = sizeof desc,
                         .name = shape->name,
                         .size = shape->size,
                         .layout = shape->fixed,
                         .trace = shape->trace,
                         .element_size = shape->element_size,
                         .length_offset = shape->element_size != 0 ? 8 : 0,
                         .element = shape->element};
  lull_type type;
  ck_assert_msg(lull_type_define(scene.heap, &desc, &type) == LULL_OK, "%s", shape->name);
  return type;
}

struct slots {
  void **at[2048];
  size_t n;
};

static void note_slot(struct lull_visitor *visitor, void **slot) {
  struct slots *slots = visitor->context;
  slots->at[slots->n++] = slot;
}

static void check_shape(const struct shape *shape) {
  static struct slots slots;
  lull_type type = shape_type(shape);
  void *object = NULL;
  LULL_ROOTS(scene.thread, object);
  object = shape->element_size != 0 ? lull_new_array(scene.thread, type, shape->length)
                                    : lull_new(scene.thread, type);
  ck_assert_ptr_nonnull(object);
  slots.n = 0;
  lu_scan_slots(&scene.heap->types.rows[type], object, NULL, NULL, note_slot, &slots);
  ck_assert_uint_eq(slots.n, shape->references);
  for (size_t i = 0; i < slots.n; i++)
    lull_store(scene.thread, object, slots.at[i], lull_new(scene.thread, scene.cell));

  ck_assert_int_eq(lull_blocked_begin(scene.thread), LULL_OK);
  lu_region_publish(scene.mutator);
  struct lu_oracle *oracle = lu_oracle_mark(scene.heap);
  ck_assert_ptr_nonnull(oracle);
  ck_assert_uint_eq(lu_oracle_objects(oracle), 1 + shape->references);
  ck_assert_uint_eq(lu_oracle_broken(oracle), 0);
  ck_assert_uint_eq(lu_oracle_bytes(oracle),
                    lull_size_of(scene.heap, object) + shape->references * sizeof(struct cell));
  ck_assert(lu_oracle_has(oracle, object));
  ck_assert(!lu_oracle_has(oracle, scene.young));
  ck_assert(!lu_oracle_has(oracle, NULL));
  lu_oracle_free(oracle);
  ck_assert_int_eq(lull_blocked_end(scene.thread), LULL_OK);
  collect();
  ck_assert_int_eq(lull_verify(scene.thread), LULL_OK);
}

/* The oracle reaches as many objects as the shape has references, by slots that the collector's
 * walk names. */
START_TEST(the_oracle_finds_every_layout) {
  set_scene();
  ck_assert_int_eq(lull_thread_range_remove(scene.thread, &scene.old), LULL_OK);
  check_shape(&shapes[_i]);
  end_scene();
}
END_TEST

START_TEST(without_memory_nothing_is_claimed) {
  set_scene();
  lu_fault_arm(LU_FAULT_METADATA, 1 + (uint64_t)_i, false);
  lull_status status = lull_verify(scene.thread);
  uint64_t requests = lu_fault_requests(LU_FAULT_METADATA);
  lu_fault_clear();
  if (requests > (uint64_t)_i)
    ck_assert_int_eq(status, LULL_E_PROGRESS);
  expect_sound();
  end_scene();
}
END_TEST

START_TEST(misuse_is_refused) {
  set_scene();
  ck_assert_int_eq(lull_blocked_begin(scene.thread), LULL_OK);
  ck_assert_int_eq(lull_verify(scene.thread), LULL_E_STATE);
  ck_assert_int_eq(lull_blocked_end(scene.thread), LULL_OK);
  lull_heap *other = heap_with("heap.max=16M");
  lull_thread *there = attach(other);
  ck_assert_int_eq(lull_verify(there), LULL_OK);
  end_heap(other, there);
  ck_assert_int_eq(lull_verify(there), LULL_E_THREAD);
  end_scene();
}
END_TEST

/* The stop-the-world mode. */

static void expect_gc_line(const char *cause, int number) {
  char pattern[128];
  regex_t regex;
  snprintf(pattern, sizeof pattern,
           "GC\\(%d\\) Pause Full \\(%s\\) [0-9]+M->[0-9]+M\\(64M\\) [0-9]+\\.[0-9]{3}ms$", number,
           cause);
  ck_assert_int_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
  ck_assert_msg(regexec(&regex, gc_line, 0, NULL, 0) == 0, "%s", gc_line);
  regfree(&regex);
}

START_TEST(stop_the_world_collections) {
  lull_log_to(watch_log, NULL);
  lull_heap *heap = heap_with(
      "heap.max=64M,gc.mode=stw,verify=cycle,stress.epoch_bits=4,stress.scribble=true,log=gc");
  lull_thread *thread = attach(heap);
  lull_type cell = cell_type(heap), vectors = vector_type(heap);
  {
    struct cell *kept = NULL;
    struct vector *vector = NULL;
    LULL_ROOTS(thread, kept, vector);
    kept = make_list(thread, cell, 1000, 0);
    vector = (struct vector *)lull_new_array(thread, vectors, 2000);
    /* More collections than there are epochs, with stores into what is old at each age. */
    for (int round = 0; round < 40; round++) {
      make_list(thread, cell, 5000, 0);
      struct cell *at = kept;
      for (int i = 0; i < round % 10; i++)
        at = at->next;
      struct cell *fresh = (struct cell *)lull_new(thread, cell);
      fresh->value = at->next->value;
      lull_store(thread, fresh, &fresh->next, at->next->next);
      lull_store(thread, at, &at->next, fresh);
      lull_store(thread, vector, &vector->item[round * 50], fresh);
      ck_assert_int_eq(lull_verify(thread), LULL_OK);
      ck_assert_int_eq(lull_collect(thread), LULL_OK);
      expect_gc_line("Explicit", round);
    }
    lull_stats stats = stats_of(heap);
    ck_assert_uint_eq(stats.cycles, 40);
    bool right = true;
    uint64_t value = 0;
    for (const struct cell *at = kept; at != NULL; at = at->next)
      right &= at->value == value++;
    ck_assert(right);
    ck_assert_uint_eq(value, 1000);
  }
  ck_assert_int_eq(lull_collect(thread), LULL_OK);
  ck_assert_uint_eq(stats_of(heap).bytes_live, 0);
  end_heap(heap, thread);
  lull_log_to(NULL, NULL);
}
END_TEST

/* A program of fixed allocations, which collects by itself; returns how many collections there
 * were. */
static uint64_t run_program(void) {
  lull_heap *heap = heap_with("heap.max=32M,gc.mode=stw,verify=cycle");
  lull_thread *thread = attach(heap);
  lull_type cell = cell_type(heap);
  struct cell *kept = NULL;
  {
    LULL_ROOTS(thread, kept);
    for (int i = 0; i < 2000000; i++) {
      struct cell *made = (struct cell *)lull_new(thread, cell);
      made->value = (uint64_t)i;
      if (i % 100 == 0) {
        lull_init(thread, made, &made->next, i % 100000 == 0 ? NULL : kept);
        kept = made;
      }
    }
  }
  uint64_t cycles = stats_of(heap).cycles;
  end_heap(heap, thread);
  return cycles;
}

START_TEST(stop_the_world_is_deterministic) {
  uint64_t first = run_program();
  ck_assert_uint_gt(first, 0);
  ck_assert_uint_eq(run_program(), first);
}
END_TEST

static lull_heap *shared_heap;
static lull_type shared_cell;
static struct cell *shared_slots[8];
static atomic_bool over;
static atomic_int ready;

static void *mutate(void *arg) {
  unsigned seed = *(const unsigned *)arg;
  lull_thread *thread;
  if (lull_attach(shared_heap, &thread) != LULL_OK)
    return NULL;
  for (int i = 0; i < 100000; i++) {
    struct cell *made = (struct cell *)lull_new(thread, shared_cell);
    made->value = 77;
    struct cell *seen = (struct cell *)lull_load(&shared_slots[rand_r(&seed) % 8]);
    if (seen != NULL && seen->value != 77)
      return NULL;
    lull_init(thread, made, &made->next, i % 10 == 0 ? NULL : seen);
    lull_root_store(thread, &shared_slots[rand_r(&seed) % 8], made);
  }
  return lull_detach(thread) == LULL_OK ? arg : NULL;
}

START_TEST(stop_the_world_with_threads) {
  unsigned seeds[3] = {1, 2, 3};
  pthread_t ids[3];
  shared_heap = heap_with("heap.max=64M,gc.mode=stw,gc.every=1M,verify=cycle,stress.scribble=true");
  lull_thread *thread = attach(shared_heap);
  shared_cell = cell_type(shared_heap);
  ck_assert_int_eq(lull_shared_range_add(thread, shared_slots, 8), LULL_OK);
  ck_assert_int_eq(lull_blocked_begin(thread), LULL_OK);
  for (int i = 0; i < 3; i++)
    ck_assert_int_eq(pthread_create(&ids[i], NULL, mutate, &seeds[i]), 0);
  for (int i = 0; i < 3; i++) {
    void *result = NULL;
    ck_assert_int_eq(pthread_join(ids[i], &result), 0);
    ck_assert_ptr_eq(result, &seeds[i]);
  }
  ck_assert_int_eq(lull_blocked_end(thread), LULL_OK);
  ck_assert_uint_gt(stats_of(shared_heap).cycles, 3);
  ck_assert_int_eq(lull_shared_range_remove(thread, shared_slots), LULL_OK);
  end_heap(shared_heap, thread);
}
END_TEST

static void *run_without_polls(void *arg) {
  lull_thread *thread;
  if (lull_attach(shared_heap, &thread) != LULL_OK)
    return arg;
  ready = 1;
  while (!over)
    ;
  return lull_detach(thread) == LULL_OK ? NULL : arg;
}

/* Neither the verifier nor a collection waits for ever; both say so. */
START_TEST(a_thread_that_does_not_stop) {
  pthread_t id;
  void *result;
  shared_heap = heap_with("heap.max=64M,gc.mode=stw,stall.timeout=100ms");
  lull_thread *thread = attach(shared_heap);
  over = false;
  ready = 0;
  ck_assert_int_eq(pthread_create(&id, NULL, run_without_polls, &over), 0);
  while (!ready)
    lull_poll(thread);
  ck_assert_int_eq(lull_verify(thread), LULL_E_PROGRESS);
  ck_assert_int_eq(lull_collect(thread), LULL_E_PROGRESS);
  over = true;
  ck_assert_int_eq(lull_blocked_begin(thread), LULL_OK);
  ck_assert_int_eq(pthread_join(id, &result), 0);
  ck_assert_int_eq(lull_blocked_end(thread), LULL_OK);
  ck_assert_ptr_null(result);
  ck_assert_int_eq(lull_verify(thread), LULL_OK);
  ck_assert_int_eq(lull_collect(thread), LULL_OK);
  end_heap(shared_heap, thread);
}
END_TEST

int main(void) {
  Suite *suite = new_suite("verify");
  TCase *broken = tcase_create("broken on purpose"), *oracle = tcase_create("oracle"),
        *stw = tcase_create("stop the world");
  tcase_add_test(broken, missing_mark);
  tcase_add_test(broken, stray_marks);
  tcase_add_test(broken, births_of_a_cycle);
  tcase_add_test(broken, marking_that_lost_an_object);
  tcase_add_test(broken, bad_references);
  tcase_add_test(broken, bad_headers);
  tcase_add_test(broken, objects_in_free_memory);
  tcase_add_test(broken, block_states);
  tcase_add_test(broken, sums_of_bytes);
  tcase_add_test(broken, the_remembered_set);
  tcase_add_loop_test(broken, cards_of_large_objects, 0, 8);
  tcase_add_test(broken, young_and_old);
  tcase_add_test(broken, ages);
  tcase_add_test(broken, packets_out_of_place);
  tcase_add_test(broken, threads_out_of_step);
  suite_add_tcase(suite, broken);
  tcase_add_loop_test(oracle, the_oracle_finds_every_layout, 0, SHAPES);
  tcase_add_loop_test(oracle, without_memory_nothing_is_claimed, 0, 8);
  tcase_add_test(oracle, misuse_is_refused);
  suite_add_tcase(suite, oracle);
  tcase_add_test(stw, stop_the_world_collections);
  tcase_add_test(stw, stop_the_world_is_deterministic);
  tcase_add_test(stw, stop_the_world_with_threads);
  tcase_add_test(stw, a_thread_that_does_not_stop);
  suite_add_tcase(suite, stw);
  return run_suite(suite);
}
