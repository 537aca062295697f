/*
 * mark/age.c: counting ages, listing survivors, keeping remembered what still refers to them.
 *
 * Invariants: Y.1 to Y.4 of mark/age.h. An age stands in three bits of the type word, whose other
 * bits never change. It is written by whoever claimed the object, which is alive and marked, and by
 * nobody else until the next cycle; so a plain read-modify-write will do, by an atomic store.
 *
 * Ordering: whoever marks sets the MARK bit, then stores the age (release). Whoever judges a
 * referent loads its age (acquire), then its MARK bit: if it sees the new age it sees the bit. So
 * an age that is about to be counted is never counted twice; one that has been counted, or is not
 * seen yet under a set bit, only makes the holder enter for nothing.
 *
 * Threads: markers, helpers and assists, between enter and leave; unmarking by the collector.
 */
#include "mark/age.h"

#include "heap/heap.h"
#include "heap/large.h"
#include "support/assert.h"
#include "support/tool.h"

bool lu_age_claim(const void *object, unsigned map) {
  uint64_t bit = lu_map_bit(object);
  return (atomic_fetch_or_explicit(lu_map_at(object, map), bit, memory_order_relaxed) & bit) == 0;
}

static void set_age(lull_object *object, unsigned age) {
  uint32_t word = __atomic_load_n(&object->type_word, __ATOMIC_RELAXED);
  word = (word & ~(LU_AGE_MOST << LU_AGE_SHIFT)) | age << LU_AGE_SHIFT;
  __atomic_store_n(&object->type_word, word, __ATOMIC_RELEASE);
}

static void push_survivors(struct lu_marker *marker) {
  struct lu_packet *packet = marker->survivors;
  cds_wfs_node_init(&packet->flushed_link);
  LU_TSAN_RELEASE(&marker->marking->survivors);
  cds_wfs_push(&marker->marking->survivors, &packet->flushed_link);
  marker->survivors = NULL;
}

/* Lists a survivor; false when no packet is free. */
static bool list(struct lu_marker *marker, void *object) {
  if (marker->survivors != NULL && marker->survivors->count == marker->marking->packets.entries)
    push_survivors(marker);
  if (marker->survivors == NULL &&
      (marker->survivors = lu_packet_new(&marker->marking->packets)) == NULL)
    return false;
  marker->survivors->entry[marker->survivors->count++] = (uintptr_t)object;
  return true;
}

/* For the figures: an object becomes old now. */
static void count_promoted(struct lu_marker *marker, const void *object, unsigned survived) {
  const struct lu_type *type = &marker->heap->types.rows[lull_type_of(object)];
  marker->promoted_bytes += lu_type_object_size(type, object);
  if (marker->minor)
    marker->promoted[survived]++;
}

bool lu_age_count(struct lu_marker *marker, void *object, bool promote) {
  unsigned before = lu_age(object), survived = before + 1, age = survived;
  if (promote || !marker->minor || survived >= marker->promote || !list(marker, object))
    age = marker->promote;
  if (age != before)
    set_age(object, age);
  if (age == marker->promote && age != before)
    count_promoted(marker, object, survived);
  return age == marker->promote;
}

/* The age that an object will have when this cycle has ended, or less. */
static unsigned age_to_be(const struct lu_marker *marker, const void *object) {
  unsigned age = lu_age(object);
  return age >= marker->promote || lu_is_marked(object, marker->map) ? age : age + 1;
}

struct judge {
  const struct lu_marker *marker;
  bool found;
};

static void judge_slot(struct lull_visitor *visitor, void **slot) {
  struct judge *judge = visitor->context;
  const void *value = (const void *)__atomic_load_n(slot, __ATOMIC_ACQUIRE);
  if (value != NULL && !judge->found)
    judge->found = age_to_be(judge->marker, value) < judge->marker->promote;
}

static _Atomic uint16_t *log_of(struct lu_remembered entry) {
  if (entry.card == LU_NO_CARD)
    return (_Atomic uint16_t *)&((lull_object *)entry.object)->log_epoch;
  return &lu_large_of(entry.object)->cards[entry.card];
}

/*
 * Every reference that the log word covers is grey, as when a barrier has copied them, so the log
 * may be set (B.6). One that has the epoch, or the value of this cycle's window, says that the
 * entry is in the set. Two who enter at the same time both do: twice in the set is only work.
 */
static void enter(struct lu_marker *marker, struct lu_remembered entry) {
  uint16_t epoch = (uint16_t)((marker->epoch_before + 2) & marker->epoch_mask);
  uint16_t window = (uint16_t)((marker->epoch_before + 1) & marker->epoch_mask);
  _Atomic uint16_t *log = log_of(entry);
  uint16_t seen = atomic_load_explicit(log, memory_order_relaxed);
  if (seen == epoch || seen == window)
    return;
  lu_remember_marked(marker, entry);
  atomic_compare_exchange_strong_explicit(log, &seen, epoch, memory_order_release,
                                          memory_order_relaxed);
}

void lu_age_keep_remembered(struct lu_marker *marker, struct lu_remembered entry, char *low,
                            char *high) {
  const struct lu_type *type = &marker->heap->types.rows[lull_type_of(entry.object)];
  struct judge judge = {marker, false};
  if (type->leaf || lu_age(entry.object) < marker->promote)
    return;
  lu_scan_slots(type, entry.object, low, high, judge_slot, &judge);
  if (judge.found)
    enter(marker, entry);
}

/*
 * Where survivors are promoted at once, all that a minor marks is; bytes are known from the sweep
 * then.
 */
static void publish_figures(struct lu_marker *marker) {
  struct lu_heap_figures *figures = &marker->heap->figures;
  if (marker->promote == 1 && marker->minor)
    marker->promoted[1] = marker->marked;
  for (unsigned age = 1; age <= LU_AGE_MOST; age++)
    if (marker->promoted[age] != 0)
      lu_histogram_add_many(&figures->promotion_age, age, marker->promoted[age]);
  if (marker->promoted_bytes != 0)
    lu_count_shared(&figures->bytes_promoted, marker->promoted_bytes);
}

void lu_age_publish(struct lu_marker *marker) {
  if (marker->survivors != NULL)
    push_survivors(marker);
  publish_figures(marker);
}

/* Clears the MARK bits of `granules` granules from p on. */
static void clear_extent(const char *p, size_t granules, unsigned map) {
  lu_map_word *word = lu_map_at(p, map);
  unsigned first = (unsigned)((uintptr_t)p >> 3) & 63;
  while (granules > 0) {
    size_t room = 64 - first, count = granules < room ? granules : room;
    atomic_fetch_and_explicit(word++, ~(~(uint64_t)0 >> (64 - count) << first),
                              memory_order_relaxed);
    granules -= count;
    first = 0;
  }
}

static void unmark(lull_heap *heap, void *object) {
  if (lu_age(object) >= heap->marking.promote)
    return;
  if (atomic_load_explicit(&lu_slab_of(&heap->space, object)->kind, memory_order_relaxed) !=
      LU_SLAB_SMALL) {
    clear_extent(object, 1, heap->marking.map);
    return;
  }
  size_t size = lu_type_object_size(&heap->types.rows[lull_type_of(object)], object);
  clear_extent(object, size / LU_GRANULE, heap->marking.map);
  lu_block_set_young(&heap->space, lu_block_of(&heap->space, object));
}

/* How many survivors between two looks at the budget. */
#define CHECK_EVERY 8

/*
 * From the end, so that what is left is a packet as before. False when the budget is used up before
 * that is empty.
 */
static bool unmark_listed(lull_heap *heap, struct lu_packet *packet, struct lu_budget *budget) {
  while (packet->count > 0) {
    unmark(heap, (void *)packet->entry[--packet->count]);
    lu_budget_spend(budget, sizeof packet->entry[0]);
    if (packet->count % CHECK_EVERY == 0 && lu_budget_over(budget))
      return false;
  }
  return true;
}

/* Nobody marks, so nobody adds to the list. */
bool lu_age_unmark_survivors(lull_heap *heap, struct lu_budget *budget) {
  struct cds_wfs_stack *stack = &heap->marking.survivors;
  struct cds_wfs_node *node;
  while (!cds_wfs_empty(stack) && (node = __cds_wfs_pop_blocking(stack)) != NULL) {
    struct lu_packet *packet = caa_container_of(node, struct lu_packet, flushed_link);
    LU_TSAN_ACQUIRE(stack);
    if (!unmark_listed(heap, packet, budget)) {
      cds_wfs_node_init(&packet->flushed_link);
      LU_TSAN_RELEASE(stack);
      cds_wfs_push(stack, &packet->flushed_link);
      return false;
    }
    lu_packet_drop(&heap->marking.packets, packet);
  }
  return true;
}
