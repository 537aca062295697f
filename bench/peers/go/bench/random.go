package bench

// Random gives numbers that replay from a seed in every language: splitmix64.
type Random struct{ state uint64 }

const gamma = 0x9e3779b97f4a7c15

// NewRandom returns a sequence of its own for every pair of seed and stream.
func NewRandom(seed, stream uint64) Random {
	return Random{Mix2(seed, stream)}
}

// Mix is a bijection of 64 bits that scatters neighbours.
func Mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// Mix2 mixes two numbers into one.
func Mix2(a, b uint64) uint64 {
	return Mix(Mix(a) + gamma*(b+1))
}

// Next returns 64 random bits.
func (r *Random) Next() uint64 {
	r.state += gamma
	return Mix(r.state)
}

// Below returns a number from 0 to limit-1.
func (r *Random) Below(limit uint32) uint32 {
	return uint32((r.Next() >> 32) * uint64(limit) >> 32)
}

// Once returns true once in n times.
func (r *Random) Once(n uint32) bool {
	return r.Below(n) == 0
}
