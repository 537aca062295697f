/*
 * verify/check_remembered.c: the remembered set holds what the next minor will need, and every
 * packet is where it belongs.
 *
 *   N.1  SETTLED, IDLE, WINDOW: an old object that refers to a young one stands in the set,
 *        published or in a thread's private packet; of a large one the card of the reference does,
 *        and it is logged. At WINDOW the set of the epoch that comes counts as well: it has what
 *        was stored since H1. Unless the set is known to have lost entries. Old is what is marked,
 *        unpromoted survivors are not; a first MARK bit alone is that of an object whose scan is
 *        put off (mark/shade.c).
 *   N.2  Where N.1 or N.3 is checked, every entry refers to an object that is still there.
 *   N.3  After marking nothing is grey: the flushed and the grey stack are empty, nobody is in
 *        `active`, no re-scan is asked for.
 *   N.4  Then every packet ever carved is free, in the remembered set, a thread's, or in the list
 *        of survivors that are not promoted, which is empty when the cycle is over.
 *
 * Threads: the verifier, with the world stopped, which orders all that it reads.
 */
#include "heap/large.h"
#include "mark/remember.h"
#include "threads/stop.h"
#include "verify/checks.h"
#include "verify/place.h"
#include "verify/walk.h"

struct remembered {
  struct lu_checks *checks;
  struct lu_objset entries; /* small objects, and the first bytes of cards */
  size_t packets; /* in the stacks and with threads */
  const void *holder;
};

/* What stands for an entry in the set of entries. */
static const void *key_of(bool small, const void *object, size_t card) {
  const struct lu_large *large = lu_large_of(object);
  return small ? object : (const char *)object + card * lu_large_card_bytes(large);
}

static void add_entry(struct remembered *set, struct lu_remembered entry) {
  struct lu_checks *checks = set->checks;
  const char *fault = lu_place_fault(checks->heap, lu_oracle_large(checks->oracle), entry.object);
  if (fault != NULL) {
    lu_violation(&checks->report, "the remembered set has %s, which %s",
                 lu_describe(checks->heap, entry.object).text, fault);
    return;
  }
  bool small = lu_place_is_small(checks->heap, entry.object);
  if (small != (entry.card == LU_NO_CARD) ||
      (!small && entry.card >= lu_large_of(entry.object)->card_count)) {
    lu_violation(&checks->report, "the remembered set has %s with card %zu",
                 lu_describe(checks->heap, entry.object).text, entry.card);
    return;
  }
  const void *key = key_of(small, entry.object, entry.card);
  if (lu_objset_add(&set->entries, key) == LU_OBJSET_NO_MEMORY)
    checks->no_memory = true;
}

static void add_packet(struct remembered *set, const struct lu_packet *packet) {
  struct lu_remembered entry;
  set->packets++;
  for (uint32_t at = 0; lu_remembered_next(packet, &at, &entry);)
    add_entry(set, entry);
}

/* Reads a stack without taking from it: nobody else touches it now. */
static void add_stack(struct remembered *set, struct cds_wfs_stack *stack) {
  struct cds_wfs_head *head = stack->head;
  struct cds_wfs_node *node;
  if (cds_wfs_empty((cds_wfs_stack_ptr_t){.s = stack}))
    return;
  cds_wfs_for_each_blocking(head, node)
      add_packet(set, caa_container_of(node, struct lu_packet, flushed_link));
}

static void add_thread(struct lu_thread *thread, void *arg) {
  struct remembered *set = arg;
  const struct lu_mutator *mutator = lu_mutator_of(&thread->pub);
  if (mutator->remembered != NULL)
    add_packet(set, mutator->remembered);
}

/* Whether the log of a slot says that it is in the set: by the epoch, or the window before it (or,
 * in a window, by that one). */
static bool is_logged(const struct lu_checks *checks, const void *object, const void *slot) {
  uint16_t epoch = checks->heap->cycle.armed.epoch, mask = checks->heap->marking.epoch_mask;
  uint16_t log = lu_check_log(checks->heap, object, slot);
  return log == epoch || log == ((epoch - 1) & mask) ||
         (checks->edge == LU_EDGE_WINDOW && log == ((epoch + 1) & mask));
}

/* N.1 does not hold. The log tells whose fault that is. */
static void complain(struct remembered *set, const void *slot, const void *value,
                     const char *what) {
  struct lu_checks *checks = set->checks;
  const lull_heap *heap = checks->heap;
  bool logged = is_logged(checks, set->holder, slot);
  lu_violation(&checks->report,
               "%s is old, refers to young %s in %s, and %s: %s (log %u, epoch %u)",
               lu_describe(heap, set->holder).text, lu_describe(heap, value).text,
               lu_describe_slot(heap, set->holder, slot).text, what,
               logged ? "logged, but lost" : "stored without the barrier",
               (unsigned)lu_check_log(heap, set->holder, slot), (unsigned)heap->cycle.armed.epoch);
  lu_check_explain(checks, set->holder);
}

static void check_slot(void **slot, void *arg) {
  struct remembered *set = arg;
  struct lu_checks *checks = set->checks;
  const void *value = (const void *)__atomic_load_n(slot, __ATOMIC_ACQUIRE);
  if (value == NULL || !lu_oracle_has(checks->oracle, value) ||
      lu_is_marked(value, checks->heap->marking.map))
    return;
  bool small = lu_place_is_small(checks->heap, set->holder);
  size_t card = small ? LU_NO_CARD : lu_large_card_index(lu_large_of(set->holder), slot);
  if (!lu_objset_has(&set->entries, key_of(small, set->holder, card)))
    complain(set, slot, value, "is not in the remembered set");
  else if (!small && !is_logged(checks, set->holder, slot))
    complain(set, slot, value, "the card is not logged");
}

/* Whether an object was marked, and scanned, by an earlier cycle. */
static bool is_old(const lull_heap *heap, const void *object) {
  unsigned map = heap->marking.map;
  if (lu_place_is_small(heap, object))
    return lu_place_all_bits(object, lu_place_size(heap, object) / LU_GRANULE, map, true);
  return lu_is_marked(object, map) &&
         atomic_load_explicit(&lu_large_of(object)->rescan, memory_order_relaxed) == 0;
}

/* N.1 of one reachable object. */
static void check_holder(void *object, void *arg) {
  struct remembered *set = arg;
  const lull_heap *heap = set->checks->heap;
  if (!is_old(heap, object))
    return;
  set->holder = object;
  lu_walk_slots(&heap->types.rows[lull_type_of(object)], object, check_slot, set);
}

static void check_nothing_grey(struct lu_checks *checks) {
  struct lu_marking *marking = &checks->heap->marking;
  struct lu_report *report = &checks->report;
  if (!cds_wfs_empty((cds_wfs_stack_ptr_t){.s = &marking->flushed}))
    lu_violation(report, "marking is over, and flushed packets wait");
  if (!cds_wfs_empty((cds_wfs_stack_ptr_t){.s = &marking->remembered_next}))
    lu_violation(report,
                 "marking is over, and the next remembered set has not become the current one");
  if (atomic_load(&marking->packets.grey_count) != 0 || !CK_STACK_ISEMPTY(&marking->packets.grey))
    lu_violation(report, "marking is over, and %zu grey packets wait",
                 atomic_load(&marking->packets.grey_count));
  /* Not `active`: a helper that is about to find out that it may not enter is counted for a
   * moment. */
  if (atomic_load(&marking->rescans) != 0 || atomic_load(&marking->tracing))
    lu_violation(report, "marking is over, and markers may enter, or %u re-scans are asked for",
                 (unsigned)atomic_load(&marking->rescans));
}

static size_t count_survivors(struct lu_checks *checks) {
  struct cds_wfs_stack *stack = &checks->heap->marking.survivors;
  struct cds_wfs_head *head = stack->head;
  struct cds_wfs_node *node;
  size_t count = 0;
  if (cds_wfs_empty((cds_wfs_stack_ptr_t){.s = stack}))
    return 0;
  cds_wfs_for_each_blocking(head, node)
    count++;
  if (lu_edge_settled(checks->edge))
    lu_violation(&checks->report, "the cycle is over, and %zu packets of survivors wait", count);
  return count;
}

static void check_packets(struct remembered *set) {
  struct lu_packets *packets = &set->checks->heap->marking.packets;
  size_t carved = atomic_load(&packets->carved), free = 0;
  size_t survivors = count_survivors(set->checks);
  struct ck_stack_entry *entry;
  CK_STACK_FOREACH(&packets->free, entry)
  free++;
  if (free + set->packets + survivors != carved)
    lu_violation(&set->checks->report,
                 "%zu packets were carved; %zu are free, %zu remember, %zu list survivors", carved,
                 free, set->packets, survivors);
  size_t counted = atomic_load(&set->checks->heap->marking.remembered_packets);
  if (counted != set->packets)
    lu_violation(&set->checks->report, "the remembered set counts %zu packets, and has %zu",
                 counted, set->packets);
}

/* Whether all that N.1 asks for must be there: no entry has been refused for want of room. */
static bool is_complete(const struct lu_checks *checks) {
  const struct lu_marking *marking = &checks->heap->marking;
  return !checks->no_memory &&
         !atomic_load_explicit(&marking->remembered_lost, memory_order_relaxed) &&
         (checks->edge != LU_EDGE_WINDOW ||
          !atomic_load_explicit(&marking->remembered_next_lost, memory_order_relaxed));
}

void lu_check_remembered(struct lu_checks *checks) {
  struct lu_marking *marking = &checks->heap->marking;
  struct remembered set = {.checks = checks};
  bool window = checks->edge == LU_EDGE_WINDOW;
  if (!window && !lu_edge_after_marking(checks->edge))
    return;
  if (!lu_objset_init(&set.entries, &checks->heap->space)) {
    checks->no_memory = true;
    return;
  }
  add_stack(&set, &marking->remembered);
  if (window)
    add_stack(&set, &marking->remembered_next);
  lu_stopped_each(&checks->heap->registry, add_thread, &set);
  if (!window) {
    check_nothing_grey(checks);
    check_packets(&set);
  }
  if ((window || lu_edge_settled(checks->edge)) && is_complete(checks))
    lu_objset_each(lu_oracle_reached(checks->oracle), check_holder, &set);
  lu_objset_fini(&set.entries);
}
