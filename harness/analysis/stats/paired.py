"""All statistics of one pair: an AU run against its baseline on the same clips. Shares, never percent.

Shape letters: B clips, E expressions (7), V values of a clip's difference (lost, same, won).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.analysis.stats.detect import ALPHA, detectable
from harness.analysis.stats.mcnemar import mcnemar_exact, mcnemar_mid_p, smallest_significant_gap
from harness.analysis.stats.resample import interval, sign_flip_p
from harness.analysis.stats.strata import Stratum, class_strata, count_differences, estimate, uar_strata, war_strata
from harness.au.units import NUM_EXPRESSIONS


@dataclass(frozen=True)
class Effect:
    """A score's difference, AU less baseline, with its 95 % paired bootstrap interval over clips.

    p: mid-p of the sign-flip test; None for a class, of which no test is made. detectable: as in `detectable`.
    All NaN where there is no clip.
    """

    difference: float
    low: float
    high: float
    p: float | None
    detectable: float | None


@dataclass(frozen=True)
class PairStats:
    """One pair. lost_E, won_E: clips that only the baseline, only the AU run has right, per expression.

    mcnemar, mid_p: for WAR, two-sided. smallest_gap: smallest |won - lost| that mid-p would find significant at 5 %
    among the discordant clips there are; None if none would be.
    """

    clips_E: tuple[int, ...]
    lost_E: tuple[int, ...]
    won_E: tuple[int, ...]
    war: Effect
    uar: Effect
    recall_E: tuple[Effect, ...]
    mcnemar: float
    mid_p: float
    smallest_gap: int | None

    @property
    def clips(self) -> int:
        """Test clips of the pair."""
        return sum(self.clips_E)

    @property
    def lost(self) -> int:
        """Clips that only the baseline has right."""
        return sum(self.lost_E)

    @property
    def won(self) -> int:
        """Clips that only the AU run has right."""
        return sum(self.won_E)


def pair_stats(label_B: np.ndarray, baseline_B: np.ndarray, au_B: np.ndarray, seed: int) -> PairStats:
    """Statistics of the predicted classes of the same clips (at least one). `seed` draws the bootstrap."""
    difference_B = (au_B == label_B).astype(np.int64) - (baseline_B == label_B)
    return stats_of_counts(count_differences(label_B, difference_B), seed)


def stats_of_counts(counts_EV: np.ndarray, seed: int) -> PairStats:
    """As `pair_stats`, from the counts of the clips' differences (`count_differences`)."""
    lost, _, won = counts_EV.sum(axis=0).tolist()
    war, uar, recall_E = effects([counts_EV], seed)
    return PairStats(
        clips_E=tuple(counts_EV.sum(axis=1).tolist()),
        lost_E=tuple(counts_EV[:, 0].tolist()),
        won_E=tuple(counts_EV[:, 2].tolist()),
        war=war,
        uar=uar,
        recall_E=recall_E,
        mcnemar=mcnemar_exact(lost, won),
        mid_p=mcnemar_mid_p(lost, won),
        smallest_gap=smallest_significant_gap(lost + won, ALPHA),
    )


def effects(folds: Sequence[np.ndarray], seed: int, alpha: float = ALPHA) -> tuple[Effect, Effect, tuple[Effect, ...]]:
    """WAR, UAR and each class as means over folds, given counts_EV of each fold (`count_differences`).

    `seed` draws bootstrap and flips; `alpha` is the level that `detectable` is for.
    """
    generator = np.random.default_rng(seed)
    war = effect(war_strata(folds), generator, alpha)
    uar = effect(uar_strata(folds), generator, alpha)
    recall_E = [_without_test(class_strata(folds, e), generator, alpha) for e in range(NUM_EXPRESSIONS)]
    return war, uar, tuple(recall_E)


def effect(strata: Sequence[Stratum], generator: np.random.Generator, alpha: float = ALPHA) -> Effect:
    """Difference, interval, p and smallest detectable difference of one score."""
    low, high = interval(strata, generator)
    p = sign_flip_p(strata, generator)
    return Effect(estimate(strata), low, high, p, detectable(strata, alpha))


def _without_test(strata: Sequence[Stratum], generator: np.random.Generator, alpha: float) -> Effect:
    low, high = interval(strata, generator)
    return Effect(estimate(strata), low, high, None, detectable(strata, alpha))
