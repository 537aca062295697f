"""One run of one program: its line of JSON, how it ended, and what the kernel says of it."""
from __future__ import annotations

import json
import math
import os
import select
import signal
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass, field
from typing import Any, Callable, Mapping, Optional, Sequence

import machine

EXHAUSTED = 3            # a program's status when there is no memory (bench/common/fail.h)
LARGE = 64 << 20         # committed without metadata
SHOWN = 2000             # bytes of a failed program's messages that are kept

Reader = Callable[[str], dict]


@dataclass
class Outcome:
    status: str                       # ok, memory, failed, timeout
    message: str = ""
    figures: dict[str, Any] = field(default_factory=dict)
    elapsed: float = 0.0              # s, with the program's start and end
    rss: Optional[int] = None         # highest resident memory by wait4; None: see below
    cpu: float = 0.0                  # s, by wait4
    others: float = 0.0               # CPU seconds of everything else on the machine meanwhile
    steal: float = 0.0                # CPU seconds that the hypervisor took

    @property
    def ok(self) -> bool:
        return self.status == "ok"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def read_json(text: str) -> dict:
    """The last line, which must be the object that bench/README.md describes."""
    lines = text.strip().splitlines()
    if not lines:
        raise ValueError("it printed nothing")
    figures = json.loads(lines[-1])
    if not isinstance(figures, dict) or "check" not in figures:
        raise ValueError("its last line is no JSON object with a check")
    return figures


# Words of textindex's line that go into our fields, and by how much they are multiplied.
_TEXTINDEX = {"index_s": ("index", 1e9), "wall_s": ("wall", 1e9), "cpu_s": ("cpu", 1e9),
              "rss_mb": ("rss_peak", 1 << 20), "collections": ("cycles", 1),
              "queries": ("queries", 1), "retired": ("retired", 1)}
_TEXTINDEX_TIMES = {"query_p50_us": "p50", "query_p99_us": "p99", "query_p999_us": "p999",
                    "query_max_us": "max"}


def read_textindex(text: str) -> dict:
    """The key=value words of textindex --figures as our fields. It has no number that is the same
    for all: which documents are there in the end is a matter of timing. Each run compares its index
    with an independent count of its own."""
    words = dict(word.split("=", 1) for word in text.strip().splitlines()[-1].split())
    figures: dict[str, Any] = {"workload": "textindex", "memory": words["memory"]}
    for key, (name, unit) in _TEXTINDEX.items():
        if key in words:
            figures[name] = float(words[key]) * unit
    figures["latency"] = {name: float(words[key]) * 1e3
                          for key, name in _TEXTINDEX_TIMES.items() if key in words}
    figures["operations"] = int(words["occurrences"])
    if words["wrong"] != "0" or words["differences"] != "0":
        raise ValueError("its index is wrong: " + text.strip())
    return figures


def execute(command: Sequence[str], environment: Mapping[str, str], seconds: float,
            reader: Reader = read_json) -> Outcome:
    """Runs it to its end or for so many seconds. Never raises for what the program does."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        before = machine.cpu_times()
        began = time.monotonic()
        try:
            child = subprocess.Popen(list(command), stdin=subprocess.DEVNULL, stdout=out,
                                     stderr=err, env=dict(environment), start_new_session=True)
        except OSError as error:
            return Outcome("failed", f"{command[0]}: {error.strerror}")
        ended, status, usage = _wait(child, seconds)
        outcome = Outcome("ok", elapsed=time.monotonic() - began)
        _account(outcome, usage, before)
        _judge(outcome, status if ended else None, _text(out), _text(err), reader)
    return outcome


def _wait(child: subprocess.Popen, seconds: float) -> tuple[bool, int, Any]:
    """Waits without looking at it now and then, which would disturb what is measured. The program
    is a process group of its own, which is ended on time-out and when we are interrupted."""
    handle = os.pidfd_open(child.pid)
    ended = False
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        ended = bool(poll.poll(int(seconds * 1000)))
    finally:
        os.close(handle)
        if not ended:
            os.killpg(child.pid, signal.SIGKILL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    return ended, child.returncode, usage


def _account(outcome: Outcome, usage: Any, before: machine.CpuTimes) -> None:
    """The kernel's figure for resident memory has what the process was before its exec, a copy of
    ours, as its floor; below that it says nothing."""
    rss = usage.ru_maxrss * 1024
    outcome.rss = rss if rss > machine.own_peak() else None
    outcome.cpu = usage.ru_utime + usage.ru_stime
    after = machine.cpu_times()
    outcome.steal = after.steal - before.steal
    outcome.others = max(0.0, after.busy - before.busy - outcome.cpu)


def _text(file: Any) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def _judge(outcome: Outcome, status: Optional[int], out: str, err: str, reader: Reader) -> None:
    if status is None:
        outcome.status, outcome.message = "timeout", f"not done after {outcome.elapsed:.0f} s"
    elif status != 0:
        exhausted = status == EXHAUSTED or "OutOfMemoryError" in out + err
        outcome.status = "memory" if exhausted else "failed"
        ending = f"signal {-status}" if status < 0 else f"status {status}"
        outcome.message = f"{ending}: {(err or out).strip()[-SHOWN:]}"
    else:
        try:
            outcome.figures = reader(out)
        except (ValueError, KeyError, IndexError) as error:
            outcome.status, outcome.message = "failed", f"its output is not understood: {error}"


def figure(outcome: Outcome, path: str) -> Optional[float]:
    """A number by its path, such as latency.p9999; None where the program gives none."""
    if path in DERIVED:
        return DERIVED[path](outcome)
    value: Any = outcome.figures
    for part in path.split("."):
        if not isinstance(value, dict) or part not in value:
            return None
        value = value[part]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value):
        return None
    return float(value)


def _resident(outcome: Outcome) -> Optional[float]:
    """The larger one of the program's own figure, which leaves out its preparation, and wait4's."""
    known = [value for value in (figure(outcome, "rss_peak"), outcome.rss) if value is not None]
    return max(known) if known else None


def _metadata_share(outcome: Outcome) -> Optional[float]:
    """Over the memory that is none, where there is so much of it that fixed parts do not count.
    bench/micro/metadata says it for several sizes, from 64 MB on."""
    shares = [value for name, value in outcome.figures.items() if name.startswith("share_")]
    if shares:
        return max(shares)
    committed, metadata = figure(outcome, "heap_committed"), figure(outcome, "heap_metadata")
    if committed is None or metadata is None or committed - metadata < LARGE:
        return None
    return metadata / (committed - metadata)


def _resident_share(outcome: Outcome) -> Optional[float]:
    """Of the heap's limit, 8 % more and 16 MB."""
    resident, limit = _resident(outcome), figure(outcome, "heap_limit")
    return None if resident is None or not limit else resident / (1.08 * limit + (16 << 20))


def _stall_share(outcome: Outcome) -> Optional[float]:
    """Stalls over 1 ms in a million operations."""
    stalls, operations = figure(outcome, "stall_count"), figure(outcome, "operations")
    return None if stalls is None or not operations else stalls / operations * 1e6


def _delay_share(outcome: Outcome) -> Optional[float]:
    """Of the wall time, in which threads were runnable and not run."""
    delay, wall = figure(outcome, "run_delay"), figure(outcome, "wall")
    return None if delay is None or not wall else delay / wall


def _longest_stall(outcome: Outcome) -> Optional[float]:
    """The longest time for which the collector kept one mutator from its work: Boehm's by stopping
    all; Lull's by what it does in the mutator (CPU time), by waits for memory and for a claim."""
    stopped = figure(outcome, "stopped.max")
    if stopped is not None:
        return stopped
    known = [figure(outcome, name + ".max") for name in ("caused", "stall", "claim_wait")]
    if known[0] is None:
        return None
    return max(value for value in known if value is not None)


def _collector_share(outcome: Outcome) -> Optional[float]:
    """Of the process's CPU time."""
    collector, cpu = _collector_cpu(outcome), figure(outcome, "cpu")
    return None if collector is None or not cpu else collector / cpu


def _collector_cpu(outcome: Outcome) -> Optional[float]:
    cpu, mutator = figure(outcome, "cpu"), figure(outcome, "mutator_cpu")
    return None if cpu is None or mutator is None else max(0.0, cpu - mutator)


DERIVED: dict[str, Callable[[Outcome], Optional[float]]] = {
    "resident": _resident,
    "metadata_share": _metadata_share,
    "resident_share": _resident_share,
    "stall_share": _stall_share,
    "delay_share": _delay_share,
    "collector_cpu": _collector_cpu,
    "collector_share": _collector_share,
    "longest_stall": _longest_stall,
}
