"""Rows of AU files: what their numbers must be, and which row of a frame counts, for every way of reading them.

Shape letters: T rows (then frames) of one clip, K columns read, A action units (18), R units with an intensity (17).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from harness.au.files.extractors import INTENSITY_UNITS, PRESENT_FROM, Columns
from harness.au.units import ACTION_UNITS, NUM_UNITS, UNIT_INDEX
from harness.errors import DataError

Array = NDArray[Any]

_LAST_NUMBER = 2**31 - 2
_INTENSITY_INDEX = {unit: place for place, unit in enumerate(INTENSITY_UNITS)}


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of a file of any extractor. frame_T: 1-based; confidence_T: 1 where the extractor gives none;
    intensity_TR: nan where it lacks the unit; presence_TA: 0 where it lacks the unit or has no face.
    """

    frame_T: Array
    face_T: Array
    confidence_T: Array
    success_T: Array
    intensity_TR: Array
    presence_TA: Array

    def take(self, index: Array | slice) -> Rows:
        """These rows."""
        return Rows(*(getattr(self, one.name)[index] for one in fields(self)))


@dataclass(frozen=True, eq=False)
class VideoRows:
    """One row a frame of one video, by frame number. has_intensity_R, has_presence_A: the units that its extractor
    gives; has_confidence: whether it gives a confidence. extra_faces: rows left out for a more certain face.
    """

    video: str
    rows: Rows
    has_intensity_R: Array
    has_presence_A: Array
    has_confidence: bool
    extra_faces: int

    def with_success(self, success_T: Array) -> VideoRows:
        """The same rows with fewer of them successful; presences of the others become 0."""
        presence_TA = self.rows.presence_TA * success_T[:, None]
        return replace(self, rows=replace(self.rows, success_T=success_T, presence_TA=presence_TA))


def video_rows(video: str, rows: Rows, columns: Columns, extra_faces: int) -> VideoRows:
    """`rows` with what their columns say about them."""
    return VideoRows(
        video,
        rows,
        np.isin(INTENSITY_UNITS, columns.intensity_units),
        np.isin(ACTION_UNITS, columns.presence_units),
        columns.extractor.confidence is not None,
        extra_faces,
    )


def checked(path: Path, head_TK: Array, unit_TK: Array, columns: Columns, floats: DTypeLike = np.float32) -> Rows:
    """The rows of a block of numbers: of the frame, confidence, success and face that there are, and of the units.

    Presence is 0 or 1, or a probability; of a frame without a face only the number must be one. DataError names the
    first frame and column that are not what they should be.
    """
    extractor, length = columns.extractor, len(head_TK)
    success_T = _success(head_TK, unit_TK, columns)
    _check(path, head_TK, unit_TK, success_T, columns)
    confidence, face = columns.position(extractor.confidence), columns.position(extractor.face)
    number = len(columns.intensity_units)
    # Unit by unit in memory, as they are worked on.
    intensity_RT = np.full((len(INTENSITY_UNITS), length), np.nan, dtype=floats)
    intensity_RT[[_INTENSITY_INDEX[unit] for unit in columns.intensity_units]] = unit_TK[:, :number].T
    presence_AT = np.zeros((NUM_UNITS, length), dtype=np.uint8)
    presence_AT[[UNIT_INDEX[unit] for unit in columns.presence_units]] = unit_TK[:, number:].T >= PRESENT_FROM
    presence_AT &= success_T
    # A frame without a face may have nan for either.
    face_T = np.zeros(length) if face is None else np.nan_to_num(head_TK[:, face])
    confidence_T = np.ones(length) if confidence is None else np.nan_to_num(head_TK[:, confidence])
    return Rows(
        frame_T=(head_TK[:, 0] + (1 - extractor.first)).astype(np.int32),
        face_T=np.clip(face_T, -1, _LAST_NUMBER).astype(np.int32),
        confidence_T=confidence_T.astype(floats),
        success_T=success_T,
        intensity_TR=intensity_RT.T,
        presence_TA=presence_AT.T,
    )


def joined(path: Path, blocks: list[Rows], columns: Columns) -> tuple[Rows, int]:
    """The blocks of a file as one, by frame number, one face each, and how many rows that left out.

    The list is emptied. DataError for a file without a frame, or with a frame number twice for one face.
    """
    extractor = columns.extractor
    rows = _concatenated(blocks)
    if not len(rows.frame_T):
        raise DataError(f"{path}: has a header and no frame; {extractor.remedy}")
    frame_T, face_T = rows.frame_T, rows.face_T
    if (np.diff(frame_T) > 0).all():
        return rows, 0
    if extractor.faces:
        face_T = np.arange(len(frame_T))
    if len(np.unique(np.column_stack([frame_T, face_T]), axis=0)) < len(frame_T):
        same = "" if columns.position(extractor.face) is None else " for the same face_id"
        raise DataError(
            f"{path}: column '{extractor.frame}' repeats a number{same}; {extractor.remedy}, one file per clip"
        )
    # Of a frame the tracked face of largest confidence, on a tie the lowest face_id.
    order = np.lexsort((-face_T, rows.confidence_T, rows.success_T, frame_T))
    kept = order[np.append(np.diff(frame_T[order]) > 0, True)]
    return rows.take(kept), len(frame_T) - len(kept)


def _concatenated(blocks: list[Rows]) -> Rows:
    """One array at a time, whose parts are given up when it is made: a large file is not held twice."""
    if len(blocks) == 1:
        return blocks.pop()
    names = [one.name for one in fields(Rows)]
    parts = {name: [getattr(block, name) for block in blocks] for name in names}
    blocks.clear()
    return Rows(*(np.concatenate(parts.pop(name)) if parts[name] else np.empty(0) for name in names))


def _success(head_TK: Array, unit_TK: Array, columns: Columns) -> Array:
    success = columns.position(columns.extractor.success)
    if success is not None:
        return np.asarray(head_TK[:, success] == 1)
    return np.asarray(~np.isnan(unit_TK).all(axis=1))


def _check(path: Path, head_TK: Array, unit_TK: Array, success_T: Array, columns: Columns) -> None:
    finite_TK = np.isfinite(head_TK)
    wrong_TK = ~finite_TK & success_T[:, None]
    wrong_TK[:, 0] = ~finite_TK[:, 0]
    success = columns.position(columns.extractor.success)
    if success is not None:
        wrong_TK[:, success] = (head_TK[:, success] != 0) & (head_TK[:, success] != 1)
    odd_TK = _odd_units(unit_TK, columns)
    odd_TK &= success_T[:, None]
    if wrong_TK.any() or odd_TK.any():
        row, position = np.argwhere(np.hstack([wrong_TK, odd_TK]))[0]
        raise DataError(_wrong_value(path, np.hstack([head_TK[row], unit_TK[row]]), int(position), columns))
    _check_frames(path, head_TK[:, 0], columns)


def _odd_units(unit_TK: Array, columns: Columns) -> Array:
    odd_KT = np.empty(unit_TK.shape[::-1], dtype=bool)
    number = len(columns.intensity_units)
    intensity_KT, presence_KT = unit_TK[:, :number].T, unit_TK[:, number:].T
    odd_KT[:number] = ~np.isfinite(intensity_KT)
    if columns.extractor.probability:
        odd_KT[number:] = ~((presence_KT >= 0) & (presence_KT <= 1))
    else:
        odd_KT[number:] = (presence_KT != 0) & (presence_KT != 1)
    return odd_KT.T


def _check_frames(path: Path, frame_T: Array, columns: Columns) -> None:
    """A frame number that is moved by one, or by half, would pair every label with another picture."""
    extractor = columns.extractor
    wrong_T = (frame_T != np.floor(frame_T)) | (frame_T < extractor.first) | (frame_T > _LAST_NUMBER)
    if wrong_T.any():
        raise DataError(
            f"{path}: column '{extractor.frame}': {frame_T[wrong_T][0]:g} is not a frame number, {extractor.title} "
            f"counts 1 by 1 from {extractor.first}; {extractor.remedy}"
        )


def _wrong_value(path: Path, value_K: Array, position: int, columns: Columns) -> str:
    extractor, name = columns.extractor, columns.names[position]
    expected = "a finite number"
    if position >= columns.first_presence and extractor.probability:
        expected = "a probability from 0 to 1"
    elif position >= columns.first_presence or name == extractor.success:
        expected = "0 or 1"
    return f"{path}: frame {value_K[0]:g}, column '{name}': {value_K[position]:g} is not {expected}; {extractor.remedy}"
