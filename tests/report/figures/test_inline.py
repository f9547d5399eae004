"""What the page carries of a figure, against Pillow."""

import base64
import io

from PIL import Image

from harness.report.figures.inline import SVG_MOST, data_uri

CELL, EDGE = (151, 90, 33), (120, 33, 77)


def drawn() -> Image.Image:
    picture = Image.new("RGB", (100, 100), CELL)
    picture.putpixel((0, 0), EDGE)
    return picture.quantize(2)


def test_a_small_drawing_goes_in_as_it_is() -> None:
    assert data_uri(b"<svg/>", drawn()) == "data:image/svg+xml;base64," + base64.b64encode(b"<svg/>").decode()


def test_a_large_drawing_goes_in_as_pixels_whose_cells_keep_their_colours() -> None:
    start, _, content = data_uri(b" " * (SVG_MOST + 1), drawn()).partition(",")
    assert start == "data:image/webp;base64"
    with Image.open(io.BytesIO(base64.b64decode(content))) as shown:
        assert shown.convert("RGB").getpixel((50, 50)) == CELL
        assert shown.convert("RGB").getpixel((0, 0)) == (102, 51, 102)  # each to the next of 0, 51, ... 255
