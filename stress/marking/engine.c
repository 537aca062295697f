/*
 * The simulation. Markers take turns by their clocks: the one that is furthest behind does a group.
 */
#include "stress/marking/engine.h"

#include <stdlib.h>
#include <string.h>

#include "stress/common/check.h"

enum { RING = 32, GROUP = 8, CHECK_EVERY = 8, PIECE = 1024, WAIT_NS = 50000, FIRST = 2 };
#define ABSENT UINT32_MAX
#define GAIN 1.125

/* An entry: an object, or where to go on in a large one. */
struct entry {
  uint32_t object, from;
};

struct packet {
  struct packet *next;   /* in the grey stack, or free */
  uint32_t count;
  struct entry entry[];
};

enum state { AWAY, AT_WORK, ASLEEP };   /* AWAY: not let in yet */

struct marker {
  enum state state;
  double now, worked;
  struct packet *top, *spare;
  struct entry ring[RING];
  uint32_t ring_at, in_ring, groups;
};

struct world {
  const struct graph *graph;
  const struct costs *costs;
  struct marker marker[MOST_MARKERS];
  unsigned markers, made, at_work, let_in;
  unsigned rest, next_rest;   /* looks until helpers are tried again, and how many it will be the
                                 next time */
  struct packet *grey, *free;
  bool hungry, driver_waits;
  double head_free, last_look, next_look;
  double rate, alone;         /* objects a ns since the look before the last; at the last one
                                 without helpers */
  uint32_t last_marked;
  uint8_t *marked;
  struct outcome outcome;
};

static struct packet *fresh_packet(struct world *world) {
  struct packet *packet = world->free;
  if (packet != NULL)
    world->free = packet->next;
  else
    packet = stress_malloc(sizeof *packet + world->costs->packet_entries * sizeof packet->entry[0]);
  packet->count = 0;
  return packet;
}

static void drop_packet(struct world *world, struct packet *packet) {
  packet->next = world->free;
  world->free = packet;
}

static void spend(struct marker *marker, double ns) {
  marker->now += ns;
  marker->worked += ns;
}

static void begin_work(struct world *world, struct marker *marker, double now) {
  marker->state = AT_WORK;
  marker->now = now;
  world->at_work++;
}

static void end_work(struct world *world, struct marker *marker, enum state state) {
  marker->state = state;
  world->at_work--;
}

/* Waiting for memory takes longer when more use it than its bandwidth is good for. */
static double stretched(const struct world *world, double ns) {
  const struct costs *costs = world->costs;
  if (costs->saturation <= 0 || world->at_work <= costs->saturation)
    return ns;
  return ns * (1 - costs->memory + costs->memory * world->at_work / costs->saturation);
}

/* The head of the grey stack: one at a time. */
static void exchange(struct world *world, struct marker *marker) {
  if (world->head_free > marker->now)
    spend(marker, world->head_free - marker->now);
  world->head_free = marker->now + world->costs->head;
  spend(marker, world->costs->packet);
}

static void wake_all(struct world *world, struct marker *waker) {
  double cost = world->costs->call;
  for (unsigned i = 1; i < world->let_in; i++) {
    struct marker *marker = &world->marker[i];
    if (marker->state != ASLEEP)
      continue;
    spend(waker, cost);
    cost = world->costs->each;
    begin_work(world, marker, waker->now + world->costs->wake);
    world->outcome.woken++;
  }
}

static void wake_driver(struct world *world, struct marker *waker) {
  struct marker *driver = &world->marker[0];
  if (world->driver_waits && driver->now > waker->now + world->costs->wake)
    driver->now = waker->now + world->costs->wake;
}

static void give(struct world *world, struct marker *marker, struct packet *packet) {
  exchange(world, marker);
  packet->next = world->grey;
  world->grey = packet;
  world->outcome.exchanged++;
  if (world->driver_waits)
    spend(marker, world->costs->call);
  wake_driver(world, marker);
  wake_all(world, marker);
}

static void push(struct world *world, struct marker *marker, struct entry entry) {
  if (marker->top == NULL || marker->top->count == world->costs->packet_entries) {
    if (marker->spare != NULL)
      give(world, marker, marker->spare);
    marker->spare = marker->top;
    marker->top = fresh_packet(world);
  }
  marker->top->entry[marker->top->count++] = entry;
}

static struct packet *take_grey(struct world *world, struct marker *marker) {
  struct packet *packet = world->grey;
  if (packet == NULL)
    return NULL;
  exchange(world, marker);
  world->grey = packet->next;
  return packet;
}

/* False: there is nothing to take. */
static bool pop(struct world *world, struct marker *marker, struct entry *entry) {
  if (marker->top == NULL || marker->top->count == 0) {
    struct packet *next = marker->spare != NULL ? marker->spare : take_grey(world, marker);
    if (next == NULL)
      return false;
    if (marker->top != NULL)
      drop_packet(world, marker->top);
    marker->spare = NULL;
    marker->top = next;
  }
  *entry = marker->top->entry[--marker->top->count];
  return true;
}

/*
 * What an entry costs of which `beside` others were prefetched at the same time: memory answers
 * them together.
 */
static double overlapped(const struct costs *costs, double ns, uint32_t beside) {
  double alone = costs->latency / (beside + 1);
  return alone > ns ? alone : ns;
}

static void scan(struct world *world, struct marker *marker, struct entry entry) {
  const struct graph *graph = world->graph;
  const struct costs *costs = world->costs;
  uint32_t at = graph->first[entry.object], end = graph->first[entry.object + 1];
  if (entry.from == 0) {
    bool again = world->marked[entry.object];
    spend(marker, stretched(world, overlapped(costs, again ? costs->again : costs->object,
                                              marker->in_ring)));
    if (again)
      return;
    world->marked[entry.object] = 1;
    world->outcome.marked++;
  }
  at += entry.from;
  if (end - at > PIECE) {
    push(world, marker, (struct entry){entry.object, entry.from + PIECE});
    end = at + PIECE;
  }
  if (end - at > 2)
    spend(marker, stretched(world, (end - at) * costs->push));
  for (; at < end; at++)
    push(world, marker, (struct entry){graph->to[at], 0});
}

static bool out_of_ring(struct marker *marker, struct entry *entry) {
  for (uint32_t i = 0; i < RING; i++) {
    struct entry *place = &marker->ring[marker->ring_at++ % RING];
    *entry = *place;
    place->object = ABSENT;
    if (entry->object != ABSENT) {
      marker->in_ring--;
      return true;
    }
  }
  return false;
}

/* Puts an entry into the ring and scans the one that it displaces. */
static void through_ring(struct world *world, struct marker *marker, struct entry entry) {
  struct entry *place = &marker->ring[marker->ring_at++ % RING], out = *place;
  *place = entry;
  if (out.object == ABSENT)
    marker->in_ring++;
  else
    scan(world, marker, out);
}

/* The spare packet, or the older half of the top one, to those who found nothing. */
static void share(struct world *world, struct marker *marker) {
  if (!world->hungry || marker->top == NULL || marker->top->count < 2)
    return;
  struct packet *gift = marker->spare;
  marker->spare = NULL;
  if (gift == NULL) {
    struct packet *top = marker->top;
    gift = fresh_packet(world);
    gift->count = top->count / 2;
    memcpy(gift->entry, top->entry, gift->count * sizeof gift->entry[0]);
    memmove(top->entry, top->entry + gift->count,
            (top->count - gift->count) * sizeof top->entry[0]);
    top->count -= gift->count;
  }
  world->hungry = false;
  give(world, marker, gift);
}

/* How many helpers work from now on: by what all markers got done since the last look. */
static unsigned next_helpers(struct world *world) {
  unsigned helpers = world->let_in - 1;
  double last = world->rate;
  world->rate =
      (world->outcome.marked - world->last_marked) / (world->marker[0].now - world->last_look + 1);
  world->last_marked = world->outcome.marked;
  if (helpers == 0) {
    world->alone = world->rate;
    return world->rest > 0 ? world->rest--, 0 : FIRST;
  }
  if (world->rate < world->alone * GAIN) {
    world->rest = world->next_rest;
    world->next_rest = 2 * world->next_rest + 1;
    return 0;
  }
  world->next_rest = 0;
  return world->rate > last * GAIN ? 2 * helpers : helpers;
}

/* The driver's. */
static void look(struct world *world) {
  struct marker *driver = &world->marker[0];
  unsigned before = world->let_in, helpers = next_helpers(world);
  world->let_in = 1 + helpers < world->markers ? 1 + helpers : world->markers;
  world->last_look = driver->now;
  world->next_look = driver->now + world->costs->look;
  for (unsigned i = world->let_in; i < before; i++)
    if (world->marker[i].state == ASLEEP)
      world->marker[i].state = AWAY;
  for (; world->made < world->let_in; world->made++)
    spend(driver, world->costs->spawn);
  for (unsigned i = before; i < world->let_in; i++)
    if (world->marker[i].state == AWAY)
      world->marker[i].state = ASLEEP;
  if (world->let_in > before)
    wake_all(world, driver);
}

/* A helper that is not to go on gives everything back. */
static void release(struct world *world, struct marker *marker) {
  struct entry entry;
  while (out_of_ring(marker, &entry))
    push(world, marker, entry);
  end_work(world, marker, AWAY);
  if (marker->spare != NULL)
    give(world, marker, marker->spare);
  if (marker->top != NULL && marker->top->count > 0)
    give(world, marker, marker->top);
  else
    free(marker->top);
  marker->top = marker->spare = NULL;
}

/* The marker has found nothing. Returns whether marking is over. */
static bool leave(struct world *world, unsigned index) {
  struct marker *marker = &world->marker[index];
  world->hungry = true;
  end_work(world, marker, ASLEEP);
  if (index != 0) {
    if (index >= world->let_in)
      marker->state = AWAY;
    if (world->at_work == 0)
      wake_driver(world, marker);
    return false;
  }
  if (world->at_work == 0)
    return true;
  world->driver_waits = true;
  marker->now += WAIT_NS;
  return false;
}

/* One group. Returns whether marking is over. */
static bool turn(struct world *world, unsigned index) {
  struct marker *marker = &world->marker[index];
  struct entry group[GROUP], entry;
  uint32_t count = 0;
  if (index == 0) {
    if (world->driver_waits)
      begin_work(world, marker, marker->now);
    world->driver_waits = false;
    if (marker->now >= world->next_look)
      look(world);
  }
  while (count < GROUP && pop(world, marker, &group[count]))
    count++;
  for (uint32_t i = 0; i < count; i++)
    through_ring(world, marker, group[i]);
  if (count == 0) {
    if (!out_of_ring(marker, &entry))
      return leave(world, index);
    scan(world, marker, entry);
  }
  if (++marker->groups % CHECK_EVERY == 0) {
    share(world, marker);
    if (index >= world->let_in)
      release(world, marker);
  }
  return false;
}

static unsigned furthest_behind(const struct world *world) {
  unsigned least = MOST_MARKERS;
  for (unsigned i = 0; i < world->markers; i++)
    if ((world->marker[i].state == AT_WORK || (i == 0 && world->driver_waits)) &&
        (least == MOST_MARKERS || world->marker[i].now < world->marker[least].now))
      least = i;
  return least;
}

static void free_packets(struct packet *packet) {
  while (packet != NULL) {
    struct packet *next = packet->next;
    free(packet);
    packet = next;
  }
}

struct outcome engine_run(const struct graph *graph, unsigned markers, const struct costs *costs) {
  struct world *world = stress_calloc(1, sizeof *world);
  *world = (struct world){.graph = graph,
                          .costs = costs,
                          .markers = markers,
                          .made = 1,
                          .at_work = 1,
                          .let_in = 1,
                          .next_look = costs->first};
  world->marked = stress_calloc(graph->count, 1);
  for (unsigned i = 0; i < markers; i++)
    for (unsigned j = 0; j < RING; j++)
      world->marker[i].ring[j].object = ABSENT;
  world->marker[0].state = AT_WORK;
  push(world, &world->marker[0], (struct entry){0, 0});
  while (!turn(world, furthest_behind(world)))
    ;
  double worked = 0;
  for (unsigned i = 0; i < markers; i++) {
    worked += world->marker[i].worked;
    free(world->marker[i].top);
  }
  world->outcome.ns = world->marker[0].now;
  world->outcome.busy = worked / (world->outcome.ns * markers);
  struct outcome outcome = world->outcome;
  free_packets(world->free);
  free(world->marked);
  free(world);
  return outcome;
}
