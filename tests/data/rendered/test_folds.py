"""Class counts and folds."""

import numpy as np
import pytest

from harness.data.rendered.folds import apportion, draw_labels, fold_of


def test_all_of_dfew_is_apportioned_exactly() -> None:
    assert apportion(11_697) == [2445, 1894, 2669, 2173, 1469, 145, 902]


def test_1600_clips_by_hand() -> None:
    # Quotas 334.44, 259.08, 365.08, 297.24, 200.94, 19.83, 123.38: floors make 1597, and the largest remainders are
    # those of surprise, disgust and happy.
    assert apportion(1600) == [335, 259, 365, 297, 201, 20, 123]


def test_labels_have_the_counts_in_a_seeded_order() -> None:
    label_N = draw_labels(1600, seed=1)
    assert np.bincount(label_N).tolist() == apportion(1600)
    assert label_N.tolist() == draw_labels(1600, seed=1).tolist()
    assert label_N.tolist() != draw_labels(1600, seed=2).tolist()


@pytest.mark.parametrize("clips", [1600, 1703, 97])
def test_folds_are_even_within_a_clip_overall_and_per_class(clips: int) -> None:
    label_N = draw_labels(clips, seed=0)
    fold_N = fold_of(label_N, seed=0)
    for members in [np.ones(clips, bool), *(label_N == label for label in range(7))]:
        sizes = np.bincount(fold_N[members], minlength=5)
        assert sizes.max() - sizes.min() <= 1
