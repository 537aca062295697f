import java.nio.charset.StandardCharsets;

/** Makes a document from random numbers: about 40 to 160 values. */
final class DocumentMaker {
  private static final int LEAST_VALUES = 40;
  private static final int MOST_VALUES = 160;
  private static final int MOST_MEMBERS = 12;
  private static final int MOST_ITEMS = 16;
  private static final int MOST_LEVELS = 6;
  private static final int MOST_NAME = 16;
  private static final int MOST_STRING = 200;
  private static final int ATTACHMENT_ONCE = 100;
  private static final int LEAST_ATTACHMENT = 4 << 10;
  private static final int MOST_ATTACHMENT = 28 << 10;
  private static final int SEED = 1;
  private static final byte[] PLAIN =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ."
          .getBytes(StandardCharsets.US_ASCII);
  private static final byte[] SPECIAL = {'"', '\\', '\n', '\t'};

  private final SplitMix random;
  private int left; // values that may still be made, about

  private DocumentMaker(long number) {
    random = new SplitMix(SEED, number);
    left = between(LEAST_VALUES, MOST_VALUES);
  }

  /** The document of that number: members are added until there are enough values. */
  static Json.Members make(long number) {
    return new DocumentMaker(number).document();
  }

  private Json.Members document() {
    var document = new Json.Members();
    Json.Pair last = null;
    while (left > 0) last = Json.add(document, last, name(), members(MOST_LEVELS));
    if (random.once(ATTACHMENT_ONCE))
      Json.add(document, last, text(MOST_NAME), text(between(LEAST_ATTACHMENT, MOST_ATTACHMENT)));
    return document;
  }

  private int between(int least, int most) {
    return least + random.below(most - least + 1);
  }

  private byte[] name() {
    return text(between(1, MOST_NAME));
  }

  /** Letters, digits and blanks; in one of four texts a byte that is written with a backslash. */
  private byte[] text(int length) {
    byte[] text = new byte[length];
    long letters = 0;
    for (int i = 0; i < length; i++, letters >>>= 8) {
      if (i % 8 == 0) letters = random.next();
      text[i] = PLAIN[(int) letters & 63];
    }
    if (random.once(4)) {
      byte special = SPECIAL[between(0, 3)];
      text[between(0, length - 1)] = special;
    }
    return text;
  }

  /** 1 to 200 bytes, short ones more often. */
  private byte[] string() {
    return text(Math.min(between(1, MOST_STRING), between(1, MOST_STRING)));
  }

  /** Half of them integers, small and large. */
  private Json.Number number() {
    long number = random.next() >> between(20, 60);
    if (random.once(2)) number -= number % 1000;
    return new Json.Number(number);
  }

  private Object[] items(int levels) {
    Object[] items = new Object[between(0, MOST_ITEMS)];
    for (int i = 0; i < items.length; i++) items[i] = value(levels);
    return items;
  }

  private Json.Members members(int levels) {
    var members = new Json.Members();
    int count = between(1, MOST_MEMBERS);
    Json.Pair last = null;
    for (int i = 0; i < count; i++) last = Json.add(members, last, name(), value(levels));
    return members;
  }

  /** The deeper, and the fewer values are left, the more likely a value without further ones. */
  private Object value(int levels) {
    int choice = between(0, 9);
    if (left > 0) left--;
    if (levels > 0 && left > 0) {
      if (choice < 2) return members(levels - 1);
      if (choice < 4) return items(levels - 1);
    }
    return choice % 2 != 0 ? string() : number();
  }
}
