// Documents: trees of values as in JSON. An operation makes a document from the random numbers of
// its own seed, writes it as text, parses the text to a second tree, compares the two, and puts the
// second one with its text into a ring of the last documents. Checked: that both trees have the
// same hash, and that a document which leaves the ring, and each that is left at the end, still has
// it.
package main

import "lull/peers/bench"

const threshold = 500000 // ns

type document struct {
	hash uint64
	root value
	text []byte
}

func roundTrip(number uint64) *document {
	first := makeDocument(number)
	hash := first.hash()
	text := write(first)
	second := parse(text)
	bench.CheckEqual(second.hash(), hash, "hash of a document that is read back")
	return &document{hash, second, text}
}

func (d *document) check() {
	bench.CheckEqual(d.root.hash(), d.hash, "hash of a document that was kept")
}

// operate puts a new document in the place of the oldest; it returns its hash.
func operate(place **document, number uint64) uint64 {
	oldest := *place
	*place = roundTrip(number)
	if oldest != nil {
		oldest.check()
	}
	return (*place).hash
}

// Every Count-th document is this member's.
func work(member *bench.Member, documents, live uint64) (sum uint64) {
	places := member.Share(live)
	ring := make([]*document, places)
	for i := uint64(0); i < places; i++ {
		sum += operate(&ring[i], i*member.Count+member.Index)
	}
	count := member.Share(documents)
	recorder := member.Begin()
	for i := uint64(0); i < count; i++ {
		sum += operate(&ring[i%places], live+i*member.Count+member.Index)
		recorder.Operation()
	}
	member.End()
	for _, d := range ring {
		d.check()
	}
	return sum
}

func main() {
	documents := bench.Count("documents", 30000, "documents, of all goroutines")
	live := bench.Count("live", 1000, "the latest documents that are kept")
	threads := bench.Threads(1)
	bench.Parse("Documents made, written, parsed and kept.")
	bench.Within("live", live, *threads, 1<<28)

	check := bench.Run(*threads, threshold, func(member *bench.Member) uint64 {
		return work(member, *documents, *live)
	})
	bench.Print("documents", *threads, *documents, check)
}
