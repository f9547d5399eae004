"""Heat maps of knowledge matrices (Fig. 4), drawn by matplotlib as png and svg; the same matrix gives the same bytes.

Letters: E expressions (7), A action units (18), 3 channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize, TwoSlopeNorm
from matplotlib.figure import Figure

from harness.au.units import ACTION_UNITS, EXPRESSIONS
from harness.report.figures.style import INK, PAPER, Sketch, paint, write

VALUES = "cividis"  # perceptually uniform, rises in lightness, the same to readers who see no red or green
DIFFERENCES = ("PuOr", 0.22, 0.78)  # without its dark ends: every number on it is in ink
DARK = 0.49  # of a cell's luma: below it its number is white, with a contrast of at least 4 to 1 either way
DPI, DPI_OF_SEVERAL = 120, 90  # a number in each of several hundred cells is most of a png's bytes
LUMA = (0.2126, 0.7152, 0.0722)  # ITU-R 709


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
    sketch = Sketch(stem.name, "", "", lambda: draw(panels), resolution(panels))
    drawn = write(stem.parent, sketch, paint(sketch))
    return [drawn.png, drawn.svg]


def resolution(panels: Sequence[Panel]) -> int:
    """Dots per inch of the panels' png, which keep it small."""
    return DPI if len(panels) == 1 else DPI_OF_SEVERAL


def draw(panels: Sequence[Panel]) -> Figure:
    """The figure with a heat map a panel; nothing is kept in matplotlib's global state."""
    height = 3.1 if len(panels) == 1 else 2.7 * len(panels)
    figure = Figure(figsize=(10.2, height), layout="constrained", facecolor=PAPER)
    axes = figure.subplots(len(panels), squeeze=False)[:, 0]
    for axis, panel in zip(axes, panels, strict=True):
        _draw_panel(figure, axis, panel, *_scale(panel, panels))
    return figure


def alt(panels: Sequence[Panel]) -> str:
    """What the figure shows in words: the span of each matrix, and where the differences are largest."""
    return " ".join(_said(panel) for panel in panels)


def text_colour(colour_3: Sequence[float]) -> str:
    """Ink or paper, whichever can be read on a cell of this colour (RGB from 0 to 1)."""
    luminance = float(np.dot(colour_3[:3], LUMA))
    return PAPER if luminance < DARK else INK


def signed_colours() -> Colormap:
    """Colours of differences: two hues that darken away from a white 0."""
    name, low, high = DIFFERENCES
    return LinearSegmentedColormap.from_list("differences", list(mpl.colormaps[name](np.linspace(low, high, 256))))


def around_zero(differences: np.ndarray) -> TwoSlopeNorm:
    """A scale around 0, as far as the differences reach on either side; NaN is left out."""
    most = max(float(np.nanmax(np.abs(differences))), 1e-9)
    return TwoSlopeNorm(0.0, -most, most)


def part_cells(axis: Axes, shape: tuple[int, ...]) -> None:
    """Thin lines of paper between the cells, so that neighbours of one lightness stay two."""
    axis.tick_params(length=0)
    axis.set_xticks(np.arange(shape[1] + 1) - 0.5, minor=True)
    axis.set_yticks(np.arange(shape[0] + 1) - 0.5, minor=True)
    axis.grid(which="minor", color=PAPER, linewidth=1.2)
    axis.tick_params(which="minor", length=0)
    axis.spines[:].set_visible(False)


def _scale(panel: Panel, panels: Sequence[Panel]) -> tuple[Normalize, Colormap]:
    reach = np.concatenate([p.matrix_EA.ravel() for p in panels if p.difference == panel.difference])
    if not panel.difference:
        return Normalize(min(0.0, float(reach.min())), max(1.0, float(reach.max()))), mpl.colormaps[VALUES]
    return around_zero(reach), signed_colours()


def _said(panel: Panel) -> str:
    matrix_EA = panel.matrix_EA
    row, column = np.unravel_index(int(np.argmax(np.abs(matrix_EA))), matrix_EA.shape)
    most = f"{EXPRESSIONS[row]} {ACTION_UNITS[column]} {matrix_EA[row, column]:{'+' if panel.difference else ''}.2f}"
    if panel.difference:
        return f"{panel.title}: {np.abs(matrix_EA).mean():.2f} on average regardless of sign, at most {most}."
    return f"{panel.title}: from {matrix_EA.min():.2f} to {matrix_EA.max():.2f}, highest {most}."


def _draw_panel(figure: Figure, axis: Axes, panel: Panel, norm: Normalize, colours: Colormap) -> None:
    image = axis.imshow(panel.matrix_EA, cmap=colours, norm=norm, aspect="auto", interpolation="nearest")
    axis.set_title(panel.title, loc="left", fontweight="bold")
    axis.set_xticks(range(len(ACTION_UNITS)), ACTION_UNITS)
    axis.set_yticks(range(len(EXPRESSIONS)), EXPRESSIONS)
    part_cells(axis, panel.matrix_EA.shape)
    _write_values(axis, panel, image.to_rgba(panel.matrix_EA))
    figure.colorbar(image, ax=axis, pad=0.01, fraction=0.03).outline.set_visible(False)


def _write_values(axis: Axes, panel: Panel, colour_EA4: np.ndarray) -> None:
    """Without the 0 before the point, as in tables of shares: 126 narrow cells are read more easily."""
    form = "{:+.2f}" if panel.difference else "{:.2f}"
    for row, column in np.ndindex(*panel.matrix_EA.shape):
        value, colour = panel.matrix_EA[row, column], text_colour(colour_EA4[row, column].tolist())
        text = form.format(value).replace("0.", ".", 1) if abs(value) < 1 else form.format(value)
        axis.text(column, row, text, ha="center", va="center", color=colour, fontsize=8.5)
