"""A figure as the page carries it: in the page's own file, as drawing or as pixels, whichever is small."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

SVG_MOST = 30_000  # bytes; a larger drawing goes in as pixels
STEPS, AREA = 5, 300  # of a channel's 0 to 255 at the edges of letters; pixels of what is no edge and keeps its colour


def data_uri(svg: bytes, picture: Image.Image) -> str:
    """The drawing, or if that is large the picture, of at most 256 colours, as a data: URI of an image.

    An image keeps its ids and styles to itself, and no script in it runs.
    """
    kind, content = ("svg+xml", svg) if len(svg) <= SVG_MOST else ("webp", _webp(picture))
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _webp(picture: Image.Image) -> bytes:
    """The picture with fewer shades at the edges of its letters: two thirds of the bytes, and nobody sees it."""
    coarse = picture.copy()
    colour_P3 = np.array(picture.getpalette(), np.float64).reshape(-1, 3)
    stepped_P3 = np.round(np.round(colour_P3 * (STEPS / 255)) * (255 / STEPS))
    edge_P = np.array(picture.histogram()[: len(colour_P3)]) < AREA
    coarse.putpalette(np.where(edge_P[:, None], stepped_P3, colour_P3).astype(np.uint8).tobytes())
    stream = io.BytesIO()
    coarse.convert("RGB").save(stream, "WEBP", lossless=True, quality=80)  # 100 takes twice as long for 3 %
    return stream.getvalue()
