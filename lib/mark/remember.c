/*
 * mark/remember.c: the remembered set: objects and cards stored into in the current epoch.
 *
 * rs(k) is the union of the `remembered` stack and the threads' private packets while the heap is
 * idle in epoch k; from a thread's H1 on its entries go to rs(k+2): its private packet was
 * published at H1, and full ones are pushed to remembered_next. Markers enter into rs(k+2) too,
 * where objects are promoted later than at once (mark/age.c).
 * A major ignores rs(k) and keeps rs(k+2) complete for the minor that may follow; a minor starts
 * from rs(k).
 *
 * An entry that finds no room in the budget, or no packet, is lost: the flag of its set asks for a
 * major.
 *
 * Threads: lu_remember and lu_remember_publish by the owner or in its closure; those of markers by
 * the marker's thread; the rest by the collector. The stacks order packet contents as in
 * mark/shade.c; a marker publishes before it leaves `active`.
 */
#include "mark/remember.h"

#include <string.h>
#include "heap/heap.h"
#include "heap/large.h"
#include "mark/age.h"
#include "mark/mark.h"
#include "support/assert.h"
#include "support/tool.h"

#define MOST_WORDS 2u   /* of an entry */

static void push(struct cds_wfs_stack *stack, struct lu_packet *packet) {
  cds_wfs_node_init(&packet->flushed_link);
  LU_TSAN_RELEASE(stack);
  cds_wfs_push(stack, &packet->flushed_link);
}

/* An entry needs two words, whatever stress.packet says. */
static uint32_t capacity(const struct lu_marking *marking) {
  return marking->packets.entries < MOST_WORDS ? MOST_WORDS : marking->packets.entries;
}

/*
 * Makes *packet one that has room for an entry, after pushing a full one; false when the budget or
 * the reserve is used up.
 */
static bool make_room(struct lu_marking *marking, struct lu_packet **packet,
                      struct cds_wfs_stack *stack) {
  if (*packet != NULL && (*packet)->count + MOST_WORDS <= capacity(marking))
    return true;
  if (atomic_load_explicit(&marking->remembered_packets, memory_order_relaxed) >=
      marking->remembered_max)
    return false;
  struct lu_packet *next = lu_packet_new(&marking->packets);
  if (next == NULL)
    return false;
  atomic_fetch_add_explicit(&marking->remembered_packets, 1, memory_order_relaxed);
  if (*packet != NULL)
    push(stack, *packet);
  *packet = next;
  return true;
}

static void append(struct lu_packet *packet, struct lu_remembered entry) {
  uintptr_t object = (uintptr_t)entry.object;
  LU_ASSERT((object & LU_ENTRY_TAGS) == 0);
  packet->entry[packet->count++] = entry.card == LU_NO_CARD ? object : object | LU_ENTRY_CARD;
  if (entry.card != LU_NO_CARD)
    packet->entry[packet->count++] = entry.card;
}

static struct cds_wfs_stack *stack_of(const struct lu_mutator *mutator) {
  struct lu_marking *marking = &mutator->heap->marking;
  return mutator->phase == LU_IDLE ? &marking->remembered : &marking->remembered_next;
}

void lu_remember(struct lu_mutator *mutator, struct lu_remembered entry) {
  struct lu_marking *marking = &mutator->heap->marking;
  if (make_room(marking, &mutator->remembered, stack_of(mutator)))
    append(mutator->remembered, entry);
  else
    atomic_store_explicit(mutator->phase == LU_IDLE ? &marking->remembered_lost
                          : &marking->remembered_next_lost, true,
                          memory_order_relaxed);
}

void lu_remember_marked(struct lu_marker *marker, struct lu_remembered entry) {
  struct lu_marking *marking = marker->marking;
  if (make_room(marking, &marker->remembered, &marking->remembered_next))
    append(marker->remembered, entry);
  else
    atomic_store_explicit(&marking->remembered_next_lost, true, memory_order_relaxed);
}

static void publish(struct lu_packet **packet, struct cds_wfs_stack *stack) {
  if (*packet == NULL)
    return;
  push(stack, *packet);
  *packet = NULL;
}

void lu_remember_publish(struct lu_mutator *mutator) {
  publish(&mutator->remembered, stack_of(mutator));
}

void lu_remember_publish_marked(struct lu_marker *marker) {
  publish(&marker->remembered, &marker->marking->remembered_next);
}

bool lu_remembered_next(const struct lu_packet *packet, uint32_t *at, struct lu_remembered *entry) {
  if (*at >= packet->count)
    return false;
  uintptr_t word = packet->entry[(*at)++];
  entry->object = (void *)(word & ~LU_ENTRY_TAGS);
  entry->card = word & LU_ENTRY_CARD ? (size_t)packet->entry[(*at)++] : LU_NO_CARD;
  return true;
}

void lu_remembered_begin(lull_heap *heap) {
  atomic_store_explicit(&heap->marking.remembered_next_lost, false, memory_order_relaxed);
}

/* Frees a packet that was in one of the sets. */
static void drop_packet(struct lu_marking *marking, struct lu_packet *packet) {
  lu_packet_drop(&marking->packets, packet);
  atomic_fetch_sub_explicit(&marking->remembered_packets, 1, memory_order_relaxed);
}

/* Takes one packet of a stack that nobody else takes from; NULL: there is none. */
static struct lu_packet *take_one(struct cds_wfs_stack *stack) {
  struct cds_wfs_node *node = cds_wfs_empty(stack) ? NULL : __cds_wfs_pop_blocking(stack);
  if (node == NULL)
    return NULL;
  LU_TSAN_ACQUIRE(stack);
  return caa_container_of(node, struct lu_packet, flushed_link);
}

/*
 * All threads are past H1 (or stopped), so nobody loses entries of this set any more, or adds any.
 */
bool lu_remembered_drop(lull_heap *heap, struct lu_budget *budget) {
  struct lu_marking *marking = &heap->marking;
  struct lu_packet *packet;
  while ((packet = take_one(&marking->remembered)) != NULL) {
    drop_packet(marking, packet);
    if (lu_budget_over(budget))
      return false;
  }
  atomic_store_explicit(&marking->remembered_lost, false, memory_order_relaxed);
  return true;
}

/* What an entry covers of its object: NULL bounds for all. */
static void bounds(struct lu_remembered entry, char **low, char **high) {
  *low = *high = NULL;
  if (entry.card == LU_NO_CARD)
    return;
  size_t bytes = lu_large_card_bytes(lu_large_of(entry.object));
  *low = (char *)entry.object + entry.card * bytes;
  *high = *low + bytes;
}

/*
 * An object that is not marked is young: the trace finds it if it lives, and with it what it refers
 * to.
 */
static void scan_entry(struct lu_marker *marker, struct lu_remembered entry) {
  char *low, *high;
  LU_ASSERT(lu_space_holds(&marker->heap->space, entry.object));
  if (!lu_is_marked(entry.object, marker->map))
    return;
  bounds(entry, &low, &high);
  lu_marker_scan_fields(marker, entry.object, low, high);
  if (marker->promote > 1)
    lu_age_keep_remembered(marker, entry, low, high);
}

/*
 * How many entries between two looks at the budget: each may be an object of 8 KB, or a few misses
 * of the cache.
 */
#define CHECK_EVERY 8

/* Puts back what follows *at*: the next step goes on with it. */
static void put_back_rest(struct cds_wfs_stack *stack, struct lu_packet *packet, uint32_t at) {
  packet->count -= at;
  memmove(packet->entry, packet->entry + at, packet->count * sizeof packet->entry[0]);
  push(stack, packet);
}

/* False when the budget is used up before the packet's end. */
static bool scan_packet(struct lu_marker *marker, struct lu_packet *packet,
                        struct lu_budget *budget) {
  struct lu_remembered entry;
  uint32_t at = 0, before = 0;
  for (unsigned count = 1; lu_remembered_next(packet, &at, &entry); count++, before = at) {
    lu_budget_spend(budget, (at - before) * sizeof packet->entry[0]);
    scan_entry(marker, entry);
    if (count % CHECK_EVERY == 0 && at < packet->count && lu_budget_over(budget)) {
      put_back_rest(&marker->marking->remembered, packet, at);
      return false;
    }
  }
  drop_packet(marker->marking, packet);
  return true;
}

/* Nobody adds to the stack meanwhile: all threads are past H1 and none is idle again. */
bool lu_remembered_scan(struct lu_marker *marker, struct lu_budget *budget) {
  struct lu_packet *packet;
  LU_ASSERT(marker->minor &&
            !atomic_load_explicit(&marker->marking->remembered_lost, memory_order_relaxed));
  while ((packet = take_one(&marker->marking->remembered)) != NULL) {
    if (!scan_packet(marker, packet, budget))
      return false;
    lu_marker_drain(marker, budget);
    if (lu_budget_over(budget))
      return false;
  }
  return true;
}

/*
 * What is kept of many packets that are hardly filled goes into few: rs.max counts packets. `from`
 * is one that may be written to as soon as what is kept of it needs room: no more has been kept of
 * it than read.
 */
static void keep(struct lu_marking *marking, struct lu_filter *filter, struct lu_remembered entry) {
  if (filter->open == NULL || filter->open->count + MOST_WORDS > capacity(marking)) {
    LU_ASSERT(filter->open != filter->from);
    publish(&filter->open, &marking->remembered);
    filter->open = filter->from;
  }
  append(filter->open, entry);
  filter->kept++;
}

/* The next entry of `from`, whose count is that of what has been kept in it. */
static bool next_of(struct lu_filter *filter, struct lu_remembered *entry) {
  uint32_t kept = filter->from->count;
  filter->from->count = filter->count;
  bool more = lu_remembered_next(filter->from, &filter->at, entry);
  filter->from->count = kept;
  return more;
}

/*
 * Keeps the entries of `from` whose object is marked; false when the budget is used up before its
 * end.
 */
static bool filter_packet(lull_heap *heap, struct lu_filter *filter, struct lu_budget *budget) {
  struct lu_remembered entry;
  uint32_t before = filter->at;
  for (unsigned count = 1; next_of(filter, &entry); count++, before = filter->at) {
    LU_ASSERT(lu_space_holds(&heap->space, entry.object));
    lu_budget_spend(budget, (filter->at - before) * sizeof filter->from->entry[0]);
    if (lu_is_marked(entry.object, heap->marking.map))
      keep(&heap->marking, filter, entry);
    if (count % CHECK_EVERY == 0 && lu_budget_over(budget))
      return false;
  }
  if (filter->open != filter->from)
    drop_packet(&heap->marking, filter->from);
  filter->from = NULL;
  return true;
}

static bool take_next(struct lu_marking *marking, struct lu_filter *filter) {
  filter->from = take_one(&marking->remembered_next);
  if (filter->from == NULL)
    return false;
  filter->count = filter->from->count;
  filter->from->count = 0;
  filter->at = 0;
  return true;
}

/*
 * All threads are idle, so what they store into goes to the current set; nobody looks at that
 * before the next cycle, so the open packet may be missing in it between two steps.
 */
bool lu_remembered_filter(lull_heap *heap, struct lu_filter *filter, struct lu_budget *budget) {
  struct lu_marking *marking = &heap->marking;
  while (filter->from != NULL || take_next(marking, filter))
    if (!filter_packet(heap, filter, budget) || lu_budget_over(budget))
      return false;
  publish(&filter->open, &marking->remembered);
  /*
   * Only ever set here: threads that are idle already may be losing entries of the set that becomes
   * the current one.
   */
  if (atomic_load_explicit(&marking->remembered_next_lost, memory_order_relaxed))
    atomic_store_explicit(&marking->remembered_lost, true, memory_order_relaxed);
  return true;
}
