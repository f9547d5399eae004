"""The DFEW reader, on lists written by hand and on every slip that they can have."""

from pathlib import Path

import pytest

from harness.data.dfew import read_part
from harness.errors import DataError
from harness.manifest import load_dataset

MANIFEST = load_dataset("dfew")


def read(root: Path, data: bytes) -> dict[str, int]:
    path = root / "EmoLabel_DataSplit/train(single-labeled)/set_3.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    return dict(read_part(root, MANIFEST, 3, "train"))


def test_labels_are_those_of_the_published_list(tmp_path: Path) -> None:
    # 1-7: happy, sad, neutral, angry, surprise, disgust, fear, which is our order.
    rows = read(tmp_path, b"video_name,label\n00007,1\n00002,7\n00010,4\n")
    assert list(rows.items()) == [("00007", 0), ("00002", 6), ("00010", 3)]


def test_names_are_filled_up_to_five_digits(tmp_path: Path) -> None:
    assert list(read(tmp_path, b"video_name,label\n7,1\n16372,2\n0000012,2\n")) == ["00007", "16372", "00012"]


def test_a_byte_order_mark_crlf_blanks_and_quotes_change_nothing(tmp_path: Path) -> None:
    rows = read(tmp_path, b'\xef\xbb\xbfvideo_name, label\r\n\r\n"00001", 2 \r\n00002,"5"\r\n\r\n')
    assert rows == {"00001": 1, "00002": 4}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"00001,1\n00002,2\n", r":1: '00001,1' is not 'video_name,label': the header is missing"),
        (b"label,video_name\n1,00001\n", r":1: .*the header is missing"),
        (b"video_name;label\n00001;1\n", r":1: .* has semicolons in place of commas"),
        (b"video_name,label\n00001;1\n", r":2: '00001;1' has semicolons in place of commas"),
        (b"video_name,label\n", r"set_3\.csv: the list has no clip of DFEW"),
        (b"", r"set_3\.csv: the list is empty"),
        (b"video_name,label\n00001,1\n00002,0\n", r":3: .* from 0, the published lists from 1"),
        (b"video_name,label\n00001,8\n", r":2: '00001,8' has no label of DFEW \(1 happy"),
        (b"video_name,label\n00001,happy\n", r":2: .*a whole number there"),
        (b"video_name,label\n00001,1,16\n", r":2: '00001,1,16' is not a clip's number, a comma and a label"),
        (b"video_name,label\n00001\n", r":2: '00001' is not a clip's number"),
        (b"video_name,label\n00001.mp4,1\n", r":2: .*begins with '00001.mp4', where a clip's number"),
        (b"video_name,label\n,1\n", r":2: .*begins with ''"),
        (b"video_name,label\n1,1\n2,1\n00001,1\n", r":4: .* lists clip 00001 twice, first in line 2"),
    ],
)
def test_a_faulty_list_is_refused_by_name(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, data)


def test_a_missing_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"test\(single-labeled\)/set_2\.csv: split list cannot be read"):
        read_part(tmp_path, MANIFEST, 2, "test")
