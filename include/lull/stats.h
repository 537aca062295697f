/*
 * lull/stats.h: figures that are always kept.
 */
#ifndef LULL_STATS_H
#define LULL_STATS_H

#include <lull/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A log-linear histogram, of durations in nanoseconds unless its field says otherwise: 8 linear
 * steps for each power of two (error below 12.5 %). Bucket b counts values v with
 * lull_bucket_low(b) <= v < lull_bucket_low(b + 1).
 */
#define LULL_BUCKETS 320
typedef struct lull_histogram {
  uint64_t count;
  uint64_t sum;   /* of the values */
  uint64_t max;   /* exact */
  uint64_t bucket[LULL_BUCKETS];
} lull_histogram;

/* The lowest value of a bucket, 0 to LULL_BUCKETS - 1; above that UINT64_MAX. Pure. */
LULL_API uint64_t lull_bucket_low(unsigned bucket);

/*
 * The value below which the given share (0 to 1) of the counted values lie: a bucket's upper end,
 * never above max; 0 for an empty histogram. For a copy (lull_heap_stats), not for one that is
 * being counted in. O(buckets).
 */
LULL_API uint64_t lull_histogram_quantile(const lull_histogram *histogram, double share)
    LULL_NONNULL(1);

/*
 * A copy of a heap's figures. Only grows at its end from version to version: the caller sets
 * struct_size, the library fills that many bytes. Counters only grow during a heap's life; gauges
 * are marked. What is called bytes is in bytes, the rest of the counters are numbers of what the
 * name says. Figures of different fields may be a moment apart.
 */
typedef struct lull_stats {
  uint64_t struct_size;        /* in: sizeof(lull_stats) */
  uint64_t cycles;             /* completed, minor and major */
  uint64_t cycles_started;
  uint64_t bytes_allocated;    /* by threads, as of their last region refill or cycle */
  uint64_t objects_large;      /* large objects ever allocated */
  uint64_t bytes_live;         /* gauge: marked at the last cycle, born during it excluded */
  uint64_t objects_marked;     /* by collectors, helpers and assists, all cycles; one that two of
                                  them met at counts twice */
  uint64_t heap_used;          /* gauge: bytes in blocks and runs that are not free */
  uint64_t heap_committed;     /* gauge: bytes the operating system may have given, metadata
                                  included */
  uint64_t heap_metadata;      /* gauge: of those, bytes that are not blocks or runs */
  uint64_t heap_limit;         /* gauge: heap.max */
  uint64_t heap_goal;          /* gauge: where the pacer wants the cycle that comes to end */
  uint64_t threads;            /* gauge: attached */
  uint64_t threads_attached;   /* ever */
  uint64_t handshakes;         /* rounds */
  uint64_t handshakes_claimed; /* closures run by the collector for blocked threads */
  uint64_t flush_rounds;       /* handshakes by which marking looked whether it was over */
  uint64_t barrier_slow;       /* slow paths taken */
  uint64_t satb_packets;       /* packets of shaded objects flushed */
  uint64_t packet_overflows;   /* objects kept by a re-scan flag because no packet was free */
  uint64_t remembered;         /* gauge: entries of the remembered set at the end of the last
                                  cycle */
  uint64_t assists;            /* bounded pieces of marking done by allocating threads */
  uint64_t stalls;             /* allocations that waited for memory */
  uint64_t stall_failures;     /* allocations that got NULL for want of memory */
  uint64_t slow_polls;         /* threads named by the watchdog */
  uint64_t helper_packets;     /* packets marked by helpers */
  lull_histogram handshake_closure; /* thread CPU time of one closure */
  lull_histogram time_to_handshake; /* wall, from arming to a thread's acknowledgement */
  lull_histogram root_scan;         /* thread CPU time of one thread's root scan */
  lull_histogram barrier_slow_path; /* thread CPU time, one slow path in 64 */
  lull_histogram alloc_slow_path;   /* thread CPU time of the slow path of small allocation, one in
                                       256 of those that take more than the next 4 KB of a hole,
                                       and of all large ones */
  lull_histogram assist;            /* thread CPU time */
  lull_histogram stall;             /* wall, waiting for memory */
  lull_histogram claim_wait;        /* wall, a returning thread waiting for a claim */
  lull_histogram caused;            /* thread CPU time of any one delay that the library makes:
                                       closures, slow paths, assists, steps */
  lull_histogram cycle;             /* wall */
  lull_histogram phase_start;       /* wall, H1 armed to H3 acknowledged */
  lull_histogram phase_mark;        /* wall, from there to the end of marking */
  lull_histogram phase_sweep;       /* wall, from there to the end of the cycle */
  uint64_t sleeps;                  /* waits of at most 200 us by threads that allocated near the
                                       limit while a cycle was marking */
  uint64_t cycles_minor;            /* of the completed cycles */
  uint64_t cycles_major;            /* the others */
  uint64_t bytes_survived;          /* of objects that the first cycle after their birth found
                                       alive */
  uint64_t bytes_promoted;          /* of objects that became old: after gc.promote minor cycles, or
                                       in a major one */
  uint64_t cpu_minor;               /* ns of CPU time of the collector and its helpers in cycles of
                                       each kind, assists not included */
  uint64_t cpu_major;
  lull_histogram survival;          /* percent: what each minor cycle found alive of the bytes that
                                       threads had taken since the cycle before */
  lull_histogram promotion_age;     /* cycles that each object survived which a minor cycle made
                                       old */
  lull_histogram minor;             /* wall, minor cycles */
  lull_histogram major;             /* wall, major cycles */
  lull_histogram step;              /* thread CPU time of one step of an incremental cycle */
  uint64_t helper_blocks;           /* blocks swept by helpers */
} lull_stats;

/*
 * Copies the heap's figures to *stats, which stays the caller's. Any thread, attached or not;
 * mutators do not wait for it. About 30 microseconds. LULL_E_ARGUMENT for a struct_size below 8 or
 * larger than the library's.
 */
LULL_API lull_status lull_heap_stats(lull_heap *heap, lull_stats *stats);

#ifdef __cplusplus
}
#endif
#endif
