"""Data in the layout of a published data set are taken for it only if their counts are its counts."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.data.prepare import Prepared
from harness.dataset_manifest import DatasetManifest, FoldCounts, FramesPerClip
from harness.errors import DataError
from harness.manifest import change, load_dataset, load_experiment
from harness.runs.published import differs_from_published
from harness.runs.sweep import packed_data

FRAMES_16 = FramesPerClip(least=16, median=16, most=16, under_16=0)


def counts(prepared: Prepared) -> Mapping[str, FoldCounts]:
    """Clips per class of the rendered data, counted here from the folds."""
    label_of = dict(zip(prepared.pack.names, prepared.pack.label_N, strict=True))
    return {
        str(number): FoldCounts(
            train=tuple(np.bincount([label_of[name] for name in fold.train], minlength=7).tolist()),
            test=tuple(np.bincount([label_of[name] for name in fold.test], minlength=7).tolist()),
        )
        for number, fold in prepared.folds.items()
    }


@pytest.fixture
def manifest(prepared: Prepared) -> DatasetManifest:
    """DFEW's manifest with the counts of the rendered clips, as if those had been published."""
    changes: dict[str, Any] = {"counts": counts(prepared), "frames_per_clip": FRAMES_16}
    return load_dataset("dfew").model_copy(update=changes)


def test_the_published_counts_are_the_published_data(manifest: DatasetManifest, prepared: Prepared) -> None:
    assert differs_from_published(manifest, prepared) == ""
    data = packed_data(load_experiment("reproduce-dfew"), manifest, prepared, 1)
    assert (data.published, data.differs) == (True, "")


def test_other_counts_are_named(manifest: DatasetManifest, prepared: Prepared) -> None:
    real = manifest.model_copy(update={"counts": load_dataset("dfew").counts})
    here = counts(prepared)["1"].train[0]
    said = differs_from_published(real, prepared)
    assert said.startswith(f"fold 1 has {here} train clips of happy, not 1,956, and ")
    data = packed_data(load_experiment("reproduce-dfew"), real, prepared, 1)
    assert (data.published, data.title, data.differs) == (False, "DFEW", said)


def test_one_dropped_clip_is_enough(manifest: DatasetManifest, prepared: Prepared) -> None:
    first = prepared.folds[1]
    fewer = replace(prepared, folds={**prepared.folds, 1: replace(first, test=first.test[1:])})
    label = int(prepared.pack.label_N[list(prepared.pack.names).index(first.test[0])])
    expected = counts(prepared)["1"].test[label]
    assert differs_from_published(manifest, fewer) == (
        f"fold 1 has {expected - 1} test clips of {manifest.classes[label]}, not {expected}"
    )


def test_the_16_frame_folder_is_refused_where_whole_clips_are_meant(
    manifest: DatasetManifest, prepared: Prepared
) -> None:
    whole = manifest.model_copy(update={"frames_per_clip": load_dataset("dfew").frames_per_clip})
    with pytest.raises(DataError, match=r"every clip below Clip/clip_224x224 has 16 frames.*dfew_16f"):
        differs_from_published(whole, prepared)


def test_other_frame_counts_are_named(manifest: DatasetManifest, prepared: Prepared) -> None:
    count_N = prepared.pack.count_N.copy()
    count_N[0] = 15
    short = replace(prepared, pack=replace(prepared.pack, count_N=count_N))
    assert differs_from_published(manifest, short) == "frames per clip: fewest 15 not 16, clips under 16 1 not 0"


def test_rendered_faces_never_claim_to_be_published(prepared: Prepared) -> None:
    experiment = change(load_experiment("demo"), {})
    data = packed_data(experiment, load_dataset("rendered"), prepared, 1)
    assert (data.published, data.differs) == (False, "")
