/**
 * Small garbage beside a large live structure. Every thread has a binary tree of its own; together
 * they have about the nodes of one tree of the given depth. An operation builds a list of 100
 * items, adds it up and drops it; every tenth also replaces a random subtree of depth 3. Checked:
 * the sum of every list; at the end the shape of the trees and a hash of the tags of all nodes.
 */
final class Tree {
  /** 12 bytes of header, two compressed references, 2 bytes of tag: 24 bytes. */
  private static final class Node {
    final char tag;
    Node left;
    Node right;

    Node(char tag, Node left, Node right) {
      this.tag = tag;
      this.left = left;
      this.right = right;
    }
  }

  /** 12 bytes of header, a compressed reference, 8 bytes of value: 24 bytes. */
  private record Item(Item next, long value) {}

  private static final int ITEMS = 100;
  private static final int REPLACED_DEPTH = 3;
  private static final int REPLACE_EVERY = 10;
  private static final int SEED = 1;
  private static final long THRESHOLD = 50_000;

  private final int depth;
  private final SplitMix random;
  private final Node root;
  private long nodesMade; // the next tag

  private Tree(int depth, int index) {
    this.depth = depth;
    random = new SplitMix(SEED, index);
    root = build(depth);
  }

  private Node build(int levels) {
    Node left = levels == 0 ? null : build(levels - 1);
    Node right = levels == 0 ? null : build(levels - 1);
    return new Node((char) nodesMade++, left, right);
  }

  /** Checks that the tree is full. */
  private static long hash(Node node, int levels) {
    Check.that(node != null, "a subtree is missing");
    if (levels == 0) {
      Check.that(node.left == null && node.right == null, "a leaf has children");
      return SplitMix.mix(node.tag);
    }
    return SplitMix.mix2(hash(node.left, levels - 1), hash(node.right, levels - 1)) + node.tag;
  }

  private static Item makeList(long first) {
    Item head = null;
    for (long value = first; value < first + ITEMS; value++) head = new Item(head, value);
    return head;
  }

  private static void listAndDrop(long first) {
    long sum = 0;
    for (Item item = makeList(first); item != null; item = item.next) sum += item.value;
    Check.equal(sum, ITEMS * first + ITEMS * (ITEMS - 1) / 2, "sum of a list");
  }

  private void replaceSubtree() {
    Node fresh = build(REPLACED_DEPTH);
    Node owner = root;
    long turns = random.next();
    for (int levels = depth; levels > REPLACED_DEPTH + 1; levels--, turns >>>= 1)
      owner = (turns & 1) == 0 ? owner.left : owner.right;
    if ((turns & 1) == 0) owner.left = fresh;
    else owner.right = fresh;
  }

  private void operate(long count, Recorder recorder) {
    for (long i = 0; i < count; i++) {
      listAndDrop(i);
      if (i % REPLACE_EVERY == 0) replaceSubtree();
      recorder.operation();
    }
  }

  private static long work(Crew.Member member, int depth, long operations) {
    var tree = new Tree(depth, member.index);
    tree.operate(member.share(operations), member.begin());
    member.end();
    return hash(tree.root, depth) ^ tree.nodesMade;
  }

  /** The depth at which the trees of all threads have no more nodes than one of the whole depth. */
  private static int ownDepth(long depth, int threads) {
    for (long parts = 1; parts < threads; parts *= 2) depth--;
    return (int) depth;
  }

  private static long run(int depth, long operations, int threads) {
    return Crew.run(threads, THRESHOLD, member -> work(member, depth, operations));
  }

  public static void main(String[] words) {
    var arguments = new Arguments("tree", "Small garbage beside a large live tree.")
        .count("depth", 20, "depth of the tree that all threads share out")
        .count("operations", 1_000_000, "lists, of all threads")
        .count("threads", 1, "threads")
        .common("a tree of a sixteenth of the nodes and this many lists")
        .parse(words);
    int threads = arguments.threads();
    long operations = arguments.get("operations");
    long warmup = arguments.get("warmup");
    int depth = ownDepth(arguments.get("depth"), threads);
    arguments.require(arguments.get("depth") < 32 && depth > REPLACED_DEPTH,
        "--depth must be less than 32, and more than " + REPLACED_DEPTH + " for each thread");
    if (warmup > 0) run(Math.max(depth - 4, REPLACED_DEPTH + 1), warmup, threads);
    long check = run(depth, operations, threads);
    Measure.fields().count("live", 24L << arguments.get("depth") + 1);
    Measure.print("tree", threads, operations, check);
  }
}
