/**
 * Trees of values as in JSON. An operation makes a document from the random numbers of its own
 * seed, writes it as text, parses the text to a second tree, compares the two, and puts the second
 * one with its text into a ring of the last documents. Checked: that both trees have the same hash,
 * and that a document which leaves the ring, and each that is left at the end, still has it.
 */
final class Documents {
  private static final long THRESHOLD = 500_000;

  /** 12 bytes of header, two compressed references, 8 bytes of hash: 32 bytes. */
  private record Document(long hash, Object root, byte[] text) {
    static Document roundTrip(long number) {
      Object first = DocumentMaker.make(number);
      long hash = Json.hash(first);
      byte[] text = JsonWriter.write(first);
      Object second = JsonParser.parse(text);
      Check.that(Json.hash(second) == hash, "a document differs when it is read back");
      return new Document(hash, second, text);
    }

    void check() {
      Check.that(Json.hash(root) == hash, "a document that was kept is changed");
    }
  }

  private Documents() {}

  /** Puts a new document in the place of the oldest; returns its hash. */
  private static long operate(Document[] ring, int place, long number) {
    var document = Document.roundTrip(number);
    Document oldest = ring[place];
    ring[place] = document;
    if (oldest != null) oldest.check();
    return document.hash;
  }

  /** Every count-th document is this member's. */
  private static long work(Crew.Member member, long documents, long live) {
    Document[] ring = new Document[(int) member.share(live)];
    long count = member.share(documents);
    long sum = 0;
    for (int i = 0; i < ring.length; i++)
      sum += operate(ring, i, (long) i * member.count + member.index);
    Recorder recorder = member.begin();
    for (long i = 0; i < count; i++) {
      sum += operate(ring, (int) (i % ring.length), live + i * member.count + member.index);
      recorder.operation();
    }
    member.end();
    for (Document document : ring) document.check();
    return sum;
  }

  private static long run(long documents, long live, int threads) {
    return Crew.run(threads, THRESHOLD, member -> work(member, documents, live));
  }

  public static void main(String[] words) {
    var arguments = new Arguments("documents", "Documents made, written, parsed and kept.")
        .count("documents", 30_000, "documents, of all threads")
        .count("live", 1000, "the latest documents that are kept")
        .count("threads", 1, "threads")
        .common("so many documents, a tenth of those of --live kept")
        .parse(words);
    int threads = arguments.threads();
    long documents = arguments.get("documents");
    long live = arguments.get("live");
    long warmup = arguments.get("warmup");
    arguments.require(live >= threads && live <= 1 << 28,
        "--live must be at least the number of threads, at most 256M");
    if (warmup > 0) run(warmup, Math.max(live / 10, threads), threads);
    long check = run(documents, live, threads);
    Measure.print("documents", threads, documents, check);
  }
}
