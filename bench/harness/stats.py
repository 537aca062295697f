"""Medians, and intervals that claim no distribution.

The interval of a median is that of the sign test: two order statistics between which the median of
what was sampled lies with at least 95 % probability, whatever the distribution, provided that the
pairs are independent. Below six pairs no such interval exists, and none is given.

The interval of a quotient of totals (stalls of one manager over those of another) is a percentile
bootstrap over the rounds: stalls come in clusters, so they are not counted as independent events.
"""
from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Optional, Sequence

CONFIDENCE = 0.95
LEAST_PAIRS = 6      # 1 - 2 * 2**-6 = 0.969; with five it would be 0.938
RESAMPLES = 4000


@dataclass(frozen=True)
class Estimate:
    """A value with the ends of its interval, which are None where there are too few pairs."""
    value: float
    low: Optional[float]
    high: Optional[float]
    pairs: int


def median(values: Sequence[float]) -> float:
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    half = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[half]
    low, high = ordered[half - 1], ordered[half]
    return low if low == high else (low + high) / 2    # inf stays inf


def sign_test_rank(count: int, confidence: float = CONFIDENCE) -> int:
    """The largest k for which the k-th lowest and the k-th highest of `count` values enclose the
    median with the given confidence: P(Binomial(count, 1/2) < k) <= (1 - confidence) / 2. 0 where
    there is none."""
    most = (1 - confidence) / 2 * 2 ** count
    below, rank = 0, 0
    while rank < count // 2 and below + math.comb(count, rank) <= most:
        below += math.comb(count, rank)
        rank += 1
    return rank


def median_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Estimate:
    ordered = sorted(values)
    rank = sign_test_rank(len(ordered), confidence)
    if rank == 0:
        return Estimate(median(ordered), None, None, len(ordered))
    return Estimate(median(ordered), ordered[rank - 1], ordered[-rank], len(ordered))


def quotient(above: float, below: float) -> float:
    """above / below where both may be zero: nothing against nothing is as much as it."""
    if below > 0:
        return above / below
    return 1.0 if above == 0 else math.inf


def ratio(pairs: Sequence[tuple[float, float]], confidence: float = CONFIDENCE) -> Estimate:
    """The median of the ratios of the pairs, one ratio for each pair."""
    return median_interval([quotient(first, second) for first, second in pairs], confidence)


def total_ratio(pairs: Sequence[tuple[float, float]], confidence: float = CONFIDENCE,
                seed: int = 1) -> Estimate:
    """The sum of the first over the sum of the second, for counts that may be zero in a pair."""
    value = quotient(sum(first for first, _ in pairs), sum(second for _, second in pairs))
    if len(pairs) < LEAST_PAIRS:
        return Estimate(value, None, None, len(pairs))
    chance = random.Random(seed)
    drawn = sorted(_resampled(pairs, chance) for _ in range(RESAMPLES))
    outside = int(RESAMPLES * (1 - confidence) / 2)
    return Estimate(value, drawn[outside], drawn[-1 - outside], len(pairs))


def _resampled(pairs: Sequence[tuple[float, float]], chance: random.Random) -> float:
    sample = chance.choices(pairs, k=len(pairs))
    return quotient(sum(first for first, _ in sample), sum(second for _, second in sample))


def orders(names: Sequence[str], rounds: int, seed: int = 1) -> list[list[str]]:
    """The order of each round: every second one is random, the next is its reverse. So of two names
    each comes first in half of the rounds."""
    chance = random.Random(seed)
    made: list[list[str]] = []
    for number in range(rounds):
        if number % 2:
            made.append(made[-1][::-1])
        else:
            made.append(chance.sample(list(names), len(names)))
    return made
