package bench

import "math/bits"

const buckets = 320

// A Histogram counts nanoseconds, log-linear with 8 steps for each power of two, as lull_histogram.
type Histogram struct {
	count, sum, max uint64
	bucket          [buckets]uint64
}

// Add counts a duration.
func (h *Histogram) Add(ns uint64) {
	h.bucket[bucketOf(ns)]++
	h.count++
	h.sum += ns
	if ns > h.max {
		h.max = ns
	}
}

func (h *Histogram) merge(other *Histogram) {
	for b, n := range other.bucket {
		h.bucket[b] += n
	}
	h.count += other.count
	h.sum += other.sum
	if other.max > h.max {
		h.max = other.max
	}
}

// quantile returns the value below which this share of the values lie: a bucket's upper end, never
// above the maximum.
func (h *Histogram) quantile(share float64) uint64 {
	exact := share * float64(h.count)
	rank := uint64(exact)
	if float64(rank) < exact || rank == 0 {
		rank++
	}
	counted := uint64(0)
	for b, n := range h.bucket[:buckets-1] {
		counted += n
		if counted >= rank {
			if high := bucketLow(b+1) - 1; high < h.max {
				return high
			}
			return h.max
		}
	}
	return h.max
}

func bucketOf(ns uint64) int {
	if ns < 8 {
		return int(ns)
	}
	power := bits.Len64(ns) - 1
	bucket := (power-2)*8 + int(ns>>(power-3)&7)
	if bucket >= buckets {
		return buckets - 1
	}
	return bucket
}

func bucketLow(bucket int) uint64 {
	if bucket < 8 {
		return uint64(bucket)
	}
	return uint64(8+bucket%8) << (bucket/8 - 1)
}
