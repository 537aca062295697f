// Gcbench: the benchmark of Ellis, Kovac and Boehm: binary trees of many depths are built from the
// leaves up and from the root down and dropped again, while a tree and an array of numbers stay
// alive. Each goroutine runs the whole benchmark with its own long-lived data. Checked: the node
// count of every tree, and the array's contents.
package main

import "lull/peers/bench"

const leastDepth = 4

// 32 bytes. A word for a header would make it 48, for there is no size class of 40.
type node struct {
	left, right *node
	i, j        uint64
}

// From the root down: stores into objects that have become old meanwhile.
func (n *node) populate(depth uint64) {
	if depth == 0 {
		return
	}
	n.left = &node{}
	n.right = &node{}
	n.left.populate(depth - 1)
	n.right.populate(depth - 1)
}

func topDown(depth uint64) *node {
	root := &node{}
	root.populate(depth)
	return root
}

// From the leaves up: only initialising stores.
func bottomUp(depth uint64) *node {
	if depth == 0 {
		return &node{}
	}
	return &node{left: bottomUp(depth - 1), right: bottomUp(depth - 1)}
}

func (n *node) count() uint64 {
	if n == nil {
		return 0
	}
	return 1 + n.left.count() + n.right.count()
}

func treeSize(depth uint64) uint64 {
	return 2<<depth - 1
}

func checkTree(root *node, depth uint64) uint64 {
	nodes := root.count()
	bench.CheckEqual(nodes, treeSize(depth), "nodes of a tree")
	return nodes
}

// Trees of one depth, as many as take the memory of two stretch trees, in both ways. Each is an
// operation.
func buildTrees(depth, stretch uint64, recorder *bench.Recorder) (nodes uint64) {
	repeats := 2 * treeSize(stretch) / treeSize(depth)
	for i := uint64(0); i < repeats; i++ {
		nodes += checkTree(topDown(depth), depth)
		recorder.Operation()
	}
	for i := uint64(0); i < repeats; i++ {
		nodes += checkTree(bottomUp(depth), depth)
		recorder.Operation()
	}
	return nodes
}

func work(stretch, long, length uint64) uint64 {
	recorder := bench.NewRecorder(bench.Irregular)
	defer recorder.End()
	nodes := checkTree(bottomUp(stretch), stretch)
	longLived := topDown(long)
	array := make([]float64, length)
	for i := range array {
		array[i] = 1 / float64(i+1)
	}
	recorder.Mark()
	for depth := uint64(leastDepth); depth <= long; depth += 2 {
		nodes += buildTrees(depth, stretch, recorder)
	}
	nodes += checkTree(longLived, long)
	for i, number := range array {
		if number != 1/float64(i+1) {
			bench.Fail("number %d of the array is wrong", i)
		}
	}
	return nodes
}

func main() {
	stretch := bench.Count("stretch", 18, "depth of the first tree")
	long := bench.Count("long", 16, "depth of the long-lived and the largest short-lived trees")
	length := bench.Count("array", 500000, "numbers in the long-lived array")
	threads := bench.Threads(1)
	bench.Parse("Trees of many depths beside long-lived data.")
	bench.Within("stretch", stretch, 0, 29)
	bench.Within("long", long, 0, 29)
	bench.Within("array", length, 0, 1<<32-1)

	bench.Start()
	nodes := bench.Sum(*threads, func(uint64) uint64 { return work(*stretch, *long, *length) })
	bench.Stop()
	bench.Print("gcbench", *threads, nodes, nodes)
}
