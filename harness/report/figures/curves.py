"""The course of a model's arms over the epochs: loss and its parts, WAR and UAR, seconds (Fig. 7).

Letters: R runs of an arm (folds and seeds), P epochs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import MaxNLocator

from harness.report.figures.style import ARM_LOOKS, FAINT, QUIET, sheet

Epochs = Sequence[Mapping[str, Any]]  # the lines of one run's epochs.jsonl
Arms = Mapping[str, Sequence[Epochs]]  # by arm, one item a run


@dataclass(frozen=True)
class Course:
    """One panel: a key of epochs.jsonl, what it is called, and the factor to what is drawn."""

    key: str
    title: str
    factor: float = 1.0


COURSES = (
    Course("loss", "Loss as minimised (Eq. 10)"),
    Course("expression_loss", "Expression loss (Eq. 5)"),
    Course("au_loss", "AU loss before its ratio (Eq. 9)"),
    Course("test_war", "WAR of the test fold, %", 100.0),
    Course("test_uar", "UAR of the test fold, %", 100.0),
    Course("seconds", "Training, seconds per epoch"),
)


def course(runs: Sequence[Epochs], key: str, factor: float = 1.0) -> np.ndarray:
    """Values (R, P) of a key; NaN where a run's line lacks it."""
    epochs = max((len(lines) for lines in runs), default=0)
    values_RP = np.full((len(runs), epochs), np.nan)
    for row, lines in enumerate(runs):
        values_RP[row, : len(lines)] = [_number(line.get(key)) * factor for line in lines]
    return values_RP


def draw(title: str, facts: Sequence[str], arms: Arms) -> Drawing:
    """Six panels with a line an arm: the mean over its runs, and a band from least to most where there are several."""
    drawing = sheet(10.0, 5.4, title, facts)
    axes = drawing.subplots(2, 3)
    drawing.subplots_adjust(left=0.05, right=0.985, top=0.845, bottom=0.125, wspace=0.17, hspace=0.38)
    for axis, one in zip(axes.flat, COURSES, strict=True):
        _panel(axis, one, arms)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    drawing.legend(handles, labels, loc="lower center", ncols=len(labels), handlelength=4.0)
    return drawing


def alt(facts: Sequence[str], arms: Arms) -> str:
    """What the figure shows in words: first and last loss, last WAR and UAR, and seconds, of every arm."""
    return f"Courses over the epochs; {', '.join(facts)}. {' '.join(_said(arm, runs) for arm, runs in arms.items())}"


def _panel(axis: Axes, one: Course, arms: Arms) -> None:
    drawn = False
    for arm, runs in arms.items():
        values_RP = course(runs, one.key, one.factor)
        values_RP = values_RP[:, np.isfinite(values_RP).all(axis=0)] if values_RP.size else values_RP
        # Invisible where there is nothing, so that the legend of the first panel names every arm.
        epoch_P = np.arange(1, values_RP.shape[1] + 1)
        look = ARM_LOOKS[arm]
        axis.plot(epoch_P, values_RP.mean(axis=0) if len(epoch_P) else [], label=arm, **_marked(look, len(epoch_P)))
        if len(runs) > 1 and len(epoch_P):
            axis.fill_between(epoch_P, values_RP.min(axis=0), values_RP.max(axis=0), color=look.color, alpha=0.12, lw=0)
        drawn |= len(epoch_P) > 0
    axis.set_title(one.title, loc="left", fontsize=8.5, fontweight="bold")
    axis.set_xlabel("epoch", labelpad=1)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.grid(axis="y", color=FAINT, linewidth=0.4)
    if one.key == "seconds":
        axis.set_ylim(bottom=0)
    if not drawn:
        axis.text(0.5, 0.5, "not recorded", transform=axis.transAxes, ha="center", color=QUIET)


def _marked(look: Any, epochs: int) -> dict[str, Any]:
    return {**look.line(), "markevery": max(1, epochs // 10)}


def _said(arm: str, runs: Sequence[Epochs]) -> str:
    loss_P, war_P, uar_P, seconds_P = (
        course(runs, key, factor).mean(axis=0)
        for key, factor in (("loss", 1.0), ("test_war", 100.0), ("test_uar", 100.0), ("seconds", 1.0))
    )
    return (
        f"{arm} ({len(runs)} {'run' if len(runs) == 1 else 'runs'}, {len(loss_P)} epochs): loss {loss_P[0]:.3f} to "
        f"{loss_P[-1]:.3f}, at the end WAR {war_P[-1]:.2f} and UAR {uar_P[-1]:.2f}, {seconds_P.mean():.3g} seconds an "
        "epoch."
    ).replace("nan", "not recorded")


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)
