"""Plots as SVG text, by matplotlib; without it there are none, and `AVAILABLE` says so."""
from __future__ import annotations

import io
import math
from typing import Optional, Sequence

import words
from case import Case
from managers import LULL, MANAGERS
from results import Results
from run import figure
from stats import median, median_interval, ratio

try:
    import matplotlib
    matplotlib.use("svg")
    from matplotlib import pyplot, ticker
    AVAILABLE = True
except ImportError:
    AVAILABLE = False

COLOURS = {"lull": "#1d4ed8", "lull-major": "#7393e6",
           "malloc": "#404040", "jemalloc": "#8c8c8c", "mimalloc": "#b08900",
           "boehm": "#c2410c", "bump": "#86a83a", "recycle": "#2f855a", "recycle-raw": "#7cbf9b",
           "java-serial": "#d8a7d0", "java-parallel": "#b56fb5", "java-g1": "#7e3794",
           "java-shenandoah": "#b91c5c", "java-z": "#e57399", "go": "#0e9aa7", "ocaml": "#e69f00",
           "control": "#9ca3af"}
GRID = "#e5e7eb"
Bounds = dict[tuple[str, str, str], float]     # by case, variant of Lull and peer
PERCENTILES = (("p50", 0.5), ("p99", 0.99), ("p999", 0.999), ("p9999", 0.9999))


def _style() -> None:
    matplotlib.rcParams.update({
        "font.size": 9, "axes.spines.top": False, "axes.spines.right": False,
        "axes.edgecolor": "#9ca3af", "axes.labelcolor": "#374151", "axes.titlesize": 9.5,
        "axes.titleweight": "bold", "axes.titlelocation": "left", "axes.grid": True,
        "axes.axisbelow": True, "grid.color": GRID, "grid.linewidth": 0.7, "xtick.color": "#6b7280",
        "ytick.color": "#6b7280", "legend.frameon": False, "svg.fonttype": "path",
        "figure.facecolor": "none", "axes.facecolor": "none"})


def _panels(count: int, height: float, width: float = 3.7, share_y: bool = True):
    """A row of panels, or several of at most three."""
    _style()
    across = min(count, 3)
    down = math.ceil(count / across)
    drawing, axes = pyplot.subplots(down, across, figsize=(width * across, height * down),
                                    squeeze=False, sharey=share_y)
    flat = [axis for row in axes for axis in row]
    for axis in flat[count:]:
        axis.set_visible(False)
    return drawing, flat[:count]


def _svg(drawing) -> str:
    buffer = io.StringIO()
    drawing.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
    pyplot.close(drawing)
    return buffer.getvalue()


def _legend(drawing, axes) -> None:
    """One for all panels, below them."""
    known: dict[str, object] = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels()):
            known.setdefault(label, handle)
    drawing.tight_layout()
    columns = min(6, 2 * len(axes) + 1, max(1, len(known)))
    drawing.legend(known.values(), known.keys(), loc="upper center", ncol=columns,
                   bbox_to_anchor=(0.5, 0.0))


def _line_style(name: str) -> dict:
    strong = name in LULL
    return {"color": COLOURS[name], "linewidth": 2.4 if strong else 1.3,
            "zorder": 5 if strong else 3, "marker": "o", "markersize": 4.5 if strong else 3,
            "linestyle": "--" if name == "control" else "-"}


def _title(name: str) -> str:
    return "control" if name == "control" else MANAGERS[name].title


def ratio_bars(results: Results, cases: Sequence[Case],
               bounds: Bounds) -> Optional[str]:
    """The variant of Lull that the case is about over each of the others, with intervals where
    there are any; a goal's bound is a red mark."""
    cases = [case for case in cases if _peers(results, case)]
    if not cases:
        return None
    most = max(len(_peers(results, case)) for case in cases)
    drawing, axes = _panels(len(cases), 0.75 + 0.25 * most, share_y=False)
    for axis, case in zip(axes, cases):
        _bars_of(axis, results, case, bounds)
        axis.set_ylim(len(_peers(results, case)) - most - 0.5, len(_peers(results, case)) - 0.5)
    drawing.tight_layout()
    return _svg(drawing)


def _peers(results: Results, case: Case) -> list[str]:
    return [name for name in results.managers_of(case.name) if name not in (case.own, "control")
            and results.pairs(case.name, case.metric, case.own, name)]


def _bars_of(axis, results: Results, case: Case, bounds: Bounds) -> None:
    names = _peers(results, case)[::-1]
    longest = 1.0
    for row, name in enumerate(names):
        estimate = ratio(results.pairs(case.name, case.metric, case.own, name))
        low, high = estimate.low or estimate.value, estimate.high or estimate.value
        axis.barh(row, estimate.value, height=0.62, color=COLOURS[name], alpha=0.75)
        axis.plot([low, high], [row, row], color="#111827", linewidth=1.4)
        bound = bounds.get((case.name, case.own, name))
        if bound:
            axis.plot([bound, bound], [row - 0.42, row + 0.42], color="#dc2626", linewidth=2)
        longest = max(longest, high, bound or 0)
        axis.annotate(words.digits(estimate.value), (high, row), (5, 0), va="center", fontsize=8,
                      textcoords="offset points", color="#374151",
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6})
    axis.set_yticks(range(len(names)), [_title(name) for name in names])
    axis.tick_params(axis="y", length=0)
    axis.axvline(1, color="#6b7280", linewidth=0.9)
    axis.set_xlim(0, longest * 1.18)
    axis.grid(axis="y", visible=False)
    axis.set_title(case.name)
    axis.set_xlabel(f"{_title(case.own)} / this, {'CPU' if case.metric != 'wall' else 'wall time'} "
                    "(below 1: Lull is faster)", fontsize=8)


def latency_curves(results: Results, cases: Sequence[Case]) -> Optional[str]:
    """Medians over the rounds of each percentile and of the longest."""
    cases = [case for case in cases if results.values(case.name, case.own, "latency.p9999")]
    if not cases:
        return None
    drawing, axes = _panels(len(cases), 2.9)
    for axis, case in zip(axes, cases):
        for name in results.managers_of(case.name):
            _latency_of(axis, results, case, name)
        axis.set_yscale("log")
        axis.yaxis.set_major_formatter(ticker.FuncFormatter(lambda ns, _: _short(ns)))
        axis.set_xticks([*map(_place, (share for _, share in PERCENTILES)), 5],
                        ["50", "99", "99.9", "99.99", "longest"])
        axis.axhline(1e6, color="#dc2626", linewidth=0.8, linestyle=":")
        axis.set_title(case.name)
        axis.set_xlabel("percentile of operations")
    axes[0].set_ylabel("time of an operation")
    _legend(drawing, axes)
    return _svg(drawing)


def _short(ns: float) -> str:
    for unit, factor in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if ns >= factor:
            return f"{ns / factor:g} {unit}"
    return f"{ns:g} ns"


def _place(share: float) -> float:
    return -math.log10(1 - share)


def _latency_of(axis, results: Results, case: Case, name: str) -> None:
    places, heights = [], []
    for percentile, share in PERCENTILES:
        values = results.values(case.name, name, "latency." + percentile)
        if values:
            places.append(_place(share))
            heights.append(max(1.0, median(values)))
    longest = results.values(case.name, name, "latency.max")
    if not places or not longest:
        return
    axis.plot([*places, 5], [*heights, median(longest)], label=_title(name), **_line_style(name))


def utilization_curves(results: Results, cases: Sequence[Case]) -> Optional[str]:
    """Minimum mutator utilization; medians over the rounds."""
    cases = [case for case in cases if _windows(results, case, case.own)]
    if not cases:
        return None
    drawing, axes = _panels(len(cases), 2.6)
    for axis, case in zip(axes, cases):
        for name in results.managers_of(case.name):
            windows = _windows(results, case, name)
            if windows:
                axis.plot(list(windows), list(windows.values()), label=_title(name),
                          **_line_style(name))
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter(ticker.FuncFormatter(lambda ms, _: f"{ms:g}"))
        axis.set_ylim(-0.02, 1.02)
        axis.set_title(case.name)
        axis.set_xlabel("window, ms")
    axes[0].set_ylabel("least share left to the mutator")
    _legend(drawing, axes)
    return _svg(drawing)


def _windows(results: Results, case: Case, name: str) -> dict[float, float]:
    outcomes = results.of(case.name, name).values()
    known = sorted({int(window) for outcome in outcomes
                    for window in outcome.figures.get("mmu", {})})
    made = {}
    for window in known:
        values = [value for outcome in outcomes
                  if (value := figure(outcome, f"mmu.{window}")) is not None]
        made[float(window)] = median(values)
    return made


def heap_curves(results: Results, cases: Sequence[Case]) -> Optional[str]:
    """Wall and CPU time over the heap, where a program ran with several."""
    cases = [case for case in cases if case.name in results.minimums and case.key]
    if len({case.key for case in cases}) < 2:
        return None
    drawing, axes = _panels(2, 2.9, width=5.2)
    for axis, path, title in ((axes[0], "wall", "wall time"), (axes[1], "cpu", "CPU time")):
        for name in COLOURS:
            points = [(float(case.key), median(values)) for case in cases
                      if (values := results.values(case.name, name, path))]
            if points:
                axis.plot(*zip(*sorted(points)), label=_title(name), **_line_style(name))
        axis.set_title(title)
        axis.set_xlabel("heap / minimal heap of Lull")
        axis.set_ylim(bottom=0)
        axis.yaxis.set_major_formatter(ticker.FuncFormatter(lambda ns, _: f"{ns / 1e9:g} s"))
    _legend(drawing, axes)
    return _svg(drawing)


def cpu_over_wall(results: Results, cases: Sequence[Case]) -> Optional[str]:
    """A point for each manager; on the line one core is busy all the time."""
    cases = [case for case in cases if results.values(case.name, case.own, "cpu")]
    if not cases:
        return None
    drawing, axes = _panels(len(cases), 2.9, share_y=False)
    for axis, case in zip(axes, cases):
        most = 0.0
        for name in results.managers_of(case.name):
            most = max(most, _point(axis, results, case, name))
        axis.plot([0, most], [0, most], color="#9ca3af", linewidth=0.8, linestyle=":")
        axis.set_title(case.name)
        axis.set_xlabel("wall time, s")
        axis.set_xlim(left=0)
        axis.set_ylim(bottom=0)
    axes[0].set_ylabel("CPU time, s")
    _legend(drawing, axes)
    return _svg(drawing)


def _point(axis, results: Results, case: Case, name: str) -> float:
    if name == "control":
        return 0.0
    walls = results.values(case.name, name, "wall")
    cpus = results.values(case.name, name, "cpu")
    if not walls or not cpus:
        return 0.0
    wall, cpu = median(walls) / 1e9, median_interval(cpus)
    strong = name in LULL
    axis.plot(wall, cpu.value / 1e9, "o", color=COLOURS[name], markersize=8 if strong else 6,
              label=_title(name), zorder=5 if strong else 3)
    return max(wall, cpu.value / 1e9)


def barrier_bars(costs: dict[str, list[tuple[str, float, float, float]]]) -> Optional[str]:
    """Nanoseconds of a store for each loop (parts.barrier_costs)."""
    if not costs:
        return None
    drawing, axes = _panels(len(costs), 2.1, share_y=False)
    for axis, (loop, rows) in zip(axes, costs.items()):
        for place, (title, value, low, high) in enumerate(reversed(rows)):
            own = title.startswith(("lull", "while"))
            axis.barh(place, value, height=0.62, color=COLOURS["lull" if own else "jemalloc"],
                      alpha=0.8)
            axis.plot([low, high], [place, place], color="#111827", linewidth=1.4)
            axis.annotate(f"{value:.2f}", (max(value, high), place), (4, 0), fontsize=8,
                          textcoords="offset points", va="center", color="#374151")
        axis.set_yticks(range(len(rows)), [row[0] for row in reversed(rows)])
        axis.tick_params(axis="y", length=0)
        axis.grid(axis="y", visible=False)
        axis.set_xlim(0, max(max(row[1], row[3]) for row in rows) * 1.2)
        axis.set_title(f"{loop} loop")
        axis.set_xlabel("ns for a store")
    drawing.tight_layout()
    return _svg(drawing)
