"""Pictures for the README: the seven expressions on a few people, drawn clean.

The clips of a data set switch each AU on by the data set's shares, whatever the others do; these pictures show the
combinations by which FACS (Ekman and Friesen, EMFACS) names an expression instead.
"""

import struct
import zlib
from pathlib import Path

import aggdraw
import numpy as np

from harness.au.units import ACTION_UNITS, EXPRESSIONS
from harness.data.rendered.identity import HAIRS, IRISES, SKINS, Identity
from harness.data.rendered.paint import paint_clip
from harness.data.rendered.scene import clean_scene

PROTOTYPES: dict[str, tuple[str, ...]] = {
    "happy": ("AU06", "AU12", "AU25"),
    "sad": ("AU01", "AU04", "AU15", "AU17"),
    "neutral": (),
    "angry": ("AU04", "AU05", "AU07", "AU23"),
    "surprise": ("AU01", "AU02", "AU05", "AU25", "AU26"),
    "disgust": ("AU04", "AU07", "AU09", "AU10"),
    "fear": ("AU01", "AU02", "AU04", "AU05", "AU20", "AU25"),
}
PEOPLE = (
    Identity(skin=SKINS[0], hair=HAIRS[3], iris=IRISES[3], hair_style="long", lip_fullness=1.15, brow_thickness=0.8),
    Identity(skin=SKINS[5], hair=HAIRS[0], iris=IRISES[0], face_width=1.04, jaw_width=1.08, brow_thickness=1.2),
    Identity(skin=SKINS[3], hair=HAIRS[5], iris=IRISES[1], hair_style="fringe", glasses=True, face_width=0.96),
)
CAPTION = 16
"""Height of the line of captions, pixels."""

# Letters as strokes, 4 wide and 6 high (descenders to 8): an outline font would have to be found on each machine.
STROKES: dict[str, tuple[tuple[float, ...], ...]] = {
    "a": ((0, 2, 3, 2, 3.5, 3, 3.5, 6, 1, 6, 0, 5, 1, 4, 3.5, 4),),
    "d": ((3.5, 0, 3.5, 6, 1, 6, 0, 5, 0, 3, 1, 2, 3.5, 2),),
    "e": ((0, 4, 3.5, 4, 3.5, 3, 2.5, 2, 1, 2, 0, 3, 0, 5, 1, 6, 3.5, 6),),
    "f": ((3, 0, 2, 0, 1.2, 1, 1.2, 6), (0, 2.4, 2.8, 2.4)),
    "g": ((3.5, 6, 1, 6, 0, 5, 0, 3, 1, 2, 3.5, 2, 3.5, 7.4, 2.5, 8, 0.5, 8),),
    "h": ((0, 0, 0, 6), (0, 3, 1, 2, 2.5, 2, 3.5, 3, 3.5, 6)),
    "i": ((1.7, 2, 1.7, 6), (1.7, 0, 1.7, 0.8)),
    "l": ((1.7, 0, 1.7, 6),),
    "n": ((0, 2, 0, 6), (0, 3, 1, 2, 2.5, 2, 3.5, 3, 3.5, 6)),
    "p": ((0, 8, 0, 2, 2.5, 2, 3.5, 3, 3.5, 5, 2.5, 6, 0, 6),),
    "r": ((0.5, 2, 0.5, 6), (0.5, 3.4, 1.6, 2, 3.4, 2)),
    "s": ((3.5, 2, 1, 2, 0, 2.8, 0.8, 4, 2.8, 4, 3.5, 5, 2.6, 6, 0, 6),),
    "t": ((1.2, 0.5, 1.2, 5, 2, 6, 3, 6), (0, 2, 3, 2)),
    "u": ((0, 2, 0, 5, 1, 6, 2.5, 6, 3.5, 5), (3.5, 2, 3.5, 6)),
    "y": ((0, 2, 0, 5, 1, 6, 3.5, 6), (3.5, 2, 3.5, 7.4, 2.5, 8, 0.5, 8)),
}


def contact_sheet(path: Path, size: int = 104) -> None:
    """Write a PNG of the seven expressions, named, on three people; the same bytes each time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(np.concatenate([_column(name, size) for name in EXPRESSIONS], axis=1)))


def _column(name: str, size: int) -> np.ndarray:
    return np.concatenate([_caption(name, size), *(portrait(person, PROTOTYPES[name], size) for person in PEOPLE)])


def portrait(person: Identity, units: tuple[str, ...], size: int, intensity: float = 4.2) -> np.ndarray:
    """One person with some AUs (names) at an intensity (0-5), uint8 (H, W, C)."""
    intensity_TA = np.array([[intensity * (name in units) for name in ACTION_UNITS]])
    return paint_clip(person, clean_scene(1), intensity_TA, size)[0]


def _caption(word: str, width: int) -> np.ndarray:
    canvas, scale = aggdraw.Draw("RGB", (width, CAPTION), (255, 255, 255)), 1.4
    pen, x = aggdraw.Pen((40, 40, 40), 1.2), (width - 5 * scale * len(word)) / 2
    for letter in word:
        for stroke in STROKES[letter]:
            canvas.line([scale * part + (2.0 if i % 2 else x) for i, part in enumerate(stroke)], pen)
        x += 5 * scale
    return np.frombuffer(canvas.tobytes(), np.uint8).reshape(CAPTION, width, 3)


def png(picture_HWC: np.ndarray) -> bytes:
    """A PNG file of an RGB picture, uint8 (H, W, 3)."""
    height, width, _ = picture_HWC.shape
    # Filter 2 of the format (difference to the row above) halves the size of drawn pictures.
    above = np.concatenate((np.zeros_like(picture_HWC[:1]), picture_HWC[:-1]))
    rows = np.concatenate((np.full((height, 1), 2, np.uint8), (picture_HWC - above).reshape(height, -1)), axis=1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
