import java.math.BigInteger;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/** The command line: {@code --NAME VALUE} from a table; {@code --help} prints it. */
final class Arguments {
  private final String program;
  private final String about;
  private final Map<String, String> helps = new LinkedHashMap<>();
  private final Map<String, Long> values = new LinkedHashMap<>();

  Arguments(String program, String about) {
    this.program = program;
    this.about = about;
    Check.endProgramOnFailure();
  }

  /** A number; K, M and G multiply by powers of 1024. */
  Arguments count(String name, long value, String help) {
    helps.put(name, help);
    values.put(name, value);
    return this;
  }

  /**
   * What every program takes: --warmup, of which the text says what it does first, and --heap,
   * which says nothing here, for the limit of a heap is -Xmx.
   */
  Arguments common(String warmup) {
    count("warmup", 0, "first, not measured: " + warmup + "; 0: not");
    return count("heap", 0, "ignored; the limit is -Xmx");
  }

  Arguments parse(String[] words) {
    for (int i = 0; i < words.length; i++) {
      if (words[i].equals("--help")) help();
      String name = words[i].startsWith("--") ? words[i].substring(2) : "";
      if (!helps.containsKey(name)) refuse("unexpected '" + words[i] + "'; see --help");
      if (++i == words.length) refuse("--" + name + " needs a value");
      values.put(name, number(name, words[i]));
    }
    return this;
  }

  long get(String name) {
    return values.get(name);
  }

  int threads() {
    return within("threads", 1, 4096);
  }

  /** A number of this range. */
  int within(String name, int least, int most) {
    long value = get(name);
    require(value >= least && value <= most, "--" + name + " must be " + least + " to " + most);
    return (int) value;
  }

  /** A number that is one of these. */
  int choice(String name, int... numbers) {
    long value = get(name);
    for (int number : numbers)
      if (number == value) return number;
    refuse("--" + name + " must be one of " + Arrays.toString(numbers));
    return 0;
  }

  /** Ends the program with the message unless the condition holds. */
  void require(boolean condition, String message) {
    if (!condition) refuse(message);
  }

  private long number(String name, String text) {
    int shift = text.isEmpty() ? 0
        : 10 * ("KMG".indexOf(Character.toUpperCase(text.charAt(text.length() - 1))) + 1);
    String digits = shift == 0 ? text : text.substring(0, text.length() - 1);
    if (digits.matches("[0-9]+")) {
      BigInteger value = new BigInteger(digits).shiftLeft(shift);
      if (value.bitLength() < Long.SIZE) return value.longValue();
    }
    refuse("'" + text + "' is no value for --" + name);
    return 0;
  }

  private void refuse(String message) {
    System.err.println(program + ": " + message);
    System.exit(2);
  }

  private void help() {
    System.out.println("usage: " + program + " [--NAME VALUE]...\n" + about);
    helps.forEach((name, help) ->
        System.out.printf("  --%-12s %s (%d)%n", name, help, values.get(name)));
    System.exit(0);
  }
}
