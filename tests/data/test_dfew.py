"""The DFEW reader, on rendered faces and on every slip a list can have."""

import shutil
from pathlib import Path

import pytest

from harness.au.units import EXPRESSIONS
from harness.data.dfew import read_dfew
from harness.errors import DataError
from harness.manifest import load_dataset

MANIFEST = load_dataset("rendered")
TRAIN = "EmoLabel_DataSplit/train(single-labeled)/set_1.csv"
TEST = "EmoLabel_DataSplit/test(single-labeled)/set_1.csv"


@pytest.fixture
def copy(rendered_root: Path, tmp_path: Path) -> Path:
    root = tmp_path / "copy"
    root.mkdir()
    shutil.copytree(rendered_root / "EmoLabel_DataSplit", root / "EmoLabel_DataSplit")
    (root / "Clip").symlink_to(rendered_root / "Clip")
    return root


def edit(path: Path, change: object) -> None:
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")  # type: ignore[operator]


def test_reads_every_clip_with_sixteen_frames_in_order(rendered_root: Path) -> None:
    listing = read_dfew(rendered_root, MANIFEST)
    assert len(listing.clips) == 80
    assert [frame.name for frame in listing.clips["00001"].frames] == [f"{n}.jpg" for n in range(1, 17)]


def test_test_folds_partition_the_clips(rendered_root: Path) -> None:
    folds = read_dfew(rendered_root, MANIFEST).folds
    tested = [name for fold in folds.values() for name in fold.test]
    assert sorted(tested) == sorted({*folds[1].train, *folds[1].test})


def test_labels_map_by_name(copy: Path) -> None:
    for part in ("train", "test"):
        for fold in range(1, 6):
            path = copy / f"EmoLabel_DataSplit/{part}(single-labeled)/set_{fold}.csv"
            path.write_text("video_name,label\n" + ("00001,7\n" if part == "train" else "2,4\n"), encoding="utf-8")
    clips = read_dfew(copy, MANIFEST).clips
    assert EXPRESSIONS[clips["00001"].label] == "fear"
    assert EXPRESSIONS[clips["00002"].label] == "angry"


def test_a_byte_order_mark_and_crlf_change_nothing(copy: Path, rendered_root: Path) -> None:
    edit(copy / TRAIN, lambda text: "﻿" + text.replace("\n", "\r\n"))
    assert read_dfew(copy, MANIFEST).folds == read_dfew(rendered_root, MANIFEST).folds


@pytest.mark.parametrize(
    ("path", "change", "message"),
    [
        (TRAIN, lambda text: text.split("\n", 1)[1], "first line is not 'video_name,label'"),
        (TRAIN, lambda text: "video_name,label\n", "the fold has no clip"),
        (TRAIN, lambda text: text + "00001,8\n", r"'00001,8' has no label of rendered faces \(1 happy"),
        (TRAIN, lambda text: text.replace(",1\n", ",0\n", 1), "has no label"),
        (TRAIN, lambda text: text + text.splitlines()[-1] + "\n", "is listed twice"),
        (TRAIN, lambda text: text.replace(",", ";"), "first line is not"),
    ],
)
def test_a_faulty_list_is_refused_by_name(copy: Path, path: str, change: object, message: str) -> None:
    edit(copy / path, change)
    with pytest.raises(DataError, match=r"set_1\.csv.*" + message):
        read_dfew(copy, MANIFEST)


def test_a_clip_in_train_and_test_is_refused(copy: Path) -> None:
    stolen = (copy / TEST).read_text(encoding="utf-8").splitlines()[1]
    edit(copy / TRAIN, lambda text: text + stolen + "\n")
    with pytest.raises(DataError, match="is in train and test"):
        read_dfew(copy, MANIFEST)


def test_two_classes_for_one_clip_are_refused(copy: Path) -> None:
    edit(copy / TEST, lambda text: text.replace(",1\n", ",2\n", 1))
    with pytest.raises(DataError, match="in another list"):
        read_dfew(copy, MANIFEST)


def test_a_missing_root_names_the_option() -> None:
    with pytest.raises(DataError, match="--data-root"):
        read_dfew(Path("nowhere"), MANIFEST)


def test_a_missing_list_is_named(copy: Path) -> None:
    (copy / TRAIN).unlink()
    with pytest.raises(DataError, match=r"set_1\.csv: split list cannot be read"):
        read_dfew(copy, MANIFEST)
