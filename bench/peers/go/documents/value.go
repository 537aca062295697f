package main

import (
	"encoding/binary"

	"lull/peers/bench"
)

// A value is a *number, a text, an array or an *object. The bytes of a text and the items of an
// array are objects of their own, beside 24 bytes that refer to them; an item takes 16 bytes.
type value interface {
	hash() uint64
	write(w *writer)
}

type (
	// The unused words make up for a header and a kind: 24 bytes.
	number struct {
		_           [2]uint64
		thousandths int64
	}
	text  []byte
	array []value
	// The unused words make up for a header and a kind: 24 bytes.
	object struct {
		_     [2]uint64
		first *pair
	}
	pair struct {
		name  text
		value value
		next  *pair
	}
)

// add adds a member behind the last one (nil: the first), and returns it.
func (o *object) add(last *pair, name text, v value) *pair {
	p := &pair{name: name, value: v}
	if last == nil {
		o.first = p
	} else {
		last.next = p
	}
	return p
}

// Hashes depend on all contents and their order.

func (n *number) hash() uint64 {
	return bench.Mix(uint64(n.thousandths))
}

func (t text) hash() uint64 {
	hash := uint64(len(t))
	for ; len(t) >= 8; t = t[8:] {
		hash = (hash ^ binary.LittleEndian.Uint64(t)) * 0x9e3779b97f4a7c15
		hash ^= hash >> 32
	}
	for _, letter := range t {
		hash = hash*31 + uint64(letter)
	}
	return hash
}

func (a array) hash() uint64 {
	hash := uint64(len(a))
	for _, item := range a {
		hash = bench.Mix(hash + item.hash())
	}
	return hash
}

func (o *object) hash() uint64 {
	hash := uint64(0)
	for p := o.first; p != nil; p = p.next {
		hash = bench.Mix(hash + p.name.hash()*3 + p.value.hash())
	}
	return hash
}
