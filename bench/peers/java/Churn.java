/**
 * A forest of binary trees of a given live size, and three operations on it: build a list and drop
 * it, swap two subtrees, replace a subtree. Every operation is timed. Checked: the number of nodes
 * and the sum of their keys over the whole forest.
 */
final class Churn {
  /** 12 bytes of header, two compressed references, 24 bytes of numbers: 48 bytes. */
  private static final class Node {
    final long key;
    final long payload0;
    long payload1;
    private Node left;
    private Node right;

    Node(long key, Node left, Node right) {
      this.key = key;
      payload0 = ~key;
      this.left = left;
      this.right = right;
    }

    /** The child that the lowest bit says. */
    Node child(long turn) {
      return (turn & 1) == 0 ? left : right;
    }

    void setChild(long turn, Node child) {
      if ((turn & 1) == 0) left = child;
      else right = child;
    }
  }

  private static final int DEPTH = 10;
  private static final int TREE_NODES = (2 << DEPTH) - 1;
  private static final int REPLACED_DEPTH = 5;
  private static final int LIST_NODES = 100;
  private static final long NODE_SIZE = 48;
  private static final long THRESHOLD = 50_000;

  private final Node[] forest;
  private final Histogram listTimes = new Histogram();
  private final Histogram swapTimes = new Histogram();
  private final Histogram replaceTimes = new Histogram();
  private final SplitMix random;
  private Recorder recorder;
  private long nextKey;
  private long keySum; // of all nodes of the forest
  private long nodesSeen; // by sumKeys
  private long allocated; // bytes, in the measured part

  private Churn(int trees, long seed) {
    random = new SplitMix(seed, 0);
    forest = new Node[trees];
    for (int i = 0; i < trees; i++) forest[i] = build(DEPTH);
    keySum = nextKey * (nextKey - 1) / 2;
  }

  private Node build(int depth) {
    Node left = depth == 0 ? null : build(depth - 1);
    Node right = depth == 0 ? null : build(depth - 1);
    return new Node(nextKey++, left, right);
  }

  /** The sum of a subtree's keys; counts its nodes and checks each. */
  private long sumKeys(Node node) {
    if (node == null) return 0;
    Check.that(node.payload0 == ~node.key && node.payload1 == 0, "a node is overwritten");
    nodesSeen++;
    return node.key + sumKeys(node.left) + sumKeys(node.right);
  }

  /** The node that these turns lead to from the root of a random tree, in depth - 1 steps. */
  private Node owner(int tree, long turns, int depth) {
    Node node = forest[tree];
    for (; depth > 1; depth--, turns >>>= 1) node = node.child(turns);
    return node;
  }

  private void makeList() {
    Node head = null;
    for (int i = 0; i < LIST_NODES; i++) head = new Node(nextKey++, head, null);
  }

  /** Both subtrees hang at the same depth, so all trees stay full; they may be in one tree. */
  private void swapSubtrees() {
    int depth = 1 + random.below(DEPTH);
    int oneTree = random.below(forest.length);
    long oneTurns = random.next();
    int twoTree = random.below(forest.length);
    long twoTurns = random.next();
    Node one = owner(oneTree, oneTurns, depth);
    Node two = owner(twoTree, twoTurns, depth);
    Node first = one.child(oneTurns >>> depth - 1);
    Node second = two.child(twoTurns >>> depth - 1);
    one.setChild(oneTurns >>> depth - 1, second);
    two.setChild(twoTurns >>> depth - 1, first);
  }

  private void replaceSubtree() {
    Node fresh = build(REPLACED_DEPTH);
    int depth = DEPTH - REPLACED_DEPTH;
    int tree = random.below(forest.length);
    long turns = random.next();
    owner(tree, turns, depth).setChild(turns >>> depth - 1, fresh);
  }

  /** The sum of the keys of the subtree that replaceSubtree will take away. */
  private long sumOfReplaced() {
    SplitMix same = random.copy();
    int depth = DEPTH - REPLACED_DEPTH;
    int tree = same.below(forest.length);
    long turns = same.next();
    return sumKeys(owner(tree, turns, depth).child(turns >>> depth - 1));
  }

  private long timed(Runnable operation) {
    recorder.mark();
    operation.run();
    return recorder.operation();
  }

  /** The keys that one replacement adds and removes are counted outside the timed part. */
  private long timedReplace() {
    long firstKey = nextKey;
    nodesSeen = 0;
    keySum -= sumOfReplaced();
    long taken = timed(this::replaceSubtree);
    keySum += nodesSeen * firstKey + nodesSeen * (nodesSeen - 1) / 2;
    return taken;
  }

  private void operate() {
    int choice = random.below(10);
    if (choice < 4) listTimes.add(timed(this::makeList));
    else if (choice < 7) swapTimes.add(timed(this::swapSubtrees));
    else replaceTimes.add(timedReplace());
  }

  private void checkForest() {
    long sum = 0;
    nodesSeen = 0;
    for (Node tree : forest) sum += sumKeys(tree);
    Check.equal(nodesSeen, (long) forest.length * TREE_NODES, "nodes of the forest");
    Check.equal(sum, keySum, "sum of the keys");
  }

  private void run(long operations) {
    long keysBefore = nextKey;
    Measure.start();
    recorder = new Recorder(THRESHOLD);
    for (long i = 0; i < operations; i++) operate();
    recorder.end();
    Measure.stop();
    checkForest();
    allocated = (nextKey - keysBefore) * NODE_SIZE;
  }

  public static void main(String[] words) {
    var arguments = new Arguments("churn", "A forest of given size under change; operations timed.")
        .count("live", 64 << 20, "bytes that stay alive")
        .count("operations", 500_000, "how many")
        .count("seed", 1, "of the random choices")
        .common("so many operations in a forest of an eighth")
        .parse(words);
    long trees = arguments.get("live") / (TREE_NODES * NODE_SIZE);
    long operations = arguments.get("operations");
    long seed = arguments.get("seed");
    long warmup = arguments.get("warmup");
    arguments.require(trees > 0 && trees < Integer.MAX_VALUE - 8,
        "--live must be at least 100K, and less than 200T");
    if (warmup > 0) new Churn((int) (trees / 8 + 1), seed).run(warmup);
    var churn = new Churn((int) trees, seed);
    churn.run(operations);
    Measure.fields().count("live", trees * TREE_NODES * NODE_SIZE)
        .count("allocated", churn.allocated).times("list", churn.listTimes)
        .times("swap", churn.swapTimes).times("replace", churn.replaceTimes);
    Measure.print("churn", 1, operations, churn.keySum);
  }
}
