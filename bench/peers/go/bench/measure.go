package bench

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"sync"
)

const (
	ms          = 1000000
	worstWindow = 100 * ms
	checkBits   = 1<<53 - 1 // what a double holds
)

// The windows of the minimum mutator utilization, in ms.
var windows = []uint64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000}

var (
	part   struct{ wall, cpu, runDelay, resident, peak uint64 }
	fields []string // the program's own
	total  struct {
		sync.Mutex
		recorders []*Recorder
	}
)

// Start begins the part that counts.
func Start() {
	resetPeak()
	part.runDelay = runDelay()
	part.cpu = processCPU()
	part.wall = Now()
}

// Stop ends it.
func Stop() {
	part.wall = Now() - part.wall
	part.cpu = processCPU() - part.cpu
	part.runDelay = runDelay() - part.runDelay
	part.resident = status("VmRSS")
	part.peak = status("VmHWM")
}

func field(key string, value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		Fail("%s: %v", key, err)
	}
	return fmt.Sprintf("%q: %s", key, text)
}

// Field adds a field to the line.
func Field(key string, value any) {
	fields = append(fields, field(key, value))
}

// Print prints the line of JSON (bench/README.md). The CPU time of the mutators is not in it, for
// goroutines share threads with the collector.
func Print(workload string, threads, operations, check uint64) {
	line := []string{
		field("workload", workload), field("memory", "go"), field("threads", threads),
		field("operations", operations), field("check", check&checkBits), field("wall", part.wall),
		field("cpu", part.cpu), field("run_delay", part.runDelay), field("rss_peak", part.peak),
		field("rss", part.resident),
	}
	line = append(append(line, latency()...), fields...)
	fmt.Printf("{%s}\n", strings.Join(line, ", "))
}

// MarshalJSON writes the quantiles, in ns.
func (h *Histogram) MarshalJSON() ([]byte, error) {
	return []byte(fmt.Sprintf(
		`{"count": %d, "p50": %d, "p99": %d, "p999": %d, "p9999": %d, "max": %d, "sum": %d}`,
		h.count, h.quantile(0.5), h.quantile(0.99), h.quantile(0.999), h.quantile(0.9999), h.max,
		h.sum)), nil
}

// latency returns what is said of timed operations, if there are any.
func latency() []string {
	var times Histogram
	irregular := false
	for _, r := range total.recorders {
		times.merge(&r.times)
		irregular = irregular || r.threshold == Irregular
	}
	if times.count == 0 {
		return nil
	}
	line := []string{field("latency", &times)}
	if !irregular {
		line = append(line, pauseFields()...)
	}
	return line
}

func pauseFields() []string {
	var stallCount, stallSum, lost, worst uint64
	for _, r := range total.recorders {
		stallCount += r.stallCount
		stallSum += r.stallSum
		lost += r.pausesLost
		worst = max(worst, r.pauses.worst(worstWindow))
	}
	line := []string{
		field("stall_count", stallCount), field("stall_sum", stallSum),
		field("worst_100ms", worst), fmt.Sprintf(`"mmu": {%s}`, strings.Join(utilization(), ", ")),
	}
	if lost > 0 {
		line = append(line, field("pauses_lost", lost))
	}
	return line
}

// utilization returns the worst goroutine's for each window; windows longer than a goroutine ran
// are left out for it.
func utilization() (shares []string) {
	for _, window := range windows {
		least := 2.0
		for _, r := range total.recorders {
			if r.times.count > 0 && r.span >= window*ms {
				worst := r.pauses.worst(window * ms)
				least = math.Min(least, 1-float64(worst)/float64(window*ms))
			}
		}
		if least <= 1 {
			shares = append(shares, field(fmt.Sprint(window), least))
		}
	}
	return shares
}
