"""WAR and UAR from a confusion matrix: what the loop needs after each epoch; analysis/metrics.py has the rest.

Everything is a share between 0 and 1. Shape letters: B clips, E expressions (7).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from harness.au.units import NUM_EXPRESSIONS


def predict(logits_BE: np.ndarray) -> np.ndarray:
    """Expression (B,) of the highest logit of each clip; of equal logits the first expression wins."""
    return np.argmax(logits_BE, axis=1)


def confusion(label_B: np.ndarray, predicted_B: np.ndarray) -> np.ndarray:
    """Clips per (label, predicted expression): int64 (E, E), rows are labels. Both inputs hold 0 to 6."""
    pair_B = np.asarray(label_B, np.int64) * NUM_EXPRESSIONS + np.asarray(predicted_B, np.int64)
    return np.bincount(pair_B, minlength=NUM_EXPRESSIONS**2).reshape(NUM_EXPRESSIONS, NUM_EXPRESSIONS)


def war(confusion_EE: np.ndarray) -> float:
    """Weighted average recall: the share of all clips that are right (plain accuracy)."""
    return float(np.trace(confusion_EE) / confusion_EE.sum())


def uar(confusion_EE: np.ndarray) -> float:
    """Unweighted average recall: the mean recall over the expressions that have clips.

    An expression without clips has no recall and is left out, as in scikit-learn's balanced_accuracy_score.
    """
    return mean(class_accuracy(confusion_EE))


def class_accuracy(confusion_EE: np.ndarray) -> tuple[float, ...]:
    """Recall of each expression; NaN for one without clips."""
    correct_E, total_E = counts(confusion_EE)
    return tuple(c / n if n else math.nan for c, n in zip(correct_E, total_E, strict=True))


def counts(confusion_EE: np.ndarray) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Right clips and all clips of each expression."""
    return tuple(np.diag(confusion_EE).tolist()), tuple(confusion_EE.sum(axis=1).tolist())


def mean(values: Iterable[float]) -> float:
    """Mean of the values that are not NaN; NaN if none is."""
    kept = [value for value in values if not math.isnan(value)]
    return math.fsum(kept) / len(kept) if kept else math.nan
