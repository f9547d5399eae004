"""The FERV39k reader, on lists written by hand and on every slip that they can have."""

from pathlib import Path

import pytest

from harness.data.ferv39k import read_part
from harness.errors import DataError
from harness.manifest import load_dataset


def read(root: Path, data: bytes, name: str = "ferv39k") -> dict[str, int]:
    path = root / "4_setups/All_scenes/test_All.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    return dict(read_part(root, load_dataset(name), 1, "test"))


def test_the_first_line_is_a_clip(tmp_path: Path) -> None:
    rows = read(tmp_path, b"Action/Happy/0267 Happy\nCrime/Fear/0001 Fear\nAction/Neutral/0267 Neutral\n")
    assert list(rows.items()) == [("Action/Happy/0267", 0), ("Crime/Fear/0001", 6), ("Action/Neutral/0267", 2)]


def test_a_scene_is_read_alone(tmp_path: Path) -> None:
    rows = read(tmp_path, b"Action/Happy/0267 Happy\nCrime/Fear/0001 Fear\nAction/Sad/0003 Sad\n", "ferv39k:Action")
    assert rows == {"Action/Happy/0267": 0, "Action/Sad/0003": 1}


def test_a_scene_without_a_clip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"test_All\.csv: the list has no clip of Argue"):
        read(tmp_path, b"Action/Happy/0267 Happy\n", "ferv39k:Argue")


def test_a_byte_order_mark_crlf_and_blanks_change_nothing(tmp_path: Path) -> None:
    rows = read(tmp_path, b"\xef\xbb\xbfAction/Happy/0267 Happy\r\n\r\nCrime/Fear/0001  Fear \r\n")
    assert rows == {"Action/Happy/0267": 0, "Crime/Fear/0001": 6}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"video_name label\nAction/Happy/0267 Happy\n", ":1: 'video_name label' looks like a header"),
        (b"path,label\nAction/Happy/0267 Happy\n", ":1: 'path,label' looks like a header"),
        (
            b"Action/Happy/0267 0\n",
            ":1: .*a list of another repository, whose class order differs.*--lists former_dfer",
        ),
        (b"Action/Happy/0267 25 0\n", ":1: .*is not 'Scene/Emotion/clip Emotion'"),
        (b"Action/Happy/0267;Happy\n", ":1: .*has semicolons in place of blanks"),
        (b"Action/Happy/0267,Happy\n", ":1: .*is not 'Scene/Emotion/clip Emotion'"),
        (b"Happy/0267 Happy\n", ":1: .*is not 'Scene/Emotion/clip Emotion'"),
        (b"Action/Happy/ Happy\n", ":1: .*is not 'Scene/Emotion/clip Emotion'"),
        (b"Action/Happy/1 Happy\nAction/Sad/2 Happy\n", ":2: .*lies in folder Sad and is labelled Happy"),
        (b"Action/happy/0267 happy\n", ":1: .*it is written Happy"),
        (b"Action/Happy/1 Happy\nAction/Happy/1 Happy\n", ":2: .*lists clip Action/Happy/1 twice, first in line 1"),
        (b"\n", r"test_All\.csv: the list is empty"),
    ],
)
def test_a_faulty_list_is_refused_by_name(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, data)
