/*
 * threads/public.h: what the public calls of threads/public.c need from the heap.
 */
#ifndef LU_THREADS_PUBLIC_H
#define LU_THREADS_PUBLIC_H

#include <lull/base.h>

struct lu_registry;

/* The heap's registry; implemented with the heap, or by a test. Any thread. */
struct lu_registry *lu_heap_registry(lull_heap *heap);

#endif
