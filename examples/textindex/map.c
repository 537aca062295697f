/*
 * map.c: the ordered map: a lock-free skip list of words. After Fraser (2004) and Herlihy and
 * Shavit (2008), without bits in pointers: a node is marked as deleted by a marker node, as in
 * Lea's skip list map.
 *
 * Every level is a list from the head, sorted by text; a word of n levels is in the lists of
 * levels 0 to n - 1. A MARKER is a word object without text and with one level. A word is marked
 * at a level when next[level] is a marker; the marker's own next[0] is then the successor.
 *
 * Invariants
 *   M.1  A marker never changes, and next[level] never changes again once it is a marker. So
 *        nothing is ever inserted behind a marked word, and no unlinking of its successor is lost
 *        there.
 *   M.2  word->documents counts reservations. It goes from 0 to WORD_DEAD once, for good, and
 *        only a dead word is marked, from its highest level down to level 0.
 *   M.3  A word is linked by the thread that made it, at all its levels, before that thread gives
 *        up the reservation that the word was born with. So a word that is marked is not being
 *        linked.
 *   M.4  A word is inserted at level 0 only between a predecessor and a successor that are
 *        neighbours and of which the predecessor is unmarked (the compare-exchange fails
 *        otherwise), after a search that found no word of the same text there. So level 0 holds
 *        each text at most once, apart from words that died and are not unlinked yet; and of
 *        those a search unlinks every one that it meets.
 *
 * Why a removed word is unreachable (what the malloc twin relies on; for Lull it is only
 * tidiness). By M.1 a list shrinks only by a compare-exchange from an unmarked predecessor over a
 * marked word. A search for the word's text, begun when the word was marked at every level,
 * passes the word's place at every level along words that it saw unmarked, and unlinks what is
 * marked on the way; by M.3 nobody links the word again.
 *
 * Why map_find misses no word that was in the map during the whole call. It steps onto words only
 * that it saw unmarked at the level. Such a word was in level 0's list at that moment (marks go
 * from the top down). When it is marked afterwards, its frozen successor is at or before every
 * word that was present then and still is, and by induction so on. map_next from a word that has
 * died goes along frozen successors and loses only words that were inserted after that word's
 * death.
 *
 * Safepoints: searching and linking never poll, so references in `struct path` and in locals need
 * no roots there. What allocates says "may poll" and holds everything that it needs afterwards in
 * a frame. Since a new word is searched a place for once more after its allocation, all that
 * comes between its first field and its publication is free of polls too, but its next[] are set
 * by lull_store all the same: they are set again when a race was lost.
 *
 * Memory ordering: lull_compare_exchange publishes a new word with all its fields; lull_load
 * pairs with it.
 */
#include "examples/textindex/map.h"

/*
 * Where a text belongs at each level: the last word before it (or the head) and the first at or
 * behind it.
 */
struct path {
  struct word *before[MAP_LEVELS];
  struct word *behind[MAP_LEVELS];
};

static bool is_marker(const struct word *word) {
  return word != NULL && word->text == NULL;
}

/* The successor of a word, marked at this level or not. */
static struct word *step(struct word *word, size_t level) {
  struct word *next = lull_load(&word->next[level]);
  return is_marker(next) ? lull_load(&next->next[0]) : next;
}

static bool is_dead(struct word *word) {
  return atomic_load(&word->documents) == WORD_DEAD;
}

/*
 * Goes along one level from `before`, unlinking marked words. False when `before` itself is
 * marked or another thread changed its successor: the search starts over.
 */
static bool search_level(lull_thread *thread, struct word *before, size_t level,
                         const struct key *key, struct path *path) {
  struct word *at = lull_load(&before->next[level]);
  if (is_marker(at))
    return false;
  while (at != NULL) {
    struct word *next = lull_load(&at->next[level]);
    if (is_marker(next)) {
      struct word *expected = at;
      at = lull_load(&next->next[0]);
      if (!lull_compare_exchange(thread, before, &before->next[level], &expected, at))
        return false;
      continue;
    }
    if (compare_word(at, key) >= 0)
      break;
    before = at;
    at = next;
  }
  path->before[level] = before;
  path->behind[level] = at;
  return true;
}

/*
 * Fills the path of a text and unlinks the marked words on it. Returns whether a word of that
 * text is there; it may be dead.
 */
static bool search(lull_thread *thread, struct word *head, const struct key *key,
                   struct path *path) {
  struct word *before = head;
  size_t level = MAP_LEVELS;
  while (level > 0) {
    if (search_level(thread, before, level - 1, key, path)) {
      level--;
      before = path->before[level];
    } else {
      before = head;
      level = MAP_LEVELS;
    }
  }
  struct word *found = path->behind[0];
  return found != NULL && compare_word(found, key) == 0;
}

/*
 * As search, for readers: changes nothing, and walks past marked words. Returns the first
 * unmarked word at or behind the key.
 */
static struct word *seek(struct word *head, const struct key *key) {
  struct word *before = head;
  struct word *at = NULL;
  for (size_t level = MAP_LEVELS; level-- > 0;) {
    at = step(before, level);
    while (at != NULL) {
      struct word *next = lull_load(&at->next[level]);
      bool marked = is_marker(next);
      if (!marked && compare_word(at, key) >= 0)
        break;
      if (!marked)
        before = at;
      at = marked ? lull_load(&next->next[0]) : next;
    }
  }
  return at;
}

/* The first of `word` and its successors that is alive. */
static struct word *skip_dead(struct word *word) {
  while (word != NULL && is_dead(word))
    word = step(word, 0);
  return word;
}

struct word *map_seek(struct word *head, const struct key *key) {
  return skip_dead(seek(head, key));
}

struct word *map_next(struct word *word) {
  return skip_dead(step(word, 0));
}

struct word *map_find(struct word *head, const struct key *key) {
  struct word *word = seek(head, key);
  return word != NULL && compare_word(word, key) == 0 && !is_dead(word) ? word : NULL;
}

/* Counts one more document, unless the word is dead. */
static bool reserve(struct word *word) {
  uint32_t documents = atomic_load(&word->documents);
  while (documents != WORD_DEAD)
    if (atomic_compare_exchange_weak(&word->documents, &documents, documents + 1))
      return true;
  return false;
}

/*
 * Marks a dead word at all levels. Several threads may do so at once: each level gets one marker.
 * May poll.
 */
static void mark(lull_thread *thread, struct word *word) {
  struct word *marker = NULL;
  LULL_ROOTS(thread, word, marker);
  for (size_t level = word->levels; level-- > 0;) {
    marker = allocated(lull_new_array(thread, types.word, 1));
    struct word *next = lull_load(&word->next[level]);
    bool marked = false;
    while (!marked && !is_marker(next)) {
      lull_store(thread, marker, &marker->next[0], next);
      marked = lull_compare_exchange(thread, word, &word->next[level], &next, marker);
    }
    if (!marked)
      memory_retire(thread, marker);
  }
}

/*
 * A word of 1 to MAP_LEVELS levels, each with a quarter of the chance of the one below, reserved
 * once. May poll.
 */
static struct word *new_word(lull_thread *thread, const struct key *key, struct random *random) {
  struct text *text = allocated(lull_new_array(thread, types.text, key->length));
  LULL_ROOTS(thread, text);
  memcpy(text->bytes, key->bytes, key->length);
  uint64_t bits = random_next(random) | UINT64_C(1) << (2 * MAP_LEVELS - 2);
  size_t levels = 1 + (size_t)__builtin_ctzll(bits) / 2;
  struct word *word = allocated(lull_new_array(thread, types.word, levels));
  lull_init(thread, word, &word->text, text);
  word->prefix = key->prefix;
  atomic_init(&word->documents, 1);
  return word;
}

/* Links the word above level 0, where it is already. It cannot die meanwhile (M.3). No poll. */
static void link_upper_levels(lull_thread *thread, struct word *head, struct word *word,
                              const struct key *key, struct path *path) {
  for (size_t level = 1; level < word->levels; level++) {
    for (;;) {
      struct word *behind = path->behind[level];
      lull_store(thread, word, &word->next[level], behind);
      if (lull_compare_exchange(thread, path->before[level], &path->before[level]->next[level],
                                &behind, word))
        break;
      search(thread, head, key, path);
    }
  }
}

/*
 * Puts a new word into the map at the end of its path; false if another thread was there first.
 * No poll.
 */
static bool link_word(lull_thread *thread, struct word *head, struct word *word,
                      const struct key *key, struct path *path) {
  struct word *behind = path->behind[0];
  lull_store(thread, word, &word->next[0], behind);
  if (!lull_compare_exchange(thread, path->before[0], &path->before[0]->next[0], &behind, word))
    return false;
  link_upper_levels(thread, head, word, key, path);
  return true;
}

struct word *map_reserve(lull_thread *thread, struct word *head, const struct key *key,
                         struct random *random) {
  struct word *word = NULL;
  struct word *fresh = NULL;
  LULL_ROOTS(thread, head, word, fresh);
  struct path path;
  for (;;) {
    if (search(thread, head, key, &path)) {
      word = path.behind[0];
      if (reserve(word))
        break;
      mark(thread, word);
    } else if (fresh == NULL) {
      fresh = new_word(thread, key, random);
    } else if (link_word(thread, head, fresh, key, &path)) {
      return fresh;
    }
  }
  if (fresh != NULL) {
    memory_retire(thread, fresh->text);
    memory_retire(thread, fresh);
  }
  return word;
}

/* A word without documents has empty cells only. */
static void retire_word(lull_thread *thread, struct word *word) {
  for (size_t level = 0; level < word->levels; level++)
    memory_retire(thread, lull_load(&word->next[level]));
  for (struct cell *cell = lull_load(&word->cells); cell != NULL; cell = cell->next)
    memory_retire(thread, cell);
  memory_retire(thread, word->text);
  memory_retire(thread, word);
}

void map_release(lull_thread *thread, struct word *head, struct word *word) {
  if (atomic_fetch_sub(&word->documents, 1) != 1)
    return;
  uint32_t none = 0;
  if (!atomic_compare_exchange_strong(&word->documents, &none, WORD_DEAD))
    return;
  LULL_ROOTS(thread, head, word);
  mark(thread, word);
  struct key key;
  struct path path;
  key_of_word(&key, word);
  search(thread, head, &key, &path);
  retire_word(thread, word);
}

struct word *map_new(lull_thread *thread) {
  return allocated(lull_new_array(thread, types.word, MAP_LEVELS));
}
