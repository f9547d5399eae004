"""What a data set's reader hands on: clips with their frames and class, and folds as lists of clip names."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.au.units import EXPRESSIONS
from harness.errors import DataError


@dataclass(frozen=True)
class Clip:
    """One labelled clip: `label` is the position of its class in the manifest's `classes`.

    frames: picture files in temporal order. A clip that is a stretch of a longer video names the video, whose AU file
    is its own too, and says which number (from 1) each of its frames has there; for others both are empty.
    """

    name: str
    label: int
    frames: tuple[Path, ...]
    video: str = ""
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True)
class Fold:
    """One fold of the protocol: names of its training and test clips."""

    number: int
    train: tuple[str, ...]
    test: tuple[str, ...]


@dataclass(frozen=True)
class Listing:
    """All clips of a data set, by name, and its folds."""

    clips: Mapping[str, Clip]
    folds: Mapping[int, Fold]

    def fingerprint(self) -> str:
        """sha256 (hex) of every clip's name, class, and frame files with their sizes: another folder, another hash."""
        digest = hashlib.sha256()
        for name in sorted(self.clips):
            clip = self.clips[name]
            files = " ".join(f"{frame.name}:{frame.stat().st_size}" for frame in clip.frames)
            digest.update(f"{name} {clip.label} {files}\n".encode())
        return digest.hexdigest()


def natural_key(name: str) -> list[tuple[bool, int, str]]:
    """Sort key that puts 2.jpg before 10.jpg."""
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", name)]


def frame_files(folder: Path, suffixes: Sequence[str] = (".jpg", ".jpeg", ".png")) -> tuple[Path, ...]:
    """Picture files of a clip's folder in temporal order; DataError if the folder is missing or holds none."""
    try:
        names = [entry.name for entry in folder.iterdir() if entry.suffix.lower() in suffixes]
    except OSError as error:
        raise DataError(f"{folder}: clip folder cannot be read ({error.strerror}); unpack the clips there") from error
    if not names:
        raise DataError(f"{folder}: no frame in the clip folder; unpack the clip again")
    return tuple(folder / name for name in sorted(names, key=natural_key))


def first_of_each_class(label_N: np.ndarray, count: int | None) -> np.ndarray:
    """Positions of the first `count` clips of each class, in order; all of them for None."""
    if count is None:
        return np.arange(len(label_N))
    rank_N = np.array([np.sum(label_N[:position] == label) for position, label in enumerate(label_N)], dtype=np.int64)
    return np.flatnonzero(rank_N < count)


def split_validation(labels_N: np.ndarray, share: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Cut a validation split from a training fold, class by class, by a fixed seed.

    Each class gives round(share x clips), at least one if it has two clips or more. Returns the sorted positions
    (train, validation) in `labels_N`, shape (N,).
    """
    generator = np.random.default_rng(seed)
    held_out = np.zeros(len(labels_N), dtype=bool)
    for label in range(len(EXPRESSIONS)):
        members = np.flatnonzero(labels_N == label)
        count = max(round(share * len(members)), int(len(members) > 1)) if share > 0 else 0
        held_out[generator.permutation(members)[:count]] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)
