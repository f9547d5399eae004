"""The table `frames.parquet`: one row a frame as the extractor gave it, the rows of a video together, by number.

Columns: video, frame (from 1), confidence (null where the extractor gives none), success, `<unit>_r` for each intensity
and `<unit>_c` for each presence that there is. It is written and read a row group at a time.
Shape letters: T rows of a row group, A action units (18), R units with an intensity (17).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from harness.au.files.extractors import INTENSITY_UNITS
from harness.au.files.rows import Rows, VideoRows
from harness.au.units import ACTION_UNITS, NUM_UNITS
from harness.errors import DataError

Array = NDArray[Any]

_HEAD = {"video": pa.string(), "frame": pa.int32(), "confidence": pa.float32(), "success": pa.bool_()}
_REMEDY = "write it again with audfer au labels"
_DECODED = 2  # row groups kept: a video may lie in two


def frame_schema(like: VideoRows) -> pa.Schema:
    """The columns for rows of this extractor."""
    units = [pa.field(f"{unit}_r", pa.float32()) for unit in _there(INTENSITY_UNITS, like.has_intensity_R)]
    units += [pa.field(f"{unit}_c", pa.uint8()) for unit in _there(ACTION_UNITS, like.has_presence_A)]
    return pa.schema([*(pa.field(name, kind) for name, kind in _HEAD.items()), *units])


def frame_table(parts: Sequence[VideoRows], schema: pa.Schema) -> pa.Table:
    """The rows of some videos, at least one."""
    first, rows = parts[0], [part.rows for part in parts]
    lengths = [len(one.frame_T) for one in rows]
    confidence_T = pa.array(np.concatenate([one.confidence_T for one in rows]).astype(np.float32))
    if not first.has_confidence:
        confidence_T = pa.nulls(sum(lengths), pa.float32())
    intensity_TR = np.concatenate([one.intensity_TR for one in rows])[:, first.has_intensity_R]
    presence_TA = np.concatenate([one.presence_TA for one in rows])[:, first.has_presence_A]
    columns = [
        pa.array(np.repeat(np.array([part.video for part in parts], dtype=object), lengths), type=pa.string()),
        pa.array(np.concatenate([one.frame_T for one in rows]).astype(np.int32)),
        confidence_T,
        pa.array(np.concatenate([one.success_T for one in rows])),
        *(pa.array(column_T) for column_T in intensity_TR.T.copy()),
        *(pa.array(column_T) for column_T in presence_TA.T.copy()),
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def read_parquet(
    path: Path, videos: Sequence[str], *, progress: Callable[[int, int], None] | None = None
) -> Iterator[VideoRows]:
    """The rows of those of `videos` that the table has, in the order asked for; quick in the table's own order.

    DataError for a table of another form, one without any of the videos, or one whose rows are not in order.
    """
    try:
        with pq.ParquetFile(path, read_dictionary=["video"]) as file:
            yield from _videos(path, file, videos, progress)
    except (KeyError, OSError, ValueError, pa.ArrowException) as error:
        raise DataError(f"{path}: cannot be read as a table of AU frames ({error}); {_REMEDY}") from None


def _videos(
    path: Path, file: pq.ParquetFile, videos: Sequence[str], progress: Callable[[int, int], None] | None
) -> Iterator[VideoRows]:
    has_intensity_R, has_presence_A = _units(path, file.schema_arrow)
    starts = np.cumsum([0, *(file.metadata.row_group(i).num_rows for i in range(file.num_row_groups))])
    places = _places(path, file, starts)
    found = [video for video in videos if video in places]
    if videos and not found:
        raise DataError(f"{path}: none of {len(videos)} clips is in the table, e.g. {videos[0]}; {_REMEDY}")

    @lru_cache(maxsize=_DECODED)
    def group(number: int) -> tuple[Rows, bool]:
        return _rows(path, file.read_row_group(number))

    for done, video in enumerate(found, start=1):
        start, stop = places[video]
        numbers = range(int(np.searchsorted(starts, start, side="right")) - 1, int(np.searchsorted(starts, stop)))
        parts = [group(i)[0].take(slice(max(start - starts[i], 0), stop - starts[i])) for i in numbers]
        rows = Rows(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Rows)))
        if (np.diff(rows.frame_T) <= 0).any() or rows.frame_T[0] < 1:
            raise DataError(f"{path}: frames of {video} do not rise from 1 on; {_REMEDY}")
        yield VideoRows(video, rows, has_intensity_R, has_presence_A, group(numbers[0])[1], extra_faces=0)
        if progress:
            progress(done, len(found))


def _units(path: Path, schema: pa.Schema) -> tuple[Array, Array]:
    there = set(schema.names)
    has_intensity_R = np.array([f"{unit}_r" in there for unit in INTENSITY_UNITS])
    has_presence_A = np.array([f"{unit}_c" in there for unit in ACTION_UNITS])
    missing = [name for name in _HEAD if name not in there]
    if missing or not has_presence_A.any():
        raise DataError(f"{path}: column '{(*missing, 'AU01_c')[0]}' is missing; {_REMEDY}")
    for field in schema:
        kind = _HEAD.get(field.name) or (pa.float32() if field.name.endswith("_r") else pa.uint8())
        of = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if of != kind or schema.names.count(field.name) > 1:
            raise DataError(f"{path}: column '{field.name}' is not one of {kind}; {_REMEDY}")
    return has_intensity_R, has_presence_A


def _places(path: Path, file: pq.ParquetFile, starts: Array) -> dict[str, tuple[int, int]]:
    """First row of each video, and the row after its last."""
    places: dict[str, tuple[int, int]] = {}
    for i in range(file.num_row_groups):
        column = file.read_row_group(i, columns=["video"]).column(0).combine_chunks()
        if column.null_count:
            raise DataError(f"{path}: column 'video' has empty cells; {_REMEDY}")
        code_T, names = column.indices.to_numpy(), column.dictionary.to_pylist()
        cuts = [0, *(np.flatnonzero(np.diff(code_T)) + 1).tolist(), len(code_T)] if len(code_T) else [0]
        for k, start in enumerate(cuts[:-1]):
            video, row = names[code_T[start]], int(starts[i]) + start
            first = places[video][0] if video in places else row
            if video in places and places[video][1] != row:
                raise DataError(f"{path}: rows of {video} do not lie together; {_REMEDY}")
            places[video] = (first, int(starts[i]) + cuts[k + 1])
    return places


def _rows(path: Path, table: pa.Table) -> tuple[Rows, bool]:
    """The rows of a row group, and whether they have confidences. DataError for an empty cell elsewhere."""
    column = {name: table.column(name) for name in table.column_names if name != "video"}
    whole = [name for name in column if name != "confidence" or column[name].null_count < len(table)]
    for name in whole:
        if column[name].null_count:
            raise DataError(f"{path}: column '{name}' has empty cells; {_REMEDY}")
    intensity_TR = np.full((len(table), len(INTENSITY_UNITS)), np.nan, dtype=np.float32)
    presence_TA = np.zeros((len(table), NUM_UNITS), dtype=np.uint8)
    for place, unit in enumerate(INTENSITY_UNITS):
        if f"{unit}_r" in column:
            intensity_TR[:, place] = column[f"{unit}_r"].to_numpy()
    for place, unit in enumerate(ACTION_UNITS):
        if f"{unit}_c" in column:
            presence_TA[:, place] = column[f"{unit}_c"].to_numpy()
    if (presence_TA > 1).any():
        raise DataError(f"{path}: a presence is not 0 or 1; {_REMEDY}")
    has_confidence = column["confidence"].null_count == 0
    confidence_T = column["confidence"].to_numpy() if has_confidence else np.ones(len(table), dtype=np.float32)
    face_T = np.zeros(len(table), dtype=np.int32)
    rows = Rows(
        column["frame"].to_numpy(), face_T, confidence_T, column["success"].to_numpy(), intensity_TR, presence_TA
    )
    return rows, has_confidence


def _there(units: Sequence[str], has: Array) -> list[str]:
    return [unit for unit, there in zip(units, has, strict=True) if there]
