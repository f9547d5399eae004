"""The three positive class weights of the AU loss (Eq. 6, 7, 8), from the training part of a fold or as released.

Shape letters: N clips, F frames, E expressions, A action units, R rows of a released table (expressions, then `all`).
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
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
Level = Literal["clip", "frame"]

# Section 3.3 names them; by count they are the same on DFEW, FERV39k and the seven classes of MAFW.
MAJOR_IN_PAPER = ("happy", "sad", "neutral", "angry")

# Rows of a released table: one per expression for "distinct", one over all of them for "global".
RELEASED_ROWS = (*EXPRESSIONS, "all")
SAME_ROW = 1e-12  # of sixteen digits; rows of different counts differ by far more

# Where Eq. 6-8 divide by zero or give zero: plain cross-entropy, as Eq. 8 has it for major classes.
NEUTRAL_WEIGHT = 1.0


@dataclass(frozen=True, eq=False)
class Counts:
    """all_E: clips per expression. usable_E: those clips, or those frames of them (`level`), that have an AU label.
    positive_EA: of these, the ones with the unit present.
    """

    all_E: Array
    usable_E: Array
    positive_EA: Array
    level: Level = "clip"

    @property
    def major_E(self) -> Array:
        """Expressions with more than one seventh of all training clips (section 3.3)."""
        return self.all_E * NUM_EXPRESSIONS > self.all_E.sum()


@dataclass(frozen=True)
class ReleasedRow:
    """What a released row gives away. frames: how many were counted (None: no such number). equals: the other rows,
    `table:row`, with the same weights. outside: units whose weight no pooling of the table's class rows can give.
    """

    name: str
    frames: int | None
    equals: tuple[str, ...]
    outside: tuple[str, ...]


def count_clips(labels_NA: Array, mask_N: Array, expression_N: Array) -> Counts:
    """Counts the clips behind the weights. Raises DataError for unequal lengths or an expression outside 0 to 6."""
    if not len(labels_NA) == len(mask_N) == len(expression_N):
        raise DataError(
            f"pos_weight: {len(labels_NA)} AU labels, {len(mask_N)} mask entries and {len(expression_N)} expressions; "
            "give one of each per training clip"
        )
    if len(expression_N) and not 0 <= expression_N.min() <= expression_N.max() < NUM_EXPRESSIONS:
        raise DataError(f"pos_weight: expressions must be 0 to 6 in the order {', '.join(EXPRESSIONS)}")
    usable_E, positive_EA = _count(labels_NA, mask_N, expression_N)
    return Counts(np.bincount(expression_N, minlength=NUM_EXPRESSIONS), usable_E, positive_EA)


def count_frames(presence_FA: Array, usable_F: Array, expression_F: Array, clips_E: Array) -> Counts:
    """Counts frames instead, as the released rows do. clips_E: clips per expression, which decide what is major.

    presence_FA: 0/1; usable_F: frames with a tracked face; expression_F: 0 to 6, the class of the frame's clip.
    """
    return Counts(np.asarray(clips_E), *_count(presence_FA, usable_F, expression_F), "frame")


def pos_weight(strategy: Strategy, labels_NA: Array, mask_N: Array, expression_N: Array) -> Array:
    """pos_weight_EA (7, 18) of the training clips: negatives over positives of each unit, clips counted (Eq. 6, 7, 8).

    labels_NA: 0/1 clip labels (Eq. 4); mask_N: True where the clip has one; expression_N: 0..6. "global" counts over
    all clips (the same row seven times), "distinct" within each expression, "minor" as "distinct" but 1 for the major
    expressions. A unit with no positive or no negative clip gets 1 and a logged warning. Raises HarnessError for
    another strategy, DataError as `count_clips`.
    """
    return weights_of(strategy, count_clips(labels_NA, mask_N, expression_N))


def weights_of(strategy: Strategy, counts: Counts) -> Array:
    """pos_weight_EA (7, 18) of counted clips or frames; strategies, warnings and errors as `pos_weight`."""
    _check_strategy(strategy)
    if strategy == "global":
        usable_1, positive_1A = counts.usable_E.sum(keepdims=True), counts.positive_EA.sum(0, keepdims=True)
        row_1A = _weights(usable_1, positive_1A, ("all",), counts.level)
        return np.repeat(row_1A, NUM_EXPRESSIONS, axis=0)
    minor_E = np.ones(NUM_EXPRESSIONS, dtype=bool) if strategy == "distinct" else ~counts.major_E
    weights_EA = np.full((NUM_EXPRESSIONS, NUM_UNITS), NEUTRAL_WEIGHT)
    names = tuple(name for name, minor in zip(EXPRESSIONS, minor_E, strict=True) if minor)
    weights_EA[minor_E] = _weights(counts.usable_E[minor_E], counts.positive_EA[minor_E], names, counts.level)
    return weights_EA


def load_released(path: Path, strategy: Strategy) -> Array:
    """pos_weight_EA (7, 18) of the released code: row `all` for "global", the rows of the expressions for "distinct".

    "minor" takes those rows for the expressions that the paper calls minor. The rows count frames, of training and test
    clips alike. Raises HarnessError for another strategy, DataError for a file that is not such a table.
    """
    _check_strategy(strategy)
    table_RA = read_released_rows(path)
    rows_EA, all_A = table_RA[:-1], table_RA[-1]
    if strategy == "global":
        return np.repeat(all_A[None], NUM_EXPRESSIONS, axis=0)
    if strategy == "minor":
        rows_EA[[name in MAJOR_IN_PAPER for name in EXPRESSIONS]] = NEUTRAL_WEIGHT
    return rows_EA


def read_released_rows(path: Path) -> Array:
    """table_RA (8, 18) of the released code, in the order of RELEASED_ROWS. DataError if it is not such a table."""
    table_RA = read_unit_table(path, RELEASED_ROWS)
    if (table_RA <= 0).any():
        raise DataError(f"{path}: holds a pos_weight that is not positive; a weight is negatives over positives")
    return table_RA


def examine_released(tables: Mapping[str, Array], name: str) -> tuple[ReleasedRow, ...]:
    """What the rows of table `name` give away, seen beside all released tables (their table_RA by name)."""
    table_RA = tables[name]
    others = {
        f"{other}:{row}": row_A
        for other, rows in tables.items()
        for row, row_A in zip(RELEASED_ROWS, rows, strict=True)
    }
    low_A, high_A = table_RA[:-1].min(0) * (1 - SAME_ROW), table_RA[:-1].max(0) * (1 + SAME_ROW)
    return tuple(
        ReleasedRow(
            row,
            _frames_behind(row_A),
            tuple(
                at
                for at, other_A in others.items()
                if at != f"{name}:{row}" and np.allclose(row_A, other_A, SAME_ROW, 0)
            ),
            tuple(np.array(ACTION_UNITS)[(row_A < low_A) | (row_A > high_A)].tolist()),
        )
        for row, row_A in zip(RELEASED_ROWS, table_RA, strict=True)
    )


def frame_count_behind(weights_A: Array, largest: int = 10_000_000) -> int:
    """The smallest n that makes every n / (1 + weight) an integer: the frames counted in a row of released weights.

    Raises HarnessError where no such n up to `largest` exists: the row is no ratio of counts of the same frames.
    """
    shares = [Fraction(1 / (1 + float(weight))).limit_denominator(largest // 10) for weight in weights_A]
    count = math.lcm(*(share.denominator for share in shares))
    if count > largest:
        raise HarnessError(f"pos_weight row: no number of frames up to {largest} gives all {len(shares)} weights")
    return count


def _frames_behind(row_A: Array) -> int | None:
    try:
        return frame_count_behind(row_A)
    except HarnessError:
        return None


def _count(present_FA: Array, usable_F: Array, expression_F: Array) -> tuple[Array, Array]:
    """usable_E and positive_EA. Class by class: the table of 2.6 million frames is not copied whole."""
    of_class = [
        np.flatnonzero((np.asarray(expression_F) == e) & np.asarray(usable_F, dtype=bool))
        for e in range(NUM_EXPRESSIONS)
    ]
    present_FA = np.asarray(present_FA)
    return (
        np.array([len(rows) for rows in of_class]),
        np.array([np.count_nonzero(present_FA[rows], axis=0) for rows in of_class]),
    )


def _weights(usable_R: Array, positive_RA: Array, names: tuple[str, ...], what: str) -> Array:
    """(c - p) / p for each row and unit, NEUTRAL_WEIGHT where p is 0 or c."""
    negative_RA = usable_R[:, None] - positive_RA
    regular_RA = (positive_RA > 0) & (negative_RA > 0)
    _warn(names, positive_RA, negative_RA, what)
    return np.where(regular_RA, negative_RA / np.maximum(positive_RA, 1), NEUTRAL_WEIGHT)


def _warn(names: tuple[str, ...], positive_RA: Array, negative_RA: Array, what: str) -> None:
    for name, positive_A, negative_A in zip(names, positive_RA, negative_RA, strict=True):
        reason = f"no {what} with AU labels"
        if (positive_A + negative_A).any():
            reason = "; ".join(_lacking(f"positive {what}", positive_A) + _lacking(f"negative {what}", negative_A))
        if reason:
            log.warning("pos_weight, expression %s: %s; the weight there is %g", name, reason, NEUTRAL_WEIGHT)


def _lacking(what: str, count_A: Array) -> list[str]:
    units = [unit for unit, count in zip(ACTION_UNITS, count_A, strict=True) if count == 0]
    return [f"no {what} for {', '.join(units)}"] if units else []


def _check_strategy(strategy: str) -> None:
    if strategy not in get_args(Strategy):
        raise HarnessError(f"pos_weight strategy '{strategy}' is not one of {', '.join(get_args(Strategy))}")
