"""The pos_weights of a fold (Eq. 6-8) beside the released rows, and what the released rows count.

Shape letters: N clips, F AU rows, E expressions (7), A action units (18), R rows of a released table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from harness.au.extraction import rows_of_frames
from harness.au.files.frames import FrameTable, read_frames
from harness.au.knowledge import unit_table_lines
from harness.au.labels import clip_labels
from harness.au.pos_weight import (
    RELEASED_ROWS,
    Counts,
    Level,
    ReleasedRow,
    Strategy,
    count_clips,
    count_frames,
    examine_released,
    load_released,
    read_released_rows,
    weights_of,
)
from harness.au.units import ACTION_UNITS, EXPRESSIONS, NUM_EXPRESSIONS
from harness.data.clips import Clip, Listing
from harness.errors import DataError, ManifestError
from harness.manifest import DatasetManifest, load_dataset, manifests_dir

RELEASED = ("dfew", "ferv39k")  # no table of MAFW was released
SAMPLED = 16  # frames that the release takes of a clip
OUT_OF_LINE = 2.0  # times the median class's frames per clip


@dataclass(frozen=True)
class RowFinding:
    """One released row: what it gives away, and its frames against clips.

    published_clips: training and test clips of the class in the published lists; frames_per_clip: the row's frames over
    them. data_frames, data_train_frames: frames of the class in the data at hand, of all clips of the fold and of its
    training clips. None where nothing is known.
    """

    row: ReleasedRow
    published_clips: int
    frames_per_clip: float | None
    data_frames: int | None
    data_train_frames: int | None


@dataclass(frozen=True, eq=False)
class Compared:
    """Weights of a fold per strategy, (7, 18), and the released rows of `released` for the same strategies, if any.

    lacking: units that the AU files do not have; their weight is 1 and means nothing.
    """

    dataset: str
    title: str
    fold: int
    level: Level
    counts: Counts
    lacking: tuple[str, ...]
    weights: Mapping[Strategy, np.ndarray]
    released: str | None
    released_weights: Mapping[Strategy, np.ndarray]
    findings: tuple[RowFinding, ...]

    def lines(self) -> list[str]:
        """Tables and findings in plain lines."""
        lines = [*self._counted()]
        for strategy, weights_EA in self.weights.items():
            lines += [
                "",
                f"{self.title}, fold {self.fold}, {strategy}, {self.level} level:",
                *_table(strategy, weights_EA),
            ]
            if strategy in self.released_weights:
                there_EA = self.released_weights[strategy]
                lines += ["", f"released for {self.released}, {strategy}:", *_table(strategy, there_EA)]
                lines += ["", "ours / released:", *_table(strategy, weights_EA / there_EA)]
        return [*lines, *(["", *released_lines(self.released, self.findings)] if self.released else [])]

    def to_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "dataset": self.dataset,
            "fold": self.fold,
            "level": self.level,
            "expressions": list(EXPRESSIONS),
            "units": list(ACTION_UNITS),
            "clips": self.counts.all_E.tolist(),
            "major": self.counts.major_E.tolist(),
            "usable": self.counts.usable_E.tolist(),
            "lacking_units": list(self.lacking),
            "positive": self.counts.positive_EA.tolist(),
            "weights": {strategy: weights_EA.tolist() for strategy, weights_EA in self.weights.items()},
            "released": self.released,
            "released_weights": {strategy: rows_EA.tolist() for strategy, rows_EA in self.released_weights.items()},
            "released_rows": [asdict(finding) for finding in self.findings],
        }

    def _counted(self) -> list[str]:
        usable, clips, major = self.counts.usable_E.tolist(), self.counts.all_E.tolist(), self.counts.major_E
        named = zip(EXPRESSIONS, usable, clips, major, strict=True)
        counted = ", ".join(f"{name} {n:,} (of {c:,} clips, {'major' if m else 'minor'})" for name, n, c, m in named)
        lacking = f"the AU files lack {', '.join(self.lacking)}: a weight of 1 there, which is not used"
        first = f"{self.title}, training clips of fold {self.fold}, {self.level}s with an AU label: {counted}"
        return [first, *[lacking] * bool(self.lacking)]


def compare_pos_weights(
    manifest: DatasetManifest,
    listing: Listing,
    au: Path,
    fold: int = 1,
    *,
    level: Level = "clip",
    strategies: Sequence[Strategy] = get_args(Strategy),
    released: str | None = None,
    workers: int = 1,
    min_confidence: float = 0.0,
    progress: Callable[[int, int], None] | None = None,
) -> Compared:
    """Weights of the training clips of a fold, from AU files at `au` (a folder, or a table of AU labels).

    Clips outside the seven expressions are left out. level: count clips by their AU label (Eq. 4), or tracked frames.
    released: the released table to set beside (default: that of this data set, if there is one). DataError for an
    unknown fold and of the AU files; ManifestError for an unknown table.
    """
    if fold not in listing.folds:
        raise DataError(f"{manifest.title}: no fold {fold}; known: {', '.join(map(str, sorted(listing.folds)))}")
    clips = [clip for name in listing.folds[fold].train if (clip := listing.clips[name]).label < NUM_EXPRESSIONS]
    videos = list(dict.fromkeys(clip.video or clip.name for clip in clips))
    table = read_frames(au, videos, workers=workers, min_confidence=min_confidence, progress=progress)
    counts = _counts(table, clips, level)
    released = released or _released_for(manifest)
    beside = {s: load_released(_path(released), s) for s in strategies} if released else {}
    return Compared(
        dataset=manifest.name,
        title=manifest.title,
        fold=fold,
        level=level,
        counts=counts,
        lacking=tuple(np.array(ACTION_UNITS)[~table.has_presence_A].tolist()),
        weights={strategy: weights_of(strategy, counts) for strategy in strategies},
        released=released,
        released_weights=beside,
        findings=examine(released, _frames(listing, fold)) if released else (),
    )


def examine(released: str, data_frames: tuple[np.ndarray, np.ndarray] | None = None) -> tuple[RowFinding, ...]:
    """What the rows of a released table give away. data_frames: frames per expression of the data at hand, of all clips
    of a fold and of its training clips. ManifestError for a table that was not released.
    """
    tables = {name: read_released_rows(_path(name)) for name in RELEASED}
    if released not in tables:
        raise ManifestError(f"released pos_weights of '{released}': there are those of {', '.join(RELEASED)} only")
    clips_R = _published_clips(load_dataset(released))
    frames_RR = None if data_frames is None else [[*part_E.tolist(), int(part_E.sum())] for part_E in data_frames]
    return tuple(
        RowFinding(
            row,
            clips_R[i],
            row.frames / clips_R[i] if row.frames else None,
            frames_RR[0][i] if frames_RR else None,
            frames_RR[1][i] if frames_RR else None,
        )
        for i, row in enumerate(examine_released(tables, released))
    )


def released_lines(released: str, findings: Sequence[RowFinding]) -> list[str]:
    """What the released rows count, and which of them cannot be what they are named, in plain lines."""
    classes, pooled = findings[:-1], findings[-1]
    usual = float(np.median([one.frames_per_clip or 0 for one in classes]))
    return [
        f"released rows of {released}: every weight of a row is (n - p) / p with one n, the number of frames counted",
        *map(_row_line, findings),
        *(line for one in classes for line in _out_of_line(one, usual)),
        *_pooled(pooled, classes),
        *_equal(released, [pooled, *classes]),
    ]


def _equal(released: str, findings: Sequence[RowFinding]) -> list[str]:
    """Rows that hold the weights of another, each pair once."""
    lines, told = [], set()
    for one in findings:
        others = [at for at in one.row.equals if at not in told]
        told.add(f"{released}:{one.row.name}")
        if others:
            lines.append(f"{one.row.name}: the same weights as {', '.join(others)}, so the frames of one of them only")
    return lines


def _row_line(one: RowFinding) -> str:
    if one.row.frames is None:
        return f"  {one.row.name}: no number of frames gives all its weights"
    text = f"  {one.row.name}: {one.row.frames:,} frames, {one.frames_per_clip:.1f} a clip of {one.published_clips:,}"
    if one.data_frames is None or one.data_train_frames is None:
        return text
    difference = one.row.frames - one.data_frames
    return (
        f"{text}; here {one.data_frames:,} in all clips ({difference:+,}), {one.data_train_frames:,} in training clips"
    )


def _out_of_line(one: RowFinding, usual: float) -> list[str]:
    if one.frames_per_clip is None or one.frames_per_clip < OUT_OF_LINE * usual:
        return []
    surplus = round((one.frames_per_clip - usual) * one.published_clips, -3)
    return [
        f"{one.row.name}: {one.frames_per_clip:.0f} frames a clip where the median row has {usual:.0f}: it counts some "
        f"{surplus:,.0f} frames of clips that are not of this class (docs/method.md says of which)"
    ]


def _pooled(pooled: RowFinding, classes: Sequence[RowFinding]) -> list[str]:
    """Whether the row `all` can be a count over the clips of the class rows."""
    lines = []
    together = sum(one.row.frames or 0 for one in classes)
    if pooled.row.frames is not None and pooled.row.frames != together:
        clips, rest = divmod(pooled.row.frames, SAMPLED)
        what = "" if rest else f" ({SAMPLED} of each of {clips:,} clips would make as many)"
        lines.append(f"all: {pooled.row.frames:,} frames{what}, where the class rows have {together:,} together")
    if pooled.row.outside:
        units = ", ".join(pooled.row.outside)
        lines.append(f"all: {units} lie outside the range of the class rows, which no pooling of their frames can give")
    return lines


def _table(strategy: Strategy, weights_EA: np.ndarray) -> list[str]:
    """One row for the global strategy, whose rows are all the same."""
    return (
        unit_table_lines(["all"], weights_EA[:1]) if strategy == "global" else unit_table_lines(EXPRESSIONS, weights_EA)
    )


def _counts(table: FrameTable, clips: Sequence[Clip], level: Level) -> Counts:
    """Counts of the clips' labels, or of their tracked frames. The rows of a clip are those of its own file, or, of a
    stretch of a longer video, those of its frame numbers.
    """
    row_F, count_N = _rows_of(table, clips)
    known_F = row_F >= 0
    usable_F = table.success_F[row_F] & known_F
    presence_FA = table.presence_FA[row_F]
    label_N = np.array([clip.label for clip in clips], dtype=np.int64)
    if level == "frame":
        clips_E = np.bincount(label_N, minlength=NUM_EXPRESSIONS)
        return count_frames(presence_FA, usable_F, np.repeat(label_N, count_N), clips_E)
    labels_NA, mask_N = clip_labels(presence_FA, usable_F, np.concatenate([[0], np.cumsum(count_N)]))
    return count_clips(labels_NA, mask_N, label_N)


def _rows_of(table: FrameTable, clips: Sequence[Clip]) -> tuple[np.ndarray, np.ndarray]:
    """AU rows of the clips, clip after clip (-1: there is none), and how many each has."""
    place = {name: position for position, name in enumerate(table.videos)}
    numbers = [
        np.array(clip.numbers, dtype=np.int64) if clip.numbers else _numbers_of(table, place.get(clip.name))
        for clip in clips
    ]
    count_N = np.array([len(number) for number in numbers], dtype=np.int64)
    video_N = [clip.video or clip.name for clip in clips]
    number_C = np.concatenate([np.zeros(0, dtype=np.int64), *numbers])
    return rows_of_frames(table.videos, table.offset_V, table.frame_F, video_N, count_N, number_C), count_N


def _numbers_of(table: FrameTable, place: int | None) -> np.ndarray:
    if place is None:
        return np.zeros(0, dtype=np.int64)
    return table.frame_F[table.offset_V[place] : table.offset_V[place + 1]]


def _frames(listing: Listing, fold: int) -> tuple[np.ndarray, np.ndarray]:
    """Frames per expression of all clips of a fold, and of its training clips."""
    one = listing.folds[fold]
    train_E = _frames_of(listing, one.train)
    return train_E + _frames_of(listing, one.test), train_E


def _frames_of(listing: Listing, names: Sequence[str]) -> np.ndarray:
    clips = [listing.clips[name] for name in names]
    label_N, count_N = [clip.label for clip in clips], [len(clip.frames) for clip in clips]
    return np.bincount(label_N, count_N, NUM_EXPRESSIONS)[:NUM_EXPRESSIONS].astype(np.int64)


def _published_clips(manifest: DatasetManifest) -> list[int]:
    """Training and test clips per class of fold 1, then of all classes, as published."""
    counts = manifest.counts["1"]
    per_class = [train + test for train, test in zip(counts.train, counts.test, strict=True)]
    assert len(per_class) + 1 == len(RELEASED_ROWS)
    return [*per_class, sum(per_class)]


def _released_for(manifest: DatasetManifest) -> str | None:
    """The released table of a data set, or of the same clips in fewer frames; a scene has none of its own."""
    return next((name for name in RELEASED if manifest.name.split("_")[0] == name), None)


def _path(released: str) -> Path:
    return manifests_dir() / "knowledge" / f"pos_weight_{released}.csv"
