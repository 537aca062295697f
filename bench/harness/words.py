"""Numbers as people read them."""
from __future__ import annotations

import math
from typing import Optional

from case import in_units
from stats import Estimate

NONE = "–"


def duration(ns: Optional[float]) -> str:
    if ns is None:
        return NONE
    if math.isinf(ns):
        return "∞"
    for unit, factor in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if abs(ns) >= factor:
            return f"{digits(ns / factor)} {unit}"
    return f"{digits(ns)} ns"


def digits(value: float) -> str:
    """Three that count."""
    if math.isinf(value):
        return "∞"
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}"
    if size >= 0.095:
        return f"{value:.2f}"
    return f"{value:.2g}"


def ratio(value: Optional[float]) -> str:
    return NONE if value is None else digits(value)


def memory(count: Optional[float]) -> str:
    return NONE if count is None else in_units(count)


def quantity(value: Optional[float], unit: str) -> str:
    """A goal's value or bound in its unit; times come in ns, rates in 1/s, memory in bytes."""
    if value is None:
        return NONE
    if unit in ("us", "ns"):
        return duration(value)
    if unit == "%":
        return f"{value * 100:.2g} %"
    if unit == "M/s":
        return f"{digits(value / 1e6)} M/s"
    if unit == "MB":
        return in_units(value)
    return digits(value)


def interval(estimate: Estimate, unit: str = "x") -> str:
    if estimate.low is None or estimate.high is None:
        return NONE
    return f"{quantity(estimate.low, unit)} to {quantity(estimate.high, unit)}"
