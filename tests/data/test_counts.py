"""Clips per class against the published counts."""

from harness.data.counts import CountDifference, class_counts, count_differences, matches_published
from harness.dataset_manifest import FoldCounts
from harness.manifest import load_dataset

MANIFEST = load_dataset("ferv39k").model_copy(
    update={"counts": {"1": FoldCounts(train=(2, 0, 1, 0, 0, 0, 0), test=(0, 1, 0, 0, 0, 0, 0))}}
)
TRAIN, TEST = {"a": 0, "b": 2, "c": 0}, {"d": 1}


def test_counts_go_by_the_manifests_classes() -> None:
    assert class_counts(TRAIN, MANIFEST) == (2, 0, 1, 0, 0, 0, 0)


def test_the_published_clips_match() -> None:
    assert matches_published({1: {"train": TRAIN, "test": TEST}}, MANIFEST)


def test_a_missing_clip_is_named_by_fold_part_and_class() -> None:
    lists = {1: {"train": {"a": 0, "b": 2}, "test": TEST}}
    assert count_differences(lists, MANIFEST) == [CountDifference(1, "train", "happy", 2, 1)]
    assert not matches_published(lists, MANIFEST)


def test_a_missing_part_counts_as_empty() -> None:
    assert count_differences({1: {"train": TRAIN}}, MANIFEST) == [CountDifference(1, "test", "sad", 1, 0)]


def test_without_published_counts_nothing_matches() -> None:
    assert not matches_published({1: {"train": TRAIN, "test": TEST}}, MANIFEST.model_copy(update={"counts": {}}))


def test_published_ferv39k_has_7847_test_clips() -> None:
    assert sum(load_dataset("ferv39k").counts["1"].test) == 7847
