"""Clips per class of a data set's lists against the published counts: whether these are the published data at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from harness.dataset_manifest import DatasetManifest

Rows = Mapping[str, int]
Lists = Mapping[int, Mapping[str, Rows]]
"""Fold (from 1) -> `train` or `test` -> clip name -> label."""
PARTS = ("train", "test")


@dataclass(frozen=True)
class CountDifference:
    """A class whose number of clips in one part of one fold is not the published one."""

    fold: int
    part: str
    expression: str
    expected: int
    found: int


def class_counts(rows: Rows, manifest: DatasetManifest) -> tuple[int, ...]:
    """Clips per class, in the order of `manifest.classes`."""
    counted = Counter(rows.values())
    return tuple(counted[label] for label in range(len(manifest.classes)))


def published_counts(manifest: DatasetManifest, fold: int, part: str) -> tuple[int, ...] | None:
    """The published clips per class of a part of a fold; None where the manifest has none."""
    counts = manifest.counts.get(str(fold))
    return None if counts is None else (counts.train if part == "train" else counts.test)


def count_differences(lists: Lists, manifest: DatasetManifest) -> list[CountDifference]:
    """Every class of every published part whose count differs; a part that is not in `lists` counts as empty."""
    differences = []
    for number in sorted(int(key) for key in manifest.counts):
        for part in PARTS:
            expected = published_counts(manifest, number, part) or ()
            found = class_counts(lists.get(number, {}).get(part, {}), manifest)
            differences += [
                CountDifference(number, part, name, wanted, got)
                for name, wanted, got in zip(manifest.classes, expected, found, strict=True)
                if wanted != got
            ]
    return differences


def matches_published(lists: Lists, manifest: DatasetManifest) -> bool:
    """Whether every fold has the published clips per class; False where the manifest has no counts to compare with."""
    return bool(manifest.counts) and not count_differences(lists, manifest)
