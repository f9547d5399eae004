"""The Aff-Wild2 reader, on videos written by hand and on every slip that they can have."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from harness.data.affwild2 import read_clips, read_part
from harness.errors import DataError
from harness.manifest import load_dataset

MANIFEST = load_dataset("affwild2")
FIRST = "Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other"
LABELS = "EXPR_Recognition_Challenge"


def annotate(root: Path, video: str, labels: Iterable[int], first: str = FIRST, part: str = "Train_Set") -> Path:
    path = root / LABELS / part / f"{video}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([first, *map(str, labels)]) + "\n", encoding="utf-8")
    return path


def picture(root: Path, video: str, numbers: Iterable[int]) -> None:
    (root / "cropped_aligned" / video).mkdir(parents=True)
    for number in numbers:
        (root / "cropped_aligned" / video / f"{number:05d}.jpg").touch()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A validation video; the training videos are each test's own."""
    annotate(tmp_path, "held", [4, 4], part="Validation_Set")
    picture(tmp_path, "held", [1, 2])
    return tmp_path


def test_stretches_of_one_class_are_clips(root: Path) -> None:
    annotate(root, "1-30", [0, 0, -1, 0, 1, 1, 1, 7, 7, 4])
    # Neutral is our 2, anger 3, happiness 0; -1 and Other (7) part stretches and are in none.
    assert list(read_part(root, MANIFEST, 1, "train").items()) == [
        ("1-30/00001-00002", 2),
        ("1-30/00004-00004", 2),
        ("1-30/00005-00007", 3),
        ("1-30/00010-00010", 0),
    ]
    assert read_part(root, MANIFEST, 1, "test") == {"held/00001-00002": 0}


def test_the_first_line_gives_the_order_of_the_classes(root: Path) -> None:
    annotate(root, "a", [0, 6], first="Surprise, Sadness,Happiness,Fear,Disgust,Anger,Neutral")
    rows = read_part(root, MANIFEST, 1, "train")
    assert [MANIFEST.classes[label] for label in rows.values()] == ["surprise", "neutral"]


def test_the_older_set_has_no_eighth_class(root: Path) -> None:
    path = annotate(root, "a", [0, 7], first=FIRST.removesuffix(",Other"))
    with pytest.raises(DataError, match=rf"{path.name}:3: '7' is no class of the first line \(0 to 6, or -1\)"):
        read_part(root, MANIFEST, 1, "train")


def test_left_and_right_are_videos_of_their_own(root: Path) -> None:
    for video, label in (("10_left", 0), ("10_right", 3), ("10", 1)):
        annotate(root, video, [label])
        picture(root, video, [1])
    clips = {clip.name: clip for clip in read_clips(root, MANIFEST, read_part(root, MANIFEST, 1, "train"))}
    assert {name: (clip.video, clip.label) for name, clip in clips.items()} == {
        "10/00001-00001": ("10", 3), "10_left/00001-00001": ("10_left", 2), "10_right/00001-00001": ("10_right", 6),
    }  # fmt: skip


def test_a_clip_has_the_pictures_that_there_are(root: Path) -> None:
    annotate(root, "a", [0] * 3 + [1] * 2 + [-1] + [2] * 6)
    # No face in frames 2, 4, 5 and 12; frames 6 is not annotated. Frame 10 comes after 9, not after 1.
    picture(root, "a", [1, 3, 6, 7, 8, 9, 10, 11])
    clips = list(read_clips(root, MANIFEST, read_part(root, MANIFEST, 1, "train")))
    assert [(clip.name, clip.numbers) for clip in clips] == [
        ("a/00001-00003", (1, 3)),
        ("a/00007-00012", (7, 8, 9, 10, 11)),
    ]
    assert [frame.name for frame in clips[0].frames] == ["00001.jpg", "00003.jpg"]
    assert clips[1].frames[-1] == root / "cropped_aligned/a/00011.jpg"


def test_a_byte_order_mark_crlf_and_blank_last_lines_change_nothing(root: Path) -> None:
    path = annotate(root, "a", [])
    path.write_bytes(b"\xef\xbb\xbf" + FIRST.encode() + b"\r\n0\r\n0 \r\n5\r\n\r\n\r\n")
    assert read_part(root, MANIFEST, 1, "train") == {"a/00001-00002": 2, "a/00003-00003": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0\n0\n1\n", r"a\.txt:1: '0' is a label where the classes' names belong .*no first line"),
        ("-1\n0\n", r"a\.txt:1: '-1' is a label where the classes' names belong"),
        ("Neutral,Joy\n0\n", r"a\.txt:1: .* names 'Joy', which is no class"),
        (FIRST.replace(",", ";") + "\n0\n", r"a\.txt:1: .* has semicolons in place of commas"),
        (FIRST.replace("Fear,", "") + "\n0\n", r"a\.txt:1: .* does not name Fear once"),
        (FIRST + ",Fear\n0\n", r"a\.txt:1: .* does not name Fear once"),
        (FIRST + ",Other\n0\n", r"a\.txt:1: .* does not name each class once"),
        (FIRST + "\n0\n8\n", r"a\.txt:3: '8' is no class of the first line \(0 to 7, or -1\)"),
        (FIRST + "\n0\n-5\n", r"a\.txt:3: '-5' is no class"),
        (FIRST + "\n0.0\n", r"a\.txt:2: '0.0' is no class"),
        (FIRST + "\n0\n1,2\n", r"a\.txt:3: '1,2' is no class"),
        (FIRST + "\n0\n\n1\n", r"a\.txt:4: '1' follows a blank line, so that frames and labels would part"),
        ("", r"a\.txt: the list is empty"),
        (FIRST + "\n-1\n7\n", "Train_Set: no annotated frame"),
    ],
)
def test_faulty_labels_are_refused_by_name(root: Path, text: str, message: str) -> None:
    annotate(root, "a", []).write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_part(root, MANIFEST, 1, "train")


def test_a_picture_beyond_the_labels_is_refused_with_both_numbers(root: Path) -> None:
    annotate(root, "a", [0, 0, 1])
    picture(root, "a", [1, 2, 3, 4])
    with pytest.raises(DataError, match="video a has a picture of frame 4, and labels of frames 1 to 3"):
        list(read_clips(root, MANIFEST, {"a/00001-00002": 2}))


def test_pictures_numbered_from_zero_are_refused(root: Path) -> None:
    annotate(root, "a", [0, 0, 1])
    picture(root, "a", [0, 1, 2])
    with pytest.raises(DataError, match="video a has a picture of frame 0, and labels of frames 1 to 3"):
        list(read_clips(root, MANIFEST, {"a/00001-00002": 2}))


def test_a_video_without_its_folder_is_named(root: Path) -> None:
    annotate(root, "a", [0])
    with pytest.raises(DataError, match="cropped_aligned/a: clip folder cannot be read"):
        list(read_clips(root, MANIFEST, {"a/00001-00001": 2}))


def test_a_video_that_is_not_annotated_needs_no_pictures(root: Path) -> None:
    annotate(root, "a", [0])
    annotate(root, "b", [-1, -1])
    picture(root, "a", [1])
    clips = read_clips(root, MANIFEST, read_part(root, MANIFEST, 1, "train"))
    assert [clip.video for clip in clips] == ["a"]


def test_a_video_in_both_sets_is_refused(root: Path) -> None:
    annotate(root, "held", [0])
    with pytest.raises(DataError, match="video held in Train_Set and Validation_Set"):
        read_part(root, MANIFEST, 1, "train")


def test_a_missing_or_empty_folder_of_labels_is_named(root: Path) -> None:
    with pytest.raises(DataError, match="Train_Set: cannot be read"):
        read_part(root, MANIFEST, 1, "train")
    (root / LABELS / "Train_Set").mkdir()
    (root / LABELS / "Train_Set/._a.txt").touch()
    with pytest.raises(DataError, match="Train_Set: no label file"):
        read_part(root, MANIFEST, 1, "train")
