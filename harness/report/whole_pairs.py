"""Which two runs are a pair: one rule for tables, verdicts and figures. What is not whole is told, never averaged.

Shape letter: B clips.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.runs.records import Predictions, Run

NO_BASELINE = "no baseline run"


@dataclass(frozen=True)
class Match:
    """The predictions of a whole pair on the same clips, in the baseline's order (by name, in sealed runs)."""

    clips: tuple[str, ...]
    label_B: np.ndarray
    baseline_B: np.ndarray
    au_B: np.ndarray

    @property
    def difference_B(self) -> np.ndarray:
        """1 where only the AU run is right, -1 where only the baseline is, else 0."""
        return (self.au_B == self.label_B).astype(np.int64) - (self.baseline_B == self.label_B)


Found = Mapping[tuple[int, int], Match | str]  # (seed, fold) -> the pair, or why it is broken


def match_runs(baseline: Run | None, au: Run, rule: str) -> Match | str:
    """The predictions of an AU run and its baseline under one rule; or what keeps the two from being a pair."""
    if baseline is None or rule not in baseline.config.selection:
        return NO_BASELINE
    faults = pair_faults(baseline, au)
    return ", ".join(faults) if faults else match_clips(baseline.predictions[rule], au.predictions[rule])


def pair_faults(baseline: Run, other: Run) -> tuple[str, ...]:
    """What differs between two runs that are to be a pair, of all that they must share."""
    mine, theirs = _surroundings(baseline), _surroundings(other)
    return tuple(name for name in mine if mine[name] != theirs[name])


def match_clips(baseline: Predictions, au: Predictions) -> Match | str:
    """The two runs' predictions of the same clips, matched by name; or what keeps them from being compared."""
    alone = set() if baseline.clips == au.clips else set(baseline.clips) ^ set(au.clips)
    if alone:
        return f"other clips ({len(alone)} in one of the two only)"
    order = _order(au.clips, baseline.clips)
    different = int(np.sum(baseline.label_B != au.label_B[order]))
    if different:
        return f"other labels ({different} clip{'' if different == 1 else 's'})"
    return Match(baseline.clips, baseline.label_B, baseline.predicted_B, au.predicted_B[order])


def seed_faults(found: Found, folds: Sequence[int], seed: int, asked: Sequence[int]) -> list[str]:
    """Why a seed does not count. Seeds must have the same clips, since a clip's seeds are taken together."""
    reasons = []
    for fold in folds:
        match = found[seed, fold]
        if isinstance(match, str):
            reasons.append(f"{match} (fold {fold}, seed {seed})")
            continue
        first = next(other for other in asked if isinstance(found[other, fold], Match))
        if whole(found, first, fold).clips != match.clips:
            reasons.append(f"other clips than seed {first} (fold {fold}, seed {seed})")
    return reasons


def whole(found: Found, seed: int, fold: int) -> Match:
    """A pair that is known to be whole."""
    match = found[seed, fold]
    assert isinstance(match, Match)
    return match


def _order(clips: tuple[str, ...], wanted: tuple[str, ...]) -> slice | list[int]:
    """The index that puts clips in the order wanted; sealed runs have one order, that of names."""
    if clips == wanted:
        return slice(None)
    place = {clip: i for i, clip in enumerate(clips)}
    return [place[clip] for clip in wanted]


def _surroundings(run: Run) -> dict[str, Any]:
    """What the two runs of a pair must share. cuda:0 and cuda:1 of one machine are the same device."""
    config, environment = run.config, run.environment
    return {
        "device": (config.device.partition(":")[0], environment["device_name"]),
        "torch": environment["torch"],
        "precision": environment["precision"],
        "data": config.dataset.fingerprint,
        "recipe": config.recipe,
        "initial weights": config.initial,
        "number of processes": config.nproc,
    }
