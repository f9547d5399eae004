"""Finished runs as rows of numbers, one per (model, arm, selection rule, fold set), and AU arms against baselines.

Averages never cross a setting (experiment, data set, engine, scale), a selection rule or a fold set. Pure functions.
Shape letters: E expressions (7).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, get_args

import numpy as np

from harness.analysis.metrics import FOLD1, MEAN_OF_FOLDS, POOLED, Metrics, fold_sets, mean_of_seeds
from harness.analysis.metrics import score as _score
from harness.errors import RunError
from harness.manifest import Arm, SelectionRule
from harness.report.whole_pairs import match_runs, seed_faults
from harness.runs.records import Run
from harness.runs.swept import swept

ARMS: tuple[Arm, ...] = get_args(Arm)
RULES: tuple[SelectionRule, ...] = get_args(SelectionRule)
ByFold = Mapping[int, np.ndarray]  # fold -> confusion_EE


@dataclass(frozen=True)
class Setting:
    """Runs whose numbers may stand in one table: same experiment, data set, engine and scale.

    borrowed: the baselines of a sweep's experiment, where this is one of its ratios: runs of another setting, which
    the pairs of this one need. No other part of a report counts them twice.
    """

    experiment: str
    dataset: str
    engine: str
    scale: str
    runs: tuple[Run, ...]
    borrowed: tuple[Run, ...] = ()

    @property
    def all_runs(self) -> tuple[Run, ...]:
        """The setting's own runs and those it borrows."""
        return (*self.runs, *self.borrowed)

    @property
    def title(self) -> str:
        """Title of the data set."""
        return self.runs[0].config.dataset.title

    @property
    def published(self) -> bool:
        """Whether the data set is the published one; if not, it is other data in its layout, or rendered faces."""
        return self.runs[0].config.dataset.published

    @property
    def differs(self) -> str:
        """In what data of a published layout are not the published data; empty for rendered faces."""
        return self.runs[0].config.dataset.differs


@dataclass(frozen=True)
class Row:
    """Scores of one model and arm under one rule on one fold set; the mean over `seeds`."""

    model: str
    arm: str
    rule: str
    fold_set: str
    folds: tuple[int, ...]
    seeds: tuple[int, ...]
    metrics: Metrics


@dataclass(frozen=True)
class Difference:
    """AU arm minus baseline of the same folds and seed: the mean over the `seeds` whose pairs are whole, or NaN.

    broken: one text per pair that was left out, and why.
    """

    seeds: tuple[int, ...]
    war: float
    uar: float
    broken: tuple[str, ...]


Key = tuple[str, str, str, str]  # model, arm, rule, fold set
SettingKey = tuple[str, str, str, str]  # experiment, data set, engine, scale


def settings(runs: Iterable[Run]) -> list[Setting]:
    """The runs by setting, published data sets first; RunError where runs of one setting do not belong together.

    A ratio of a sweep (`<experiment>/ratio-<ratio>`) borrows the experiment's baselines, which know no ratio.
    """
    ordered = sorted(runs, key=_run_order)
    grouped = {key: tuple(group) for key, group in groupby(ordered, key=_setting_key)}
    found = [Setting(*key, own, _borrowed(grouped, key)) for key, own in grouped.items()]
    for setting in found:
        _check_alike(setting.all_runs)
    return sorted(found, key=lambda setting: (not setting.published, setting.experiment, setting.dataset))


def measure_rows(setting: Setting, models: Sequence[str]) -> dict[Key, Row]:
    """All rows of a setting: models in the order of `models`, the others after them, then arms, rules and fold sets."""
    grouped = _confusions(setting)
    rows: dict[Key, Row] = {}
    for model in order_models({run.config.model for run in setting.all_runs}, models):
        for arm, rule in ((arm, rule) for arm in ARMS for rule in RULES if (model, arm, rule) in grouped):
            for row in _rows(model, arm, rule, grouped[model, arm, rule], setting.runs[0].config.folds):
                rows[model, arm, rule, row.fold_set] = row
    return rows


def differences(setting: Setting) -> dict[Key, Difference]:
    """Difference to the baseline of every AU row: per fold and seed, never over a broken pair.

    What the tables show is of the verdicts' own pairs (report/pairs.py); this is for who needs no statistics.
    """
    grouped, protocol = _confusions(setting), setting.runs[0].config.folds
    runs: dict[tuple[str, str, int, int], Run] = {
        (run.config.model, run.config.arm, run.config.fold, run.config.seed): run for run in setting.all_runs
    }
    found: dict[Key, Difference] = {}
    for (model, arm, rule), by_seed in grouped.items():
        if arm != "baseline":
            baseline = grouped.get((model, "baseline", rule), {})
            matches = {
                (seed, fold): match_runs(runs.get((model, "baseline", fold, seed)), runs[model, arm, fold, seed], rule)
                for seed, by_fold in by_seed.items()
                for fold in by_fold
            }
            for name, folds, seeds in _fold_sets_of(by_seed, protocol):
                broken = {seed: seed_faults(matches, folds, seed, seeds) for seed in seeds}
                whole = [seed for seed in seeds if not broken[seed]]
                pairs = [(_score(name, by_seed[seed], folds), _score(name, baseline[seed], folds)) for seed in whole]
                reasons = [reason for seed in seeds for reason in broken[seed]]
                found[model, arm, rule, name] = _difference(whole, pairs, reasons)
    return found


def fold_set_order(names: Iterable[str]) -> list[str]:
    """fold1, then parts of the protocol, then mean-of-folds and pooled."""
    rank = {FOLD1: 0, MEAN_OF_FOLDS: 2, POOLED: 3}
    return sorted(set(names), key=lambda name: (rank.get(name, 1), name))


def order_models(found: Iterable[str], models: Sequence[str]) -> list[str]:
    """The paper's models in its order, then the others by name."""
    names = set(found)
    return [name for name in models if name in names] + sorted(names - set(models))


def _setting_key(run: Run) -> SettingKey:
    return run.config.experiment, run.config.dataset.name, run.config.engine, run.config.scale


def _borrowed(grouped: Mapping[SettingKey, Sequence[Run]], key: SettingKey) -> tuple[Run, ...]:
    """Baselines of the experiment whose ratio this is, of the folds and seeds of AU runs that have none here."""
    sweep = swept(key[0])
    there = grouped.get((sweep[0], *key[1:]), ()) if sweep else ()
    have = {_cell(run) for run in grouped[key] if run.config.arm == "baseline"}
    lack = {_cell(run) for run in grouped[key]} - have
    return tuple(run for run in there if run.config.arm == "baseline" and _cell(run) in lack)


def _cell(run: Run) -> tuple[str, int, int]:
    return run.config.model, run.config.fold, run.config.seed


def _run_order(run: Run) -> tuple[Any, ...]:
    config = run.config
    return (*_setting_key(run), config.model, config.arm, config.fold, config.seed, run.digest)


def _check_alike(runs: Sequence[Run]) -> None:
    """One run per (model, arm, fold, seed), one configuration per (model, arm): else an average would mix things."""
    first: dict[tuple[Any, ...], tuple[Any, Run]] = {}
    for run in runs:
        config = run.config
        for what, key, value in (
            ("the same model, arm, fold and seed", (config.model, config.arm, config.fold, config.seed), run.digest),
            ("other recipe or options", (config.model, config.arm), (config.recipe, config.au, config.selection)),
            ("different data in one fold", (config.model, config.arm, config.fold), config.dataset.fingerprint),
            ("data sets of one name that differ", (), (config.dataset.title, config.dataset.published, config.folds)),
        ):
            seen, other = first.setdefault((what, *key), (value, run))
            if seen != value:
                raise RunError(f"{other.path} and {run.path}: {what}; move one of them out of the folder of runs")


def _confusions(setting: Setting) -> dict[tuple[str, str, str], dict[int, ByFold]]:
    """(model, arm, rule) -> seed -> fold -> confusion_EE."""
    grouped: dict[tuple[str, str, str], dict[int, Any]] = defaultdict(lambda: defaultdict(dict))
    for run in setting.all_runs:
        config = run.config
        for rule, said in run.predictions.items():
            grouped[config.model, config.arm, rule][config.seed][config.fold] = said.confusion_EE
    return dict(grouped)


def _fold_sets_of(by_seed: Mapping[int, ByFold], protocol: int) -> list[tuple[str, tuple[int, ...], list[int]]]:
    """Fold sets that the seeds support: name, folds, and the seeds that have them all."""
    found: dict[str, tuple[tuple[int, ...], list[int]]] = {}
    for seed in sorted(by_seed):
        for name, folds in fold_sets(by_seed[seed], protocol).items():
            found.setdefault(name, (folds, []))[1].append(seed)
    return [(name, *found[name]) for name in fold_set_order(found)]


def _rows(model: str, arm: str, rule: str, by_seed: Mapping[int, ByFold], protocol: int) -> list[Row]:
    rows = []
    for name, folds, seeds in _fold_sets_of(by_seed, protocol):
        mean = mean_of_seeds([_score(name, by_seed[seed], folds) for seed in seeds])
        rows.append(Row(model, arm, rule, name, folds, tuple(seeds), mean))
    return rows


def _difference(seeds: list[int], pairs: Sequence[tuple[Metrics, Metrics]], broken: list[str]) -> Difference:
    if not pairs:
        return Difference((), math.nan, math.nan, tuple(broken))
    war = math.fsum(au.war - baseline.war for au, baseline in pairs) / len(pairs)
    uar = math.fsum(au.uar - baseline.uar for au, baseline in pairs) / len(pairs)
    return Difference(tuple(seeds), war, uar, tuple(broken))
