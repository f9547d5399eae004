"""The sweep of the AU ratio: WAR and UAR against lambda, a column a data set (Fig. 5).

The baseline is the ratio of 0: with it the AU loss has no part and a run is the baseline's, bit for bit.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from harness.report.figures.style import FAINT, LOOKS, QUIET, sheet
from harness.report.headings import dataset_label
from harness.report.measured import Difference, Row, Setting, differences, fold_set_order, measure_rows
from harness.runs.swept import swept

Sweep = Mapping[float, Setting]  # ratio -> its AU runs, each with the baseline of the sweep
Line = tuple[str, str]  # model, AU arm


@dataclass(frozen=True)
class Point:
    """WAR and UAR (shares) of an AU arm at a ratio; at 0 the baseline's."""

    ratio: float
    war: float
    uar: float


@dataclass(frozen=True)
class Column:
    """A data set's lines, all on one fold set and the baseline's seeds. left_out: points that are not, and why."""

    title: str
    fold_set: str
    lines: Mapping[Line, tuple[Point, ...]]
    left_out: tuple[str, ...]


def sweeps(settings: Iterable[Setting]) -> dict[tuple[str, str, str], list[Sweep]]:
    """The sweeps among the settings by (experiment, engine, scale): one for each data set that has a baseline."""
    settings = list(settings)
    base = {_key(one, one.experiment): one for one in settings if not swept(one.experiment)}
    found: dict[tuple[str, ...], dict[float, Setting]] = defaultdict(dict)
    for one in settings:
        name = swept(one.experiment)
        if name and (whole := base.get(_key(one, name[0]))):
            baselines = tuple(run for run in whole.runs if run.config.arm == "baseline")
            au_runs = tuple(run for run in one.runs if run.config.arm != "baseline")
            found[_key(one, name[0])][name[1]] = replace(one, runs=(*baselines, *au_runs))
    grouped: dict[tuple[str, str, str], list[Sweep]] = defaultdict(list)
    for (experiment, _, engine, scale), by_ratio in found.items():
        grouped[experiment, engine, scale].append(dict(sorted(by_ratio.items())))
    return dict(grouped)


def column(sweep: Sweep, rule: str) -> Column:
    """The points of whole pairs under one rule, on the fold set that most of them have; the others are named."""
    scores = {ratio: (measure_rows(one, ()), differences(one)) for ratio, one in sweep.items()}
    keys = [key for _, paired in scores.values() for key in paired if key[2] == rule]
    counted = Counter(key[3] for key in keys)
    # Of fold sets as frequent as one another, a mean over folds says more than fold 1.
    fold_set = max(fold_set_order(counted), key=lambda name: (counted[name], name.startswith(("mean", "folds"))))
    lines: dict[Line, tuple[Point, ...]] = {}
    left_out: list[str] = []
    for model, arm in sorted({key[:2] for key in keys}):
        points: list[Point] = []
        for ratio, (rows, paired) in scores.items():
            zero, row = (rows.get((model, one, rule, fold_set)) for one in ("baseline", arm))
            fault = _fault(zero, row, paired.get((model, arm, rule, fold_set)))
            if fault or zero is None or row is None:
                left_out.append(f"{model} {arm} at {ratio:g}: {fault}")
                continue
            points += [] if points else [Point(0.0, zero.metrics.war, zero.metrics.uar)]
            points.append(Point(ratio, row.metrics.war, row.metrics.uar))
        lines[model, arm] = tuple(points)
    return Column(dataset_label(next(iter(sweep.values()))), fold_set, lines, tuple(left_out))


def _fault(zero: Row | None, row: Row | None, difference: Difference | None) -> str:
    """Why a point cannot be compared; empty if it can."""
    if zero is None or row is None or difference is None:
        return "not finished on these folds"
    if difference.broken:
        return difference.broken[0]
    return "" if row.seeds == zero.seeds else "other seeds than the baseline"


def draw(title: str, facts: Sequence[str], columns: Sequence[Column]) -> Drawing:
    """WAR above UAR for each data set; a dotted line carries the baseline across."""
    width, height = max(5.0, 3.6 * len(columns) + 0.6), 5.2
    drawing = sheet(width, height, title, facts)
    axes = drawing.subplots(2, len(columns), squeeze=False, sharex=True)
    drawing.subplots_adjust(left=0.6 / width, right=1 - 0.15 / width, top=0.83, bottom=0.15, wspace=0.22, hspace=0.2)
    lines = sorted({line for one in columns for line in one.lines})
    for one, (above, below) in zip(columns, axes.T, strict=True):
        above.set_title(f"{one.title}, {one.fold_set}", loc="left", fontsize=8.5, fontweight="bold")
        _panel(above, "war", one, lines)
        _panel(below, "uar", one, lines)
        below.set_xlabel("ratio \u03bb of the AU loss (0: baseline)", labelpad=1)
    axes[0, 0].set_ylabel("WAR, %")
    axes[1, 0].set_ylabel("UAR, %")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    drawing.legend(handles, labels, loc="lower center", ncols=min(4, len(labels)), handlelength=4.0)
    return drawing


def alt(facts: Sequence[str], columns: Sequence[Column]) -> str:
    """What the figure shows in words: every point, and what was left out."""
    return f"WAR and UAR against the ratio of the AU loss; {', '.join(facts)}. {' '.join(map(_said, columns))}"


def _panel(axis: Axes, metric: str, one: Column, lines: Sequence[Line]) -> None:
    for look, line in zip((LOOKS[1 + i % (len(LOOKS) - 1)] for i in range(len(lines))), lines, strict=True):
        points = one.lines.get(line, ())
        value = [100 * getattr(point, metric) for point in points]
        axis.plot([point.ratio for point in points], value, label=" ".join(line), **look.line())
        if value:
            axis.axhline(value[0], color=look.color, linewidth=0.7, linestyle=":")
    axis.grid(axis="y", color=FAINT, linewidth=0.4)
    axis.set_xlim(-0.03, 1.03)
    if metric == "uar" and one.left_out:
        text = f"left out: {len(one.left_out)} (see the text)"
        axis.text(1.0, 0.02, text, transform=axis.transAxes, ha="right", fontsize=6.5, color=QUIET)


def _said(one: Column) -> str:
    lines = "; ".join(
        f"{model} {arm}: "
        + ", ".join(f"{point.ratio:g} WAR {100 * point.war:.2f} UAR {100 * point.uar:.2f}" for point in points)
        for (model, arm), points in one.lines.items()
    )
    left_out = f" Left out: {'; '.join(one.left_out)}." if one.left_out else ""
    return f"{one.title}, {one.fold_set}: {lines}.{left_out}"


def _key(setting: Setting, experiment: str) -> tuple[str, str, str, str]:
    return experiment, setting.dataset, setting.engine, setting.scale
