/*
 * verify/oracle.c: marking once more, by simple code: a set, a stack, one slot at a time.
 *
 * Invariant: an object is in `reached` from the moment it is found, and is on the stack once, until
 * its slots are walked. What a reference points to is judged before it is read (verify/place.h);
 * what has a fault is reported with its holder, counted as broken, and not entered.
 *
 * The stack remembers the place of its holder only when asked to explain a path: then nothing is
 * popped, so the entries form the tree of a breadth-first search.
 *
 * Threads: one, with the world stopped and regions published. Memory by malloc; without it the run
 * is given up and says nothing.
 */
#include "verify/oracle.h"

#include <stdio.h>
#include "observe/log.h"
#include "support/memory.h"
#include "threads/stop.h"
#include "verify/place.h"
#include "verify/walk.h"

struct entry {
  void *object;
  /* Explaining: index of the holder's entry; SHARED_ROOT; or THREAD_ROOT(id). */
  intptr_t holder;
};

#define SHARED_ROOT ((intptr_t)-1)
#define THREAD_ROOT(id) ((intptr_t)-2 - (intptr_t)(id))

struct lu_oracle {
  lull_heap *heap;
  uint32_t cycle; /* armed when it was made */
  struct lu_report *report;
  struct lu_objset reached, large;
  struct entry *entries;
  size_t count, room;
  bool no_memory;
  intptr_t holder;           /* of what is found now, as in entry */
  const void *holder_object; /* NULL: a root */
  void *const *slot;
  size_t objects, bytes, broken;
};

static bool push(struct lu_oracle *oracle, void *object) {
  if (oracle->count == oracle->room) {
    size_t room = oracle->room == 0 ? 1024 : oracle->room * 2;
    struct entry *grown = lu_realloc_array(LU_FAULT_METADATA, oracle->entries, room, sizeof *grown);
    if (grown == NULL)
      return false;
    oracle->entries = grown;
    oracle->room = room;
  }
  oracle->entries[oracle->count++] = (struct entry){object, oracle->holder};
  return true;
}

static void report_fault(struct lu_oracle *oracle, const void *object, const char *fault) {
  oracle->broken++;
  if (oracle->report == NULL)
    return;
  if (oracle->holder_object == NULL) {
    lu_violation(oracle->report, "%s root holds %s, which %s",
                 oracle->holder == SHARED_ROOT ? "a shared" : "a thread's",
                 lu_describe(oracle->heap, object).text, fault);
    return;
  }
  lu_violation(oracle->report, "%s, in %s, refers to %s, which %s",
               lu_describe(oracle->heap, oracle->holder_object).text,
               lu_describe_slot(oracle->heap, oracle->holder_object, oracle->slot).text,
               lu_describe(oracle->heap, object).text, fault);
}

static void find(struct lu_oracle *oracle, void *object) {
  if (object == NULL || oracle->no_memory || lu_objset_has(&oracle->reached, object))
    return;
  const char *fault = lu_place_fault(oracle->heap, &oracle->large, object);
  if (fault != NULL) {
    report_fault(oracle, object, fault);
    return;
  }
  if (lu_objset_add(&oracle->reached, object) == LU_OBJSET_NO_MEMORY || !push(oracle, object)) {
    oracle->no_memory = true;
    return;
  }
  oracle->objects++;
  oracle->bytes += lu_place_size(oracle->heap, object);
}

static void find_root(void *object, void *arg) { find(arg, object); }

static void find_slot(void **slot, void *arg) {
  struct lu_oracle *oracle = arg;
  oracle->slot = slot;
  find(oracle, (void *)__atomic_load_n(slot, __ATOMIC_ACQUIRE));
}

static void find_in(struct lu_oracle *oracle, const struct entry *entry, intptr_t index) {
  const struct lu_type *type = &oracle->heap->types.rows[lull_type_of(entry->object)];
  oracle->holder = index;
  oracle->holder_object = entry->object;
  lu_walk_slots(type, entry->object, find_slot, oracle);
}

static void drain(struct lu_oracle *oracle) {
  while (oracle->count > 0 && !oracle->no_memory) {
    struct entry entry = oracle->entries[--oracle->count];
    find_in(oracle, &entry, 0);
  }
}

static void roots_of_thread(struct lu_thread *thread, void *arg) {
  struct lu_oracle *oracle = arg;
  oracle->holder = THREAD_ROOT(thread->id);
  oracle->holder_object = NULL;
  lu_thread_roots_each(lu_mutator_of(&thread->pub), find_root, oracle);
}

static void find_roots(struct lu_oracle *oracle) {
  oracle->holder = SHARED_ROOT;
  oracle->holder_object = NULL;
  lu_shared_roots_each(&oracle->heap->shared, find_root, oracle);
  lu_stopped_each(&oracle->heap->registry, roots_of_thread, oracle);
}

static struct lu_oracle *new_oracle(lull_heap *heap, struct lu_report *report) {
  struct lu_oracle *oracle = lu_zalloc(LU_FAULT_METADATA, sizeof *oracle);
  if (oracle == NULL)
    return NULL;
  oracle->heap = heap;
  oracle->cycle = heap->cycle.armed.cycle;
  oracle->report = report;
  if (!lu_objset_init(&oracle->reached, &heap->space) || !lu_place_large(heap, &oracle->large)) {
    lu_oracle_free(oracle);
    return NULL;
  }
  return oracle;
}

struct lu_oracle *lu_oracle_run(lull_heap *heap, struct lu_report *report) {
  struct lu_oracle *oracle = new_oracle(heap, report);
  if (oracle == NULL)
    return NULL;
  find_roots(oracle);
  drain(oracle);
  oracle->report = NULL;
  if (!oracle->no_memory)
    return oracle;
  lu_oracle_free(oracle);
  return NULL;
}

struct lu_oracle *lu_oracle_mark(lull_heap *heap) {
  struct lu_report report = {heap, "oracle", 0};
  return lu_oracle_run(heap, &report);
}

void lu_oracle_free(struct lu_oracle *oracle) {
  if (oracle == NULL)
    return;
  lu_objset_fini(&oracle->reached);
  lu_objset_fini(&oracle->large);
  lu_free(oracle->entries);
  lu_free(oracle);
}

bool lu_oracle_has(const struct lu_oracle *oracle, const void *object) {
  return lu_objset_has(&oracle->reached, object);
}

size_t lu_oracle_objects(const struct lu_oracle *oracle) { return oracle->objects; }
size_t lu_oracle_bytes(const struct lu_oracle *oracle) { return oracle->bytes; }
size_t lu_oracle_broken(const struct lu_oracle *oracle) { return oracle->broken; }
uint32_t lu_oracle_cycle(const struct lu_oracle *oracle) { return oracle->cycle; }
const struct lu_objset *lu_oracle_reached(const struct lu_oracle *oracle) {
  return &oracle->reached;
}
const struct lu_objset *lu_oracle_large(const struct lu_oracle *oracle) { return &oracle->large; }

/* Logs the path to an entry, the object first. */
static void log_path(const struct lu_oracle *oracle, intptr_t at) {
  uint64_t log = oracle->heap->settings.log;
  int hops = 0;
  for (; at >= 0 && hops < 12; at = oracle->entries[at].holder, hops++)
    LU_LOG(log, LU_TAG_VERIFY, LU_LOG_ERROR, "Verify: %s %s", hops == 0 ? "path:" : "  held by",
           lu_describe(oracle->heap, oracle->entries[at].object).text);
  if (at >= 0)
    LU_LOG(log, LU_TAG_VERIFY, LU_LOG_ERROR, "Verify:   and so on");
  else if (at == SHARED_ROOT)
    LU_LOG(log, LU_TAG_VERIFY, LU_LOG_ERROR, "Verify:   held by a shared root");
  else
    LU_LOG(log, LU_TAG_VERIFY, LU_LOG_ERROR, "Verify:   held by a root of thread %ld",
           (long)THREAD_ROOT(at));
}

void lu_oracle_explain(lull_heap *heap, const void *object) {
  struct lu_oracle *oracle = new_oracle(heap, NULL);
  if (oracle == NULL)
    return;
  find_roots(oracle);
  for (size_t next = 0; next < oracle->count && !oracle->no_memory; next++) {
    struct entry entry = oracle->entries[next];
    if (entry.object == object) {
      log_path(oracle, (intptr_t)next);
      break;
    }
    find_in(oracle, &entry, (intptr_t)next);
  }
  lu_oracle_free(oracle);
}
