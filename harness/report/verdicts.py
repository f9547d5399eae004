"""Verdicts on every AU arm, as markdown, csv and forest plots: what report/pairs.py found, in rows. Pure functions."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from typing import Any

from tabulate import tabulate

from harness.report.cells import MISSING, percent, with_interval
from harness.report.figures import Forest
from harness.report.figures.forest import ForestRow
from harness.report.headings import dataset_label, plural, rule_label
from harness.report.measured import Setting
from harness.report.pairs import NO_PAIR, Comparison, Contrast

Judgements = Sequence[tuple[Setting, Comparison]]

COLUMNS = (
    "dataset", "experiment", "engine", "scale", "model", "arm", "rule", "fold_set", "seeds", "clips", "metric",
    "difference", "low", "high", "p", "p_holm", "family", "basis", "detectable", "verdict", "broken",
)  # fmt: skip
LEGEND = (
    "Differences are AU arm less baseline, in points, with 95 % intervals of a paired bootstrap over clips. A verdict "
    "is at 5 %, corrected by Holm over all verdicts of one rule and fold set. Basis `clips`: the verdict speaks of "
    "these two trained networks only; with three pairs or more it rests on folds and seeds too. Detectable: the "
    "smallest difference that this many clips would have shown with 80 % chance. How: docs/statistics.md."
)


def verdict_markdown(found: Judgements) -> str:
    """verdicts.md: a table for each setting, selection rule and fold set; broken pairs and their reasons below it."""
    parts = ["# Verdicts\n", LEGEND + "\n"]
    for setting, comparison in found:
        for contrasts in _groups(comparison):
            first = contrasts[0]
            where = f"{dataset_label(setting)}, {setting.engine} engine, scale {setting.scale}"
            parts.append(f"## {where}, {first.fold_set}, {rule_label(first.rule)}\n")
            parts.append(_table(contrasts) + "\n")
            parts += [f"* {one.model} {one.arm}: {reason}\n" for one in contrasts for reason in one.broken]
    return "\n".join(parts)


def verdict_csv(found: Judgements) -> str:
    """verdicts.csv: a line for each verdict, shares as in the records."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for setting, comparison in found:
        for one in comparison.contrasts:
            writer.writerows(_lines(setting, one))
    return text.getvalue()


def forests(found: Judgements) -> list[Forest]:
    """A forest plot for each setting, selection rule and fold set."""
    plots = []
    for setting, comparison in found:
        for contrasts in _groups(comparison):
            first = contrasts[0]
            panels = {metric: [_row(one, metric) for one in contrasts] for metric in ("WAR", "UAR")}
            facts = (
                f"{dataset_label(setting)}, {setting.engine} engine, scale {setting.scale}",
                f"Holm over {first.family} verdicts",
            )
            place = (setting.experiment, setting.dataset, setting.engine, setting.scale, first.fold_set, first.rule)
            title = f"AU arms less their baselines: {first.fold_set}, {rule_label(first.rule).replace('*', '')}"
            plots.append(Forest("-".join(place), title, facts, panels))
    return plots


def _groups(comparison: Comparison) -> list[list[Contrast]]:
    groups: dict[tuple[str, str], list[Contrast]] = {}
    for one in comparison.contrasts:
        groups.setdefault((one.rule, one.fold_set), []).append(one)
    return list(groups.values())


def _table(contrasts: Iterable[Contrast]) -> str:
    rows = [
        {
            "Model": one.model,
            "Arm": one.arm,
            "Seeds": str(len(one.seeds)),
            "Clips": f"{one.clips:,}",
            **{name: value for metric in ("WAR", "UAR") for name, value in _cells(one, metric).items()},
        }
        for one in contrasts
    ]
    return tabulate(rows, headers="keys", tablefmt="github", disable_numparse=True)


def _cells(one: Contrast, metric: str) -> dict[str, str]:
    judged = one.war if metric == "WAR" else one.uar
    names = (f"Δ{metric} [95 %]", f"p {metric} (Holm)", f"detectable {metric}", f"verdict on {metric}")
    if judged is None:
        return dict(zip(names, (MISSING, MISSING, MISSING, NO_PAIR), strict=True))
    detectable = MISSING if judged.detectable is None else percent(judged.detectable)
    verdict = f"{judged.verdict} ({judged.basis})"
    return dict(zip(names, (with_interval(judged.effect), f"{judged.p_holm:.2g}", detectable, verdict), strict=True))


def _lines(setting: Setting, one: Contrast) -> Iterable[dict[str, Any]]:
    place = {"dataset": dataset_label(setting), "experiment": setting.experiment, "engine": setting.engine}
    place |= {"scale": setting.scale, "model": one.model, "arm": one.arm, "rule": one.rule, "fold_set": one.fold_set}
    counts = {"seeds": ";".join(map(str, one.seeds)), "clips": one.clips, "family": one.family}
    for metric, judged in (("WAR", one.war), ("UAR", one.uar)):
        row = {**place, **counts, "metric": metric, "broken": "; ".join(one.broken), "verdict": NO_PAIR}
        if judged is not None:
            effect = judged.effect
            row |= {"difference": _digits(effect.difference), "low": _digits(effect.low), "high": _digits(effect.high)}
            row |= {"p": _digits(judged.p), "p_holm": _digits(judged.p_holm), "detectable": _digits(judged.detectable)}
            row |= {"basis": judged.basis, "verdict": judged.verdict}
        yield row


def _row(one: Contrast, metric: str) -> ForestRow:
    judged = one.war if metric == "WAR" else one.uar
    label = f"{one.model} {one.arm} ({plural(len(one.seeds), 'seed')})"
    if judged is None:
        return ForestRow(label, math.nan, math.nan, math.nan)
    return ForestRow(label, judged.effect.difference, judged.effect.low, judged.effect.high, judged.verdict)


def _digits(value: float | None) -> str:
    """Six digits: more are the machine's, and the same runs are to give the same bytes on another."""
    return "" if value is None else f"{value + 0.0:.6g}"
