"""The three positive class weights of the AU loss (Eq. 6, 7, 8), from the training part of a fold or as released.

Shape letters: N clips, E expressions, A action units.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from harness.au.knowledge import read_unit_table
from harness.au.units import ACTION_UNITS, EXPRESSIONS, NUM_EXPRESSIONS, NUM_UNITS
from harness.errors import DataError, HarnessError

log = logging.getLogger(__name__)

Array = NDArray[Any]
Strategy = Literal["global", "distinct", "minor"]

# Section 3.3 names them; by count they are the same on DFEW, FERV39k and the seven classes of MAFW.
MAJOR_IN_PAPER = ("happy", "sad", "neutral", "angry")

# Where Eq. 6-8 divide by zero or give zero: plain cross-entropy, as Eq. 8 has it for major classes.
NEUTRAL_WEIGHT = 1.0


@dataclass(frozen=True, eq=False)
class ClipCounts:
    """all_E: clips per expression. usable_E: those with an AU label. positive_EA: those with the unit present."""

    all_E: Array
    usable_E: Array
    positive_EA: Array

    @property
    def major_E(self) -> Array:
        """Expressions with more than one seventh of all training clips (section 3.3)."""
        return self.all_E * NUM_EXPRESSIONS > self.all_E.sum()


def count_clips(labels_NA: Array, mask_N: Array, expression_N: Array) -> ClipCounts:
    """Counts the clips behind the weights. Raises DataError for unequal lengths or an expression outside 0 to 6."""
    if not len(labels_NA) == len(mask_N) == len(expression_N):
        raise DataError(
            f"pos_weight: {len(labels_NA)} AU labels, {len(mask_N)} mask entries and {len(expression_N)} expressions; "
            "give one of each per training clip"
        )
    if len(expression_N) and not 0 <= expression_N.min() <= expression_N.max() < NUM_EXPRESSIONS:
        raise DataError(f"pos_weight: expressions must be 0 to 6 in the order {', '.join(EXPRESSIONS)}")
    usable_N = np.asarray(mask_N, dtype=bool)
    of_class_NE = np.asarray(expression_N)[:, None] == np.arange(NUM_EXPRESSIONS)
    of_class_usable_NE = (of_class_NE & usable_N[:, None]).astype(np.int64)
    return ClipCounts(
        all_E=of_class_NE.sum(0),
        usable_E=of_class_usable_NE.sum(0),
        positive_EA=of_class_usable_NE.T @ (np.asarray(labels_NA) != 0).astype(np.int64),
    )


def pos_weight(strategy: Strategy, labels_NA: Array, mask_N: Array, expression_N: Array) -> Array:
    """pos_weight_EA (7, 18) of the training clips: negatives over positives of each unit, clips counted (Eq. 6, 7, 8).

    labels_NA: 0/1 clip labels (Eq. 4); mask_N: True where the clip has one; expression_N: 0..6. "global" counts over
    all clips (the same row seven times), "distinct" within each expression, "minor" as "distinct" but 1 for the major
    expressions. A unit with no positive or no negative clip gets 1 and a logged warning. Raises HarnessError for
    another strategy, DataError as `count_clips`.
    """
    _check_strategy(strategy)
    counts = count_clips(labels_NA, mask_N, expression_N)
    if strategy == "global":
        row_1A = _weights(counts.usable_E.sum(keepdims=True), counts.positive_EA.sum(0, keepdims=True), ("all",))
        return np.repeat(row_1A, NUM_EXPRESSIONS, axis=0)
    minor_E = np.ones(NUM_EXPRESSIONS, dtype=bool) if strategy == "distinct" else ~counts.major_E
    weights_EA = np.full((NUM_EXPRESSIONS, NUM_UNITS), NEUTRAL_WEIGHT)
    names = tuple(name for name, minor in zip(EXPRESSIONS, minor_E, strict=True) if minor)
    weights_EA[minor_E] = _weights(counts.usable_E[minor_E], counts.positive_EA[minor_E], names)
    return weights_EA


def load_released(path: Path, strategy: Strategy) -> Array:
    """pos_weight_EA (7, 18) of the released code: row `all` for "global", the rows of the expressions for "distinct".

    "minor" takes those rows for the expressions that the paper calls minor. The rows count frames, of training and test
    clips alike. Raises HarnessError for another strategy, DataError for a file that is not such a table.
    """
    _check_strategy(strategy)
    table = read_unit_table(path, (*EXPRESSIONS, "all"))
    if (table <= 0).any():
        raise DataError(f"{path}: holds a pos_weight that is not positive; a weight is negatives over positives")
    rows_EA, all_A = table[:-1], table[-1]
    if strategy == "global":
        return np.repeat(all_A[None], NUM_EXPRESSIONS, axis=0)
    if strategy == "minor":
        rows_EA[[name in MAJOR_IN_PAPER for name in EXPRESSIONS]] = NEUTRAL_WEIGHT
    return rows_EA


def frame_count_behind(weights_A: Array, largest: int = 10_000_000) -> int:
    """The smallest n that makes every n / (1 + weight) an integer: the frames counted in a row of released weights.

    Raises HarnessError where no such n up to `largest` exists: the row is no ratio of counts of the same frames.
    """
    shares = [Fraction(1 / (1 + float(weight))).limit_denominator(largest // 10) for weight in weights_A]
    count = math.lcm(*(share.denominator for share in shares))
    if count > largest:
        raise HarnessError(f"pos_weight row: no number of frames up to {largest} gives all {len(shares)} weights")
    return count


def _weights(usable_R: Array, positive_RA: Array, names: tuple[str, ...]) -> Array:
    """(c - p) / p for each row and unit, NEUTRAL_WEIGHT where p is 0 or c."""
    negative_RA = usable_R[:, None] - positive_RA
    regular_RA = (positive_RA > 0) & (negative_RA > 0)
    _warn(names, positive_RA, negative_RA)
    return np.where(regular_RA, negative_RA / np.maximum(positive_RA, 1), NEUTRAL_WEIGHT)


def _warn(names: tuple[str, ...], positive_RA: Array, negative_RA: Array) -> None:
    for name, positive_A, negative_A in zip(names, positive_RA, negative_RA, strict=True):
        reason = "no clip with AU labels"
        if (positive_A + negative_A).any():
            reason = "; ".join(_lacking("positive", positive_A) + _lacking("negative", negative_A))
        if reason:
            log.warning("pos_weight, expression %s: %s; the weight there is %g", name, reason, NEUTRAL_WEIGHT)


def _lacking(what: str, count_A: Array) -> list[str]:
    units = [unit for unit, count in zip(ACTION_UNITS, count_A, strict=True) if count == 0]
    return [f"no {what} clip for {', '.join(units)}"] if units else []


def _check_strategy(strategy: str) -> None:
    if strategy not in get_args(Strategy):
        raise HarnessError(f"pos_weight strategy '{strategy}' is not one of {', '.join(get_args(Strategy))}")
