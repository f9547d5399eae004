"""What a data set's reader hands on: clips with their frames and class, and folds as lists of clip names."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.errors import DataError

NUMBERED = re.compile(r"(?P<before>.*?)(?P<number>[0-9]+)(?P<after>[^0-9]*)", re.DOTALL)
ORDERLESS = "named in two ways, so that their order is not certain; leave the frames of one clip in the folder"


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


def frame_number(name: str) -> int:
    """The number of a frame by its file's name: the last digits before the ending."""
    match = NUMBERED.fullmatch(name.rpartition(".")[0])
    assert match is not None, "frame_files lets no other file pass"
    return int(match["number"])


def frame_files(folder: Path, suffixes: Sequence[str] = (".jpg", ".jpeg", ".png")) -> tuple[Path, ...]:
    """Picture files of a clip's folder by frame number, so that 2.jpg stands before 10.jpg; other files are ignored.

    Errors: DataError if the folder is missing or holds no picture, or the pictures cannot be put in order: one has no
    number, two have the same (1.jpg and 01.jpg, 1.jpg and 1.png), or they are named in two ways (1.jpg, img_2.jpg).
    """
    found: dict[int, str] = {}
    form = None
    for name in _pictures(folder, suffixes):
        match = NUMBERED.fullmatch(name.rpartition(".")[0])
        if match is None:
            raise DataError(f"{folder / name}: a picture without a frame number in its name; remove it or number it")
        if form not in (None, match.group("before", "after")):
            other = next(iter(found.values()))
            raise DataError(f"{folder}: {min(name, other)} and {max(name, other)} are {ORDERLESS}")
        form = match.group("before", "after")
        number = int(match["number"])
        if number in found:
            pair = " and ".join(sorted((found[number], name)))
            raise DataError(f"{folder}: {pair} are both frame {number}; remove one of them")
        found[number] = name
    if not found:
        raise DataError(f"{folder}: no frame in the clip folder; unpack the clip again")
    return tuple(folder / found[number] for number in sorted(found))


def _pictures(folder: Path, suffixes: Sequence[str]) -> list[str]:
    """Names of the pictures; what begins with a dot is the system's (._1.jpg), not a frame."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries]
    except OSError as error:
        raise DataError(f"{folder}: clip folder cannot be read ({error.strerror}); unpack the clips there") from error
    endings = tuple(suffixes)
    return [name for name in names if name.lower().endswith(endings) and not name.startswith(".")]


def first_of_each_class(label_N: np.ndarray, count: int | None) -> np.ndarray:
    """Positions of the first `count` clips of each class, in order; all of them for None."""
    if count is None:
        return np.arange(len(label_N))
    firsts = [np.flatnonzero(label_N == label)[:count] for label in np.unique(label_N)]
    return np.sort(np.concatenate([np.empty(0, dtype=np.int64), *firsts]))


def split_validation(labels_N: np.ndarray, share: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Cut a validation split from a training fold, class by class, by a fixed seed.

    Each class gives round(share x clips), at least one if it has two clips or more. Returns the sorted positions
    (train, validation) in `labels_N`, shape (N,).
    """
    generator = np.random.default_rng(seed)
    held_out = np.zeros(len(labels_N), dtype=bool)
    for label in np.unique(labels_N):
        members = np.flatnonzero(labels_N == label)
        count = max(round(share * len(members)), int(len(members) > 1)) if share > 0 else 0
        held_out[generator.permutation(members)[:count]] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)
