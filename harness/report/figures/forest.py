"""Forest plot: each pair's difference in WAR and UAR to its baseline, with its interval."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.lines import Line2D

from harness.report.figures.style import FAINT, INK, PAPER, sheet

MARKERS = {"improves": ("^", "#0072b2"), "worsens": ("v", "#d55e00")}
NO_EVIDENCE = ("o", INK)


@dataclass(frozen=True)
class ForestRow:
    """AU arm minus baseline with the ends of its interval, all shares between -1 and 1; NaN: no whole pair.

    mark: the verdict; `improves` and `worsens` have a filled triangle each, anything else a hollow circle.
    """

    label: str
    difference: float
    low: float
    high: float
    mark: str = ""


Panels = Mapping[str, Sequence[ForestRow]]  # by metric, the same labels in the same order


def draw(title: str, facts: Sequence[str], panels: Panels) -> Drawing:
    """A panel a metric, a row a pair; a line at 0 and the numbers beside each row."""
    rows = len(next(iter(panels.values())))
    height = 1.5 + 0.27 * rows
    drawing = sheet(10.0, height, title, facts)
    axes = drawing.subplots(1, len(panels), squeeze=False)[0]
    drawing.subplots_adjust(left=0.2, right=0.86, top=1 - 0.72 / height, bottom=0.65 / height, wspace=0.62)
    for axis, (metric, found) in zip(axes, panels.items(), strict=True):
        _panel(axis, metric, found)
    drawing.legend(handles=_key(), loc="lower left", ncols=3, bbox_to_anchor=(0.0, -0.01), handletextpad=0.2)
    axes[0].set_yticks(range(rows), [row.label for row in next(iter(panels.values()))])
    return drawing


def alt(facts: Sequence[str], panels: Panels) -> str:
    """What the figure shows in words: every difference with its interval and its mark."""
    said = (
        f"{metric}: " + "; ".join(f"{row.label} {_numbers(row)}{', ' if row.mark else ''}{row.mark}" for row in found)
        for metric, found in panels.items()
    )
    return f"Differences to the baseline in percentage points with intervals; {', '.join(facts)}. {'. '.join(said)}."


def _panel(axis: Axes, metric: str, rows: Sequence[ForestRow]) -> None:
    axis.axvline(0.0, color=INK, linewidth=0.8)
    for y, row in enumerate(rows):
        if y % 2:
            axis.axhspan(y - 0.5, y + 0.5, color=FAINT, alpha=0.18, linewidth=0)
        if not math.isnan(row.difference):
            marker, colour = MARKERS.get(row.mark, NO_EVIDENCE)
            axis.plot([100 * row.low, 100 * row.high], [y, y], color=colour, linewidth=1.4)
            fill = colour if row.mark in MARKERS else PAPER
            axis.plot(100 * row.difference, y, marker, color=colour, markersize=5.5, markerfacecolor=fill)
        axis.text(1.03, y, _numbers(row), transform=axis.get_yaxis_transform(), va="center", fontsize=7.5)
    reach = [abs(100 * end) for row in rows for end in (row.low, row.high, row.difference) if not math.isnan(end)]
    most = max(reach, default=1.0) * 1.08 or 1.0
    axis.set_xlim(-most, most)
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.set_yticks([])
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
    axis.set_title(metric, loc="left", fontsize=8.5, fontweight="bold", pad=3)
    axis.set_xlabel("AU arm minus baseline, percentage points", labelpad=2)


def _key() -> list[Line2D]:
    looks = {**MARKERS, "no evidence": NO_EVIDENCE}
    return [
        Line2D(
            [], [], marker=marker, color=colour, lw=0, markerfacecolor=colour if mark in MARKERS else PAPER, label=mark
        )
        for mark, (marker, colour) in looks.items()
    ]


def _numbers(row: ForestRow) -> str:
    if math.isnan(row.difference):
        return "no whole pair"
    return f"{100 * row.difference:+.2f} [{100 * row.low:+.2f}, {100 * row.high:+.2f}]"
