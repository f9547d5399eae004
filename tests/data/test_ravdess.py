"""The RAVDESS reader, on folders written by hand and on every slip that they can have."""

from pathlib import Path

import pytest

from harness.data.ravdess import read_part
from harness.errors import DataError
from harness.manifest import load_dataset

MANIFEST = load_dataset("ravdess")


def root_of(root: Path, *clips: str) -> Path:
    for clip in clips:
        (root / "face_aligned" / clip).mkdir(parents=True)
    return root


def test_the_third_code_is_the_class(tmp_path: Path) -> None:
    # 01 neutral, 03 happy, 04 sad, 05 angry, 06 fearful, 07 disgust, 08 surprised; 02 calm is left out.
    root = root_of(tmp_path, *(f"Actor_01/02-01-0{code}-01-01-01-01" for code in range(1, 9)))
    rows = read_part(root, MANIFEST, 1, "test")
    assert {name.split("-")[2]: MANIFEST.classes[label] for name, label in rows.items()} == {
        "01": "neutral", "03": "happy", "04": "sad", "05": "angry", "06": "fear", "07": "disgust", "08": "surprise",
    }  # fmt: skip


def test_folds_go_by_actor(tmp_path: Path) -> None:
    root = root_of(tmp_path, *(f"Actor_{actor:02d}/02-01-03-01-01-01-{actor:02d}" for actor in (4, 5, 8, 9, 24)))
    assert list(read_part(root, MANIFEST, 2, "test")) == [
        "Actor_05/02-01-03-01-01-01-05",
        "Actor_08/02-01-03-01-01-01-08",
    ]
    assert [name[:8] for name in read_part(root, MANIFEST, 2, "train")] == ["Actor_04", "Actor_09", "Actor_24"]


def test_only_silent_speech_is_read(tmp_path: Path) -> None:
    kinds = ("01-01", "02-01", "02-02", "03-01")
    root = root_of(tmp_path, *(f"Actor_01/{kind}-03-01-01-01-01" for kind in kinds))
    (root / "face_aligned/.cache").mkdir()
    (root / "face_aligned/Actor_01/notes.txt").touch()
    assert list(read_part(root, MANIFEST, 1, "test")) == ["Actor_01/02-01-03-01-01-01-01"]


@pytest.mark.parametrize(
    ("clip", "message"),
    [
        ("Actor_01/02-01-03-01-01-01-02", "a clip of Actor_02 in the folder of Actor_01"),
        ("Actor_01/02-01-09-01-01-01-01", "02-01-09-01-01-01-01: not a clip's name"),
        ("Actor_01/02-01-03-01-01-01", "not a clip's name"),
        ("Actor_01/02-01-03-01-01-01-01.mp4", "not a clip's name"),
        ("Actor_1/02-01-03-01-01-01-01", "Actor_1: not an actor's folder"),
        ("Actor_25/02-01-03-01-01-01-25", "Actor_25: not an actor's folder"),
        ("02-01-03-01-01-01-01", "02-01-03-01-01-01-01: not an actor's folder"),
        ("Actor_05/02-01-03-01-01-01-05", "no clip of actors 1, 2, 3, 4, the test part of fold 1"),
        ("Actor_01/02-01-02-01-01-01-01", "no clip of actors 1, 2, 3, 4, the test part of fold 1"),
    ],
)
def test_a_faulty_folder_is_refused_by_name(tmp_path: Path, clip: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_part(root_of(tmp_path, clip), MANIFEST, 1, "test")


def test_missing_training_actors_are_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no clip of actors other than 1, 2, 3, 4, the train part of fold 1"):
        read_part(root_of(tmp_path, "Actor_01/02-01-03-01-01-01-01"), MANIFEST, 1, "train")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"face_aligned: cannot be read .*; unpack the clips there"):
        read_part(tmp_path, MANIFEST, 1, "test")
