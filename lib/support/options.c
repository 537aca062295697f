/*
 * options.c: the table of options and what follows from it: help and configs. The parser is
 * parse.c.
 *
 * The table is constant. A config belongs to the thread that uses it. Process-wide state changes
 * only at the end of lu_settings_resolve, through the modules that own it (log levels, faults,
 * seed).
 */
#include "support/options.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "observe/log.h"
#include "support/clock.h"
#include "support/error.h"
#include "support/memory.h"
#include "support/random.h"

#define KB (UINT64_C(1) << 10)
#define MB (UINT64_C(1) << 20)
#define GB (UINT64_C(1) << 30)
#define TB (UINT64_C(1) << 40)
#define HOUR (3600 * LU_SECOND)

#ifdef LULL_DEBUG
#define EPOCH_BITS 4
#else
#define EPOCH_BITS 15  /* neither an epoch nor a window value is LU_LOG_LARGE then */
#endif

static const char *const gc_modes[] = {"concurrent", "incremental", "stw", NULL};
/* enum lu_sizing */
static const char *const sizings[] = {"proportional", "fixed", "adaptive", NULL};
static const char *const verify_modes[] = {"none", "cycle", "phase", "barrier", NULL};

#define AT(field) offsetof(struct lu_settings, field)
#define NUMBER(kind, option, field, initial, low, high, none, text)                                \
  {.name = option, .type = kind, .offset = AT(field), .initial_value = initial, .min = low,        \
   .max = high, .zero = none, .help = text}
#define BOOL(option, field, initial, text)                                                         \
  {.name = option, .type = LU_OPTION_BOOL, .offset = AT(field), .initial_value = initial,          \
   .max = 1, .help = text}
#define CHOICE(option, field, list, text)                                                          \
  {.name = option, .type = LU_OPTION_CHOICE, .offset = AT(field), .choices = list, .help = text}
#define SIZE(...) NUMBER(LU_OPTION_SIZE, __VA_ARGS__)
#define DURATION(...) NUMBER(LU_OPTION_DURATION, __VA_ARGS__)
#define PERCENT(...) NUMBER(LU_OPTION_PERCENT, __VA_ARGS__)
#define INTEGER(...) NUMBER(LU_OPTION_INTEGER, __VA_ARGS__)
#define FAULT(constant, site, what)                                                                \
  NUMBER(LU_OPTION_INTEGER, "fault." #site, fault[LU_FAULT_##constant], 0, 0, UINT64_MAX, "never", \
         "fail the nth and all later " what),

const struct lu_option lu_options[] = {
    SIZE("heap.max", heap_max, 0, MB, TB, "half of the machine's or cgroup's memory",
         "limit of the heap, without metadata"),
    SIZE("heap.initial", heap_initial, 32 * MB, MB, TB, NULL,
         "heap size at which the first cycle should end"),
    PERCENT("heap.growth", heap_growth, 100, 10, 1000, NULL,
            "allocation before the next major cycle, as a share of the live bytes"),
    SIZE("heap.soft", heap_soft, 0, MB, TB, "none",
         "size above which the collector works harder; no allocation fails for it"),
    CHOICE("heap.sizing", heap_sizing, sizings,
           "how the heap grows: by heap.growth, up to the limit, or by the square-root rule"),
    INTEGER("heap.balance", heap_balance, 5000, 1, 1000000, NULL,
            "adaptive sizing: millionths of the CPU time that a megabyte of heap is worth"),
    BOOL("heap.return", heap_return, true, "give memory that stays free back to the system"),
    BOOL("heap.huge", heap_huge, false, "transparent huge pages: faster marking, more memory"),
    CHOICE("gc.mode", gc_mode, gc_modes,
           "collect beside the program, in steps of the threads that allocate, or with all threads "
           "stopped"),
    DURATION("gc.step", gc_step, 500 * LU_MICROSECOND, 10 * LU_MICROSECOND, LU_SECOND, NULL,
             "longest step of an incremental cycle"),
    SIZE("gc.step_bytes", gc_step_bytes, 0, 4 * KB, TB, "by time: gc.step",
         "bytes that a step of an incremental cycle marks or sweeps"),
    PERCENT("gc.work", gc_work, 200, 10, 10000, "none: only lull_collect_step and the limit",
            "speed of incremental cycles; at 100 % one ends when the heap has grown to its goal"),
    SIZE("gc.thread_from", gc_thread_from, 4 * MB, MB, TB, "with the heap",
         "heap goal from which a single thread gets a collector thread beside it"),
    BOOL("gc.generational", gc_generational, true,
         "minor cycles, which find what died young, between major ones"),
    INTEGER("gc.promote", gc_promote, 1, 1, 7, NULL,
            "cycles that an object survives until it is old"),
    SIZE("gc.young", gc_young, 0, 64 * KB, TB, "what the processor's last cache holds, 8M to 32M",
         "allocation between two minor cycles"),
    PERCENT("gc.minor_ratio", gc_minor_ratio, 100, 10, 100, NULL,
            "a minor cycle begins when this share of gc.young is allocated"),
    PERCENT("gc.minor_growth", gc_minor_growth, 0, 1, 1000, "gc.young alone",
            "young size at least, as a share of the live bytes"),
    SIZE("gc.threshold_bytes", gc_threshold_bytes, 0, 64 * KB, TB, "none",
         "a major cycle comes at latest when the heap has grown by so much since the last one"),
    INTEGER("gc.threshold_objects", gc_threshold_objects, 0, 1000, TB, "none",
            "the same in objects, counted by the last cycle's mean size"),
    DURATION("gc.pause", gc_pause, 0, LU_MICROSECOND, HOUR, "none",
             "shortest time between two cycles, unless a thread waits for memory"),
    PERCENT("gc.cpu", gc_cpu, 50, 1, 100, NULL,
            "share of all cores that cycles and assists may take, at the limit too"),
    {.name = "gc.helpers",
     .type = LU_OPTION_INTEGER,
     .offset = AT(gc_helpers),
     .initial_value = LU_AUTO,
     .max = 64,
     .automatic = true,
     .help = "threads that help the collector to mark and sweep; auto: on idle cores only"},
    DURATION("gc.assist", gc_assist, 100 * LU_MICROSECOND, LU_MICROSECOND, 10 * LU_MILLISECOND,
             "none", "longest piece of marking that an allocation does"),
    PERCENT("gc.start", gc_start, 40, 1, 99, NULL,
            "a cycle starts at latest when this share of the room below its goal is left"),
    SIZE("gc.every", gc_every, 0, 4 * KB, TB, "by pacing",
         "collect after so many allocated bytes (for gc.mode=stw and tests)"),
    SIZE("gc.packets", gc_packets, 0, 64 * KB, TB, "1/16 of heap.max, at least 8M",
         "address space for mark packets"),
    SIZE("rs.max", rs_max, 64 * MB, 4 * KB, TB, NULL, "budget of the remembered set"),
    {.name = "rs.card",
     .type = LU_OPTION_SIZE,
     .offset = AT(rs_card),
     .initial_value = 512,
     .min = 64,
     .max = 8 * KB,
     .power = true,
     .help = "part of a large object that is remembered by itself"},
    DURATION("stall.timeout", stall_timeout, 10 * LU_SECOND, 10 * LU_MILLISECOND, HOUR, NULL,
             "a stalled allocation ends when handshakes make no progress for so long"),
    DURATION("watchdog", watchdog, LU_SECOND, LU_MILLISECOND, HOUR, "off",
             "log the name of a thread that does not poll for so long"),
    CHOICE("verify", verify, verify_modes,
           "check the whole heap after each cycle or phase, or stores only"),
    BOOL("debug.audit", debug_audit, false,
         "find stores past the barrier: compare all references between phases"),
    {.name = "log",
     .type = LU_OPTION_LOG,
     .offset = AT(log),
     .initial_value = UINT64_C(0x1111111111111111) * LU_LOG_WARNING,
     .help = "what is logged; items are separated by ';' in the environment, or ','"},
    BOOL("strict", strict, false, "a bad entry in the environment makes lull_heap_create fail"),
    INTEGER("seed", seed, 0, 0, UINT64_MAX, "as it was",
            "random numbers of the stress options start here"),
    SIZE("stress.region", stress_region, 0, 128, 64 * KB, "no limit", "longest allocation region"),
    INTEGER("stress.packet", stress_packet, 0, 1, 500, "full packets",
            "entries of a packet in use"),
    DURATION("stress.delay", stress_delay, 0, LU_MICROSECOND, LU_SECOND, "none",
             "longest random delay at each edge of a phase"),
    BOOL("stress.scribble", stress_scribble, false, "overwrite dead memory"),
    BOOL("stress.loop", stress_loop, false, "run cycles back to back"),
    INTEGER("stress.epoch_bits", stress_epoch_bits, EPOCH_BITS, 4, 15, NULL,
            "width of epochs: few bits wrap often"),
    BOOL("stress.membarrier", stress_membarrier, true,
         "use membarrier; false: sequentially consistent accesses instead"),
    LU_FAULT_SITES(FAULT)
    BOOL("fault.once", fault_once, false, "faults hit the nth request only, not the later ones"),
};
const size_t lu_option_count = sizeof lu_options / sizeof lu_options[0];

struct lull_config {
  struct lu_settings settings;
  char *variable;  /* owned; NULL: the environment is not read */
};

void lu_settings_default(struct lu_settings *settings) {
  memset(settings, 0, sizeof *settings);
  for (size_t i = 0; i < lu_option_count; i++)
    lu_option_store(settings, &lu_options[i], lu_options[i].initial_value);
}

/* A copy of a name, or NULL without memory. */
static char *copy_name(const char *name) {
  size_t bytes = strlen(name) + 1;
  char *copy = lu_alloc_array(LU_FAULT_METADATA, bytes, 1);
  return copy != NULL ? memcpy(copy, name, bytes) : NULL;
}

lull_config *lull_config_new(void) {
  lull_config *config = lu_zalloc(LU_FAULT_METADATA, sizeof *config);
  char *variable = copy_name(LU_OPTIONS_VARIABLE);
  if (config == NULL || variable == NULL) {
    lu_free(config);
    lu_free(variable);
    lu_reject(LULL_E_MEMORY, "lull_config_new: out of memory");
    return NULL;
  }
  lu_settings_default(&config->settings);
  config->variable = variable;
  return config;
}

void lull_config_free(lull_config *config) {
  if (config == NULL)
    return;
  lu_free(config->variable);
  lu_free(config);
}

lull_status lull_config_environment(lull_config *config, const char *variable) {
  char *copy = NULL;
  if (config == NULL || (variable != NULL && *variable == '\0'))
    return lu_reject(LULL_E_ARGUMENT, "lull_config_environment: no config, or an empty name");
  if (variable != NULL && (copy = copy_name(variable)) == NULL)
    return lu_reject(LULL_E_MEMORY, "lull_config_environment: out of memory");
  lu_free(config->variable);
  config->variable = copy;
  return LULL_OK;
}

lull_status lull_option_set(lull_config *config, const char *name, const char *value) {
  char why[LU_WHY];
  if (config == NULL || name == NULL || value == NULL)
    return lu_reject(LULL_E_ARGUMENT, "lull_option_set: config, name or value is NULL");
  size_t name_length = strnlen(name, LU_OPTION_LONGEST + 1);
  size_t value_length = strnlen(value, LU_OPTION_LONGEST + 1);
  lull_status status =
      lu_option_parse(&config->settings, name, name_length, value, value_length, why);
  return status == LULL_OK ? LULL_OK : lu_reject(status, "lull_option_set: %s", why);
}

uint64_t lu_default_young(void) {
  uint64_t cache = lu_system_cache();
  return cache < 8 * MB ? 8 * MB : cache > 32 * MB ? 32 * MB : cache;
}

/* What 0 stands for, and what two options say together. */
static void choose(struct lu_settings *settings) {
  if (settings->heap_max == 0) {
    uint64_t half = lu_system_memory() / 2 / MB * MB;
    settings->heap_max = half < MB ? MB : half > TB ? TB : half;
  }
  if (settings->heap_initial > settings->heap_max)
    settings->heap_initial = settings->heap_max;
  if (settings->gc_young == 0)
    settings->gc_young = lu_default_young();
  if (settings->gc_packets == 0) {
    uint64_t part = settings->heap_max / 16;
    settings->gc_packets = part < 8 * MB ? 8 * MB : part;
  }
}

static void put_in_force(const struct lu_settings *settings) {
  lu_log_set_levels(settings->log);
  for (int site = 0; site < LU_FAULT_COUNT; site++)
    if (settings->fault[site] != 0)
      lu_fault_arm((enum lu_fault_site)site, settings->fault[site], settings->fault_once);
  if (settings->seed != 0)
    lu_random_seed(settings->seed);
}

lull_status lu_settings_resolve(const lull_config *config, struct lu_settings *settings) {
  const char *variable = LU_OPTIONS_VARIABLE;
  if (config != NULL) {
    *settings = config->settings;
    variable = config->variable;
  } else {
    lu_settings_default(settings);
  }
  const char *text = variable != NULL ? secure_getenv(variable) : NULL;
  lull_status status = text != NULL ? lu_settings_parse(settings, text) : LULL_OK;
  if (status != LULL_OK && settings->strict)
    return status;
  choose(settings);
  put_in_force(settings);
  return LULL_OK;
}

void lu_options_table(void (*fn)(const struct lu_option_text *option, void *arg), void *arg) {
  for (size_t i = 0; i < lu_option_count; i++) {
    const struct lu_option *option = &lu_options[i];
    char initial[LU_RANGE], range[LU_RANGE];
    lu_option_show(option, option->initial_value, initial, sizeof initial);
    lu_option_range(option, range, sizeof range);
    fn(&(struct lu_option_text){.name = option->name,
                                .type = lu_option_type(option),
                                .initial = initial,
                                .range = range,
                                .unit = lu_option_unit(option),
                                .help = option->help},
       arg);
  }
}

static void print_option(const struct lu_option_text *option, void *arg) {
  dprintf(*(int *)arg, "  %s (%s%s%s)\n      %s\n      default %s; %s\n", option->name,
          option->type, *option->unit != '\0' ? ", " : "", option->unit, option->help,
          option->initial, option->range);
}

void lull_options_help(int fd) {
  dprintf(fd, "Options of Lull %s, for %s=\"name=value,name=value\" or lull_option_set:\n",
          lull_version(), LU_OPTIONS_VARIABLE);
  lu_options_table(print_option, &fd);
}
