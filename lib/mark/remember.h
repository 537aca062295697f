/*
 * mark/remember.h: the remembered set: objects stored into in an epoch, from which a minor cycle
 * starts.
 *
 * A packet's entries are objects (one word), or cards of large objects (two words: the object with
 * LU_ENTRY_CARD, then the index of the card). What holds of the set: I.7 in doc/design/protocol.md;
 * generations.md.
 */
#ifndef LU_MARK_REMEMBER_H
#define LU_MARK_REMEMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <lull/base.h>

struct lu_budget;
struct lu_marker;
struct lu_mutator;
struct lu_packet;

#define LU_NO_CARD SIZE_MAX

struct lu_remembered {
  void *object;
  size_t card;   /* LU_NO_CARD: the whole object, which is a small one */
};

/* Where the filter stands between two steps; the driver's. Zero: before its first. */
struct lu_filter {
  struct lu_packet *from;   /* its entries are looked at; NULL = none */
  uint32_t at, count;       /* the next one of them, and how many words there are: the packet's own
                               count is of those kept in it */
  struct lu_packet *open;   /* takes what is kept; NULL = none yet */
  size_t kept;              /* entries */
};

/*
 * Enters an object or a card. Owner, or closure. No wait; may take a packet; over the budget the
 * set's flag is set instead.
 */
void lu_remember(struct lu_mutator *mutator, struct lu_remembered entry);
/* The same by a marker, into the set of the epoch that its cycle has begun. */
void lu_remember_marked(struct lu_marker *marker, struct lu_remembered entry);
/* Publishes the private part. Owner or closure; the marker's thread. */
void lu_remember_publish(struct lu_mutator *mutator);
void lu_remember_publish_marked(struct lu_marker *marker);

/* The next entry of a packet from *at on, which moves behind it; false at the end. */
bool lu_remembered_next(const struct lu_packet *packet, uint32_t *at, struct lu_remembered *entry);

/* The following are the collector's. */

/*
 * Before H1 is armed, or with the world stopped: what is lost from here on by threads past H1 is
 * missing in the new set.
 */
void lu_remembered_begin(lull_heap *heap);
/* Drops the set of the epoch before. False when the budget is used up before the end. */
bool lu_remembered_drop(lull_heap *heap, struct lu_budget *budget);
/*
 * Makes grey what the marked objects and cards of the set of the epoch before refer to, and marks
 * on; drops the set. Goes on until the budget is used up; returns whether the set is empty.
 */
bool lu_remembered_scan(struct lu_marker *marker, struct lu_budget *budget);
/*
 * Keeps the entries of the new set whose object is marked, and makes it the current one. False when
 * the budget is used up before the end.
 */
bool lu_remembered_filter(lull_heap *heap, struct lu_filter *filter, struct lu_budget *budget);

#endif
