// Alloc: what it costs to allocate objects that die at once. The loop stores two numbers into each
// object (one, if it has 16 bytes), reads them back and adds them up. Checked: the sum of all
// numbers.
package main

import (
	"fmt"
	"runtime"
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

// One goroutine's ns for an object.
type times struct{ cpu, wall float64 }

// measured allocates all the objects of a goroutine.
func measured(objects uint64, allocate func(first, end uint64) uint64,
	recorder *bench.Recorder) (sum uint64, took times) {
	cpu, wall := bench.ThreadCPU(), bench.Now()
	for done := uint64(0); done < objects; done += batch {
		end := done + batch
		if end > objects {
			end = objects
		}
		sum += allocate(1+done, 1+end)
		recorder.Operation()
	}
	took.cpu = float64(bench.ThreadCPU()-cpu) / float64(objects)
	took.wall = float64(bench.Now()-wall) / float64(objects)
	return sum, took
}

func report(size uint64, took []times) {
	var mean times
	for i, one := range took {
		mean.cpu += one.cpu / float64(len(took))
		mean.wall += one.wall / float64(len(took))
		if len(took) > 1 {
			bench.Field(fmt.Sprintf("ns_per_object_%d", i), one.cpu)
		}
	}
	bench.Field("ns_per_object", mean.cpu)
	bench.Field("ns_per_object_wall", mean.wall)
	bench.Field("batch", batch)
	bench.Field("size", size)
	bench.Field("full", 0)
}

func main() {
	size := bench.Count("size", 24, "bytes of an object: 16, 24 or 32")
	objects := bench.Count("objects", 10000000, "objects for each goroutine")
	threads := bench.Threads(1)
	full := bench.Count("full", 0, "only 0: the heap has no size of which a part could be full")
	bench.Parse("Allocates objects that die at once.")
	bench.Within("objects", objects, 1, 1<<31)
	bench.Require(*full == 0, "--full must be 0: the heap has no size of which a part could be full")
	allocate, known := map[uint64]func(first, end uint64) uint64{
		16: allocate16, 24: allocate24, 32: allocate32,
	}[*size]
	bench.Require(known, "--size must be 16, 24 or 32")
	expected := *objects * *objects
	if *size == 16 {
		expected = *objects * (*objects + 1) / 2
	}

	took := make([]times, *threads)
	check := bench.Run(*threads, threshold, func(member *bench.Member) (sum uint64) {
		runtime.LockOSThread() // for its CPU time
		sum, took[member.Index] = measured(*objects, allocate, member.Begin())
		member.End()
		bench.CheckEqual(sum, expected, "sum of the numbers")
		return sum
	})
	report(*size, took)
	bench.Print("alloc", *threads, *threads**objects, check)
}
