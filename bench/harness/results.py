"""What the runs gave: outcomes by case, manager and round, and what is wrong with them."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Iterator, Optional

from case import Argument, Case
from managers import LULL, MANAGERS
from run import Outcome, figure

WITHOUT_RESULT = ("warmup",)     # arguments on which a check does not depend


@dataclass
class Run:
    case: Case
    manager: str
    round: int
    outcome: Outcome
    command: tuple[str, ...]


@dataclass
class Results:
    runs: list[Run] = field(default_factory=list)
    heaps: dict[str, int] = field(default_factory=dict)       # by case, in bytes
    minimums: dict[str, int] = field(default_factory=dict)    # by case
    skipped: dict[str, list[str]] = field(default_factory=dict)   # what, by reason
    problems: list[str] = field(default_factory=list)         # each makes the bench fail
    interrupted: bool = False

    def skip(self, what: str, reason: str) -> None:
        self.skipped.setdefault(reason, []).append(what)

    def add(self, run: Run) -> None:
        self.runs.append(run)
        outcome, name = run.outcome, f"{run.case.name} {run.manager}"
        if outcome.ok:
            self._compare(run)
        elif outcome.status == "failed" or run.manager in LULL:
            self.problems.append(
                f"{name}, round {run.round + 1}: {outcome.status}: {outcome.message}")
        else:
            self.skip(name, f"{outcome.status}: {outcome.message.splitlines()[0]}")

    def _compare(self, run: Run) -> None:
        """The check must be that of every earlier run with the same arguments."""
        check, name = run.outcome.figures.get("check"), run.case.name
        for other in self.runs[:-1]:
            if other.case.name != run.case.name or not other.outcome.ok:
                continue
            if _arguments(other) == _arguments(run) and other.outcome.figures.get("check") != check:
                self.problems.append(
                    f"{name}, round {run.round + 1}: the check of {run.manager} is {check}, "
                    f"that of {other.manager} is {other.outcome.figures.get('check')}")
                return

    def of(self, case: str, manager: str) -> dict[int, Outcome]:
        """Outcomes by round, only of runs that ended well."""
        return {run.round: run.outcome for run in self.runs
                if run.case.name == case and run.manager == manager and run.outcome.ok}

    def values(self, case: str, manager: str, path: str) -> list[float]:
        found = (figure(outcome, path) for outcome in self.of(case, manager).values())
        return [value for value in found if value is not None]

    def pairs(self, case: str, path: str, first: str, second: str,
              second_case: Optional[str] = None) -> list[tuple[float, float]]:
        """Of the rounds in which both ran."""
        one, two = self.of(case, first), self.of(second_case or case, second)
        made = []
        for number in sorted(one.keys() & two.keys()):
            above, below = figure(one[number], path), figure(two[number], path)
            if above is not None and below is not None:
                made.append((above, below))
        return made

    def cases(self) -> list[Case]:
        seen: dict[str, Case] = {}
        for run in self.runs:
            seen.setdefault(run.case.name, run.case)
        return list(seen.values())

    def managers_of(self, case: str) -> list[str]:
        names = {run.manager for run in self.runs if run.case.name == case and run.outcome.ok}
        return [name for name in list(MANAGERS) + ["control"] if name in names]

    def as_list(self) -> Iterator[dict]:
        for run in self.runs:
            yield {"case": run.case.name, "manager": run.manager, "round": run.round,
                   "command": list(run.command), **run.outcome.as_dict()}


def _arguments(run: Run) -> tuple[tuple[str, Argument], ...]:
    if run.manager == "control":
        return (("control", True),)
    family = MANAGERS[run.manager].family
    arguments = run.case.arguments_for(run.manager, family)
    return tuple(sorted((name, value) for name, value in arguments.items()
                        if name not in WITHOUT_RESULT))
