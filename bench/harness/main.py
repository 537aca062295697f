"""`./run bench`: chooses, runs, reports. Status 0: every run ended well and all checks agree,
whether goals are met or not; 1: a run failed or checks differ; 2: wrong usage."""
from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from typing import Optional, Sequence

import goals
import machine
import managers
import plan
import readme
from case import Case, Minimal, command_words, in_units
from minimal import Minimums
from progress import Progress
from series import Series

TOP = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))


def arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./run bench", allow_abbrev=False,
        description="Measures Lull beside other memory managers and says which goals it meets. "
                    "Writes report.html, report.md and results.json.")
    parser.add_argument("--install", action="store_true",
                        help="install the peers' packages and matplotlib first")
    parser.add_argument("--full", action="store_true",
                        help="all sizes and peers, an hour (short form: five minutes)")
    parser.add_argument("--only", metavar="NAME[,NAME]",
                        help="only these (names and groups: --list)")
    parser.add_argument("--peers", metavar="NAME[,NAME]",
                        help="Lull and only these managers; java stands for all its collectors")
    parser.add_argument("--pairs", metavar="N", type=_positive, help="rounds of every benchmark")
    parser.add_argument("--out", metavar="FOLDER", default=os.path.join("build", "bench"),
                        help="for report, raw results and log (build/bench)")
    parser.add_argument("--seed", metavar="N", type=_positive, default=1,
                        help="of the order of runs (1)")
    parser.add_argument("--list", action="store_true", help="what would run, and what is missing")
    parser.add_argument("--update-readme", action="store_true",
                        help="put the last report's table into README.md, measure nothing")
    parser.add_argument("--build", default=os.path.join("build", "release"), help=argparse.SUPPRESS)
    parser.add_argument("--missing-packages", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(words)


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no number from 1 on")
    return int(text)


def refuse(message: object) -> int:
    print(f"bench: {message}", file=sys.stderr)
    return 2


def chosen_cases(options: argparse.Namespace) -> list[Case]:
    cases = plan.cases(options.full, options.pairs)
    return plan.chosen(cases, options.only.split(",")) if options.only else cases


def list_cases(cases: Sequence[Case], programs: managers.Programs) -> None:
    for case in cases:
        heap = (f"{case.heap.factor:g} x minimal" if isinstance(case.heap, Minimal)
                else in_units(case.heap) if case.heap else "its own")
        print(f"{case.name} ({case.group}): {case.pairs} rounds, heap {heap}: {case.program} "
              + " ".join(command_words(case.arguments_for("lull", "lull"))))
        print(f"    every round: {', '.join(case.claims)}"
              + (f"; the first of {case.every}: {', '.join(case.others)}" if case.others else ""))
        for name in case.managers:
            why = managers.absent(name) or programs.missing(case, name)
            if why:
                print(f"    {name} would be skipped: {why}")


def measure(options: argparse.Namespace, cases: Sequence[Case], peers: Optional[list[str]],
            programs: managers.Programs) -> int:
    for number in (signal.SIGINT, signal.SIGTERM):     # end the program that runs, then report
        signal.signal(number, signal.default_int_handler)
    os.makedirs(options.out, exist_ok=True)
    about = {"date": time.strftime("%Y-%m-%d %H:%M %Z"), **machine.describe(options.build, TOP)}
    with open(os.path.join(options.out, "bench.log"), "w", encoding="utf-8") as log:
        progress = Progress(log)
        before, began = machine.cpu_times(), time.monotonic()
        minimums = Minimums(programs, os.path.join(options.out, "minimal.json"),
                            machine.memory("MemAvailable") // 2)
        series = Series(programs, minimums, progress, plan.control(), peers,
                        options.seed)
        results = series.run(cases)
        seconds = time.monotonic() - began
        # Not before: matplotlib would make this process, and so its children's floor, larger.
        from report import Setting, summary, write_all
        about.update(_disturbance(results, before, seconds))
        verdicts = goals.judge_all(results)
        setting = Setting("Lull benchmarks", about, seconds, options.full, options.seed)
        write_all(options.out, setting, results, verdicts)
        for line in summary(setting, results, verdicts, options.out):
            progress.say(line)
    if results.interrupted:
        return 130
    if not any(run.outcome.ok for run in results.runs):
        return refuse("nothing was measured")
    return 1 if results.problems else 0


def _disturbance(results, before: machine.CpuTimes, seconds: float) -> dict[str, str]:
    """How much of the cores others took while we measured."""
    whole = max(1e-9, seconds * len(os.sched_getaffinity(0)))
    others = sum(run.outcome.others for run in results.runs)
    steal = machine.cpu_times().steal - before.steal
    return {"busy with others": f"{others / whole * 100:.1f} % of the cores' time during the runs",
            "taken by the hypervisor": f"{steal / whole * 100:.1f} % of the cores' time"}


def main(words: Sequence[str]) -> int:
    options = arguments(words)
    os.chdir(TOP)
    if options.missing_packages:
        print("\n".join(managers.missing_packages()))
        return 0
    try:
        if options.update_readme:
            readme.update("README.md", os.path.join(options.out, "report.md"))
            return 0
        cases = chosen_cases(options)
        peers = managers.expand(options.peers) if options.peers else None
    except (ValueError, OSError) as error:
        return refuse(error)
    programs = managers.Programs(options.build, os.path.join(options.build, "bench", "peers"))
    if options.list:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)    # for ./run bench --list | head
        list_cases(cases, programs)
        return 0
    return measure(options, cases, peers, programs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
