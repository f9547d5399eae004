"""Paired statistics of two runs on the same clips: intervals, tests, verdicts. See docs/statistics.md."""

from harness.analysis.stats.detect import ALPHA, POWER, detectable, detectable_by_pairs
from harness.analysis.stats.family import CLIPS, CLIPS_AND_PAIRS, Claim, Judged, judge_family
from harness.analysis.stats.mcnemar import mcnemar_exact, mcnemar_mid_p, smallest_significant_gap
from harness.analysis.stats.paired import Effect, PairStats, effects, pair_stats, stats_of_counts
from harness.analysis.stats.resample import DRAWS, interval, sign_flip_p
from harness.analysis.stats.strata import (
    Stratum,
    class_strata,
    count_differences,
    estimate,
    uar_strata,
    war_strata,
)
from harness.analysis.stats.verdict import IMPROVES, NO_EVIDENCE, WORSENS, Spread, holm, judge, spread

__all__ = [
    "ALPHA",
    "CLIPS",
    "CLIPS_AND_PAIRS",
    "DRAWS",
    "IMPROVES",
    "NO_EVIDENCE",
    "POWER",
    "WORSENS",
    "Claim",
    "Effect",
    "Judged",
    "PairStats",
    "Spread",
    "Stratum",
    "class_strata",
    "count_differences",
    "detectable",
    "detectable_by_pairs",
    "effects",
    "estimate",
    "holm",
    "interval",
    "judge",
    "judge_family",
    "mcnemar_exact",
    "mcnemar_mid_p",
    "pair_stats",
    "sign_flip_p",
    "smallest_significant_gap",
    "spread",
    "stats_of_counts",
    "uar_strata",
    "war_strata",
]
