/**
 * Full binary trees of depths 4 to N, many of the small ones and few of the large ones, shared out
 * among threads, beside one long-lived tree. The trees of the least depth are timed in batches.
 * Checked: the node count of every tree, and the sum over all.
 */
final class Binarytrees {
  /** 12 bytes of header and two compressed references: 24 bytes. */
  private static final class Node {
    final Node left;
    final Node right;

    Node(Node left, Node right) {
      this.left = left;
      this.right = right;
    }
  }

  private static final int LEAST_DEPTH = 4;
  private static final int STEP = 2;
  private static final int BATCH = 32; // trees of the least depth: 992 nodes

  private final int depth;
  private final int threads;

  private Binarytrees(int depth, int threads) {
    this.depth = depth;
    this.threads = threads;
  }

  private static Node build(int levels) {
    if (levels == 0) return new Node(null, null);
    return new Node(build(levels - 1), build(levels - 1));
  }

  private static long countNodes(Node node) {
    return node == null ? 0 : 1 + countNodes(node.left) + countNodes(node.right);
  }

  private static long treeSize(int levels) {
    return (2L << levels) - 1;
  }

  private static long buildAndCount(int levels) {
    long nodes = countNodes(build(levels));
    Check.equal(nodes, treeSize(levels), "nodes of a tree of depth " + levels);
    return nodes;
  }

  private long repeats(int levels) {
    return 1L << depth - levels + LEAST_DEPTH;
  }

  /**
   * The small trees. Every threads-th is this member's; what does not fill a batch is not timed.
   */
  private long buildBatches(int index, Recorder recorder) {
    long nodes = 0;
    long done = 0;
    recorder.mark();
    for (long i = index; i < repeats(LEAST_DEPTH); i += threads) {
      nodes += buildAndCount(LEAST_DEPTH);
      if (++done % BATCH == 0) recorder.operation();
    }
    return nodes;
  }

  private long buildLarger(int index) {
    long nodes = 0;
    for (int levels = LEAST_DEPTH + STEP; levels <= depth; levels += STEP)
      for (long i = index; i < repeats(levels); i += threads) nodes += buildAndCount(levels);
    return nodes;
  }

  private long work(int index) {
    var recorder = new Recorder(Recorder.IRREGULAR);
    long nodes = buildBatches(index, recorder) + buildLarger(index);
    recorder.end();
    return nodes;
  }

  private long nodesExpected() {
    long nodes = 0;
    for (int levels = LEAST_DEPTH; levels <= depth; levels += STEP)
      nodes += repeats(levels) * treeSize(levels);
    return nodes;
  }

  private long run() {
    var recorder = new Recorder(Recorder.IRREGULAR);
    buildAndCount(depth + 1);
    Node longLived = build(depth);
    long nodes = Crew.sum(threads, this::work);
    Check.equal(countNodes(longLived), treeSize(depth), "nodes of the long-lived tree");
    recorder.end();
    Check.equal(nodes, nodesExpected(), "nodes of all trees");
    return nodes;
  }

  public static void main(String[] words) {
    var arguments = new Arguments("binarytrees", "Full binary trees, built and dropped.")
        .count("depth", 16, "depth of the largest short-lived trees, at least 4")
        .count("threads", 2, "threads")
        .common("trees of this depth")
        .parse(words);
    int depth = arguments.within("depth", LEAST_DEPTH, 29);
    int threads = arguments.threads();
    int warmup = arguments.within("warmup", 0, 29);
    arguments.require(warmup == 0 || warmup >= LEAST_DEPTH, "--warmup must be 0 or 4 to 29");
    if (warmup > 0) new Binarytrees(warmup, threads).run();
    Measure.start();
    long nodes = new Binarytrees(depth, threads).run();
    Measure.stop();
    Measure.fields().count("depth", depth);
    Measure.print("binarytrees", threads, nodes, nodes);
  }
}
