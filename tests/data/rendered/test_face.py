"""What each AU does to the picture: where it changes, and what a person would see there."""

import numpy as np
import pytest

from harness.au.units import ACTION_UNITS
from harness.data.rendered.identity import Identity, draw_identity
from harness.data.rendered.paint import paint_clip
from harness.data.rendered.scene import clean_scene
from harness.data.rendered.sheet import PROTOTYPES

SIZE = 96
# Rows and columns of a 96-pixel picture of the clean, frontal average face, from its geometry: eyes at 0.4 of the
# height, mouth at 0.76.
REGIONS = {
    "brows": (slice(12, 36), slice(16, 80)), "eyes": (slice(28, 50), slice(14, 82)),
    "cheeks": (slice(36, 68), slice(12, 84)), "nose": (slice(36, 62), slice(34, 62)),
    "mouth": (slice(56, 92), slice(18, 78)), "lips and chin": (slice(64, 96), slice(20, 76)),
}  # fmt: skip
HOME = {
    "AU01": "brows", "AU02": "brows", "AU04": "brows", "AU05": "eyes", "AU06": "cheeks", "AU07": "eyes",
    "AU09": "nose", "AU10": "mouth", "AU12": "mouth", "AU14": "mouth", "AU15": "mouth", "AU17": "lips and chin",
    "AU20": "mouth", "AU23": "mouth", "AU25": "mouth", "AU26": "mouth", "AU28": "mouth", "AU45": "eyes",
}  # fmt: skip


def portrait(*names: str, person: Identity | None = None, intensity: float = 4.0) -> np.ndarray:
    intensity_TA = np.array([[intensity * (name in names) for name in ACTION_UNITS]])
    return paint_clip(person or Identity(), clean_scene(1), intensity_TA, SIZE)[0].astype(int)


def change(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.abs(first - second).max(axis=-1)


def halved(picture: np.ndarray) -> np.ndarray:
    return picture.reshape(SIZE // 2, 2, SIZE // 2, 2, 3).mean(axis=(1, 3))


def count(picture: np.ndarray, region: str, where: np.ndarray) -> int:
    return int(where[REGIONS[region]].sum())


def white(picture: np.ndarray) -> np.ndarray:
    return picture.min(axis=-1) > 215


def red(picture: np.ndarray) -> np.ndarray:
    return picture[..., 0] > 1.9 * picture[..., 1]


def dark(picture: np.ndarray) -> np.ndarray:
    return picture.max(axis=-1) < 90


@pytest.mark.parametrize("name", ACTION_UNITS)
def test_an_au_changes_its_own_part_of_the_face(name: str) -> None:
    moved = change(portrait(), portrait(name)) > 24
    assert moved.sum() >= 40
    assert moved[REGIONS[HOME[name]]].sum() >= 0.6 * moved.sum()


@pytest.mark.parametrize("person", range(4))
def test_every_au_can_be_told_from_every_other_at_48_pixels(person: int) -> None:
    someone = draw_identity(np.random.default_rng(person))
    pictures = [halved(portrait(*names, person=someone)) for names in [(), *((name,) for name in ACTION_UNITS)]]
    for i, first in enumerate(pictures):
        for second in pictures[:i]:
            assert (change(first, second) > 16).sum() >= 15


@pytest.mark.parametrize("name", ACTION_UNITS)
def test_a_stronger_action_changes_more(name: str) -> None:
    weak, strong = (change(portrait(), portrait(name, intensity=level)).sum() for level in (1.8, 5.0))
    assert strong > weak > 0


def test_au05_shows_more_white_of_the_eye_and_au45_none() -> None:
    wide, neutral, shut = (count(p, "eyes", white(p)) for p in (portrait("AU05"), portrait(), portrait("AU45")))
    assert wide > neutral > shut == 0


def test_au25_shows_teeth_and_au26_a_dark_opening() -> None:
    shut, parted, dropped = portrait(), portrait("AU25"), portrait("AU26")
    assert count(parted, "mouth", white(parted)) > count(shut, "mouth", white(shut)) == 0
    assert count(dropped, "mouth", dark(dropped)) > count(parted, "mouth", dark(parted)) + 20


def test_au23_thins_the_red_of_the_lips_and_au28_hides_it() -> None:
    full, thin, hidden = (count(p, "mouth", red(p)) for p in (portrait(), portrait("AU23"), portrait("AU28")))
    assert full > 1.5 * thin
    assert thin > hidden


def test_au12_lifts_and_au15_lowers_the_corners() -> None:
    def outer_lips(*names: str) -> float:
        rows, columns = np.nonzero(red(portrait(*names)))
        return float(rows[np.abs(columns - 47.5) > 0.7 * np.abs(columns - 47.5).max()].mean())

    assert outer_lips("AU12") < outer_lips() - 3 < outer_lips("AU15") - 6


def test_the_prototypes_name_seven_different_faces() -> None:
    faces = [portrait(*units) for units in PROTOTYPES.values()]
    assert len(faces) == 7
    for i, first in enumerate(faces):
        for second in faces[:i]:
            assert (change(first, second) > 24).sum() > 150
