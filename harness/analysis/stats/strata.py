"""Paired results as counts: how many clips of each class an AU run wins or loses against its baseline.

A clip's difference is the number of seeds in which only the AU run is right, less the number in which only the baseline
is: -1, 0 or 1 with one seed, -S to S with S seeds. Every score here is a weighted sum of clip differences, so that
counts per stratum are all that intervals and tests need: no clip has to be touched again.
Shape letters: B clips, E expressions (7), V values of a clip's difference (2S + 1, from -S to S).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from harness.au.units import NUM_EXPRESSIONS


class Stratum(NamedTuple):
    """Clips that are resampled among themselves, and what one unit of a clip's difference adds to the score."""

    counts_V: np.ndarray
    weight: float

    @property
    def seeds(self) -> int:
        """S: the largest difference that a clip can have."""
        return len(self.counts_V) // 2

    @property
    def values_V(self) -> np.ndarray:
        """-S to S."""
        return np.arange(-self.seeds, self.seeds + 1)

    @property
    def total(self) -> int:
        """Sum of the clips' differences."""
        return int(self.counts_V @ self.values_V)


def count_differences(label_B: np.ndarray, difference_B: np.ndarray, seeds: int = 1) -> np.ndarray:
    """Clips per (label, difference): int64 (E, V). Labels are 0 to 6, differences -seeds to seeds."""
    width = 2 * seeds + 1
    cell_B = np.asarray(label_B, np.int64) * width + np.asarray(difference_B, np.int64) + seeds
    return np.bincount(cell_B, minlength=NUM_EXPRESSIONS * width).reshape(NUM_EXPRESSIONS, width)


def war_strata(folds: Sequence[np.ndarray]) -> list[Stratum]:
    """WAR as the mean over folds, given counts_EV of each: one stratum a fold. Pooled: give the sum of the counts."""
    return [_stratum(counts_EV.sum(axis=0), len(folds)) for counts_EV in folds]


def uar_strata(folds: Sequence[np.ndarray]) -> list[Stratum]:
    """UAR as the mean over folds: one stratum per fold and class; a class without clips in a fold is left out there."""
    found = []
    for counts_EV in folds:
        present = [counts_V for counts_V in counts_EV if counts_V.any()]
        found += [_stratum(counts_V, len(folds) * len(present)) for counts_V in present]
    return found


def class_strata(folds: Sequence[np.ndarray], expression: int) -> list[Stratum]:
    """Recall of one class as the mean over the folds that have clips of it; empty if none has."""
    present = [counts_EV[expression] for counts_EV in folds if counts_EV[expression].any()]
    return [_stratum(counts_V, len(present)) for counts_V in present]


def estimate(strata: Sequence[Stratum]) -> float:
    """The score's difference, AU less baseline, as a share; NaN without a stratum."""
    return float(sum(stratum.weight * stratum.total for stratum in strata)) if strata else float("nan")


def _stratum(counts_V: np.ndarray, parts: int) -> Stratum:
    """A stratum whose mean difference per clip and seed is one of `parts` equal parts of the score."""
    seeds = len(counts_V) // 2
    return Stratum(counts_V, 1 / (parts * int(counts_V.sum()) * seeds))
