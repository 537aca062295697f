/* Heaps made from option text, as in LULL_OPTIONS. */
#ifndef STRESS_COMMON_HEAP_H
#define STRESS_COMMON_HEAP_H

#include <lull.h>

/*
 * Makes a heap with the options of each text ("heap.max=64M,gc.helpers=1"; NULL or empty: none),
 * the later text before the earlier, then those of the environment. Ends the program when an option
 * is refused.
 */
lull_heap *heap_make(const char *options, const char *more_options);

/* Ends the heap, which must succeed. */
void heap_end(lull_heap *heap);

/* Defines a type, which must succeed; fills in struct_size. */
lull_type heap_type(lull_heap *heap, lull_type_desc desc);

/* Attaches the calling thread, which must succeed. */
lull_thread *heap_attach(lull_heap *heap);

/* Detaches it, which must succeed. */
void heap_detach(lull_thread *thread);

#endif
