"""Clips, frame order and the validation split."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from harness.data.clips import (
    Clip,
    Listing,
    first_of_each_class,
    frame_files,
    frame_number,
    natural_key,
    split_validation,
)
from harness.errors import DataError


def folder_of(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).touch()
    return root


def test_frames_sort_by_number_not_by_text(tmp_path: Path) -> None:
    folder_of(tmp_path, "1.jpg", "2.jpg", "10.jpg", "11.jpg", "9.jpg", "100.jpg")
    assert [path.stem for path in frame_files(tmp_path)] == ["1", "2", "9", "10", "11", "100"]


@pytest.mark.parametrize(
    "names",
    [
        ["00001.jpg", "00002.jpg", "00010.jpg"],
        ["1.jpg", "02.jpg", "10.jpg"],
        ["1.JPG", "2.png", "10.jpeg"],
        ["00071_00001.jpg", "00071_00002.jpg", "00071_00010.jpg"],
        ["frame2.jpg", "frame3.jpg", "frame11.jpg"],
        ["1_aligned.png", "2_aligned.png", "10_aligned.png"],
    ],
)
def test_frames_are_in_order_however_they_are_numbered(tmp_path: Path, names: list[str]) -> None:
    folder_of(tmp_path, *reversed(names))
    assert [path.name for path in frame_files(tmp_path)] == names


def test_gaps_in_the_numbers_are_no_error(tmp_path: Path) -> None:
    assert [frame_number(path.name) for path in frame_files(folder_of(tmp_path, "3.jpg", "7.jpg"))] == [3, 7]


def test_other_files_are_no_frames(tmp_path: Path) -> None:
    folder_of(tmp_path, "1.jpg", "Thumbs.db", ".DS_Store", "desktop.ini", "._1.jpg", "1.txt", "jpg")
    assert [path.name for path in frame_files(tmp_path)] == ["1.jpg"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["1.jpg", "01.jpg"], r"01\.jpg and 1\.jpg are both frame 1"),
        (["1.jpg", "1.png", "2.jpg"], r"1\.jpg and 1\.png are both frame 1"),
        (["1.jpg", "1.JPG"], "are both frame 1"),
        (["1.jpg", "cover.jpg"], r"cover\.jpg: a picture without a frame number"),
        (["1.jpg", "2.jpg", "1 (1).jpg"], r"1 \(1\)\.jpg and [12]\.jpg are named in two ways"),
        (["00071_00001.jpg", "00072_00002.jpg"], r"00071_00001\.jpg and 00072_00002\.jpg are named in two ways"),
    ],
)
def test_frames_without_a_certain_order_are_refused(tmp_path: Path, names: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        frame_files(folder_of(tmp_path, *names))


def test_zero_padded_and_plain_numbers_sort_alike() -> None:
    assert sorted(["00010.jpg", "2.jpg", "0001.jpg"], key=natural_key) == ["0001.jpg", "2.jpg", "00010.jpg"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, r"00001: clip folder cannot be read \(No such file"),
        (lambda path: path.touch(), r"00001: clip folder cannot be read \(Not a directory"),
        (lambda path: path.mkdir(), "00001: no frame in the clip folder"),
        (lambda path: (path / "1.jpg").mkdir(parents=True) or (path / "1.jpg").rmdir(), "no frame in the clip folder"),
    ],
)
def test_a_missing_or_empty_clip_folder_is_named(tmp_path: Path, make: object, message: str) -> None:
    make(tmp_path / "00001")  # type: ignore[operator]
    with pytest.raises(DataError, match=message):
        frame_files(tmp_path / "00001")


def test_the_fingerprint_is_that_of_names_classes_and_files(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(b"123")
    (tmp_path / "2.jpg").write_bytes(b"12345")
    frames = (tmp_path / "1.jpg", tmp_path / "2.jpg")
    listing = Listing({"00002": Clip("00002", 6, frames[:1]), "00001": Clip("00001", 0, frames)}, {})
    # Runs are planned by this hash: its bytes must stay as they are.
    assert listing.fingerprint() == hashlib.sha256(b"00001 0 1.jpg:3 2.jpg:5\n00002 6 1.jpg:3\n").hexdigest()


@pytest.mark.parametrize(
    ("count", "positions"), [(None, [0, 1, 2, 3, 4, 5]), (1, [0, 1]), (2, [0, 1, 2, 4]), (9, [0, 1, 2, 3, 4, 5])]
)
def test_the_first_clips_of_each_class_keep_their_order(count: int | None, positions: list[int]) -> None:
    assert first_of_each_class(np.array([4, 0, 4, 4, 0, 4]), count).tolist() == positions


def test_no_clip_has_no_first() -> None:
    assert first_of_each_class(np.array([], dtype=np.int64), 3).tolist() == []


def test_validation_split_takes_its_share_of_every_class() -> None:
    label_N = np.repeat([0, 1, 5], [100, 50, 2])
    train_N, val_N = split_validation(label_N, 0.1)
    assert np.bincount(label_N[val_N], minlength=6).tolist() == [10, 5, 0, 0, 0, 1]
    assert sorted([*train_N, *val_N]) == list(range(152))


def test_validation_split_holds_out_classes_beyond_the_seventh() -> None:
    label_N = np.repeat([0, 7, 10], [20, 30, 10])
    assert np.bincount(label_N[split_validation(label_N, 0.1)[1]], minlength=11)[[0, 7, 10]].tolist() == [2, 3, 1]


def test_validation_split_does_not_depend_on_anything_but_the_labels() -> None:
    label_N = np.arange(70) % 7
    assert split_validation(label_N, 0.2)[1].tolist() == split_validation(label_N, 0.2)[1].tolist()


def test_a_share_of_zero_holds_nothing_out() -> None:
    assert len(split_validation(np.zeros(10, dtype=int), 0.0)[1]) == 0
