"""What runs: every case of the short form and of the full one.

The short form is to end within six minutes on two cores: Lull beside the peer of each goal with
few pairs, so that most medians have no interval, and a few other peers once. The full form is to
end after about an hour: at least 15 pairs wherever a goal compares two managers (6 where a run
takes 10 seconds or more: large live sizes), all peers once or in some of the rounds, more sizes,
and heaps of many sizes.

Goals name the variant of Lull that they are about: as it comes (lull), or with major cycles only
(lull-major). Where a program is measured, both run; the one that no goal names there in few rounds.
"""
from __future__ import annotations

from dataclasses import replace
from typing import Mapping, Optional, Sequence

from case import GB, MB, Arguments, Case, Minimal, size
from managers import JAVA, LULL

FULL_PAIRS = 15
LONG_PAIRS = 6       # where a run takes 10 seconds or more; the least with an interval
ONCE = 1000          # rounds
FEW = 5
FACTORS = (1.5, 2.0, 2.5, 3.0, 4.0)     # of the minimal heap
CLAIMED_FACTORS = (2.5, 4.0)
MALLOCS = ("malloc", "jemalloc", "mimalloc")
COLLECTORS = ("boehm",) + JAVA + ("go", "ocaml")
SOME = ("jemalloc", "mimalloc", "boehm", "java-g1", "java-z", "go", "ocaml")

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
                    "is a multiple of the least with which Lull runs it in stop-the-world mode, "
                    "with major cycles only. “2t”: two threads share out the same trees, in every "
                    "language; OCaml 4.13 runs one thread at a time and is left out there."),
    "churn": ("Churn: latency beside a large live heap",
              "A forest of a given size; lists are built and dropped, subtrees swapped and "
              "replaced, and each operation is timed. The heap is 3 × the live size, or "
              "2 × (“2x”)."),
    "pusher": ("Pusher: a ring of 1 KB buffers",
               "Each push replaces the oldest of 200,000 buffers; the heap is 3 × the live size."),
    "textindex": ("Text index",
                  "The demo of examples/textindex and its twins: wall time until real text is "
                  "indexed by two threads beside one that queries."),
    "gcbench": ("GCBench",
                "The benchmark of Ellis, Kovac and Boehm, all of it in each thread. “Longest "
                "stall”: of Boehm's collector the longest time for which all threads were stopped; "
                "of Lull the longest wait for memory or a claim, or work of the library in a "
                "thread (CPU time), whichever is longer."),
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


def control() -> Case:
    """What the machine alone does to latencies: churn on malloc, in every round of a case that is
    about latency."""
    return Case("control", "churn", "churn", {"live": "64M", "operations": 500_000}, ("malloc",),
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
                # Without --full nothing is allocated before: enough that the first touch of the
                # heap's pages is a small part.
                arguments = {"size": 24, "objects": form.pick(10_000_000, 20_000_000) if full
                             else form.pick(50_000_000, 100_000_000),
                             "threads": threads, "full": full or None}
                made.append(Case(
                    f"alloc-{heap}-{threads}t" + (f"-full{full}" if full else ""), "alloc", "alloc",
                    arguments, ("lull-major", "recycle"), form.pairs(3 if full else 6),
                    heap=size(heap), others=("lull",) if full else ("lull",) + others,
                    every=form.pick(ONCE, FEW), changed={"recycle": {"full": None},
                                                         **_java("alloc")},
                    whole=False, metric="ns_per_object"))
    return made


def binarytrees(form: Form) -> list[Case]:
    return [*_one_mutator(form), *_two_mutators(form)]


def _trees(name: str, depth: int, threads: int, factor: float, claims: tuple[str, ...],
           pairs: int) -> Case:
    return Case(name, "binarytrees", "binarytrees", {"depth": depth, "threads": threads}, claims,
                pairs, heap=Minimal(factor), live=factor, seconds=300,
                changed=_java("binarytrees"))


def _one_mutator(form: Form) -> list[Case]:
    everyone = MALLOCS + COLLECTORS
    made = []
    for factor in form.pick(CLAIMED_FACTORS, FACTORS):
        one = _trees(f"binarytrees-18-{factor:g}x", 18, 1, factor, LULL + ("mimalloc",),
                     form.pairs(4, 3))
        if factor == 2.5:
            one = replace(one, claims=LULL + ("mimalloc", "ocaml"), pairs=form.pairs(4))
            others = form.pick(("malloc", "boehm", "java-g1", "go"), everyone)
        else:
            others = form.pick((), everyone)
        if factor in CLAIMED_FACTORS:
            one = replace(one, pairs=form.pairs(4), every=form.pick(ONCE, FEW))
        made.append(replace(one, others=others, key=f"{factor:g}"))
    return made


def _two_mutators(form: Form) -> list[Case]:
    claims = ("lull", "mimalloc", "java-serial", "java-parallel", "java-g1")
    one = _trees("binarytrees-18-2t-2.5x", 18, 2, 2.5, claims, form.pairs(3))
    made = [replace(one, others=("lull-major",) + form.pick((), ("malloc", "boehm", "go")))]
    if form.full:
        large = _trees("binarytrees-21-2t-2.5x", 21, 2, 2.5, ("lull", "mimalloc"), form.pairs(15))
        made.append(replace(large, others=("lull-major", "malloc", "java-parallel", "java-g1",
                                           "go")))
    return made


def churn(form: Form) -> list[Case]:
    """An operation allocates 2.8 KB on average; there are enough of them for a collection at least,
    which begins when 60 % of the room beside the live data is used, or of as much as the live data
    if that is less."""
    return [*_churn_latency(form), *_churn_beside(form)]


def _churn(name: str, live: str, factor: int, operations: int, pairs: int) -> Case:
    heap = factor * size(live)
    return Case(name, "churn", "churn", {"live": live, "operations": operations},
                ("lull-major", "malloc"), pairs, heap=heap, live=factor, whole=False,
                memory=heap + heap // 12, seconds=300, key=live, changed=_java("churn"))


def _churn_latency(form: Form) -> list[Case]:
    # Live size; operations, pairs, other peers.
    few: Sequence = (("64M", 500_000, 4, ("boehm", "java-g1")), ("512M", 500_000, 2, ()),
                     ("2G", 700_000, 1, ()))
    many: Sequence = (("64M", 1_000_000, FULL_PAIRS, ("jemalloc", "mimalloc") + COLLECTORS),
                      ("512M", 500_000, FULL_PAIRS, ("mimalloc", "boehm", "java-z", "go")),
                      ("2G", 700_000, LONG_PAIRS, ()), ("4G", 1_200_000, LONG_PAIRS, ()))
    return [replace(_churn(f"churn-{live}", live, 3, operations, form.pairs(pairs, pairs)),
                    others=("lull",) + others, control=True)
            for live, operations, pairs, others in form.pick(few, many)]


def _churn_beside(form: Form) -> list[Case]:
    few: Sequence = (("64M", 300_000, 3, ()), ("512M", 300_000, 1, ()))
    many: Sequence = (("64M", 500_000, FULL_PAIRS, ("mimalloc", "boehm", "java-g1", "go")),
                      ("512M", 500_000, FULL_PAIRS, ()), ("2G", 700_000, LONG_PAIRS, ()),
                      ("4G", 1_200_000, LONG_PAIRS, ()))
    return [replace(_churn(f"churn-{live}-2x", live, 2, operations, form.pairs(pairs, pairs)),
                    claims=LULL + ("malloc",), others=others)
            for live, operations, pairs, others in form.pick(few, many)]


def pusher(form: Form) -> list[Case]:
    live = 200_000
    return [Case("pusher", "pusher", "pusher",
                 {"live": live, "pushes": form.pick(4_000_000, 8_000_000)},
                 ("lull-major", "malloc"), form.pairs(3), heap=3 * live * (1024 + 16) // MB * MB,
                 live=3, whole=False, control=True, changed=_java("pusher"),
                 others=("lull",) + form.pick((), ("jemalloc", "mimalloc") + COLLECTORS))]


def textindex(form: Form) -> list[Case]:
    return [Case("textindex", "textindex", "textindex",
                 {"threads": 2, "queriers": 1, "seconds": 0, "limit-mb": form.pick(48, 64)},
                 ("lull-major", "malloc"), form.pairs(3),
                 others=("lull",) + form.pick((), ("boehm",)), kind="textindex")]


def gcbench(form: Form) -> list[Case]:
    made = []
    for threads in form.pick((1, 2), (1, 2, 4, 8)):
        for factor in form.pick((2.5,), (1.75, 2.5)):
            peers = ("malloc", "mimalloc", "java-g1", "go") if factor == 2.5 else ()
            made.append(Case(
                f"gcbench-{threads}t-{factor:g}x", "gcbench", "gcbench", {"threads": threads},
                ("lull", "boehm"), form.pairs(3), key=str(threads),
                others=("lull-major",) + form.pick((), peers), heap=Minimal(factor), live=factor,
                seconds=120, changed=_java("gcbench")))
    return made


def others(form: Form) -> list[Case]:
    tree = {"depth": form.pick(19, 20), "operations": form.pick(200_000, 500_000), "threads": 1}
    table: Mapping[str, Arguments] = {
        "tree": tree,
        "cache": {"entries": 200_000, "operations": form.pick(800_000, 2_000_000), "threads": 2},
        "documents": {"documents": form.pick(10_000, 30_000), "threads": 2},
    }
    # With the same live data, but little work: near the minimum it takes a hundred times as long.
    trials: Mapping[str, Arguments] = {
        "tree": {"operations": 10_000}, "cache": {"operations": 100_000},
        "documents": {"documents": 3_000}}
    made = [Case("tree-1.5x", "others", "tree", tree, LULL, form.pairs(3), heap=Minimal(1.5),
                 live=1.5, trial=trials["tree"], others=form.pick((), ("malloc",)))]
    made += [Case(name, "others", name, arguments, ("lull", "malloc"), form.pairs(1, 3),
                  others=("lull-major",) + form.pick((), SOME), heap=form.pick(None, Minimal(2.5)),
                  trial=trials[name], live=2.5 if form.full else 3.0, changed=_java(name))
             for name, arguments in table.items()]
    return made


def micro(form: Form) -> list[Case]:
    """Most take turns and medians in themselves."""
    # Name, program, arguments, runs in both forms; whose goals are for major cycles.
    majors: Sequence[tuple[str, str, Arguments, int, int]] = (
        # Addresses differ from run to run, and with them loops of a nanosecond.
        ("barrier", "barrier", {"rounds": form.pick(7, 15)}, 1, 4),
        ("create", "create", {}, 2, 6),
        ("handshakes", "handshakes", {"roots": 1000, "cycles": 200}, 1, 6),
        ("handshake-storm", "handshakes", {"threads": 8, "blocked": 1024, "roots": 16,
                                           "cycles": form.pick(10, 50)}, 1, 2),
        ("metadata", "metadata", {}, 1, 2),
        ("roots", "roots", {"few": 1000, "many": 1_000_000, "cycles": form.pick(25, 50)}, 1, 4),
        ("marking", "marking", {"bytes": "1G", "collections": form.pick(1, 3)}, 1, 4),
    )
    minors: Sequence[tuple[str, str, Arguments, int, int]] = (
        ("minor", "minor", {"live": "4G", "young": "16M", "minors": form.pick(24, 64)}, 1, 6),
        ("limit", "limit", {"live": form.pick("8M", "32M")}, 1, 3),
        ("steps-500us", "steps", {"step": 500, "bytes": "2G"}, 1, 6),
        ("steps-100us", "steps", {"step": 100, "bytes": "2G"}, 1, 6),
    )
    memory = {"marking": 3 * GB, "minor": 7 * GB, "steps": GB}
    return [Case(name, "micro", program, arguments, (manager,), form.pairs(short, full),
                 kind="micro", memory=memory.get(program, 0), seconds=180)
            for manager, table in (("lull-major", majors), ("lull", minors))
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
