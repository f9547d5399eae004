"""Whole pairs of a setting, the only ones that a figure compares, and the words for what was compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from harness.report.headings import dataset_label, rule_label
from harness.report.measured import RULES, Setting
from harness.report.whole_pairs import pair_faults
from harness.runs.records import Run

Pair = tuple[Run, Run]  # baseline and AU arm of one model, fold and seed


def whole_pairs(setting: Setting, model: str, arm: str) -> list[Pair]:
    """The pairs of a model's AU arm in order of fold and seed, without broken ones."""
    baselines = {(run.config.fold, run.config.seed): run for run in of_arm(setting, model, "baseline")}
    found = []
    for run in of_arm(setting, model, arm):
        baseline = baselines.get((run.config.fold, run.config.seed))
        if baseline is not None and not pair_faults(baseline, run):
            found.append((baseline, run))
    return sorted(found, key=lambda pair: (pair[1].config.fold, pair[1].config.seed))


def of_arm(setting: Setting, model: str, arm: str) -> list[Run]:
    """A setting's runs of one model and arm."""
    return [run for run in setting.runs if (run.config.model, run.config.arm) == (model, arm)]


def one_rule(runs: Iterable[Run]) -> str | None:
    """The rule that a figure shows: `last` where all runs have it, else the first that all have; None if none."""
    common = set(RULES).intersection(*(run.config.selection for run in runs))
    return next((rule for rule in RULES if rule in common), None)


def confusion_of(runs: Sequence[Run], rule: str) -> np.ndarray:
    """Confusion matrix (E, E) in clips, summed over the runs."""
    total_EE: np.ndarray = np.sum([run.predictions[rule].confusion_EE for run in runs], axis=0)
    return total_EE


def headline(setting: Setting, runs: Sequence[Run], rule: str | None) -> tuple[str, ...]:
    """Data set, engine, rule (the oracle is marked), folds and seeds of what is drawn."""
    said = rule_label(rule).replace("*", "") if rule else "scored after every epoch, none selected"
    scale = "" if setting.scale == "full" else f", scale {setting.scale}"
    return dataset_label(setting), f"{setting.engine} engine{scale}", said, folds_and_seeds(runs)


def folds_and_seeds(runs: Sequence[Run]) -> str:
    """`fold 1 of 5, seed 0`, `folds 1-5 of 5, seeds 0, 1`."""
    folds, seeds = (sorted({getattr(run.config, key) for run in runs}) for key in ("fold", "seed"))
    return f"{_numbers('fold', folds)} of {runs[0].config.folds}, {_numbers('seed', seeds)}"


def _numbers(noun: str, numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return f"{noun} {numbers[0]}"
    unbroken = list(numbers) == list(range(numbers[0], numbers[-1] + 1)) and len(numbers) > 2
    return f"{noun}s {numbers[0]}-{numbers[-1]}" if unbroken else f"{noun}s {', '.join(map(str, numbers))}"
