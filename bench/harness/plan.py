"""What runs: every case of the short form and of the full one.

The short form is to end within five minutes on two cores: Lull beside the peer of each goal with
few pairs, so that most medians have no interval, and a few other peers once. The full form is to
end after about an hour: at least 15 pairs wherever a goal compares two managers, all peers in some
of the rounds, more sizes, and heaps of many sizes.
"""
from __future__ import annotations

from typing import Mapping, Optional, Sequence

from case import GB, MB, Arguments, Case, Minimal, size
from managers import JAVA

FULL_PAIRS = 15
ONCE = 1000      # rounds
FACTORS = (1.5, 1.75, 2.0, 2.5, 3.0, 4.0)     # of the minimal heap
CLAIMED_FACTORS = (2.5, 4.0)
MALLOCS = ("malloc", "jemalloc", "mimalloc")
COLLECTORS = ("boehm",) + JAVA + ("go", "ocaml")

# What Java runs first and does not count, so that its code is compiled: about a tenth.
WARMUP: Mapping[str, Arguments] = {
    "alloc": {"warmup": 2_000_000}, "binarytrees": {"warmup": 16}, "cache": {"warmup": 200_000},
    "churn": {"warmup": 50_000}, "documents": {"warmup": 3_000}, "gcbench": {"warmup": 16},
    "pusher": {"warmup": 200_000}, "tree": {"warmup": 50_000}}

# Of groups, in the order of the report: title, and what a reader should know.
GROUPS: Mapping[str, tuple[str, str]] = {
    "alloc": ("Allocation of objects that die at once",
              "CPU nanoseconds of the allocating thread for an object of 24 bytes that is written, "
              "read and dropped. “60 % full”: clusters of 20 survivors are spread over the heap "
              "before, so that allocation has to use holes."),
    "binarytrees": ("Binary trees",
                    "Full trees of many depths built and dropped beside one that lives. The heap "
                    "is a multiple of the least with which Lull runs it in stop-the-world mode."),
    "churn": ("Churn: latency beside a large live heap",
              "A forest of a given size; lists are built and dropped, subtrees swapped and "
              "replaced, and each operation is timed. The heap is 3 × the live size."),
    "pusher": ("Pusher: a ring of 1 KB buffers",
               "Each push replaces the oldest of 200,000 buffers; the heap is 3 × the live size."),
    "textindex": ("Text index",
                  "The demo of examples/textindex and its twins: wall time until real text is "
                  "indexed by two threads beside one that queries."),
    "gcbench": ("GCBench", "The benchmark of Ellis, Kovac and Boehm, all of it in each thread."),
    "others": ("Further workloads", "A large live tree with small garbage; a cache with expiry; "
                                    "documents that are written, parsed and dropped."),
    "micro": ("Parts of Lull", "Programs that measure one part each."),
}


class Form:
    """Chooses between the short and the full form."""

    def __init__(self, full: bool, pairs: Optional[int] = None):
        self.full = full
        self._pairs = pairs

    def pick(self, short, full):
        return full if self.full else short

    def pairs(self, short: int, full: int = FULL_PAIRS) -> int:
        return self._pairs if self._pairs is not None else self.pick(short, full)


def cases(full: bool, pairs: Optional[int] = None) -> list[Case]:
    form = Form(full, pairs)
    made = [*alloc(form), *binarytrees(form), *churn(form), *pusher(form), *textindex(form),
            *gcbench(form), *others(form), *micro(form)]
    names = [case.name for case in made]
    assert len(names) == len(set(names)), "two cases have one name"
    return made


def control(full: bool) -> Case:
    """What the machine alone does to latencies: churn on malloc, in every round of a case that is
    about latency."""
    operations = 1_000_000 if full else 500_000
    return Case("control", "churn", "churn", {"live": "64M", "operations": operations}, ("malloc",),
                1, heap=192 * MB)


def _java(program: str) -> Mapping[str, Arguments]:
    return {"java": WARMUP[program]}


def alloc(form: Form) -> list[Case]:
    made = []
    small = form.pick(("malloc",), MALLOCS + ("recycle-raw", "bump", "boehm", "java-g1"))
    for full in (0, 60):
        for heap in ("8M", "64M"):
            # 8 MB is less than Go's own runtime takes, and it would collect all the time.
            others = small + form.pick((), ("go",)) if heap == "64M" else small
            for threads in (1, 2):
                arguments = {"size": 24, "objects": form.pick(10_000_000, 20_000_000),
                             "threads": threads, "full": full or None}
                made.append(Case(
                    f"alloc-{heap}-{threads}t" + (f"-full{full}" if full else ""), "alloc", "alloc",
                    arguments, ("lull", "recycle"), form.pairs(6), heap=size(heap),
                    others=() if full else others, every=form.pick(ONCE, 3),
                    changed={"recycle": {"full": None}, **_java("alloc")}, whole=False,
                    metric="ns_per_object"))
    return made


def binarytrees(form: Form) -> list[Case]:
    made = []
    for factor in form.pick(CLAIMED_FACTORS, FACTORS):
        claimed = factor in CLAIMED_FACTORS
        others = form.pick(("malloc", "boehm", "java-g1", "go"), MALLOCS + COLLECTORS)
        made.append(Case(
            f"binarytrees-18-{factor:g}x", "binarytrees", "binarytrees",
            {"depth": 18, "threads": 1}, ("lull", "mimalloc"), form.pairs(6, 15 if claimed else 5),
            others=others, every=form.pick(ONCE, 3), heap=Minimal(factor), live=factor, key=f"{factor:g}",
            changed=_java("binarytrees")))
    if form.full:
        made.append(Case("binarytrees-21-2.5x", "binarytrees", "binarytrees",
                         {"depth": 21, "threads": 1}, ("lull", "mimalloc", "malloc"),
                         form.pairs(5, 5), others=COLLECTORS, heap=Minimal(2.5), live=2.5,
                         seconds=300, changed=_java("binarytrees")))
    return made


def churn(form: Form) -> list[Case]:
    """An operation allocates 2.8 KB on average; there are enough of them for a collection at least,
    which begins when 60 % of the room beside the live data is used."""
    others = ("jemalloc", "mimalloc") + COLLECTORS
    # Live size; operations, pairs, other peers; of the full form, which has them in one of so many
    # rounds.
    few: Sequence = (("64M", 500_000, 6, ("boehm", "java-g1"), ONCE),
                     ("512M", 1_000_000, 2, (), ONCE),
                     ("2G", 1_000_000, 1, (), ONCE))
    many: Sequence = (("64M", 1_000_000, FULL_PAIRS, others, 3),
                      ("512M", 1_000_000, FULL_PAIRS, others, ONCE),
                      ("2G", 3_000_000, FULL_PAIRS, ("mimalloc", "java-z", "go"), ONCE),
                      ("4G", 3_000_000, FULL_PAIRS, (), ONCE))
    made = []
    for live, operations, pairs, others, every in form.pick(few, many):
        heap = 3 * size(live)
        made.append(Case(
            f"churn-{live}", "churn", "churn", {"live": live, "operations": operations},
            ("lull", "malloc"), form.pairs(pairs, pairs), others=others, every=every, heap=heap,
            live=3, whole=False, control=True, memory=heap + heap // 12, seconds=300, key=live,
            changed=_java("churn")))
    return made


def pusher(form: Form) -> list[Case]:
    live = 200_000
    return [Case("pusher", "pusher", "pusher",
                 {"live": live, "pushes": form.pick(4_000_000, 8_000_000)}, ("lull", "malloc"),
                 form.pairs(6), heap=3 * live * (1024 + 16) // MB * MB, live=3,
                 whole=False, others=form.pick((), ("jemalloc", "mimalloc") + COLLECTORS), control=True,
                 changed=_java("pusher"))]


def textindex(form: Form) -> list[Case]:
    return [Case("textindex", "textindex", "textindex",
                 {"threads": 2, "queriers": 1, "seconds": 0, "limit-mb": form.pick(48, 128)},
                 ("lull", "malloc"), form.pairs(3), others=form.pick((), ("boehm",)),
                 kind="textindex")]


def gcbench(form: Form) -> list[Case]:
    made = []
    for threads in form.pick((1, 2), (1, 2, 4, 8)):
        made.append(Case(
            f"gcbench-{threads}t", "gcbench", "gcbench", {"threads": threads},
            ("lull", "malloc"), form.pairs(2, 6), key=str(threads),
            others=form.pick((), ("mimalloc", "boehm", "java-g1", "go")),
            heap=form.pick(None, Minimal(2.5)), live=2.5, changed=_java("gcbench")))
    return made


def others(form: Form) -> list[Case]:
    heap = form.pick(None, Minimal(2.5))
    peers = form.pick((), MALLOCS + COLLECTORS)
    table: Mapping[str, Arguments] = {
        "tree": {"depth": 20, "operations": form.pick(300_000, 1_000_000), "threads": 1},
        "cache": {"entries": 200_000, "operations": form.pick(800_000, 2_000_000), "threads": 2},
        "documents": {"documents": form.pick(10_000, 30_000), "threads": 2},
    }
    # With the same live data, but little work: near the minimum it takes a hundred times as long.
    trials: Mapping[str, Arguments] = {
        "tree": {"operations": 50_000}, "cache": {"operations": 100_000},
        "documents": {"documents": 3_000}}
    return [Case(name, "others", name, arguments, ("lull", "malloc"), form.pairs(2, 6),
                 others=peers, heap=heap, trial=trials[name], live=2.5 if form.full else 3.0,
                 changed=_java(name)) for name, arguments in table.items()]


def micro(form: Form) -> list[Case]:
    """Most take turns and medians in themselves."""
    # Name, program, arguments, runs in both forms.
    table: Sequence[tuple[str, str, Arguments, int, int]] = (
        # Addresses differ from run to run, and with them loops of a nanosecond.
        ("barrier", "barrier", {"rounds": form.pick(7, 21)}, 2, 6),
        ("create", "create", {}, 2, 6),
        ("handshakes", "handshakes", {"roots": 1000, "cycles": 200}, 1, 6),
        ("handshake-storm", "handshakes", {"threads": 8, "blocked": 1024, "roots": 16,
                                           "cycles": form.pick(10, 100)}, 1, 3),
        ("metadata", "metadata", {}, 1, 3),
        ("roots", "roots", {"few": 1000, "many": 1_000_000, "cycles": form.pick(25, 50)}, 1, 6),
        ("marking", "marking", {"bytes": "1G", "collections": form.pick(2, 5)}, 1, 6),
    )
    return [Case(name, "micro", program, arguments, ("lull",), form.pairs(short, full),
                 kind="micro", memory=3 * GB if program == "marking" else 0)
            for name, program, arguments, short, full in table]


def chosen(made: list[Case], names: Sequence[str]) -> list[Case]:
    """Those whose name, group or program is in the list, or which begin with such a name and a
    dash; a name that fits none is an error."""
    def fits(case: Case, name: str) -> bool:
        return name in (case.name, case.group, case.program) or case.name.startswith(name + "-")

    for name in names:
        if not any(fits(case, name) for case in made):
            raise ValueError(f"'{name}' is no benchmark; --list shows them")
    return [case for case in made if any(fits(case, name) for name in names)]


FREE_AT_LEAST = GB // 2     # what must stay free beside a run
