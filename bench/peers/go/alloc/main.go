// Alloc: what it costs to allocate objects that die at once. The loop stores two numbers into each
// object (one, if it has 16 bytes), reads them back and adds them up. Checked: the sum of all
// numbers.
package main

import (
	"sync/atomic"

	"lull/peers/bench"
)

const (
	batch     = 1000   // objects timed together
	threshold = 100000 // ns
)

// The unused words make the objects as large as where they have headers.
type (
	size16 struct{ _, number uint64 }
	size24 struct{ _, number, previous uint64 }
	size32 struct{ _, number, previous, _ uint64 }
)

// One object of each batch is stored here: the compiler finds that objects escape from the loop,
// and so makes them all. The barrier of this store is paid once in a thousand objects.
var escaped struct {
	size16 atomic.Pointer[size16]
	size24 atomic.Pointer[size24]
	size32 atomic.Pointer[size32]
}

func allocate16(first, end uint64) (sum uint64) {
	for number := first; number < end; number++ {
		object := &size16{number: number}
		if number == first {
			escaped.size16.Store(object)
		}
		sum += object.number
	}
	return sum
}

func allocate24(first, end uint64) (sum uint64) {
	for number := first; number < end; number++ {
		object := &size24{number: number, previous: number - 1}
		if number == first {
			escaped.size24.Store(object)
		}
		sum += object.number + object.previous
	}
	return sum
}

func allocate32(first, end uint64) (sum uint64) {
	for number := first; number < end; number++ {
		object := &size32{number: number, previous: number - 1}
		if number == first {
			escaped.size32.Store(object)
		}
		sum += object.number + object.previous
	}
	return sum
}

func main() {
	size := bench.Count("size", 24, "bytes of an object: 16, 24 or 32")
	objects := bench.Count("objects", 10000000, "objects for each goroutine")
	threads := bench.Threads(1)
	full := bench.Count("full", 0, "only 0: the heap has no size of which a part could be full")
	bench.Parse("Allocates objects that die at once.")
	bench.Within("objects", objects, 1, 1<<62)
	bench.Require(*full == 0, "--full must be 0: the heap has no size of which a part could be full")
	allocate, known := map[uint64]func(first, end uint64) uint64{
		16: allocate16, 24: allocate24, 32: allocate32,
	}[*size]
	bench.Require(known, "--size must be 16, 24 or 32")
	expected := *objects * *objects
	if *size == 16 {
		expected = *objects * (*objects + 1) / 2
	}

	walls := make([]float64, *threads)
	check := bench.Run(*threads, threshold, func(member *bench.Member) (sum uint64) {
		recorder := member.Begin()
		began := bench.Now()
		for done := uint64(0); done < *objects; done += batch {
			end := done + batch
			if end > *objects {
				end = *objects
			}
			sum += allocate(1+done, 1+end)
			recorder.Operation()
		}
		walls[member.Index] = float64(bench.Now()-began) / float64(*objects)
		member.End()
		bench.CheckEqual(sum, expected, "sum of the numbers")
		return sum
	})
	wall := 0.0
	for _, one := range walls {
		wall += one / float64(*threads)
	}
	bench.Field("ns_per_object_wall", wall)
	bench.Field("batch", batch)
	bench.Field("size", *size)
	bench.Field("full", *full)
	bench.Print("alloc", *threads, *threads**objects, check)
}
