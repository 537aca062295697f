/*
 * lull.h: the one header that a program includes.
 *
 *   lull/heap.h     options, heaps, collections, the out-of-memory hook
 *   lull/object.h   the object header, type descriptors
 *   lull/thread.h   attaching threads, safepoints, blocked regions
 *   lull/alloc.h    allocation
 *   lull/barrier.h  stores of references into objects
 *   lull/roots.h    frames, ranges, callbacks, handles, root stores
 *   lull/stats.h    figures
 *   lull/pacing.h   when collections come; heaps that share a budget
 */
#ifndef LULL_H
#define LULL_H

#include <lull/alloc.h>
#include <lull/barrier.h>
#include <lull/base.h>
#include <lull/heap.h>
#include <lull/object.h>
#include <lull/pacing.h>
#include <lull/roots.h>
#include <lull/stats.h>
#include <lull/thread.h>

#endif
