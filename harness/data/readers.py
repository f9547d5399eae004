"""The readers of all data sets: lists and clips at a data root, by the manifest's layout."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.data import affwild2, dfew, ferv39k, mafw, ravdess
from harness.data.clips import Clip, Fold, Listing, frame_files
from harness.data.counts import PARTS
from harness.data.lists import Lists, Rows, check_lists
from harness.dataset_manifest import DatasetManifest
from harness.errors import DataError


@dataclass(frozen=True)
class Reader:
    """How a layout is read.

    part: (root, manifest, fold from 1, `train` or `test`) -> clip name -> label, in the list's order; no frame is
    looked at. clips: (root, manifest, rows) -> the clips with their frames. Both raise DataError that names the place.
    """

    part: Callable[[Path, DatasetManifest, int, str], Rows]
    clips: Callable[[Path, DatasetManifest, Rows], Iterator[Clip]]


def read_folders(root: Path, manifest: DatasetManifest, rows: Rows) -> Iterator[Clip]:
    """Clips that have a folder each; DataError if one is missing, empty, or its frames cannot be put in order."""
    frames_dir = root / manifest.frames_dir
    return (Clip(name, label, frame_files(frames_dir / name)) for name, label in rows.items())


READERS: Mapping[str, Reader] = {
    "dfew": Reader(dfew.read_part, read_folders),
    "ferv39k": Reader(ferv39k.read_part, read_folders),
    "mafw": Reader(mafw.read_part, read_folders),
    "affwild2": Reader(affwild2.read_part, affwild2.read_clips),
    "ravdess": Reader(ravdess.read_part, read_folders),
}
"""By `DatasetManifest.layout`."""


def read_lists(manifest: DatasetManifest, root: Path) -> dict[int, dict[str, Rows]]:
    """Fold -> part -> clip name -> label, from the data set's own lists.

    Errors: DataError of the reader; if the root is missing, a clip is in train and test, or has two classes.
    """
    _require(root, manifest)
    part_of = READERS[manifest.layout].part
    folds = range(1, manifest.folds + 1)
    lists = {fold: {part: part_of(root, manifest, fold, part) for part in PARTS} for fold in folds}
    check_lists(lists, manifest, root / manifest.split_dir)
    return lists


def read_listing(manifest: DatasetManifest, root: Path, lists: Lists | None = None) -> Listing:
    """Clips and folds of the data set at `root`; `lists` of an upstream stand in for the data set's own.

    Errors: those of `read_lists` (of given lists: train and test, two classes), and of the clips' frames.
    """
    _require(root, manifest)
    if lists is None:
        lists = read_lists(manifest, root)
    else:
        check_lists(lists, manifest, root)
    rows = {name: label for parts in lists.values() for part in PARTS for name, label in parts[part].items()}
    clips = {clip.name: clip for clip in READERS[manifest.layout].clips(root, manifest, rows)}
    if not clips:
        raise DataError(f"{root / manifest.frames_dir}: no listed clip has a picture; unpack the clips there")
    # Stretches of a video without a picture are in the lists, and not among the clips.
    return Listing(clips, {number: _fold(number, parts, clips) for number, parts in lists.items()})


def _fold(number: int, parts: Mapping[str, Rows], clips: Mapping[str, Clip]) -> Fold:
    train, test = (tuple(name for name in parts[part] if name in clips) for part in PARTS)
    return Fold(number, train, test)


def _require(root: Path, manifest: DatasetManifest) -> None:
    if not root.is_dir():
        raise DataError(f"{root}: no such data root; name the folder of {manifest.title} by --data-root")
