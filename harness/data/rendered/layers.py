"""Shapes in face coordinates, and the few ways to make them.

Letters: T frames, K control points, N points of a shape. Face coordinates: x to the viewer's right, y down, eyes near
y = -0.25, mouth near y = 0.5, chin at y = 1.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from harness.au.units import ACTION_UNITS
from harness.data.rendered.identity import RGB

Number = float | np.ndarray
Units = dict[int, np.ndarray]
"""Intensity of each AU by its number, 0-1, one array (T,) each."""


@dataclass(frozen=True)
class Layer:
    """One shape over a clip, (T, N, 2) in face coordinates, filled, or stroked `width` wide; opacity (T,), 0-1."""

    points: np.ndarray
    colour: RGB
    opacity: np.ndarray
    width: float = 0.0


def units_of(intensity_TA: np.ndarray) -> Units:
    """Intensities on OpenFace's scale (0-5) by AU number, 0-1."""
    return {int(name[2:]): intensity_TA[:, i] / 5.0 for i, name in enumerate(ACTION_UNITS)}


def points(units: Units, *pairs: tuple[Number, Number]) -> np.ndarray:
    """Points (T, N, 2) from pairs whose parts are numbers or arrays (T,)."""
    made_TN2 = np.empty((units[1].size, len(pairs), 2))
    for n, (x, y) in enumerate(pairs):
        made_TN2[:, n, 0] = x
        made_TN2[:, n, 1] = y
    return made_TN2


def spline(controls_TK2: np.ndarray, per_span: int = 4, closed: bool = False) -> np.ndarray:
    """A smooth curve through the controls, as a polyline (T, N, 2)."""
    return _weights(controls_TK2.shape[1], per_span, closed) @ controls_TK2


@lru_cache(maxsize=64)
def _weights(controls: int, per_span: int, closed: bool) -> np.ndarray:
    """Weights (N, K) that make the points of a Catmull-Rom curve; an open one starts and ends at its end controls."""
    u = np.arange(per_span) / per_span
    blend = np.stack((-u + 2 * u**2 - u**3, 2 - 5 * u**2 + 3 * u**3, u + 4 * u**2 - 3 * u**3, u**3 - u**2), axis=1) / 2
    spans = controls if closed else controls - 1
    weights_NK = np.zeros((spans * per_span, controls))
    for span in range(spans):
        for k in range(4):
            at = (span + k - 1) % controls if closed else min(max(span + k - 1, 0), controls - 1)
            weights_NK[span * per_span : (span + 1) * per_span, at] += blend[:, k]
    return weights_NK if closed else np.concatenate((weights_NK, np.eye(controls)[-1:]))


def mirrored(shape_TN2: np.ndarray) -> np.ndarray:
    """The same shape on the other half of the face."""
    return shape_TN2 * np.array((-1.0, 1.0))


def across(half_TN2: np.ndarray) -> np.ndarray:
    """A line from its half, given from one side to the midline: the half, then its mirror image."""
    return np.concatenate((half_TN2, mirrored(half_TN2[:, -2::-1])), axis=1)


def loop(half_TK2: np.ndarray, per_span: int = 3) -> np.ndarray:
    """A closed curve from its half, given from the top of the midline to the bottom of it."""
    return spline(np.concatenate((half_TK2, mirrored(half_TK2[:, -2:0:-1])), axis=1), per_span, closed=True)


def between(first_TN2: np.ndarray, second_TN2: np.ndarray) -> np.ndarray:
    """The area between two lines that run the same way."""
    return np.concatenate((first_TN2, second_TN2[:, ::-1]), axis=1)


def ellipse(units: Units, x: Number, y: Number, radius_x: Number, radius_y: Number, corners: int = 12) -> np.ndarray:
    """An ellipse as a polygon (T, N, 2)."""
    angles = 2 * np.pi * np.arange(corners) / corners
    return points(units, *((x + radius_x * np.cos(angle), y + radius_y * np.sin(angle)) for angle in angles))


def fill(units: Units, shape_TN2: np.ndarray, colour: RGB, opacity: Number = 1.0) -> Layer:
    """A filled shape; opacity above 1 counts as 1."""
    return Layer(shape_TN2, colour, np.minimum(opacity, 1.0) + np.zeros(units[1].size))


def line(units: Units, shape_TN2: np.ndarray, colour: RGB, width: float, opacity: Number = 1.0) -> Layer:
    """A stroke, `width` in face units; opacity above 1 counts as 1."""
    return Layer(shape_TN2, colour, np.minimum(opacity, 1.0) + np.zeros(units[1].size), width)


def both(layer: Layer) -> Iterator[Layer]:
    """A layer and its mirror image."""
    yield layer
    yield Layer(mirrored(layer.points), layer.colour, layer.opacity, layer.width)
