"""The goals, and whether the runs meet them.

A comparison is judged by its median: met or missed. It is certain when the whole 95 % interval is
on that side of the bound; with fewer than six pairs there is no interval and nothing is certain.
A limit on the worst case is judged by the worst of all runs. Where Lull ran without a collection,
nothing is judged.
"""
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Callable, Mapping, Optional

from case import MB
from results import Results
from stats import Estimate, median, median_interval, quotient, ratio, total_ratio

US = 1e3      # ns
CHURN = ("64M", "512M", "2G", "4G")      # live sizes


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


@dataclass(frozen=True)
class Verdict:
    goal: Goal
    state: str                 # met, missed, not measured
    certain: Optional[bool]    # None: not a question of chance, or not measured
    estimate: Optional[Estimate]
    beside: str = ""


def _ratio(results: Results, goal: Goal) -> Optional[Estimate]:
    pairs = results.pairs(goal.case, goal.figure, "lull", goal.peer)
    return ratio(pairs) if pairs else None


def _own_ratio(results: Results, goal: Goal) -> Optional[Estimate]:
    """Of two figures of the same run."""
    above = results.values(goal.case, "lull", goal.figure)
    below = results.values(goal.case, "lull", goal.peer_figure)
    return ratio(list(zip(above, below))) if above and len(above) == len(below) else None


def _counts(results: Results, goal: Goal) -> Optional[Estimate]:
    pairs = results.pairs(goal.case, goal.figure, "lull", goal.peer)
    return total_ratio(pairs) if pairs else None


def _growth(results: Results, goal: Goal) -> Optional[Estimate]:
    """By how much more Lull's figure grows from the base case to the case than the peer's: one
    quotient of quotients for each round."""
    here = results.pairs(goal.case, goal.figure, "lull", goal.peer)
    there = results.pairs(goal.base, goal.figure, "lull", goal.peer)
    rounds = min(len(here), len(there))
    if rounds == 0:
        return None
    return median_interval([quotient(quotient(*one), quotient(*two))
                            for one, two in zip(here[:rounds], there[:rounds])])


def _typical(results: Results, goal: Goal) -> Optional[Estimate]:
    values = results.values(goal.case, "lull", goal.figure)
    return median_interval(values) if values else None


def _worst(results: Results, goal: Goal) -> Optional[Estimate]:
    """The highest value of all cases whose name begins so."""
    values = [value for case in results.cases() if case.name.startswith(goal.case)
              for value in results.values(case.name, "lull", goal.figure)]
    return Estimate(max(values), None, None, len(values)) if values else None


Measure = Callable[[Results, Goal], Optional[Estimate]]
KINDS: Mapping[str, Measure] = {
    "ratio": _ratio, "own ratio": _own_ratio,
    "counts": _counts, "growth": _growth, "at most": _typical, "at least": _typical,
    "worst": _worst}


def judge(results: Results, goal: Goal) -> Verdict:
    if 0 in results.values(goal.case, "lull", "cycles"):
        return Verdict(goal, "not measured", None, None, "there was a run without a collection")
    estimate = KINDS[goal.kind](results, goal)
    if estimate is None or math.isnan(estimate.value):
        return Verdict(goal, "not measured", None, None)
    low, high = estimate.low, estimate.high
    if goal.kind == "at least":
        met = estimate.value >= goal.bound
        certain = (low is not None and low >= goal.bound if met
                   else high is not None and high < goal.bound)
    else:
        met = estimate.value <= goal.bound
        certain = (high is not None and high <= goal.bound if met
                   else low is not None and low > goal.bound)
    beside = control_text(results, goal.case) if goal.latency else ""
    return Verdict(goal, "met" if met else "missed", None if goal.kind == "worst" else certain,
                   estimate, beside)


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
    return [*_alloc(), *_throughput(), *_churn(), *_memory(), *_micro()]


def _spaced(size: str) -> str:
    """64M as 64 MB."""
    return f"{size[:-1]} {size[-1]}B"


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
