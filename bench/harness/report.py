"""report.html, report.md, results.json, and the summary on the terminal."""
from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import Iterator, Mapping, Sequence

import page
import plots
import words
from case import Case
from goals import TITLES, Verdict
from managers import LULL, MANAGERS, version
from plan import GROUPS
from parts import barrier_costs, part_tables
from readme import markdown
from results import Results
from tables import case_table

METHOD = (
    "A round runs every manager once, in an order that is random in every second round and "
    "reversed in the next. A ratio is the median of the ratios of the rounds, never a ratio of "
    "medians. Its interval is that of the sign test: two order statistics that enclose the median "
    "with at least 95 % probability whatever the distribution. It exists from six rounds on; the "
    "short form has fewer in places, and says so by a dash.",
    "Counts of stalls are compared by their totals over all rounds; their interval is a percentile "
    "bootstrap over the rounds, because stalls come in clusters. Absolute values are medians over "
    "the runs; for limits on the worst case, the worst of all runs.",
    "A goal is met or missed by the value in the table. A badge with a dashed border says that the "
    "interval reaches over the bound, or that there are too few rounds for one.",
    "Lull runs in two variants: as it comes, with minor cycles, and with major cycles only "
    "(gc.generational=no). Each goal is about one of them; goals for major cycles only are those "
    "that were set before there were minor ones.",
    "The minimal heap is the least with which Lull runs the same program in stop-the-world mode "
    "with major cycles only, found by bisection to 2 %; a run that is not done in the time of the "
    "case counts as too small. All managers get the same multiple of it, although their objects "
    "differ in size.",
    "Times are those of the measured part, which each program takes itself; neither start nor end "
    "of the process is in it. Every program checks its results, and the check number must be the "
    "same for all managers; a difference is a failure of the whole run. (The text index has no "
    "such number; each of its runs compares the index with a count of its own.) Latencies are wall "
    "time of single operations, in histograms with steps of 12.5 %.",
    "What the machine itself does to latencies is measured by a control in every round of a case "
    "about latency: churn on malloc with 64 MB. “Not run” is the share of the wall time in which "
    "the threads were runnable and the system ran something else (schedstat).",
    "Resident memory is the larger one of what the program read from the system during the "
    "measured part and of what wait4 says of the whole process, where that is above the harness's "
    "own.",
)


@dataclass(frozen=True)
class Setting:
    """What the report says of the run as a whole."""
    title: str
    machine: Mapping[str, str]
    seconds: float
    full: bool
    seed: int


def write_all(folder: str, setting: Setting, results: Results, verdicts: Sequence[Verdict]) -> None:
    _write(os.path.join(folder, "results.json"), _raw(setting, results, verdicts))
    _write(os.path.join(folder, "report.md"), markdown(setting.machine, results, verdicts))
    _write(os.path.join(folder, "report.html"),
           page.document(setting.title, _body(setting, results, verdicts)))


def _write(path: str, text: str) -> None:
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".new", path)


def _raw(setting: Setting, results: Results, verdicts: Sequence[Verdict]) -> str:
    return json.dumps({
        "machine": dict(setting.machine), "full": setting.full, "seed": setting.seed,
        "seconds": setting.seconds, "interrupted": results.interrupted,
        "heaps": results.heaps, "minimums": results.minimums, "skipped": results.skipped,
        "problems": results.problems, "versions": _versions(results),
        "goals": [_finite(asdict(verdict)) for verdict in verdicts],
        "runs": list(results.as_list())}, indent=1)


def _finite(value):
    """JSON knows no infinity."""
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    return str(value) if isinstance(value, float) and abs(value) == float("inf") else value


def _versions(results: Results) -> dict[str, str]:
    used = {run.manager for run in results.runs if run.manager in MANAGERS}
    return {name: version(name) for name in MANAGERS if name in used}


def _body(setting: Setting, results: Results, verdicts: Sequence[Verdict]) -> Iterator[str]:
    groups = [name for name in GROUPS if any(case.group == name for case in results.cases())]
    yield page.heading(1, setting.title)
    yield page.paragraph(f"{setting.machine.get('date', '')} · {setting.machine.get('CPU', '')} · "
                         f"{'full' if setting.full else 'short'} form", "soft")
    yield page.navigation([("goals", "Goals")] + [(name, GROUPS[name][0]) for name in groups]
                          + [("method", "Method"), ("machine", "Machine")])
    yield page.tiles(_tiles(setting, results, verdicts))
    if results.interrupted:
        yield page.paragraph("The run was interrupted; this is what there was.", "soft")
    if results.problems:
        yield ('<div class="problems">' + page.heading(3, "Problems")
               + page.listing(results.problems) + "</div>")
    yield page.heading(2, "Goals", "goals")
    for variant in LULL:
        mine = [one for one in verdicts if one.estimate is not None and one.goal.manager == variant]
        if mine:
            yield page.heading(3, TITLES[variant])
            yield page.goal_table(_goal_rows(mine))
    rest = [f"{MANAGERS[one.goal.manager].title}: {one.goal.text}"
            + (f" ({one.beside})" if one.beside else "")
            for one in verdicts if one.estimate is None]
    if rest:
        yield page.folded(f"Goals that this run did not measure ({len(rest)})",
                          [page.listing(rest)])
    for name in groups:
        yield from _group(results, name, verdicts)
    yield from _method(setting, results)


def _tiles(setting: Setting, results: Results,
           verdicts: Sequence[Verdict]) -> list[tuple[str, str]]:
    states = [verdict.state for verdict in verdicts]
    minutes, seconds = divmod(int(setting.seconds), 60)
    return [("goals met", str(states.count("met"))), ("goals missed", str(states.count("missed"))),
            ("not measured here", str(states.count("not measured"))),
            ("runs", str(len(results.runs))), ("problems", str(len(results.problems))),
            ("time", f"{minutes}:{seconds:02d}")]


def badge(verdict: Verdict) -> str:
    if verdict.state == "not measured":
        return page.badge(verdict.state, "none")
    kind = verdict.state + (" unsure" if verdict.certain is False else "")
    return page.badge(verdict.state + (", not certain" if verdict.certain is False else ""), kind)


def goal_cells(verdict: Verdict) -> list[str]:
    goal, estimate = verdict.goal, verdict.estimate
    bound = ("≥ " if goal.least else "≤ ") + words.quantity(goal.bound, goal.unit)
    if estimate is None:
        return [goal.text, words.NONE, words.NONE, bound, words.NONE]
    return [goal.text, words.quantity(estimate.value, goal.unit),
            words.interval(estimate, goal.unit), bound, str(estimate.pairs)]


def _goal_rows(verdicts: Sequence[Verdict]) -> Iterator[str]:
    for name, (title, _) in GROUPS.items():
        mine = [verdict for verdict in verdicts if verdict.goal.group == name]
        if mine:
            yield page.group_row(title)
        for verdict in mine:
            yield page.goal_row(goal_cells(verdict), badge(verdict), verdict.beside)


def _group(results: Results, name: str, verdicts: Sequence[Verdict]) -> Iterator[str]:
    title, about = GROUPS[name]
    cases = [case for case in results.cases() if case.group == name]
    yield page.heading(2, title, name)
    yield page.paragraph(about)
    yield page.row(_plots(results, name, cases, verdicts))
    made = [text for case in cases for text in _tables(results, case)]
    yield page.folded(f"Tables ({len(made)})", made) if len(made) > 1 else "".join(made)


def _tables(results: Results, case: Case) -> Iterator[str]:
    if case.kind == "micro":
        for table in part_tables(results, case):
            yield page.table(table)
        return
    kinds = ["lull" if name in LULL else name if name == "control" else ""
             for name in results.managers_of(case.name)]
    yield page.table(case_table(results, case), kinds)


def _plots(results: Results, name: str, cases: Sequence[Case],
           verdicts: Sequence[Verdict]) -> Iterator[str]:
    if not plots.AVAILABLE:
        return
    if name == "micro":
        for case in cases:
            if case.program == "barrier":
                yield page.figure(plots.barrier_bars(barrier_costs(results, case)),
                                  "CPU time of a store; medians and quartiles over the rounds of a "
                                  "run. Blue: Lull's own.")
        return
    bounds = {(goal.case, goal.manager, goal.peer): goal.bound
              for goal in (verdict.goal for verdict in verdicts)
              if goal.kind in ("ratio", "interval") and goal.figure in ("wall", "ns_per_object")}
    yield page.figure(plots.ratio_bars(results, cases, bounds),
                      "Lull (the variant that the case is about) over each of the others: "
                      "medians of the rounds' ratios, with 95 % intervals "
                      "where there are six rounds or more. Red marks: the bounds of goals.")
    if name == "binarytrees":
        yield page.figure(plots.heap_curves(results, cases), "Time over the size of the heap.")
    if name in ("churn", "pusher"):
        yield page.figure(plots.latency_curves(results, cases),
                          "Latency of single operations, medians of the rounds. Dotted: 1 ms.")
        yield page.figure(plots.utilization_curves(results, cases),
                          "Minimum mutator utilization: the least share of any window of that "
                          "length that pauses left to the mutator.")
    if name not in ("alloc", "textindex"):
        yield page.figure(plots.cpu_over_wall(results, cases),
                          "CPU time of the process over wall time; dotted: one core all the time.")


def _method(setting: Setting, results: Results) -> Iterator[str]:
    yield page.heading(2, "Method", "method")
    for text in METHOD:
        yield page.paragraph(text)
    if not plots.AVAILABLE:
        yield page.paragraph("python3-matplotlib is not installed: this page has no plots.")
    yield page.heading(3, "Memory managers")
    notes = [(MANAGERS[name].title, f"{found}. {MANAGERS[name].note}".strip())
             for name, found in _versions(results).items()]
    yield page.plain_table(notes)
    if results.skipped:
        yield page.heading(3, "Skipped")
        yield page.listing((f"{', '.join(what)}: {why}" for why, what in results.skipped.items()),
                           "skipped")
    yield page.heading(2, "Machine", "machine")
    yield page.plain_table(setting.machine.items())


def summary(setting: Setting, results: Results, verdicts: Sequence[Verdict],
            folder: str) -> Iterator[str]:
    """For the terminal."""
    measured = [verdict for verdict in verdicts if verdict.state != "not measured"]
    rows = [(verdict.goal.manager, goal_cells(verdict) + [_state(verdict)])
            for verdict in measured]
    for variant in LULL:
        if any(manager == variant for manager, _ in rows):
            yield TITLES[variant] + ":"
            yield from _aligned([row for manager, row in rows if manager == variant])
    for reason, what in results.skipped.items():
        yield f"skipped: {', '.join(what)}: {reason}"
    for problem in results.problems:
        yield f"PROBLEM: {problem}"
    met = sum(verdict.state == "met" for verdict in measured)
    yield (f"{met} of {len(measured)} goals met, {len(verdicts) - len(measured)} not measured; "
           f"{len(results.runs)} runs, {len(results.problems)} problems")
    if not plots.AVAILABLE:
        yield "without plots: python3-matplotlib is not installed (./run bench --install)"
    yield f"report: {os.path.join(folder, 'report.html')}"


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for text, value, interval, bound, _, state in rows:
        yield (f"  {text:<{widths[0]}}  {value:>{widths[1]}}  {interval:>{widths[2]}}  "
               f"{bound:>{widths[3]}}  {state}")


def _state(verdict: Verdict) -> str:
    return verdict.state + (" (not certain)" if verdict.certain is False else "")
