"""Clips, frame order and the validation split."""

from pathlib import Path

import numpy as np
import pytest

from harness.data.clips import frame_files, natural_key, split_validation
from harness.errors import DataError


def test_frames_sort_by_number_not_by_text(tmp_path: Path) -> None:
    for number in (1, 2, 10, 11, 9):
        (tmp_path / f"{number}.jpg").touch()
    assert [path.stem for path in frame_files(tmp_path)] == ["1", "2", "9", "10", "11"]


def test_zero_padded_and_plain_numbers_sort_alike() -> None:
    assert sorted(["00010.jpg", "2.jpg", "0001.jpg"], key=natural_key) == ["0001.jpg", "2.jpg", "00010.jpg"]


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir()])
def test_a_missing_or_empty_clip_folder_is_named(tmp_path: Path, make: object) -> None:
    make(tmp_path / "00001")  # type: ignore[operator]
    with pytest.raises(DataError, match="00001"):
        frame_files(tmp_path / "00001")


def test_validation_split_takes_its_share_of_every_class() -> None:
    label_N = np.repeat([0, 1, 5], [100, 50, 2])
    train_N, val_N = split_validation(label_N, 0.1)
    assert np.bincount(label_N[val_N], minlength=6).tolist() == [10, 5, 0, 0, 0, 1]
    assert sorted([*train_N, *val_N]) == list(range(152))


def test_validation_split_does_not_depend_on_anything_but_the_labels() -> None:
    label_N = np.arange(70) % 7
    assert split_validation(label_N, 0.2)[1].tolist() == split_validation(label_N, 0.2)[1].tolist()


def test_a_share_of_zero_holds_nothing_out() -> None:
    assert len(split_validation(np.zeros(10, dtype=int), 0.0)[1]) == 0
