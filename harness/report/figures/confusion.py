"""Confusion matrices of a baseline and an AU arm side by side, and their difference (Fig. 6).

Rows are labels and add up to 100 %. Letters: E expressions (7).
"""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, Normalize, TwoSlopeNorm
from matplotlib.figure import Figure as Drawing

from harness.au.units import EXPRESSIONS
from harness.report.figures.heatmap import VALUES, around_zero, signed_colours, text_colour
from harness.report.figures.style import PAPER, QUIET, sheet

Scale = tuple[Colormap, Normalize]
NAMED = 3  # largest differences told in the alt text


def percent(confusion_EE: np.ndarray) -> np.ndarray:
    """Rows in per cent of the row's clips; NaN in the row of an expression without clips."""
    total_E1 = confusion_EE.sum(axis=1, keepdims=True)
    return 100 * np.divide(confusion_EE, total_E1, out=np.full(confusion_EE.shape, np.nan), where=total_E1 > 0)


def draw(title: str, facts: Sequence[str], arm: str, baseline_EE: np.ndarray, au_EE: np.ndarray) -> Drawing:
    """Three panels: baseline, `arm`, and `arm` minus baseline in percentage points, with clips below each number."""
    drawing = sheet(11.0, 4.25, title, facts)
    axes = drawing.subplots(1, 3)
    drawing.subplots_adjust(left=0.085, right=0.995, top=0.82, bottom=0.17, wspace=0.06)
    change_EE, clips_EE = percent(au_EE) - percent(baseline_EE), au_EE - baseline_EE
    shares, signed = (mpl.colormaps[VALUES], Normalize(0, 100)), (signed_colours(), around_zero(change_EE))
    _panel(axes[0], "baseline, % (clips)", percent(baseline_EE), baseline_EE, shares)
    _panel(axes[1], f"{arm}, % (clips)", percent(au_EE), au_EE, shares)
    _panel(axes[2], f"{arm} minus baseline, points (clips)", change_EE, clips_EE, signed)
    axes[0].set_yticks(range(len(EXPRESSIONS)), EXPRESSIONS)
    axes[0].set_ylabel("label")
    return drawing


def alt(facts: Sequence[str], arm: str, baseline_EE: np.ndarray, au_EE: np.ndarray) -> str:
    """What the figure shows in words: clips, right shares of both arms, and the largest differences."""
    before_EE, after_EE = percent(baseline_EE), percent(au_EE)
    right = "; ".join(
        f"{name} {before_EE[e, e]:.1f} and {after_EE[e, e]:.1f} %"
        for e, name in enumerate(EXPRESSIONS)
        if not np.isnan(before_EE[e, e])
    )
    return (
        f"Confusion matrices of baseline and {arm}, {int(au_EE.sum()):,} predictions each; {', '.join(facts)}. "
        f"Right in baseline and {arm}: {right}. {_largest(before_EE, after_EE)}"
    )


def _largest(before_EE: np.ndarray, after_EE: np.ndarray) -> str:
    change_EE = np.nan_to_num(after_EE - before_EE)
    order = np.argsort(-np.abs(change_EE), axis=None, kind="stable")[:NAMED]
    cells = [(e, p) for e, p in zip(*np.unravel_index(order, change_EE.shape), strict=True) if change_EE[e, p]]
    if not cells:
        return "The two matrices are equal."
    said = (f"{EXPRESSIONS[e]} taken for {EXPRESSIONS[p]} {change_EE[e, p]:+.1f} points" for e, p in cells)
    return f"Largest differences: {', '.join(said)}."


def _panel(axis: Axes, title: str, value_EE: np.ndarray, clips_EE: np.ndarray, look: Scale) -> None:
    colours, norm = look
    edge_X = np.arange(len(EXPRESSIONS) + 1) - 0.5
    axis.pcolormesh(edge_X, edge_X, np.ma.masked_invalid(value_EE), cmap=colours, norm=norm, edgecolors=PAPER, lw=1.2)
    axis.set_ylim(edge_X[-1], edge_X[0])
    axis.set_title(title, loc="left", fontsize=8.5, fontweight="bold", pad=4)
    axis.set_xticks(range(len(EXPRESSIONS)), EXPRESSIONS, rotation=35, ha="right", rotation_mode="anchor")
    axis.set_yticks([])
    axis.set_xlabel("predicted")
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    form = "{:+.1f}\n({:+d})" if isinstance(norm, TwoSlopeNorm) else "{:.1f}\n({:d})"
    for (row, column), value in np.ndenumerate(value_EE):
        clips = int(clips_EE[row, column])
        if np.isnan(value):
            text, colour = ("no clips" if column == 0 else ""), QUIET
        else:
            text, colour = (form.format(value, clips) if value or clips else "0"), text_colour(colours(norm(value)))
        axis.text(column, row, text, ha="center", va="center", color=colour, fontsize=6.8, linespacing=1.15)
