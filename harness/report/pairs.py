"""AU runs against their baselines: statistics of every whole pair, verdicts over folds and seeds. Pure functions.

A pair that is not whole (report/whole_pairs.py) is listed with its reason and never averaged.
Shape letters: B clips, E expressions (7), V values of a clip's difference.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from harness.analysis.metrics import POOLED, fold_sets
from harness.analysis.stats import (
    ALPHA,
    Claim,
    Effect,
    Judged,
    PairStats,
    count_differences,
    effects,
    estimate,
    judge_family,
    mcnemar_exact,
    mcnemar_mid_p,
    stats_of_counts,
    uar_strata,
    war_strata,
)
from harness.report.measured import ARMS, RULES, Key, Setting, fold_set_order, order_models
from harness.report.whole_pairs import Found, Match, match_runs, seed_faults, whole

NO_PAIR = "no whole pair"


@dataclass(frozen=True)
class Pair:
    """A whole pair under one selection rule. counts_EV: what `count_differences` found; `draw` seeds the bootstrap."""

    model: str
    arm: str
    rule: str
    fold: int
    seed: int
    counts_EV: np.ndarray
    draw: int

    @cached_property
    def stats(self) -> PairStats:
        """Its statistics. Worked out on first use: the verdicts and tables of a thousand runs need none of them."""
        return stats_of_counts(self.counts_EV, self.draw)

    @property
    def scores(self) -> tuple[float, float]:
        """Differences in WAR and UAR."""
        return estimate(war_strata([self.counts_EV])), estimate(uar_strata([self.counts_EV]))

    def as_json(self) -> dict[str, Any]:
        """Names and statistics."""
        names = {name: getattr(self, name) for name in ("model", "arm", "rule", "fold", "seed")}
        return names | {"stats": asdict(self.stats)}


@dataclass(frozen=True)
class BrokenPair:
    """A pair that is not whole, and why."""

    model: str
    arm: str
    rule: str
    fold: int
    seed: int
    reason: str


@dataclass(frozen=True)
class McNemar:
    """McNemar's test of one seed, the clips of its folds taken together."""

    seed: int
    lost: int
    won: int
    exact: float
    mid_p: float


@dataclass(frozen=True)
class Contrast:
    """An AU arm against the baseline on one fold set: the mean over the seeds whose pairs are all whole.

    war, uar: None if no seed is. family: how many verdicts of the same rule and fold set p_holm is corrected for.
    """

    model: str
    arm: str
    rule: str
    fold_set: str
    folds: tuple[int, ...]
    seeds: tuple[int, ...]
    clips: int
    family: int
    war: Judged | None
    uar: Judged | None
    recall_E: tuple[Effect, ...]
    mcnemar: tuple[McNemar, ...]
    broken: tuple[str, ...]

    @property
    def key(self) -> Key:
        """As in `measure_rows` and `differences`."""
        return self.model, self.arm, self.rule, self.fold_set

    @property
    def verdicts(self) -> tuple[str, str]:
        """On WAR and on UAR."""
        return (self.war.verdict, self.uar.verdict) if self.war and self.uar else (NO_PAIR, NO_PAIR)


@dataclass(frozen=True)
class Comparison:
    """All pairs and contrasts of a setting, in the order of the tables."""

    pairs: tuple[Pair, ...]
    broken: tuple[BrokenPair, ...]
    contrasts: tuple[Contrast, ...]

    def as_json(self) -> dict[str, Any]:
        """Lists and dictionaries of plain values; None for what has no value."""
        plain: dict[str, Any] = _plain(
            {
                "pairs": [one.as_json() for one in self.pairs],
                "broken": [asdict(one) for one in self.broken],
                "contrasts": [asdict(one) for one in self.contrasts],
            }
        )
        return plain


@dataclass(frozen=True)
class Merged:
    """What a contrast is made of, before the family is known."""

    key: Key
    folds: tuple[int, ...]
    seeds: tuple[int, ...]
    counts: tuple[np.ndarray, ...]  # counts_EV of each fold, or of all folds together
    wars: tuple[float, ...]  # one for each fold and seed
    uars: tuple[float, ...]
    mcnemar: tuple[McNemar, ...]
    broken: tuple[str, ...]

    @property
    def family(self) -> tuple[str, str]:
        """Rule and fold set: what the verdicts of one family share."""
        return self.key[2], self.key[3]


def compare(setting: Setting, models: Sequence[str] = ()) -> Comparison:
    """Statistics of all pairs and verdicts of a setting; models in the order of `models`, the others after them.

    The verdicts of one selection rule and fold set, on WAR and UAR, all models and arms, are one family for Holm.
    """
    found = _find(setting, models)
    pairs, broken = [], []
    for (model, arm, rule), by_run in found.items():
        for (seed, fold), match in sorted(by_run.items(), key=lambda item: (item[0][1], item[0][0])):
            if isinstance(match, str):
                broken.append(BrokenPair(model, arm, rule, fold, seed, match))
            else:
                draw = _seed(setting, model, arm, rule, f"fold {fold}", f"seed {seed}")
                counts_EV = count_differences(match.label_B, match.difference_B)
                pairs.append(Pair(model, arm, rule, fold, seed, counts_EV, draw))
    scores = {(p.model, p.arm, p.rule, p.fold, p.seed): p.scores for p in pairs}
    protocol = setting.runs[0].config.folds
    merged = [one for key, by_run in found.items() for one in _merge(key, by_run, protocol, scores)]
    return Comparison(tuple(pairs), tuple(broken), tuple(_contrasts(setting, merged)))


def _find(setting: Setting, models: Sequence[str]) -> dict[tuple[str, str, str], dict[tuple[int, int], Match | str]]:
    """(model, arm, rule) -> (seed, fold) -> the pair of every AU run, in the order of the tables."""
    runs = {(run.config.model, run.config.arm, run.config.fold, run.config.seed): run for run in setting.all_runs}
    found: dict[tuple[str, str, str], dict[tuple[int, int], Match | str]] = {}
    for model in order_models({run.config.model for run in setting.all_runs}, models):
        for arm in ARMS[1:]:
            for rule in RULES:
                by_run = {
                    (seed, fold): match_runs(runs.get((model, "baseline", fold, seed)), run, rule)
                    for (m, a, fold, seed), run in runs.items()
                    if (m, a) == (model, arm) and rule in run.config.selection
                }
                if by_run:
                    found[model, arm, rule] = by_run
    return found


def _merge(
    which: tuple[str, str, str], found: Found, protocol: int, scores: Mapping[Any, tuple[float, float]]
) -> list[Merged]:
    """One entry per fold set that a seed's runs support; only seeds whose pairs are all whole count."""
    merged = []
    for name, (folds, asked) in _fold_sets(found, protocol).items():
        broken = {seed: seed_faults(found, folds, seed, asked) for seed in asked}
        seeds = tuple(seed for seed in asked if not broken[seed])
        pairs = [scores[(*which, fold, seed)] for fold in folds for seed in seeds]
        merged.append(
            Merged(
                key=(*which, name),
                folds=folds,
                seeds=seeds,
                counts=_counts(found, name, folds, seeds) if seeds else (),
                wars=tuple(war for war, _ in pairs),
                uars=tuple(uar for _, uar in pairs),
                mcnemar=tuple(_mcnemar(found, folds, seed) for seed in seeds),
                broken=tuple(reason for seed in asked for reason in broken[seed]),
            )
        )
    return merged


def _fold_sets(found: Found, protocol: int) -> dict[str, tuple[tuple[int, ...], list[int]]]:
    """Fold sets by name: folds, and the seeds that have a run of each."""
    by_seed: dict[int, list[int]] = defaultdict(list)
    for seed, fold in found:
        by_seed[seed].append(fold)
    sets: dict[str, tuple[tuple[int, ...], list[int]]] = {}
    for seed in sorted(by_seed):
        for name, folds in fold_sets(by_seed[seed], protocol).items():
            sets.setdefault(name, (folds, []))[1].append(seed)
    return {name: sets[name] for name in fold_set_order(sets)}


def _counts(found: Found, name: str, folds: Sequence[int], seeds: Sequence[int]) -> tuple[np.ndarray, ...]:
    """counts_EV of each fold, a clip's differences added up over the seeds; pooled folds are one."""
    counts = []
    for fold in folds:
        matches = [whole(found, seed, fold) for seed in seeds]
        difference_B = np.sum([match.difference_B for match in matches], axis=0)
        counts.append(count_differences(matches[0].label_B, difference_B, len(seeds)))
    return (np.sum(counts, axis=0),) if name == POOLED else tuple(counts)


def _mcnemar(found: Found, folds: Sequence[int], seed: int) -> McNemar:
    difference_B = np.concatenate([whole(found, seed, fold).difference_B for fold in folds])
    lost, won = int(np.sum(difference_B < 0)), int(np.sum(difference_B > 0))
    return McNemar(seed, lost, won, mcnemar_exact(lost, won), mcnemar_mid_p(lost, won))


def _contrasts(setting: Setting, merged: Sequence[Merged]) -> list[Contrast]:
    """The entries with their verdicts, which are corrected within each family: same rule and fold set."""
    families: dict[tuple[str, ...], list[Merged]] = defaultdict(list)
    for one in merged:
        families[one.family].append(one)
    contrasts = {one.key: one for members in families.values() for one in _judge(setting, members)}
    return [contrasts[one.key] for one in merged]


def _judge(setting: Setting, members: Sequence[Merged]) -> list[Contrast]:
    size = sum(2 for one in members if one.seeds)
    found = {one.key: effects(one.counts, _seed(setting, *one.key), ALPHA / size) for one in members if one.seeds}
    wars = [Claim(found[one.key][0], one.wars) for one in members if one.seeds]
    uars = [Claim(found[one.key][1], one.uars) for one in members if one.seeds]
    judged = judge_family(wars + uars)
    both = dict(zip(found, zip(judged[: len(wars)], judged[len(wars) :], strict=True), strict=True))
    return [
        _contrast(one, size, both.get(one.key, (None, None)), found[one.key][2] if one.seeds else ()) for one in members
    ]


def _contrast(
    one: Merged, family: int, both: tuple[Judged | None, Judged | None], recall_E: tuple[Effect, ...]
) -> Contrast:
    return Contrast(
        *one.key,
        folds=one.folds,
        seeds=one.seeds,
        clips=int(sum(counts_EV.sum() for counts_EV in one.counts)),
        family=family,
        war=both[0],
        uar=both[1],
        recall_E=recall_E,
        mcnemar=one.mcnemar,
        broken=one.broken,
    )


def _seed(setting: Setting, *names: str) -> int:
    """The seed of the draws, from names alone: neither the other runs nor their order change a number."""
    text = "\n".join((setting.experiment, setting.dataset, setting.engine, setting.scale, *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value
