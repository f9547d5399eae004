"""A data set made ready for training: its frames packed, its folds read, every clip's AU label.

A prepared folder is a pack (data/pack.py) with `folds.json` and `au_<frames>.npz` beside it. Workers open it; only
`prepare` writes it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from harness.au.labels import READING, read_clip_labels
from harness.au.units import NUM_UNITS
from harness.data.clips import Fold, Listing
from harness.data.lists import Lists
from harness.data.pack import Pack, Progress, open_pack, pack_clips
from harness.data.readers import read_listing
from harness.errors import DataError
from harness.files import replacing, write_text
from harness.manifest import DatasetManifest


@dataclass(frozen=True)
class AULabels:
    """AU label (N, A), uint8, and mask (N,), bool, of every clip of a pack, in the pack's order.

    unit_A: bool, False for units that the AU files lack; no loss is taken of them.
    """

    label_NA: np.ndarray
    mask_N: np.ndarray
    unit_A: np.ndarray

    @property
    def digest(self) -> str:
        """sha256 (hex) of the labels, their masks and the units that are there."""
        parts = (self.label_NA.astype(np.uint8), self.mask_N.astype(np.uint8), self.unit_A.astype(np.uint8))
        return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()


@dataclass(frozen=True)
class Prepared:
    """An opened prepared folder. `fingerprint` is the hash of clips, classes, frames and folds."""

    pack: Pack
    folds: Mapping[int, Fold]
    fingerprint: str

    @property
    def path(self) -> Path:
        """The prepared folder."""
        return self.pack.path

    def au_labels(self, frames: str) -> AULabels:
        """AU labels over `all` or `sampled` frames; DataError if they were not prepared, or not for this pack."""
        path = self.path / f"au_{frames}.npz"
        labels, clips = _load_au(path), (len(self.pack.names),)
        shapes = labels.label_NA.shape, labels.mask_N.shape, labels.unit_A.shape
        if shapes != ((*clips, NUM_UNITS), clips, (NUM_UNITS,)):
            raise DataError(f"{path}: AU labels of other clips or units; remove the file and run again")
        return labels


def prepare(
    manifest: DatasetManifest,
    root: Path,
    size: int,
    cache: Path,
    *,
    lists: Lists | None = None,
    au: Path | None = None,
    label_frames: str = "all",
    min_confidence: float = 0.0,
    workers: int = 1,
    progress: Progress | None = None,
) -> Prepared:
    """Read the data set at `root` and make it ready below `cache`; what is there already is not made again.

    `size` is the packed frames' side in pixels. `lists`: split lists in place of the data set's own. `au`: AU files in
    place of the data set's own. Errors: DataError of the reader, the pack and the AU files.
    """
    listing = read_listing(manifest, root, lists)
    source = au or root / manifest.openface_dir
    if not source.exists():
        raise DataError(
            f"{source}: no AU files; run OpenFace 2.2 on the clips and put one CSV a clip there, or give --au"
        )
    pack = pack_listing(manifest, listing, size, cache, workers=workers, progress=progress)
    _prepare_au(source, pack, label_frames, min_confidence=min_confidence, workers=workers)
    return open_prepared(pack.path)


def pack_listing(
    manifest: DatasetManifest,
    listing: Listing,
    size: int,
    cache: Path,
    *,
    workers: int = 1,
    progress: Progress | None = None,
) -> Pack:
    """The frames and folds alone of `prepare`, where `prepare` looks for them."""
    identity = fingerprint(listing)
    folder = cache / f"{manifest.name}-{size}px-{identity[:12]}"
    pack = pack_clips(listing, size, folder, workers=workers, progress=progress)
    folds = {str(number): {"train": fold.train, "test": fold.test} for number, fold in listing.folds.items()}
    meta = {"fingerprint": identity, "folds": folds}
    write_text(folder / "folds.json", json.dumps(meta, sort_keys=True) + "\n")
    return pack


def open_prepared(folder: Path) -> Prepared:
    """Open what `prepare` made; DataError if it is not whole."""
    pack = open_pack(folder)
    try:
        meta = json.loads((folder / "folds.json").read_text(encoding="utf-8"))
        folds = {int(k): Fold(int(k), tuple(fold["train"]), tuple(fold["test"])) for k, fold in meta["folds"].items()}
        altered = meta["fingerprint"] != _identity(pack.fingerprint, folds)
    except (AttributeError, KeyError, OSError, RecursionError, TypeError, ValueError) as error:
        raise DataError(f"{folder}: folds.json cannot be read ({error}); remove the folder and run again") from error
    if altered:
        raise DataError(f"{folder}: folds.json is altered, it has another hash; remove the folder and run again")
    return Prepared(pack, folds, meta["fingerprint"])


def fingerprint(listing: Listing) -> str:
    """sha256 (hex) of clips, classes, frames and folds."""
    return _identity(listing.fingerprint(), listing.folds)


def _identity(clips: str, folds: Mapping[int, Fold]) -> str:
    """sha256 (hex) of the hash of the clips and of the folds."""
    parts = [[k, fold.train, fold.test] for k, fold in sorted(folds.items())]
    return hashlib.sha256((clips + json.dumps(parts)).encode()).hexdigest()


def _prepare_au(au: Path, pack: Pack, frames: str, *, min_confidence: float = 0.0, workers: int = 1) -> None:
    """Write the AU labels unless they are there, made from the same files in the same way."""
    path = pack.path / f"au_{frames}.npz"
    source = _au_fingerprint(au, pack, min_confidence)
    if _stored_source(path) == source:
        return
    labels = read_clip_labels(
        au,
        pack.names,
        frames="all" if frames == "all" else "sampled",
        least_frames=pack.count_N.tolist(),
        min_confidence=min_confidence,
        workers=workers,
    )
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, label_NA=labels.labels_NA, mask_N=labels.mask_N, unit_A=labels.unit_A, source=np.array(source))
    _load_au.cache_clear()


def _au_fingerprint(au: Path, pack: Pack, min_confidence: float) -> str:
    """sha256 (hex) of what the labels are made from: the reading, the files with sizes and times, the clips' lengths.

    `au` is a folder with a file a clip, or one file.
    """
    files = {name: au / f"{name}.csv" for name in pack.names} if au.is_dir() else {au.name: au}
    states = {name: file.stat() for name, file in files.items() if file.is_file()}
    lines = [f"reading {READING} {min_confidence}", *(f"{n} {s.st_size} {s.st_mtime_ns}" for n, s in states.items())]
    lengths = [f"{name} {count}" for name, count in zip(pack.names, pack.count_N.tolist(), strict=True)]
    return hashlib.sha256("\n".join(lines + lengths).encode()).hexdigest()


def _stored_source(path: Path) -> str:
    """What the labels there are made from; nothing if there are none, or none with all that is needed today."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
            return str(data["source"]) if "unit_A" in data else ""
    except Exception:  # whatever zip, NumPy and its headers say of bytes that are none
        return ""


@lru_cache(maxsize=4)
def _load_au(path: Path) -> AULabels:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
            return AULabels(data["label_NA"], data["mask_N"], data["unit_A"])
    except Exception as error:  # whatever zip, NumPy and its headers say of bytes that are none
        raise DataError(f"{path}: AU labels cannot be read ({error}); remove the file and run again") from error
