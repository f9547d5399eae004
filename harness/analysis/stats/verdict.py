"""From p values to verdicts: the spread over pairs, Holm's correction, the word."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from harness.analysis.stats.detect import ALPHA

IMPROVES, WORSENS, NO_EVIDENCE = "improves", "worsens", "no evidence"
FEWEST_PAIRS = 3  # of two pairs the t interval is 12.7 standard errors wide on each side: it says nothing


@dataclass(frozen=True)
class Spread:
    """Differences of several pairs (folds, seeds): what other folds and seeds might have given.

    error: standard error of the mean; low, high: its 95 % t interval; p: the t test's, two-sided. These four are NaN
    with fewer than three pairs. positive: share of pairs whose difference is above 0.
    """

    pairs: int
    mean: float
    error: float
    low: float
    high: float
    p: float
    positive: float


def spread(differences: Sequence[float]) -> Spread:
    """Mean, t interval, t test and share of positive differences of at least one pair."""
    pairs, mean = len(differences), math.fsum(differences) / len(differences)
    positive = sum(difference > 0 for difference in differences) / pairs
    if pairs < FEWEST_PAIRS:
        return Spread(pairs, mean, math.nan, math.nan, math.nan, math.nan, positive)
    error = float(np.std(differences, ddof=1)) / math.sqrt(pairs)
    half = float(stdtrit(pairs - 1, 0.975)) * error
    return Spread(pairs, mean, error, mean - half, mean + half, _t_p(mean, error, pairs - 1), positive)


def holm(p_values: Sequence[float]) -> list[float]:
    """p values corrected for their number (Holm 1979), in the order given: each is right at every level at once."""
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = largest
    return adjusted


def judge(difference: float, p: float, alpha: float = ALPHA) -> str:
    """`improves`, `worsens` or `no evidence`, by a p value that is already corrected."""
    if p > alpha or difference == 0:
        return NO_EVIDENCE
    return IMPROVES if difference > 0 else WORSENS


def _t_p(mean: float, error: float, freedom: int) -> float:
    if error <= 1e-12 * abs(mean) or error == 0:  # all pairs agree to rounding
        return 1.0 if mean == 0 else 0.0
    return float(2 * stdtr(freedom, -abs(mean) / error))
