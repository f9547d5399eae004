"""The summary of a data set, from tracks that are drawn but not painted."""

import numpy as np
import pytest

from harness.data.rendered.clip import plan_clip
from harness.data.rendered.folds import draw_labels, fold_of
from harness.data.rendered.summary import Track, summarise


def track(index: int, share_A: np.ndarray) -> Track:
    plan = plan_clip(0, index, share_A)
    return Track(index, plan.present[plan.sampled], plan.sampled, plan.present.mean(axis=0), 16)


def test_the_shares_of_the_demo_stay_within_a_few_points_of_dfews(shares_EA: np.ndarray) -> None:
    label_N = draw_labels(1600, seed=0)
    tracks = [track(i + 1, shares_EA[label]) for i, label in enumerate(label_N)]
    summary = summarise(tracks, shares_EA, label_N, fold_of(label_N, seed=0))
    assert summary.share_error is not None
    assert summary.share_error < 0.04
    # Counted here anew: frames of all happy clips in which AU12 is present, against 1 / (1 + 1.00331).
    happy = np.mean([track.shares[8] for track, label in zip(tracks, label_N, strict=True) if label == 0])
    assert happy == pytest.approx(0.49917, abs=0.03)
    assert 70 < summary.ideal_war < 85
    assert len(summary.ideal_folds) == 5


def test_the_largest_share_error_is_named() -> None:
    shares_EA = np.full((7, 18), 0.5)
    label_N = np.repeat([0, 2], [100, 99])
    sampled = np.arange(16)
    exact = np.full(18, 0.5)
    off = exact + 0.1 * (np.arange(18) == 8)
    # Clips of neutral are further off, but too few to count.
    measured = {0: off, 2: exact + 0.4}
    tracks = [Track(i, np.zeros((16, 18), bool), sampled, measured[label], 16) for i, label in enumerate(label_N)]
    summary = summarise(tracks, shares_EA, label_N, np.arange(199) % 5)
    assert summary.share_error == pytest.approx(0.1)
    assert summary.share_error_at == "AU12, happy"


def test_small_sets_have_no_share_error() -> None:
    label_N = np.arange(14) % 7
    tracks = [Track(i, np.zeros((16, 18), bool), np.arange(16), np.full(18, 0.5), 16) for i in range(14)]
    summary = summarise(tracks, np.full((7, 18), 0.5), label_N, np.arange(14) % 5)
    assert summary.share_error is None
    assert not any("AU shares" in line for line in summary.lines())
