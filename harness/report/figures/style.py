"""How every figure looks and is written: to svg and png, the same bytes twice, with words for who cannot see it.

Colours are Okabe and Ito's (2008), told apart by colour-blind readers; each arm has a line style and a marker as well,
so that a figure can be read in grey.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Drawing
from PIL import Image

from harness.errors import RunError
from harness.files import replacing
from harness.report.figures.inline import data_uri

INK, PAPER, FAINT = "#000000", "#ffffff", "#b0b0b0"
QUIET = "#4a4a4a"  # for what stands beside the numbers: 8.9 to 1 on paper
DPI = 110
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "audfer",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 8.0,
    "axes.spines.top": False,
    "axes.titley": 1.0,  # where it would be put anyhow, once every tick label is measured for it
    "axes.spines.right": False,
    "legend.frameon": False,
}
NO_DATE = {"Date": None, "Creator": None}
COLOURS, SHADES = 256, 64  # of a png: all, and those for what is not an area of one colour


@dataclass(frozen=True)
class Figure:
    """A figure that was written: its title, what is seen on it in words, its two files, and the page's data: URI."""

    name: str
    title: str
    alt: str
    svg: Path
    png: Path
    uri: str


@dataclass(frozen=True)
class Sketch:
    """A figure to be drawn: the name of its files, its title, what is seen on it in words, and what draws it."""

    name: str
    title: str
    alt: str
    draw: Callable[[], Drawing]
    dpi: int = DPI


@dataclass(frozen=True)
class Painted:
    """A figure as the contents of its two files, and as the page carries it."""

    svg: bytes
    png: bytes
    uri: str


@dataclass(frozen=True)
class Look:
    """Colour, line style and marker of one course; no two of an order share any of the three."""

    color: str
    linestyle: Any
    marker: str

    def line(self) -> dict[str, Any]:
        """Keywords of a line with markers; a hollow marker stays readable where lines cross."""
        style = {"color": self.color, "linestyle": self.linestyle, "marker": self.marker}
        return {**style, "linewidth": 1.5, "markersize": 4.5, "markerfacecolor": PAPER, "markeredgewidth": 1.2}


LOOKS = (
    Look("#000000", "-", "o"),
    Look("#0072b2", "--", "s"),
    Look("#d55e00", "-.", "^"),
    Look("#009e73", ":", "D"),
    Look("#cc79a7", (0, (6, 1.5)), "v"),
    Look("#56b4e9", (0, (3, 1, 1, 1, 1, 1)), "P"),
    Look("#e69f00", (0, (1, 2)), "X"),
)
ARM_LOOKS = dict(zip(("baseline", "au-global", "au-distinct", "au-minor"), LOOKS, strict=False))


def sheet(width: float, height: float, title: str, facts: Iterable[str]) -> Drawing:
    """An empty sheet of `width` by `height` inches under a title and one line of facts; no global state of pyplot."""
    drawing = Drawing(figsize=(width, height), facecolor=PAPER)
    left, line = 0.1 / width, 0.2 / height
    drawing.text(left, 1 - 0.5 * line, title, fontsize=10, fontweight="bold", va="top")
    drawing.text(left, 1 - 1.6 * line, " · ".join(facts), fontsize=7.5, color=QUIET, va="top")
    return drawing


def paint(sketch: Sketch) -> Painted:
    """The figure in our style."""
    svg, png = io.BytesIO(), io.BytesIO()
    with mpl.rc_context(STYLE):
        drawing = sketch.draw()
        drawing.savefig(svg, format="svg", metadata=NO_DATE)
        picture = pixels(drawing, sketch.dpi)
    picture.save(png, format="png", optimize=True)
    return Painted(svg.getvalue(), png.getvalue(), data_uri(svg.getvalue(), picture))


def write(folder: Path, sketch: Sketch, painted: Painted) -> Figure:
    """Write `<folder>/<name>.svg` and `.png`; RunError if the folder cannot be written."""
    svg, png = (folder / f"{sketch.name}.{kind}" for kind in ("svg", "png"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, content in ((svg, painted.svg), (png, painted.png)):
            with replacing(path) as temporary:
                temporary.write_bytes(content)
    except OSError as error:
        raise RunError(f"{folder}: figures cannot be written ({error.strerror}); give another folder") from error
    return Figure(sketch.name, sketch.title, sketch.alt, svg, png, painted.uri)


def slug(*parts: str) -> str:
    """A file's name from names that may hold slashes or colons."""
    return "-".join(re.sub(r"[^A-Za-z0-9_.]+", "-", part).strip("-") for part in parts)


def pixels(drawing: Drawing, dpi: int) -> Image.Image:
    """The drawing as a picture of 256 colours, a third of the size of one with all the shades at the letters' edges.

    The colours of areas come first, so that a cell keeps its own; the others are spread over the shades.
    """
    canvas = FigureCanvasAgg(drawing)
    drawing.set_dpi(dpi)
    canvas.draw()
    colour_HW3 = np.asarray(canvas.buffer_rgba())[..., :3]
    red_HW, green_HW, blue_HW = np.moveaxis(colour_HW3, -1, 0).astype(np.uint32)
    packed_HW = red_HW << 16 | green_HW << 8 | blue_HW
    packed, count = np.unique(packed_HW, return_counts=True)
    area = np.sort(packed[np.argsort(-count, kind="stable")[: COLOURS - SHADES]])
    found = _nearest(Image.fromarray(colour_HW3), area)
    place_HW = np.searchsorted(area, packed_HW).clip(max=len(area) - 1)
    index_HW = np.where(area[place_HW] == packed_HW, place_HW, np.asarray(found))
    indexed = Image.fromarray(index_HW.astype(np.uint8))
    indexed.putpalette(found.getpalette() or [])
    return indexed


def _nearest(picture: Image.Image, area: np.ndarray) -> Image.Image:
    """The picture in the colours of areas (packed) and shades spread over all it has; near ones, for speed."""
    key = Image.new("P", (1, 1))
    shades = picture.quantize(SHADES, method=Image.Quantize.MAXCOVERAGE).getpalette() or []
    key.putpalette([channel for colour in area.tolist() for channel in int(colour).to_bytes(3, "big")] + shades)
    return picture.quantize(palette=key, dither=Image.Dither.NONE)
