"""Pairs of runs whose truth is known, to measure how often a test is wrong and how often it finds an effect.

A clip is as hard for one run as for the next, up to a share of its own: whether a run is right depends on a normal
score, of which `shared` of the variance belongs to the clip (and is common to both arms and all seeds) and the rest to
the run. So the runs' errors are correlated as those of two trainings of one model are.
Shape letters: B clips, E expressions, S seeds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from harness.analysis.stats.detect import ALPHA
from harness.analysis.stats.family import Claim, judge_family
from harness.analysis.stats.paired import Effect, effect, pair_stats
from harness.analysis.stats.resample import sign_flip_p
from harness.analysis.stats.strata import Stratum, count_differences, estimate, uar_strata, war_strata

WRONG = 1  # a wrong prediction is the class after the label's: which one does not matter here


@dataclass(frozen=True)
class Truth:
    """clips_E: test clips per class. recall_E: chance of a right answer. gain_E: what the AU arm adds to it.

    shared: share of a score's variance that belongs to the clip. wobble: standard deviation, in shares, of a run's own
    ability around its arm's, as another seed of the training would give.
    """

    clips_E: tuple[int, ...]
    recall_E: tuple[float, ...]
    gain_E: tuple[float, ...]
    shared: float
    wobble: float = 0.0


@dataclass(frozen=True)
class PairRates:
    """Shares of simulated pairs in which a test at 5 %, uncorrected, or a 95 % interval says that there is an effect.

    mcnemar, mid_p, interval_war: for WAR. flips, interval_uar: for UAR. discordant: mean share of discordant clips.
    detectable: mean of the smallest difference of WAR that a pair says it could have shown.
    """

    pairs: int
    discordant: float
    mcnemar: float
    mid_p: float
    interval_war: float
    flips: float
    interval_uar: float
    detectable: float


@dataclass(frozen=True)
class ContrastRates:
    """Shares of simulated contrasts (folds and seeds of one arm) found significant in WAR and UAR.

    one: by the clips of the first pair alone. clips: of all pairs. verdict: `judge_family`'s, of a family of one.
    """

    contrasts: int
    one_war: float
    clips_war: float
    verdict_war: float
    one_uar: float
    clips_uar: float
    verdict_uar: float


def pair_rates(truth: Truth, pairs: int, seed: int) -> PairRates:
    """How often each test of a single pair finds an effect, over so many pairs drawn from `seed`."""
    generator, rows = np.random.default_rng(seed), []
    for i in range(pairs):
        label_B, baseline_SB, au_SB = simulate(truth, generator)
        stats = pair_stats(label_B, baseline_SB[0], au_SB[0], seed=seed + i)
        tests = [p is not None and p <= ALPHA for p in (stats.mcnemar, stats.mid_p, stats.uar.p)]
        intervals = [_excludes_zero(stats.war), _excludes_zero(stats.uar)]
        rows.append(((stats.lost + stats.won) / stats.clips, *tests, *intervals, stats.war.detectable or math.nan))
    discordant, mcnemar, mid_p, flips, interval_war, interval_uar, least = np.mean(rows, axis=0).tolist()
    return PairRates(pairs, discordant, mcnemar, mid_p, interval_war, flips, interval_uar, least)


def contrast_rates(truth: Truth, contrasts: int, folds: int, seeds: int, seed: int) -> ContrastRates:
    """How often the verdict on `folds` x `seeds` pairs finds an effect, and how often the clips alone would."""
    generator, wars, uars = np.random.default_rng(seed), [], []
    for _ in range(contrasts):
        drawn = [_differences(truth, generator, seeds) for _ in range(folds)]
        pairs = [count_differences(label_B, d_B) for label_B, d_SB in drawn for d_B in d_SB]
        merged = [count_differences(label_B, d_SB.sum(axis=0), seeds) for label_B, d_SB in drawn]
        wars.append(_found(war_strata, pairs, merged, generator))
        uars.append(_found(uar_strata, pairs, merged, generator))
    return ContrastRates(contrasts, *np.mean(wars, axis=0).tolist(), *np.mean(uars, axis=0).tolist())


def simulate(truth: Truth, generator: np.random.Generator, seeds: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels (B,) and the predictions (S, B) of baseline and AU runs on the same clips of one fold."""
    label_B = np.repeat(np.arange(len(truth.clips_E)), truth.clips_E)
    clip_B = math.sqrt(truth.shared) * generator.standard_normal(len(label_B))
    recall_E = np.array(truth.recall_E)
    arms = [
        np.stack([_predictions(label_B, clip_B, chance_E, truth, generator) for _ in range(seeds)])
        for chance_E in (recall_E, recall_E + truth.gain_E)
    ]
    return label_B, arms[0], arms[1]


def _differences(truth: Truth, generator: np.random.Generator, seeds: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels (B,) and clip differences (S, B) of one fold."""
    label_B, baseline_SB, au_SB = simulate(truth, generator, seeds)
    return label_B, (au_SB == label_B).astype(np.int64) - (baseline_SB == label_B)


def _found(
    strata: Callable[[Sequence[np.ndarray]], list[Stratum]],
    pairs: Sequence[np.ndarray],
    merged: Sequence[np.ndarray],
    generator: np.random.Generator,
) -> tuple[bool, bool, bool]:
    """Whether the clips of the first pair, the clips of all, and the verdict find an effect."""
    whole = effect(strata(merged), generator)
    (judged,) = judge_family([Claim(whole, tuple(estimate(strata([pair])) for pair in pairs))])
    p_values = sign_flip_p(strata(pairs[:1]), generator), sign_flip_p(strata(merged), generator), judged.p_holm
    return p_values[0] <= ALPHA, p_values[1] <= ALPHA, p_values[2] <= ALPHA


def _excludes_zero(effect: Effect) -> bool:
    return effect.low > 0 or effect.high < 0


def _predictions(
    label_B: np.ndarray, clip_B: np.ndarray, chance_E: np.ndarray, truth: Truth, generator: np.random.Generator
) -> np.ndarray:
    chance_E = np.clip(chance_E + truth.wobble * generator.standard_normal(), 0, 1)
    score_B = clip_B + math.sqrt(1 - truth.shared) * generator.standard_normal(len(label_B))
    right_B = score_B < ndtri(chance_E)[label_B]
    return np.where(right_B, label_B, (label_B + WRONG) % len(truth.clips_E))
