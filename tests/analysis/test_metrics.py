"""Metrics against hand-worked figures and scikit-learn."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, f1_score, recall_score

from harness.analysis import metrics
from harness.engine import scores

ALL = list(range(7))


def drawn(seed: int, clips: int, classes: int = 7) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.integers(0, classes, clips), generator.integers(0, 7, clips)


def diagonal(correct: list[int], total: list[int]) -> np.ndarray:
    """A confusion matrix with these counts; a wrong clip of class e is taken for class e + 1."""
    confusion_EE = np.zeros((7, 7), np.int64)
    for e, (right, clips) in enumerate(zip(correct, total, strict=True)):
        confusion_EE[e, e] = right
        confusion_EE[e, (e + 1) % 7] = clips - right
    return confusion_EE


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), clips=st.integers(7, 300))
def test_agrees_with_scikit_learn(seed: int, clips: int) -> None:
    label_B, said_B = drawn(seed, clips)
    label_B[:7] = ALL
    confusion_EE = scores.confusion(label_B, said_B)
    found = metrics.measure(confusion_EE)
    np.testing.assert_array_equal(confusion_EE, confusion_matrix(label_B, said_B, labels=ALL))
    assert found.war == pytest.approx(recall_score(label_B, said_B, average="micro"), abs=1e-12)
    assert found.uar == pytest.approx(balanced_accuracy_score(label_B, said_B), abs=1e-12)
    assert found.macro_f1 == pytest.approx(f1_score(label_B, said_B, labels=ALL, average="macro", zero_division=0))
    assert found.accuracy_E == pytest.approx(recall_score(label_B, said_B, labels=ALL, average=None))


def test_an_expression_without_clips_is_left_out_of_uar_and_counts_as_zero_in_macro_f1() -> None:
    label_B, said_B = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 0, 1, 0, 2, 2])
    found = metrics.measure(scores.confusion(label_B, said_B))
    assert found.uar == pytest.approx((1 + 0.5 + 1) / 3)
    assert found.uar == pytest.approx(balanced_accuracy_score(label_B, said_B))
    assert found.macro_f1 == pytest.approx((0.8 + 2 / 3 + 1) / 7)
    assert found.macro_f1 == pytest.approx(f1_score(label_B, said_B, labels=ALL, average="macro", zero_division=0))
    assert math.isnan(found.accuracy_E[6])


def test_counts_are_the_integers_behind_the_accuracies() -> None:
    found = metrics.measure(diagonal([417, 0, 3, 0, 0, 1, 2], [489, 10, 4, 5, 6, 1, 4]))
    assert found.correct_E == (417, 0, 3, 0, 0, 1, 2)
    assert found.total_E == (489, 10, 4, 5, 6, 1, 4)
    assert found.accuracy_E[0] == pytest.approx(0.852760736)
    assert found.war == pytest.approx(423 / 519)


def test_equal_logits_go_to_the_first_expression() -> None:
    logits_BE = np.array([[0, 1, 1, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0, 0]], np.float32)
    assert scores.predict(logits_BE).tolist() == [1, 0]


def test_mean_of_folds_weighs_folds_equally_and_pooled_weighs_clips() -> None:
    small, large = diagonal([1] * 7, [1] * 7), diagonal([0] * 7, [3] * 7)
    assert metrics.mean_of_folds([small, large]).war == pytest.approx(0.5)
    assert metrics.pooled([small, large]).war == pytest.approx(7 / 28)
    assert metrics.mean_of_folds([small, large]).correct_E is None
    assert metrics.pooled([small, large]).total_E == (4,) * 7


def test_mean_of_folds_takes_an_expression_from_the_folds_that_have_it() -> None:
    without = diagonal([1, 1, 1, 1, 1, 0, 1], [2, 2, 2, 2, 2, 0, 2])
    with_it = diagonal([1, 1, 1, 1, 1, 1, 1], [2, 2, 2, 2, 2, 1, 2])
    assert metrics.mean_of_folds([without, with_it]).accuracy_E == pytest.approx((0.5, 0.5, 0.5, 0.5, 0.5, 1.0, 0.5))


def test_mean_of_seeds_sums_the_counts() -> None:
    one, two = metrics.measure(diagonal([1] * 7, [4] * 7)), metrics.measure(diagonal([3] * 7, [4] * 7))
    mean = metrics.mean_of_seeds([one, two])
    assert (mean.war, mean.uar) == pytest.approx((0.5, 0.5))
    assert (mean.correct_E, mean.total_E) == ((4,) * 7, (8,) * 7)


@pytest.mark.parametrize(
    "folds, protocol, names",
    [
        ([1], 5, {"fold1": (1,)}),
        ([1], 1, {"fold1": (1,)}),
        ([3], 5, {"folds 3": (3,)}),
        ([1, 3], 5, {"fold1": (1,), "folds 1,3": (1, 3)}),
        ([1, 2, 3, 4], 5, {"fold1": (1,), "folds 1,2,3,4": (1, 2, 3, 4)}),
        ([2, 1], 2, {"fold1": (1,), "mean-of-folds": (1, 2), "pooled": (1, 2)}),
        ([], 5, {}),
    ],
)
def test_fold_sets_are_named_by_the_folds_that_are_there(
    folds: list[int], protocol: int, names: dict[str, tuple[int, ...]]
) -> None:
    assert metrics.fold_sets(folds, protocol) == names


def test_score_takes_the_named_fold_set() -> None:
    folds = {1: diagonal([1] * 7, [1] * 7), 2: diagonal([0] * 7, [3] * 7)}
    assert metrics.score("fold1", folds, (1,)).war == 1.0
    assert metrics.score("mean-of-folds", folds, (1, 2)).war == pytest.approx(0.5)
    assert metrics.score("pooled", folds, (1, 2)).war == pytest.approx(0.25)
