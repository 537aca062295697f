/*
 * A simulation of marking with several markers: discrete events, one for each group of eight
 * entries that a marker takes.
 *
 * Modelled as lib/mark/ has it: private stacks of two packets, a prefetch ring of 32 entries, the
 * grey stack, the hint that somebody is hungry, gifts of the older half of a packet, pieces of
 * large arrays, waking all who sleep, the driver's wait for the others, and the driver's looks, at
 * each of which twice as many helpers may work (lib/cycle/helpers.c). Time is what the costs below
 * say; the markers share the memory's bandwidth.
 *
 * Not modelled: caches that several markers share in their favour, two markers that scan one object
 * at once, mutators, barriers, re-scans.
 */
#ifndef STRESS_MARKING_ENGINE_H
#define STRESS_MARKING_ENGINE_H

#include <stdint.h>

#include "stress/marking/graph.h"

enum { MOST_MARKERS = 64 };

/* Nanoseconds, where nothing else is said. */
struct costs {
  double object;      /* to mark and scan an object, prefetched, one marker at work */
  double again;       /* to find that an object is marked already */
  double latency;     /* to mark an object of which nothing was prefetched */
  double push;        /* of a reference of a large array */
  double packet;      /* to exchange a packet */
  double head;        /* of that, during which nobody else can: the head of the grey stack changes
                         hands */
  double call;        /* to wake the first of those who sleep */
  double each;        /* to wake another one */
  double wake;        /* until one who is woken runs */
  double spawn;       /* to make a thread; 0: they exist */
  double first, look; /* when the driver looks for idle cores first, and then */
  double memory;      /* share of `object`, `again` and `latency` that is spent waiting for
                         memory */
  double saturation;  /* markers that use up the memory's bandwidth; 0: it is endless */
  uint32_t packet_entries;
};

struct outcome {
  double ns;            /* until marking is over */
  double busy;          /* share of the markers' time that they worked */
  uint32_t marked;
  uint64_t exchanged;   /* packets given to the grey stack */
  uint64_t woken;
};

struct outcome engine_run(const struct graph *graph, unsigned markers, const struct costs *costs);

#endif
