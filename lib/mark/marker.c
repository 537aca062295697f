/*
 * mark/marker.c: a marker: pops references, claims objects, scans them.
 *
 * An entry is claimed when it leaves the prefetch ring, not when it is pushed (prototypes: 37
 * against 28.5 million objects a second): its MARK word and both ends of the object were prefetched
 * when it entered. Entries enter in groups of a few, whose prefetches overlap; larger groups lose,
 * for the processor drops prefetches when it has too many under way (doc/design/performance.md).
 * After Cher, Hosking and Vitek, "Software prefetching for mark-sweep garbage collection" (2004).
 * The private stack: mark/stack.h.
 *
 * Invariants: M.2 and M.3 of mark/mark.h. A marker is used by one thread, between enter and leave.
 *
 * Ordering: a reference is loaded with acquire, so what its storer wrote before (header, fields) is
 * visible; the object's contents come with the reference, not with a bit. Bits are set by relaxed
 * read-modify-writes, so that none is lost.
 */
#include <string.h>
#include "heap/heap.h"
#include "heap/large.h"
#include "mark/age.h"
#include "mark/mark.h"
#include "mark/remember.h"
#include "support/assert.h"
#include "support/clock.h"
#include "support/tool.h"

#define PIECE_BYTES ((size_t)8192)   /* of a large object, scanned at a time; whole cards */
#define GROUP 8                      /* entries that are prefetched together */
/* Groups between looks at the budget and at hungry helpers; a power of two */
#define CHECK_EVERY 8
/* In fresh slabs the MARK word of each object may be a page fault, 2 to 8 us */
#define CHECK_STRICT_EVERY 1
/* Or so many bytes: small objects may have 8 KB, all of it references */
#define CHECK_STRICT_BYTES 4096
/* Where small objects that begin near the end of a cache line go on */
#define PREFETCH_TAIL 40

/*
 * No packet is free: the object keeps its mark, or already has it, and will be found by its re-scan
 * flag.
 */
static __attribute__((cold, noinline)) void overflow(struct lu_marker *marker, uintptr_t entry) {
  void *object = (void *)(entry & ~LU_ENTRY_TAGS);
  if (entry & LU_ENTRY_PIECE) {
    atomic_store_explicit(&lu_large_of(object)->rescan, 1, memory_order_release);
    atomic_fetch_add(&marker->marking->rescans, 1);
    lu_count_shared(&marker->heap->figures.total.packet_overflows, 1);
  } else {
    lu_shade_overflow(marker->heap, object, marker->map, false);
    marker->marked++;
  }
}

static inline void push_entry(struct lu_marker *marker, uintptr_t entry) {
  if (LULL_UNLIKELY(!lu_stack_push(marker->heap, &marker->stack, entry)))
    overflow(marker, entry);
}

void lu_marker_push(struct lu_marker *marker, void *object) {
  push_entry(marker, (uintptr_t)object);
}

static inline void push_slot(struct lull_visitor *visitor, void **slot) {
  void *value = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
  if (value != NULL)
    push_entry(visitor->context, (uintptr_t)value);
}

/* The bits of the granules [first, first + count) of a word, which reaches that far. */
static inline uint64_t extent_bits(unsigned first, size_t count) {
  return ~(uint64_t)0 >> (64 - count) << first;
}

/*
 * The rest of an extent that goes beyond its first word; its middle words belong to this object
 * alone.
 */
static __attribute__((noinline)) void fill_beyond(lu_map_word *word, size_t granules) {
  for (; granules > 64; granules -= 64)
    atomic_store_explicit(word++, ~(uint64_t)0, memory_order_relaxed);
  atomic_fetch_or_explicit(word, extent_bits(0, granules), memory_order_relaxed);
}

/*
 * Sets the MARK bits of a small object's extent. Whether somebody else has set them since this
 * marker looked is not asked: an atomic operation without a result is the cheaper one, and two
 * markers that meet at one object both scan it, which is only work. (Of large objects, whose pieces
 * are shared out, there is one scan: scan_entry.)
 */
static inline void set_extent(lu_map_word *word, const void *object, size_t size) {
  unsigned first = (unsigned)((uintptr_t)object >> 3) & 63;
  size_t granules = size / LU_GRANULE, room = 64 - first;
  bool inside = granules <= room;
  atomic_fetch_or_explicit(word, extent_bits(first, inside ? granules : room),
                           memory_order_relaxed);
  if (LULL_UNLIKELY(!inside))
    fill_beyond(word + 1, granules - room);
}

/*
 * Renews a log that is so old that its epoch could come round again: to k, which is over, never to
 * the epoch that runs (that would say the object is logged). By compare-and-swap, because a barrier
 * may be setting the log now. Only some cycles do so: cycle/steps.c.
 */
static __attribute__((noinline)) void renew_log(struct lu_marker *marker, lull_object *object) {
  _Atomic uint16_t *log = (_Atomic uint16_t *)&object->log_epoch;
  uint16_t seen = atomic_load_explicit(log, memory_order_relaxed);
  uint16_t age = (uint16_t)((marker->epoch_before + 2 - seen) & marker->epoch_mask);
  if (age > marker->epoch_mask / 4)
    atomic_compare_exchange_strong_explicit(log, &seen, marker->epoch_before, memory_order_relaxed,
                                            memory_order_relaxed);
}

/* The same for the cards of the bytes [from, to) of a large object. */
static void renew_cards(struct lu_marker *marker, struct lu_large *large, size_t from, size_t to) {
  if (LULL_LIKELY(!marker->renew))
    return;
  size_t end = (to + lu_large_card_bytes(large) - 1) >> large->card_shift;
  for (size_t i = from >> large->card_shift; i < end && i < large->card_count; i++) {
    uint16_t seen = atomic_load_explicit(&large->cards[i], memory_order_relaxed);
    uint16_t age = (uint16_t)((marker->epoch_before + 2 - seen) & marker->epoch_mask);
    if (age > marker->epoch_mask / 4)
      atomic_compare_exchange_strong_explicit(&large->cards[i], &seen, marker->epoch_before,
                                              memory_order_relaxed,
                                              memory_order_relaxed);
  }
}

/* Y.4 for the cards of the bytes [from, to) of a large object, all scanned. */
static void keep_cards(struct lu_marker *marker, struct lu_large *large, size_t from, size_t to) {
  if (LULL_LIKELY(marker->promote == 1 || !marker->minor))
    return;
  char *object = lu_large_object(large);
  size_t bytes = lu_large_card_bytes(large), end = (to + bytes - 1) / bytes;
  for (size_t i = from / bytes; i < end && i < large->card_count; i++)
    lu_age_keep_remembered(marker, (struct lu_remembered){object, i}, object + i * bytes,
                           object + (i + 1) * bytes);
}

/*
 * One piece of a large object; puts it back first if more is left, so that others can take the next
 * piece meanwhile.
 */
static __attribute__((noinline)) void scan_piece(struct lu_marker *marker, struct lu_large *large) {
  char *object = lu_large_object(large);
  const struct lu_type *type = &marker->heap->types.rows[lull_type_of(object)];
  size_t from = atomic_fetch_add_explicit(&large->scan_next, PIECE_BYTES, memory_order_relaxed);
  if (from >= large->size)
    return;
  marker->bytes += PIECE_BYTES;
  if (from + PIECE_BYTES < large->size)
    push_entry(marker, (uintptr_t)object | LU_ENTRY_PIECE);
  renew_cards(marker, large, from, from + PIECE_BYTES);
  lu_scan_slots(type, object, object + from, object + from + PIECE_BYTES, push_slot, marker);
  keep_cards(marker, large, from, from + PIECE_BYTES);
}

static __attribute__((noinline)) void scan_large(struct lu_marker *marker,
                                                 const struct lu_type *type, void *object) {
  struct lu_large *large = lu_large_of(object);
  marker->marked++;
  if (marker->promote > 1)
    lu_age_count(marker, object, false);
  if (type->leaf)
    return;
  if (type->refs == LULL_REFS_TRACE && type->element_refs == LULL_REFS_NONE) {
    renew_cards(marker, large, 0, large->size);
    lu_scan_slots(type, object, NULL, NULL, push_slot, marker);
    keep_cards(marker, large, 0, large->size);
    return;
  }
  atomic_store_explicit(&large->scan_next, 0, memory_order_relaxed);
  scan_piece(marker, large);
}

/* The map of a simple type names all its references. */
static inline void push_mapped(struct lu_marker *marker, void *object, uint64_t map) {
  while (map != 0) {
    void *value = __atomic_load_n((void **)object + __builtin_ctzll(map), __ATOMIC_ACQUIRE);
    map &= map - 1;
    if (value != NULL)
      push_entry(marker, (uintptr_t)value);
  }
}

static inline size_t small_size(const struct lu_type *type, const void *object) {
  return LULL_LIKELY(type->simple) ? type->size : lu_type_object_size(type, object);
}

static inline void scan_fields(struct lu_marker *marker, const struct lu_type *type, void *object) {
  if (LULL_LIKELY(type->simple))
    push_mapped(marker, object, type->map);
  else if (!type->leaf)
    lu_scan_slots(type, object, NULL, NULL, push_slot, marker);
}

void lu_marker_scan_fields(struct lu_marker *marker, void *object, char *low, char *high) {
  const struct lu_type *type = &marker->heap->types.rows[lull_type_of(object)];
  if (low == NULL)
    scan_fields(marker, type, object);
  else
    lu_scan_slots(type, object, low, high, push_slot, marker);
}

/* Marks and scans a small object that was found unmarked; `word` has its MARK bit. */
static LU_INLINE void scan_small(struct lu_marker *marker, const struct lu_type *type,
                                  void *object, lu_map_word *word) {
  size_t size = small_size(type, object);
  set_extent(word, object, size);
  marker->marked++;
  marker->bytes += size;
  if (LULL_UNLIKELY(marker->renew) && !type->leaf)
    renew_log(marker, object);
  scan_fields(marker, type, object);
}

/*
 * The same where ages are kept; `promote`: a re-scan, which does not know whether the object's age
 * has been counted.
 */
static __attribute__((noinline)) void scan_aged(struct lu_marker *marker,
                                                const struct lu_type *type, void *object,
                                                bool promote) {
  bool promoted = lu_age_count(marker, object, promote);
  scan_small(marker, type, object, lu_map_at(object, marker->map));
  if (promoted && marker->minor)
    lu_age_keep_remembered(marker, (struct lu_remembered){object, LU_NO_CARD}, NULL, NULL);
}

void lu_marker_rescan_object(struct lu_marker *marker, void *object) {
  const struct lu_type *type = &marker->heap->types.rows[lull_type_of(object)];
  if (marker->promote > 1)
    scan_aged(marker, type, object, true);
  else
    scan_small(marker, type, object, lu_map_at(object, marker->map));
}

/*
 * At one go: a piece that found no packet either would only set the flag again, and marking would
 * never end.
 */
void lu_marker_rescan_large(struct lu_marker *marker, struct lu_large *large) {
  void *object = lu_large_object(large);
  marker->marked++;
  if (marker->promote > 1)
    lu_age_count(marker, object, true);
  renew_cards(marker, large, 0, large->size);
  lu_scan_slots(&marker->heap->types.rows[lull_type_of(object)], object, NULL, NULL, push_slot,
                marker);
  keep_cards(marker, large, 0, large->size);
}

/*
 * The path of a small object is in line here, and here alone, with the rest out of line: twelve
 * registers saved and restored twice were a fifth of what an object cost.
 */
static LU_INLINE void scan_entry(struct lu_marker *marker, uintptr_t entry) {
  void *object = (void *)(entry & ~LU_ENTRY_TAGS);
  LU_ASSERT(lu_space_holds(&marker->heap->space, object));
  if (LULL_UNLIKELY(entry & LU_ENTRY_PIECE)) {
    scan_piece(marker, lu_large_of(object));
    return;
  }
  lu_map_word *word = lu_map_at(object, marker->map);
  if (atomic_load_explicit(word, memory_order_relaxed) & lu_map_bit(object))
    return;
  const struct lu_type *type = &marker->types[lull_type_of(object)];
  LU_ASSERT(lull_type_of(object) != LU_FILLER_TYPE);
  if (LULL_UNLIKELY(__atomic_load_n(&((lull_object *)object)->log_epoch, __ATOMIC_RELAXED) ==
                    LU_LOG_LARGE)) {
    if (!(atomic_fetch_or_explicit(word, lu_map_bit(object), memory_order_relaxed) &
          lu_map_bit(object)))
      scan_large(marker, type, object);
    return;
  }
  if (LULL_LIKELY(marker->promote == 1))
    scan_small(marker, type, object, word);
  else if (lu_age_claim(object, marker->map))
    scan_aged(marker, type, object, false);
}

static inline void prefetch(const struct lu_marker *marker, uintptr_t entry) {
  char *object = (char *)(entry & ~LU_ENTRY_TAGS);
  LU_PREFETCH_WRITE(lu_map_at(object, marker->map));
  LU_PREFETCH_READ(object);
  LU_PREFETCH_READ(object + PREFETCH_TAIL);
}

/* Takes up to GROUP entries from the stack and prefetches what scanning them will touch. */
static inline unsigned take_group(struct lu_marker *marker, uintptr_t *group) {
  unsigned count = 0;
  while (count < GROUP && (group[count] = lu_stack_pop(marker->heap, &marker->stack)) != 0)
    prefetch(marker, group[count++]);
  return count;
}

/* Puts an entry into the ring and returns the one that it displaces, or 0. */
static inline uintptr_t through_ring(struct lu_marker *marker, uintptr_t entry) {
  uintptr_t *place = &marker->ring[marker->ring_at++ % LU_RING], out = *place;
  *place = entry;
  return out;
}

/* Takes the oldest entry of the ring, or 0. */
static uintptr_t out_of_ring(struct lu_marker *marker) {
  for (unsigned i = 0; i < LU_RING; i++) {
    uintptr_t *place = &marker->ring[marker->ring_at++ % LU_RING], entry = *place;
    *place = 0;
    if (entry != 0)
      return entry;
  }
  return 0;
}

/* Scans a group's worth of entries; false when none is left in the stack and the ring. */
static inline bool drain_group(struct lu_marker *marker) {
  uintptr_t group[GROUP];
  unsigned count = take_group(marker, group);
  bool fresh = count > 0;
  if (LULL_UNLIKELY(!fresh) && (group[count++] = out_of_ring(marker)) == 0)
    return false;
  for (unsigned i = 0; i < count; i++) {
    uintptr_t entry = fresh ? through_ring(marker, group[i]) : group[i];
    if (entry != 0)
      scan_entry(marker, entry);
  }
  return true;
}

static void publish_progress(struct lu_marker *marker) {
  atomic_fetch_add_explicit(&marker->marking->progress, marker->marked - marker->published,
                            memory_order_relaxed);
  marker->published = marker->marked;
}

static void spend(struct lu_marker *marker, struct lu_budget *budget) {
  lu_budget_spend(budget, marker->bytes);
  marker->bytes = 0;
}

bool lu_marker_drain(struct lu_marker *marker, struct lu_budget *budget) {
  bool strict = budget != NULL && budget->strict;
  unsigned every = strict ? CHECK_STRICT_EVERY : CHECK_EVERY;
  uint64_t most = strict ? CHECK_STRICT_BYTES : UINT64_MAX;
  for (unsigned groups = 1; drain_group(marker); groups++) {
    if ((groups & (every - 1)) != 0 && marker->bytes < most)
      continue;
    publish_progress(marker);
    lu_stack_share(marker->heap, &marker->stack);
    spend(marker, budget);
    if (lu_budget_over(budget))
      return false;
  }
  spend(marker, budget);
  return true;
}

bool lu_marker_enter(struct lu_marker *marker, lull_heap *heap, bool driver) {
  struct lu_marking *marking = &heap->marking;
  atomic_fetch_add(&marking->active, 1);
  if (!driver && !atomic_load(&marking->tracing)) {
    if (atomic_fetch_sub(&marking->active, 1) == 1)
      lu_event_signal(&marking->idle);
    return false;
  }
  *marker = (struct lu_marker){.heap = heap,
                               .types = heap->types.rows,
                               .marking = marking,
                               .map = marking->map,
                               .renew = marking->renew_logs,
                               .minor = marking->minor,
                               .promote = marking->promote,
                               .epoch_before = marking->epoch_before,
                               .epoch_mask = marking->epoch_mask};
  return true;
}

void lu_marker_leave(struct lu_marker *marker) {
  struct lu_marking *marking = marker->marking;
  uintptr_t entry;
  while ((entry = out_of_ring(marker)) != 0)
    push_entry(marker, entry);
  lu_stack_release(marker->heap, &marker->stack);
  lu_age_publish(marker);
  lu_remember_publish_marked(marker);
  publish_progress(marker);
  if (marker->marked != 0) {
    atomic_fetch_add(&marking->marked, marker->marked);
    lu_count_shared(&marker->heap->figures.total.objects_marked, marker->marked);
  }
  if (atomic_fetch_sub(&marking->active, 1) == 1)
    lu_event_signal(&marking->idle);
}
