/*
 * memory.h: what a workload needs of a memory manager. One source of a workload is compiled once
 * for each manager; the build defines one of
 *   BENCH_LULL     this library
 *   BENCH_MALLOC   malloc and free; jemalloc and mimalloc take their place when preloaded
 *   BENCH_BOEHM    Boehm's collector
 *   BENCH_BUMP     a bump allocator in fresh memory that never frees
 *   BENCH_RECYCLE  a bump allocator that starts over in the same 1 MB: the limit of what allocation
 *                  can cost; only for workloads whose objects die at once
 * and each header here implements the same names. All of it is inline or a macro, so that a manager
 * pays for its own work only. A program may have several sources.
 *
 * What fails ends the program with one message: memory that is not to be had with status 3, a limit
 * or options that the manager does not take with 2.
 *
 *   MEM_NAME                          "lull", "malloc", ...
 *   MEM_FREES                         1: objects must be given to mem_free, else 0. A workload
 *                                     skips walks that exist only to free when it is 0.
 *   mem_open(limit, options)          makes the one heap of the program; by the main thread.
 *                                     `limit` in bytes, 0 for the manager's default; those without
 *                                     one ignore it. `options` as in LULL_OPTIONS, or NULL. recycle
 *                                     knows "raw" (recycle.h), the others none.
 *   mem_close()                       ends it, when all threads have left.
 *   mem_enter() -> mem_thread *       the calling thread, the main one too, will allocate or read
 *                                     references. mem_leave(thread) ends that. Threads are made by
 *                                     pthread_create, or by common/crew.h.
 *   mem_record(name, size, refs) -> mem_type
 *                                     a type without elements; bit i of refs: word i is a reference
 *                                     (LULL_BIT of lull/object.h). Word 0 is the header (a
 *                                     lull_object) for every manager: objects have the same sizes
 *                                     everywhere.
 *   mem_array(name, size, length_offset, element_size, refs) -> mem_type
 *                                     an array type; refs: whether elements are references (then
 *                                     of 8 bytes). The fixed part has none.
 *   mem_new(thread, type, size)       an object; `size` is the type's (a constant helps malloc).
 *                                     Contents are zero or undefined, whichever is the manager's
 *                                     cheapest: a workload sets every field. Ends the program when
 *                                     there is no memory.
 *   mem_new_array(thread, type, length)   the same for an array; sets its length. Elements that
 *                                     are references are NULL, others undefined.
 *   mem_free(thread, object)          no longer needed; nothing where MEM_FREES is 0. NULL is
 *                                     allowed.
 *   mem_init(thread, object, &field, value)   the first store into a fresh object, no call between.
 *   mem_store(thread, object, &field, value)  any other store of a reference.
 *   mem_load(&field)                  a reference that other threads may store to.
 *   MEM_ROOTS(thread, variables...)   these locals are roots until the end of the block.
 *   mem_poll(thread)                  a safepoint, for loops that do not allocate.
 *                                     mem_new, mem_new_array and mem_unblock are safepoints too:
 *                                     what is needed after one must be in roots.
 *   mem_block(thread), mem_unblock(thread)   round a wait.
 *   mem_handle_new(thread, object) -> mem_handle *, mem_handle_get(thread, handle),
 *   mem_handle_release(thread, handle)       a root that any thread may read.
 *   mem_report()                      adds the manager's own figures, from mem_open on, to the line
 *                                     of measure.h. After measure_stop, before mem_close.
 */
#ifndef BENCH_MEMORY_MEMORY_H
#define BENCH_MEMORY_MEMORY_H

#include <lull.h> /* lull_object, LULL_BIT */

#if defined BENCH_LULL
#include "bench/memory/lull.h"
#elif defined BENCH_MALLOC
#include "bench/memory/malloc.h"
#elif defined BENCH_BOEHM
#include "bench/memory/boehm.h"
#elif defined BENCH_BUMP
#include "bench/memory/bump.h"
#elif defined BENCH_RECYCLE
#include "bench/memory/recycle.h"
#else
#error "define one of BENCH_LULL, BENCH_MALLOC, BENCH_BOEHM, BENCH_BUMP, BENCH_RECYCLE"
#endif

#endif
