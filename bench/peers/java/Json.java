import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Trees of values as in JSON. A value is a Number, a byte[] (a text; 16 bytes and its own), an
 * Object[] (its items; 16 bytes and 4 for each) or a Members: as many objects as in a language
 * where an object can end with its elements.
 */
final class Json {
  /** 12 bytes of header and 4 unused ones, 8 bytes of number: 24 bytes. */
  record Number(long thousandths) {}

  /** A list of pairs; 12 bytes of header and a compressed reference. */
  static final class Members {
    Pair first;
  }

  /** 12 bytes of header, three compressed references: 24 bytes. */
  static final class Pair {
    final byte[] name;
    final Object value;
    Pair next;

    Pair(byte[] name, Object value) {
      this.name = name;
      this.value = value;
    }
  }

  private static final VarHandle WORDS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private Json() {}

  /** Adds a member behind the last one (null: the first), and returns it. */
  static Pair add(Members members, Pair last, byte[] name, Object value) {
    var pair = new Pair(name, value);
    if (last == null) members.first = pair;
    else last.next = pair;
    return pair;
  }

  /** Depends on all contents and their order. */
  static long hash(Object value) {
    if (value instanceof Number number) return SplitMix.mix(number.thousandths);
    if (value instanceof byte[] text) return hashText(text);
    if (value instanceof Object[] items) return hashItems(items);
    return hashMembers((Members) value);
  }

  private static long hashText(byte[] text) {
    long hash = text.length;
    int i = 0;
    for (; i + 8 <= text.length; i += 8) {
      hash = (hash ^ (long) WORDS.get(text, i)) * 0x9e3779b97f4a7c15L;
      hash ^= hash >>> 32;
    }
    for (; i < text.length; i++) hash = hash * 31 + text[i];
    return hash;
  }

  private static long hashItems(Object[] items) {
    long hash = items.length;
    for (Object item : items) hash = SplitMix.mix(hash + hash(item));
    return hash;
  }

  private static long hashMembers(Members members) {
    long hash = 0;
    for (Pair pair = members.first; pair != null; pair = pair.next)
      hash = SplitMix.mix(hash + hashText(pair.name) * 3 + hash(pair.value));
    return hash;
  }
}
