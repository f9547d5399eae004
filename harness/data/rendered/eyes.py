"""Eyes and brows, and what AU1, AU2, AU4, AU5, AU6, AU7 and AU45 do to them.

Letters: T frames, N points of a shape. Coordinates as in `layers`.
"""

from collections.abc import Iterator

import numpy as np

from harness.data.rendered.identity import RGB, Identity, crease, mix, shade
from harness.data.rendered.layers import Layer, Units, between, both, ellipse, fill, line, points, spline

SCLERA = (240, 238, 234)
PUPIL = (16, 12, 12)
EYE_Y = -0.25
ALONG = np.linspace(-1.0, 1.0, 9)
"""Places along a lid, from one corner of the eye to the other."""


def eyes(person: Identity, units: Units, gaze_T2: np.ndarray) -> Iterator[Layer]:
    """AU5 opens the eye wide, AU7 narrows it from below, AU6 a little, AU45 shuts it; `gaze_T2` in half eye widths."""
    shut = np.minimum(1.7 * units[45], 1.0)
    over = person.eye_size * (0.095 + 0.1 * units[5] - 0.035 * units[7] - 0.012 * units[6])
    under = person.eye_size * (0.062 + 0.015 * units[5] - 0.05 * units[7] - 0.02 * units[6])
    over, under = over * (1 - shut) - 0.05 * shut, under * (1 - shut) + 0.055 * shut
    half = 0.185 * person.eye_size
    for side in (1.0, -1.0):
        x = 0.35 * person.eye_spacing * side
        upper, lower = _lid(x, half, over), _lid(x, half, -under)
        yield fill(units, ellipse(units, x, EYE_Y - 0.02, half * 1.22, 0.16), shade(person.skin, 0.84), 0.6)
        yield fill(units, between(upper, lower), SCLERA)
        for radius, colour in ((0.088, person.iris), (0.042, PUPIL)):
            yield _ball(units, x, half, over, under, gaze_T2, radius, colour, 1.0 - shut)
        yield from _lid_lines(person, units, upper, lower, shut)
        yield from _strain_and_lashes(person, units, x, half, shut)


def _height(rise_T: np.ndarray, along: np.ndarray) -> np.ndarray:
    """y of a lid that rises over the line between the corners of the eye, at places -1 to 1 along it, (T, N)."""
    return EYE_Y - rise_T[:, None] * (1 - np.abs(along) ** 2.2)


def _lid(x: float, half: float, rise_T: np.ndarray) -> np.ndarray:
    y_TN = _height(rise_T, ALONG)
    return np.stack((np.broadcast_to(x + half * ALONG, y_TN.shape), y_TN), axis=-1)


def _ball(
    units: Units, x: float, half: float, over: np.ndarray, under: np.ndarray, gaze_T2: np.ndarray,
    radius: float, colour: RGB, opacity: np.ndarray,
) -> Layer:  # fmt: skip
    """Iris or pupil, cut off where the lids cover it."""
    disc = ellipse(units, x + half * gaze_T2[:, 0], EYE_Y - 0.015 + half * gaze_T2[:, 1], radius, radius, 14)
    along_TN = np.clip((disc[..., 0] - x) / half, -1.0, 1.0)
    top_TN, bottom_TN = _height(over, along_TN), _height(-under, along_TN)
    disc[..., 1] = np.clip(disc[..., 1], top_TN, np.maximum(top_TN, bottom_TN))
    return fill(units, disc, colour, opacity)


def _lashes(person: Identity) -> RGB:
    return mix(person.hair, (0, 0, 0), 0.55)


def _lid_lines(
    person: Identity, units: Units, upper: np.ndarray, lower: np.ndarray, shut: np.ndarray
) -> Iterator[Layer]:
    yield line(units, upper, _lashes(person), 0.038)
    yield line(units, lower, shade(person.skin, 0.5), 0.02, 0.5 + 0.5 * units[7])
    fold = upper[:, 1:-1].copy()
    fold[..., 1] -= 0.055 + 0.02 * units[5][:, None]
    yield line(units, fold, shade(person.skin, 0.6), 0.02, 0.55 - 0.22 * units[5])


def _strain_and_lashes(person: Identity, units: Units, x: float, half: float, shut: np.ndarray) -> Iterator[Layer]:
    """The strained lower lid of AU7, and the lashes that are seen only on a shut eye."""
    strain = points(units, *((x + half * 1.05 * u, EYE_Y + 0.11 - 0.02 * u * u) for u in ALONG[1:-1]))
    yield line(units, strain, crease(person), 0.028, 1.2 * units[7])
    for u in (-0.6, 0.0, 0.6):
        lash = points(units, (x + half * u, EYE_Y + 0.055), (x + (half + 0.03) * u, EYE_Y + 0.12))
        yield line(units, lash, _lashes(person), 0.022, shut)


def brows(person: Identity, units: Units) -> Iterator[Layer]:
    """AU1 lifts the inner end, AU2 the outer, AU4 draws them down and together."""
    base = -0.01 - 0.5 * (person.brow_height - 1.0)
    inner_x = 0.13 - 0.045 * units[4]
    # Together, AU1 and AU4 make the slanting brow of grief: the inner end stays up.
    inner_y = base - 0.47 - 0.14 * units[1] + 0.11 * units[4] * (1 - 0.8 * units[1]) + 0.03 * units[9]
    middle_y = base - 0.55 - 0.05 * units[1] - 0.1 * units[2] + 0.1 * units[4]
    outer_y = base - 0.475 - 0.13 * units[2] + 0.03 * units[4]
    thick = 0.042 * person.brow_thickness
    top = points(units, (inner_x, inner_y - thick), (0.36, middle_y - thick), (0.6, outer_y))
    under = points(units, (inner_x, inner_y + thick), (0.36, middle_y + 0.8 * thick), (0.6, outer_y))
    colour = mix(person.hair, shade(person.skin, 0.18), 0.5)
    yield from both(fill(units, between(spline(top, 3), spline(under, 3)), colour, 0.95))
