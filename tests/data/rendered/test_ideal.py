"""The ideal reader against enumeration by hand and scikit-learn."""

import itertools

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from harness.data.rendered.clip import plan_clip
from harness.data.rendered.folds import DFEW_CLIPS, draw_labels
from harness.data.rendered.ideal import log_likelihood, read_clips, war_uar
from harness.data.rendered.tracks import REFRESH


def test_the_probabilities_of_all_tracks_sum_to_one() -> None:
    tracks = np.array(list(itertools.product((False, True), repeat=6))).reshape(64, 3, 2)
    gaps = np.broadcast_to([0, 4, 5], (64, 3))
    total_E = np.exp(log_likelihood(tracks, gaps, np.array([[0.3, 0.6], [0.01, 0.5]]))).sum(axis=0)
    assert total_E == pytest.approx([1.0, 1.0])


def test_one_au_two_frames_by_hand() -> None:
    # On, then off two frames later: the AU was decided anew at least once, with 1 - (1 - r)^2, and is off with 1 - p.
    track = np.array([[[True], [False]]])
    value = log_likelihood(track, np.array([[0, 2]]), np.array([[0.2]]))[0, 0]
    assert np.exp(value) == pytest.approx(0.2 * (1 - (1 - REFRESH) ** 2) * 0.8)


def test_a_prior_decides_where_tracks_tell_nothing() -> None:
    present = np.zeros((1, 16, 18), bool)
    shares = np.full((7, 18), 0.3)
    prior_E = np.array([1, 1, 1, 1, 4, 1, 1]) / 10
    assert read_clips(present, np.full((1, 16), 4), shares, prior_E).tolist() == [4]


def test_war_and_uar_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    label_N = np.concatenate((np.arange(7), rng.integers(0, 7, 200)))
    named_N = np.where(rng.random(207) < 0.5, label_N, rng.integers(0, 7, 207))
    war, uar = war_uar(named_N, label_N)
    assert war == pytest.approx(100 * accuracy_score(label_N, named_N))
    assert uar == pytest.approx(100 * balanced_accuracy_score(label_N, named_N))


def test_the_ideal_reader_scores_between_70_and_85_percent(shares_EA: np.ndarray) -> None:
    label_N = draw_labels(1600, seed=0)
    plans = [plan_clip(0, i + 1, shares_EA[label]) for i, label in enumerate(label_N)]
    present = np.stack([plan.present[plan.sampled] for plan in plans])
    gap_NT = np.diff(np.stack([plan.sampled for plan in plans]), axis=1, prepend=0)
    war, _ = war_uar(read_clips(present, gap_NT, shares_EA, np.array(DFEW_CLIPS) / sum(DFEW_CLIPS)), label_N)
    # The standard deviation at 1600 clips is one point, so the bar is held with room on both sides.
    assert 72 < war < 83
