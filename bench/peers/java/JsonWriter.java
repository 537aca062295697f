import java.util.Arrays;

/** Writes a tree as text into a byte array that doubles when it is full. */
final class JsonWriter {
  private static final int FIRST_LENGTH = 512;
  private static final int LONGEST_NUMBER = 32;

  private byte[] buffer = new byte[FIRST_LENGTH];
  private int used;

  private JsonWriter() {}

  /** The text, which ends with a zero byte; the array may be longer. */
  static byte[] write(Object value) {
    var writer = new JsonWriter();
    writer.writeValue(value);
    writer.writeByte((byte) 0);
    return writer.buffer;
  }

  /** Makes room for so many bytes more. */
  private void reserve(int bytes) {
    int length = buffer.length;
    while (length < used + bytes) length *= 2;
    if (length > buffer.length) buffer = Arrays.copyOf(buffer, length);
  }

  private void writeByte(int value) {
    reserve(1);
    buffer[used++] = (byte) value;
  }

  private void writeValue(Object value) {
    if (value instanceof Json.Number number) writeNumber(number.thousandths());
    else if (value instanceof byte[] text) writeText(text);
    else if (value instanceof Object[] items) writeItems(items);
    else writeMembers((Json.Members) value);
  }

  /** The letter that stands behind a backslash for this byte, or 0. */
  private static byte escapeOf(byte value) {
    return switch (value) {
      case '"', '\\' -> value;
      case '\n' -> 'n';
      case '\t' -> 't';
      default -> 0;
    };
  }

  private void writeText(byte[] text) {
    reserve(2 * text.length + 2);
    buffer[used++] = '"';
    for (byte value : text) {
      byte escape = escapeOf(value);
      if (escape != 0) buffer[used++] = '\\';
      buffer[used++] = escape != 0 ? escape : value;
    }
    buffer[used++] = '"';
  }

  /** A sign, digits, and three decimals unless they are zero. */
  private void writeNumber(long thousandths) {
    long rest = Math.abs(thousandths);
    boolean whole = rest % 1000 == 0;
    int digits = 0;
    reserve(LONGEST_NUMBER);
    if (thousandths < 0) buffer[used++] = '-';
    if (whole) rest /= 1000;
    for (long left = rest; left > 0; left /= 10) digits++;
    int end = used + (whole ? Math.max(digits, 1) : Math.max(digits, 4) + 1);
    for (int at = end - 1; at >= used; at--) {
      if (!whole && at == end - 4) {
        buffer[at] = '.';
      } else {
        buffer[at] = (byte) ('0' + rest % 10);
        rest /= 10;
      }
    }
    used = end;
  }

  private void writeItems(Object[] items) {
    writeByte('[');
    for (int i = 0; i < items.length; i++) {
      if (i > 0) writeByte(',');
      writeValue(items[i]);
    }
    writeByte(']');
  }

  private void writeMembers(Json.Members members) {
    writeByte('{');
    for (Json.Pair pair = members.first; pair != null; pair = pair.next) {
      if (pair != members.first) writeByte(',');
      writeText(pair.name);
      writeByte(':');
      writeValue(pair.value);
    }
    writeByte('}');
  }
}
