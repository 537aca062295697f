/*
 * lull/heap.h: options, heaps, collections.
 */
#ifndef LULL_HEAP_H
#define LULL_HEAP_H

#include <lull/base.h>
#include <lull/thread.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A set of options for heaps yet to be made. Defaults first, then lull_option_set, then the
 * environment variable (LULL_OPTIONS unless another is chosen), read when the heap is created. Not
 * shared between threads. The options log, seed and fault.* hold for the whole process from the
 * moment at which a heap is made with them.
 */
typedef struct lull_config lull_config;

/*
 * A config with every option at its default, or NULL without memory (LULL_E_MEMORY). Owned by the
 * caller until lull_config_free.
 */
LULL_API lull_config *lull_config_new(void) LULL_NODISCARD;
/* Ends a config; NULL is nothing. Heaps that were made with it keep what it said. */
LULL_API void lull_config_free(lull_config *config);

/*
 * Sets an option by name and text ("heap.max", "2G"), as in LULL_OPTIONS. LULL_E_UNKNOWN for a name
 * that is none (the log line gives the nearest name), LULL_E_RANGE for a value outside the accepted
 * range; the option keeps what it had. The texts are copied. lull_options(7) lists the options with
 * their units.
 */
LULL_API lull_status lull_option_set(lull_config *config, const char *name, const char *value);

/*
 * Reads the environment from `variable` instead of LULL_OPTIONS; NULL: from nowhere. The name is
 * copied. LULL_E_ARGUMENT for an empty one; LULL_E_MEMORY. In a setuid program the environment is
 * not read.
 */
LULL_API lull_status lull_config_environment(lull_config *config, const char *variable);

/*
 * Writes the options with type, default, range, unit and help to a file descriptor (2 = stderr).
 * Any thread.
 */
LULL_API void lull_options_help(int fd);

/*
 * Makes a heap in *heap (NULL on failure), the caller's until lull_heap_destroy; config may be NULL
 * (defaults and environment), is copied and stays the caller's. Any thread. Reserves address space,
 * commits little: less than a millisecond. LULL_E_RANGE or LULL_E_UNKNOWN for a bad environment
 * entry only under "strict"; LULL_E_MEMORY, LULL_E_SYSTEM.
 */
LULL_API lull_status lull_heap_create(const lull_config *config, lull_heap **heap) LULL_NODISCARD;

/*
 * Ends the heap: stops its collector and unmaps everything; all objects, handles and types go.
 * LULL_E_BUSY with threads attached (the heap stays as it was). No other call may use the heap at
 * the same time or later. Ends a cycle that is under way first, so it may take as long as one.
 * Leaves the heap's group (lull/pacing.h). Any thread.
 */
LULL_API lull_status lull_heap_destroy(lull_heap *heap);

/*
 * Collects and waits: a full cycle that begins after the call. Everything that was unreachable at
 * the call is freed when it returns LULL_OK (memory inside blocks that threads were filling
 * meanwhile is offered again one cycle later). LULL_E_PROGRESS when a thread without safepoints
 * holds the cycle up for longer than stall.timeout. By an attached RUNNING thread (LULL_E_THREAD,
 * LULL_E_STATE otherwise); waits as a blocked region; may poll. Cost: a cycle, O(live objects +
 * heap).
 */
LULL_API lull_status lull_collect(lull_thread *thread) LULL_NONNULL(1);

/*
 * Asks for a cycle and returns at once. Any thread. In the concurrent mode the cycle begins now; in
 * the others the next allocation, or call of lull_collect or lull_collect_step, begins it.
 */
LULL_API void lull_collect_start(lull_heap *heap) LULL_NONNULL(1);

/* How a heap collects. Whether it has minor cycles (gc.generational) does not depend on it. */
typedef enum lull_mode {
  LULL_CONCURRENT,      /* a thread of the library collects beside the program; a heap that is small
                           and has one thread collects in steps */
  LULL_INCREMENTAL,     /* no thread of the library: threads that allocate collect, in steps (only
                           gc.helpers=N adds threads) */
  LULL_STOP_THE_WORLD   /* a thread that allocates stops all, and collects; helpers where cores are
                           idle (gc.helpers) */
} lull_mode;

/* The mode of a heap: what gc.mode said, or lull_heap_set_mode. Any thread, O(1). */
LULL_API lull_mode lull_heap_mode(lull_heap *heap) LULL_NONNULL(1);

/*
 * Changes it. Returns at once; a cycle under way is not lost, it is ended in the way of the new
 * mode, or by the collector thread if that is in it. The collector thread leaves when it has ended
 * its cycle, and is started again when a cycle is due in the concurrent mode. Any thread, attached
 * or not. LULL_E_ARGUMENT for a number that is none of the above.
 */
LULL_API lull_status lull_heap_set_mode(lull_heap *heap, lull_mode mode);

/*
 * Incremental mode: does a piece of collection, for a program that knows when it has time: of the
 * cycle under way, or of the one that is due, or of a new one. A new one is of the kind that the
 * pacer plans next, most often a minor, and begins when threads have taken an eighth of what they
 * may take between two cycles. (For a major, or garbage that was made without allocation, ask by
 * lull_collect_start before.) Ends when budget_ns of wall time have passed, at least 10
 * microseconds (what cannot be divided, a scan of roots for example, is done whole), or when
 * another thread has to be waited for. Returns true when there is nothing more to do for now: a
 * cycle ended in this call, or none was to begin. So a loop until then is one cycle at most. With
 * gc.work=0 allocation takes no steps of its own before the limit.
 * False, with lull_last_error: LULL_E_STATE in another mode, or in a blocked region; LULL_E_THREAD.
 * By an attached RUNNING thread; polls.
 */
LULL_API bool lull_collect_step(lull_thread *thread, uint64_t budget_ns) LULL_NONNULL(1);

/* Why the out-of-memory hook is called. */
typedef enum lull_oom {
  LULL_OOM_LIMIT,    /* cycles that began later freed too little: the heap is full of live
                        objects */
  LULL_OOM_PROGRESS  /* a thread does not reach a safepoint, so nothing could be freed for
                        stall.timeout */
} lull_oom;

/*
 * Called by an allocating thread that is about to get NULL: `size` bytes were asked for. Returns
 * true to have the allocation tried once more (the hook has dropped references or ended a thread),
 * false for NULL. Runs RUNNING, outside the library's locks; may store and poll; allocations inside
 * get NULL rather than a second call. Several threads may be in it at once.
 */
typedef bool lull_oom_fn(lull_thread *thread, size_t size, lull_oom why, void *data);

/*
 * Sets the hook; NULL for none. `data` stays the caller's. Any thread; takes effect for allocations
 * that fail later.
 */
LULL_API lull_status lull_heap_oom_hook(lull_heap *heap, lull_oom_fn *fn, void *data);

/*
 * Where log lines go instead of stderr: called with one line without its newline. From any thread,
 * also collectors; must not call Lull. NULL: stderr again. Process-wide. Waits for a hook that is
 * just running, so not to be called by a thread that is RUNNING in a heap.
 */
typedef void lull_log_fn(const char *line, void *data);
LULL_API void lull_log_to(lull_log_fn *fn, void *data);

/*
 * Stops everything and checks the heap against a simple second collector: returns LULL_OK, or
 * LULL_E_STATE after log lines that say what is wrong. LULL_E_PROGRESS when a thread does not stop
 * for it, or there is no memory. For tests and debugging; O(heap), all threads wait. By an attached
 * RUNNING thread (LULL_E_THREAD, LULL_E_STATE otherwise); may poll.
 */
LULL_API lull_status lull_verify(lull_thread *thread) LULL_NONNULL(1);

#ifdef __cplusplus
}
#endif
#endif
