"""Slips of split lists: each is found by name, with the cause that a user would otherwise look for for days."""

from pathlib import Path

import pytest

from harness.data.check.lists import is_part_only, list_findings, read_parts, upstream_findings
from harness.data.check.report import Finding
from harness.dataset_manifest import DatasetManifest, FoldCounts
from harness.manifest import load_dataset

COUNTS = FoldCounts(train=(2, 3, 4, 5, 6, 1, 7), test=(1, 2, 3, 4, 5, 2, 6))
# The same clips in folds 1 and 2 but for the sizes of two classes, so that folds can be told apart.
OTHER = FoldCounts(train=(3, 2, 4, 5, 6, 1, 7), test=(2, 1, 3, 4, 5, 2, 6))


def manifest(name: str = "ferv39k", **counts: FoldCounts) -> DatasetManifest:
    folds = {"1": COUNTS} | {key[1:]: value for key, value in counts.items()}
    return load_dataset(name).model_copy(update={"counts": folds, "folds": len(folds), "scene": None})


def rows(counts: tuple[int, ...], start: int) -> dict[str, int]:
    labels = [label for label, count in enumerate(counts) for _ in range(count)]
    return {f"{number:05d}": label for number, label in enumerate(labels, start=start)}


def published(counts: FoldCounts = COUNTS, start: int = 1) -> dict[str, dict[str, int]]:
    return {"train": rows(counts.train, start), "test": rows(counts.test, start + 28)}


def findings(lists: dict, known: DatasetManifest) -> list[Finding]:
    return list(list_findings(lists, known))


def test_published_lists_have_no_finding() -> None:
    assert findings({1: published()}, manifest()) == []


def test_the_first_line_of_ferv39k_dropped() -> None:
    # As the reader with header=0 does it: 7,847 published test clips, one Happy fewer.
    known = load_dataset("ferv39k")
    train, test = known.counts["1"].train, known.counts["1"].test
    lists = {1: {"train": rows(train, 1), "test": rows((test[0] - 1, *test[1:]), 40000)}}
    (finding,) = findings(lists, known)
    assert finding.kind == "first-line-dropped"
    assert finding.where == "fold 1 test"
    assert finding.what == "7,846 clips for 7,847: happy 1,472 for 1,473"


def test_an_alphabetical_label_order_is_recognised() -> None:
    # Label 1 of the list is angry, 2 disgust, ...: what is read as happy (label 1) has angry's clips, and so on.
    alphabetical = [3, 5, 6, 0, 2, 1, 4]  # angry, disgust, fear, happy, neutral, sad, surprise in our positions
    moved = {part: tuple(getattr(COUNTS, part)[i] for i in alphabetical) for part in ("train", "test")}
    (finding,) = findings({1: {part: rows(moved[part], 1 if part == "train" else 50) for part in moved}}, manifest())
    assert finding.kind == "label-order"
    assert "happy is angry" in finding.what
    assert "S2D" in finding.cause


def test_an_unknown_label_order_is_spelt_out() -> None:
    swapped = {part: (c[1], c[0], *c[2:]) for part, c in (("train", COUNTS.train), ("test", COUNTS.test))}
    (finding,) = findings(
        {1: {part: rows(swapped[part], 1 if part == "train" else 50) for part in swapped}}, manifest()
    )
    assert finding.what == "by their counts, happy is sad, sad is happy"
    assert finding.cause.endswith("sad, happy, neutral, angry, surprise, disgust, fear")


def test_a_clip_in_train_and_test() -> None:
    lists = published()
    lists["test"] = {("00001" if name == "00029" else name): label for name, label in lists["test"].items()}
    (finding,) = findings({1: lists}, manifest())
    assert (finding.kind, finding.what) == ("train-and-test", "1 clip in both: 00001")


def test_train_and_test_exchanged() -> None:
    lists = published()
    found = findings({1: {"train": lists["test"], "test": lists["train"]}}, manifest())
    assert [finding.kind for finding in found] == ["parts-exchanged", "parts-exchanged"]


def test_the_list_of_another_fold() -> None:
    known = manifest(_2=OTHER)
    lists = {1: published(OTHER), 2: published(OTHER, start=29)}
    found = [finding for finding in findings(lists, known) if finding.kind == "fold-exchanged"]
    assert [finding.cause for finding in found] == [
        "this is the published list of fold 2 train",
        "this is the published list of fold 2 test",
    ]


def test_class_counts_that_differ_are_named_class_by_class() -> None:
    lists = published() | {"train": rows((2, 3, 4, 5, 3, 1, 8), 100)}
    (finding,) = findings({1: lists}, manifest())
    assert finding.kind == "class-count"
    assert finding.what == "surprise 3 for 6; fear 8 for 7 (-2 clips)"


def test_relabelled_clips_are_not_called_missing() -> None:
    lists = published() | {"train": rows((2, 3, 4, 5, 5, 1, 8), 100)}
    (finding,) = findings({1: lists}, manifest())
    assert finding.what == "surprise 5 for 6; fear 8 for 7 (+0 clips)"
    assert "another class" in finding.cause


def test_few_clips_are_one_finding_not_one_a_list() -> None:
    lists = {1: {"train": {"a": 0, "b": 1}, "test": {"c": 2}}}
    (finding,) = findings(lists, manifest())
    assert (finding.kind, finding.what) == ("not-published", "3 clips listed, 51 published")
    assert is_part_only(lists, manifest())
    assert not is_part_only({1: published()}, manifest())


def test_a_clip_tested_twice() -> None:
    known = manifest(_2=COUNTS)
    second = {"train": published()["train"], "test": published()["test"]}
    (finding,) = findings({1: published(), 2: second}, known)
    assert finding.kind == "tested-twice"
    assert finding.what == "23 clips in two folds: 00029, 00030, 00031 and 20 more"


def test_a_clip_of_two_classes() -> None:
    known = manifest(_2=COUNTS)
    second = {"train": published()["train"], "test": rows(COUNTS.test, 60)}
    second["train"] = second["train"] | {"00001": 1, "00003": 0}  # one happy and one sad clip exchanged
    (finding,) = findings({1: published(), 2: second}, known)
    assert finding.kind == "labels-between-folds"
    assert finding.what == "2 clips of two classes: 00001 (happy and sad), 00003 (happy and sad)"


def test_without_published_counts_there_is_a_note() -> None:
    (finding,) = findings({1: published()}, manifest().model_copy(update={"counts": {}}))
    assert (finding.severity, finding.kind) == ("note", "counts-unpublished")


def against(lists: dict, theirs: dict) -> list[Finding]:
    both = {"former_dfer": ({1: theirs}, {}), "mae_dfer": ({1: theirs}, {})}
    return list(upstream_findings({1: lists}, manifest(), both))


def test_equal_lists_of_upstreams_give_no_finding() -> None:
    assert against(published(), published()) == []


def test_a_dropped_first_line_is_proved_by_an_upstreams_list() -> None:
    lists = published()
    del lists["test"]["00029"]
    (finding,) = against(lists, published())
    assert finding.kind == "clips-upstream"
    assert finding.what == "1 clip lacking: 00029 (against former_dfer, mae_dfer)"
    assert finding.cause == "the list's first line was dropped"


def test_other_clips_than_an_upstreams() -> None:
    lists = published()
    lists["train"]["09999"] = lists["train"].pop("00005")
    (finding,) = against(lists, published())
    assert finding.what == "1 clip lacking: 00005; 1 clip too many: 09999 (against former_dfer, mae_dfer)"


def test_the_clips_of_another_part_are_recognised_by_an_upstreams_list() -> None:
    lists = published()
    test = against({"train": lists["test"], "test": lists["train"]}, published())[1]
    assert test.cause == "these are the clips of fold 1 train"


def test_ravdess_has_no_list_whose_first_line_could_be_dropped() -> None:
    lists = published()
    del lists["test"]["00029"]
    (finding,) = findings({1: lists}, manifest("ravdess"))
    assert finding.kind == "class-count"
    assert finding.cause == "not all of the data set is unpacked"


def test_a_shifted_label_order_is_seen_clip_by_clip() -> None:
    # Equal class counts would hide it; the labels of single clips do not.
    shifted = {
        part: {name: (label + 1) % 7 for name, label in part_rows.items()} for part, part_rows in published().items()
    }
    (finding,) = against(shifted, published())
    assert finding.kind == "labels-upstream"
    assert "51 clips of another class, throughout: happy is fear, sad is happy" in finding.what
    assert finding.cause.endswith("fear, happy, sad, neutral, angry, surprise, disgust")


def test_a_single_relabelled_clip_is_no_label_order() -> None:
    lists = published()
    lists["train"]["00001"] = 6
    (finding,) = against(lists, published())
    assert finding.what == "1 clip of another class: 00001 (fear for happy) (against former_dfer, mae_dfer)"


def dfew_list(root: Path, text: str, part: str = "train") -> None:
    path = root / "EmoLabel_DataSplit" / f"{part}(single-labeled)" / "set_1.csv"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("1,1\n2,3\n", "header-missing"),
        ("video_name,label\n1,0\n2,3\n", "labels-from-zero"),
        ("1,0\n2,3\n", "labels-from-zero"),
        ("video_name,label\n1,happy\n", "list-unreadable"),
        ("video_name,label\n1,9\n", "list-unreadable"),
    ],
)
def test_a_list_that_cannot_be_read_has_its_cause(tmp_path: Path, text: str, kind: str) -> None:
    dfew_list(tmp_path, text)
    dfew_list(tmp_path, "video_name,label\n3,7\n", "test")
    lists, (finding,) = read_parts(tmp_path, load_dataset("dfew").model_copy(update={"folds": 1}))
    assert finding.kind == kind
    assert finding.where == "EmoLabel_DataSplit/train(single-labeled)/set_1.csv"
    assert lists == {1: {"test": {"00003": 6}}}


def test_lists_missing_in_every_fold_are_one_finding(tmp_path: Path) -> None:
    lists, (finding,) = read_parts(tmp_path, load_dataset("dfew"))
    assert finding.kind == "list-missing"
    assert "(and so 9 more:" in finding.what
    assert lists == {fold: {} for fold in range(1, 6)}
