/**
 * A ring of live buffers of 1 KB, the oldest of which is replaced by each push. The ring is full
 * before the measured part. Checked: each buffer still holds the contents of its own number when it
 * is replaced, and at the end.
 */
final class Pusher {
  /** An array of 128 longs has 16 bytes of header: 1040 bytes. */
  private static final int BUFFER_WORDS = 1024 / 8;
  private static final long THRESHOLD = 50_000;

  private final long[][] ring;
  private long check; // the first words of all buffers, as read when they were checked

  private Pusher(int live) {
    ring = new long[live][];
    for (int i = 0; i < live; i++) ring[i] = newBuffer(i);
  }

  private static long[] newBuffer(long number) {
    long[] buffer = new long[BUFFER_WORDS];
    for (int i = 0; i < BUFFER_WORDS; i++) buffer[i] = number + i;
    return buffer;
  }

  private void checkBuffer(long[] buffer, long number) {
    Check.equal(buffer.length, BUFFER_WORDS, "length of a buffer");
    for (int i = 0; i < BUFFER_WORDS; i++)
      Check.equal(buffer[i], number + i, "a word of a buffer");
    check += buffer[0];
  }

  private void push(long number) {
    int slot = (int) (number % ring.length);
    long[] buffer = newBuffer(number);
    checkBuffer(ring[slot], number - ring.length);
    ring[slot] = buffer;
  }

  private long run(long pushes) {
    int live = ring.length;
    Measure.start();
    var recorder = new Recorder(THRESHOLD);
    for (long number = live; number < live + pushes; number++) {
      push(number);
      recorder.operation();
    }
    recorder.end();
    Measure.stop();
    for (long number = pushes; number < live + pushes; number++)
      checkBuffer(ring[(int) (number % live)], number);
    long count = live + pushes; // each number once
    Check.equal(check, count % 2 != 0 ? (count - 1) / 2 * count : count / 2 * (count - 1), "sum");
    return check;
  }

  public static void main(String[] words) {
    var arguments = new Arguments("pusher", "A ring of live buffers, replaced one by one.")
        .count("live", 200_000, "buffers in the ring")
        .count("pushes", 2_000_000, "replacements after the ring is full")
        .common("so many pushes in a tenth of the ring")
        .parse(words);
    int live = arguments.within("live", 1, Integer.MAX_VALUE - 8);
    long pushes = arguments.get("pushes");
    long warmup = arguments.get("warmup");
    if (warmup > 0) new Pusher(live / 10 + 1).run(warmup);
    long check = new Pusher(live).run(pushes);
    Measure.print("pusher", 1, pushes, check);
  }
}
