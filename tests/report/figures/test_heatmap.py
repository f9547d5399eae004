import struct
import xml.etree.ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from harness.au.units import ACTION_UNITS, EXPRESSIONS
from harness.report.figures.heatmap import VALUES, Panel, beside, draw, text_colour, write_heatmap
from harness.report.figures.style import STYLE, pixels

MATRIX_EA = np.linspace(0.05, 0.95, 126).reshape(7, 18)


def texts(figure):
    return [text.get_text() for axis in figure.axes for text in axis.texts]


def test_every_cell_has_its_value_and_every_row_and_column_its_name():
    figure = draw([Panel("K", MATRIX_EA)])
    shown = texts(figure)
    assert (shown[0], shown[-1]) == (".05", ".95")
    assert [float(text) for text in shown] == pytest.approx(MATRIX_EA.ravel(), abs=0.005)
    axis = figure.axes[0]
    assert [label.get_text() for label in axis.get_xticklabels()] == list(ACTION_UNITS)
    assert [label.get_text() for label in axis.get_yticklabels()] == list(EXPRESSIONS)
    assert axis.get_title(loc="left") == "K"


def test_two_matrices_and_their_difference():
    panels = beside(("computed", MATRIX_EA), ("published", MATRIX_EA[::-1]))
    assert [panel.title for panel in panels] == ["computed", "published", "computed minus published"]
    shown = texts(draw(panels))
    assert float(shown[-1]) == pytest.approx(MATRIX_EA[-1, -1] - MATRIX_EA[0, -1], abs=0.005)
    assert shown[-1].startswith("+.")


def test_equal_matrices_have_a_difference_of_zero():
    assert texts(draw(beside(("a", MATRIX_EA), ("b", MATRIX_EA))))[-1] == "+.00"


def test_a_whole_one_keeps_its_digit():
    assert texts(draw([Panel("K", np.ones((7, 18)))]))[0] == "1.00"


def test_three_panels_make_a_small_png(tmp_path):
    several = beside(("Computed", np.random.default_rng(0).random((7, 18))), ("Fig. 4", MATRIX_EA))
    png, _ = write_heatmap(tmp_path / "k", several)
    assert png.stat().st_size < 60_000


@pytest.mark.parametrize("colour, text", [((0, 0, 0), "#ffffff"), ((1, 1, 1), "#000000"), ((1, 1, 0), "#000000")])
def test_a_number_can_be_read_on_its_colour(colour, text):
    assert text_colour(colour) == text


def test_lightness_rises_with_the_value():
    colour_V3 = mpl.colormaps[VALUES](np.linspace(0, 1, 20))[:, :3]
    grey_V = colour_V3 @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(grey_V) > 0).all()


def test_png_and_svg_have_the_same_bytes_twice(tmp_path):
    first = write_heatmap(tmp_path / "knowledge", [Panel("K", MATRIX_EA)])
    assert [path.name for path in first] == ["knowledge.png", "knowledge.svg"]
    again = write_heatmap(tmp_path / "again", [Panel("K", MATRIX_EA)])
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "again.png",
        "again.svg",
        "knowledge.png",
        "knowledge.svg",
    ]


def test_the_files_are_pictures(tmp_path):
    png, svg = write_heatmap(tmp_path / "k", [Panel("K", MATRIX_EA)])
    width, height = struct.unpack(">II", png.read_bytes()[16:24])
    assert (width > 1200, height > 300) == (True, True)
    assert ET.parse(svg).getroot().tag == "{http://www.w3.org/2000/svg}svg"


def test_a_png_of_few_colours_keeps_those_of_its_areas():
    panels = [Panel("K", MATRIX_EA)]
    with mpl.rc_context(STYLE):
        drawing = draw(panels)
        drawing.set_layout_engine("none")  # which moves a drawing each time it is drawn
        kept_HW3 = np.asarray(pixels(drawing, 80).convert("RGB")).astype(int)
        canvas = FigureCanvasAgg(drawing)
        canvas.draw()
    error_HW = np.abs(kept_HW3 - np.asarray(canvas.buffer_rgba())[..., :3]).max(axis=2)
    cells = drawing.axes[0].get_window_extent()
    corner = int(canvas.get_width_height()[1] - cells.y1) + 3, int(cells.x0) + 3
    assert error_HW[0, 0] == error_HW[corner] == 0
    assert (error_HW == 0).mean() > 0.8
    assert error_HW.max() <= 32
