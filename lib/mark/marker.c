/*
 * mark/marker.c: a marker: pops references, claims objects, scans them.
 *
 * An entry is claimed when it leaves the prefetch ring, not when it is pushed (prototypes: 37 against 28.5 million objects a second): its MARK word and both ends of the
 * object were prefetched when it entered. After Cher, Hosking and Vitek, "Software prefetching for mark-sweep garbage collection" (2004).
 * The private stack is two packets; full ones go to the grey stack, where others take them.
 *
 * Invariants: M.2 and M.3 of mark/mark.h. A marker is used by one thread, between enter and leave.
 *
 * Ordering: a reference is loaded with acquire, so what its storer wrote before (header, fields) is visible. The claim is a relaxed
 * fetch_or: it decides who scans; the object's contents come with the reference, not with the bit.
 */
#include <string.h>
#include "heap/heap.h"
#include "heap/large.h"
#include "mark/mark.h"
#include "support/assert.h"
#include "support/clock.h"
#include "support/tool.h"

#define PIECE_BYTES ((size_t)8192)   /* of a large object, scanned at a time */
#define CHECK_EVERY 64               /* entries between looks at the clock and at hungry helpers */

/* Room for one entry on top; false when no packet is free. */
static bool make_room(struct lu_marker *marker) {
  struct lu_packets *packets = &marker->marking->packets;
  struct lu_packet *next = lu_packet_new(packets);
  if (next == NULL)
    return false;
  if (marker->spare != NULL) {
    lu_grey_push(packets, marker->spare);
    lu_helpers_wake(marker->heap);
  }
  marker->spare = marker->top;
  marker->top = next;
  return true;
}

/* No packet is free: the object keeps its mark, or already has it, and will be found by its re-scan flag. */
static __attribute__((cold)) void overflow(struct lu_marker *marker, uintptr_t entry) {
  void *object = (void *)(entry & ~LU_ENTRY_TAGS);
  if (entry & LU_ENTRY_PIECE) {
    atomic_store_explicit(&lu_large_of(object)->rescan, 1, memory_order_release);
    atomic_fetch_add(&marker->marking->rescans, 1);
    lu_count_shared(&marker->heap->figures.total.packet_overflows, 1);
  } else {
    lu_shade_overflow(marker->heap, object, marker->map);
    marker->marked++;
  }
}

static inline void push_entry(struct lu_marker *marker, uintptr_t entry) {
  struct lu_packet *top = marker->top;
  if (LULL_UNLIKELY(top == NULL || top->count == marker->marking->packets.entries)) {
    if (!make_room(marker)) {
      overflow(marker, entry);
      return;
    }
    top = marker->top;
  }
  top->entry[top->count++] = entry;
}

void lu_marker_push(struct lu_marker *marker, void *object) { push_entry(marker, (uintptr_t)object); }

static void drop_top(struct lu_marker *marker) {
  lu_packet_drop(&marker->marking->packets, marker->top);
  marker->top = marker->spare;
  marker->spare = NULL;
}

/* Takes an entry from the private stack or, when that is empty, from a packet of the grey stack; 0 when there is none. */
static inline uintptr_t pop_entry(struct lu_marker *marker) {
  for (;;) {
    struct lu_packet *top = marker->top;
    if (LULL_LIKELY(top != NULL)) {
      if (LULL_LIKELY(top->count > 0))
        return top->entry[--top->count];
      if (marker->spare != NULL) {
        drop_top(marker);
        continue;
      }
    }
    if (atomic_load(&marker->marking->packets.grey_count) == 0)
      return 0;
    atomic_fetch_add(&marker->marking->pops, 1);
    struct lu_packet *packet = lu_grey_pop(&marker->marking->packets);
    if (packet == NULL)
      return 0;
    if (top != NULL)
      drop_top(marker);
    marker->top = packet;
  }
}

static void push_slot(struct lull_visitor *visitor, void **slot) {
  void *value = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
  if (value != NULL)
    push_entry(visitor->context, (uintptr_t)value);
}

/* Sets the bits of the whole extent; the first is set already. Middle words belong to this object alone. */
static void fill_extent(const void *object, size_t size, unsigned map) {
  const char *last = (const char *)object + size - LU_GRANULE;
  lu_map_word *word = lu_map_at(object, map), *end = lu_map_at(last, map);
  uint64_t from_first = ~(uint64_t)0 << (((uintptr_t)object >> 3) & 63);
  uint64_t to_last = ~(uint64_t)0 >> (63 - (((uintptr_t)last >> 3) & 63));
  if (word == end) {
    atomic_fetch_or_explicit(word, from_first & to_last, memory_order_relaxed);
    return;
  }
  atomic_fetch_or_explicit(word, from_first, memory_order_relaxed);
  while (++word < end)
    atomic_store_explicit(word, ~(uint64_t)0, memory_order_relaxed);
  atomic_fetch_or_explicit(end, to_last, memory_order_relaxed);
}

/*
 * Renews a log that is so old that its epoch could come round again: to k, which is over, never to the epoch that runs
 * (that would say the object is logged). By compare-and-swap, because a barrier may be setting the log now.
 */
static void renew_log(struct lu_marker *marker, lull_object *object) {
  _Atomic uint16_t *log = (_Atomic uint16_t *)&object->log_epoch;
  uint16_t seen = atomic_load_explicit(log, memory_order_relaxed);
  uint16_t age = (uint16_t)((marker->epoch_before + 2 - seen) & marker->epoch_mask);
  if (age > marker->epoch_mask / 4)
    atomic_compare_exchange_strong_explicit(log, &seen, marker->epoch_before, memory_order_relaxed,
                                            memory_order_relaxed);
}

/* The same for the cards of the bytes [from, to) of a large object. */
static void renew_cards(struct lu_marker *marker, struct lu_large *large, size_t from, size_t to) {
  size_t end = (to + LU_CARD_BYTES - 1) / LU_CARD_BYTES;
  for (size_t i = from / LU_CARD_BYTES; i < end && i < large->card_count; i++) {
    uint16_t seen = atomic_load_explicit(&large->cards[i], memory_order_relaxed);
    uint16_t age = (uint16_t)((marker->epoch_before + 2 - seen) & marker->epoch_mask);
    if (age > marker->epoch_mask / 4)
      atomic_compare_exchange_strong_explicit(&large->cards[i], &seen, marker->epoch_before, memory_order_relaxed,
                                              memory_order_relaxed);
  }
}

/* One piece of a large object; puts it back first if more is left, so that others can take the next piece meanwhile. */
static void scan_piece(struct lu_marker *marker, struct lu_large *large) {
  char *object = lu_large_object(large);
  const struct lu_type *type = &marker->heap->types.rows[lull_type_of(object)];
  size_t from = atomic_fetch_add_explicit(&large->scan_next, PIECE_BYTES, memory_order_relaxed);
  if (from >= large->size)
    return;
  if (from + PIECE_BYTES < large->size)
    push_entry(marker, (uintptr_t)object | LU_ENTRY_PIECE);
  renew_cards(marker, large, from, from + PIECE_BYTES);
  lu_scan_slots(type, object, object + from, object + from + PIECE_BYTES, push_slot, marker);
}

static void scan_large(struct lu_marker *marker, void *object) {
  struct lu_large *large = lu_large_of(object);
  const struct lu_type *type = &marker->heap->types.rows[lull_type_of(object)];
  marker->marked++;
  marker->marked_bytes += large->size;
  if (type->leaf)
    return;
  if (type->refs == LULL_REFS_TRACE && type->element_refs == LULL_REFS_NONE) {
    renew_cards(marker, large, 0, large->size);
    lu_scan_slots(type, object, NULL, NULL, push_slot, marker);
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

/* Scans a small object whose first MARK bit this marker has set, or found set in a re-scan. */
static inline void scan_small(struct lu_marker *marker, void *object) {
  const struct lu_type *type = &marker->heap->types.rows[lull_type_of(object)];
  LU_ASSERT(lull_type_of(object) != LU_FILLER_TYPE);
  size_t size = type->simple ? type->size : lu_type_object_size(type, object);
  fill_extent(object, size, marker->map);
  marker->marked++;
  marker->marked_bytes += size;
  if (type->simple) {
    renew_log(marker, object);
    push_mapped(marker, object, type->map);
  } else if (!type->leaf) {
    renew_log(marker, object);
    lu_scan_slots(type, object, NULL, NULL, push_slot, marker);
  }
}

void lu_marker_rescan_object(struct lu_marker *marker, void *object) { scan_small(marker, object); }

/* At one go: a piece that found no packet either would only set the flag again, and marking would never end. */
void lu_marker_rescan_large(struct lu_marker *marker, struct lu_large *large) {
  void *object = lu_large_object(large);
  marker->marked++;
  renew_cards(marker, large, 0, large->size);
  lu_scan_slots(&marker->heap->types.rows[lull_type_of(object)], object, NULL, NULL, push_slot, marker);
}

static inline void scan_entry(struct lu_marker *marker, uintptr_t entry) {
  void *object = (void *)(entry & ~LU_ENTRY_TAGS);
  LU_ASSERT(lu_space_holds(&marker->heap->space, object));
  if (LULL_UNLIKELY(entry & LU_ENTRY_PIECE)) {
    scan_piece(marker, lu_large_of(object));
    return;
  }
  lu_map_word *word = lu_map_at(object, marker->map);
  uint64_t bit = lu_map_bit(object);
  if (atomic_load_explicit(word, memory_order_relaxed) & bit)
    return;
  if (atomic_fetch_or_explicit(word, bit, memory_order_relaxed) & bit)
    return;
  if (LULL_UNLIKELY(__atomic_load_n(&((lull_object *)object)->log_epoch, __ATOMIC_RELAXED) == LU_LOG_LARGE))
    scan_large(marker, object);
  else
    scan_small(marker, object);
}

/* Puts an entry into the ring and returns the one that it displaces, or 0. */
static inline uintptr_t through_ring(struct lu_marker *marker, uintptr_t entry) {
  char *object = (char *)(entry & ~LU_ENTRY_TAGS);
  uintptr_t out = marker->ring[marker->ring_at];
  LU_PREFETCH_WRITE(lu_map_at(object, marker->map));
  LU_PREFETCH_READ(object);
  LU_PREFETCH_READ(object + 40);
  marker->ring[marker->ring_at] = entry;
  marker->ring_at = (marker->ring_at + 1) % LU_RING;
  marker->ring_used += out == 0;
  return out;
}

/* Takes the oldest entry of the ring, or 0. */
static uintptr_t out_of_ring(struct lu_marker *marker) {
  for (unsigned i = 0; marker->ring_used > 0 && i < LU_RING; i++) {
    uintptr_t entry = marker->ring[marker->ring_at];
    marker->ring[marker->ring_at] = 0;
    marker->ring_at = (marker->ring_at + 1) % LU_RING;
    if (entry != 0) {
      marker->ring_used--;
      return entry;
    }
  }
  LU_ASSERT(marker->ring_used == 0);
  return 0;
}

/* Gives a part of the private stack to those who found the grey stack empty: the spare packet, or the older half of the top one. */
static void share(struct lu_marker *marker) {
  struct lu_packets *packets = &marker->marking->packets;
  struct lu_packet *top = marker->top, *gift = marker->spare;
  if (atomic_load_explicit(&marker->marking->hungry, memory_order_relaxed) == 0 || top == NULL || top->count < 2)
    return;
  if (gift == NULL) {
    gift = lu_packet_new(packets);
    if (gift == NULL)
      return;
    gift->count = top->count / 2;
    memcpy(gift->entry, top->entry, gift->count * sizeof gift->entry[0]);
    top->count -= gift->count;
    memmove(top->entry, top->entry + gift->count, top->count * sizeof top->entry[0]);
  }
  marker->spare = NULL;
  atomic_store_explicit(&marker->marking->hungry, 0, memory_order_relaxed);
  lu_grey_push(packets, gift);
  lu_helpers_wake(marker->heap);
}

bool lu_marker_drain(struct lu_marker *marker, uint64_t deadline_ns) {
  unsigned count = 0;
  for (;;) {
    uintptr_t entry = pop_entry(marker);
    entry = entry != 0 ? through_ring(marker, entry) : out_of_ring(marker);
    if (entry != 0)
      scan_entry(marker, entry);
    else if (marker->ring_used == 0 && (marker->top == NULL || marker->top->count == 0))
      return true;
    if (LULL_UNLIKELY(++count % CHECK_EVERY == 0)) {
      share(marker);
      if (deadline_ns != 0 && lu_now_ns() >= deadline_ns)
        return false;
    }
  }
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
                               .marking = marking,
                               .map = marking->map,
                               .epoch_before = marking->epoch_before,
                               .epoch_mask = marking->epoch_mask};
  return true;
}

static void give_back(struct lu_marker *marker, struct lu_packet *packet) {
  struct lu_packets *packets = &marker->marking->packets;
  if (packet == NULL)
    return;
  if (packet->count == 0) {
    lu_packet_drop(packets, packet);
    return;
  }
  lu_grey_push(packets, packet);
  lu_helpers_wake(marker->heap);
}

void lu_marker_leave(struct lu_marker *marker) {
  struct lu_marking *marking = marker->marking;
  uintptr_t entry;
  while ((entry = out_of_ring(marker)) != 0)
    push_entry(marker, entry);
  give_back(marker, marker->spare);
  give_back(marker, marker->top);
  marker->top = marker->spare = NULL;
  if (marker->marked != 0) {
    atomic_fetch_add(&marking->marked, marker->marked);
    atomic_fetch_add_explicit(&marking->marked_bytes, marker->marked_bytes, memory_order_relaxed);
    lu_count_shared(&marker->heap->figures.total.objects_marked, marker->marked);
  }
  if (atomic_fetch_sub(&marking->active, 1) == 1)
    lu_event_signal(&marking->idle);
}
