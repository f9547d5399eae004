"""AU-expression knowledge from frames (section 3.1): select, take medians, centre, squash, add up, squash again.

Pure functions on arrays; `harness/runs/knowledge.py` reads the frames and the probabilities.
Shape letters: F frames of a data set, E expressions (7), A action units (18), R units with an intensity (17).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from harness.au.units import (
    ACTION_UNITS,
    EXPRESSIONS,
    NUM_EXPRESSIONS,
    NUM_UNITS,
    UNIT_INDEX,
    UNIT_WITHOUT_INTENSITY,
)
from harness.errors import DataError, HarnessError

Array = NDArray[Any]
AU28 = Literal["expression", "constant"]
Offset = float | Literal["mid-range"]

TEXT_OFFSET = 2.5  # what section 3.1 subtracts from the sum over its four data sets
SETS_IN_PAPER = 4
LARGEST_INTENSITY = 5.0
INTENSITY_UNITS = tuple(unit for unit in ACTION_UNITS if unit != UNIT_WITHOUT_INTENSITY)
_INTENSITY_COLUMNS = [UNIT_INDEX[unit] for unit in INTENSITY_UNITS]
_AU28_COLUMN = UNIT_INDEX[UNIT_WITHOUT_INTENSITY]


@dataclass(frozen=True, eq=False)
class SetKnowledge:
    """One data set. frames_E: its AU rows per expression; usable_E: those with a tracked face; selected_E: those also
    above the threshold. median_EA: median intensities, 0 to 5; knowledge_EA: K of section 3.1, in (0, 1).
    """

    name: str
    frames_E: Array
    usable_E: Array
    selected_E: Array
    median_EA: Array
    knowledge_EA: Array


@dataclass(frozen=True, eq=False)
class Knowledge:
    """All data sets: their sum S (7, 18), the number subtracted from it, and the matrix, in (0, 1)."""

    sets: tuple[SetKnowledge, ...]
    sum_EA: Array
    offset: float
    knowledge_EA: Array


def rows_of_frames(
    videos: Sequence[str], offset_V: Array, frame_F: Array, video_N: Sequence[str], count_N: Array, number_C: Array
) -> Array:
    """The AU row of every frame of N clips, int64 (C,); -1 where the video has no row of that number.

    videos, offset_V, frame_F: the AU rows, video by video, frame numbers rising within each. video_N, count_N: each
    clip's video and number of frames; number_C: their frame numbers, clip after clip.
    """
    place = {name: position for position, name in enumerate(videos)}
    place_C = np.repeat(np.array([place.get(name, -1) for name in video_N], dtype=np.int64), count_N)
    # One number a frame, rising through the whole table: all frames of all clips are found in one search.
    step = max(int(frame_F.max(initial=0)), int(number_C.max(initial=0))) + 1
    key_F = np.repeat(np.arange(len(videos)), np.diff(offset_V)) * step + frame_F
    key_C = place_C * step + number_C
    row_C = np.minimum(np.searchsorted(key_F, key_C), max(len(key_F) - 1, 0))
    found_C = (place_C >= 0) & (key_F[row_C] == key_C) if len(key_F) else np.zeros(len(key_C), dtype=bool)
    return np.where(found_C, row_C, -1)


def spread(frame_T: Array, count: int) -> Array:
    """Which of `count` frames, spread evenly over a clip, the rows of the whole clip fall to: indices (T,), from 0.

    frame_T: the rows' frame numbers, from 1, rising to the clip's last.
    """
    return (2 * frame_T - 1) * count // (2 * frame_T[-1])


def select(probability_F: Array, usable_F: Array, theta: float) -> Array:
    """Frames that count, bool (F,): usable, and the probability of their own expression above theta (after Eq. 3).

    probability_F: the model's probability of the frame's target expression; NaN where it was not computed, which is
    not above any theta. HarnessError unless 0 <= theta < 1.
    """
    if not 0 <= theta < 1:
        raise HarnessError(f"theta {theta:g} is not a threshold of a probability; give a number from 0 up to below 1")
    return np.asarray(usable_F, dtype=bool) & (np.asarray(probability_F) > theta)


def extract_set(
    name: str,
    intensity_FR: Array,
    expression_F: Array,
    probability_F: Array,
    usable_F: Array,
    *,
    theta: float,
    au28: AU28 = "expression",
) -> SetKnowledge:
    """The knowledge of one data set.

    intensity_FR: 0 to 5, zeros already interpolated (Eq. 1). expression_F: 0 to 6, the class of the frame's clip, or -1
    for a frame of no clip. probability_F, usable_F: as `select`. au28: "expression" takes the mean of the expression's
    other 17 medians, as the text says; "constant" one number for all expressions, the mean of the other 17 columns of
    K, as in Fig. 4. DataError, naming data set, expression and threshold, where no frame of an expression is selected,
    or where a selected frame has an intensity that is not a number.
    """
    if au28 not in get_args(AU28):
        raise HarnessError(f"AU28 '{au28}' is not one of {', '.join(get_args(AU28))}")
    selected_F = select(probability_F, usable_F, theta)
    _check_selected(name, expression_F, probability_F, np.asarray(usable_F, dtype=bool), theta)
    median_ER = _medians(name, intensity_FR, expression_F, selected_F)
    median_EA = _with_au28(median_ER, median_ER.mean(axis=1))
    knowledge_EA = sigmoid(centred(median_EA))
    if au28 == "constant":
        others_ER = knowledge_EA[:, _INTENSITY_COLUMNS]
        knowledge_EA = _with_au28(others_ER, np.full(NUM_EXPRESSIONS, others_ER.mean()))
    return SetKnowledge(
        name,
        frames_E=_per_expression(expression_F),
        usable_E=_per_expression(expression_F[np.asarray(usable_F, dtype=bool)]),
        selected_E=_per_expression(expression_F[selected_F]),
        median_EA=median_EA,
        knowledge_EA=knowledge_EA,
    )


def combine(sets: Sequence[SetKnowledge], offset: Offset = TEXT_OFFSET) -> Knowledge:
    """S, the sum of the data sets' K, and sigmoid(S - offset), the matrix that `load_knowledge` takes.

    A sum of n data sets lies between 0 and n and around n / 2, so 2.5 is meant for four of them; "mid-range" subtracts
    the mean of the largest and the smallest entry of S, as one version of the released code does (there 3.0231).
    HarnessError for no data set or an offset that is not finite.
    """
    if not sets:
        raise HarnessError("knowledge: no data set given; name at least one")
    sum_EA = np.sum([one.knowledge_EA for one in sets], axis=0)
    if offset == "mid-range":
        offset = mid_range(sum_EA)
    if not isinstance(offset, float | int) or not math.isfinite(offset):
        raise HarnessError(f"knowledge: offset '{offset}' is neither a number nor mid-range")
    return Knowledge(tuple(sets), sum_EA, float(offset), sigmoid(sum_EA - offset))


def centred(matrix_EA: Array) -> Array:
    """The matrix minus the mean of its largest and smallest entry. A mean, such as AU28's, can be neither of them."""
    return matrix_EA - mid_range(matrix_EA)


def mid_range(matrix_EA: Array) -> float:
    """(max + min) / 2."""
    return float((matrix_EA.max() + matrix_EA.min()) / 2)


def sigmoid(values: Array) -> Array:
    """1 / (1 + exp(-x))."""
    return 1 / (1 + np.exp(-values))


def logit(values: Array) -> Array:
    """The inverse of `sigmoid`."""
    return np.log(values / (1 - values))


def largest_sum(num_sets: int = SETS_IN_PAPER) -> float:
    """What S cannot exceed by the text's steps: intensities from 0 to 5 are at most 2.5 from their mid-range."""
    return num_sets / (1 + math.exp(-LARGEST_INTENSITY / 2))


def _check_selected(name: str, expression_F: Array, probability_F: Array, usable_F: Array, theta: float) -> None:
    for expression, label in enumerate(EXPRESSIONS):
        of_class_F = probability_F[usable_F & (expression_F == expression)]
        highest = float(np.max(of_class_F, initial=-1.0, where=~np.isnan(of_class_F)))
        if highest <= theta:
            why = f"the highest of its {len(of_class_F):,} is {highest:.3f}" if highest >= 0 else "it has none at all"
            raise DataError(
                f"{name}: no frame of {label} with a tracked face has a probability above theta {theta:g}, {why}; "
                "lower theta, train the model longer, or leave the data set out"
            )


def _medians(name: str, intensity_FR: Array, expression_F: Array, selected_F: Array) -> Array:
    """median_ER (7, 17), float64. One class at a time, so that the copy is never larger than a class."""
    median_ER = np.empty((NUM_EXPRESSIONS, len(INTENSITY_UNITS)))
    for expression in range(NUM_EXPRESSIONS):
        rows = np.flatnonzero(selected_F & (expression_F == expression))
        # One contiguous column a unit: np.median partitions it several times faster than along the rows.
        median_ER[expression] = [np.median(column_F) for column_F in intensity_FR[rows].T.copy()]
    for expression, unit in np.argwhere(~np.isfinite(median_ER)):
        raise DataError(
            f"{name}: {EXPRESSIONS[expression]}: intensity of {INTENSITY_UNITS[unit]} is not a number in a selected "
            "frame; knowledge needs all 17 intensities of OpenFace 2.2"
        )
    return median_ER


def _with_au28(others_ER: Array, au28_E: Array) -> Array:
    matrix_EA = np.empty((NUM_EXPRESSIONS, NUM_UNITS))
    matrix_EA[:, _INTENSITY_COLUMNS] = others_ER
    matrix_EA[:, _AU28_COLUMN] = au28_E
    return matrix_EA


def _per_expression(expression_F: Array) -> Array:
    return np.bincount(expression_F + 1, minlength=NUM_EXPRESSIONS + 1)[1:]
