/**
 * What it costs to allocate objects that die at once. The loop stores two numbers into each object
 * (one, if it has 16 bytes), reads them back and adds them up. Checked: the sum of all numbers.
 */
final class Alloc {
  /** 12 bytes of header and a number. */
  private static final class Size16 {
    final int number;

    Size16(int number) {
      this.number = number;
    }
  }

  /** 12 bytes of header, 12 bytes of numbers. */
  private static final class Size24 {
    final long number;
    final int previous;

    Size24(long number, int previous) {
      this.number = number;
      this.previous = previous;
    }
  }

  /** 12 bytes of header and 4 unused ones, 16 bytes of numbers. */
  private static final class Size32 {
    final long number;
    final long previous;

    Size32(long number, long previous) {
      this.number = number;
      this.previous = previous;
    }
  }

  private static final int BATCH = 1000; // objects timed together
  private static final long THRESHOLD = 100_000;

  /**
   * One object of each batch is stored here: the compiler finds that objects escape from the loop,
   * and so makes them all. The barrier of this store is paid once in a thousand objects.
   */
  private static volatile Object escaped;

  private final int size;
  private final long objects;
  private final double[] cpu; // ns for an object, by thread
  private final double[] wall;

  private Alloc(int size, long objects, int threads) {
    this.size = size;
    this.objects = objects;
    cpu = new double[threads];
    wall = new double[threads];
  }

  private static long allocate16(long first, long end) {
    long sum = 0;
    for (long number = first; number < end; number++) {
      var object = new Size16((int) number);
      if (number == first) escaped = object;
      sum += object.number;
    }
    return sum;
  }

  private static long allocate24(long first, long end) {
    long sum = 0;
    for (long number = first; number < end; number++) {
      var object = new Size24(number, (int) number - 1);
      if (number == first) escaped = object;
      sum += object.number + object.previous;
    }
    return sum;
  }

  private static long allocate32(long first, long end) {
    long sum = 0;
    for (long number = first; number < end; number++) {
      var object = new Size32(number, number - 1);
      if (number == first) escaped = object;
      sum += object.number + object.previous;
    }
    return sum;
  }

  private long allocate(long first, long end) {
    return switch (size) {
      case 16 -> allocate16(first, end);
      case 24 -> allocate24(first, end);
      default -> allocate32(first, end);
    };
  }

  private long measured(Recorder recorder) {
    long sum = 0;
    for (long done = 0; done < objects; done += BATCH) {
      sum += allocate(1 + done, 1 + Math.min(objects, done + BATCH));
      recorder.operation();
    }
    return sum;
  }

  private long work(Crew.Member member) {
    Recorder recorder = member.begin();
    long cpuBegan = Proc.threadCpu();
    long wallBegan = System.nanoTime();
    long sum = measured(recorder);
    cpu[member.index] = (double) (Proc.threadCpu() - cpuBegan) / objects;
    wall[member.index] = (double) (System.nanoTime() - wallBegan) / objects;
    member.end();
    Check.equal(sum, size == 16 ? objects * (objects + 1) / 2 : objects * objects, "the sum");
    return sum;
  }

  private static double mean(double[] values) {
    double sum = 0;
    for (double value : values) sum += value;
    return sum / values.length;
  }

  public static void main(String[] words) {
    var arguments = new Arguments("alloc", "Allocates objects that die at once.")
        .count("size", 24, "bytes of an object, with its header: 16, 24 or 32")
        .count("objects", 10_000_000, "objects for each thread")
        .count("threads", 1, "threads")
        .count("full", 0, "only 0: the collectors move objects, so that no holes remain")
        .common("so many objects")
        .parse(words);
    int threads = arguments.threads();
    long objects = arguments.within("objects", 1, Integer.MAX_VALUE);
    int warmup = arguments.within("warmup", 0, Integer.MAX_VALUE);
    int size = arguments.choice("size", 16, 24, 32);
    arguments.choice("full", 0);
    if (warmup > 0) Crew.run(threads, THRESHOLD, new Alloc(size, warmup, threads)::work);
    var alloc = new Alloc(size, objects, threads);
    long check = Crew.run(threads, THRESHOLD, alloc::work);
    JsonLine line = Measure.fields();
    for (int i = 0; threads > 1 && i < threads; i++) line.real("ns_per_object_" + i, alloc.cpu[i]);
    line.real("ns_per_object", mean(alloc.cpu)).real("ns_per_object_wall", mean(alloc.wall));
    line.count("batch", BATCH).count("size", size).count("full", 0);
    Measure.print("alloc", threads, threads * objects, check);
  }
}
