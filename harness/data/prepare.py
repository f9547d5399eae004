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

from harness.au.openface import read_clip_labels
from harness.data.clips import Fold, Listing
from harness.data.dfew import read_dfew
from harness.data.pack import Pack, Progress, open_pack, pack_clips
from harness.errors import DataError
from harness.files import replacing, write_text
from harness.manifest import DatasetManifest

READERS = {"dfew": read_dfew}


@dataclass(frozen=True)
class AULabels:
    """AU label (N, A), uint8, and mask (N,), bool, of every clip of a pack, in the pack's order."""

    label_NA: np.ndarray
    mask_N: np.ndarray


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
        """AU labels over `all` or `sampled` frames; DataError if they were not prepared."""
        return _load_au(self.path / f"au_{frames}.npz")


def prepare(
    manifest: DatasetManifest,
    root: Path,
    size: int,
    cache: Path,
    *,
    label_frames: str = "all",
    workers: int = 1,
    progress: Progress | None = None,
) -> Prepared:
    """Read the data set at `root` and make it ready below `cache`; what is there already is not made again.

    `size` is the packed frames' side in pixels. Errors: DataError of the reader, the pack and the AU files.
    """
    listing = read_listing(manifest, root)
    identity = fingerprint(listing)
    folder = cache / f"{manifest.name}-{size}px-{identity[:12]}"
    au_dir = root / manifest.openface_dir
    if not au_dir.is_dir():
        raise DataError(f"{au_dir}: no OpenFace files; run OpenFace 2.2 on the clips and put one CSV a clip there")
    pack = pack_clips(listing, size, folder, workers=workers, progress=progress)
    folds = {str(number): {"train": fold.train, "test": fold.test} for number, fold in listing.folds.items()}
    meta = {"fingerprint": identity, "folds": folds}
    write_text(folder / "folds.json", json.dumps(meta, sort_keys=True) + "\n")
    _prepare_au(au_dir, pack, label_frames)
    return open_prepared(folder)


def open_prepared(folder: Path) -> Prepared:
    """Open what `prepare` made; DataError if it is not whole."""
    pack = open_pack(folder)
    try:
        meta = json.loads((folder / "folds.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{folder}: folds.json cannot be read ({error}); remove the folder and run again") from error
    folds = {int(k): Fold(int(k), tuple(fold["train"]), tuple(fold["test"])) for k, fold in meta["folds"].items()}
    return Prepared(pack, folds, meta["fingerprint"])


def read_listing(manifest: DatasetManifest, root: Path) -> Listing:
    """Clips and folds of the data set at `root`; DataError of its reader, or if its layout has none."""
    if manifest.layout not in READERS:
        known = ", ".join(READERS)
        raise DataError(f"{manifest.title}: this version has no reader for its layout; known layouts: {known}")
    return READERS[manifest.layout](root, manifest)


def fingerprint(listing: Listing) -> str:
    """sha256 (hex) of clips, classes, frames and folds."""
    folds = [[k, fold.train, fold.test] for k, fold in sorted(listing.folds.items())]
    return hashlib.sha256((listing.fingerprint() + json.dumps(folds)).encode()).hexdigest()


def _prepare_au(au_dir: Path, pack: Pack, frames: str) -> None:
    """Write the AU labels unless they are there and made from the same files."""
    path = pack.path / f"au_{frames}.npz"
    source = _au_fingerprint(au_dir, pack.names)
    if path.is_file() and _stored_source(path) == source:
        return
    label_NA, mask_N = read_clip_labels(au_dir, pack.names, frames="all" if frames == "all" else "sampled")
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, label_NA=label_NA, mask_N=mask_N, source=np.array(source))


def _au_fingerprint(au_dir: Path, names: tuple[str, ...]) -> str:
    files = [au_dir / f"{name}.csv" for name in names]
    states = [file.stat() if file.is_file() else None for file in files]
    lines = [
        f"{file.name} {state.st_size} {state.st_mtime_ns}" for file, state in zip(files, states, strict=True) if state
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _stored_source(path: Path) -> str:
    with np.load(path, allow_pickle=False) as data:
        return str(data["source"])


@lru_cache(maxsize=4)
def _load_au(path: Path) -> AULabels:
    try:
        with np.load(path, allow_pickle=False) as data:
            return AULabels(data["label_NA"], data["mask_N"])
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path}: AU labels cannot be read ({error}); remove the file and run again") from error
