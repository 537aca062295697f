/** Random numbers that replay from a seed in every language: splitmix64. */
final class SplitMix {
  private static final long GAMMA = 0x9e3779b97f4a7c15L;

  private long state;

  /** A sequence of its own for every pair of seed and stream. */
  SplitMix(long seed, long stream) {
    state = mix2(seed, stream);
  }

  private SplitMix(long state) {
    this.state = state;
  }

  /** Will give the numbers that this one would give. */
  SplitMix copy() {
    return new SplitMix(state);
  }

  /** A bijection of 64 bits that scatters neighbours. */
  static long mix(long x) {
    x ^= x >>> 30;
    x *= 0xbf58476d1ce4e5b9L;
    x ^= x >>> 27;
    x *= 0x94d049bb133111ebL;
    return x ^ x >>> 31;
  }

  static long mix2(long a, long b) {
    return mix(mix(a) + GAMMA * (b + 1));
  }

  long next() {
    return mix(state += GAMMA);
  }

  /** From 0 to limit - 1; limit from 1 to 2^31 - 1. */
  int below(int limit) {
    return (int) ((next() >>> 32) * limit >>> 32);
  }

  /** True once in n times. */
  boolean once(int n) {
    return below(n) == 0;
  }
}
