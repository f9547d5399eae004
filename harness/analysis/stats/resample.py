"""Paired bootstrap and sign-flip test of a score's difference, from the exact distribution of each stratum's sum.

To resample n clips of a stratum and add up their differences is to add n independent draws from the observed shares; a
Fourier transform gives the distribution of that sum whole. A score of one stratum (WAR, a class) is read off it, as
from infinitely many draws; a score of several (UAR, means over folds) is drawn, seeded, one sum per stratum and draw:
the same as indexing clips, without the indexing.
Shape letters: V values of a clip's difference, D draws, K values of a stratum's sum.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy.fft import next_fast_len

from harness.analysis.stats.mcnemar import mcnemar_mid_p
from harness.analysis.stats.strata import Stratum, estimate

DRAWS = 10_000
FAR = 12
TIE = 1e-9  # sums of the same weights in another order differ by less; steps of a score are far wider


def interval(
    strata: Sequence[Stratum], generator: np.random.Generator, level: float = 0.95, draws: int = DRAWS
) -> tuple[float, float]:
    """Percentile interval of a score's difference: clips are drawn with replacement, within each stratum.

    NaN twice without a stratum. Nothing but equal answers gives [0, 0].
    """
    if not strata:
        return math.nan, math.nan
    ends = [(1 - level) / 2, (1 + level) / 2]
    if len(strata) == 1:
        low, high = _quantiles(*_bootstrap_sum(strata[0]), ends) * strata[0].weight
    else:
        drawn_D = _draw([(*_bootstrap_sum(stratum), stratum.weight) for stratum in strata], generator, draws)
        low, high = np.quantile(drawn_D, ends)
    return float(low), float(high)


def sign_flip_p(strata: Sequence[Stratum], generator: np.random.Generator, draws: int = DRAWS) -> float:
    """Two-sided mid-p of no difference: under it each clip's difference is as likely to have the other sign.

    All seeds of a clip flip together, since they share what is hard about it. One stratum: exact, and with one seed
    McNemar's mid-p. Several strata: drawn, so that p is at least 1 / (draws + 1). 1 without a stratum.
    """
    observed = abs(estimate(strata)) if strata else 0.0
    if observed <= TIE:
        return 1.0
    if len(strata) == 1:
        return _exact_flip_p(strata[0])
    drawn_D = np.abs(_draw([(*_flipped_sum(stratum), stratum.weight) for stratum in strata], generator, draws))
    beyond, tied = np.sum(drawn_D > observed + TIE), np.sum(np.abs(drawn_D - observed) <= TIE)
    return float(min(1.0, (1 + beyond + tied / 2) / (1 + draws)))


def _exact_flip_p(stratum: Stratum) -> float:
    if stratum.seeds == 1:
        lost, _, won = stratum.counts_V.tolist()
        return mcnemar_mid_p(lost, won)
    sums_K, shares_K = _flipped_sum(stratum)
    size_K, observed = np.abs(sums_K), abs(stratum.total)
    return float(min(1.0, shares_K[size_K > observed].sum() + shares_K[size_K == observed].sum() / 2))


def _bootstrap_sum(stratum: Stratum) -> tuple[np.ndarray, np.ndarray]:
    """Values and their shares: the sum of as many clips as the stratum has, drawn from it with replacement."""
    return _sum_of_draws(tuple(stratum.counts_V.tolist()))


@lru_cache(maxsize=64)  # a class counts twice, in UAR and for itself
def _sum_of_draws(counts: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Values and shares of the sum, within FAR standard deviations of its mean: beyond lies less than rounding."""
    clips, seeds = sum(counts), len(counts) // 2
    values_V, shares_V = np.arange(-seeds, seeds + 1), np.array(counts) / clips
    mean = clips * float(shares_V @ values_V)
    deviation = math.sqrt(max(0.0, clips * float(shares_V @ values_V**2) - mean**2 / clips))
    reach = min(seeds * clips, math.ceil(FAR * deviation) + 32 * seeds)  # few clips: sums are skewed, a margin for it
    sums_K = np.arange(max(-seeds * clips, round(mean) - reach), min(seeds * clips, round(mean) + reach) + 1)
    size = next_fast_len(max(len(sums_K), len(values_V)), real=True)
    one_K = np.zeros(size)
    one_K[values_V] = shares_V  # a negative value counts from the end: sums wrap around
    return sums_K, _normal(np.fft.irfft(np.fft.rfft(one_K) ** clips, size)[sums_K % size])


def _flipped_sum(stratum: Stratum) -> tuple[np.ndarray, np.ndarray]:
    """Values and their shares: the sum of the clips' differences, each with a sign of its own by the toss of a coin."""
    seeds = stratum.seeds
    clips_V = stratum.counts_V[seeds + 1 :] + stratum.counts_V[:seeds][::-1]  # by size of the difference, 1 to S
    most = int(clips_V @ np.arange(1, seeds + 1))
    size = next_fast_len(2 * most + 1, real=True)
    angle = 2 * np.pi * np.arange(size // 2 + 1) / size
    transform = np.prod([np.cos(v * angle) ** int(clips) for v, clips in enumerate(clips_V, 1)], axis=0)
    shares_K = np.fft.irfft(transform, size)
    return np.arange(-most, most + 1), _normal(np.concatenate([shares_K[size - most :], shares_K[: most + 1]]))


def _normal(shares_K: np.ndarray) -> np.ndarray:
    """Without the rounding noise of the transform."""
    kept_K = np.clip(shares_K, 0, None)
    return kept_K / kept_K.sum()


def _quantiles(sums_K: np.ndarray, shares_K: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """Smallest values that at least so large a share does not exceed."""
    return sums_K[np.searchsorted(np.cumsum(shares_K), np.array(levels) - TIE)]


def _draw(
    sums: Sequence[tuple[np.ndarray, np.ndarray, float]], generator: np.random.Generator, draws: int
) -> np.ndarray:
    """Draws (D,) of the weighted total over strata: how often each value occurs, then in what order strata meet."""
    total_D = np.zeros(draws)
    for place, (sums_K, shares_K, weight) in enumerate(sums):
        total_D += np.repeat(weight * sums_K, generator.multinomial(draws, shares_K))[_order(place, draws)]
    return total_D


@lru_cache(maxsize=256)
def _order(place: int, draws: int) -> np.ndarray:
    """A random order (D,) for the stratum at a place, the same for every score: to shuffle takes longest of all."""
    return np.random.default_rng([place, draws]).permutation(draws)
