"""The MAFW reader, on lists written by hand and on every slip that they can have."""

from pathlib import Path

import pytest

from harness.data.mafw import read_part
from harness.errors import DataError
from harness.manifest import load_dataset

LIST = b"00025.mp4 anger\n00028.mp4 contempt\n00108.mp4 happiness\n00130.mp4 disappointment\n"


def read(root: Path, data: bytes, name: str = "mafw") -> dict[str, int]:
    path = root / "split/single/no_caption/set_2/train.txt"
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    return dict(read_part(root, load_dataset(name), 2, "train"))


def test_eleven_classes_by_name(tmp_path: Path) -> None:
    # Happy, sad, neutral, angry, surprise, disgust, fear, contempt, anxiety, helplessness, disappointment.
    assert read(tmp_path, LIST, "mafw_11") == {"00025": 3, "00028": 7, "00108": 0, "00130": 10}


def test_seven_classes_leave_the_other_four_out(tmp_path: Path) -> None:
    assert read(tmp_path, LIST) == {"00025": 3, "00108": 0}


def test_a_byte_order_mark_and_crlf_change_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbf" + LIST.replace(b"\n", b"\r\n")) == {"00025": 3, "00108": 0}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"00025.mp4 0\n", ":1: .*a list of another repository, whose class order differs.*or give --lists mae_dfer"),
        (b"00025 0\n", ":1: '00025 0' is not '<number>.mp4 <class>'"),
        (b"00025 anger\n", ":1: .*is not '<number>.mp4 <class>'"),
        (b"00025.mp4;anger\n", ":1: .*has semicolons in place of blanks"),
        (b"00025.mp4,anger\n", ":1: .*is not '<number>.mp4 <class>'"),
        (b"clip label\n00025.mp4 anger\n", ":1: 'clip label' is not"),
        (b"00025.mp4 anger 47\n", ":1: .*is not"),
        (
            b"00025.mp4 anger\n00028.mp4 angry\n",
            r":2: .*has no label of MAFW \(happiness happy.*no class is written so",
        ),
        (b"00025.mp4 anger\n00025.mp4 fear\n", ":2: .*lists clip 00025 twice, first in line 1"),
        (b"00025.mp4 contempt\n", r"train\.txt: the list has no clip of MAFW"),
        (b"", r"train\.txt: the list is empty"),
    ],
)
def test_a_faulty_list_is_refused_by_name(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, data)
