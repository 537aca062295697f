// Binarytrees: full binary trees of depths 4 to N, many of the small ones and few of the large
// ones, shared out among goroutines, beside one long-lived tree. The trees of the least depth are
// timed in batches. Checked: the node count of every tree, and the sum over all.
package main

import "lull/peers/bench"

const (
	leastDepth = 4
	step       = 2
	batch      = 32 // trees of the least depth: 992 nodes
)

// The unused word makes a node as large as where objects have headers: 24 bytes.
type node struct {
	_           uint64
	left, right *node
}

func build(levels uint64) *node {
	if levels == 0 {
		return &node{}
	}
	return &node{left: build(levels - 1), right: build(levels - 1)}
}

func (n *node) count() uint64 {
	if n == nil {
		return 0
	}
	return 1 + n.left.count() + n.right.count()
}

func treeSize(levels uint64) uint64 {
	return 2<<levels - 1
}

func buildAndCount(levels uint64) uint64 {
	nodes := build(levels).count()
	bench.CheckEqual(nodes, treeSize(levels), "nodes of a tree")
	return nodes
}

func repeats(depth, levels uint64) uint64 {
	return 1 << (depth - levels + leastDepth)
}

// The small trees. Every threads-th is this goroutine's; what does not fill a batch is not timed.
func buildBatches(depth, index, threads uint64, recorder *bench.Recorder) (nodes uint64) {
	done := 0
	recorder.Mark()
	for i := index; i < repeats(depth, leastDepth); i += threads {
		nodes += buildAndCount(leastDepth)
		if done++; done%batch == 0 {
			recorder.Operation()
		}
	}
	return nodes
}

func buildLarger(depth, index, threads uint64) (nodes uint64) {
	for levels := uint64(leastDepth + step); levels <= depth; levels += step {
		for i := index; i < repeats(depth, levels); i += threads {
			nodes += buildAndCount(levels)
		}
	}
	return nodes
}

func run(depth, threads uint64) uint64 {
	buildAndCount(depth + 1)
	longLived := build(depth)
	nodes := bench.Sum(threads, func(index uint64) uint64 {
		recorder := bench.NewRecorder(bench.Irregular)
		defer recorder.End()
		return buildBatches(depth, index, threads, recorder) + buildLarger(depth, index, threads)
	})
	bench.CheckEqual(longLived.count(), treeSize(depth), "nodes of the long-lived tree")
	return nodes
}

func main() {
	depth := bench.Count("depth", 16, "depth of the largest short-lived trees, at least 4")
	threads := bench.Threads(2)
	bench.Parse("Full binary trees, built and dropped.")
	bench.Within("depth", depth, leastDepth, 29)
	expected := uint64(0)
	for levels := uint64(leastDepth); levels <= *depth; levels += step {
		expected += repeats(*depth, levels) * treeSize(levels)
	}

	bench.Start()
	nodes := run(*depth, *threads)
	bench.Stop()
	bench.CheckEqual(nodes, expected, "nodes of all trees")
	bench.Field("depth", *depth)
	bench.Print("binarytrees", *threads, nodes, nodes)
}
