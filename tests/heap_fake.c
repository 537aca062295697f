/*
 * tests/heap_fake.c: see heap_fake.h.
 */
#include "tests/heap_fake.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "support/memory.h"

void fake_fail(const char *file, int line, const char *condition) {
  fprintf(stderr, "%s:%d: %s\n", file, line, condition);
  abort();
}

lull_heap *fake_heap_with_cards(size_t limit, size_t card_bytes) {
  lull_heap *heap = lu_zalloc_aligned(LU_FAULT_METADATA, 64, sizeof *heap);
  ck_assert(heap != NULL);
  lu_settings_default(&heap->settings);
  heap->settings.heap_max = limit;
  heap->settings.heap_return = true;
  heap->settings.rs_card = card_bytes;
  ck_assert_int_eq(lu_types_init(&heap->types), LULL_OK);
  ck_assert_int_eq(lu_space_init(&heap->space, &heap->settings), LULL_OK);
  return heap;
}

lull_heap *fake_heap(size_t limit) { return fake_heap_with_cards(limit, 512); }

void fake_heap_end(lull_heap *heap) {
  lu_space_fini(&heap->space);
  lu_types_fini(&heap->types);
  lu_free(heap);
}

struct lu_mutator *fake_mutator(lull_heap *heap) {
  struct lu_mutator *mutator = lu_zalloc_aligned(LU_FAULT_METADATA, 64, sizeof *mutator);
  struct lu_os_thread *os = lu_zalloc_aligned(LU_FAULT_METADATA, 64, sizeof *os);
  REQUIRE(mutator != NULL && os != NULL);
  mutator->heap = heap;
  mutator->thread.os = os;
  mutator->thread.pub.heap = heap;
  return mutator;
}

void fake_mutator_end(struct lu_mutator *mutator) {
  lu_free(mutator->thread.os);
  lu_free(mutator);
}

lull_type fake_bytes_type(lull_heap *heap) {
  lull_type type = 0;
  lull_type_desc desc = {.struct_size = sizeof desc,
                         .name = "bytes",
                         .size = sizeof(struct bytes),
                         .element_size = 1,
                         .length_offset = offsetof(struct bytes, length)};
  ck_assert_int_eq(lu_types_define(&heap->types, &desc, &type), LULL_OK);
  return type;
}

static void require_zero(const char *p, size_t size) {
  for (size_t i = 0; i < size; i += 8)
    REQUIRE(*(const uint64_t *)(p + i) == 0);
}

struct bytes *fake_new(struct lu_mutator *mutator, lull_type type, size_t size) {
  struct bytes *object;
  struct lu_large *large = NULL;
  if (size > LU_SMALL_MAX) {
    large = lu_large_allocate(mutator, size, mutator->heap->space.card_shift);
    object = large == NULL ? NULL : lu_large_object(large);
  } else {
    char *bump = mutator->thread.pub.bump;
    if (bump != NULL && (size_t)(mutator->thread.pub.limit - bump) >= size) {
      object = (struct bytes *)bump;
      mutator->thread.pub.bump += size;
    } else if ((object = (struct bytes *)lu_region_extend(mutator, size)) == NULL) {
      object = (struct bytes *)lu_region_allocate(mutator, size);
    }
  }
  if (object == NULL)
    return NULL;
  require_zero((const char *)object, size);
  object->header.type_word = type;
  object->header.log_epoch = large != NULL ? LU_LOG_LARGE : 0;
  object->length = size - sizeof *object;
  if (large != NULL)
    lu_large_publish(&mutator->heap->space, large);
  return object;
}

void fake_mark(lull_heap *heap, const void *object, unsigned map) {
  size_t size = lull_size_of(heap, object);
  if (size > LU_SMALL_MAX)
    size = LU_GRANULE;
  for (const char *p = object; p < (const char *)object + size; p += LU_GRANULE)
    atomic_fetch_or(lu_map_at(p, map), lu_map_bit(p));
}

struct lu_sweep fake_sweep(lull_heap *heap, unsigned map, uint32_t cycle) {
  struct lu_sweep sweep = {.space = &heap->space,
                           .mark_map = map,
                           .cycle = cycle,
                           .scribble = heap->settings.stress_scribble};
  lu_sweep(&sweep);
  return sweep;
}

bool fake_map_is_clear(lull_heap *heap, unsigned map) {
  struct lu_space *space = &heap->space;
  for (size_t i = 0; i < atomic_load(&space->slabs_high); i++) {
    const lu_map_word *words = lu_map_at(space->base + i * LU_SLAB_BYTES, map);
    if (atomic_load(&space->slabs[i].kind) != LU_SLAB_SPAN_REST)
      for (size_t j = 0; j < LU_BLOCK_BYTES / sizeof *words; j++)
        if (lu_map_load(&words[j]) != 0)
          return false;
  }
  return true;
}

static void check_block(const struct lu_space *space, size_t slab, size_t index, size_t *waiting,
                        size_t *charged, size_t *pooled) {
  const struct lu_block *block = &space->blocks[slab * LU_SLAB_BLOCKS + index];
  unsigned pools = 0, pool = LU_POOLS;
  for (unsigned i = 0; i < LU_POOLS; i++) {
    if (atomic_load(&space->slabs[slab].claim[i]) >> index & 1) {
      pools++;
      pool = i;
      waiting[i]++;
    }
  }
  unsigned state = atomic_load(&block->state);
  ck_assert_uint_le(pools, 1);
  ck_assert_int_eq(pool == LU_POOL_FREE, state == LU_BLOCK_FREE);
  ck_assert_int_eq(pool == LU_POOL_ROOMY || pool == LU_POOL_SPARSE, state == LU_BLOCK_POOLED);
  ck_assert_int_eq(pool == LU_POOL_ORPHAN, state == LU_BLOCK_ORPHAN);
  ck_assert_uint_ne(state, LU_BLOCK_UNUSED);
  if (state != LU_BLOCK_FREE && state != LU_BLOCK_META)
    *charged += LU_BLOCK_BYTES;
  if (pools == 1 && pool != LU_POOL_FREE)
    *pooled += block->free_granules * (size_t)LU_GRANULE;
}

void fake_check_space(const struct lu_space *space) {
  size_t waiting[LU_POOLS] = {0}, charged = 0, pooled = 0;
  for (size_t i = 0; i < space->slab_count; i++) {
    unsigned kind = atomic_load(&space->slabs[i].kind);
    ck_assert(kind == LU_SLAB_UNUSED || i < atomic_load(&space->slabs_high));
    for (size_t j = 0; kind == LU_SLAB_SMALL && j < LU_SLAB_BLOCKS; j++)
      check_block(space, i, j, waiting, &charged, &pooled);
  }
  for (const struct lu_large *large = atomic_load(&space->large); large != NULL;
       large = large->next)
    charged += large->run_bytes;
  for (unsigned i = 0; i < LU_POOLS; i++)
    ck_assert_uint_eq(atomic_load(&space->waiting[i]), waiting[i]);
  ck_assert_uint_eq(atomic_load(&space->used), charged);
  ck_assert_uint_eq(atomic_load(&space->pooled), pooled);
  ck_assert_uint_le(charged, space->limit);
}

struct call {
  void (*fn)(void *arg, unsigned index);
  void *arg;
  unsigned index;
};

static void *run_call(void *arg) {
  const struct call *call = arg;
  call->fn(call->arg, call->index);
  return NULL;
}

void fake_threads(unsigned n, void (*fn)(void *arg, unsigned index), void *arg) {
  pthread_t *threads = calloc(n, sizeof *threads);
  struct call *calls = calloc(n, sizeof *calls);
  ck_assert(threads != NULL && calls != NULL);
  for (unsigned i = 0; i < n; i++) {
    calls[i] = (struct call){fn, arg, i};
    ck_assert_int_eq(pthread_create(&threads[i], NULL, run_call, &calls[i]), 0);
  }
  for (unsigned i = 0; i < n; i++)
    ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
  free(threads);
  free(calls);
}
