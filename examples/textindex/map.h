/*
 * map.h: the ordered map from texts to words, for any number of threads at once (map.c).
 */
#ifndef TEXTINDEX_MAP_H
#define TEXTINDEX_MAP_H

#include "examples/textindex/key.h"
#include "examples/textindex/random.h"

/* The head of an empty map. May poll. */
struct word *map_new(lull_thread *thread);

/*
 * Finds or inserts the word and counts one more document for it, which keeps it in the map until
 * map_release. O(log n). May poll. The result is the caller's to root; `head` need not be rooted
 * by the caller for this call.
 */
struct word *map_reserve(lull_thread *thread, struct word *head, const struct key *key,
                         struct random *random);

/*
 * Gives one map_reserve of this thread or another back; with the last one the word leaves the
 * map. May poll.
 */
void map_release(lull_thread *thread, struct word *head, struct word *word);

/* The word, or NULL when no document holds it. Does not poll. O(log n). */
struct word *map_find(struct word *head, const struct key *key);

/* The first word of the map at or behind `key`, or NULL. Does not poll. O(log n). */
struct word *map_seek(struct word *head, const struct key *key);

/*
 * The next word of the map, also when `word` has left it meanwhile; NULL at the end. Does not
 * poll.
 */
struct word *map_next(struct word *word);

#endif
