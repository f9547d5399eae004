"""AU labels of whole clips from the labels of their frames (Eq. 4).

Shape letters: N clips, F frames of all clips one after the other, T frames of one clip, A action units.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from harness.au.files.frames import read_videos
from harness.au.files.rows import VideoRows
from harness.au.units import NUM_UNITS
from harness.errors import DataError

log = logging.getLogger(__name__)

Array = NDArray[Any]

READING = 2
"""Changes when the same files give other labels, so that labels kept from before are made again."""


@dataclass(frozen=True, eq=False)
class ClipLabels:
    """labels_NA: uint8. mask_N: the clip has a usable frame, otherwise its row is zeros. unit_A: the extractor gives
    the unit, otherwise its column is zeros.
    """

    labels_NA: Array
    mask_N: Array
    unit_A: Array


def read_clip_labels(
    source: Path,
    names: Sequence[str],
    *,
    frames: Literal["all", "sampled"] = "all",
    num_sampled: int = 16,
    least_frames: Sequence[int] | None = None,
    min_confidence: float = 0.0,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> ClipLabels:
    """AU labels (Eq. 4) of clips in the order given, from a source of harness/au/files/frames.py.

    frames: "all" frames with success, or "sampled": of `num_sampled` frames spaced evenly over the clip, those with
    success. least_frames: pictures of each clip; DataError for a clip whose AU rows end before its last picture.
    A clip that the source lacks is masked; their number is logged once. Other errors as `read_videos`.
    """
    labels_NA, mask_N = np.zeros((len(names), NUM_UNITS), dtype=np.uint8), np.zeros(len(names), dtype=bool)
    place, unit_A, extra_faces, found = {name: i for i, name in enumerate(names)}, np.ones(NUM_UNITS, dtype=bool), 0, 0
    for one in read_videos(source, names, workers=workers, min_confidence=min_confidence, progress=progress):
        clip, rows = place[one.video], one.rows
        if least_frames is not None:
            check_length(source, one, least_frames[clip])
        picked: Literal["all"] | Array = "all" if frames == "all" else evenly_spaced(len(rows.frame_T), num_sampled)
        labels_NA[clip], mask_N[clip] = clip_label(rows.presence_TA, rows.success_T, picked)
        unit_A, extra_faces, found = one.has_presence_A, extra_faces + one.extra_faces, found + 1
    if found < len(names):
        log.warning("%s: %d of %d clips have no AU file and no AU loss", source, len(names) - found, len(names))
    if extra_faces:
        log.info("%s: %d rows of further faces in the same frame left out", source, extra_faces)
    return ClipLabels(labels_NA, mask_N, unit_A)


def check_length(source: Path, one: VideoRows, pictures: int) -> None:
    """DataError if the AU rows of a clip end before its last picture: the file is cut off, or of other frames."""
    last = int(one.rows.frame_T[-1])
    if last < pictures:
        raise DataError(
            f"{source}: AU rows of {one.video} end at frame {last}, the clip has {pictures} pictures; run the "
            "extractor again on the pictures that are trained on"
        )


def clip_label(presence_TA: Array, success_T: Array, frames: Literal["all"] | Array = "all") -> tuple[Array, bool]:
    """The label of one clip: uint8 label_A, and whether any frame is usable. See `clip_labels`."""
    picked: Literal["all"] | list[Array] = "all" if isinstance(frames, str) else [frames]
    labels_NA, mask_N = clip_labels(presence_TA, success_T, np.array([0, len(success_T)]), picked)
    return labels_NA[0], bool(mask_N[0])


def clip_labels(
    presence_FA: Array, success_F: Array, offsets: Array, frames: Literal["all"] | Sequence[Array] = "all"
) -> tuple[Array, Array]:
    """AU labels of N clips: a unit counts if it is present in at least half of the clip's usable frames (Eq. 4).

    presence_FA: 0/1 per frame; success_F: 1 where OpenFace tracked the face, which makes the frame usable. Clip i holds
    the frames offsets[i] to offsets[i + 1] (N + 1 offsets from 0 to F). frames: "all", or for each clip the 0-based
    indices of its sampled frames, where a frame given twice counts twice.

    Returns uint8 labels_NA and bool mask_N: False, with a row of zeros, where no frame is usable. Raises DataError for
    offsets or indices that do not fit the frames.
    """
    _check_offsets(offsets, len(success_F))
    if not isinstance(frames, str):
        rows, offsets = _sampled_rows(offsets, frames)
        presence_FA, success_F = presence_FA[rows], success_F[rows]
    success_F = success_F != 0
    usable_N = _sum_per_clip(success_F, offsets)
    present_NA = _sum_per_clip((presence_FA != 0) & success_F[:, None], offsets)
    mask_N = usable_N > 0
    return ((2 * present_NA >= usable_N[:, None]) & mask_N[:, None]).astype(np.uint8), mask_N


def evenly_spaced(num_frames: int, count: int) -> Array:
    """0-based indices of the middle frame of each of `count` equal parts of a clip; shorter clips repeat frames."""
    return (2 * np.arange(count) + 1) * num_frames // (2 * count) if num_frames else np.zeros(0, dtype=np.int64)


def _sum_per_clip(values: Array, offsets: Array) -> Array:
    """Sums along the first axis for each clip. For an empty clip np.add.reduceat gives a frame of the next one."""
    sums = np.zeros((len(offsets) - 1, *values.shape[1:]), dtype=np.int64)
    filled = np.diff(offsets) > 0
    if filled.any():
        sums[filled] = np.add.reduceat(values, offsets[:-1][filled], axis=0, dtype=np.int64)
    return sums


def _sampled_rows(offsets: Array, frames: Sequence[Array]) -> tuple[Array, Array]:
    lengths = np.diff(offsets)
    if len(frames) != len(lengths):
        raise DataError(
            f"AU labels: sampled frames given for {len(frames)} of {len(lengths)} clips; give one array each"
        )
    picked = [np.asarray(indices, dtype=np.int64) for indices in frames]
    for clip, (indices, length) in enumerate(zip(picked, lengths, strict=True)):
        if indices.size and not 0 <= indices.min() <= indices.max() < length:
            raise DataError(
                f"AU labels: clip {clip} has {length} frames, its sampled frames run from {indices.min()} to "
                f"{indices.max()}; indices are 0-based and below the number of frames"
            )
    rows = np.concatenate(
        [np.zeros(0, dtype=np.int64), *(i + start for i, start in zip(picked, offsets, strict=False))]
    )
    return rows, np.concatenate([[0], np.cumsum([len(indices) for indices in picked], dtype=np.int64)])


def _check_offsets(offsets: Array, num_frames: int) -> None:
    if len(offsets) < 1 or offsets[0] != 0 or offsets[-1] != num_frames or (np.diff(offsets) < 0).any():
        raise DataError(
            f"AU labels: offsets must rise from 0 to the number of frames ({num_frames}), one more than clips"
        )
