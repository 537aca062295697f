/**
 * The benchmark of Ellis, Kovac and Boehm: binary trees of many depths are built from the leaves up
 * and from the root down and dropped again, while a tree and an array of numbers stay alive. Each
 * thread runs the whole benchmark with its own long-lived data. Checked: the node count of every
 * tree, and the array's contents.
 */
final class Gcbench {
  /** 12 bytes of header, two compressed references, 16 bytes of numbers: 40 bytes. */
  private static final class Node {
    Node left;
    Node right;
    long i;
    long j;
  }

  private static final int LEAST_DEPTH = 4;

  private final int stretchDepth;
  private final int longDepth;
  private final int arrayLength;

  private Gcbench(int stretchDepth, int longDepth, int arrayLength) {
    this.stretchDepth = stretchDepth;
    this.longDepth = longDepth;
    this.arrayLength = arrayLength;
  }

  /** From the root down: stores into objects that have become old meanwhile. */
  private static void populate(int depth, Node node) {
    if (depth == 0) return;
    node.left = new Node();
    node.right = new Node();
    populate(depth - 1, node.left);
    populate(depth - 1, node.right);
  }

  private static Node topDown(int depth) {
    Node root = new Node();
    populate(depth, root);
    return root;
  }

  /** From the leaves up: only initialising stores. */
  private static Node bottomUp(int depth) {
    Node left = depth == 0 ? null : bottomUp(depth - 1);
    Node right = depth == 0 ? null : bottomUp(depth - 1);
    Node node = new Node();
    node.left = left;
    node.right = right;
    return node;
  }

  private static long countNodes(Node node) {
    return node == null ? 0 : 1 + countNodes(node.left) + countNodes(node.right);
  }

  private static long treeSize(int depth) {
    return (2L << depth) - 1;
  }

  private static long checkTree(Node root, int depth) {
    long nodes = countNodes(root);
    Check.equal(nodes, treeSize(depth), "nodes of a tree of depth " + depth);
    return nodes;
  }

  /**
   * Trees of one depth, as many as take the memory of two stretch trees, in both ways. Each is an
   * operation.
   */
  private long buildTrees(int depth, Recorder recorder) {
    long repeats = 2 * treeSize(stretchDepth) / treeSize(depth);
    long nodes = 0;
    for (long i = 0; i < repeats; i++) {
      nodes += checkTree(topDown(depth), depth);
      recorder.operation();
    }
    for (long i = 0; i < repeats; i++) {
      nodes += checkTree(bottomUp(depth), depth);
      recorder.operation();
    }
    return nodes;
  }

  private long work(int index) {
    var recorder = new Recorder(Recorder.IRREGULAR);
    long nodes = checkTree(bottomUp(stretchDepth), stretchDepth);
    Node longLived = topDown(longDepth);
    double[] array = new double[arrayLength];
    for (int i = 0; i < arrayLength; i++) array[i] = 1.0 / (i + 1);
    recorder.mark();
    for (int depth = LEAST_DEPTH; depth <= longDepth; depth += 2)
      nodes += buildTrees(depth, recorder);
    nodes += checkTree(longLived, longDepth);
    for (int i = 0; i < arrayLength; i++)
      Check.that(array[i] == 1.0 / (i + 1), "a number of the array is wrong");
    recorder.end();
    return nodes;
  }

  public static void main(String[] words) {
    var arguments = new Arguments("gcbench", "Trees of many depths beside long-lived data.")
        .count("stretch", 18, "depth of the first tree")
        .count("long", 16, "depth of the long-lived and the largest short-lived trees")
        .count("array", 500_000, "numbers in the long-lived array")
        .count("threads", 1, "threads, each with all of that")
        .common("the same with this --stretch, and a --long of 2 less")
        .parse(words);
    int stretch = arguments.within("stretch", 0, 29);
    int longDepth = arguments.within("long", 0, 29);
    int array = arguments.within("array", 0, Integer.MAX_VALUE - 8);
    int threads = arguments.threads();
    int warmup = arguments.within("warmup", 0, 29);
    if (warmup > 0)
      Crew.sum(threads, new Gcbench(warmup, Math.max(warmup - 2, 0), array)::work);
    Measure.start();
    long nodes = Crew.sum(threads, new Gcbench(stretch, longDepth, array)::work);
    Measure.stop();
    Measure.print("gcbench", threads, nodes, nodes);
  }
}
