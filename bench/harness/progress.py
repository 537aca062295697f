"""Signs of life: which run of how many, elapsed time, an estimate of the rest; and a log file."""
from __future__ import annotations

import contextlib
import sys
import time
from typing import Optional, TextIO

LINE_EVERY = 10.0     # s, where there is no terminal


def clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class Progress:
    def __init__(self, log: TextIO, stream: TextIO = sys.stdout):
        self._log = log
        self._stream = stream
        self._terminal = stream.isatty()
        self._began = time.monotonic()
        self._shown = -LINE_EVERY
        self._open = False           # an unfinished line is on the terminal
        self._taken: dict[str, list[float]] = {}
        self._expected: list[str] = []

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._began

    def expect(self, keys: list[str]) -> None:
        """The runs to come, each by what it is expected to take as long as: case and manager."""
        self._expected = list(keys)

    def forget(self, keys: list[str]) -> None:
        """Runs that will not take place after all."""
        for key in keys:
            if key in self._expected:
                self._expected.remove(key)

    def starting(self, number: int, total: int, label: str) -> None:
        text = (f"[{number}/{total}] {label}; {clock(self.elapsed)} gone"
                f"{self._rest()}")
        if self._terminal:
            self._write("\r" + text + "\033[K")
            self._open = True
        elif time.monotonic() - self._shown >= LINE_EVERY:
            self._shown = time.monotonic()
            self._write(text + "\n")

    def done(self, key: str, seconds: float, text: str) -> None:
        if key in self._expected:
            self._expected.remove(key)
        self._taken.setdefault(key, []).append(seconds)
        self.log(f"{key} {seconds:.2f} s: {text}")

    def say(self, text: str) -> None:
        """A line that stays."""
        self._write(("\r\033[K" if self._open else "") + text + "\n")
        self._open = False
        self.log(text)

    def _write(self, text: str) -> None:
        """An hour of measuring is not lost because nobody reads any more."""
        with contextlib.suppress(BrokenPipeError):
            self._stream.write(text)
            self._stream.flush()

    def log(self, text: str) -> None:
        self._log.write(f"{self.elapsed:8.2f} {text}\n")
        self._log.flush()

    def _rest(self) -> str:
        seconds = self.remaining()
        return "" if seconds is None else f", about {clock(seconds)} to go"

    def remaining(self) -> Optional[float]:
        """By the means so far: of the same case and manager, else of the case, else of all."""
        if not self._taken:
            return None
        everything = [seconds for taken in self._taken.values() for seconds in taken]
        by_case: dict[str, list[float]] = {}
        for key, taken in self._taken.items():
            by_case.setdefault(key.split(" ")[0], []).extend(taken)
        total = 0.0
        for key in self._expected:
            known = self._taken.get(key) or by_case.get(key.split(" ")[0]) or everything
            total += sum(known) / len(known)
        return total
