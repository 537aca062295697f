// Churn: a forest of binary trees of a given live size, and three operations on it: build a list
// and drop it, swap two subtrees, replace a subtree. Every operation is timed. Checked: the number
// of nodes and the sum of their keys over the whole forest.
package main

import (
	"math"

	"lull/peers/bench"
)

const (
	depth         = 10
	treeNodes     = 2<<depth - 1
	replacedDepth = 5
	listNodes     = 100
	nodeSize      = 48
	threshold     = 50000 // ns
)

// 40 bytes, which take 48.
type node struct {
	child   [2]*node
	key     uint64
	payload [2]uint64
}

type churn struct {
	forest              []*node
	random              bench.Random
	recorder            *bench.Recorder
	nextKey             uint64
	keySum              uint64 // of all nodes of the forest
	list, swap, replace bench.Histogram
}

func (c *churn) newNode(left, right *node) *node {
	key := c.nextKey
	c.nextKey++
	return &node{child: [2]*node{left, right}, key: key, payload: [2]uint64{^key, 0}}
}

func (c *churn) build(depth int) *node {
	var left, right *node
	if depth > 0 {
		left = c.build(depth - 1)
		right = c.build(depth - 1)
	}
	return c.newNode(left, right)
}

// sumKeys returns the sum of a subtree's keys and the number of its nodes; it checks each.
func (n *node) sumKeys() (sum, nodes uint64) {
	if n == nil {
		return 0, 0
	}
	if n.payload != [2]uint64{^n.key, 0} {
		bench.Fail("a node is overwritten")
	}
	left, leftNodes := n.child[0].sumKeys()
	right, rightNodes := n.child[1].sumKeys()
	return n.key + left + right, 1 + leftNodes + rightNodes
}

// randomSlot finds a random slot so many levels below the root of a random tree.
func (c *churn) randomSlot(depth uint32) **node {
	n := c.forest[c.random.Below(uint32(len(c.forest)))]
	turns := c.random.Next()
	for ; depth > 1; depth-- {
		n = n.child[turns&1]
		turns >>= 1
	}
	return &n.child[turns&1]
}

func (c *churn) makeList() {
	var head *node
	for i := 0; i < listNodes; i++ {
		head = c.newNode(head, nil)
	}
}

// Both subtrees hang at the same depth, so all trees stay full; they may be in one tree.
func (c *churn) swapSubtrees() {
	depth := 1 + c.random.Below(depth)
	one := c.randomSlot(depth)
	two := c.randomSlot(depth)
	*one, *two = *two, *one
}

func (c *churn) replaceSubtree() {
	fresh := c.build(replacedDepth)
	*c.randomSlot(depth - replacedDepth) = fresh
}

func (c *churn) timed(operation func()) uint64 {
	c.recorder.Mark()
	operation()
	return c.recorder.Operation()
}

// The keys that one replacement adds and removes are counted outside the timed part: it looks up
// beforehand which subtree goes.
func (c *churn) timedReplace() uint64 {
	before, firstKey := c.random, c.nextKey
	sum, nodes := (*c.randomSlot(depth - replacedDepth)).sumKeys()
	c.random = before
	taken := c.timed(c.replaceSubtree)
	c.keySum += nodes*firstKey + nodes*(nodes-1)/2 - sum
	return taken
}

func (c *churn) operate() {
	switch choice := c.random.Below(10); {
	case choice < 4:
		c.list.Add(c.timed(c.makeList))
	case choice < 7:
		c.swap.Add(c.timed(c.swapSubtrees))
	default:
		c.replace.Add(c.timedReplace())
	}
}

func (c *churn) plant(trees uint64) {
	c.forest = make([]*node, trees)
	for i := range c.forest {
		c.forest[i] = c.build(depth)
	}
	c.keySum = c.nextKey * (c.nextKey - 1) / 2
}

func (c *churn) checkForest() {
	var sum, nodes uint64
	for _, tree := range c.forest {
		treeSum, n := tree.sumKeys()
		sum += treeSum
		nodes += n
	}
	bench.CheckEqual(nodes, uint64(len(c.forest))*treeNodes, "nodes of the forest")
	bench.CheckEqual(sum, c.keySum, "sum of the keys")
}

func main() {
	live := bench.Count("live", 64<<20, "bytes that stay alive")
	operations := bench.Count("operations", 500000, "how many")
	seed := bench.Count("seed", 1, "of the random choices")
	bench.Parse("A forest of given size under change; times of each operation.")
	trees := *live / (treeNodes * nodeSize)
	bench.Require(trees > 0 && trees < math.MaxUint32,
		"--live must be at least 100K, and less than 300T")

	c := churn{random: bench.NewRandom(*seed, 0)}
	c.plant(trees)
	keysBefore := c.nextKey
	bench.Start()
	c.recorder = bench.NewRecorder(threshold)
	for i := uint64(0); i < *operations; i++ {
		c.operate()
	}
	c.recorder.End()
	bench.Stop()
	c.checkForest()
	bench.Field("live", trees*treeNodes*nodeSize)
	bench.Field("allocated", (c.nextKey-keysBefore)*nodeSize)
	bench.Field("list", &c.list)
	bench.Field("swap", &c.swap)
	bench.Field("replace", &c.replace)
	bench.Print("churn", 1, *operations, c.keySum)
}
