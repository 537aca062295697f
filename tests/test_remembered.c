/*
 * test_remembered.c: the remembered set by itself (mark/remember.c), without a collector: what is
 * entered comes back, once, in the set of its epoch; what finds no room is confessed; packets are
 * neither lost nor made.
 */
#include <stdlib.h>
#include <string.h>
#include "mark/mark.h"
#include "mark/remember.h"
#include "support/random.h"
#include "support/tool.h"
#include "tests/heap_fake.h"

#define OBJECTS 100
#define CARDS 200 /* of the large object */
#define KINDS (OBJECTS + CARDS)
#define PACKETS ((uint64_t)4 << 20)
#define MOST ((uint64_t)256 << 20)

static lull_heap *heap;
static struct lu_marking *marking;
static struct lu_mutator *mutator;
static lull_type bytes;
static struct bytes *object[OBJECTS], *large;

/* How often each entry stands in a set. */
struct tally {
  unsigned of[KINDS];
  size_t total, packets;
};

static size_t card_bytes = 512;

static void begin_with(uint32_t packet, uint64_t budget, uint64_t packets) {
  heap = fake_heap_with_cards(16 << 20, card_bytes);
  heap->settings.gc_packets = packets;
  heap->settings.stress_packet = packet;
  heap->settings.rs_max = budget;
  marking = &heap->marking;
  ck_assert_int_eq(lu_marking_init(heap), LULL_OK);
  mutator = fake_mutator(heap);
  bytes = fake_bytes_type(heap);
  for (int i = 0; i < OBJECTS; i++)
    object[i] = fake_new(mutator, bytes, 64);
  large = fake_new(mutator, bytes, CARDS * card_bytes);
}

static void begin(void) { begin_with(7, PACKETS, 4 * PACKETS); }

static void end(void) {
  lu_marking_fini(heap);
  fake_mutator_end(mutator);
  fake_heap_end(heap);
}

/* Entry number i: an object, or a card. */
static struct lu_remembered entry_of(unsigned i) {
  return i < OBJECTS ? (struct lu_remembered){object[i], LU_NO_CARD}
                     : (struct lu_remembered){large, i - OBJECTS};
}

static unsigned number_of(struct lu_remembered entry) {
  for (unsigned i = 0; i < KINDS; i++)
    if (entry_of(i).object == entry.object && entry_of(i).card == entry.card)
      return i;
  ck_abort_msg("an entry that nobody made: %p, card %zu", entry.object, entry.card);
  return 0;
}

static void add_packet(struct tally *tally, const struct lu_packet *packet) {
  struct lu_remembered entry;
  if (packet == NULL)
    return;
  tally->packets++;
  ck_assert_uint_le(packet->count, marking->packets.entries < 2 ? 2 : marking->packets.entries);
  for (uint32_t at = 0; lu_remembered_next(packet, &at, &entry); tally->total++) {
    tally->of[number_of(entry)]++;
    ck_assert_uint_le(at, packet->count);
  }
}

static struct tally tally_of(struct cds_wfs_stack *stack) {
  struct tally tally = {0};
  struct cds_wfs_head *head = stack->head;
  struct cds_wfs_node *node;
  if (cds_wfs_empty((cds_wfs_stack_ptr_t){.s = stack}))
    return tally;
  cds_wfs_for_each_blocking(head, node)
      add_packet(&tally, caa_container_of(node, struct lu_packet, flushed_link));
  return tally;
}

static struct tally current(void) { return tally_of(&marking->remembered); }
static struct tally next_set(void) { return tally_of(&marking->remembered_next); }

static size_t free_packets(void) {
  struct ck_stack_entry *entry;
  size_t count = 0;
  CK_STACK_FOREACH(&marking->packets.free, entry)
  count++;
  return count;
}

/* Every packet is free or in one of the sets, `private` ones with threads; the budget counts so. */
static void check_packets(size_t private) {
  size_t used = current().packets + next_set().packets + private;
  ck_assert_uint_eq(atomic_load(&marking->remembered_packets), used);
  ck_assert_uint_eq(free_packets() + used, atomic_load(&marking->packets.carved));
}

static void require_tally(struct tally tally, const unsigned *expected) {
  for (unsigned i = 0; i < KINDS; i++)
    if (tally.of[i] != expected[i])
      ck_abort_msg("entry %u stands %u times in the set, not %u", i, tally.of[i], expected[i]);
}

static void enter_some(struct lu_mutator *by, unsigned n, uint64_t *random, unsigned *expected) {
  for (unsigned i = 0; i < n; i++) {
    unsigned number = (unsigned)lu_random_scale(lu_random_step(random), KINDS);
    lu_remember(by, entry_of(number));
    expected[number]++;
  }
}

/* Each goes to the end without a budget, and in pieces within one that is used up at once. */
static bool in_pieces;

static void drop_all(void) { ck_assert(lu_remembered_drop(heap, NULL)); }

static size_t filter_all(void) {
  struct lu_filter filter = {.kept = 0};
  if (!in_pieces)
    ck_assert(lu_remembered_filter(heap, &filter, NULL));
  else
    while (!lu_remembered_filter(heap, &filter, &(struct lu_budget){.work = 1}))
      ;
  ck_assert_ptr_null(filter.from);
  ck_assert_ptr_null(filter.open);
  return filter.kept;
}

/* By a marker that is in it; returns how many pieces it took. */
static unsigned scan_all(struct lu_marker *marker) {
  unsigned pieces = 1;
  if (!in_pieces)
    ck_assert(lu_remembered_scan(marker, NULL));
  else
    for (; !lu_remembered_scan(marker, &(struct lu_budget){.work = 1}); pieces++)
      ;
  return pieces;
}

static const uint32_t packet_sizes[] = {1, 2, 3, 4, 7, 100, 500};

START_TEST(what_is_entered_comes_back) {
  unsigned expected[KINDS] = {0};
  uint64_t random = (uint64_t)_i;
  begin_with(packet_sizes[_i], PACKETS, 4 * PACKETS);
  ck_assert_uint_eq(current().total, 0);
  lu_remember_publish(mutator);
  ck_assert_uint_eq(current().packets, 0);
  for (int round = 0; round < 20; round++) {
    enter_some(mutator, 37, &random, expected);
    struct tally tally = current();
    add_packet(&tally, mutator->remembered);
    require_tally(tally, expected);
    check_packets(1);
  }
  lu_remember_publish(mutator);
  ck_assert_ptr_null(mutator->remembered);
  require_tally(current(), expected);
  ck_assert_uint_eq(current().total, 20 * 37);
  ck_assert_uint_eq(next_set().total, 0);
  check_packets(0);
  drop_all();
  ck_assert_uint_eq(current().packets, 0);
  check_packets(0);
  end();
}
END_TEST

/* A thread past its H1, and a marker, enter into the set that comes. */
START_TEST(each_epoch_has_its_set) {
  unsigned before[KINDS] = {0}, after[KINDS] = {0};
  uint64_t random = 5;
  begin();
  enter_some(mutator, 100, &random, before);
  lu_remember_publish(mutator);
  static const enum lu_phase phases[] = {LU_WINDOW, LU_BUMPED, LU_TRACE};
  for (int i = 0; i < 3; i++) {
    mutator->phase = phases[i];
    enter_some(mutator, 100, &random, after);
    lu_remember_publish(mutator);
  }
  struct lu_marker marker = {.heap = heap, .marking = marking};
  for (unsigned i = 0; i < KINDS; i++, after[i - 1]++)
    lu_remember_marked(&marker, entry_of(i));
  check_packets(1);
  lu_remember_publish_marked(&marker);
  lu_remember_publish_marked(&marker);
  ck_assert_ptr_null(marker.remembered);
  require_tally(current(), before);
  require_tally(next_set(), after);
  check_packets(0);
  drop_all();
  ck_assert_uint_eq(current().total, 0);
  require_tally(next_set(), after);
  check_packets(0);
  end();
}
END_TEST

/* The set that comes becomes the current one, without what is not marked, and takes no more packets
 * than it needs. */
START_TEST(the_filter_keeps_what_is_marked) {
  uint64_t random = (uint64_t)_i * 77 + 1;
  in_pieces = (size_t)_i % (2 * COUNT_OF(packet_sizes)) >= COUNT_OF(packet_sizes);
  begin_with(packet_sizes[(size_t)_i % COUNT_OF(packet_sizes)], PACKETS, 4 * PACKETS);
  mutator->phase = LU_TRACE;
  for (int round = 0; round < 30; round++) {
    unsigned expected[KINDS] = {0};
    uint64_t share = lu_random_step(&random) % 5;
    for (int i = 0; i < OBJECTS; i++)
      *lu_map_at(object[i], LU_MAP_A) &= ~lu_map_bit(object[i]);
    *lu_map_at(large, LU_MAP_A) &= ~lu_map_bit(large);
    /* Packets filled to the brim and hardly at all. */
    for (uint64_t parts = 1 + lu_random_step(&random) % 20; parts > 0; parts--) {
      enter_some(mutator, (unsigned)(lu_random_step(&random) % 2 == 0 ? 2 : 30), &random, expected);
      lu_remember_publish(mutator);
    }
    for (unsigned i = 0; i < OBJECTS; i++)
      if (lu_random_step(&random) % 4 < share)
        fake_mark(heap, object[i], LU_MAP_A);
      else
        expected[i] = 0;
    if (lu_random_step(&random) % 4 < share)
      fake_mark(heap, large, LU_MAP_A);
    else
      memset(expected + OBJECTS, 0, CARDS * sizeof *expected);
    size_t kept = filter_all();
    struct tally tally = current();
    require_tally(tally, expected);
    ck_assert_uint_eq(tally.total, kept);
    ck_assert_uint_eq(next_set().packets, 0);
    uint32_t capacity = marking->packets.entries < 2 ? 2 : marking->packets.entries;
    ck_assert_uint_le(tally.packets * (capacity / 2), kept * 2 + capacity);
    check_packets(0);
    drop_all();
  }
  end();
  in_pieces = false;
}
END_TEST

static bool lost(void) { return atomic_load(&marking->remembered_lost); }
static bool next_lost(void) { return atomic_load(&marking->remembered_next_lost); }

/* Enters until the flag is set; returns how many entries were kept. */
static unsigned enter_until(bool (*flag)(void)) {
  for (unsigned i = 0; i < 100000; i++) {
    lu_remember(mutator, entry_of(i % OBJECTS));
    if (flag())
      return i;
  }
  ck_abort_msg("no entry is ever lost");
  return 0;
}

START_TEST(what_is_lost_is_confessed) {
  begin_with(7, 5 * LU_PACKET_BYTES, PACKETS);
  unsigned kept = enter_until(lost);
  ck_assert_uint_ge(kept, 5 * 6);
  ck_assert(!next_lost());
  lu_remember_publish(mutator);
  ck_assert_uint_eq(current().total, kept);
  ck_assert_uint_eq(current().packets, 5);
  check_packets(0);
  /* The set that comes has no room either, while this one has it all. */
  lu_remembered_begin(heap);
  ck_assert(lost() && !next_lost());
  mutator->phase = LU_WINDOW;
  ck_assert_uint_eq(enter_until(next_lost), 0);
  drop_all();
  ck_assert(!lost() && next_lost());
  ck_assert_uint_eq(atomic_load(&marking->remembered_packets), 0);
  /* It stays incomplete when it becomes the current one. */
  ck_assert_uint_eq(filter_all(), 0);
  ck_assert(lost());
  lu_remembered_begin(heap);
  ck_assert(lost() && !next_lost());
  drop_all();
  ck_assert_uint_eq(filter_all(), 0);
  ck_assert(!lost() && !next_lost());
  /* A marker's entries are of the set that comes. */
  struct lu_marker marker = {.heap = heap, .marking = marking};
  for (unsigned i = 0; i < 200; i++)
    lu_remember_marked(&marker, entry_of(OBJECTS + i % CARDS));
  ck_assert(!lost() && next_lost());
  lu_remember_publish_marked(&marker);
  ck_assert_uint_eq(next_set().packets, 5);
  ck_assert_uint_eq(next_set().total, 5 * 3);
  end();
}
END_TEST

START_TEST(without_packets_entries_are_lost) {
  begin();
  lu_fault_arm(LU_FAULT_PACKET, 1, false);
  lu_remember(mutator, entry_of(0));
  ck_assert(lost() && !next_lost());
  ck_assert_ptr_null(mutator->remembered);
  lu_fault_clear();
  drop_all();
  /* A private packet that is full stays private. */
  for (unsigned i = 0; i < 6; i++)
    lu_remember(mutator, entry_of(i));
  lu_fault_arm(LU_FAULT_PACKET, 1, false);
  lu_remember(mutator, entry_of(6));
  lu_fault_clear();
  ck_assert(lost());
  lu_remember_publish(mutator);
  ck_assert_uint_eq(current().total, 6);
  check_packets(0);
  end();
}
END_TEST

/* At most half of all packets, however large the budget: marking needs some too. */
START_TEST(the_budget_leaves_packets_for_marking) {
  begin_with(7, (uint64_t)1 << 40, PACKETS);
  enter_until(lost);
  ck_assert_uint_eq(atomic_load(&marking->remembered_packets), marking->packets.capacity / 2);
  struct lu_packet *packet = lu_packet_new(&marking->packets);
  ck_assert_ptr_nonnull(packet);
  lu_packet_drop(&marking->packets, packet);
  lu_remember_publish(mutator);
  check_packets(0);
  end();
}
END_TEST

/* A small object of seven references, an array of references of CARDS cards. */
/*
 * The first `holders` objects get a type with references, and the large one a type of which all is
 * references.
 */
static void make_holders(lull_heap *of, int holders) {
  lull_type holder, array;
  lull_type_desc desc = {.struct_size = sizeof desc, .name = "holder", .size = 64};
  static const uint64_t map[] = {0xfe};
  desc.layout = (lull_layout){LULL_REFS_MAP, 0, map, 1};
  ck_assert_int_eq(lull_type_define(of, &desc, &holder), LULL_OK);
  desc = (lull_type_desc){.struct_size = sizeof desc,
                          .name = "array",
                          .size = sizeof(struct bytes),
                          .element_size = 8,
                          .length_offset = offsetof(struct bytes, length),
                          .element = {LULL_REFS_ALL, 0, NULL, 0}};
  ck_assert_int_eq(lull_type_define(of, &desc, &array), LULL_OK);
  for (int i = 0; i < holders; i++) {
    object[i]->header.type_word = holder;
    object[i]->length = 0;
  }
  large->header.type_word = array;
  large->length /= 8;
}

/* A step ends inside a packet: what follows is for the next one, and nothing is scanned twice. */
START_TEST(a_packet_is_scanned_in_pieces) {
  enum { HOLDERS = 45 };
  in_pieces = true;
  begin_with(packet_sizes[_i], PACKETS, 4 * PACKETS);
  make_holders(heap, HOLDERS);
  for (unsigned i = 0; i < HOLDERS; i++) {
    ((void **)(void *)object[i])[1] = object[OBJECTS - HOLDERS + i];
    fake_mark(heap, object[i], LU_MAP_A);
    lu_remember(mutator, entry_of(i));
  }
  lu_remember_publish(mutator);
  marking->minor = true;
  struct lu_marker marker;
  ck_assert(lu_marker_enter(&marker, heap, true));
  ck_assert_uint_ge(scan_all(&marker), packet_sizes[_i] > HOLDERS ? HOLDERS / 8 : 1);
  lu_marker_drain(&marker, NULL);
  lu_marker_leave(&marker);
  for (int i = 0; i < OBJECTS; i++)
    ck_assert_int_eq(lu_is_marked(object[i], LU_MAP_A), i < HOLDERS || i >= OBJECTS - HOLDERS);
  ck_assert_uint_eq(atomic_load(&marking->marked), HOLDERS);
  ck_assert_uint_eq(current().packets, 0);
  check_packets(0);
  end();
  in_pieces = false;
}
END_TEST

/* Of what is old, the fields, or the elements of the card, are roots of a minor, and nothing else;
 * of what is young, nothing. */
START_TEST(a_minor_begins_with_the_set) {
  card_bytes = (size_t)64 << _i;
  begin();
  make_holders(heap, 2);
  const size_t per_card = card_bytes / 8;
  void **slots = (void **)(void *)large;
  /* object[0] is old, object[1] is not; of the array card 3 and the last one are entered. */
  ((void **)(void *)object[0])[1] = object[10];
  ((void **)(void *)object[0])[7] = object[11];
  ((void **)(void *)object[1])[1] = object[12];
  slots[3 * per_card - 1] = object[20];
  slots[3 * per_card] = object[21];
  slots[4 * per_card - 1] = object[22];
  slots[4 * per_card] = object[23];
  slots[CARDS * per_card - 1] = object[24];
  fake_mark(heap, object[0], LU_MAP_A);
  fake_mark(heap, large, LU_MAP_A);
  lu_remember(mutator, entry_of(0));
  lu_remember(mutator, entry_of(1));
  lu_remember(mutator, entry_of(OBJECTS + 3));
  lu_remember(mutator, entry_of(OBJECTS + CARDS - 1));
  lu_remember_publish(mutator);
  marking->minor = true;
  struct lu_marker marker;
  ck_assert(lu_marker_enter(&marker, heap, true));
  scan_all(&marker);
  lu_marker_leave(&marker);
  static const int marked[] = {0, 10, 11, 21, 22, 24};
  for (int i = 0, at = 0; i < OBJECTS; i++) {
    bool expected = at < (int)COUNT_OF(marked) && marked[at] == i;
    at += expected;
    if (lu_is_marked(object[i], LU_MAP_A) != expected)
      ck_abort_msg("object %d is %smarked", i, expected ? "not " : "");
  }
  ck_assert_uint_eq(current().packets, 0);
  check_packets(0);
  end();
}
END_TEST

enum { THREADS = 6, ENTRIES = LU_TSAN ? 2000 : 20000 };
static unsigned entered[THREADS][KINDS];

/* A thread that lives, enters, and publishes when it leaves, many times. */
static void live_and_leave(void *arg, unsigned index) {
  enum lu_phase phase = *(const enum lu_phase *)arg;
  uint64_t random = index;
  for (int left = ENTRIES; left > 0;) {
    struct lu_mutator *own = fake_mutator(heap);
    own->phase = phase;
    unsigned n = 1 + (unsigned)(lu_random_step(&random) % 50);
    enter_some(own, n, &random, entered[index]);
    lu_remember_publish(own);
    left -= (int)n;
    fake_mutator_end(own);
  }
}

/* Each life takes a packet. */
static void begin_with_much_room(void) {
  begin_with(100, MOST, 2 * MOST);
}

static void sum_entered(unsigned *sum) {
  memset(sum, 0, KINDS * sizeof *sum);
  for (int i = 0; i < THREADS; i++)
    for (int j = 0; j < KINDS; j++)
      sum[j] += entered[i][j];
}

START_TEST(threads_lose_nothing_when_they_leave) {
  unsigned expected[KINDS];
  enum lu_phase phase = _i == 0 ? LU_IDLE : LU_TRACE;
  begin_with_much_room();
  memset(entered, 0, sizeof entered);
  fake_threads(THREADS, live_and_leave, &phase);
  ck_assert(!lost() && !next_lost());
  sum_entered(expected);
  require_tally(phase == LU_IDLE ? current() : next_set(), expected);
  check_packets(0);
  end();
}
END_TEST

/* Thread 0 is the collector, which filters; the others are idle already and enter. */
static void filter_or_enter(void *arg, unsigned index) {
  if (index > 0)
    live_and_leave(arg, index - 1);
  else
    REQUIRE(filter_all() == 5000);
}

START_TEST(the_filter_runs_beside_idle_threads) {
  unsigned expected[KINDS], kept_ones[KINDS] = {0};
  uint64_t random = 3;
  enum lu_phase idle = LU_IDLE;
  begin_with_much_room();
  for (int i = 0; i < OBJECTS; i++)
    fake_mark(heap, object[i], LU_MAP_A);
  fake_mark(heap, large, LU_MAP_A);
  mutator->phase = LU_TRACE;
  enter_some(mutator, 5000, &random, kept_ones);
  lu_remember_publish(mutator);
  memset(entered, 0, sizeof entered);
  fake_threads(THREADS + 1, filter_or_enter, &idle);
  sum_entered(expected);
  for (int i = 0; i < KINDS; i++)
    expected[i] += kept_ones[i];
  require_tally(current(), expected);
  ck_assert_uint_eq(next_set().packets, 0);
  check_packets(0);
  end();
}
END_TEST

int main(void) {
  Suite *suite = new_suite("remembered set");
  TCase *tcase = tcase_create("remembered");
  tcase_add_loop_test(tcase, what_is_entered_comes_back, 0, COUNT_OF(packet_sizes));
  tcase_add_test(tcase, each_epoch_has_its_set);
  tcase_add_loop_test(tcase, the_filter_keeps_what_is_marked, 0, 4 * COUNT_OF(packet_sizes));
  tcase_add_test(tcase, what_is_lost_is_confessed);
  tcase_add_test(tcase, without_packets_entries_are_lost);
  tcase_add_test(tcase, the_budget_leaves_packets_for_marking);
  /* Cards of 64 bytes to 8 KB. */
  tcase_add_loop_test(tcase, a_minor_begins_with_the_set, 0, 8);
  tcase_add_loop_test(tcase, a_packet_is_scanned_in_pieces, 0, COUNT_OF(packet_sizes));
  suite_add_tcase(suite, tcase);
  tcase = tcase_create("threads");
  tcase_add_loop_test(tcase, threads_lose_nothing_when_they_leave, 0, 2);
  tcase_add_test(tcase, the_filter_runs_beside_idle_threads);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
