"""Slips of frames: the wrong folder, numbers off by one, lost pictures; each found by name."""

import shutil
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from PIL import Image

from harness.data.check.frames import frame_counts, frame_facts, frame_findings, other_folder, scan_folders
from harness.data.check.pictures import jpeg_size, look_at, png_size
from harness.data.check.places import unlisted
from harness.data.check.report import Facts, Finding
from harness.dataset_manifest import DatasetManifest, FramesPerClip, Picture
from harness.manifest import load_dataset

LENGTHS = {"00001": 2, "00002": 5, "00003": 3, "00004": 3}
DFEW = load_dataset("dfew").model_copy(
    update={
        "frames_per_clip": FramesPerClip(least=2, median=3, most=5, under_16=4),
        "picture": Picture(sides=(40,), suffixes=(".jpg",)),
    }
)
SIXTEEN = load_dataset("dfew_16f").model_copy(update={"picture": DFEW.picture})


def jpeg(width: int = 40, height: int = 40) -> bytes:
    noise = np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return simplejpeg.encode_jpeg(noise, quality=90)


def png(width: int = 40, height: int = 40) -> bytes:
    file = BytesIO()
    Image.new("RGB", (width, height)).save(file, "PNG")
    return file.getvalue()


def write(folder: Path, numbers: range, name: str = "{}.jpg", picture: bytes | None = None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        (folder / name.format(number)).write_bytes(picture or jpeg())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, frames in LENGTHS.items():
        write(tmp_path / DFEW.frames_dir / name, range(1, frames + 1))
    return tmp_path


def found(
    root: Path,
    manifest: DatasetManifest = DFEW,
    listed: dict[str, int] | None = None,
    published: bool = True,
    clips: int = 11697,
    decode: bool = False,
) -> list[Finding]:
    names = list(LENGTHS)
    scans = scan_folders(root / manifest.frames_dir, names, decode=decode, workers=2)
    counts = frame_counts(names, scans, manifest)
    facts = Facts("DFEW", "root", counts_as_published=published, clips=clips, **frame_facts(counts, scans))
    return list(frame_findings(root, manifest, counts, scans, {"former_dfer": listed} if listed else {}, facts))


def one(findings: list[Finding], kind: str) -> Finding:
    (finding,) = findings
    assert finding.kind == kind
    return finding


def test_the_published_frames_have_no_finding(root: Path) -> None:
    assert found(root, listed=LENGTHS) == []
    assert found(root, listed=LENGTHS, decode=True) == []


def sixteen_each(root: Path, where: str) -> None:
    for name in LENGTHS:
        shutil.rmtree(root / where / name, ignore_errors=True)
        write(root / where / name, range(1, 17))


def test_sixteen_frames_where_whole_clips_belong(root: Path) -> None:
    sixteen_each(root, DFEW.frames_dir)
    finding = one(found(root, listed=LENGTHS), "sixteen-frame-folder")
    assert finding.what == "4 of 4 clips have exactly 16 frames"
    assert "MAE-DFER" in finding.cause


def test_whole_clips_where_sixteen_frames_belong(root: Path) -> None:
    (root / DFEW.frames_dir).rename(root / SIXTEEN.frames_dir)
    assert one(found(root, SIXTEEN), "full-clip-folder").what == "0 of 4 clips have exactly 16 frames"


def test_the_sixteen_frame_folder_passes_as_such(root: Path) -> None:
    sixteen_each(root, SIXTEEN.frames_dir)
    assert found(root, SIXTEEN) == []


def test_the_other_folder_with_a_clip_less_and_a_clip_longer(root: Path) -> None:
    sixteen_each(root, SIXTEEN.frames_dir)
    shutil.rmtree(root / SIXTEEN.frames_dir / "00001")
    write(root / SIXTEEN.frames_dir / "00002", range(17, 18))
    less, longer = other_folder(root, DFEW, LENGTHS, 2)
    assert less.what == "1 clip in one of the two only: 00001"
    assert longer.what == "1 clip not of 16 frames in either: 00002"


def test_every_clip_one_frame_short_is_off_by_one(root: Path) -> None:
    finding = one(found(root, listed={name: frames + 1 for name, frames in LENGTHS.items()}), "off-by-one")
    assert finding.what == "one frame fewer in 4 of 4 clips than in former_dfer's lists"


def test_off_by_one_shows_without_any_list(root: Path) -> None:
    longer = DFEW.model_copy(update={"frames_per_clip": FramesPerClip(least=1, median=2, most=4, under_16=4)})
    assert "one frame more" in one(found(root, longer), "off-by-one").what


def test_fewer_frames_than_the_list_says(root: Path) -> None:
    finding = one(found(root, listed=LENGTHS | {"00004": 7}), "frames-fewer")
    assert finding.what == "1 clip with fewer frames than former_dfer's lists say: 00004 (3 for 7)"


def test_a_list_that_says_sixteen_for_short_clips_is_named_as_the_cause(root: Path) -> None:
    finding = one(found(root, listed=LENGTHS | {"00004": 16}), "frames-fewer")
    assert finding.cause == "the list says 16 for shorter clips"


def test_more_frames_than_the_list_says(root: Path) -> None:
    assert "00002 (5 for 4)" in one(found(root, listed=LENGTHS | {"00002": 4}), "frames-more").what


def test_another_distribution_of_lengths(root: Path) -> None:
    write(root / DFEW.frames_dir / "00002", range(6, 9))
    assert one(found(root), "frames-per-clip").what == "most 8 for 5"
    assert one(found(root, published=False), "frames-per-clip").severity == "note"
    assert found(root, published=False, clips=60) == []


def test_numbers_from_zero(root: Path) -> None:
    for name, frames in LENGTHS.items():
        for number in range(frames):
            (root / DFEW.frames_dir / name / f"{number + 1}.jpg").rename(
                root / DFEW.frames_dir / name / f"{number}.jpg"
            )
    what = one(found(root), "numbering-start").what
    assert what == "4 folders from number 0 on instead of 1: 00001, 00002, 00003 and 1 more"


def test_a_gap_in_the_numbers(root: Path) -> None:
    folder = root / DFEW.frames_dir / "00003"
    (folder / "3.jpg").rename(folder / "4.jpg")
    assert one(found(root), "numbering-gaps").what == "1 folder with numbers left out: 00003"


def test_a_number_twice(root: Path) -> None:
    folder = root / DFEW.frames_dir / "00003"
    (folder / "3.jpg").rename(folder / "02.jpg")
    assert [finding.kind for finding in found(root)] == ["numbering-twice", "padding-mixed"]


def test_a_picture_without_a_number(root: Path) -> None:
    folder = root / DFEW.frames_dir / "00003"
    (folder / "3.jpg").rename(folder / "cover.jpg")
    assert one(found(root), "numbering-none").what == "1 folder with a picture of no number: 00003"


@pytest.mark.parametrize(
    ("names", "mixed"), [(("1", "10"), False), (("01", "10"), False), (("01", "2"), True), (("001", "02"), True)]
)
def test_mixed_padding(tmp_path: Path, names: tuple[str, str], mixed: bool) -> None:
    for name in names:
        write(tmp_path / "clip", range(1), f"{name}.jpg")
    assert scan_folders(tmp_path, ["clip"])["clip"].mixed_padding is mixed


def test_pictures_of_another_size(root: Path) -> None:
    (root / DFEW.frames_dir / "00003" / "1.jpg").write_bytes(jpeg(48, 40))
    assert one(found(root), "picture-size").what == "48 x 40 (1 picture) for 40 x 40"


def test_several_sizes_where_none_is_published_are_a_note(root: Path) -> None:
    (root / DFEW.frames_dir / "00003" / "1.jpg").write_bytes(jpeg(48, 40))
    finding = one(found(root, DFEW.model_copy(update={"picture": None})), "picture-sizes")
    assert (finding.severity, finding.what) == ("note", "2 sizes: 40 x 40, 48 x 40")


def test_pictures_of_another_kind(root: Path) -> None:
    folder = root / DFEW.frames_dir / "00003"
    (folder / "3.jpg").unlink()
    (folder / "3.png").write_bytes(png())
    assert one(found(root), "picture-suffix").what == "1 .png for .jpg"


def test_a_png_named_as_jpeg_is_a_note(root: Path) -> None:
    (root / DFEW.frames_dir / "00003" / "3.jpg").write_bytes(png())
    assert one(found(root), "picture-misnamed").severity == "note"
    assert one(found(root, decode=True), "picture-misnamed").what == "1 picture: 00003/3.jpg"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty file"),
        (b"<html>not found</html>", "neither JPEG nor PNG"),
        (jpeg()[:-200], "cut off"),
        (jpeg()[:-200] + bytes(4096), "cut off"),  # a copy that stopped in a file of full length
        (jpeg()[:30], "no picture size in it"),
        (png()[:-12], "cut off"),
    ],
)
def test_an_unreadable_picture(root: Path, data: bytes, why: str) -> None:
    (root / DFEW.frames_dir / "00003" / "2.jpg").write_bytes(data)
    assert one(found(root), "picture-unreadable").what == f"1 picture: 00003/2.jpg ({why})"


def test_damage_in_the_middle_needs_decoding(root: Path) -> None:
    path = root / DFEW.frames_dir / "00003" / "2.jpg"
    data = bytearray(png(64, 64))
    data[45:60] = bytes(15)
    path.write_bytes(data)
    path.rename(path.with_suffix(".png"))
    manifest = DFEW.model_copy(update={"picture": None})
    assert found(root, manifest, decode=False)[0].kind != "picture-unreadable"
    assert "picture-unreadable" in [finding.kind for finding in found(root, manifest, decode=True)]


def test_sizes_agree_with_pillow() -> None:
    assert jpeg_size(jpeg(56, 40)) == Image.open(BytesIO(jpeg(56, 40))).size == (56, 40)
    assert png_size(png(56, 40)) == Image.open(BytesIO(png(56, 40))).size == (56, 40)


def test_a_frame_header_behind_a_long_comment_is_found(tmp_path: Path) -> None:
    data = jpeg(56, 40)
    comment = b"\xff\xfe" + (40002).to_bytes(2) + bytes(40000)
    (tmp_path / "1.jpg").write_bytes(data[:2] + comment + data[2:])
    assert look_at(str(tmp_path / "1.jpg")) == ((56, 40), "")


def test_a_missing_and_an_empty_clip(root: Path) -> None:
    shutil.rmtree(root / DFEW.frames_dir / "00001")
    for file in (root / DFEW.frames_dir / "00002").iterdir():
        file.unlink()
    missing, empty = found(root, published=False)[:2]
    assert (missing.kind, missing.what) == ("clip-missing", "1 of 4 folders missing: 00001")
    assert (empty.kind, empty.what) == ("clip-empty", "1 folder without a picture: 00002")


def test_pictures_one_level_deeper(root: Path) -> None:
    folder = root / DFEW.frames_dir / "00002"
    folder.rename(folder.with_name("face"))
    folder.mkdir()
    folder.with_name("face").rename(folder / "face")
    assert "one level deeper, in 00002/face" in found(root, published=False)[0].cause


def test_pictures_in_a_form_that_is_not_read(root: Path) -> None:
    for file in (root / DFEW.frames_dir / "00002").iterdir():
        file.rename(file.with_suffix(".bmp"))
    assert ".bmp" in found(root, published=False)[0].cause


@pytest.mark.parametrize("there", ["Clip/jpg_256", "Clip/clip_224x224/clip_224x224", "clip_224x224", "data/frames"])
def test_frames_in_another_folder_are_found(root: Path, there: str) -> None:
    moved = root / "moved"
    (root / DFEW.frames_dir).rename(moved)
    (root / there).parent.mkdir(parents=True, exist_ok=True)
    moved.rename(root / there)
    assert found(root)[0].cause == f"frames lie in {there}"


def test_frames_right_in_the_folder_above(root: Path) -> None:
    for name in LENGTHS:
        (root / DFEW.frames_dir / name).rename(root / "Clip" / name)
    assert found(root)[0].cause == "frames lie in Clip"


def test_the_other_folder_is_never_offered_as_the_missing_one(root: Path) -> None:
    (root / DFEW.frames_dir).rename(root / SIXTEEN.frames_dir)
    finding = found(root)[0]
    assert finding.kind == "frames-missing"
    assert finding.cause.startswith("only Clip/clip_224x224_16f is unpacked")
    assert "move" not in finding.remedy


def test_folders_named_otherwise(root: Path) -> None:
    for name in LENGTHS:
        (root / DFEW.frames_dir / name).rename(root / DFEW.frames_dir / name.lstrip("0"))
    assert found(root)[0].cause == "folders are named 1, not 00001"


def test_all_pictures_in_one_folder(root: Path) -> None:
    shutil.rmtree(root / DFEW.frames_dir)
    write(root / DFEW.frames_dir, range(1, 4), "00001_{:05d}.jpg")
    assert found(root)[0].cause == "pictures of all clips lie in one folder"


def test_unlisted_folders_are_a_note_with_the_data_sets_reason(root: Path) -> None:
    write(root / DFEW.frames_dir / "16000", range(1, 3))
    (finding,) = unlisted(root, DFEW, list(LENGTHS))
    assert (finding.severity, finding.what) == ("note", "1 folder in no list: 16000")
    assert "4,675" in finding.cause


def test_folders_of_other_scenes_are_not_unlisted(tmp_path: Path) -> None:
    manifest = load_dataset("ferv39k:Action")
    for name in ("Action/Happy/0001", "Action/Happy/0002", "War/Happy/0001"):
        write(tmp_path / manifest.frames_dir / name, range(1, 3))
    (finding,) = unlisted(tmp_path, manifest, ["Action/Happy/0001"])
    assert finding.what == "1 folder in no list: Action/Happy/0002"
