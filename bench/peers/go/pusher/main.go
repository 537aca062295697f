// Pusher: a ring of live buffers of 1 KB, the oldest of which is replaced by each push. The ring is
// full before the measured part. Checked: each buffer still holds the contents of its own number
// when it is replaced, and at the end.
package main

import "lull/peers/bench"

const threshold = 50000 // ns

// 1024 bytes; where objects have a header and a length it is 1040.
type buffer [1024 / 8]uint64

func newBuffer(number uint64) *buffer {
	b := new(buffer)
	for i := range b {
		b[i] = number + uint64(i)
	}
	return b
}

// check verifies a buffer and returns its number.
func (b *buffer) check(number uint64) uint64 {
	for i, word := range b {
		if word != number+uint64(i) {
			bench.Fail("buffer %d is overwritten at word %d", number, i)
		}
	}
	return b[0]
}

func main() {
	live := bench.Count("live", 200000, "buffers in the ring")
	pushes := bench.Count("pushes", 2000000, "replacements after the ring is full")
	bench.Parse("A ring of live buffers, replaced one by one.")
	bench.Within("live", live, 1, 1<<40)

	ring := make([]*buffer, *live)
	for i := range ring {
		ring[i] = newBuffer(uint64(i))
	}
	sum := uint64(0)
	bench.Start()
	recorder := bench.NewRecorder(threshold)
	for number := *live; number < *live+*pushes; number++ {
		slot := &ring[number%*live]
		fresh := newBuffer(number)
		sum += (*slot).check(number - *live)
		*slot = fresh
		recorder.Operation()
	}
	recorder.End()
	bench.Stop()
	for number := *pushes; number < *live+*pushes; number++ {
		sum += ring[number%*live].check(number)
	}
	count := *live + *pushes // each number once
	if count%2 == 0 {
		bench.CheckEqual(sum, count/2*(count-1), "sum of the numbers")
	} else {
		bench.CheckEqual(sum, (count-1)/2*count, "sum of the numbers")
	}
	bench.Print("pusher", 1, *pushes, sum)
}
