"""People."""

import numpy as np

from harness.data.rendered.identity import HAIR_STYLES, Identity, draw_identity, mix, shade
from harness.data.rendered.paint import paint_clip
from harness.data.rendered.scene import clean_scene


def test_shade_and_mix_by_hand() -> None:
    assert shade((100, 200, 10), 2.0) == (200, 255, 20)
    assert mix((0, 100, 200), (100, 0, 200), 0.25) == (25, 75, 200)


def test_people_vary_in_everything() -> None:
    people = [draw_identity(np.random.default_rng(i)) for i in range(300)]
    for field in Identity.__dataclass_fields__:
        assert len({getattr(person, field) for person in people}) > 1, field
    assert {person.hair_style for person in people} == set(HAIR_STYLES)


def test_two_people_look_different_with_the_same_face_at_rest() -> None:
    people = [draw_identity(np.random.default_rng(seed)) for seed in (1, 2)]
    first, second = (paint_clip(person, clean_scene(1), np.zeros((1, 18)), 64) for person in people)
    assert (np.abs(first.astype(int) - second).max(axis=-1) > 16).mean() > 0.3
