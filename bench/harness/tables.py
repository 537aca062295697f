"""The tables of workloads: for every case a row for each manager. Cells are texts; how they look is
page.py's matter."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, Iterator, Optional, Sequence

import words
from case import Case, command_words, in_units
from managers import LULL, MANAGERS
from results import Results
from stats import median, ratio

NS_PER = ("ns_per_object",)      # metrics that are themselves few nanoseconds


@dataclass
class Table:
    title: str
    note: str
    head: list[str]
    rows: list[list[str]] = field(default_factory=list)
    marked: set[int] = field(default_factory=set)      # rows that stand out


@dataclass(frozen=True)
class Column:
    head: str
    path: str
    text: Callable[[Optional[float]], str]


def _share(value: Optional[float]) -> str:
    return words.NONE if value is None else f"{value * 100:.1f} %"


def _count(value: Optional[float]) -> str:
    return words.NONE if value is None else f"{value:,.0f}"


def _per_million(value: Optional[float]) -> str:
    return words.NONE if value is None else words.digits(value)


COLUMNS = (
    Column("CPU", "cpu", words.duration),
    Column("CPU beside the mutators", "collector_cpu", words.duration),
    Column("its share", "collector_share", _share),
    Column("resident", "resident", words.memory),
    Column("p50", "latency.p50", words.duration),
    Column("p99", "latency.p99", words.duration),
    Column("p99.9", "latency.p999", words.duration),
    Column("p99.99", "latency.p9999", words.duration),
    Column("longest", "latency.max", words.duration),
    Column("stalls in 10⁶", "stall_share", _per_million),
    Column("worst 100 ms", "worst_100ms", words.duration),
    Column("caused, longest", "caused.max", words.duration),
    Column("stall, longest", "longest_stall", words.duration),
    Column("not run", "delay_share", _share),
    Column("cycles", "cycles", _count),
    Column("minor", "cycles_minor", _count),
)


def typical(results: Results, case: str, manager: str, path: str) -> Optional[float]:
    values = results.values(case, manager, path)
    return median(values) if values else None


def main_text(case: Case, value: Optional[float]) -> str:
    if value is not None and case.metric in NS_PER:
        return f"{words.digits(value)} ns"
    return words.duration(value)


def metric_title(case: Case) -> str:
    return {"wall": "wall time", "ns_per_object": "CPU for an object"}.get(case.metric, case.metric)


def case_title(results: Results, case: Case) -> str:
    text = case.name
    if case.name in results.heaps:
        text += f", heap {in_units(results.heaps[case.name])}"
    if case.name in results.minimums:
        text += f" (minimal {in_units(results.minimums[case.name])})"
    return text


def case_table(results: Results, case: Case) -> Table:
    """Medians over the rounds; a ratio is that of a variant of Lull over the manager, by pairs."""
    present = results.managers_of(case.name)
    variants = [name for name in LULL if name in present]
    columns = [column for column in COLUMNS
               if any(typical(results, case.name, name, column.path) is not None
                      for name in present)]
    table = Table(case_title(results, case), " ".join(arguments(case)),
                  ["", metric_title(case)]
                  + [head for variant in variants
                     for head in (f"{MANAGERS[variant].title} / this", "95 % interval")]
                  + ["runs"] + [column.head for column in columns])
    for name in present:
        if name in LULL + ("control",):
            table.marked.add(len(table.rows))
        table.rows.append(_row(results, case, name, variants, columns))
    return table


def _row(results: Results, case: Case, name: str, variants: Sequence[str],
         columns: Sequence[Column]) -> list[str]:
    title = "control: malloc, 64 MB churn" if name == "control" else MANAGERS[name].title
    row = [title, main_text(case, typical(results, case.name, name, case.metric))]
    for variant in variants:
        pairs = results.pairs(case.name, case.metric, variant, name)
        compared = ratio(pairs) if pairs and name not in (variant, "control") else None
        row += [words.ratio(compared.value) if compared else words.NONE,
                words.interval(compared) if compared else words.NONE]
    row.append(str(len(results.of(case.name, name))))
    return row + [column.text(typical(results, case.name, name, column.path)) for column in columns]


def arguments(case: Case) -> Iterator[str]:
    yield case.program
    yield from command_words(case.arguments)
