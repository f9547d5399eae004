"""Reads the CSV file of one clip: slowly, cell by cell, so that every fault is named. OpenFace 2.2, py-feat, LibreFace.

Many files are read fast by harness/au/files/folder.py, which comes here with a file that is not as plain as it expects.
Shape letters: T frames (or rows) of one clip, K columns read, A action units (18).
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from harness.au.files.extractors import INTENSITY_UNITS, OPENFACE, Columns, Extractor, find_columns
from harness.au.files.rows import Rows, checked, joined
from harness.au.units import NUM_UNITS, UNIT_INDEX
from harness.errors import DataError

Array = NDArray[Any]

LINES_AT_A_TIME = 20_000
_WINDOWS_NAN = re.compile(r"-?nan\(\w*\)", re.IGNORECASE)


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
    repeated columns, for frame numbers that are not whole, from 1 on and each once, and for a cell that is not the
    number it should be.
    """
    rows, _, extra_faces = read_rows(path, extractor=OPENFACE, floats=np.float64)
    intensity_TA = np.full((len(rows.frame_T), NUM_UNITS), np.nan)
    intensity_TA[:, [UNIT_INDEX[unit] for unit in INTENSITY_UNITS]] = rows.intensity_TR
    return OpenFaceFrames(
        rows.frame_T, rows.face_T, rows.confidence_T, rows.success_T, intensity_TA, rows.presence_TA, extra_faces
    )


def read_rows(
    path: Path, *, extractor: Extractor | None = None, floats: DTypeLike = np.float32
) -> tuple[Rows, Columns, int]:
    """One row a frame of a file of any extractor, its columns, and the rows left out for a more certain face."""
    lines = _lines(path)
    header = next(lines, None)
    if header is None:
        raise DataError(f"{path}: is empty; {(extractor or OPENFACE).remedy}")
    columns = find_columns(path, header, extractor)
    blocks: list[Rows] = []
    number = 0
    while some := list(islice(lines, LINES_AT_A_TIME)):
        value_TK = _numbers(path, columns, some, number)
        head_TK, unit_TK = value_TK[:, : columns.first_unit], value_TK[:, columns.first_unit :]
        blocks.append(checked(path, head_TK, unit_TK, columns, floats))
        number += len(some)
    rows, extra_faces = joined(path, blocks, columns)
    return rows, columns, extra_faces


def _cell_number(cell: str, extractor: Extractor) -> float:
    """The number in a cell, also nan as Windows prints it; ValueError if it is none."""
    # Where there is no column that tells whether there is a face, an empty cell is how pandas writes nan.
    if _WINDOWS_NAN.fullmatch(cell) or (not cell and extractor.success is None):
        return math.nan
    return float(cell)


def _lines(path: Path) -> Iterator[str]:
    """The lines that hold anything; DataError if the file cannot be read."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            yield from (line for line in file if line.strip())
    except FileNotFoundError:
        raise DataError(f"{path}: no such AU file; {OPENFACE.remedy}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as UTF-8 text ({error}); {OPENFACE.remedy}") from None


def _numbers(path: Path, columns: Columns, lines: Sequence[str], number: int) -> Array:
    """value_TK of some lines, the first of which is the file's frame line `number` + 1."""
    value_TK = np.empty((len(lines), len(columns.place)))
    for row, line in enumerate(lines):
        cells = next(csv.reader([line])) if '"' in line else line.rstrip("\r\n").split(",")
        for position, place in enumerate(columns.place):
            where = f"{path}: frame line {number + row + 1}, column '{columns.names[position]}'"
            remedy = columns.extractor.remedy
            if place >= len(cells):
                raise DataError(f"{where}: the line ends after {len(cells)} of {columns.count} cells; {remedy}")
            cell = cells[place].strip()
            try:
                value_TK[row, position] = _cell_number(cell, columns.extractor)
            except ValueError:
                raise DataError(f"{where}: '{cell}' is not a number; {remedy}") from None
    return value_TK
