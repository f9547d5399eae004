"""Verdicts that are shown together: each corrected for how many there are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.stats.detect import ALPHA, detectable_by_pairs
from harness.analysis.stats.paired import Effect
from harness.analysis.stats.verdict import Spread, holm, judge, spread

CLIPS, CLIPS_AND_PAIRS = "clips", "clips and pairs"


@dataclass(frozen=True)
class Claim:
    """A score's difference on a fold set, and the differences of the pairs (fold, seed) behind it."""

    effect: Effect
    differences: tuple[float, ...]


@dataclass(frozen=True)
class Judged:
    """The verdict on a claim.

    effect: the difference with its bootstrap interval over clips, and the p of the clips. spread: over folds and seeds.
    p: what the verdict rests on, by `basis`: the clips' p, and with three pairs or more the larger of it and the t
    test's. p_holm: p corrected for the family. detectable: smallest difference that would have been found with 80 %
    chance at the level of Holm's first step; None if none would.
    """

    effect: Effect
    spread: Spread
    basis: str
    p: float
    p_holm: float
    verdict: str
    detectable: float | None


def judge_family(claims: Sequence[Claim]) -> list[Judged]:
    """Verdicts at 5 % for the whole family, in the order given. Each effect's `detectable` is for 5 % / len(claims)."""
    spreads = [spread(claim.differences) for claim in claims]
    p_values = [_p(claim.effect, over) for claim, over in zip(claims, spreads, strict=True)]
    rows = zip(claims, spreads, p_values, holm(p_values), strict=True)
    return [_judged(claim.effect, over, p, p_holm, ALPHA / len(claims)) for claim, over, p, p_holm in rows]


def _p(effect: Effect, over: Spread) -> float:
    """The larger of the clips' p and the t test's: an effect must be more than other clips or other runs would give."""
    assert effect.p is not None
    return effect.p if math.isnan(over.p) else max(effect.p, over.p)


def _judged(effect: Effect, over: Spread, p: float, p_holm: float, level: float) -> Judged:
    several, least = not math.isnan(over.p), effect.detectable
    if several and least is not None:
        least = max(least, detectable_by_pairs(over.error, over.pairs, level))
    basis = CLIPS_AND_PAIRS if several else CLIPS
    return Judged(effect, over, basis, p, p_holm, judge(effect.difference, p_holm), least)
