import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;

/** Figures of the system's: CPU times and delays in ns, memory in bytes. */
final class Proc {
  private static final OperatingSystemMXBean SYSTEM =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private Proc() {}

  static long cpu() {
    return SYSTEM.getProcessCpuTime();
  }

  static long threadCpu() {
    return THREADS.getCurrentThreadCpuTime();
  }

  /** Time that the calling thread was runnable but not run; 0 where the kernel does not say. */
  static long threadRunDelay() {
    try {
      return Long.parseLong(Files.readString(Path.of("/proc/thread-self/schedstat")).split(" ")[1]);
    } catch (IOException e) {
      return 0;
    }
  }

  static long resident() {
    return status("VmRSS");
  }

  static long residentPeak() {
    return status("VmHWM");
  }

  /** Makes the peak what is resident now. */
  static void resetPeak() {
    try {
      Files.writeString(Path.of("/proc/self/clear_refs"), "5\n");
    } catch (IOException e) {
      // The peak is then the whole process's.
    }
  }

  private static long status(String key) {
    try (var lines = Files.lines(Path.of("/proc/self/status"))) {
      String line = lines.filter(text -> text.startsWith(key + ":")).findFirst().orElseThrow();
      return Long.parseLong(line.replaceAll("[^0-9]", "")) << 10;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
