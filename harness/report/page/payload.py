"""What the page knows of each run, as plain values for its script: small, since a report may hold a thousand.

No logits: a rule has its 49 counts and a few wrong clips. What runs share (recipe, data, environment) stands once.
Shape letters: B test clips, E expressions (7).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import numpy as np

from harness.analysis.stats import Effect, Judged
from harness.au.units import EXPRESSIONS
from harness.engine.scores import uar, war
from harness.report.cells import MISSING, percent, points
from harness.report.page.model import Line, Model, VerdictLine
from harness.runs.records import DONE, Predictions, Run

CURVES = (
    "loss", "expression_loss", "au_loss", "lr", "test_war", "test_uar", "val_war", "val_uar", "seconds",
    "clips_per_second",
)  # fmt: skip
WRONG_PER_CLASS = 3
EPOCHS_SHOWN = 240  # more are thinned: a curve on the page is some hundred pixels wide


@dataclass(frozen=True)
class WrongClip:
    """A test clip that was taken for another expression; share: the softmax of what was said."""

    clip: str
    label: int
    said: int
    share: float


@dataclass
class Shared:
    """Blocks of (key, value) pairs that several runs have, each held once."""

    blocks: list[list[list[str]]] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)

    def block(self, values: Mapping[str, Any]) -> int:
        """Position of the block with these values."""
        pairs = [[key, text] for key, text in _flat(values)]
        number = self.seen.setdefault(json.dumps(pairs), len(self.blocks))
        if number == len(self.blocks):
            self.blocks.append(pairs)
        return number


def payload(model: Model, paths: Sequence[str], pictures: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """The page's data. paths: of the runs below the folder of runs. pictures: data set -> clip -> data URI."""
    shared = Shared()
    rows = zip(model.runs, model.run_lines, paths, strict=True)
    runs = [run_payload(run, line, path, shared) for run, line, path in rows]
    contrasts = [_contrast(one) for one in model.verdicts]
    return {
        "expressions": list(EXPRESSIONS),
        "runs": runs,
        "blocks": shared.blocks,
        "pictures": pictures,
        "contrasts": contrasts,
    }


def run_payload(run: Run, line: Line, path: str, shared: Shared) -> dict[str, Any]:
    """One run: names, configuration, environment, curves, confusion and wrong clips per rule, hashes."""
    config = run.config.model_dump(mode="json")
    recipe, data, au = config.pop("recipe"), config.pop("dataset"), config.pop("au")
    own = {key: config.pop(key) for key in ("fold", "seed", "arm", "model")}
    return {
        "id": run.digest,
        "path": path,
        "setting": line.setting,
        "model": line.model,
        "arm": line.arm,
        "fold": own["fold"],
        "seed": own["seed"],
        "dataset": data["name"],
        "blocks": {
            "Run": shared.block(config),
            "Data": shared.block(data),
            **({"AU loss": shared.block(au)} if au else {}),
            "Recipe": shared.block(recipe),
        },
        "environment": shared.block(run.environment),
        "epochs": _curves(run.epochs),
        "rules": {rule: _rule(said) for rule, said in run.predictions.items()},
        "hashes": json.loads((run.path / DONE).read_text(encoding="utf-8"))["files"],
    }


def wrong_clips(said: Predictions) -> tuple[list[WrongClip], tuple[int, ...]]:
    """The surest wrong clips of each true expression, WRONG_PER_CLASS at most, and how many are wrong (E,)."""
    said_B = said.predicted_B
    wrong = np.flatnonzero(said_B != said.label_B)
    share_B = _softmax(said.logits_BE[wrong])[np.arange(len(wrong)), said_B[wrong]]
    surest = wrong[np.lexsort((wrong, -share_B))]
    shares = dict(zip(wrong.tolist(), share_B.tolist(), strict=True))
    label_of = said.label_B[surest]
    found = [int(i) for label in range(len(EXPRESSIONS)) for i in surest[label_of == label][:WRONG_PER_CLASS]]
    counts = tuple(int((said.label_B[wrong] == label).sum()) for label in range(len(EXPRESSIONS)))
    return [WrongClip(said.clips[i], int(said.label_B[i]), int(said_B[i]), shares[i]) for i in found], counts


def interval(effect: Effect) -> str:
    """The ends of an effect's interval, in points."""
    return f"{points(effect.low)} to {points(effect.high)}" if math.isfinite(effect.low) else MISSING


def _contrast(one: VerdictLine) -> dict[str, Any]:
    """An AU arm against its baseline: WAR, UAR and each expression, what the verdicts rest on; as texts."""
    line, contrast = one.line, one.contrast
    rows = [_effect(part.name, part.judged.effect) for part in one.parts if part.judged]
    rows += [_effect(name, effect) for name, effect in zip(EXPRESSIONS, contrast.recall_E, strict=False)]
    verdicts = [[part.name, part.verdict, *_judged(part.judged)] for part in one.parts]
    tests = [[str(m.seed), str(m.lost), str(m.won), f"{m.exact:.3g}", f"{m.mid_p:.3g}"] for m in contrast.mcnemar]
    key = {"setting": line.setting, "model": line.model, "arm": line.arm, "rule": line.rule, "fold_set": line.fold_set}
    said = {"clips": contrast.clips, "family": contrast.family, "broken": list(contrast.broken)}
    return key | said | {"verdicts": verdicts, "rows": rows, "mcnemar": tests}


def _effect(name: str, effect: Effect) -> list[str]:
    nothing = math.isnan(effect.difference)
    return [name, MISSING if nothing else points(effect.difference), interval(effect)]


def _judged(judged: Judged | None) -> list[str]:
    """Corrected p, smallest effect that would have been found, share of positive pairs, number of pairs."""
    if judged is None:
        return [MISSING] * 4
    least = MISSING if judged.detectable is None else f"{100 * judged.detectable:.2f}"
    return [f"{judged.p_holm:.3g}", least, f"{100 * judged.spread.positive:.0f} %", str(judged.spread.pairs)]


def _rule(said: Predictions) -> dict[str, Any]:
    clips, counts = wrong_clips(said)
    confusion_EE = said.confusion_EE
    return {
        "epoch": said.epoch,
        "war": percent(war(confusion_EE)),
        "uar": percent(uar(confusion_EE)),
        "right": f"{int(np.trace(confusion_EE))} / {len(said.clips)}",
        "confusion": confusion_EE.ravel().tolist(),
        "wrong": list(counts),
        "clips": [[one.clip, one.label, one.said, round(100 * one.share)] for one in clips],
    }


def _softmax(logits_BE: np.ndarray) -> np.ndarray:
    raised_BE = np.exp(logits_BE.astype(np.float64) - logits_BE.max(axis=1, keepdims=True, initial=-np.inf))
    shares_BE: np.ndarray = raised_BE / raised_BE.sum(axis=1, keepdims=True)
    return shares_BE


def _curves(epochs: Sequence[Mapping[str, Any]]) -> dict[str, list[float | None]]:
    """Columns of epochs.jsonl that hold a number, four digits each; thinned where there are many epochs."""
    step = -(-len(epochs) // EPOCHS_SHOWN)
    kept = [one for i, one in enumerate(epochs) if i % step == 0 or i == len(epochs) - 1]
    columns: dict[str, list[float | None]] = {"epoch": [one.get("epoch", i + 1) for i, one in enumerate(kept)]}
    for name in CURVES:
        values = [one.get(name) for one in kept]
        if any(map(_finite, values)):
            columns[name] = [float(f"{value:.4g}") if _finite(value) else None for value in values]
    return columns


def _finite(value: object) -> TypeGuard[float]:
    """Whether JSON can have it as a number."""
    return (type(value) is float or type(value) is int) and math.isfinite(value)


def _flat(values: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    """Nested mappings as dotted keys with texts, in order of key."""
    found: list[tuple[str, str]] = []
    for key in sorted(values):
        value = values[key]
        if isinstance(value, Mapping) and value:
            found += _flat(value, f"{before}{key}.")
        else:
            found.append((f"{before}{key}", value if isinstance(value, str) else json.dumps(value)))
    return found
