/*
 * mark/mark.h: marking: the invariants of a cycle, the state that markers share, and the marker.
 *
 * White: MARK bit clear. Grey: in a packet, not yet scanned (its bit may be clear: objects are
 * claimed when they are popped). Black: bit set and scanned, or born live in this cycle.
 *
 *   M.1  From H3 on, every object that was reachable when the last thread acknowledged H3 is black,
 *        or grey, or reachable through white objects only from a grey one (snapshot at the
 *        beginning).
 *   M.2  Grey objects stand in: a thread's private packet, the flushed stack, the grey stack, a
 *        marker's private packets or prefetch ring; or, after an overflow, under a set MARK bit in
 *        a block whose re-scan flag is set. Nowhere else.
 *   M.3  A marker, helper or assist is counted in `active` before it takes a packet and until it
 *        has given back all that it did not scan.
 *   M.4  Marking is over after one clean flush round: before it nothing was grey outside threads'
 *        packets and nobody active; every thread flushed; and since it was armed nothing was
 *        flushed, taken, or newly marked.
 * Models: start.pml, weak.pml, mark.pml.
 */
#ifndef LU_MARK_MARK_H
#define LU_MARK_MARK_H

#include <urcu/wfstack.h>
#include "heap/layout.h"
#include "mark/packet.h"
#include "mark/stack.h"
#include "support/budget.h"
#include "support/event.h"

struct lu_mutator;

#define LU_AGE_MOST 7u   /* mark/age.h */

struct lu_marking {
  struct lu_packets packets;
  /* Packets of shaded objects. Pushed by threads (wait-free). Taken by whoever drives, here and
   * from the three stacks below: whole, or one at a time where a step may end between two. Popping
   * one by one needs no more than that nobody else pops. */
  struct cds_wfs_stack flushed;
  /* Packets of the remembered set of the epoch before the running cycle (or of the current one
   * while idle), and of the epoch that the cycle begins. Pushed by threads by their phase, of the
   * second by markers too. What a step leaves of a packet goes back. */
  struct cds_wfs_stack remembered, remembered_next;
  /* Packets in the two; added to by threads and markers, reduced by the collector. At
   * remembered_max nothing is entered any more: an entry that would have gone to the one or the
   * other set sets its flag. Flags: relaxed; a handshake lies between their setting and their
   * reading. */
  _Atomic size_t remembered_packets;
  _Atomic bool remembered_lost, remembered_next_lost;
  size_t remembered_max;
  /* Packets of survivors that this cycle does not promote (gc.promote above 1). Pushed by markers.
   */
  struct cds_wfs_stack survivors;
  unsigned map;                 /* current MARK; written by the collector between H1 and H2, or with
                                   the world stopped */
  /* True from the scan of the shared roots to the clean round. Written by the collector (release);
   * read by helpers and assists (acquire). */
  _Atomic bool tracing;
  /* Markers, helpers and assists at work (M.3). seq_cst; pairs with grey_count and pops in
   * lu_mark_quiet. */
  _Atomic uint32_t active;
  /* Set by a helper or assist that found nothing to take; cleared by the marker that shares its
   * private stack then. Relaxed: a hint. */
  _Atomic uint32_t hungry;
  _Atomic uint64_t pops;        /* packets taken for scanning, counted before the taking */
  _Atomic uint64_t marked;      /* objects newly marked, added by each marker before it leaves
                                   `active` */
  /* Objects scanned in this cycle so far, by which the pacer knows how far marking is. Set to 0 by
   * the driver before tracing, added to by markers now and then and when they leave; relaxed, a
   * figure. */
  _Atomic uint64_t progress;
  _Atomic uint32_t rescans;     /* re-scan flags set; the collector exchanges it to 0 before it
                                   looks at the flags */
  struct lu_event idle;         /* signalled when active drops to 0, and when a packet is given
                                   while the driver waits */
  _Atomic bool driver_waits;    /* written by the driver, read by who gives a packet; seq_cst, pairs
                                   with grey_count */
  bool minor;                   /* the kind of the running cycle; written where `map` is */
  uint8_t promote;              /* cycles that an object survives until it is old: gc.promote;
                                   constant */
  uint16_t epoch_before;        /* k: what majors renew stale logs to (never the epoch that the
                                   cycle begins) */
  uint16_t epoch_mask;          /* epochs are taken modulo this plus 1 */
  bool renew_logs;              /* this major looks for stale logs; written where epoch_before is */
  uint32_t renewed_cycle;       /* the cycle before the last one that did; the collector's */
};

#define LU_RING 32

struct lu_marker {
  lull_heap *heap;
  struct lu_marking *marking;
  const struct lu_type *types;    /* heap->types.rows */
  unsigned map;
  uint16_t epoch_before, epoch_mask;
  bool minor;
  uint8_t promote;                /* ages are kept when above 1: mark/age.c */
  struct lu_packet *survivors;    /* listed, not yet published; NULL = none */
  /* gc.promote above 1: bytes of objects that it has made old; in a minor, how many of them at each
   * age. */
  uint64_t promoted_bytes, promoted[LU_AGE_MOST + 1];
  struct lu_packet *remembered;   /* entered, not yet published; NULL = none */
  struct lu_stack stack;          /* grey objects that nobody else sees */
  uint64_t marked, published;     /* objects; those of them that are in marking->progress */
  uint64_t bytes;                 /* scanned, and not yet charged to a budget */
  bool renew;                     /* marking->renew_logs */
  uintptr_t ring[LU_RING];        /* prefetched, not yet scanned; 0 = empty slot */
  unsigned ring_at;
};

lull_status lu_marking_init(lull_heap *heap);
void lu_marking_fini(lull_heap *heap);

/*
 * Enters `active` with an empty private stack. Helpers and assists (driver false) get in only while
 * `tracing`: they raise `active`, then look at `tracing`; the collector lowers `tracing`, then
 * waits for `active` (both seq_cst), so that nobody marks with the map of a cycle that is over.
 * Returns whether it is in.
 */
bool lu_marker_enter(struct lu_marker *marker, lull_heap *heap, bool driver);
/* Gives back what is left and leaves `active`. */
void lu_marker_leave(struct lu_marker *marker);
/* Makes an object grey in the marker's own stack. */
void lu_marker_push(struct lu_marker *marker, void *object);
/*
 * Scans until nothing is left in the private stack and the grey stack, or the budget is used up:
 * then returns false.
 */
bool lu_marker_drain(struct lu_marker *marker, struct lu_budget *budget);

/*
 * The collector's: moves flushed packets to the grey stack, until the budget is used up; returns
 * whether all that there were have been moved.
 */
bool lu_mark_take_flushed(lull_heap *heap, struct lu_budget *budget);
/* The collector's: whether there are any. */
bool lu_mark_any_flushed(lull_heap *heap);
/*
 * The collector's, after the IDLE handshake: drops what was flushed since the clean round (it is
 * marked or born live).
 */
void lu_mark_discard_flushed(lull_heap *heap);
/* The collector's, after marking: lets nobody in any more and waits for those who are. */
void lu_mark_close(lull_heap *heap);
/*
 * The collector's: drains, waits for helpers and assists, re-scans flagged blocks, until nothing is
 * grey outside the threads.
 */
void lu_mark_quiesce(lull_heap *heap);
/* A packet has been given to the grey stack: wakes who waits for one. Any marker. */
void lu_mark_wake(lull_heap *heap);
/* The same in pieces, without waiting. */
enum lu_mark_state {
  LU_MARK_QUIET,   /* nothing is grey outside the threads, and nobody at work */
  LU_MARK_MORE,    /* the budget is used up */
  LU_MARK_OTHERS   /* helpers are at work: look again later */
};
enum lu_mark_state lu_mark_some(lull_heap *heap, struct lu_budget *budget);
/* Waits for a moment, or until somebody gives work back, or nobody is at work. */
void lu_mark_await_others(lull_heap *heap);
/*
 * Re-scans flagged blocks and large objects (mark/rescan.c), by the collector with no other marker
 * at work. Returns whether there were any.
 */
bool lu_mark_rescan(struct lu_marker *marker);
/* Scans an object that has its first MARK bit already. */
struct lu_large;
void lu_marker_rescan_object(struct lu_marker *marker, void *object);
void lu_marker_rescan_large(struct lu_marker *marker, struct lu_large *large);
/*
 * Makes every reference of an object, or of the part [low, high) of it, grey; the object itself is
 * not marked.
 */
void lu_marker_scan_fields(struct lu_marker *marker, void *object, char *low, char *high);

/* The mark of an object in bitmap `map`. Any thread; relaxed. */
static inline bool lu_is_marked(const void *object, unsigned map) {
  return (atomic_load_explicit(lu_map_at(object, map), memory_order_relaxed) &
          lu_map_bit(object)) != 0;
}

/* Flushes the thread's shaded objects (mark/shade.c). Owner, or closure. */
void lu_shade_flush(struct lu_mutator *mutator);
void lu_shade_discard(struct lu_mutator *mutator);
/*
 * Keeps an object when no packet is free: first MARK bit and a re-scan flag. For a thread in the
 * window, which cannot know whether MARK will be switched, both maps get the bit.
 */
void lu_shade_overflow(lull_heap *heap, void *object, unsigned map, bool window);

#endif
