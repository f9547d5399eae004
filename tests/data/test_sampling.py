"""Frame sampling: each upstream's rule, expected indices worked out by hand."""

import numpy as np
import pytest

from harness.data.sampling import test_frames as views_of
from harness.data.sampling import train_frames
from harness.recipe import Sampling

DRAWS = np.random.default_rng


class Fixed(np.random.Generator):
    """A generator whose every uniform draw is the same."""

    def __init__(self, value: float) -> None:
        super().__init__(np.random.PCG64(0))
        self.value = value

    def random(self, size: object = None) -> np.ndarray:  # type: ignore[override]
        return np.full(size, self.value)  # type: ignore[call-overload]


def test_m3dfel_jitter_of_the_upstream_ignores_the_clip_length() -> None:
    # 16 frames, T = 8: starts 0, 2, .., 14; a draw of 0.99 adds 7 frames wherever the clip ends.
    frames = train_frames(Sampling(rule="m3dfel"), np.array([16]), 8, Fixed(0.99))
    assert frames[0].tolist() == [7, 9, 11, 13, 15, 15, 15, 15]


def test_m3dfel_jitter_within_the_segment() -> None:
    frames = train_frames(Sampling(rule="m3dfel", jitter="segment"), np.array([16]), 8, Fixed(0.99))
    assert frames[0].tolist() == [1, 3, 5, 7, 9, 11, 13, 15]


def test_m3dfel_at_the_centre_draws_nothing() -> None:
    assert views_of(Sampling(rule="m3dfel"), np.array([32]), 8, Fixed(0.0)).tolist() == [
        [[2, 6, 10, 14, 18, 22, 26, 30]]
    ]


def test_m3dfel_of_the_upstream_draws_at_test_time_too() -> None:
    frames = views_of(Sampling(rule="m3dfel", test="upstream"), np.array([32]), 8, Fixed(0.5))
    assert frames.tolist() == [[[4, 8, 12, 16, 20, 24, 28, 31]]]


def test_former_dfer_takes_two_neighbours_from_each_segment() -> None:
    # 35 frames: (35 - 2 + 1) // 8 = 4 frames a segment; a draw of 0.5 starts two frames into each.
    frames = train_frames(Sampling(rule="former_dfer"), np.array([35]), 16, Fixed(0.5))
    assert frames[0, :6].tolist() == [2, 3, 6, 7, 10, 11]


def test_former_dfer_in_a_short_clip_starts_anywhere_in_order() -> None:
    # 8 < 12 frames: (12 - 1) // 8 = 1 frame a segment leaves no choice.
    frames = train_frames(Sampling(rule="former_dfer"), np.array([12]), 16, DRAWS(0))
    assert frames[0].tolist() == [0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8]


def test_former_dfer_in_a_clip_of_fewer_frames_than_segments_repeats_the_first() -> None:
    assert set(train_frames(Sampling(rule="former_dfer"), np.array([5]), 16, DRAWS(0))[0]) == {0, 1}


def test_former_dfer_tests_at_segment_centres() -> None:
    # tick = 33 / 8 = 4.125: 2.06, 6.19, 10.31, ..
    frames = views_of(Sampling(rule="former_dfer"), np.array([34]), 16, DRAWS(0))
    assert frames[0, 0, :6].tolist() == [2, 3, 6, 7, 10, 11]


def test_mae_dfer_strides_from_a_random_start() -> None:
    # 100 frames, 4 x 16 = 64: a draw of 0.5 ends the window at 64 + 18 = 82 and starts it at 18.
    frames = train_frames(Sampling(rule="mae_dfer"), np.array([100]), 16, Fixed(0.5))
    assert (frames[0, 0], frames[0, -1]) == (18, 81)
    assert set(np.diff(frames[0])) <= {4, 5, 3}


def test_mae_dfer_in_a_sixteen_frame_clip_sees_four_frames_and_repeats_the_last() -> None:
    frames = train_frames(Sampling(rule="mae_dfer"), np.array([16]), 16, DRAWS(0))
    assert frames[0].tolist() == [0, 5, 10] + [15] * 13


def test_mae_dfer_tests_in_windows_over_the_strided_clip() -> None:
    # 100 frames at stride 4 are 25; two windows of 16 start at 0 and 9.
    frames = views_of(Sampling(rule="mae_dfer", test_segments=2), np.array([100]), 16, DRAWS(0))
    assert frames.shape == (1, 2, 16)
    assert (frames[0, 0, 0], frames[0, 0, -1], frames[0, 1, 0], frames[0, 1, -1]) == (0, 60, 36, 96)


@pytest.mark.parametrize("rule", ["m3dfel", "former_dfer", "mae_dfer"])
@pytest.mark.parametrize("count", [1, 2, 7, 15, 16, 17, 64, 847])
def test_no_rule_leaves_the_clip(rule: str, count: int) -> None:
    sampling = Sampling(rule=rule, test_segments=2)  # type: ignore[arg-type]
    for frames in (
        train_frames(sampling, np.full(20, count), 16, DRAWS(1)),
        views_of(sampling, np.full(20, count), 16, DRAWS(1)),
    ):
        assert frames.min() >= 0
        assert frames.max() < count
