import java.util.Locale;
import java.util.StringJoiner;

/** One object of JSON on one line. Keys and texts need no quoting. */
final class JsonLine {
  private final StringJoiner fields = new StringJoiner(", ", "{", "}");

  private JsonLine raw(String key, String value) {
    fields.add('"' + key + "\": " + value);
    return this;
  }

  JsonLine count(String key, long value) {
    return raw(key, Long.toString(value));
  }

  JsonLine real(String key, double value) {
    return raw(key, String.format(Locale.ROOT, "%.6f", value));
  }

  JsonLine text(String key, String value) {
    return raw(key, '"' + value + '"');
  }

  JsonLine object(String key, JsonLine value) {
    return raw(key, value.toString());
  }

  JsonLine join(JsonLine other) {
    if (other.fields.length() > 2) fields.merge(other.fields);
    return this;
  }

  /** The quantiles of a histogram, in ns. */
  JsonLine times(String key, Histogram times) {
    return object(key, new JsonLine().count("count", times.count)
        .count("p50", times.quantile(0.5)).count("p99", times.quantile(0.99))
        .count("p999", times.quantile(0.999)).count("p9999", times.quantile(0.9999))
        .count("max", times.max).count("sum", times.sum));
  }

  @Override
  public String toString() {
    return fields.toString();
  }
}
