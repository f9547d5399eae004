"""The face as a list of layers, back to front, bent by the action units.

What each unit does follows the Facial Action Coding System (FACS, Ekman and Friesen), drawn stronger than life so that
it can still be seen at 48 pixels. Letters: T frames, A action units (18). Coordinates as in `layers`.
"""

from collections.abc import Iterator

import numpy as np

from harness.data.rendered.eyes import brows, eyes
from harness.data.rendered.identity import Identity, crease, mix, shade
from harness.data.rendered.layers import Layer, Units, across, both, ellipse, fill, line, loop, points, spline, units_of
from harness.data.rendered.mouth import chin, corner, jaw_drop, mouth

BLUSH = (232, 96, 86)
RIM = (44, 38, 36)


def face_layers(person: Identity, intensity_TA: np.ndarray, gaze_T2: np.ndarray) -> list[Layer]:
    """The layers of one clip; `intensity_TA` on OpenFace's scale (0-5), `gaze_T2` in half eye widths."""
    units = units_of(intensity_TA)
    return [
        *_back(person, units),
        *_head(person, units),
        *_forehead(person, units),
        *_cheeks(person, units),
        *_nose(person, units),
        *mouth(person, units),
        *chin(person, units),
        *eyes(person, units, gaze_T2),
        *brows(person, units),
        *_front(person, units),
    ]


def _back(person: Identity, units: Units) -> Iterator[Layer]:
    """Hair behind the head, neck and ears."""
    if person.hair_style == "long":
        hair = points(units, (0.0, -1.3), (0.75, -1.12), (1.0, -0.4), (0.98, 0.5), (0.8, 1.25), (0.0, 1.3))
        yield fill(units, loop(hair), shade(person.hair, 0.8))
    elif person.hair_style != "bald":
        hair = points(units, (0.0, -1.26), (0.62, -1.1), (0.9, -0.62), (0.82, -0.15), (0.0, 0.0))
        yield fill(units, loop(hair), shade(person.hair, 0.8))
    neck = points(units, (-0.42, 0.5), (0.42, 0.5), (0.5, 1.6), (-0.5, 1.6))
    yield fill(units, neck, shade(person.skin, 0.68))
    if person.hair_style != "long":
        ear = ellipse(units, 0.78 * person.face_width, -0.08, 0.09, 0.19, 8)
        yield from both(fill(units, ear, shade(person.skin, 0.86)))


def _head(person: Identity, units: Units) -> Iterator[Layer]:
    """The face, with lighter ovals that give it a form, and a beard where there is one."""
    yield fill(units, _outline(person, units, 1.0), shade(person.skin, 0.86))
    for size in (0.95, 0.88, 0.8, 0.7):
        yield fill(units, _outline(person, units, size), person.skin, 0.4)
    if person.beard:
        drop = jaw_drop(units)
        upper = ((0.0, 0.3), (0.3, 0.34), (0.5, 0.1), (0.72, 0.0))
        beard = points(units, *upper, (0.66, 0.42), (0.38, 0.84 + drop), (0.0, 0.98 + drop))
        yield fill(units, loop(beard, 2), person.hair, person.beard)


def _outline(person: Identity, units: Units, size: float) -> np.ndarray:
    wide, jaw, drop = person.face_width * size, person.face_width * person.jaw_width * size, jaw_drop(units)
    skull = ((0.0, -1.02 * size), (0.44 * wide, -0.94 * size), (0.7 * wide, -0.58 * size), (0.76 * wide, -0.1 * size))
    below = ((0.67 * jaw, 0.42 * size + 0.4 * drop), (0.38 * jaw, 0.84 * size + 0.9 * drop), (0.0, 0.99 * size + drop))
    return loop(points(units, *skull, *below))


def _forehead(person: Identity, units: Units) -> Iterator[Layer]:
    """AU1 folds the middle of the forehead, AU2 its sides; AU4 draws two furrows between the brows."""
    for y in (-0.69, -0.78):
        lift = y - 0.03 * units[1]
        middle = spline(across(points(units, (-0.27, lift + 0.02), (-0.1, lift - 0.015), (0.0, lift - 0.02))))
        yield line(units, middle, crease(person), 0.03, 1.1 * units[1])
        side = spline(points(units, (0.3, y - 0.04), (0.44, y - 0.06), (0.58, y)))
        yield from both(line(units, side, crease(person), 0.03, 1.1 * units[2]))
    furrow = points(units, (0.05, -0.58), (0.035, -0.47), (0.055, -0.36))
    yield from both(line(units, furrow, crease(person, 0.75), 0.038, 1.3 * units[4]))


def _cheeks(person: Identity, units: Units) -> Iterator[Layer]:
    """AU6 lifts the cheeks; the fold between nose and mouth deepens with AU9, AU10 and AU12."""
    yield from _raised_cheeks(person, units)
    x, y = corner(person, units)
    lift = 0.06 * units[10] + 0.03 * units[12]
    fold = points(units, (0.19, 0.12 - lift), (0.31, 0.24 - lift), (np.maximum(x + 0.07, 0.36), y - 0.04))
    depth = 0.1 + 1.0 * units[10] + 0.55 * units[12] + 0.5 * units[9]
    yield from both(line(units, spline(fold), crease(person, 0.58), 0.034, np.minimum(depth, 0.95)))


def _raised_cheeks(person: Identity, units: Units) -> Iterator[Layer]:
    """A flushed apple, a pouch under the eye, crow's feet."""
    up, dark = units[6], crease(person, 0.58)
    for radius in (0.23, 0.18, 0.12):
        apple = ellipse(units, 0.43 * person.face_width, 0.1 - 0.07 * up, radius, 0.68 * radius)
        yield from both(fill(units, apple, mix(person.skin, BLUSH, 0.6), 0.5 * up))
    pouch = spline(points(units, (0.18, -0.09), (0.34, -0.03 - 0.03 * up), (0.53, -0.1)))
    yield from both(line(units, pouch, dark, 0.032, 1.2 * up))
    for y in (-0.09, 0.0, 0.09):
        foot = points(units, (0.56, -0.25 + 0.4 * y), (0.68, -0.25 + 1.2 * y))
        yield from both(line(units, foot, dark, 0.026, 1.2 * up))


def _nose(person: Identity, units: Units) -> Iterator[Layer]:
    """AU9 pulls the wings up and wrinkles the bridge."""
    wide, up = person.nose_width, 0.09 * units[9] + 0.02 * units[10]
    wing = ((0.05 * wide, -0.1), (0.15 * wide, 0.12 - up), (0.1 * wide, 0.2 - up))
    yield fill(units, points(units, (0.07, -0.34), *wing, (0.03, 0.14), (0.03, -0.3)), shade(person.skin, 0.8), 0.8)
    base = ((0.17 * wide, 0.1 - up), (0.15 * wide, 0.18 - up), (0.06 * wide, 0.175), (0.0, 0.205 - 0.3 * up))
    yield line(units, spline(across(points(units, *base)), 2), shade(person.skin, 0.62), 0.03)
    nostril = ellipse(units, 0.075 * wide, 0.165 - 0.6 * up, 0.035 * wide, 0.02, 6)
    yield from both(fill(units, nostril, shade(person.skin, 0.36)))
    for y in (-0.24, -0.15, -0.06):
        wrinkle = across(points(units, (0.11, y - 0.05), (0.05, y), (0.0, y)))
        yield line(units, wrinkle, crease(person, 0.7), 0.034, 1.3 * units[9])


def _front(person: Identity, units: Units) -> Iterator[Layer]:
    """The hair over the forehead, and glasses where there are any."""
    if person.hair_style != "bald":
        hairline = {"short": -0.86, "long": -0.88, "fringe": -0.8}[person.hair_style]
        end = 0.1 if person.hair_style == "long" else -0.35
        outer = ((0.0, -1.28), (0.6, -1.13), (0.88, -0.7), (0.86, end))
        inner = ((0.73, end), (0.7, -0.6), (0.45, hairline), (0.0, hairline - 0.02))
        yield fill(units, loop(points(units, *outer, *inner)), person.hair)
    if person.glasses:
        rim = ellipse(units, 0.35 * person.eye_spacing, -0.23, 0.27, 0.2, 14)
        yield from both(line(units, np.concatenate((rim, rim[:, :1]), axis=1), RIM, 0.024, 0.9))
        yield line(units, points(units, (-0.09, -0.26), (0.09, -0.26)), RIM, 0.026, 0.9)
