package bench

import (
	"math"
	"time"
)

const stall = uint64(time.Millisecond)

// Irregular is a threshold: operations are of so different lengths that none says a pause, or much
// of the work is in none, so that nothing is said of pauses.
const Irregular = math.MaxUint64

var epoch = time.Now()

// Now returns ns since the program began.
func Now() uint64 {
	return uint64(time.Since(epoch))
}

// A Recorder is what one goroutine measures; only that goroutine may use it.
type Recorder struct {
	threshold, began, last, span     uint64
	stallCount, stallSum, pausesLost uint64
	times                            Histogram
	pauses                           pauses
}

// NewRecorder begins: an operation longer than the threshold (ns) is a candidate for a pause.
func NewRecorder(threshold uint64) *Recorder {
	now := Now()
	return &Recorder{threshold: threshold, began: now, last: now}
}

// Mark says that what came since the last operation is not part of the next one.
func (r *Recorder) Mark() {
	r.last = Now()
}

// Operation counts one operation from the end of the last one (or Mark) until now; it returns how
// long that took.
func (r *Recorder) Operation() uint64 {
	now := Now()
	taken := now - r.last
	r.times.Add(taken)
	if taken > r.threshold {
		r.pause(r.last, now)
	}
	if taken > stall {
		r.stallCount++
		r.stallSum += taken
	}
	r.last = now
	return taken
}

func (r *Recorder) pause(began, ended uint64) {
	count := len(r.pauses)
	if count == mostPauses {
		r.pausesLost++
		return
	}
	sum := uint64(0)
	if count > 0 {
		last := r.pauses[count-1]
		sum = last.sum + last.ended - last.began
	}
	r.pauses = append(r.pauses, pause{began, ended, sum})
}

// End adds the figures to the program's; called by the goroutine itself when it is done.
func (r *Recorder) End() {
	r.span = Now() - r.began
	total.Lock()
	defer total.Unlock()
	total.recorders = append(total.recorders, r)
}
