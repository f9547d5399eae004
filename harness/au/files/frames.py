"""The AU frames of many videos as one table: from files of an extractor, written tables, or a released list.

Shape letters: V videos, F frames of all videos one after the other, A action units (18), R units with an
intensity (17, in the order of ACTION_UNITS).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.au.files.extractors import INTENSITY_UNITS
from harness.au.files.folder import read_folder
from harness.au.files.parquet import read_parquet
from harness.au.files.released import read_released
from harness.au.files.rows import VideoRows
from harness.au.units import NUM_UNITS
from harness.errors import DataError

Array = NDArray[Any]
Progress = Callable[[int, int], None]

_AT_ONCE = 1 << 16  # zeros: their arrays stay in the processor's cache


@dataclass(frozen=True, eq=False)
class FrameTable:
    """AU rows of videos in the order asked for, each by frame number, one face a frame.

    offset_V: (V + 1,) int64, rows of each video; a missing one has none. frame_F: int32, 1-based. confidence_F:
    float32. success_F: a face was tracked, with at least the confidence asked for. intensity_FR: float32, 0 to 5, raw,
    nan where the extractor lacks the unit. presence_FA: uint8, 0 where success is not. has_intensity_R, has_presence_A:
    the units that there are. extra_faces: rows of less certain faces left out. missing: videos that the source lacks.
    """

    videos: tuple[str, ...]
    offset_V: Array
    frame_F: Array
    confidence_F: Array
    success_F: Array
    intensity_FR: Array
    presence_FA: Array
    has_intensity_R: Array
    has_presence_A: Array
    extra_faces: int
    missing: tuple[str, ...]


def read_frames(
    source: Path,
    videos: Sequence[str],
    *,
    workers: int = 1,
    min_confidence: float = 0.0,
    progress: Progress | None = None,
) -> FrameTable:
    """The AU frames of `videos` (each once) from `source`, as `read_videos`; frames below `min_confidence` have no
    success. DataError as `read_videos`, and for a video named twice.
    """
    parts: dict[str, list[Array]] = {name: [] for name in _FIELDS}
    lengths, extra_faces, first = dict.fromkeys(videos, 0), 0, None
    if len(lengths) < len(videos):
        raise DataError(f"{source}: {len(videos) - len(lengths)} videos are asked for twice; name each once")
    found = set()
    for one in read_videos(source, videos, workers=workers, min_confidence=min_confidence, progress=progress):
        for name, field in _FIELDS.items():
            parts[name].append(getattr(one.rows, field))
        lengths[one.video], extra_faces, first = len(one.rows.frame_T), extra_faces + one.extra_faces, first or one
        found.add(one.video)
    return FrameTable(
        videos=tuple(videos),
        offset_V=np.concatenate([[0], np.cumsum(list(lengths.values()), dtype=np.int64)]),
        **{name: _joined(parts.pop(name), empty) for name, empty in _empty().items()},
        has_intensity_R=first.has_intensity_R if first else np.ones(len(INTENSITY_UNITS), dtype=bool),
        has_presence_A=first.has_presence_A if first else np.ones(NUM_UNITS, dtype=bool),
        extra_faces=extra_faces,
        missing=tuple(video for video in videos if video not in found),
    )


def read_videos(
    source: Path,
    videos: Sequence[str],
    *,
    workers: int = 1,
    min_confidence: float = 0.0,
    progress: Progress | None = None,
) -> Iterator[VideoRows]:
    """The rows of each of `videos` that `source` has, in the order asked for, without holding more than a few.

    source: a folder with `<video>.csv` of OpenFace 2.2, py-feat or LibreFace, a `frames.parquet` of
    harness/au/files/tables.py, or a list as released for AU-DFER (.txt). min_confidence: rows below it get no success,
    and presences of 0. progress: called with the number of videos done and how many there are. Raises DataError, as
    `read_openface`, for a source with none of the videos or that is not there, for files of two extractors, and where a
    minimum is asked of an extractor that gives no confidence.
    """
    first = None
    for one in _source(source, videos, workers, progress):
        first = first or one
        _check_alike(source, first, one)
        yield filtered(source, one, min_confidence)


def filtered(source: Path, one: VideoRows, min_confidence: float) -> VideoRows:
    """The rows with success only where the confidence is at least `min_confidence`."""
    if min_confidence <= 0:
        return one
    if not one.has_confidence:
        raise DataError(
            f"{source}: {one.video} has no confidence to compare with {min_confidence:g}; ask for no minimum"
        )
    return one.with_success(one.rows.success_T & (one.rows.confidence_T >= np.float32(min_confidence)))


def interpolate_zeros(
    intensity_FR: Array,
    offset_V: Array,
    usable_F: Array,
    frame_F: Array | None = None,
    *,
    workers: int = 1,
    in_place: bool = False,
) -> Array:
    """Intensities with zeros of usable frames interpolated within their video (Eq. 1): a float32 copy, or in place.

    A zero lies on the line between the nearest usable frames before and after it whose intensity of the unit is not
    zero; beyond the first and the last of them it takes that one's. A unit that is zero in all usable frames stays so,
    and frames that are not usable stay as they are. frame_F: frame numbers, along which the line runs; without them
    along the rows. workers: threads, which share the units.
    """
    offset_V, usable_F = np.asarray(offset_V, dtype=np.int64), np.asarray(usable_F, dtype=bool)
    # A copy has each unit together in memory, whatever the order given.
    result_RF = intensity_FR.T if in_place else intensity_FR.T.astype(np.float32, order="C", copy=True)

    def fill(column_F: Array) -> None:
        zero_F = column_F == 0
        zero, given = np.flatnonzero(usable_F & zero_F), np.flatnonzero(usable_F & ~zero_F)
        for start in range(0, len(zero) if len(given) else 0, _AT_ONCE):
            part = zero[start : start + _AT_ONCE]
            column_F[part] = _between(column_F, part, given, offset_V, frame_F)

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(fill, result_RF))
    return result_RF.T


def _between(column_F: Array, zero: Array, given: Array, offset_V: Array, frame_F: Array | None) -> Array:
    """The interpolated values at the rows `zero`, from those at the rows `given`."""
    after = np.searchsorted(given, zero)
    left, right = given[np.maximum(after - 1, 0)], given[np.minimum(after, len(given) - 1)]
    # The video's first row, and the row after its last, of every zero.
    video = np.searchsorted(offset_V, zero, side="right")
    has_left = (after > 0) & (left >= offset_V[video - 1])
    has_right = (after < len(given)) & (right < offset_V[video])
    left, right = np.where(has_left, left, right), np.where(has_right, right, left)
    low, high = column_F[left], column_F[right]
    begin, at, end = (left, zero, right) if frame_F is None else (frame_F[left], frame_F[zero], frame_F[right])
    value = low + (at - begin) / np.maximum(end - begin, 1) * (high - low)
    value = np.where(left == right, low, value)
    return np.where(has_left | has_right, value, 0)


_FIELDS = {
    "frame_F": "frame_T",
    "confidence_F": "confidence_T",
    "success_F": "success_T",
    "intensity_FR": "intensity_TR",
    "presence_FA": "presence_TA",
}


def _empty() -> dict[str, Array]:
    return {
        "frame_F": np.empty(0, dtype=np.int32),
        "confidence_F": np.empty(0, dtype=np.float32),
        "success_F": np.empty(0, dtype=bool),
        "intensity_FR": np.empty((0, len(INTENSITY_UNITS)), dtype=np.float32),
        "presence_FA": np.empty((0, NUM_UNITS), dtype=np.uint8),
    }


def _joined(parts: list[Array], empty: Array) -> Array:
    return parts[0] if len(parts) == 1 else np.concatenate([empty, *parts])


def _source(source: Path, videos: Sequence[str], workers: int, progress: Progress | None) -> Iterator[VideoRows]:
    if source.suffix == ".parquet":
        return read_parquet(source, videos, progress=progress)
    if source.suffix == ".txt":
        return read_released(source, videos, progress=progress)
    return read_folder(source, videos, workers=workers, progress=progress)


def _check_alike(source: Path, first: VideoRows, one: VideoRows) -> None:
    """Units that only some clips have would count as absent in the others."""
    same = (first.has_intensity_R == one.has_intensity_R).all() and (first.has_presence_A == one.has_presence_A).all()
    if not same or first.has_confidence != one.has_confidence:
        raise DataError(
            f"{source}: {one.video} has other action units than {first.video}; keep the files of one extractor there"
        )
