"""Runs the cases: for each its heap, then rounds in which every manager has its turn.

A round runs each manager once. Every second order is random, the next its reverse (stats.orders),
so whatever drifts on the machine hits both sides of a pair alike. A manager that fails once has no
further turns in that case; if it is the Lull that others are compared with, the case ends.
"""
from __future__ import annotations

from typing import Optional, Sequence

import machine
import plan
from case import Case, Minimal, in_units
from managers import LULL, MANAGERS, Programs, absent, command
from minimal import Minimums, NoMinimum
from progress import Progress
from results import Results, Run
from run import execute, read_json, read_textindex
from stats import orders

CONTROL = "control"
HEAP_STEP = 64 * 1024
GUESSED_TRIALS = 11     # runs of a bisection, for the estimate of time


class Series:
    def __init__(self, programs: Programs, minimums: Minimums, progress: Progress, control: Case,
                 peers: Optional[Sequence[str]], seed: int):
        self.results = Results()
        self._programs = programs
        self._minimums = minimums
        self._progress = progress
        self._control = control
        self._peers = peers
        self._seed = seed
        self._number = 0
        self._total = 0

    def run(self, cases: Sequence[Case]) -> Results:
        ready = [(case, names) for case in cases if (names := self._managers(case))]
        self._report_skipped()
        self._expect(ready)
        try:
            for case, names in ready:
                self._case(case, names)
        except KeyboardInterrupt:
            self.results.interrupted = True
            self._progress.say("interrupted: reporting what there is")
        return self.results

    def _managers(self, case: Case) -> list[str]:
        """Those that are chosen, installed and built; none where Lull's own program is missing or
        memory is short."""
        why = self._programs.missing(case, "lull") or self._short_of_memory(case)
        if why:
            self.results.skip(case.name, why)
            return []
        names = []
        for name in case.managers:
            if self._peers is not None and name not in self._peers and name not in LULL:
                continue
            why = absent(name) or self._programs.missing(case, name)
            if why:
                self.results.skip(f"{name} in {case.name}", why)
            else:
                names.append(name)
        if case.control and not self._programs.missing(self._control, "malloc"):
            names.append(CONTROL)
        return names

    @staticmethod
    def _short_of_memory(case: Case) -> Optional[str]:
        free = machine.memory("MemAvailable")
        if case.memory + plan.FREE_AT_LEAST <= free:
            return None
        return f"needs {in_units(case.memory)} of memory, {in_units(free)} are free"

    def _report_skipped(self) -> None:
        for reason, what in self.results.skipped.items():
            self._progress.say(f"skipped: {', '.join(what)}: {reason}")

    def _expect(self, ready: list[tuple[Case, list[str]]]) -> None:
        keys: list[str] = []
        for case, names in ready:
            if isinstance(case.heap, Minimal) and self._minimums.known(case) is None:
                if not any(minimal_key(case) in key for key in keys):
                    keys += [minimal_key(case)] * GUESSED_TRIALS
            for number in range(case.pairs):
                keys += [key_of(case, name) for name in names if self._has_turn(case, name, number)]
        self._total = len(keys)
        self._progress.expect(keys)
        self._progress.say(f"{self._total} runs of {len(ready)} benchmarks")

    @staticmethod
    def _has_turn(case: Case, name: str, number: int) -> bool:
        return name == CONTROL or case.takes_part(name, number)

    def _case(self, case: Case, names: list[str]) -> None:
        try:
            heap = self._heap(case)
        except NoMinimum as error:
            self.results.problems.append(f"{case.name}: no minimal heap: {error}")
            self._drop(case, names, range(case.pairs))
            return
        if heap is not None:
            self.results.heaps[case.name] = heap
        remaining = list(names)
        for number, order in enumerate(orders(names, case.pairs, self._seed)):
            for name in order:
                if name in remaining and self._has_turn(case, name, number):
                    if not self._one(case, name, number, heap):
                        remaining.remove(name)
                        self._drop(case, [name], range(number + 1, case.pairs))
            if case.own not in remaining:
                self._drop(case, remaining, range(number + 1, case.pairs))
                return

    def _drop(self, case: Case, names: Sequence[str], rounds: range) -> None:
        keys = [key_of(case, name) for number in rounds for name in names
                if self._has_turn(case, name, number)]
        self._total -= len(keys)
        self._progress.forget(keys)

    def _heap(self, case: Case) -> Optional[int]:
        if not isinstance(case.heap, Minimal):
            return case.heap
        was_known = self._minimums.known(case) is not None
        trials = 0

        def tried(size: int, status: str, seconds: float) -> None:
            nonlocal trials
            trials += 1
            self._number += 1
            self._progress.done(minimal_key(case), seconds, f"{size} bytes: {status}")
            self._progress.starting(self._number, self._total,
                                    f"{case.name}: minimal heap, {in_units(size)}: {status}")

        least = self._minimums.find(case, tried)
        if not was_known:
            self._total += trials - GUESSED_TRIALS
            self._progress.forget([minimal_key(case)] * max(0, GUESSED_TRIALS - trials))
            self._progress.say(f"{case.name}: minimal heap {in_units(least)}, {trials} runs")
        self.results.minimums[case.name] = least
        return -(-int(least * case.heap.factor) // HEAP_STEP) * HEAP_STEP

    def _one(self, case: Case, name: str, number: int, heap: Optional[int]) -> bool:
        """One run; whether it ended well."""
        what = self._control if name == CONTROL else case
        manager = "malloc" if name == CONTROL else name
        size = self._control.heap if name == CONTROL else heap
        words = command(self._programs, what, manager, size)  # type: ignore[arg-type]
        self._number += 1
        title = "control" if name == CONTROL else MANAGERS[name].title
        self._progress.starting(self._number, self._total,
                                f"{case.name}, {title}, round {number + 1} of {case.pairs}")
        reader = read_textindex if what.kind == "textindex" else read_json
        outcome = execute(words.words, words.environment, what.seconds, reader)
        before = len(self.results.problems)
        self.results.add(Run(case, name, number, outcome, words.words))
        self._progress.done(key_of(case, name), outcome.elapsed,
                            f"{outcome.status} {outcome.message} | {' '.join(words.words)}")
        for problem in self.results.problems[before:]:
            self._progress.say("PROBLEM: " + problem)
        if outcome.status in ("memory", "timeout") and name not in LULL:
            self._progress.say(f"{case.name}: {title} is left out: {outcome.status}")
        return outcome.ok


def key_of(case: Case, name: str) -> str:
    return f"{case.name} {name}"


def minimal_key(case: Case) -> str:
    """Cases that differ in their heap share a minimum; so do their trials."""
    return f"{case.program}-{sorted(case.arguments.items())} minimal"
