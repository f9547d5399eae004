"""The folder a script runs in, and its lists; rows worked out by hand."""

import pytest

from harness.data.clips import Clip
from harness.upstream.layout import CLIPS, Parts, lay_out


def clip(root, name, label, frames):
    folder = root / name
    folder.mkdir(parents=True)
    for frame in frames:
        (folder / frame).write_bytes(frame.encode())
    return Clip(name, label, tuple(folder / frame for frame in frames))


@pytest.fixture
def parts(tmp_path):
    unpadded = [f"{number}.jpg" for number in range(1, 12)]
    train = (clip(tmp_path, "00001", 0, ["0001.jpg", "0002.jpg"]), clip(tmp_path, "00002", 6, unpadded))
    return Parts(2, train, (clip(tmp_path, "00003", 3, ["b.png"]),))


def frames_in_order(folder):
    """What a script sees: the names that end with .jpg, as text."""
    return [path.read_bytes().decode() for path in sorted(folder.glob("*.jpg"))]


@pytest.mark.parametrize("name", ["former_dfer", "m3dfel", "mae_dfer"])
def test_scripts_find_frames_in_the_order_of_time(tmp_path, parts, name):
    work = tmp_path / "work X"
    work.mkdir()
    lay_out(name, work, parts)
    assert frames_in_order(work / CLIPS / "00001") == ["0001.jpg", "0002.jpg"]
    assert frames_in_order(work / CLIPS / "00002") == [f"{number}.jpg" for number in range(1, 12)]
    assert frames_in_order(work / CLIPS / "00003") == ["b.png"]
    assert (work / CLIPS / "00001").is_symlink()


@pytest.mark.parametrize(
    ("name", "path", "text"),
    [
        ("former_dfer", "annotation/DFEW_set_2_train.txt", f"{CLIPS}/00001 2 0\n{CLIPS}/00002 11 6\n"),
        ("former_dfer", "annotation/DFEW_set_2_test.txt", f"{CLIPS}/00003 1 3\n"),
        (
            "m3dfel",
            "data/EmoLabel_DataSplit/train(single-labeled)/set_2.csv",
            "video_name,label\n00001,1\n00002,7\n",
        ),
        ("m3dfel", "data/EmoLabel_DataSplit/test(single-labeled)/set_2.csv", "video_name,label\n00003,4\n"),
        ("mae_dfer", "lists/train.csv", f"{CLIPS}/00001 0\n{CLIPS}/00002 6\n"),
        ("mae_dfer", "lists/val.csv", f"{CLIPS}/00003 3\n"),
        ("mae_dfer", "lists/test.csv", f"{CLIPS}/00003 3\n"),
    ],
)
def test_lists_are_the_upstreams(tmp_path, parts, name, path, text):
    work = tmp_path / "work"
    work.mkdir()
    lay_out(name, work, parts)
    assert (work / path).read_text() == text
    assert all((work / folder).is_dir() for folder in ("log", "checkpoint", "outputs", "output"))
