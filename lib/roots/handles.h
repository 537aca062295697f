/*
 * roots/handles.h: the part of the shared roots that handles.c keeps.
 */
#ifndef LU_ROOTS_HANDLES_H
#define LU_ROOTS_HANDLES_H

#include "roots/shared.h"

/* One slot. NULL or an object while it is live; bit 0 set: free, the rest is the next free handle's
 * index + 1. */
struct lull_handle {
  /* Written by attached threads (CAS; a plain release store by the one that owns the slot between
   * free list and user); read by them and by the scan (acquire). */
  _Atomic uintptr_t word;
};

/* Calls fn with each object that a live handle holds; returns how many handles it looked at. No
 * lock. */
size_t lu_handles_each(struct lu_shared_roots *roots, void (*fn)(void *object, void *arg),
                       void *arg);
void lu_handles_fini(struct lu_shared_roots *roots);

#endif
