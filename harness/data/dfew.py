"""DFEW: five folds of single-labelled clips, as published and as the rendered faces are written.

Layout (field notes, section 5): `Clip/<frames>/<clip>/<n>.jpg` and `EmoLabel_DataSplit/{train,test}(single-labeled)/
set_<k>.csv` with the header `video_name,label` and labels 1 to 7.
"""

from __future__ import annotations

import csv
from pathlib import Path

from harness.au.units import EXPRESSIONS
from harness.data.clips import Clip, Fold, Listing, frame_files
from harness.errors import DataError
from harness.manifest import DatasetManifest

HEADER = ["video_name", "label"]


def read_dfew(root: Path, manifest: DatasetManifest) -> Listing:
    """Clips and folds of a DFEW folder.

    Errors: DataError if the root, a split list or a clip folder is missing, a list has no header or no clip, a label is
    not in the manifest's map, a clip has two classes, or a clip stands in train and test of one fold.
    """
    if not root.is_dir():
        raise DataError(f"{root}: no such data root; name the folder of {manifest.title} by --data-root")
    labels: dict[str, int] = {}
    numbered = {
        number: _read_fold(root / manifest.split_dir, number, manifest, labels)
        for number in range(1, manifest.folds + 1)
    }
    frames_dir = root / manifest.frames_dir
    clips = {name: Clip(name, label, frame_files(frames_dir / name)) for name, label in labels.items()}
    return Listing(clips, numbered)


def _read_fold(split_dir: Path, number: int, manifest: DatasetManifest, labels: dict[str, int]) -> Fold:
    parts = {}
    for part in ("train", "test"):
        path = split_dir / f"{part}(single-labeled)" / f"set_{number}.csv"
        rows = _read_list(path, manifest)
        _merge_labels(path, rows, labels)
        parts[part] = tuple(rows)
    shared = sorted(set(parts["train"]) & set(parts["test"]))
    if shared:
        raise DataError(f"{split_dir}: fold {number}: clip {shared[0]} is in train and test; take the published lists")
    return Fold(number, parts["train"], parts["test"])


def _read_list(path: Path, manifest: DatasetManifest) -> dict[str, int]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [[cell.strip() for cell in row] for row in csv.reader(file) if row]
    except OSError as error:
        raise DataError(
            f"{path}: split list cannot be read ({error.strerror}); put the published lists there"
        ) from error
    if not lines or lines[0] != HEADER:
        raise DataError(f"{path}: first line is not '{','.join(HEADER)}'; take the published list, header included")
    if len(lines) == 1:
        raise DataError(f"{path}: the fold has no clip; take the published list")
    return _labelled(path, lines[1:], manifest)


def _labelled(path: Path, lines: list[list[str]], manifest: DatasetManifest) -> dict[str, int]:
    expression_of = {str(number): EXPRESSIONS.index(name) for name, number in manifest.labels.items()}
    rows: dict[str, int] = {}
    for line, row in enumerate(lines, start=2):
        if len(row) != len(HEADER) or row[1] not in expression_of:
            allowed = ", ".join(f"{number} {name}" for name, number in manifest.labels.items())
            raise DataError(
                f"{path}:{line}: {','.join(row)!r} has no label of {manifest.title} ({allowed}); mend the line"
            )
        name = row[0].zfill(5)
        if name in rows:
            raise DataError(f"{path}:{line}: clip {name} is listed twice; take the published list")
        rows[name] = expression_of[row[1]]
    return rows


def _merge_labels(path: Path, rows: dict[str, int], labels: dict[str, int]) -> None:
    for name, label in rows.items():
        if labels.setdefault(name, label) != label:
            raise DataError(
                f"{path}: clip {name} is {EXPRESSIONS[label]} here and {EXPRESSIONS[labels[name]]} in another list; "
                "take the lists of one release"
            )
