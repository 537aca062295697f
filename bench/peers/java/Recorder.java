/** What one thread measures; only that thread may use it. */
final class Recorder {
  /**
   * A threshold: operations are of so different lengths that none says a pause, or much of the work
   * is in none, so that nothing is said of pauses.
   */
  static final long IRREGULAR = Long.MAX_VALUE;

  private static final long STALL = 1_000_000;

  final Histogram times = new Histogram();
  final Pauses pauses = new Pauses();
  long stallCount;
  long stallSum;
  long cpu; // set at the end, as the next two
  long runDelay;
  long span;
  private final long threshold;
  private final long cpuBegan = Proc.threadCpu();
  private final long runDelayBegan = Proc.threadRunDelay();
  private final long began = System.nanoTime();
  private long last = began;

  /** An operation longer than the threshold (ns) is a candidate for a pause. */
  Recorder(long threshold) {
    this.threshold = threshold;
  }

  boolean irregular() {
    return threshold == IRREGULAR;
  }

  /** What came since the last operation is not part of the next one. */
  void mark() {
    last = System.nanoTime();
  }

  /** One operation from the end of the last one (or mark) until now. */
  long operation() {
    long now = System.nanoTime();
    long taken = now - last;
    times.add(taken);
    if (taken > threshold) pauses.add(last, now);
    if (taken > STALL) {
      stallCount++;
      stallSum += taken;
    }
    last = now;
    return taken;
  }

  /** Adds the figures to the program's; called by the thread itself when it is done. */
  void end() {
    span = System.nanoTime() - began;
    cpu = Proc.threadCpu() - cpuBegan;
    runDelay = Proc.threadRunDelay() - runDelayBegan;
    Measure.add(this);
  }
}
