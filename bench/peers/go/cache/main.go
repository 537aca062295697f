// Cache: a hash table whose entries expire. An operation looks up a key; small numbers are drawn
// more often than large ones. When the key has no entry, or an expired one, its value is made and
// inserted. Every operation also moves the shard's clock hand over a few buckets and drops what has
// expired there. Time is counted in a shard's operations. Checked: the contents of every value
// used; at the end the number and contents of all entries.
package main

import (
	"math/bits"
	"sync"
	"sync/atomic"

	"lull/peers/bench"
)

const (
	shards     = 16
	swept      = 2 // buckets that the hand looks at in each operation
	keys       = 4 // times the entries: keys that are drawn
	leastWords = 8 // a value has 64 to 512 bytes
	mostWords  = 64
	lifetime   = 1693 // in thousandths of the entries, in operations
	seed       = 1
	threshold  = 50000 // ns
)

// The last word is the checksum of the others and the key.
type value []uint64

// 48 bytes, with the slice; where a value has its length itself, and objects have headers, 40.
type entry struct {
	next        *entry
	key, expiry uint64
	value       value
}

// The table's part for some of the hashes. All of it is used under its lock.
type shard struct {
	sync.Mutex
	tick, hand, entries, lifetime uint64
	buckets                       []*entry
}

func hashOf(key uint64) uint64 {
	return bench.Mix2(seed, key)
}

func (v value) checksum(key uint64) uint64 {
	sum := key
	for _, word := range v[:len(v)-1] {
		sum = bits.RotateLeft64(sum, 7) + word
	}
	return sum
}

func newValue(key uint64) value {
	word := hashOf(key)
	v := make(value, leastWords+(word>>32)%(mostWords-leastWords+1))
	for i := range v[:len(v)-1] {
		word = word*0x5851f42d4c957f2d + 1
		v[i] = word
	}
	v[len(v)-1] = v.checksum(key)
	return v
}

// use verifies the value.
func (v value) use(key uint64) uint64 {
	sum := v.checksum(key)
	if v[len(v)-1] != sum {
		bench.Fail("the value of key %d is overwritten", key)
	}
	return sum
}

func newShard(entries uint64) *shard {
	length := uint64(1)
	for length*shards < entries {
		length *= 2
	}
	return &shard{lifetime: entries * lifetime / 1000 / shards, buckets: make([]*entry, length)}
}

func (s *shard) bucket(index uint64) **entry {
	return &s.buckets[index&uint64(len(s.buckets)-1)]
}

// find returns the place that refers to the key's entry, or the chain's end.
func (s *shard) find(hash, key uint64) **entry {
	place := s.bucket(hash / shards)
	for *place != nil && (*place).key != key {
		place = &(*place).next
	}
	return place
}

func (s *shard) drop(place **entry) {
	*place = (*place).next
	s.entries--
}

// moveHand drops what has expired in the next buckets.
func (s *shard) moveHand() {
	for i := 0; i < swept; i++ {
		place := s.bucket(s.hand)
		s.hand++
		for *place != nil {
			if (*place).expiry <= s.tick {
				s.drop(place)
			} else {
				place = &(*place).next
			}
		}
	}
}

// insert puts the entry at the head of its chain, in place of another of its key.
func (s *shard) insert(hash uint64, fresh *entry) {
	if place := s.find(hash, fresh.key); *place != nil {
		s.drop(place)
	}
	head := s.bucket(hash / shards)
	fresh.expiry = s.tick + s.lifetime
	fresh.next = *head
	*head = fresh
	s.entries++
}

func (s *shard) check() {
	count := uint64(0)
	for _, head := range s.buckets {
		for e := head; e != nil; e = e.next {
			e.value.use(e.key)
			count++
		}
	}
	bench.CheckEqual(count, s.entries, "entries")
}

type worker struct {
	entries          uint64
	table            *[shards]*shard
	random           bench.Random
	sum, hits, waits uint64
}

func (w *worker) lock(s *shard) {
	if s.TryLock() {
		return
	}
	w.waits++
	s.Lock()
}

// lookUp uses the key's value if it has one that has not expired.
func (w *worker) lookUp(s *shard, hash, key uint64) bool {
	w.lock(s)
	defer s.Unlock()
	s.tick++
	found := *s.find(hash, key)
	hit := found != nil && found.expiry > s.tick
	if hit {
		w.sum += found.value.use(key)
	}
	s.moveHand()
	return hit
}

func (w *worker) makeAndInsert(s *shard, hash, key uint64) {
	fresh := &entry{key: key, value: newValue(key)}
	w.sum += fresh.value.use(key)
	w.lock(s)
	defer s.Unlock()
	s.insert(hash, fresh)
}

// drawKey returns the integer part of keys * x * y, for two uniform numbers x and y.
func (w *worker) drawKey() uint64 {
	drawn := w.random.Next()
	return (drawn >> 32) * (drawn & (1<<32 - 1)) >> 32 * (w.entries * keys) >> 32
}

func (w *worker) operate() {
	key := w.drawKey()
	hash := hashOf(key)
	s := w.table[hash%shards]
	if w.lookUp(s, hash, key) {
		w.hits++
	} else {
		w.makeAndInsert(s, hash, key)
	}
}

func main() {
	entries := bench.Count("entries", 200000, "entries alive, about")
	operations := bench.Count("operations", 2000000, "lookups, of all goroutines")
	threads := bench.Threads(1)
	bench.Parse("A cache whose entries expire.")
	bench.Within("entries", entries, 100, 1<<28)

	var table [shards]*shard
	for i := range table {
		table[i] = newShard(*entries)
	}
	var hits, waits atomic.Uint64
	check := bench.Run(*threads, threshold, func(member *bench.Member) uint64 {
		w := worker{entries: *entries, table: &table, random: bench.NewRandom(seed, member.Index)}
		for i := member.Share(2 * *entries); i > 0; i-- {
			w.operate()
		}
		recorder := member.Begin()
		w.hits, w.waits = 0, 0
		for i := member.Share(*operations); i > 0; i-- {
			w.operate()
			recorder.Operation()
		}
		member.End()
		for i := member.Index; i < shards; i += member.Count {
			table[i].check()
		}
		hits.Add(w.hits)
		waits.Add(w.waits)
		return w.sum
	})
	bench.Field("hits", hits.Load())
	bench.Field("lock_waits", waits.Load())
	bench.Print("cache", *threads, *operations, check)
}
