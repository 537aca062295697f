"""The table for README.md: few rows, each of the goals that share a subject."""
from __future__ import annotations

import math
from typing import Iterator, Mapping, Sequence

import words
from goals import PAIRED, TITLES, Verdict
from managers import LULL
from results import Results

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"


def markdown(machine: Mapping[str, str], results: Results, verdicts: Sequence[Verdict]) -> str:
    lines = ["| what | measured | goal | |", "|---|---|---|---|"]
    for variant in LULL:
        rows = list(_rows([verdict for verdict in verdicts if verdict.goal.manager == variant]))
        if rows:
            lines += [f"| **{TITLES[variant]}** | | | |", *rows]
    lines.append("")
    lines.append(_remark(machine, results, verdicts))
    return "\n".join(lines) + "\n"


def _rows(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Goals with one subject, in one unit and with one bound are one row."""
    rows: dict[tuple, list[Verdict]] = {}
    for verdict in verdicts:
        goal = verdict.goal
        if verdict.estimate is not None:
            key = (subject(goal.text), goal.unit, goal.bound, goal.least)
            rows.setdefault(key, []).append(verdict)
    for (title, unit, bound, least), group in rows.items():
        sign = "at least" if least else "at most"
        yield (f"| {title} | {_range(group, unit)} | {sign} {words.quantity(bound, unit)} "
               f"| {_state(group)} |")


def subject(text: str) -> str:
    """The goal's text without the sizes that tell its sisters apart, which stand in brackets in
    none and between a colon or commas in all."""
    parts = [part.strip() for part in text.replace(": ", ", ").split(", ")]
    return ", ".join(part for part in parts if not _is_size(part))


def _is_size(part: str) -> bool:
    return (part.startswith("heap ") or part.endswith((" thread", " threads", " live"))
            or part.endswith(("minimal heap", " µs")))


def _range(group: Sequence[Verdict], unit: str) -> str:
    values = sorted(verdict.estimate.value for verdict in group if verdict.estimate)
    if len(values) > 1 and not math.isclose(values[0], values[-1], rel_tol=0.005):
        return f"{words.quantity(values[0], unit)} to {words.quantity(values[-1], unit)}"
    estimate = group[0].estimate
    if len(values) == 1 and estimate and estimate.low is not None:
        return f"{words.quantity(values[0], unit)} ({words.interval(estimate, unit)})"
    return words.quantity(values[0], unit)


def _state(group: Sequence[Verdict]) -> str:
    missed = sum(verdict.state == "missed" for verdict in group)
    if missed == 0:
        return "met"
    return "missed" if len(group) == 1 else f"missed in {missed} of {len(group)}"


def _remark(machine: Mapping[str, str], results: Results, verdicts: Sequence[Verdict]) -> str:
    pairs = [verdict.estimate.pairs for verdict in verdicts
             if verdict.estimate and verdict.goal.kind in PAIRED]
    rounds = f"{min(pairs)} to {max(pairs)} interleaved pairs" if pairs else "no pairs"
    return (f"{machine.get('CPU', 'CPU unknown')}; {machine.get('memory', '').split(',')[0]}; "
            f"{machine.get('compiler', '').split(';')[0]}; {rounds}; "
            f"{len(results.problems)} problems.")


def update(readme: str, report: str) -> None:
    """Puts the table between the markers. ValueError where they are not in the file."""
    with open(readme, encoding="utf-8") as file:
        text = file.read()
    with open(report, encoding="utf-8") as file:
        table = file.read()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{readme} has no lines {BEGIN} and {END}")
    if text.count(BEGIN) + text.count(END) != 2:
        raise ValueError(f"{readme} has the markers more than once")
    with open(readme, "w", encoding="utf-8") as file:
        file.write(f"{before}{BEGIN}\n{table}{END}{after}")
