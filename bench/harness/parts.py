"""The tables of programs that measure a part of Lull: every number that they print."""
from __future__ import annotations

import re
from typing import Iterator, Optional, Sequence

import words
from case import Case
from managers import MANAGERS
from results import Results
from stats import median, median_interval
from tables import Table, arguments

# Fields that say what ran, not what was found; and those that workloads are for.
_NO_RESULTS = {"workload", "memory", "check", "operations", "threads", "mutator_cpu", "run_delay",
               "rss_peak", "rss", "wall", "cpu"}
_QUARTILE = re.compile("_q[13]$")
# Names of figures, and how they are read: times are the rest that is an integer.
_BYTES = re.compile("resident|^(live|blocks|metadata)_|heap_committed|huge_pages$|^minimal$")
_SHARES = re.compile("^(share|beside)_")
_RATIOS = re.compile("_of_budget$")
_RATES = re.compile("per_(core_)?second$")
_COUNTS = re.compile("^(objects|roots|blocked|few|many|rounds|handshakes_per_cycle|minors|majors|"
                     "barrier_slow|remembered|trials|fits_done|steps|cycles|cycles_minor|stalls|"
                     "(fits|short)_cycles)$")
_TIMES = ("count", "p50", "p99", "p999", "max")


def text_of(path: str, value: Optional[float]) -> str:
    if value is None:
        return words.NONE
    if _COUNTS.search(path):
        return f"{value:,.0f}"
    if _BYTES.search(path):
        return words.memory(value)
    if _SHARES.search(path):
        return words.quantity(value, "%")
    if _RATIOS.search(path):
        return words.ratio(value)
    if _RATES.search(path):
        return words.quantity(value, "M/s")
    return words.duration(value)


def part_tables(results: Results, case: Case) -> list[Table]:
    outcomes = list(results.of(case.name, case.own).values())
    if not outcomes:
        return []
    figures = outcomes[0].figures
    made = [_figures(results, case, figures), _times(results, case, figures)]
    return [table for table in made if table.rows]


def _values(results: Results, case: Case, path: str) -> list[float]:
    return results.values(case.name, case.own, path)


def _figures(results: Results, case: Case, figures: dict) -> Table:
    table = Table(f"{case.name}, {MANAGERS[case.own].title}", " ".join(arguments(case)),
                  ["", "median", "quartiles within a run", "95 % interval of runs", "runs"])
    for path in _numbers(figures):
        values = _values(results, case, path)
        if values:
            estimate = median_interval(values)
            interval = words.NONE if estimate.low is None else (
                f"{text_of(path, estimate.low)} to {text_of(path, estimate.high)}")
            table.rows.append([path, text_of(path, estimate.value), _quartiles(results, case, path),
                               interval, str(estimate.pairs)])
    return table


def _quartiles(results: Results, case: Case, path: str) -> str:
    ends = [_values(results, case, path + ending) for ending in ("_q1", "_q3")]
    if not all(ends):
        return words.NONE
    return " to ".join(text_of(path, median(values)) for values in ends)


def _times(results: Results, case: Case, figures: dict) -> Table:
    """Histograms: medians of the runs, and the longest of all."""
    table = Table(f"{case.name}: times", "", ["", "times", "p50", "p99", "p99.9", "longest"])
    for path, value in figures.items():
        if isinstance(value, dict) and "p50" in value and value.get("count"):
            table.rows.append([path, *_row(results, case, path)])
    return table


def _row(results: Results, case: Case, path: str) -> Sequence[str]:
    found = {name: _values(results, case, f"{path}.{name}") for name in _TIMES}
    made = [f"{median(found['count']):,.0f}"]
    made += [words.duration(median(found[name])) for name in ("p50", "p99", "p999")]
    return made + [words.duration(max(found["max"]))]


def _numbers(figures: dict) -> Iterator[str]:
    for name, value in figures.items():
        if name not in _NO_RESULTS and not _QUARTILE.search(name):
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                yield name


# Ways to store, and loops, of bench/micro/barrier.c.
BARRIERS = (("bare", "bare store"), ("init", "lull_init"), ("store", "lull_store"),
            ("card", "card marking"), ("field", "field logging"), ("marking", "while marking"))
LOOPS = ("hot", "independent", "random")


def barrier_costs(results: Results, case: Case) -> dict[str, list[tuple[str, float, float, float]]]:
    """For each loop: of each way the name, its ns for a store, and the quartiles."""
    made: dict[str, list[tuple[str, float, float, float]]] = {}
    for loop in LOOPS:
        for key, title in BARRIERS:
            found = [_values(results, case, f"{loop}_{key}{ending}")
                     for ending in ("", "_q1", "_q3")]
            if all(found):
                value, low, high = (median(values) for values in found)
                made.setdefault(loop, []).append((title, value, low, high))
    return made
