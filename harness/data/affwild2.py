"""Aff-Wild2, expressions: videos with a label per frame; a stretch of neighbouring frames of one class is a clip.

Layout (field notes, section 5): `EXPR_Recognition_Challenge/{Train_Set,Validation_Set}/<video>.txt`, whose first line
names the classes and whose other lines are one number a frame, -1 where none is given; `cropped_aligned/<video>/
<frame>.jpg`, where the frame's number is that of its label, from 1, and frames without a found face are missing.
`_left` and `_right` are part of a video's name: two people, two label files, two folders.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from harness.data.clips import Clip, frame_files, frame_number
from harness.data.counts import Rows
from harness.data.lists import Line, labels_of, read_lines, refused, semicolons
from harness.dataset_manifest import DatasetManifest
from harness.errors import DataError

FOLDERS = {"train": "Train_Set", "test": "Validation_Set"}
SKIPPED = "-1"


def read_part(root: Path, manifest: DatasetManifest, fold: int, part: str) -> Rows:
    """Stretch (`<video>/00001-00037`) -> label, by video and time, whether or not there are pictures of it.

    Errors: DataError if the folder is missing or empty, a video is in both sets, a first line does not name the
    classes, or another line is not a number of theirs.
    """
    assert fold == 1, "Aff-Wild2 has one split"
    videos = {one: _videos(root / manifest.split_dir / folder) for one, folder in FOLDERS.items()}
    shared = sorted(set(videos["train"]) & set(videos["test"]))
    if shared:
        where = root / manifest.split_dir
        raise DataError(f"{where}: video {shared[0]} in {' and '.join(FOLDERS.values())}; take the published labels")
    rows = {name: label for path in videos[part].values() for name, label in _stretches(path, manifest)}
    if not rows:
        raise DataError(f"{root / manifest.split_dir / FOLDERS[part]}: no annotated frame; take the published labels")
    return rows


def read_clips(root: Path, manifest: DatasetManifest, rows: Rows) -> Iterator[Clip]:
    """The stretches with the pictures that there are of them; a stretch without any is left out.

    Errors: DataError if a video's folder is missing or empty, or holds a frame beyond the video's labels.
    """
    for video, names in groupby(rows, key=lambda name: name.rpartition("/")[0]):
        frames = frame_files(root / manifest.frames_dir / video)
        numbers = [frame_number(path.name) for path in frames]
        labelled = _labelled_frames(root / manifest.split_dir, video)
        if numbers[-1] > labelled or numbers[0] < 1:
            odd = numbers[-1] if numbers[-1] > labelled else numbers[0]
            where = root / manifest.frames_dir / video
            raise DataError(
                f"{where}: video {video} has a picture of frame {odd}, and labels of frames 1 to {labelled}; "
                "take the published pictures and labels, numbered from 1"
            )
        for name in names:
            first, last = (int(number) for number in name.rpartition("/")[2].split("-"))
            here = slice(bisect_left(numbers, first), bisect_right(numbers, last))
            if frames[here]:
                yield Clip(name, rows[name], frames[here], video, tuple(numbers[here]))


def _videos(folder: Path) -> dict[str, Path]:
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".txt" and not path.name.startswith("."))
    except OSError as error:
        raise DataError(f"{folder}: cannot be read ({error.strerror}); put the published labels there") from error
    if not paths:
        raise DataError(f"{folder}: no label file (<video>.txt); put the published labels there")
    return {path.stem: path for path in paths}


def _labelled_frames(split_dir: Path, video: str) -> int:
    paths = [split_dir / folder / f"{video}.txt" for folder in FOLDERS.values()]
    return len(read_lines(next(path for path in paths if path.is_file()))) - 1


def _stretches(path: Path, manifest: DatasetManifest) -> Iterator[tuple[str, int]]:
    first, *lines = read_lines(path)
    label_of = _numbered(path, first, manifest)
    label_N = [_label(path, first, line, place, label_of) for place, line in enumerate(lines, start=1)]
    last = 0
    for label, frames in groupby(label_N):
        start, last = last + 1, last + len(list(frames))
        if label is not None:
            yield f"{path.stem}/{start:05d}-{last:05d}", label


def _numbered(path: Path, first: Line, manifest: DatasetManifest) -> dict[str, int | None]:
    """Number as written -> label, None where the frame is left out; by the names in the first line."""
    labels = labels_of(manifest)
    names = [name.strip() for name in first.text.split(",")]
    if names[0].lstrip("-").isdecimal():
        raise refused(path, first, f"is a label where the classes' names belong ({','.join(labels)}): no first line")
    unknown = [name for name in names if name not in labels and name not in manifest.ignored]
    if unknown:
        raise refused(path, first, semicolons(first, ",") or f"names {unknown[0]!r}, which is no class of the data set")
    missing = [name for name in labels if names.count(name) != 1]
    if missing or len(set(names)) != len(names):
        raise refused(path, first, f"does not name {missing[0] if missing else 'each class'} once")
    return {SKIPPED: None} | {str(number): labels.get(name) for number, name in enumerate(names)}


def _label(path: Path, first: Line, line: Line, place: int, label_of: dict[str, int | None]) -> int | None:
    if line.number != first.number + place:
        why = "follows a blank line, so that frames and labels would part"
        raise refused(path, line, why, "take the published labels")
    if line.text not in label_of:
        raise refused(path, line, f"is no class of the first line (0 to {len(label_of) - 2}, or -1)")
    return label_of[line.text]
