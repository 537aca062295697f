"""What is measured: one program with its arguments, and the managers that run it in turns."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping, Optional, Union

KB, MB, GB = 1 << 10, 1 << 20, 1 << 30
SUFFIXES = {"K": KB, "M": MB, "G": GB}

VARIANT_EVERY = 5      # rounds: how often the other variant of Lull runs where no goal names it

Argument = Union[int, str, bool, None]     # True: a flag; None or False: left out
Arguments = Mapping[str, Argument]


@dataclass(frozen=True)
class Minimal:
    """A heap of so many times the least with which Lull runs the case in stop-the-world mode, with
    major cycles only."""
    factor: float


@dataclass(frozen=True)
class Case:
    name: str
    group: str                       # a heading of the report
    program: str                     # workloads/NAME-MANAGER, micro/NAME or textindex
    arguments: Arguments
    claims: tuple[str, ...]          # managers of every round, first a variant of Lull
    pairs: int                       # rounds
    others: tuple[str, ...] = ()     # managers of few rounds, for the tables: the first of ...
    every: int = 1000                # ... so many; variants of Lull of VARIANT_EVERY, if less
    heap: Union[None, int, Minimal] = None
    whole: bool = True               # Lull is told to use all of its heap, as the others are
    live: Optional[float] = None     # heap / live data, for managers that are told a share
    changed: Mapping[str, Arguments] = field(default_factory=dict)  # by manager or family
    control: bool = False            # latency counts: a run of the machine's control in each round
    kind: str = "workload"           # or micro, textindex
    trial: Arguments = field(default_factory=dict)  # changed to find the minimal heap: less work
    seconds: int = 60                # a run that takes longer is ended, and failed
    memory: int = 0                  # that a run needs at least; more than is free: skipped
    metric: str = "wall"             # what tables and bars show first
    key: str = ""                    # the point of a curve, such as the live size

    @property
    def own(self) -> str:
        """The variant of Lull that others are compared with."""
        return self.claims[0]

    @property
    def managers(self) -> tuple[str, ...]:
        return self.claims + tuple(name for name in self.others if name not in self.claims)

    def arguments_for(self, manager: str, family: str) -> dict[str, Argument]:
        merged = dict(self.arguments)
        merged.update(self.changed.get(family, {}))
        merged.update(self.changed.get(manager, {}))
        return given(merged)

    def takes_part(self, manager: str, number: int) -> bool:
        """Whether the manager runs in the round of that number."""
        every = min(self.every, VARIANT_EVERY) if manager.startswith("lull") else self.every
        return manager in self.claims or number % every == 0


def given(arguments: Arguments) -> dict[str, Argument]:
    """Without those that are left out; 0 is not among them, although it equals False."""
    return {name: value for name, value in arguments.items()
            if value is not None and value is not False}


def command_words(arguments: Arguments) -> list[str]:
    words: list[str] = []
    for name, value in given(arguments).items():
        words.append("--" + name)
        if value is not True:
            words.append(str(value))
    return words


def size(text: Argument) -> int:
    """The number that a program reads for 64M."""
    if isinstance(text, int):
        return int(text)
    text = str(text)
    if text[-1:] in SUFFIXES:
        return int(text[:-1]) * SUFFIXES[text[-1]]
    return int(text)


def in_units(count: float) -> str:
    """Bytes for people."""
    for suffix, unit in (("GB", GB), ("MB", MB), ("KB", KB)):
        if abs(count) >= unit:
            return f"{count / unit:.3g} {suffix}"
    return f"{count:.0f} B"
