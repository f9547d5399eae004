"""AU tracks against the process they are drawn from."""

import numpy as np
import pytest

from harness.data.rendered.tracks import PRESENT, REFRESH, draw_presence, intensity_of, sampled_frames


def long_track(share: float) -> np.ndarray:
    return draw_presence(np.random.default_rng(3), np.array([share]), 100_000)[:, 0]


@pytest.mark.parametrize("share", [0.01, 0.3, 0.6])
def test_an_au_is_on_in_the_share_asked_for(share: float) -> None:
    # 100,000 frames hold some 33,000 independent decisions: 0.012 is four standard deviations of the largest.
    assert long_track(share).mean() == pytest.approx(share, abs=0.012)


@pytest.mark.parametrize("gap", [1, 2, 4])
def test_memory_fades_with_the_gap(gap: int) -> None:
    track = long_track(0.5).astype(float)
    assert np.corrcoef(track[:-gap], track[gap:])[0, 1] == pytest.approx((1 - REFRESH) ** gap, abs=0.02)


def test_the_first_frame_has_the_share_too() -> None:
    rng = np.random.default_rng(0)
    firsts = [draw_presence(rng, np.full(18, 0.25), 2)[0] for _ in range(1000)]
    assert np.mean(firsts) == pytest.approx(0.25, abs=0.015)


def test_intensity_reaches_the_threshold_exactly_where_an_au_is_present() -> None:
    present_TA = draw_presence(np.random.default_rng(1), np.full(18, 0.4), 2000)
    intensity_TA = intensity_of(np.random.default_rng(2), present_TA)
    assert ((intensity_TA >= PRESENT) == present_TA).all()
    assert intensity_TA.min() >= 0
    assert intensity_TA.max() <= 5
    assert intensity_TA[present_TA].min() >= 1.8
    assert np.median(intensity_TA[present_TA]) > 3


def test_an_episode_rises_to_an_apex_and_falls() -> None:
    present_TA = np.zeros((11, 1), bool)
    present_TA[3:8] = True
    onset = intensity_of(np.random.default_rng(0), present_TA)[:, 0]
    assert (onset[[0, 1, 9, 10]] == 0).all()
    assert 0 < onset[2] < onset[3] < onset[4]
    assert onset[6] > onset[7] > onset[8] > 0


def test_sampled_frames_are_the_middles_of_equal_parts() -> None:
    assert sampled_frames(64).tolist() == list(range(2, 64, 4))
    assert sampled_frames(6, count=2).tolist() == [1, 4]
