"""The minimal heap of a case: the least with which Lull, stop-the-world and with major cycles only,
ends the run well.

Found by bisection between a heap that is too small and one that is not, to 2 %. A run that takes
longer than the case allows counts as one whose heap is too small. What is cached belongs to one
program with one list of arguments in one version: the key is a hash of them and of the contents of
the program and the library.
"""
from __future__ import annotations

import dataclasses
import glob
import hashlib
import json
import os
from typing import Callable, Optional

from case import MB, Case, command_words
from managers import Programs, command
from run import execute

PRECISION = 1.02
FIRST = 16 * MB
LEAST, MOST = 1 * MB, 1 << 40
OPTIONS = "gc.mode=stw,gc.generational=no"

Fits = Callable[[int], bool]
Tried = Callable[[int, str, float], None]     # bytes, how it ended, how long it took


class NoMinimum(Exception):
    """The program fails with any heap that was tried."""


def bisect(fits: Fits, first: int = FIRST, most: int = MOST) -> int:
    """The smallest heap known to fit; one smaller by 2 % is known not to, or is below LEAST."""
    low, high = _bracket(fits, first, most)
    while low * PRECISION < high:
        middle = int((low * high) ** 0.5) // 4096 * 4096
        if fits(middle):
            high = middle
        else:
            low = middle
    return high


def _bracket(fits: Fits, first: int, most: int) -> tuple[int, int]:
    """A heap that does not fit and one that does, a factor of two apart at most."""
    size = first
    if fits(size):
        while size // 2 >= LEAST and fits(size // 2):
            size //= 2
        return size // 2, size
    while not fits(size * 2):
        size *= 2
        if size > most:
            raise NoMinimum(f"it fails with a heap of {size // MB} MB too")
    return size, size * 2


def _digest(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def version(programs: Programs, case: Case) -> str:
    """Of the program and of the library that it is linked with."""
    files = [programs.path(case, "lull")]
    files += sorted(glob.glob(os.path.join(programs.build, ".libs", "liblull.so.*.*.*")))
    words = command_words({**case.arguments_for("lull", "lull"), **case.trial}) + [OPTIONS]
    return hashlib.sha256("\n".join([_digest(file) for file in files] + words).encode()).hexdigest()


class Minimums:
    """Those that are known, kept in one file of the output folder."""

    def __init__(self, programs: Programs, path: str, free: int):
        self._programs = programs
        self._path = path
        self._free = free
        self._known: dict[str, dict] = {}
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                self._known = json.load(file)

    def known(self, case: Case) -> Optional[int]:
        entry = self._known.get(version(self._programs, case))
        return entry["bytes"] if entry else None

    def find(self, case: Case, tried: Tried = lambda size, status, seconds: None) -> int:
        """Runs the program as often as it takes, unless it is known. `tried` hears of every run."""
        known = self.known(case)
        if known is not None:
            return known
        tried_case = dataclasses.replace(case, arguments={**case.arguments, **case.trial})

        def fits(size: int) -> bool:
            words = command(self._programs, tried_case, "lull", size, OPTIONS)
            outcome = execute(words.words, words.environment, case.seconds)
            tried(size, outcome.status, outcome.elapsed)
            if outcome.status == "failed":
                raise NoMinimum(outcome.message)
            return outcome.ok

        least = bisect(fits, most=self._free)
        self._keep(case, least)
        return least

    def _keep(self, case: Case, least: int) -> None:
        key = version(self._programs, case)
        self._known[key] = {"program": case.program, "bytes": least,
                            "arguments": command_words(case.arguments_for("lull", "lull"))}
        with open(self._path + ".new", "w", encoding="utf-8") as file:
            json.dump(self._known, file, indent=1)
        os.replace(self._path + ".new", self._path)
