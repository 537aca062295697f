package bench

import "sort"

// The most pauses that are kept of a goroutine; what is beyond is counted as lost.
const mostPauses = 1 << 18

// A pause is an operation that took long. sum is the length of those before it.
type pause struct{ began, ended, sum uint64 }

// A goroutine's pauses, in their order.
type pauses []pause

// worst returns the longest time that pauses take of any window of so many ns, which is one that
// begins or ends with a pause.
func (p pauses) worst(window uint64) uint64 {
	worst := uint64(0)
	for _, one := range p {
		from := p.before(one.began+window) - p.before(one.began)
		until := p.before(one.ended) - p.before(one.ended-min(window, one.ended))
		worst = max(worst, max(from, until))
	}
	return worst
}

// before returns the time that pauses took before this moment.
func (p pauses) before(moment uint64) uint64 {
	index := sort.Search(len(p), func(i int) bool { return p[i].began >= moment })
	if index == 0 {
		return 0
	}
	last := p[index-1]
	return last.sum + min(last.ended, moment) - last.began
}

func min(a, b uint64) uint64 {
	if a < b {
		return a
	}
	return b
}

func max(a, b uint64) uint64 {
	if a > b {
		return a
	}
	return b
}
