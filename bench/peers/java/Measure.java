import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.ToLongFunction;

/**
 * What a program measures of itself, and the line of JSON in which it says so (bench/README.md).
 * What happened before {@link #start}, a warm-up among it, is forgotten.
 */
final class Measure {
  private static final int[] WINDOWS = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000}; // ms
  private static final long MS = 1_000_000;
  private static final long CHECK_BITS = (1L << 53) - 1; // what a double holds

  private static final List<Recorder> recorders = new ArrayList<>();
  private static final JsonLine fields = new JsonLine();
  private static long wall;
  private static long cpu;
  private static long resident;
  private static long residentPeak;

  private Measure() {}

  static synchronized void start() {
    recorders.clear();
    Proc.resetPeak();
    cpu = Proc.cpu();
    wall = System.nanoTime();
  }

  static void stop() {
    wall = System.nanoTime() - wall;
    cpu = Proc.cpu() - cpu;
    resident = Proc.resident();
    residentPeak = Proc.residentPeak();
  }

  static synchronized void add(Recorder recorder) {
    recorders.add(recorder);
  }

  /** Further fields of the line. */
  static JsonLine fields() {
    return fields;
  }

  static void print(String workload, int threads, long operations, long check) {
    var line = new JsonLine().text("workload", workload).text("memory", "java-" + collector());
    line.count("threads", threads).count("operations", operations);
    line.count("check", check & CHECK_BITS);
    line.count("wall", wall).count("cpu", cpu);
    line.count("mutator_cpu", sum(recorder -> recorder.cpu));
    line.count("run_delay", sum(recorder -> recorder.runDelay));
    line.count("rss_peak", residentPeak).count("rss", resident);
    printLatency(line);
    line.count("heap_limit", Runtime.getRuntime().maxMemory());
    System.out.println(line.join(fields));
  }

  private static void printLatency(JsonLine line) {
    var times = new Histogram();
    for (Recorder recorder : recorders) times.add(recorder.times);
    if (times.count == 0) return;
    line.times("latency", times);
    if (recorders.stream().noneMatch(Recorder::irregular)) printPauses(line);
  }

  private static void printPauses(JsonLine line) {
    long lost = sum(recorder -> recorder.pauses.lost);
    line.count("stall_count", sum(recorder -> recorder.stallCount));
    line.count("stall_sum", sum(recorder -> recorder.stallSum));
    line.count("worst_100ms", worst(100 * MS, 0).orElse(0));
    line.object("mmu", utilization());
    if (lost > 0) line.count("pauses_lost", lost);
  }

  /** The worst thread's; windows longer than a thread ran are left out for it. */
  private static JsonLine utilization() {
    var shares = new JsonLine();
    for (int window : WINDOWS) {
      long length = window * MS;
      worst(length, length).ifPresent(worst ->
          shares.real(Integer.toString(window), 1 - (double) worst / length));
    }
    return shares;
  }

  /** The most that pauses take of any window, of those threads that ran for at least a span. */
  private static OptionalLong worst(long window, long span) {
    return recorders.stream()
        .filter(recorder -> recorder.times.count > 0 && recorder.span >= span)
        .mapToLong(recorder -> recorder.pauses.worst(window)).max();
  }

  private static long sum(ToLongFunction<Recorder> figure) {
    return recorders.stream().mapToLong(figure).sum();
  }

  /** "serial", "parallel", "g1", "z" or "shenandoah". */
  private static String collector() {
    for (GarbageCollectorMXBean bean : ManagementFactory.getGarbageCollectorMXBeans()) {
      String name = bean.getName();
      if (name.startsWith("Copy")) return "serial";
      if (name.startsWith("PS ")) return "parallel";
      if (name.startsWith("G1 ")) return "g1";
      if (name.startsWith("ZGC")) return "z";
      if (name.startsWith("Shenandoah")) return "shenandoah";
    }
    return "other";
  }
}
