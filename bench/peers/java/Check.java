/** Results are always checked; a wrong one ends the program with a non-zero status. */
final class Check {
  private Check() {}

  static void that(boolean condition, String message) {
    if (!condition) throw new IllegalStateException(message);
  }

  static void equal(long found, long expected, String what) {
    if (found != expected)
      throw new IllegalStateException(what + ": " + found + " instead of " + expected);
  }

  /** A failure in any thread ends the program: status 3 when there is no memory, 1 otherwise. */
  static void endProgramOnFailure() {
    Thread.setDefaultUncaughtExceptionHandler((thread, failure) -> {
      System.err.println(failure);
      boolean memory = failure instanceof OutOfMemoryError;
      if (!memory) failure.printStackTrace();
      Runtime.getRuntime().halt(memory ? 3 : 1);
    });
  }
}
