"""Mouth and chin, and what AU10, AU12, AU14, AU15, AU17, AU20, AU23, AU25, AU26 and AU28 do to them.

Letters: T frames. Coordinates as in `layers`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from harness.data.rendered.identity import RGB, Identity, crease, mix, shade
from harness.data.rendered.layers import (
    Layer,
    Number,
    Units,
    across,
    between,
    both,
    ellipse,
    fill,
    line,
    points,
    spline,
)  # fmt: skip

LIP_RED = (176, 64, 66)
INSIDE = (62, 20, 22)
TEETH = (240, 236, 226)
ROLLED = (255, 236, 220)


def jaw_drop(units: Units) -> np.ndarray:
    """How far the chin is down: AU26, held up by AU17."""
    return 0.17 * units[26] * (1 - 0.3 * units[17]) - 0.02 * units[17]


def corner(person: Identity, units: Units) -> tuple[np.ndarray, np.ndarray]:
    """A corner of the mouth: up with AU12, down with AU15, wide with AU20, in with AU14, AU23, AU26 and AU28."""
    outward = 0.1 * units[12] + 0.14 * units[20]
    inward = 0.09 * units[23] + 0.03 * (units[14] + units[26] + units[28])
    y = 0.5 - 0.16 * units[12] + 0.15 * units[15] + 0.05 * units[20] + 0.06 * units[26] - 0.02 * units[14]
    return (0.29 + outward - inward) * person.mouth_width, y


@dataclass(frozen=True)
class _Lips:
    """Four lines from corner to corner, each (T, N, 2)."""

    upper_out: np.ndarray
    upper_in: np.ndarray
    lower_in: np.ndarray
    lower_out: np.ndarray


def _lips(person: Identity, units: Units) -> _Lips:
    """AU25 parts the lips, AU26 drops the jaw, AU10 lifts the upper lip, AU17 pushes up the lower."""
    x, y = corner(person, units)
    red = person.lip_fullness * (1 - 0.62 * units[23]) * (1 - units[28]) * (1 - 0.3 * units[20])
    upper, lower = 0.075 * red, 0.1 * red * (1 + 0.25 * units[17])
    shut = (1 - 0.5 * units[23]) * (1 - 0.8 * units[28]) * (1 - 0.35 * units[17])
    middle = 0.5 - 0.06 * units[17] + 0.02 * units[26] + 0.05 * units[15]
    top = middle - shut * 0.035 * units[25] - 0.085 * units[10]
    bottom = middle + shut * (0.09 * units[25] + 0.25 * units[26]) + 0.012 * units[10]

    def from_corner(*controls: tuple[Number, Number]) -> np.ndarray:
        return spline(across(points(units, (x, y), *controls)), 3)

    side, bow = 0.55 * x, 0.3 * y + 0.7 * bottom
    return _Lips(
        from_corner((0.1 + 0.06 * units[10], top - upper - 0.01 - 0.02 * units[10]), (0.0, top - upper * 0.7)),
        from_corner((side, 0.35 * y + 0.65 * top), (0.0, top)),
        from_corner((side, bow), (0.0, bottom)),
        from_corner((side, bow + 0.8 * lower), (0.0, bottom + lower)),
    )


def mouth(person: Identity, units: Units) -> Iterator[Layer]:
    """Opening, teeth and lips, and the marks around them."""
    lips, red = _lips(person, units), mix(LIP_RED, person.skin, 0.25)
    teeth = lips.upper_in.copy()
    teeth[..., 1] = np.minimum(teeth[..., 1] + 0.075, lips.lower_in[..., 1])
    yield fill(units, between(lips.upper_in, lips.lower_in), INSIDE)
    yield fill(units, between(lips.upper_in, teeth), TEETH)
    yield fill(units, between(lips.upper_out, lips.upper_in), shade(red, 0.86))
    yield fill(units, between(lips.lower_out, lips.lower_in), red)
    yield line(units, lips.upper_in, shade(red, 0.4), 0.028, 0.9)
    yield from _corner_marks(person, units, crease(person, 0.7))
    yield from _tension(person, units, crease(person, 0.7))


def _corner_marks(person: Identity, units: Units, dark: RGB) -> Iterator[Layer]:
    """Dimples of AU14, pouches of AU15, stretch lines of AU20."""
    x, y = corner(person, units)
    yield from both(fill(units, ellipse(units, x + 0.085, y, 0.035, 0.085, 8), dark, 1.2 * units[14]))
    pouch = spline(points(units, (x + 0.02, y + 0.0), (x + 0.065, y + 0.05), (x + 0.075, y + 0.12)))
    yield from both(line(units, pouch, dark, 0.034, units[15]))
    for out in (0.045, 0.105):
        stretch = points(units, (x + out - 0.02, y - 0.1), (x + out + 0.01, y), (x + out - 0.02, y + 0.11))
        yield from both(line(units, stretch, dark, 0.024, 1.1 * units[20]))


def _tension(person: Identity, units: Units, dark: RGB) -> Iterator[Layer]:
    """Short lines across tightened lips (AU23); pale rolls of skin where the lips are sucked in (AU28)."""
    for x in (0.05, 0.14):
        for far, near in ((0.36, 0.44), (0.64, 0.56)):
            yield from both(line(units, points(units, (x, far), (0.9 * x, near)), dark, 0.022, 1.1 * units[23]))
    for bulge in (-0.07, 0.075):
        roll = spline(across(points(units, (-0.2, 0.5 + 0.3 * bulge), (-0.1, 0.5 + bulge), (0.0, 0.5 + bulge))))
        yield line(units, roll, mix(person.skin, ROLLED, 0.45), 0.055, 0.9 * units[28])


def chin(person: Identity, units: Units) -> Iterator[Layer]:
    """AU17 bunches the chin: a deep crease under the lip and a knot of dimples on the boss."""
    dark, shift = crease(person), jaw_drop(units) - 0.03 * units[17]
    fold = across(points(units, (-0.17, 0.73 + shift), (-0.07, 0.685 + shift), (0.0, 0.68 + shift)))
    yield line(units, spline(fold), dark, 0.034, 0.15 + 1.1 * units[17])
    for x, y in ((-0.08, 0.8), (0.0, 0.775), (0.08, 0.8), (-0.04, 0.86), (0.04, 0.86)):
        yield fill(units, ellipse(units, x, y + shift, 0.026, 0.02, 5), dark, 0.9 * units[17])
