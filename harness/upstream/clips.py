"""The clips of an upstream run: read from the data set itself, since the upstreams' loaders open the frames themselves.

Shape letters: N clips, E expressions (7), A action units (18).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from harness.au.knowledge import load_knowledge
from harness.au.labels import ClipLabels, read_clip_labels
from harness.au.pos_weight import load_released, pos_weight
from harness.au.units import ACTION_UNITS, NUM_UNITS
from harness.data.clips import Clip, Listing, first_of_each_class
from harness.data.prepare import AULabels, fingerprint
from harness.data.readers import read_listing
from harness.errors import DataError, ManifestError, RunError
from harness.manifest import (
    AUArm,
    AUOptions,
    ClipsPerClass,
    DatasetManifest,
    RunConfig,
    RunData,
    load_dataset,
    manifests_dir,
)
from harness.upstream.job import JobArrays
from harness.upstream.layout import Parts


def run_data(manifest: DatasetManifest, listing: Listing, fold: int, few: ClipsPerClass | None) -> RunData:
    """What `config.json` says about the data of an upstream run: counts of its parts and the data set's fingerprint."""
    parts = _parts(listing, fold, few)
    if manifest.layout != "dfew":
        raise ManifestError(
            f"engine upstream: {manifest.title} is not laid out as DFEW; take DFEW or the rendered faces"
        )
    return RunData(
        name=manifest.name,
        title=manifest.title,
        published=manifest.published,
        labels=manifest.labels,
        clips={"train": len(parts.train), "val": 0, "test": len(parts.test)},
        fingerprint=fingerprint(listing),
    )


def label_facts(manifest: DatasetManifest, root: Path, listing: Listing, au: AUOptions) -> tuple[str, np.ndarray]:
    """sha256 (hex) of the AU labels of all clips, and the units that the AU files hold, bool (A,)."""
    clips = [listing.clips[name] for name in sorted(listing.clips)]
    labels = _au_labels(root / manifest.openface_dir, clips, au)
    return AULabels(labels.labels_NA, labels.mask_N, labels.unit_A).digest, labels.unit_A


def read_run_data(manifest: DatasetManifest, root: Path, fold: int, few: ClipsPerClass | None) -> RunData:
    """`run_data` of the data set at `root`."""
    return run_data(manifest, read_listing(manifest, root), fold, few)


def read_parts(config: RunConfig, root: Path) -> Parts:
    """The training and test clips of a run; RunError if the data set is not the one that the run was planned for."""
    if "best-on-val" in config.selection:
        raise ManifestError("engine upstream: best-on-val has no validation split there; take last and best-on-test")
    listing = read_listing(load_dataset(config.dataset.name), root)
    if fingerprint(listing) != config.dataset.fingerprint:
        raise RunError(f"{root}: is no longer the data that the run was planned for; give the same command again")
    return _parts(listing, config.fold, config.clips_per_class)


def arrays(config: RunConfig, root: Path, parts: Parts) -> JobArrays:
    """Classes, AU labels and, for an AU arm, the rows of Eq. 9, as the native engine has them for the same clips."""
    names = tuple(clip.name for clip in parts.clips)
    label_N = np.array([clip.label for clip in parts.clips], dtype=np.int64)
    test_N = np.arange(len(names)) >= len(parts.train)
    if config.au is None:
        no_labels = np.zeros((len(names), NUM_UNITS), dtype=np.float32)
        return JobArrays(names, label_N, no_labels, np.zeros(len(names), dtype=bool), test_N)
    folder = root / load_dataset(config.dataset.name).openface_dir
    au = _au_labels(folder, parts.clips, config.au)
    if not au.unit_A.all():
        lacking = ", ".join(unit for unit, there in zip(ACTION_UNITS, au.unit_A, strict=True) if not there)
        raise DataError(f"{folder}: AU files lack {lacking}, which engine upstream cannot mask; take engine native")
    train_N = ~test_N
    weight_EA = _pos_weight(config, config.au, au.labels_NA[train_N], au.mask_N[train_N], label_N[train_N])
    knowledge_EA = np.asarray(load_knowledge(config.au.knowledge, manifests_dir() / "knowledge"))
    return JobArrays(names, label_N, au.labels_NA.astype(np.float32), au.mask_N, test_N, knowledge_EA, weight_EA)


def _au_labels(folder: Path, clips: Sequence[Clip], au: AUOptions) -> ClipLabels:
    pictures = [len(clip.frames) for clip in clips]
    return read_clip_labels(
        folder,
        [clip.name for clip in clips],
        frames=au.label_frames,
        least_frames=pictures,
        min_confidence=au.min_confidence,
    )


def _pos_weight(
    config: RunConfig, au: AUArm, au_label_NA: np.ndarray, au_mask_N: np.ndarray, label_N: np.ndarray
) -> np.ndarray:
    if au.pos_weight == "released":
        return load_released(manifests_dir() / "knowledge" / f"pos_weight_{config.dataset.name}.csv", au.strategy)
    return pos_weight(au.strategy, au_label_NA, au_mask_N, label_N)


def _parts(listing: Listing, number: int, few: ClipsPerClass | None) -> Parts:
    fold = listing.folds.get(number)
    if fold is None:
        raise DataError(f"no fold {number} in the data set; known: {sorted(listing.folds)}")
    train = _first(fold.train, listing.clips, few.train if few else None)
    return Parts(number, train, _first(fold.test, listing.clips, few.test if few else None))


def _first(names: Sequence[str], clips: Mapping[str, Clip], count: int | None) -> tuple[Clip, ...]:
    found = [clips[name] for name in names]
    label_N = np.array([clip.label for clip in found], dtype=np.int64)
    return tuple(found[position] for position in first_of_each_class(label_N, count))
