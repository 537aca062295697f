/*
 * support/settings.h: the options of one heap, as numbers.
 *
 * An option is a field here and a row of the table in options.c; the parser, lull_options_help,
 * lull_option_set and the man page follow from the row. Field heap_max is the option heap.max.
 */
#ifndef LU_SUPPORT_SETTINGS_H
#define LU_SUPPORT_SETTINGS_H

#include <lull/heap.h>
#include "support/fault.h"

enum lu_gc_mode { LU_GC_CONCURRENT, LU_GC_INCREMENTAL, LU_GC_STW };  /* the order of lull_mode */
enum lu_verify { LU_VERIFY_NONE, LU_VERIFY_CYCLE, LU_VERIFY_PHASE, LU_VERIFY_BARRIER };

/* The value of a number that the library chooses as it runs. */
#define LU_AUTO UINT64_MAX

/* Complete when lu_settings_resolve returns; constant during the heap's life. Sizes in bytes,
 * durations in ns. */
struct lu_settings {
  uint64_t heap_max;          /* never 0 after resolve */
  uint64_t heap_initial;      /* at most heap_max after resolve */
  uint64_t heap_growth;       /* percent */
  uint64_t heap_soft;         /* bytes; 0 = none */
  uint64_t heap_sizing;       /* enum lu_sizing */
  uint64_t heap_balance;      /* millionths of the CPU time for a megabyte */
  bool heap_return;
  bool heap_huge;
  uint64_t gc_mode;           /* enum lu_gc_mode; the first one: cycle.mode */
  uint64_t gc_step;           /* ns */
  uint64_t gc_step_bytes;     /* bytes; 0 = by gc_step */
  uint64_t gc_work;           /* percent; 0 = allocation takes no step */
  uint64_t gc_thread_from;    /* bytes; 0 = at once */
  bool gc_generational;
  uint64_t gc_promote;        /* cycles, 1 to 7 */
  uint64_t gc_young;          /* bytes; never 0 after resolve */
  uint64_t gc_minor_ratio;    /* percent of the young size */
  uint64_t gc_minor_growth;   /* percent of the live bytes */
  uint64_t gc_threshold_bytes;    /* 0 = none */
  uint64_t gc_threshold_objects;  /* 0 = none */
  uint64_t gc_pause;          /* ns */
  uint64_t gc_cpu;            /* percent of all cores */
  uint64_t gc_helpers;        /* LU_AUTO: as many as there are idle cores */
  uint64_t gc_assist;         /* ns; 0 = no assists */
  uint64_t gc_start;          /* percent of the room between live and goal */
  uint64_t gc_every;          /* bytes; 0 = by pacing */
  uint64_t gc_packets;        /* bytes; never 0 after resolve */
  uint64_t rs_max;            /* bytes */
  uint64_t rs_card;           /* bytes, a power of two */
  uint64_t stall_timeout;     /* ns */
  uint64_t watchdog;          /* ns; 0 = off */
  uint64_t verify;            /* enum lu_verify */
  bool debug_audit;
  uint64_t log;               /* levels by tag: observe/log.h */
  bool strict;
  uint64_t seed;
  uint64_t stress_region;     /* bytes; 0 = no limit */
  uint64_t stress_packet;     /* entries; 0 = full packets */
  uint64_t stress_delay;      /* ns; 0 = none */
  bool stress_scribble;
  bool stress_loop;
  uint64_t stress_epoch_bits;
  bool stress_membarrier;
  bool fault_once;
  uint64_t fault[LU_FAULT_COUNT];  /* by enum lu_fault_site; 0 = none */
};

/* What gc.young=0 stands for on this machine, in bytes. */
uint64_t lu_default_young(void);

/* Fills in the defaults (0 where 0 stands for a choice that resolve makes). */
void lu_settings_default(struct lu_settings *settings);

/*
 * The settings for a new heap: the config's (NULL: the defaults), then its environment variable,
 * then what depends on the machine. Sets the process-wide parts in force: log levels, fault
 * counts (sites that are named), the seed. A bad entry costs a log line; the status of the first
 * one is returned only under `strict`, with nothing put in force.
 */
lull_status lu_settings_resolve(const lull_config *config, struct lu_settings *settings);

/*
 * Applies the text of an environment variable ("a=b,c=d") to settings. Entries are read from left
 * to right; the name of a bool option alone means true; `help` alone writes the help to stderr;
 * empty entries are skipped. Returns the first bad entry's status; good entries around it are
 * applied.
 */
lull_status lu_settings_parse(struct lu_settings *settings, const char *text);

/* One option as text, for lull_options_help and the man page. */
struct lu_option_text {
  const char *name, *type, *initial, *range, *unit, *help;
};

/* Calls fn for each option in the table's order. The texts live until fn returns. */
void lu_options_table(void (*fn)(const struct lu_option_text *option, void *arg), void *arg);

#endif
