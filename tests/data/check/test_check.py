"""`data check` as a user meets it: a right data set passes, and each slip is found by name, with its cause."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
import simplejpeg
from numpy import full, uint8

from harness.data.check import check
from harness.data.check.kinds import KINDS
from harness.data.check.report import CheckReport, Finding
from harness.dataset_manifest import DatasetManifest, FoldCounts, FramesPerClip, Picture
from harness.manifest import load_dataset

PICTURE = simplejpeg.encode_jpeg(full((32, 32, 3), 128, dtype=uint8))
HEADER = "frame, face_id, timestamp, confidence, success, AU01_r\n"
TRAIN, TEST = (2, 3, 4, 5, 6, 1, 7), (1, 2, 3, 4, 5, 1, 6)  # 28 and 22 clips
FRAMES = 3

# Two clips shorter and longer than the others, so that least, median and most differ.
LENGTHS = {"00001": 2, "00002": 5}
MANIFEST = load_dataset("dfew").model_copy(
    update={
        "folds": 1,
        "counts": {"1": FoldCounts(train=TRAIN, test=TEST)},
        "frames_per_clip": FramesPerClip(least=2, median=3, most=5, under_16=50),
        "picture": Picture(sides=(32,), suffixes=(".jpg",)),
    }
)


def label_numbers(counts: tuple[int, ...]) -> list[int]:
    return [label for label, count in enumerate(counts, start=1) for _ in range(count)]


def write_list(root: Path, part: str, rows: Mapping[str, int], fold: int = 1) -> None:
    path = root / MANIFEST.split_dir / f"{part}(single-labeled)" / f"set_{fold}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "video_name,label\n" + "".join(f"{name},{label}\n" for name, label in rows.items()), encoding="utf-8"
    )


def write_clip(folder: Path, frames: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, frames + 1):
        (folder / f"{number}.jpg").write_bytes(PICTURE)


def write_au(root: Path, name: str, frames: int) -> None:
    path = root / MANIFEST.openface_dir / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEADER + "".join(f"{n}, 0, 0.0, 0.9, 1, 0.5\n" for n in range(1, frames + 1)), encoding="ascii")


def rows_of(part: str) -> dict[str, int]:
    labels, first = (label_numbers(TRAIN), 1) if part == "train" else (label_numbers(TEST), 29)
    return {f"{number:05d}": label for number, label in enumerate(labels, start=first)}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Fifty clips that are exactly what MANIFEST says."""
    root = tmp_path / "DFEW"
    for part in ("train", "test"):
        write_list(root, part, rows_of(part))
        for name in rows_of(part):
            write_clip(root / MANIFEST.frames_dir / name, LENGTHS.get(name, FRAMES))
            write_au(root, name, LENGTHS.get(name, FRAMES))
    return root


def of_kind(report: CheckReport, kind: str) -> Finding:
    found = [finding for finding in report.findings if finding.kind == kind]
    assert len(found) == 1, report.lines()
    return found[0]


def kinds(report: CheckReport) -> list[str]:
    return [finding.kind for finding in report.findings]


def upstream(rows: dict[str, int] | None = None, frames: dict[str, int] | None = None) -> dict:
    """Lists of an upstream that agree with the fixture, or are changed; labels count from 0 here."""
    train = {name: label - 1 for name, label in rows_of("train").items()} | (rows or {})
    test = {name: label - 1 for name, label in rows_of("test").items()}
    lengths = {name: LENGTHS.get(name, FRAMES) for name in (*train, *test)} | (frames or {})
    return {"former_dfer": ({1: {"train": train, "test": test}}, lengths)}


def test_the_published_data_set_passes(root: Path) -> None:
    report = check(MANIFEST, root, upstream_lists=upstream())
    assert report.findings == ()
    assert report.passed
    assert report.lines()[-1] == "DFEW: matches what is published"


def test_facts_say_what_is_there(root: Path) -> None:
    facts = check(MANIFEST, root, decode=True).facts
    assert facts.counts == {1: {"train": TRAIN, "test": TEST}}
    assert (facts.clips, facts.frames, facts.least, facts.median, facts.most) == (50, 151, 2, 3, 5)
    assert facts.sizes == {"32 x 32": 151}
    assert facts.suffixes == {".jpg": 151}
    assert (facts.au_found, facts.au_missing) == (50, 0)
    assert facts.counts_as_published is True


def test_the_report_goes_through_json(root: Path) -> None:
    (root / MANIFEST.openface_dir / "00003.csv").unlink()
    report = json.loads(json.dumps(check(MANIFEST, root).as_json()))
    assert report["passed"] is False
    assert report["facts"]["counts"]["1"]["train"] == list(TRAIN)
    assert [finding["kind"] for finding in report["findings"]] == ["au-missing"]


def test_a_finding_is_one_line_with_cause_and_remedy(root: Path) -> None:
    shutil.rmtree(root / MANIFEST.frames_dir / "00007")
    line = of_kind(check(MANIFEST, root), "clip-missing").line()
    assert "\n" not in line
    assert "1 of 50 folders missing: 00007. Cause: " in line
    assert " Remedy: " in line


def test_many_of_a_kind_are_one_finding_with_three_names(root: Path) -> None:
    for number in range(1, 21):
        shutil.rmtree(root / MANIFEST.frames_dir / f"{number:05d}")
    what = of_kind(check(MANIFEST, root), "clip-missing").what
    assert what == "20 of 50 folders missing: 00001, 00002, 00003 and 17 more"


def test_every_kind_has_a_meaning_a_cause_and_a_remedy() -> None:
    assert all(kind.meaning and kind.cause and kind.remedy for kind in KINDS.values())


@pytest.mark.parametrize("level", ["Clip", "Clip/clip_224x224", ".."])
def test_a_root_a_level_off_is_found(root: Path, level: str) -> None:
    finding = of_kind(check(MANIFEST, root / level), "root-misplaced")
    assert finding.remedy == f"give --root {root}"


def test_no_folder_at_all(tmp_path: Path) -> None:
    assert kinds(check(MANIFEST, tmp_path / "a" / "b" / "c" / "d" / "e")) == ["root-missing"]


def test_a_folder_of_something_else(tmp_path: Path) -> None:
    inner = tmp_path / "1" / "2" / "3" / "4"
    inner.mkdir(parents=True)
    assert kinds(check(MANIFEST, inner)) == ["root-missing"]


def test_no_au_files_is_only_a_note(root: Path) -> None:
    shutil.rmtree(root / MANIFEST.openface_dir)
    report = check(MANIFEST, root)
    assert kinds(report) == ["au-none"]
    assert report.passed


def test_a_broken_list_does_not_hide_the_rest(root: Path) -> None:
    (root / MANIFEST.split_dir / "test(single-labeled)" / "set_1.csv").unlink()
    (root / MANIFEST.frames_dir / "00001" / "1.jpg").write_bytes(b"")
    assert {"list-missing", "picture-unreadable"} <= set(kinds(check(MANIFEST, root)))


def test_lists_in_another_folder_are_found(root: Path) -> None:
    (root / MANIFEST.split_dir).rename(root / "unpacked")
    (root / MANIFEST.split_dir).mkdir()
    (root / "unpacked").rename(root / MANIFEST.split_dir / "EmoLabel_DataSplit")
    finding = of_kind(check(MANIFEST, root), "list-missing")
    assert finding.cause == "the lists lie in EmoLabel_DataSplit/EmoLabel_DataSplit"


def test_lists_of_an_upstream_stand_in_for_the_data_sets_own(root: Path) -> None:
    shutil.rmtree(root / MANIFEST.split_dir)
    assert check(MANIFEST, root, lists=upstream()["former_dfer"][0]).findings == ()


def au_file(root: Path, name: str) -> Path:
    return root / MANIFEST.openface_dir / f"{name}.csv"


def test_a_short_au_file(root: Path) -> None:
    write_au(root, "00009", FRAMES - 1)
    assert "00009 (2 for 3)" in of_kind(check(MANIFEST, root), "au-short").what


def test_a_long_au_file_of_a_whole_clip(root: Path) -> None:
    write_au(root, "00009", FRAMES + 1)
    assert "00009 (4 for 3)" in of_kind(check(MANIFEST, root), "au-long").what


def test_an_au_file_that_starts_later(root: Path) -> None:
    path = au_file(root, "00009")
    path.write_text(HEADER + "2, 0, 0.0, 0.9, 1, 0.5\n3, 0, 0.0, 0.9, 1, 0.5\n", encoding="ascii")
    assert "00009 (2)" in of_kind(check(MANIFEST, root), "au-start").what


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "empty file"),
        (HEADER, "no line after the first"),
        ((HEADER + "1, 0, 0.0, 0.9, 1, 0.5\n").replace(",", ";"), "parted by semicolons"),
        ("time, AU01_r\n0.0, 0.5\n", "no column 'frame'"),
        (HEADER + "1, 0, 0.0, 0.9, 1, 0.5\n2, 0, 0.0", "last line cut off"),
        (HEADER + "x, 0, 0.0, 0.9, 1, 0.5\n", "a frame number that is none"),
    ],
)
def test_an_au_file_that_cannot_be_read(root: Path, text: str, fault: str) -> None:
    au_file(root, "00009").write_text(text, encoding="ascii")
    assert f"00009 ({fault})" in of_kind(check(MANIFEST, root), "au-unreadable").what


def test_an_au_file_of_no_clip_is_a_note(root: Path) -> None:
    write_au(root, "16000", FRAMES)
    assert of_kind(check(MANIFEST, root), "au-extra").severity == "note"


def test_an_au_file_with_crlf_and_a_byte_order_mark_is_right(root: Path) -> None:
    path = au_file(root, "00009")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert check(MANIFEST, root).findings == ()


def video_manifest(start: int, root: Path) -> DatasetManifest:
    """Two Aff-Wild2 videos of six frames, one with five pictures: annotated 1-2 happy, 3 skipped, 4-6 sad."""
    manifest = load_dataset("affwild2")
    for part, video in (("Train_Set", "one"), ("Validation_Set", "two_left")):
        path = root / manifest.split_dir / part / f"{video}.txt"
        path.parent.mkdir(parents=True)
        path.write_text(
            "Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other\n4\n4\n-1\n5\n5\n5\n", encoding="ascii"
        )
        folder = root / manifest.frames_dir / video
        folder.mkdir(parents=True)
        for number in (1, 2, 3, 4, 6):
            (folder / f"{number - 1 + start:05d}.jpg").write_bytes(PICTURE)
        write_au(root, video, 6)
    return manifest


def test_affwild2_counts_the_pictures_of_each_stretch(tmp_path: Path) -> None:
    report = check(video_manifest(1, tmp_path), tmp_path)
    assert kinds(report) == ["counts-unpublished"]
    assert (report.facts.clips, report.facts.least, report.facts.most) == (4, 2, 2)
    assert report.facts.au_found == 2


def test_affwild2_numbered_from_zero_is_an_error(tmp_path: Path) -> None:
    report = check(video_manifest(0, tmp_path), tmp_path)
    assert of_kind(report, "numbering-start").severity == "error"


def test_affwild2_au_file_shorter_than_the_video(tmp_path: Path) -> None:
    manifest = video_manifest(1, tmp_path)
    write_au(tmp_path, "one", 5)
    assert "one (5 for 6)" in of_kind(check(manifest, tmp_path), "au-short").what
