"""The goals, and whether the runs meet them.

A comparison is judged by its median: met or missed. It is certain when the whole 95 % interval is
on that side of the bound; with fewer than six pairs there is no interval and nothing is certain.
Goals of the kind "interval" are met only by the whole interval. A limit on the worst case is judged
by the worst of all runs. Where a variant of Lull that takes part ran without a collection, nothing
is judged.

Goals were set for Lull as it comes (manager lull), or, before there were minor cycles, for major
cycles only (lull-major); each names the manager whose runs it judges.
"""
from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Callable, Mapping, Optional

import words
from case import MB
from managers import LULL, MANAGERS
from results import Results
from stats import Estimate, median, median_interval, quotient, ratio, total_ratio

US = 1e3      # ns
CHURN = ("64M", "512M", "2G", "4G")      # live sizes
MAJOR = "lull-major"
# Headings for the goals of each variant.
TITLES = {"lull": "Lull as it comes, with minor cycles",
          "lull-major": "With major cycles only (gc.generational=no)"}


@dataclass(frozen=True)
class Goal:
    text: str
    case: str                  # its name; for the worst of many cases the beginning of their names
    figure: str                # a path in the programs' line
    kind: str                  # a key of KINDS
    bound: float
    unit: str = "x"            # of value and bound: x, us, ns, %, M/s, MB
    peer: str = ""
    base: str = ""             # of growth: the case that is compared with
    peer_figure: str = ""      # of Lull's own run, where the peer is another way in the same run
    latency: bool = False      # the control's figures stand beside it
    group: str = ""
    manager: str = "lull"      # a variant of Lull
    beside: str = ""           # a further figure: its ratio to the peer's stands beside it
    machine: str = ""          # a figure of the same run: what the machine alone would make of it

    @property
    def least(self) -> bool:
        """The bound is a lower one."""
        return self.kind in LOWER_BOUNDS


@dataclass(frozen=True)
class Verdict:
    goal: Goal
    state: str                 # met, missed, not measured
    certain: Optional[bool]    # None: not a question of chance, or not measured
    estimate: Optional[Estimate]
    beside: str = ""


def _ratio(results: Results, goal: Goal) -> Optional[Estimate]:
    pairs = results.pairs(goal.case, goal.figure, goal.manager, goal.peer)
    return ratio(pairs) if pairs else None


def _ahead(results: Results, goal: Goal) -> Optional[Estimate]:
    """The peer's figure over Lull's: how many times better Lull is."""
    pairs = results.pairs(goal.case, goal.figure, goal.peer, goal.manager)
    return ratio(pairs) if pairs else None


def _own_ratio(results: Results, goal: Goal) -> Optional[Estimate]:
    """Of two figures of the same run."""
    above = results.values(goal.case, goal.manager, goal.figure)
    below = results.values(goal.case, goal.manager, goal.peer_figure)
    return ratio(list(zip(above, below))) if above and len(above) == len(below) else None


def _counts(results: Results, goal: Goal) -> Optional[Estimate]:
    pairs = results.pairs(goal.case, goal.figure, goal.manager, goal.peer)
    return total_ratio(pairs) if pairs else None


def _growth(results: Results, goal: Goal) -> Optional[Estimate]:
    """By how much more Lull's figure grows from the base case to the case than the peer's: one
    quotient of quotients for each round."""
    here = results.pairs(goal.case, goal.figure, goal.manager, goal.peer)
    there = results.pairs(goal.base, goal.figure, goal.manager, goal.peer)
    rounds = min(len(here), len(there))
    if rounds == 0:
        return None
    return median_interval([quotient(quotient(*one), quotient(*two))
                            for one, two in zip(here[:rounds], there[:rounds])])


def _typical(results: Results, goal: Goal) -> Optional[Estimate]:
    values = results.values(goal.case, goal.manager, goal.figure)
    return median_interval(values) if values else None


def _of_many(results: Results, goal: Goal) -> list[float]:
    """The values of all cases whose name begins so."""
    return [value for case in results.cases() if case.name.startswith(goal.case)
            for value in results.values(case.name, goal.manager, goal.figure)]


def _worst(results: Results, goal: Goal) -> Optional[Estimate]:
    values = _of_many(results, goal)
    return Estimate(max(values), None, None, len(values)) if values else None


def _every(results: Results, goal: Goal) -> Optional[Estimate]:
    """The lowest, where each run has to reach the bound."""
    values = _of_many(results, goal)
    return Estimate(min(values), None, None, len(values)) if values else None


Measure = Callable[[Results, Goal], Optional[Estimate]]
KINDS: Mapping[str, Measure] = {
    "ratio": _ratio, "interval": _ratio, "ahead": _ahead, "own ratio": _own_ratio,
    "counts": _counts, "growth": _growth, "at most": _typical, "at least": _typical,
    "worst": _worst, "every": _every}
LOWER_BOUNDS = ("ahead", "at least", "every")
PAIRED = ("ratio", "interval", "ahead", "counts", "growth")   # of rounds in which both ran
OF_ALL_RUNS = ("worst", "every")      # no question of chance


def judge(results: Results, goal: Goal) -> Verdict:
    variants = [name for name in (goal.manager, goal.peer) if name in LULL]
    if any(0 in results.values(goal.case, name, "cycles") for name in variants):
        return Verdict(goal, "not measured", None, None, "there was a run without a collection")
    estimate = KINDS[goal.kind](results, goal)
    if estimate is None or math.isnan(estimate.value):
        return Verdict(goal, "not measured", None, None, _why_not(results, goal))
    met, certain = _decide(goal, estimate)
    beside = [control_text(results, goal.case)] if goal.latency else []
    beside += _further(results, goal) + _machine(results, goal)
    return Verdict(goal, "met" if met else "missed", None if goal.kind in OF_ALL_RUNS else certain,
                   estimate, "; ".join(beside))


def _why_not(results: Results, goal: Goal) -> str:
    """Which side of the comparison did not come to its end."""
    ended = [f"{MANAGERS[run.manager].title}: {run.outcome.status}" for run in results.runs
             if run.case.name == goal.case and run.manager in (goal.manager, goal.peer)
             and not run.outcome.ok]
    return ", ".join(sorted(set(ended)))


def _decide(goal: Goal, estimate: Estimate) -> tuple[bool, bool]:
    """Whether it is met, and whether the whole interval says so."""
    low, high = estimate.low, estimate.high
    if goal.least:
        met = estimate.value >= goal.bound
        return met, (low is not None and low >= goal.bound if met
                     else high is not None and high < goal.bound)
    judged = high if goal.kind == "interval" and high is not None else estimate.value
    met = judged <= goal.bound
    return met, (high is not None and high <= goal.bound if met
                 else low is not None and low > goal.bound)


def _further(results: Results, goal: Goal) -> list[str]:
    pairs = results.pairs(goal.case, goal.beside, goal.manager, goal.peer) if goal.beside else []
    if not pairs:
        return []
    estimate = ratio(pairs)
    interval = "" if estimate.low is None else f" ({words.interval(estimate)})"
    title = {"cpu": "CPU time"}.get(goal.beside, goal.beside)
    return [f"{title} to that of {MANAGERS[goal.peer].title}: "
            f"{words.ratio(estimate.value)}{interval}"]


def _machine(results: Results, goal: Goal) -> list[str]:
    values = results.values(goal.case, goal.manager, goal.machine) if goal.machine else []
    return [f"a loop that only looks at the clock: {words.ratio(median(values))}"] if values else []


def control_figures(results: Results, case: str) -> dict[str, float]:
    """The machine's control in the rounds of a case: medians."""
    found = {}
    for name, path in (("p9999", "latency.p9999"), ("stalls", "stall_share"),
                       ("delay", "delay_share")):
        values = results.values(case, "control", path)
        if values:
            found[name] = median(values)
    return found


def control_text(results: Results, case: str) -> str:
    known = control_figures(results, case)
    if len(known) < 3:
        return "no control"
    return (f"control (malloc, 64 MB): p99.99 {known['p9999'] / US:,.0f} µs, "
            f"{known['stalls']:,.1f} stalls > 1 ms in a million, "
            f"{known['delay'] * 100:.1f} % of the time not run")


def judge_all(results: Results) -> list[Verdict]:
    return [judge(results, goal) for goal in goals()]


def goals() -> list[Goal]:
    """Those for Lull as it comes, then those for major cycles only."""
    return [*_generations(), *_minor(), *_steps(), *_limit(),
            *(replace(goal, manager=MAJOR)
              for goal in (*_alloc(), *_throughput(), *_churn(), *_memory(), *_micro()))]


def _spaced(size: str) -> str:
    """64M as 64 MB."""
    return f"{size[:-1]} {size[-1]}B"


def _plural(threads: int) -> str:
    return f"{threads} thread" + ("s" if threads > 1 else "")


def _generations() -> list[Goal]:
    return [*_live_tree(), *_binarytrees(), *_gcbench(), *_churn_beside()]


def _live_tree() -> list[Goal]:
    text = "a large live tree with small garbage, 1.5 × minimal heap"
    return [Goal(f"{text}, wall time with major cycles only to that with minors", "tree-1.5x",
                 "wall", "ahead", 2.0, peer=MAJOR, group="others"),
            Goal(f"{text}, collector's share of the CPU time", "tree-1.5x", "collector_share",
                 "at most", 0.15, "%", group="others")]


def _binarytrees() -> list[Goal]:
    one, two, large = "binarytrees-18-2.5x", "binarytrees-18-2t-2.5x", "binarytrees-21-2t-2.5x"
    heap = "2.5 × minimal heap, wall time to"
    made = [Goal(f"binarytrees 18 by one mutator, {heap} mimalloc", one, "wall", "ratio", 0.65,
                 peer="mimalloc"),
            Goal(f"binarytrees 18 by one mutator, {heap} OCaml", one, "wall", "ratio", 1.0,
                 peer="ocaml"),
            Goal(f"binarytrees 18 by two mutators, {heap} mimalloc", two, "wall", "ratio", 0.9,
                 peer="mimalloc")]
    made += [Goal(f"binarytrees 18 by two mutators, {heap} {MANAGERS[peer].title}", two, "wall",
                  "ratio", 1.0, peer=peer)
             for peer in ("java-serial", "java-parallel", "java-g1")]
    made.append(Goal(f"binarytrees 21 by two mutators, {heap} mimalloc", large, "wall", "ratio",
                     0.7, peer="mimalloc"))
    return [replace(goal, beside="cpu", group="binarytrees") for goal in made]


def _gcbench() -> list[Goal]:
    made = []
    for figure, bound, words_of in (("wall", 1.8, "wall time of Boehm's collector to Lull's"),
                                    ("longest_stall", 20.0,
                                     "longest stall of a mutator, Boehm's to Lull's")):
        for factor in ("1.75", "2.5"):
            for threads in (1, 2, 4, 8):
                made.append(Goal(f"gcbench, {_plural(threads)}, {factor} × minimal heap, "
                                 f"{words_of}", f"gcbench-{threads}t-{factor}x", figure, "ahead",
                                 bound, peer="boehm", group="gcbench",
                                 beside="cpu" if figure == "wall" else ""))
    return made


def _churn_beside() -> list[Goal]:
    made = []
    for live in CHURN:
        case, subject = f"churn-{live}-2x", f"churn, {_spaced(live)} live, heap 2 × live"
        made += [Goal(f"{subject}, wall time to malloc and free", case, "wall", "ratio", 1.4,
                      peer="malloc", group="churn"),
                 Goal(f"{subject}, wall time to that with major cycles only, the whole interval",
                      case, "wall", "interval", 1.05, peer=MAJOR, group="churn")]
    return made


def _minor() -> list[Goal]:
    text = "a minor cycle beside 4 GB, 16 MB young"
    return [Goal(f"{text}, what it causes in a mutator", "minor", "minor_mutator_cpu", "at most",
                 200 * US, "us", group="micro"),
            Goal(f"{text}, CPU time of the collector", "minor", "minor_collector_cpu", "at most",
                 20e6, "us", group="micro")]


def _steps() -> list[Goal]:
    return [Goal(f"p99.9 of a step of an incremental cycle to its budget, {budget} µs",
                 f"steps-{budget}us", "step_p999_of_budget", "at most", 1.5, group="micro",
                 machine="control_p999_of_budget")
            for budget in (500, 100)]


def _limit() -> list[Goal]:
    return [Goal("1.2 × the minimal heap: it comes to its end (1)", "limit", "fits_done", "every",
                 1, "x", group="micro"),
            Goal("0.9 × the minimal heap: time until the out-of-memory hook is called", "limit",
                 "short_wall", "worst", 10e9, "us", group="micro"),
            Goal("0.9 × the minimal heap: cycles until then", "limit", "short_cycles", "worst",
                 1000, "x", group="micro")]


def _alloc() -> list[Goal]:
    made = []
    for suffix, bound, words in (("", 1.3, "24 bytes that die at once"),
                                 ("-full60", 3.0, "the same with the heap 60 % full")):
        for heap in ("8M", "64M"):
            for threads in (1, 2):
                plural = "s" if threads > 1 else ""
                made.append(Goal(f"{words}: heap {_spaced(heap)}, {threads} thread{plural}, "
                                 "to bump allocation in 1 MB",
                                 f"alloc-{heap}-{threads}t{suffix}", "ns_per_object", "ratio",
                                 bound, peer="recycle", group="alloc"))
    return made


def _throughput() -> list[Goal]:
    made = [Goal(f"binarytrees 18, {factor} × minimal heap, wall time to mimalloc",
                 f"binarytrees-18-{factor}x", "wall", "ratio", 0.75, peer="mimalloc",
                 group="binarytrees") for factor in ("2.5", "4")]
    made += [Goal(f"churn, {_spaced(live)} live, wall time to malloc", f"churn-{live}", "wall",
                  "ratio", 1.6, peer="malloc", group="churn") for live in CHURN]
    made.append(Goal("pusher, wall time to malloc", "pusher", "wall", "ratio", 1.3, peer="malloc",
                     group="pusher"))
    made.append(Goal("pusher, stalls over 1 ms to malloc", "pusher", "stall_count", "counts", 1.3,
                     peer="malloc", latency=True, group="pusher"))
    made.append(Goal("text index, wall time to its malloc twin", "textindex", "wall", "ratio", 1.15,
                     peer="malloc", group="textindex"))
    return made


def _churn() -> list[Goal]:
    made = []
    for live in CHURN:
        case, subject = f"churn-{live}", f"churn, {_spaced(live)} live"
        made += [
            Goal(f"{subject}, longest delay caused by the library in one call", case, "caused.max",
                 "worst", 300 * US, "us", latency=True, group="churn"),
            Goal(f"{subject}, p99.99 to malloc", case, "latency.p9999", "ratio", 1.3, peer="malloc",
                 latency=True, group="churn"),
            Goal(f"{subject}, stalls over 1 ms to malloc", case, "stall_count", "counts", 1.3,
                 peer="malloc", latency=True, group="churn")]
    made.append(Goal("churn, growth of p99.99 from 64 MB to 2 GB live, to that of malloc",
                     "churn-2G", "latency.p9999", "growth", 1.3, peer="malloc", base="churn-64M",
                     latency=True, group="churn"))
    return made


def _memory() -> list[Goal]:
    made = [Goal("metadata, of the committed memory beside it (64 MB and more), in all runs", "",
                 "metadata_share", "worst", 0.06, "%", group="micro")]
    for name in ("churn", "pusher", "binarytrees"):
        made.append(Goal(f"{name}, resident memory, of the heap limit + 8 % + 16 MB", name,
                         "resident_share", "worst", 1.0, "x", group=name))
    return made


def _micro() -> list[Goal]:
    roots = "1,000 roots"
    marking = "marking 48-byte objects in random order, 1 GB, a second and core"
    create = "heap created, thread attached, first object, destroyed"
    return [
        Goal(f"{create}: wall time, median", "create", "round_wall.p50", "at most", 300 * US, "us",
             group="micro"),
        Goal("resident memory of a heap with one object", "create", "heap_resident", "at most", MB,
             "MB", group="micro"),
        Goal("resident memory of the first heap of a process, with one object", "create",
             "first_resident", "at most", MB, "MB", group="micro"),
        Goal(f"handshake closure of a running thread, {roots}, p99.9 of CPU time", "handshakes",
             "running_closure.p999", "at most", 50 * US, "us", group="micro"),
        Goal("a blocked thread in a handshake, the collector's CPU time without its roots",
             "handshakes", "blocked_thread", "at most", 2 * US, "us", group="micro"),
        Goal("idle store barrier on a hot loop of independent stores, over a bare store", "barrier",
             "independent_store_over", "at most", 0.4, "ns", group="micro"),
        Goal("the same, to card marking", "barrier",
             "independent_store", "own ratio", 1.0, peer_figure="independent_card", group="micro"),
        Goal("the same, to field logging", "barrier",
             "independent_store", "own ratio", 1.0, peer_figure="independent_field", group="micro"),
        Goal(f"{marking}, 4 KB pages", "marking", "small_per_core_second", "at least", 30e6, "M/s",
             group="micro"),
        Goal(f"{marking}, huge pages", "marking", "huge_per_core_second", "at least", 40e6, "M/s",
             group="micro"),
    ]
