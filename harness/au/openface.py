"""Reads the CSV files of OpenFace 2.2 (one per clip), and from them the AU labels of a data set.

Shape letters: T frames of one clip, N clips, A action units.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from harness.au.labels import clip_labels, evenly_spaced
from harness.au.units import ACTION_UNITS, NUM_UNITS, UNIT_INDEX, UNIT_WITHOUT_INTENSITY
from harness.errors import DataError

log = logging.getLogger(__name__)

Array = NDArray[Any]

_INTENSITY_UNITS = tuple(unit for unit in ACTION_UNITS if unit != UNIT_WITHOUT_INTENSITY)
_COLUMNS = (
    "frame",
    "confidence",
    "success",
    *(f"{unit}_r" for unit in _INTENSITY_UNITS),
    *(f"{unit}_c" for unit in ACTION_UNITS),
)
_FIRST_INTENSITY = 3
_FIRST_PRESENCE = _FIRST_INTENSITY + len(_INTENSITY_UNITS)
_INTENSITY_COLUMNS = [UNIT_INDEX[unit] for unit in _INTENSITY_UNITS]
_REMEDY = "write it again with OpenFace 2.2 FeatureExtraction"
_WINDOWS_NAN = re.compile(r"-?nan\(\w*\)")


@dataclass(frozen=True, eq=False)
class OpenFaceFrames:
    """The frames of one clip, by frame number, one face each.

    frame_T: 1-based frame numbers. face_id_T: the face kept. confidence_T: tracking confidence in [0, 1]. success_T:
    whether the face was tracked. intensity_TA: 0 to 5, AU28 nan (OpenFace gives none). presence_TA: uint8 0/1, 0 where
    not tracked. extra_faces: rows left out because their frame has a face of larger confidence.
    """

    frame_T: Array
    face_id_T: Array
    confidence_T: Array
    success_T: Array
    intensity_TA: Array
    presence_TA: Array
    extra_faces: int


def read_openface(path: Path) -> OpenFaceFrames:
    """Reads one file of OpenFace 2.2 FeatureExtraction or FaceLandmarkVidMulti (columns: OpenFace wiki, Output Format).

    Column names may carry spaces. Of several faces in a frame the tracked one of largest confidence is kept. Raises
    DataError, naming file and column, for a file that is missing, empty, cut off or not comma-separated, for missing or
    repeated columns and for a cell that is not the number it should be.
    """
    header, *lines = _lines(path)
    names, pick = _columns(path, header)
    if not lines:
        raise DataError(f"{path}: has a header and no frame; {_REMEDY}")
    values = _numbers(path, names, pick, lines)
    kept = _one_face_per_frame(path, values)
    extra_faces = len(values) - len(kept)
    values = values[kept]
    success_T = values[:, 2] == 1
    _check_values(path, values, success_T)
    intensity_TA = np.full((len(values), NUM_UNITS), np.nan)
    intensity_TA[:, _INTENSITY_COLUMNS] = values[:, _FIRST_INTENSITY:_FIRST_PRESENCE]
    return OpenFaceFrames(
        frame_T=values[:, 0].astype(np.int64),
        face_id_T=values[:, -1].astype(np.int64),
        confidence_T=values[:, 1],
        success_T=success_T,
        intensity_TA=intensity_TA,
        presence_TA=((values[:, _FIRST_PRESENCE:-1] == 1) & success_T[:, None]).astype(np.uint8),
        extra_faces=extra_faces,
    )


def read_clip_labels(
    folder: Path, clip_names: Sequence[str], *, frames: Literal["all", "sampled"] = "all", num_sampled: int = 16
) -> tuple[Array, Array]:
    """AU labels (Eq. 4) of the clips whose files are `folder/<clip name>.csv`, in the order given.

    frames: "all" frames with success = 1, or "sampled": of `num_sampled` frames spaced evenly over the clip, those with
    success = 1. Returns uint8 labels_NA and bool mask_N. A clip without a file is masked; their number is logged once.
    Raises DataError if no clip has a file, and as `read_openface`.
    """
    found = [(i, folder / f"{name}.csv") for i, name in enumerate(clip_names) if (folder / f"{name}.csv").is_file()]
    if not found and clip_names:
        raise DataError(
            f"{folder}: no AU file for any of {len(clip_names)} clips; expected e.g. {clip_names[0]}.csv there"
        )
    if len(found) < len(clip_names):
        log.warning(
            "%s: %d of %d clips have no AU file and no AU loss", folder, len(clip_names) - len(found), len(clip_names)
        )
    clips = [read_openface(path) for _, path in found]
    if extra_faces := sum(clip.extra_faces for clip in clips):
        log.info("%s: %d rows of further faces in the same frame left out", folder, extra_faces)
    lengths = [len(clip.frame_T) for clip in clips]
    rows = [i for i, _ in found]
    labels_NA, mask_N = np.zeros((len(clip_names), NUM_UNITS), dtype=np.uint8), np.zeros(len(clip_names), dtype=bool)
    if clips:
        labels_NA[rows], mask_N[rows] = clip_labels(
            np.concatenate([clip.presence_TA for clip in clips]),
            np.concatenate([clip.success_T for clip in clips]),
            np.concatenate([[0], np.cumsum(lengths)]),
            "all" if frames == "all" else [evenly_spaced(length, num_sampled) for length in lengths],
        )
    return labels_NA, mask_N


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{path}: no such AU file; {_REMEDY}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as UTF-8 text ({error}); {_REMEDY}") from None
    lines = [line for line in text.replace('"', "").splitlines() if line.strip()]
    if not lines:
        raise DataError(f"{path}: is empty; {_REMEDY}")
    return lines


def _columns(path: Path, header: str) -> tuple[list[str], list[int]]:
    """All column names, and the places of the needed ones (then of face_id, where there is one)."""
    names = [name.strip() for name in header.split(",")]
    if len(names) == 1 and (";" in header or "\t" in header):
        raise DataError(f"{path}: columns are parted by semicolons or tabs; save it with commas and decimal points")
    place_of = {name: place for place, name in enumerate(names)}
    missing = [name for name in _COLUMNS if name not in place_of]
    if missing:
        raise DataError(f"{path}: {len(missing)} columns are missing, first '{missing[0]}'; {_REMEDY}")
    needed = [*_COLUMNS, *(["face_id"] if "face_id" in place_of else [])]
    repeated = [name for name in needed if names.count(name) > 1] if len(place_of) < len(names) else []
    if repeated:
        raise DataError(f"{path}: column '{repeated[0]}' appears more than once; {_REMEDY}")
    return names, [place_of[name] for name in needed]


def _numbers(path: Path, names: list[str], pick: list[int], lines: list[str]) -> Array:
    """One row per line: the needed columns, then face_id (0 where the file has no such column)."""
    take = itemgetter(*pick)
    try:
        values = np.array([list(map(float, take(line.split(",")))) for line in lines])
    except (ValueError, IndexError):
        values = _numbers_slowly(path, names, pick, lines)
    has_face_id = len(pick) > len(_COLUMNS)
    return values if has_face_id else np.column_stack([values, np.zeros(len(values))])


def _numbers_slowly(path: Path, names: list[str], pick: list[int], lines: list[str]) -> Array:
    """The same, cell by cell: names the cell at fault, and takes the way Windows prints nan."""
    values = np.empty((len(lines), len(pick)))
    for row, line in enumerate(lines):
        cells = [cell.strip() for cell in line.split(",")]
        for place, column in enumerate(pick):
            where = f"{path}: frame line {row + 1}, column '{names[column]}'"
            if column >= len(cells):
                raise DataError(f"{where}: the line ends after {len(cells)} of {len(names)} cells; {_REMEDY}")
            try:
                values[row, place] = math.nan if _WINDOWS_NAN.fullmatch(cells[column]) else float(cells[column])
            except ValueError:
                raise DataError(f"{where}: '{cells[column]}' is not a number; {_REMEDY}") from None
    return values


def _one_face_per_frame(path: Path, values: Array) -> Array:
    """Rows to keep, by frame number: of a frame the tracked face of largest confidence, on a tie the lowest face_id."""
    frame, confidence, success, face_id = values[:, 0], values[:, 1], values[:, 2], values[:, -1]
    if (np.diff(frame) > 0).all():
        return np.arange(len(values))
    if len(np.unique(np.column_stack([frame, face_id]), axis=0)) < len(values):
        raise DataError(f"{path}: column 'frame' repeats a number for the same face_id; {_REMEDY}, one file per clip")
    order = np.lexsort((-face_id, confidence, success, frame))
    last_of_frame = np.append(np.diff(frame[order]) > 0, True)
    return order[last_of_frame]


def _check_values(path: Path, values: Array, success_T: Array) -> None:
    """Tracked frames hold finite numbers, presence and success are 0 or 1. Frames not tracked may hold anything."""
    wrong = ~np.isfinite(values) & success_T[:, None]
    wrong[:, 0] = ~np.isfinite(values[:, 0])
    wrong[:, 2] = (values[:, 2] != 0) & (values[:, 2] != 1)
    presence = values[:, _FIRST_PRESENCE:-1]
    wrong[:, _FIRST_PRESENCE:-1] |= (presence != 0) & (presence != 1) & success_T[:, None]
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        name = (*_COLUMNS, "face_id")[column]
        expected = "0 or 1" if name == "success" or name.endswith("_c") else "a finite number"
        raise DataError(
            f"{path}: frame {values[row, 0]:g}, column '{name}': {values[row, column]:g} is not {expected}; {_REMEDY}"
        )
