import java.util.Arrays;

/** A thread's operations that took long, in their order. */
final class Pauses {
  /** The most that are kept; what is beyond is counted in lost. */
  private static final int MOST = 1 << 18;

  private long[] began = new long[1024];
  private long[] ended = new long[1024];
  private long[] sums = new long[1025]; // of the lengths of those before
  private int count;
  long lost;

  void add(long from, long to) {
    if (count == MOST) {
      lost++;
      return;
    }
    if (count == began.length) grow();
    began[count] = from;
    ended[count] = to;
    sums[count + 1] = sums[count] + to - from;
    count++;
  }

  private void grow() {
    began = Arrays.copyOf(began, 2 * count);
    ended = Arrays.copyOf(ended, 2 * count);
    sums = Arrays.copyOf(sums, 2 * count + 1);
  }

  /**
   * The longest time that pauses take of any window of so many ns, which is one that begins or ends
   * with a pause.
   */
  long worst(long window) {
    long worst = 0;
    for (int i = 0; i < count; i++) {
      long from = before(began[i] + window) - before(began[i]);
      long until = before(ended[i]) - before(ended[i] - window);
      worst = Math.max(worst, Math.max(from, until));
    }
    return worst;
  }

  /** The time that pauses took before this moment. */
  private long before(long moment) {
    int low = Arrays.binarySearch(began, 0, count, moment);
    int index = low < 0 ? -low - 1 : low;
    if (index == 0) return 0;
    return sums[index] - Math.max(0, ended[index - 1] - moment);
  }
}
