// Tree: small garbage beside a large live structure. Every goroutine has a binary tree of its own;
// together they have about the nodes of one tree of the given depth. An operation builds a list of
// 100 items, adds it up and drops it; every tenth also replaces a random subtree of depth 3.
// Checked: the sum of every list; at the end the shape of the trees and a hash of the tags of all
// their nodes.
package main

import "lull/peers/bench"

const (
	items         = 100
	replacedDepth = 3
	replaceEvery  = 10
	seed          = 1
	threshold     = 50000 // ns
)

// The word that has the tag makes up for a header: 24 bytes.
type node struct {
	tag   uint16
	child [2]*node
}

// The unused word makes up for a header: 24 bytes.
type item struct {
	_     uint64
	next  *item
	value uint64
}

type worker struct {
	tree      *node
	depth     int
	random    bench.Random
	nodesMade uint64 // the next tag
}

func (w *worker) build(levels int) *node {
	var left, right *node
	if levels > 0 {
		left = w.build(levels - 1)
		right = w.build(levels - 1)
	}
	tag := uint16(w.nodesMade)
	w.nodesMade++
	return &node{tag: tag, child: [2]*node{left, right}}
}

// hash checks that the tree is full.
func (n *node) hash(levels int) uint64 {
	if n == nil {
		bench.Fail("a subtree of depth %d is missing", levels)
	}
	if levels == 0 {
		if n.child != [2]*node{} {
			bench.Fail("a leaf has children")
		}
		return bench.Mix(uint64(n.tag))
	}
	left, right := n.child[0].hash(levels-1), n.child[1].hash(levels-1)
	return bench.Mix2(left, right) + uint64(n.tag)
}

func makeList(first uint64) (head *item) {
	for value := first; value < first+items; value++ {
		head = &item{next: head, value: value}
	}
	return head
}

func listAndDrop(first uint64) {
	sum := uint64(0)
	for i := makeList(first); i != nil; i = i.next {
		sum += i.value
	}
	bench.CheckEqual(sum, items*first+items*(items-1)/2, "sum of a list")
}

func (w *worker) replaceSubtree() {
	fresh := w.build(replacedDepth)
	owner := w.tree
	turns := w.random.Next()
	for levels := w.depth; levels > replacedDepth+1; levels-- {
		owner = owner.child[turns&1]
		turns >>= 1
	}
	owner.child[turns&1] = fresh
}

func (w *worker) operate(count uint64, recorder *bench.Recorder) {
	for i := uint64(0); i < count; i++ {
		listAndDrop(i)
		if i%replaceEvery == 0 {
			w.replaceSubtree()
		}
		recorder.Operation()
	}
}

// ownDepth returns the depth at which the trees of all goroutines have no more nodes than one of
// the whole depth.
func ownDepth(depth, threads uint64) int {
	levels := int(depth)
	for parts := uint64(1); parts < threads; parts *= 2 {
		levels--
	}
	return levels
}

func main() {
	depth := bench.Count("depth", 20, "depth of the tree that all goroutines share out")
	operations := bench.Count("operations", 1000000, "lists, of all goroutines")
	threads := bench.Threads(1)
	bench.Parse("Small garbage beside a large live tree.")
	bench.Within("depth", depth, 0, 31)
	levels := ownDepth(*depth, *threads)
	bench.Require(levels > replacedDepth,
		"--depth must be more than %d for each goroutine", replacedDepth)

	check := bench.Run(*threads, threshold, func(member *bench.Member) uint64 {
		w := worker{depth: levels, random: bench.NewRandom(seed, member.Index)}
		w.tree = w.build(levels)
		w.operate(member.Share(*operations), member.Begin())
		member.End()
		return w.tree.hash(levels) ^ w.nodesMade
	})
	bench.Field("live", uint64(24)<<(*depth+1))
	bench.Print("tree", *threads, *operations, check)
}
