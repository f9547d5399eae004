"""AU tables on disk: `frames.parquet` (raw, a row a frame), `clips.parquet` (Eq. 4, a row a clip) and `summary.json`.

Shape letters: T rows of some clips, A action units (18), R units with an intensity (17).
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from harness.au.files.extractors import INTENSITY_UNITS
from harness.au.files.frames import filtered, interpolate_zeros, read_videos
from harness.au.files.parquet import frame_schema, frame_table
from harness.au.files.rows import VideoRows
from harness.au.labels import check_length, clip_label, evenly_spaced
from harness.au.units import ACTION_UNITS
from harness.errors import DataError

Array = NDArray[Any]

ROWS = 1 << 17
"""Rows of a row group, at least: what is held in memory at once."""


@dataclass(frozen=True)
class TableSummary:
    """What was read, and what was left out of it.

    frames: rows written. usable: those with a face and at least `min_confidence`; without_face and below_confidence are
    the others. clips: with an AU file; masked: of these, without a usable frame. missing: clips without a file.
    extra_faces: rows left out for a more certain face of the same frame. zeros, interpolated: zero intensities of
    usable frames per unit, and how many of them Sec. 3.1 replaces when knowledge is taken (the table keeps the zeros).
    lacking: units that the extractor does not give.
    """

    source: str
    frames: int
    usable: int
    without_face: int
    below_confidence: int
    min_confidence: float
    clips: int
    masked: int
    missing: tuple[str, ...]
    extra_faces: int
    zeros: dict[str, int]
    interpolated: dict[str, int]
    lacking: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """For summary.json and --json."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For people."""
        filtered_out = f"{self.without_face:,} without a face, {self.below_confidence:,} below {self.min_confidence:g}"
        lines = [
            f"frames {self.frames:,}: usable {self.usable:,}, {filtered_out}",
            f"clips {self.clips:,}: {self.masked:,} without a usable frame; {len(self.missing):,} without a file",
            f"rows of further faces left out: {self.extra_faces:,}",
        ]
        if self.zeros:
            zeros, replaced = sum(self.zeros.values()), sum(self.interpolated.values())
            lines.append(f"zero intensities: {zeros:,}, of which {replaced:,} lie between others and are interpolated")
        if self.lacking:
            lines.append(f"units that the extractor does not give, which are masked: {', '.join(self.lacking)}")
        return lines


@dataclass
class _Counts:
    """What is counted while rows go by."""

    number: Counter[str] = field(default_factory=Counter)
    zeros_R: Array = field(default_factory=lambda: np.zeros(len(INTENSITY_UNITS), dtype=np.int64))
    interpolated_R: Array = field(default_factory=lambda: np.zeros(len(INTENSITY_UNITS), dtype=np.int64))
    clips: dict[str, dict[str, Any]] = field(default_factory=dict)


def write_tables(
    source: Path,
    videos: Sequence[str],
    out: Path,
    *,
    frames: Literal["all", "sampled"] = "all",
    num_sampled: int = 16,
    least_frames: Sequence[int] | None = None,
    min_confidence: float = 0.0,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> TableSummary:
    """Write the tables of `videos` from `source` (as `read_videos`) into the folder `out`; options as
    `read_clip_labels`. Memory does not grow with the number of frames. Each file appears whole or not at all,
    summary.json last. Errors as `read_clip_labels`.
    """
    out.mkdir(parents=True, exist_ok=True)
    # The summary vouches for the tables: an old one must not stand beside new tables.
    (out / "summary.json").unlink(missing_ok=True)
    least = dict(zip(videos, least_frames, strict=True)) if least_frames is not None else {}
    counts, first = _Counts(), None
    with _whole(out / "frames.parquet") as temporary:
        writer = None
        for parts in _batches(read_videos(source, videos, workers=workers, progress=progress)):
            first = first or parts[0]
            writer = writer or pq.ParquetWriter(temporary, frame_schema(first), compression="zstd")
            writer.write_table(frame_table(parts, frame_schema(first)), row_group_size=2 * ROWS)
            usable = [filtered(source, one, min_confidence) for one in parts]
            _count(counts, parts, usable)
            for one in usable:
                if one.video in least:
                    check_length(source, one, least[one.video])
                counts.clips[one.video] = _clip(one, frames, num_sampled)
        if writer is None or first is None:
            raise DataError(f"{source}: no clips were asked for; give at least one")
        writer.close()
    with _whole(out / "clips.parquet") as temporary:
        pq.write_table(_clip_table(videos, counts), temporary)
    summary = _summary(source, videos, counts, first, min_confidence)
    with _whole(out / "summary.json") as temporary:
        temporary.write_text(json.dumps(summary.as_json(), indent=1) + "\n", encoding="utf-8")
    return summary


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; at the end it takes its place, on an error it vanishes."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _batches(parts: Iterator[VideoRows]) -> Iterator[list[VideoRows]]:
    batch: list[VideoRows] = []
    rows = 0
    for one in parts:
        batch.append(one)
        rows += len(one.rows.frame_T)
        if rows >= ROWS:
            yield batch
            batch, rows = [], 0
    if batch:
        yield batch


def _count(counts: _Counts, parts: Sequence[VideoRows], usable: Sequence[VideoRows]) -> None:
    lengths = [len(one.rows.frame_T) for one in usable]
    usable_T = np.concatenate([one.rows.success_T for one in usable])
    with_face = sum(int(one.rows.success_T.sum()) for one in parts)
    counts.number["frames"] += len(usable_T)
    counts.number["usable"] += int(usable_T.sum())
    counts.number["without_face"] += len(usable_T) - with_face
    counts.number["below_confidence"] += with_face - int(usable_T.sum())
    counts.number["extra_faces"] += sum(one.extra_faces for one in usable)
    raw_TR = np.concatenate([one.rows.intensity_TR for one in usable])
    frame_T = np.concatenate([one.rows.frame_T for one in usable])
    between_TR = interpolate_zeros(raw_TR, np.concatenate([[0], np.cumsum(lengths)]), usable_T, frame_T)
    zero_TR = (raw_TR == 0) & usable_T[:, None]
    counts.zeros_R += zero_TR.sum(axis=0)
    counts.interpolated_R += (zero_TR & (between_TR != 0)).sum(axis=0)


def _clip(one: VideoRows, frames: Literal["all", "sampled"], num_sampled: int) -> dict[str, Any]:
    length = len(one.rows.frame_T)
    picked: Literal["all"] | Array = evenly_spaced(length, num_sampled) if frames == "sampled" else "all"
    label_A, mask = clip_label(one.rows.presence_TA, one.rows.success_T, picked)
    usable = int(one.rows.success_T.sum())
    return {"frames": length, "usable": usable, "extra_faces": one.extra_faces, "mask": mask, "label_A": label_A}


def _clip_table(videos: Sequence[str], counts: _Counts) -> pa.Table:
    """One row a clip asked for; a clip without a file has no frames, and is masked. Units lacking are null."""
    nothing = {"frames": 0, "usable": 0, "extra_faces": 0, "mask": False, "label_A": np.zeros(len(ACTION_UNITS))}
    rows = [counts.clips.get(video, nothing) for video in videos]
    table: dict[str, Any] = {"clip": pa.array(list(videos), type=pa.string())}
    table |= {
        name: pa.array([row[name] for row in rows], type=pa.int32()) for name in ("frames", "usable", "extra_faces")
    }
    label_NA = np.array([row["label_A"] for row in rows], dtype=np.uint8).reshape(len(rows), len(ACTION_UNITS))
    table |= {unit: pa.array(label_N) for unit, label_N in zip(ACTION_UNITS, label_NA.T.copy(), strict=True)}
    return pa.table(table | {"mask": pa.array([row["mask"] for row in rows], type=pa.bool_())})


def _summary(
    source: Path, videos: Sequence[str], counts: _Counts, first: VideoRows, min_confidence: float
) -> TableSummary:
    with_intensity = [unit for unit, has in zip(INTENSITY_UNITS, first.has_intensity_R, strict=True) if has]
    zeros = dict(zip(INTENSITY_UNITS, counts.zeros_R.tolist(), strict=True))
    interpolated = dict(zip(INTENSITY_UNITS, counts.interpolated_R.tolist(), strict=True))
    return TableSummary(
        source=str(source),
        **{name: counts.number[name] for name in ("frames", "usable", "without_face", "below_confidence")},
        min_confidence=min_confidence,
        clips=len(counts.clips),
        masked=sum(not clip["mask"] for clip in counts.clips.values()),
        missing=tuple(video for video in videos if video not in counts.clips),
        extra_faces=counts.number["extra_faces"],
        zeros={unit: zeros[unit] for unit in with_intensity},
        interpolated={unit: interpolated[unit] for unit in with_intensity},
        lacking=tuple(unit for unit, has in zip(ACTION_UNITS, first.has_presence_A, strict=True) if not has),
    )
