import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A hash table whose entries expire. An operation looks up a key; small numbers are drawn more
 * often than large ones. When the key has no entry, or an expired one, its value is made and
 * inserted. Every operation also moves the shard's clock hand over a few buckets and drops what has
 * expired there. Time is counted in a shard's operations. Checked: the contents of every value
 * used; at the end the number and contents of all entries.
 */
final class Cache {
  private static final int SHARDS = 16;
  private static final int SWEPT = 2; // buckets that the hand looks at in each operation
  private static final int KEYS = 4; // times the entries: keys that are drawn
  private static final int LEAST_WORDS = 8; // a value has 64 to 512 bytes
  private static final int MOST_WORDS = 64;
  private static final int LIFETIME = 1693; // in thousandths of the entries, in operations
  private static final int SEED = 1;
  private static final long THRESHOLD = 50_000;

  /** 12 bytes of header, two compressed references, 16 bytes of numbers: 40 bytes. */
  private static final class Entry {
    final long key;
    final long[] value;
    long expiry;
    Entry next;

    Entry(long key) {
      this.key = key;
      value = makeValue(key);
    }
  }

  /** The table's part for some of the hashes. All the rest is used under its lock. */
  private static final class Shard {
    final Lock lock = new ReentrantLock();
    final Entry[] buckets;
    final long lifetime;
    long tick;
    long hand;
    long entries;

    Shard(long allEntries) {
      int length = 1;
      while ((long) length * SHARDS < allEntries) length *= 2;
      buckets = new Entry[length];
      lifetime = allEntries * LIFETIME / 1000 / SHARDS;
    }

    int bucket(long hash) {
      return (int) (hash >>> 4) & buckets.length - 1;
    }

    /** The key's entry, unless it has expired. */
    Entry find(long hash, long key) {
      Entry entry = buckets[bucket(hash)];
      while (entry != null && entry.key != key) entry = entry.next;
      return entry != null && entry.expiry > tick ? entry : null;
    }

    /** Puts the entry at the head of its chain, in place of another of its key. */
    void insert(long hash, Entry entry) {
      int bucket = bucket(hash);
      drop(bucket, entry.key);
      entry.expiry = tick + lifetime;
      entry.next = buckets[bucket];
      buckets[bucket] = entry;
      entries++;
    }

    private void drop(int bucket, long key) {
      Entry before = null;
      for (Entry entry = buckets[bucket]; entry != null; before = entry, entry = entry.next)
        if (entry.key == key) {
          unlink(bucket, before, entry);
          return;
        }
    }

    private void unlink(int bucket, Entry before, Entry entry) {
      if (before == null) buckets[bucket] = entry.next;
      else before.next = entry.next;
      entries--;
    }

    /** Drops what has expired in the next buckets. */
    void moveHand() {
      for (int i = 0; i < SWEPT; i++) {
        int bucket = (int) hand++ & buckets.length - 1;
        Entry before = null;
        for (Entry entry = buckets[bucket]; entry != null; entry = entry.next)
          if (entry.expiry <= tick) unlink(bucket, before, entry);
          else before = entry;
      }
    }

    void check() {
      long count = 0;
      for (Entry head : buckets)
        for (Entry entry = head; entry != null; entry = entry.next, count++)
          useValue(entry.value, entry.key);
      Check.equal(count, entries, "entries");
    }
  }

  private final long entries;
  private final Shard[] shards = new Shard[SHARDS];
  private final AtomicLong hits = new AtomicLong();
  private final AtomicLong waits = new AtomicLong();

  private Cache(long entries) {
    this.entries = entries;
    for (int i = 0; i < SHARDS; i++) shards[i] = new Shard(entries);
  }

  private static long hashOf(long key) {
    return SplitMix.mix2(SEED, key);
  }

  private static long checksum(long[] value, long key) {
    long sum = key;
    for (int i = 0; i + 1 < value.length; i++) sum = Long.rotateLeft(sum, 7) + value[i];
    return sum;
  }

  private static long[] makeValue(long key) {
    long word = hashOf(key);
    long[] value = new long[LEAST_WORDS + (int) ((word >>> 32) % (MOST_WORDS - LEAST_WORDS + 1))];
    for (int i = 0; i + 1 < value.length; i++)
      value[i] = word = word * 0x5851f42d4c957f2dL + 1;
    value[value.length - 1] = checksum(value, key);
    return value;
  }

  /** Verifies the value, whose last word is the checksum of the others and the key. */
  private static long useValue(long[] value, long key) {
    long sum = checksum(value, key);
    if (value[value.length - 1] != sum)
      throw new IllegalStateException("the value of key " + key + " is overwritten");
    return sum;
  }

  /** One thread's work. */
  private final class Worker {
    final SplitMix random;
    long sum;
    long hits;
    long waits;

    Worker(int index) {
      random = new SplitMix(SEED, index);
    }

    private void lock(Shard shard) {
      if (shard.lock.tryLock()) return;
      waits++;
      shard.lock.lock();
    }

    private boolean lookUp(Shard shard, long hash, long key) {
      lock(shard);
      try {
        shard.tick++;
        Entry entry = shard.find(hash, key);
        if (entry != null) sum += useValue(entry.value, key);
        shard.moveHand();
        return entry != null;
      } finally {
        shard.lock.unlock();
      }
    }

    private void makeAndInsert(Shard shard, long hash, long key) {
      var entry = new Entry(key);
      sum += useValue(entry.value, key);
      lock(shard);
      try {
        shard.insert(hash, entry);
      } finally {
        shard.lock.unlock();
      }
    }

    /** The integer part of keys * x * y, for two uniform numbers x and y. */
    private long drawKey() {
      long drawn = random.next();
      return ((drawn >>> 32) * (drawn & 0xffffffffL) >>> 32) * (entries * KEYS) >>> 32;
    }

    void operate() {
      long key = drawKey();
      long hash = hashOf(key);
      Shard shard = shards[(int) hash & SHARDS - 1];
      if (lookUp(shard, hash, key)) hits++;
      else makeAndInsert(shard, hash, key);
    }
  }

  private long work(Crew.Member member, long operations) {
    var worker = new Worker(member.index);
    long warm = member.share(2 * entries);
    long count = member.share(operations);
    for (long i = 0; i < warm; i++) worker.operate();
    Recorder recorder = member.begin();
    worker.hits = worker.waits = 0;
    for (long i = 0; i < count; i++) {
      worker.operate();
      recorder.operation();
    }
    member.end();
    for (int i = member.index; i < SHARDS; i += member.count) shards[i].check();
    hits.addAndGet(worker.hits);
    waits.addAndGet(worker.waits);
    return worker.sum;
  }

  private long run(long operations, int threads) {
    return Crew.run(threads, THRESHOLD, member -> work(member, operations));
  }

  public static void main(String[] words) {
    var arguments = new Arguments("cache", "A cache whose entries expire.")
        .count("entries", 200_000, "entries alive, about")
        .count("operations", 2_000_000, "lookups, of all threads")
        .count("threads", 1, "threads")
        .common("so many lookups with a tenth of the entries")
        .parse(words);
    int threads = arguments.threads();
    long entries = arguments.within("entries", 100, 1 << 28);
    long warmup = arguments.get("warmup");
    if (warmup > 0) new Cache(Math.max(entries / 10, 100)).run(warmup, threads);
    var cache = new Cache(entries);
    long check = cache.run(arguments.get("operations"), threads);
    Measure.fields().count("hits", cache.hits.get()).count("lock_waits", cache.waits.get());
    Measure.print("cache", threads, arguments.get("operations"), check);
  }
}
