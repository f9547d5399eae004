"""Heat maps of knowledge matrices (Fig. 4), drawn by matplotlib as png and svg; the same matrix gives the same bytes.

Letters: E expressions (7), A action units (18), 3 channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize, TwoSlopeNorm
from matplotlib.figure import Figure

from harness.au.units import ACTION_UNITS, EXPRESSIONS
from harness.files import replacing

VALUES = "cividis"  # perceptually uniform, rises in lightness, the same to readers who see no red or green
DIFFERENCES = ("PuOr", 0.22, 0.78)  # without its dark ends: every number on it is in ink
DARK = 0.49  # of a cell's luma: below it its number is white, with a contrast of at least 4 to 1 either way
LUMA = (0.2126, 0.7152, 0.0722)  # ITU-R 709
INK, PAPER = "#000000", "#ffffff"
DPI = 160
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "audfer",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 8.0,
}
NO_DATE = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}}


@dataclass(frozen=True)
class Panel:
    """One matrix (7, 18) under its title. difference: drawn around 0, with signs."""

    title: str
    matrix_EA: np.ndarray
    difference: bool = False


def beside(first: tuple[str, np.ndarray], second: tuple[str, np.ndarray]) -> list[Panel]:
    """Two matrices and the first minus the second, such as computed and published."""
    difference_EA = first[1] - second[1]
    return [Panel(*first), Panel(*second), Panel(f"{first[0]} minus {second[0]}", difference_EA, difference=True)]


def write_heatmap(stem: Path, panels: Sequence[Panel]) -> list[Path]:
    """Draw the panels one below the other to `<stem>.png` and `<stem>.svg`; returns both paths.

    All matrices share one scale of colour, 0 to 1 (or as far as they reach beyond it); differences have one around 0.
    """
    paths = []
    with mpl.rc_context(STYLE):
        figure = draw(panels)
        for kind, metadata in NO_DATE.items():
            path = stem.with_name(f"{stem.name}.{kind}")
            with replacing(path) as temporary:
                figure.savefig(temporary, format=kind, dpi=DPI, metadata=metadata)
            paths.append(path)
    return paths


def draw(panels: Sequence[Panel]) -> Figure:
    """The figure with a heat map a panel; nothing is kept in matplotlib's global state."""
    figure = Figure(figsize=(10.2, 3.1 * len(panels)), layout="constrained", facecolor=PAPER)
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(panels), squeeze=False)[:, 0]
    for axis, panel in zip(axes, panels, strict=True):
        _draw_panel(figure, axis, panel, *_scale(panel, panels))
    return figure


def text_colour(colour_3: Sequence[float]) -> str:
    """Ink or paper, whichever can be read on a cell of this colour (RGB from 0 to 1)."""
    luminance = float(np.dot(colour_3[:3], LUMA))
    return PAPER if luminance < DARK else INK


def _scale(panel: Panel, panels: Sequence[Panel]) -> tuple[Normalize, Colormap]:
    reach = np.concatenate([p.matrix_EA.ravel() for p in panels if p.difference == panel.difference])
    if not panel.difference:
        return Normalize(min(0.0, float(reach.min())), max(1.0, float(reach.max()))), mpl.colormaps[VALUES]
    most = max(float(np.abs(reach).max()), 1e-9)
    name, low, high = DIFFERENCES
    colours = mpl.colormaps[name](np.linspace(low, high, 256))
    return TwoSlopeNorm(0.0, -most, most), LinearSegmentedColormap.from_list("differences", list(colours))


def _draw_panel(figure: Figure, axis: Axes, panel: Panel, norm: Normalize, colours: Colormap) -> None:
    image = axis.imshow(panel.matrix_EA, cmap=colours, norm=norm, aspect="auto", interpolation="nearest")
    axis.set_title(panel.title, loc="left", fontweight="bold")
    axis.set_xticks(range(len(ACTION_UNITS)), ACTION_UNITS)
    axis.set_yticks(range(len(EXPRESSIONS)), EXPRESSIONS)
    axis.tick_params(length=0)
    # Thin lines of paper part the cells, so that neighbours of one lightness stay two.
    axis.set_xticks(np.arange(len(ACTION_UNITS) + 1) - 0.5, minor=True)
    axis.set_yticks(np.arange(len(EXPRESSIONS) + 1) - 0.5, minor=True)
    axis.grid(which="minor", color=PAPER, linewidth=1.2)
    axis.tick_params(which="minor", length=0)
    axis.spines[:].set_visible(False)
    _write_values(axis, panel, image.to_rgba(panel.matrix_EA))
    figure.colorbar(image, ax=axis, pad=0.01, fraction=0.03).outline.set_visible(False)


def _write_values(axis: Axes, panel: Panel, colour_EA4: np.ndarray) -> None:
    form = "{:+.2f}" if panel.difference else "{:.2f}"
    for row, column in np.ndindex(*panel.matrix_EA.shape):
        text, colour = form.format(panel.matrix_EA[row, column]), text_colour(colour_EA4[row, column].tolist())
        axis.text(column, row, text, ha="center", va="center", color=colour, fontsize=8.5)
