/*
 * roots/handles.c: global handles: slots in chunks that stay until the heap ends, and a free list
 * through the free ones.
 *
 *   F.1  A handle is live (its word is NULL or an object) or free (bit 0 of its word is set). A
 *        live word becomes free by one compare-and-swap, so of two threads that release the same
 *        handle one is told that it was not live.
 *   F.2  Every change of a live word is a root store: from the thread's H2 on the old object is
 *        shaded before it is replaced, by the thread that replaces it, whatever comes instead:
 *        another object, or the tag of a free handle. That is the trap of a handle that is released
 *        right after its value was read: the reader may be past its H3, hold the object in a
 *        register only, and the scan of the shared roots comes later and finds the handle free.
 *   F.3  A free handle is in the free list, or in the hands of the one thread that took it out or
 *        puts it in. Chunks are not freed before the heap, so a thread that lost a race for a
 *        handle may still read its word.
 *
 * The free list is a stack of indices whose head counts its changes: a pop by a thread that slept
 * while the handle was taken and given back fails. The count wraps after 2^32 changes during one
 * pop.
 *
 * No call here polls or waits; making a chunk calls calloc. Ordering: the head's CAS is acq_rel, so
 * that the taker of a handle sees the link that its giver stored; words are released by stores and
 * acquired by readers, so that who gets an object sees its fields. Threads: attached, RUNNING, but
 * for the scan.
 */
#include "roots/handles.h"

#include "heap/heap.h"
#include "mark/shade.h"
#include "roots/caller.h"
#include "support/memory.h"

#define FREE_TAG ((uintptr_t)1)

static bool is_free(uintptr_t word) { return (word & FREE_TAG) != 0; }
static uintptr_t free_word(uint32_t next_plus_1) { return (uintptr_t)next_plus_1 << 1 | FREE_TAG; }
static uint32_t next_of(uintptr_t word) { return (uint32_t)(word >> 1); }

static size_t chunk_handles(unsigned chunk) { return (size_t)LU_HANDLE_CHUNK << chunk; }
static uint32_t chunk_first(unsigned chunk) { return LU_HANDLE_CHUNK * ((1u << chunk) - 1); }
static unsigned chunk_of(uint32_t index) {
  return 31 - (unsigned)__builtin_clz(index / LU_HANDLE_CHUNK + 1);
}

/* The chunk, or NULL if nobody has made it yet. */
static lull_handle *chunk_at(struct lu_shared_roots *roots, unsigned chunk) {
  return atomic_load_explicit(&roots->chunks[chunk], memory_order_acquire);
}

/* A handle that exists. */
static lull_handle *handle_at(struct lu_shared_roots *roots, uint32_t index) {
  unsigned chunk = chunk_of(index);
  return chunk_at(roots, chunk) + (index - chunk_first(chunk));
}

/* The index of a handle; false if the pointer is none that lull_handle_new ever returned. */
static bool find_index(struct lu_shared_roots *roots, const lull_handle *handle, uint32_t *index) {
  uint32_t carved = atomic_load_explicit(&roots->carved, memory_order_acquire);
  for (unsigned c = 0; c < LU_HANDLE_CHUNKS && chunk_first(c) < carved; c++) {
    uintptr_t offset = (uintptr_t)handle - (uintptr_t)chunk_at(roots, c);
    if (offset >= chunk_handles(c) * sizeof *handle)
      continue;
    *index = chunk_first(c) + (uint32_t)(offset / sizeof *handle);
    return offset % sizeof *handle == 0 && *index < carved;
  }
  return false;
}

static uint64_t changed_head(uint64_t head, uint32_t first_plus_1) {
  return ((head >> 32) + 1) << 32 | first_plus_1;
}

static lull_handle *pop_free(struct lu_shared_roots *roots) {
  uint64_t head = atomic_load_explicit(&roots->free_handles, memory_order_acquire);
  while ((uint32_t)head != 0) {
    lull_handle *first = handle_at(roots, (uint32_t)head - 1);
    /* Somebody else may have taken it meanwhile; then this is no link, and the exchange fails. */
    uint32_t next = next_of(atomic_load_explicit(&first->word, memory_order_relaxed));
    if (atomic_compare_exchange_weak_explicit(&roots->free_handles, &head, changed_head(head, next),
                                              memory_order_acq_rel, memory_order_acquire))
      return first;
  }
  return NULL;
}

/* The caller owns the handle, whose word is free already. */
static void push_free(struct lu_shared_roots *roots, lull_handle *handle, uint32_t index) {
  uint64_t head = atomic_load_explicit(&roots->free_handles, memory_order_relaxed);
  do {
    atomic_store_explicit(&handle->word, free_word((uint32_t)head), memory_order_relaxed);
  } while (!atomic_compare_exchange_weak_explicit(&roots->free_handles, &head,
                                                  changed_head(head, index + 1),
                                                  memory_order_acq_rel, memory_order_relaxed));
}

/* Sees to it that a chunk is there; the loser of a race frees its own. */
static lull_handle *make_chunk(struct lu_shared_roots *roots, unsigned chunk) {
  lull_handle *there = chunk_at(roots, chunk);
  if (there != NULL)
    return there;
  lull_handle *made = lu_zalloc_array(LU_FAULT_HANDLE, chunk_handles(chunk), sizeof *made);
  if (made == NULL)
    return NULL;
  if (atomic_compare_exchange_strong_explicit(&roots->chunks[chunk], &there, made,
                                              memory_order_acq_rel, memory_order_acquire))
    return made;
  lu_free(made);
  return there;
}

/* A handle never used before. */
static lull_handle *carve(struct lu_shared_roots *roots) {
  uint32_t index = atomic_load_explicit(&roots->carved, memory_order_relaxed);
  while (index < LU_HANDLES_MAX) {
    unsigned chunk = chunk_of(index);
    lull_handle *handles = make_chunk(roots, chunk);
    if (handles == NULL)
      return NULL;
    if (atomic_compare_exchange_weak_explicit(&roots->carved, &index, index + 1,
                                              memory_order_acq_rel, memory_order_relaxed))
      return handles + (index - chunk_first(chunk));
  }
  return NULL;
}

lull_handle *lull_handle_new(lull_thread *thread, void *object) {
  if (lu_check_caller(thread, __func__) != LULL_OK)
    return NULL;
  struct lu_mutator *mutator = lu_mutator_of(thread);
  struct lu_shared_roots *roots = &mutator->heap->shared;
  LU_ASSERT(((uintptr_t)object & 7) == 0);
  lull_handle *handle = pop_free(roots);
  if (handle == NULL)
    handle = carve(roots);
  if (handle == NULL) {
    lu_reject(LULL_E_MEMORY, "%s: no memory for further handles", __func__);
    return NULL;
  }
  lu_root_barrier(mutator, NULL, object);
  atomic_store_explicit(&handle->word, (uintptr_t)object, memory_order_release);
  return handle;
}

void *lull_handle_get(lull_thread *thread, const lull_handle *handle) {
  lu_caller(thread);
  uintptr_t word = atomic_load_explicit(&handle->word, memory_order_acquire);
  if (LULL_UNLIKELY(is_free(word))) {
    lu_reject(LULL_E_UNKNOWN, "%s: handle %p has been released", __func__, (const void *)handle);
    return NULL;
  }
  return (void *)word;
}

/* F.2: replaces the word of a live handle; false if it is free. */
static bool replace(struct lu_mutator *mutator, lull_handle *handle, uintptr_t word, void *object) {
  uintptr_t old = atomic_load_explicit(&handle->word, memory_order_acquire);
  do {
    if (is_free(old))
      return false;
    lu_root_barrier(mutator, (void *)old, object);
  } while (!atomic_compare_exchange_weak_explicit(&handle->word, &old, word, memory_order_acq_rel,
                                                  memory_order_acquire));
  return true;
}

void lull_handle_set(lull_thread *thread, lull_handle *handle, void *object) {
  struct lu_mutator *mutator = lu_caller(thread);
  LU_ASSERT(((uintptr_t)object & 7) == 0);
  if (!replace(mutator, handle, (uintptr_t)object, object))
    lu_reject(LULL_E_UNKNOWN, "%s: handle %p has been released", __func__, (void *)handle);
}

lull_status lull_handle_release(lull_thread *thread, lull_handle *handle) {
  uint32_t index;
  lull_status status = lu_check_caller(thread, __func__);
  if (status != LULL_OK)
    return status;
  if (handle == NULL)
    return lu_reject(LULL_E_ARGUMENT, "%s: the handle is NULL", __func__);
  struct lu_mutator *mutator = lu_mutator_of(thread);
  struct lu_shared_roots *roots = &mutator->heap->shared;
  if (!find_index(roots, handle, &index) || !replace(mutator, handle, free_word(0), NULL))
    return lu_reject(LULL_E_UNKNOWN, "%s: %p is not a live handle of this heap: released twice?",
                     __func__, (void *)handle);
  push_free(roots, handle, index);
  return LULL_OK;
}

size_t lu_handles_each(struct lu_shared_roots *roots, void (*fn)(void *object, void *arg),
                       void *arg) {
  uint32_t carved = atomic_load_explicit(&roots->carved, memory_order_acquire);
  for (uint32_t index = 0; index < carved; index++) {
    uintptr_t word = atomic_load_explicit(&handle_at(roots, index)->word, memory_order_acquire);
    if (word != 0 && !is_free(word))
      fn((void *)word, arg);
  }
  return carved;
}

void lu_handles_fini(struct lu_shared_roots *roots) {
  for (unsigned c = 0; c < LU_HANDLE_CHUNKS; c++)
    lu_free(chunk_at(roots, c));
}
