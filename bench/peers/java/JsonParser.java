import java.util.Arrays;

/** Makes a tree of a text that ends with a zero byte. */
final class JsonParser {
  private static final int FIRST_ITEMS = 4;

  private final byte[] text;
  private int at;

  private JsonParser(byte[] text) {
    this.text = text;
  }

  static Object parse(byte[] text) {
    var parser = new JsonParser(text);
    Object value = parser.parseValue();
    parser.expect(0);
    return value;
  }

  private boolean accept(int value) {
    if (text[at] != value) return false;
    at++;
    return true;
  }

  private void expect(int value) {
    if (!accept(value))
      throw new IllegalStateException("byte " + text[at] + " in a text instead of " + value);
  }

  private Object parseValue() {
    return switch (text[at]) {
      case '{' -> parseMembers();
      case '[' -> parseItems();
      case '"' -> parseText();
      default -> parseNumber();
    };
  }

  /** The bytes between the quotes, each escape counted as one. */
  private int textLength() {
    int length = 0;
    for (int i = at; text[i] != 0 && text[i] != '"'; i++, length++)
      if (text[i] == '\\' && text[i + 1] != 0) i++;
    return length;
  }

  private static byte unescape(byte letter) {
    return letter == 'n' ? (byte) '\n' : letter == 't' ? (byte) '\t' : letter;
  }

  private byte[] parseText() {
    expect('"');
    byte[] bytes = new byte[textLength()];
    for (int i = 0; i < bytes.length; i++) {
      byte value = text[at++];
      bytes[i] = value == '\\' ? unescape(text[at++]) : value;
    }
    expect('"');
    return bytes;
  }

  private boolean atDigit() {
    return text[at] >= '0' && text[at] <= '9';
  }

  private long parseDigits(long before) {
    for (; atDigit(); at++) before = before * 10 + text[at] - '0';
    return before;
  }

  private Json.Number parseNumber() {
    boolean negative = accept('-');
    Check.that(atDigit(), "no digit in a number");
    long number = parseDigits(0);
    number = accept('.') ? parseDigits(number) : number * 1000;
    return new Json.Number(negative ? -number : number);
  }

  /** Items are gathered in an array that doubles, and copied to one of their number. */
  private Object[] parseItems() {
    Object[] items = new Object[FIRST_ITEMS];
    int count = 0;
    expect('[');
    while (text[at] != ']') {
      if (count > 0) expect(',');
      if (count == items.length) items = Arrays.copyOf(items, 2 * count);
      items[count++] = parseValue();
    }
    expect(']');
    return Arrays.copyOf(items, count);
  }

  private Json.Members parseMembers() {
    var members = new Json.Members();
    Json.Pair last = null;
    expect('{');
    while (text[at] != '}') {
      if (last != null) expect(',');
      byte[] name = parseText();
      expect(':');
      last = Json.add(members, last, name, parseValue());
    }
    expect('}');
    return members;
  }
}
