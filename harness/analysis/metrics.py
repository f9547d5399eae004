"""WAR, UAR, accuracy per expression and macro-F1 from a confusion matrix, and the named fold sets.

Everything is a share between 0 and 1; percent is a matter of rendering. Shape letters: B clips, E expressions (7).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.engine.scores import class_accuracy, counts, mean, uar, war

FOLD1 = "fold1"
MEAN_OF_FOLDS = "mean-of-folds"
POOLED = "pooled"


@dataclass(frozen=True)
class Metrics:
    """Scores of one confusion matrix, or the mean of several.

    war: share of all clips that are right. uar: mean recall over the expressions that have clips.
    macro_f1: mean F1 over all seven. accuracy_E: recall per expression, NaN where it has no clip.
    correct_E, total_E: the clips behind accuracy_E; None where that is a mean over folds, which no counts give.
    """

    war: float
    uar: float
    macro_f1: float
    accuracy_E: tuple[float, ...]
    correct_E: tuple[int, ...] | None = None
    total_E: tuple[int, ...] | None = None


def macro_f1(confusion_EE: np.ndarray) -> float:
    """Mean F1 over all seven expressions; one that is neither a label nor ever predicted counts as 0.

    scikit-learn's f1_score(average="macro", labels=all seven, zero_division=0).
    """
    right_E = np.diag(confusion_EE)
    either_E = confusion_EE.sum(axis=0) + confusion_EE.sum(axis=1)
    return float(np.mean(2 * right_E / np.maximum(either_E, 1)))


def measure(confusion_EE: np.ndarray) -> Metrics:
    """All scores of one confusion matrix (E, E) with at least one clip."""
    correct_E, total_E = counts(confusion_EE)
    return Metrics(
        war=war(confusion_EE),
        uar=uar(confusion_EE),
        macro_f1=macro_f1(confusion_EE),
        accuracy_E=class_accuracy(confusion_EE),
        correct_E=correct_E,
        total_E=total_E,
    )


def mean_of_folds(confusions: Iterable[np.ndarray]) -> Metrics:
    """Each fold scored by itself, then the mean; an expression's accuracy is over the folds that have clips of it."""
    scores = [measure(confusion_EE) for confusion_EE in confusions]
    return scores[0] if len(scores) == 1 else _mean_metrics(scores)


def pooled(confusions: Iterable[np.ndarray]) -> Metrics:
    """The clips of all folds scored as one test set."""
    return measure(np.sum(list(confusions), axis=0))


def mean_of_seeds(scores: Sequence[Metrics]) -> Metrics:
    """Mean of the scores of several seeds on the same clips; the counts are sums over the seeds."""
    if len(scores) == 1:
        return scores[0]
    correct = [score.correct_E for score in scores if score.correct_E is not None]
    total = [score.total_E for score in scores if score.total_E is not None]
    whole = len(correct) == len(scores)
    return _mean_metrics(scores, _sums(correct) if whole else None, _sums(total) if whole else None)


def fold_sets(folds: Collection[int], protocol: int) -> dict[str, tuple[int, ...]]:
    """The fold sets that finished `folds` support, by name, where the data set's protocol has folds 1 to `protocol`.

    `fold1` with fold 1; `mean-of-folds` and `pooled` with all of several folds; `folds 1,3`, a mean, with some of them.
    """
    have = tuple(sorted(set(folds)))
    named: dict[str, tuple[int, ...]] = {FOLD1: (1,)} if 1 in have else {}
    if have in ((), (1,)):
        return named
    if have == tuple(range(1, protocol + 1)):
        return {**named, MEAN_OF_FOLDS: have, POOLED: have}
    return {**named, "folds " + ",".join(map(str, have)): have}


def score(fold_set: str, confusions: Mapping[int, np.ndarray], folds: Sequence[int]) -> Metrics:
    """Metrics of one run per fold on a fold set named by `fold_sets`."""
    chosen = [confusions[fold] for fold in folds]
    return pooled(chosen) if fold_set == POOLED else mean_of_folds(chosen)


def _mean_metrics(
    scores: Sequence[Metrics], correct_E: tuple[int, ...] | None = None, total_E: tuple[int, ...] | None = None
) -> Metrics:
    return Metrics(
        war=mean(score.war for score in scores),
        uar=mean(score.uar for score in scores),
        macro_f1=mean(score.macro_f1 for score in scores),
        accuracy_E=tuple(mean(row) for row in zip(*(score.accuracy_E for score in scores), strict=True)),
        correct_E=correct_E,
        total_E=total_E,
    )


def _sums(rows: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(sum(column) for column in zip(*rows, strict=True))
