package bench

import "sync"

// A Member is one goroutine of a workload.
type Member struct {
	Index, Count uint64
	recorder     *Recorder
	crew         *crew
}

type crew struct {
	threshold      uint64
	start, stop    sync.WaitGroup // for all members to come
	began, stopped chan struct{}  // closed when all have
}

// Share returns the member's part of a whole; the first members do what is left over.
func (m *Member) Share(whole uint64) uint64 {
	share := whole / m.Count
	if m.Index < whole%m.Count {
		share++
	}
	return share
}

// Begin says that the member is prepared; the measured part begins when all are.
func (m *Member) Begin() *Recorder {
	m.crew.start.Done()
	<-m.crew.began
	m.recorder = NewRecorder(m.crew.threshold)
	return m.recorder
}

// End says that the measured part is over; it returns when it is for all.
func (m *Member) End() {
	m.recorder.End()
	m.crew.stop.Done()
	<-m.crew.stopped
}

// Run runs the work in so many goroutines, each of which calls Begin and End once, and returns the
// sum of the results. An operation longer than the threshold (ns) is a candidate for a
// pause.
func Run(count, threshold uint64, work func(*Member) uint64) uint64 {
	crew := &crew{threshold: threshold, began: make(chan struct{}), stopped: make(chan struct{})}
	crew.start.Add(int(count))
	crew.stop.Add(int(count))
	go func() {
		crew.start.Wait()
		Start()
		close(crew.began)
		crew.stop.Wait()
		Stop()
		close(crew.stopped)
	}()
	return Sum(count, func(index uint64) uint64 {
		return work(&Member{Index: index, Count: count, crew: crew})
	})
}

// Sum runs the work in so many goroutines, each with its number from 0, waits for them and adds up
// what they return.
func Sum(count uint64, work func(index uint64) uint64) uint64 {
	results := make([]uint64, count)
	var group sync.WaitGroup
	for i := range results {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			results[i] = work(uint64(i))
		}(i)
	}
	group.Wait()
	sum := uint64(0)
	for _, result := range results {
		sum += result
	}
	return sum
}
