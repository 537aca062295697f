import java.util.Arrays;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.function.IntToLongFunction;

/**
 * The threads of a workload, and the moments between which it is measured: every thread prepares
 * its data, all wait for each other, the measured part runs, all wait again, and then each thread
 * verifies what it has.
 */
final class Crew {
  /** Must call begin and end of the member once each; returns the member's part of the check. */
  interface Work {
    long run(Member member);
  }

  /** One thread; only that thread may use it. */
  static final class Member {
    final int index;
    final int count;
    private final Crew crew;
    private Recorder recorder;

    private Member(Crew crew, int index, int count) {
      this.crew = crew;
      this.index = index;
      this.count = count;
    }

    /** This member's part of a whole; the first members do what is left over. */
    long share(long whole) {
      return whole / count + (index < whole % count ? 1 : 0);
    }

    /** The member is prepared: the measured part. */
    Recorder begin() {
      await(crew.start);
      recorder = new Recorder(crew.threshold);
      return recorder;
    }

    /** The measured part is over. */
    void end() {
      recorder.end();
      await(crew.stop);
    }
  }

  private final long threshold;
  private final CyclicBarrier start;
  private final CyclicBarrier stop;

  private Crew(int count, long threshold) {
    this.threshold = threshold;
    start = new CyclicBarrier(count, Measure::start);
    stop = new CyclicBarrier(count, Measure::stop);
  }

  /**
   * Runs the work in so many threads and returns the sum of the results. An operation longer than
   * the threshold (ns) is a candidate for a pause.
   */
  static long run(int count, long threshold, Work work) {
    var crew = new Crew(count, threshold);
    return sum(count, index -> work.run(new Member(crew, index, count)));
  }

  /** Calls a function in so many threads, with numbers from 0, and adds up what it returns. */
  static long sum(int count, IntToLongFunction function) {
    var results = new long[count];
    var threads = new Thread[count];
    for (int i = 0; i < count; i++) {
      int index = i;
      threads[i] = new Thread(() -> results[index] = function.applyAsLong(index));
      threads[i].start();
    }
    for (Thread thread : threads) join(thread);
    return Arrays.stream(results).sum();
  }

  private static void await(CyclicBarrier barrier) {
    try {
      barrier.await();
    } catch (InterruptedException | BrokenBarrierException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void join(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
