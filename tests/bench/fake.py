"""A program as bench/README.md describes them, that does what the test wants: FAKE in the
environment says how it ends, FAKE_LEAST the smallest --heap with which it ends well, FAKE_LINE what
else its line has."""
import json
import os
import sys
import time


def argument(name):
    words = sys.argv[1:]
    return words[words.index(name) + 1] if name in words else None


def main():
    how = os.environ.get("FAKE", "well")
    least = int(os.environ.get("FAKE_LEAST", "0"))
    heap = argument("--heap")
    if how == "hang":
        time.sleep(60)
    if how == "fail":
        print("a wrong result", file=sys.stderr)
        sys.exit(1)
    if how == "garbage":
        print("no JSON")
        return
    if heap is not None and int(heap) < least:
        print("out of memory", file=sys.stderr)
        sys.exit(3)
    line = {"workload": "fake", "memory": os.path.basename(sys.argv[0]), "threads": 1,
            "operations": 1000, "check": 42, "wall": 2000000, "cpu": 3000000,
            "mutator_cpu": 1000000, "rss_peak": 123, "heap_limit": 1 << 20,
            "latency": {"count": 1000, "p50": 100, "p9999": 3000}}
    line.update(json.loads(os.environ.get("FAKE_LINE", "{}")))
    print("first something else")
    print(json.dumps(line))


main()
