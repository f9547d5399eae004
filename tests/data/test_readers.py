"""A listing of each layout, whole, from folders written by hand; and what holds between its lists."""

from pathlib import Path

import pytest

from harness.data.readers import READERS, read_listing, read_lists
from harness.errors import DataError
from harness.manifest import known, load_dataset

DFEW = load_dataset("dfew")
AFFWILD2 = "Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other\n"


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def dfew_list(part: str, fold: int) -> str:
    return f"EmoLabel_DataSplit/{part}(single-labeled)/set_{fold}.csv"


@pytest.fixture
def dfew(tmp_path: Path) -> Path:
    """Clips 1 to 5, labels 1 to 5; clip k is tested in fold k. Twelve frames a clip, and the first two of sixteen."""
    for fold in range(1, 6):
        rows = {k: f"{k},{k}\n" for k in range(1, 6)}
        write(tmp_path, {dfew_list("test", fold): "video_name,label\n" + rows.pop(fold)})
        write(tmp_path, {dfew_list("train", fold): "video_name,label\n" + "".join(rows.values())})
    for k in range(1, 6):
        write(tmp_path, {f"Clip/clip_224x224/{k:05d}/{n}.jpg": "" for n in range(1, 13)})
        write(tmp_path, {f"Clip/clip_224x224_16f/{k:05d}/{n}.jpg": "" for n in (1, 2)})
    return tmp_path


def test_every_layout_of_a_manifest_has_a_reader() -> None:
    layouts = {load_dataset(name).layout for name in known("datasets")}
    assert layouts == set(READERS)


def test_dfew(dfew: Path) -> None:
    listing = read_listing(DFEW, dfew)
    assert {name: clip.label for name, clip in listing.clips.items()} == {f"{k:05d}": k - 1 for k in range(1, 6)}
    assert [frame.name for frame in listing.clips["00002"].frames] == [f"{n}.jpg" for n in range(1, 13)]
    assert listing.folds[3].test == ("00003",)
    assert listing.folds[3].train == ("00001", "00002", "00004", "00005")
    assert (listing.clips["00002"].video, listing.clips["00002"].numbers) == ("", ())


def test_the_folder_of_sixteen_frames_is_another_data_set(dfew: Path) -> None:
    full, sixteen = read_listing(DFEW, dfew), read_listing(load_dataset("dfew_16f"), dfew)
    assert sixteen.clips["00002"].frames[0] == dfew / "Clip/clip_224x224_16f/00002/1.jpg"
    assert len(sixteen.clips["00002"].frames) == 2
    assert full.fingerprint() != sixteen.fingerprint()


def test_ferv39k(tmp_path: Path) -> None:
    lists = "4_setups/All_scenes"
    write(tmp_path, {f"{lists}/train_All.csv": "Action/Happy/0267 Happy\nCrime/Fear/0001 Fear\n"})
    write(tmp_path, {f"{lists}/test_All.csv": "Action/Sad/0002 Sad\n"})
    for clip in ("Action/Happy/0267", "Crime/Fear/0001", "Action/Sad/0002"):
        write(tmp_path, {f"2_ClipsforFaceCrop/{clip}/{n:02d}.jpg": "" for n in range(1, 12)})
    whole = read_listing(load_dataset("ferv39k"), tmp_path)
    assert whole.folds[1].train == ("Action/Happy/0267", "Crime/Fear/0001")
    assert whole.clips["Crime/Fear/0001"].frames[9] == tmp_path / "2_ClipsforFaceCrop/Crime/Fear/0001/10.jpg"
    scene = read_listing(load_dataset("ferv39k:Action"), tmp_path)
    assert {name: clip.label for name, clip in scene.clips.items()} == {"Action/Happy/0267": 0, "Action/Sad/0002": 1}


def test_mafw(tmp_path: Path) -> None:
    for fold in range(1, 6):
        folder = f"split/single/no_caption/set_{fold}"
        write(tmp_path, {f"{folder}/train.txt": "00025.mp4 anger\n00028.mp4 contempt\n"})
        write(tmp_path, {f"{folder}/test.txt": "00108.mp4 happiness\n"})
    for clip in ("00025", "00028", "00108"):
        write(tmp_path, {f"frames/{clip}/{n}.png": "" for n in (1, 2, 10)})
    seven, eleven = (read_listing(load_dataset(name), tmp_path) for name in ("mafw", "mafw_11"))
    assert {name: clip.label for name, clip in seven.clips.items()} == {"00025": 3, "00108": 0}
    assert {name: clip.label for name, clip in eleven.clips.items()} == {"00025": 3, "00028": 7, "00108": 0}
    assert [frame.name for frame in seven.clips["00025"].frames] == ["1.png", "2.png", "10.png"]


def test_affwild2(tmp_path: Path) -> None:
    labels = "EXPR_Recognition_Challenge"
    write(tmp_path, {f"{labels}/Train_Set/1_left.txt": AFFWILD2 + "1\n1\n-1\n4\n"})
    write(tmp_path, {f"{labels}/Validation_Set/2.txt": AFFWILD2 + "6\n"})
    write(tmp_path, {f"cropped_aligned/{frame}.jpg": "" for frame in ("1_left/00002", "1_left/00003", "2/00001")})
    listing = read_listing(load_dataset("affwild2"), tmp_path)
    # Frame 4 was annotated, and the face not found: its stretch is no clip and in no fold.
    assert listing.folds[1].train == ("1_left/00001-00002",)
    assert listing.folds[1].test == ("2/00001-00001",)
    clip = listing.clips["1_left/00001-00002"]
    assert (clip.label, clip.video, clip.numbers, len(clip.frames)) == (3, "1_left", (2,), 1)
    assert set(listing.clips) == {"1_left/00001-00002", "2/00001-00001"}


def test_ravdess(tmp_path: Path) -> None:
    for actor in range(1, 25, 4):
        for code in ("02", "05"):
            name = f"face_aligned/Actor_{actor:02d}/02-01-{code}-01-01-01-{actor:02d}"
            write(tmp_path, {f"{name}/{n}.jpg": "" for n in (1, 2, 10)})
    listing = read_listing(load_dataset("ravdess"), tmp_path)
    assert len(listing.clips) == 6
    assert listing.folds[6].test == ("Actor_21/02-01-05-01-01-01-21",)
    assert {clip.label for clip in listing.clips.values()} == {3}


def test_lists_of_an_upstream_stand_in_for_the_data_sets_own(dfew: Path) -> None:
    lists = {1: {"train": {"00001": 6}, "test": {"00004": 2}}}
    listing = read_listing(DFEW, dfew, lists)
    assert {name: clip.label for name, clip in listing.clips.items()} == {"00001": 6, "00004": 2}
    assert listing.folds.keys() == {1}
    for fold in range(1, 6):
        (dfew / dfew_list("train", fold)).unlink()
    assert read_listing(DFEW, dfew, lists).folds[1].test == ("00004",)


def test_upstream_lists_are_held_to_the_same_rules(dfew: Path) -> None:
    with pytest.raises(DataError, match="fold 1: clip 00001 in train and test"):
        read_listing(DFEW, dfew, {1: {"train": {"00001": 6}, "test": {"00001": 6}}})


def test_a_clip_in_train_and_test_is_refused(dfew: Path) -> None:
    path = dfew / dfew_list("train", 4)
    path.write_text(path.read_text() + "00004,4\n")
    with pytest.raises(DataError, match="EmoLabel_DataSplit: fold 4: clip 00004 in train and test"):
        read_lists(DFEW, dfew)


def test_two_classes_for_one_clip_are_refused(dfew: Path) -> None:
    path = dfew / dfew_list("train", 4)
    path.write_text(path.read_text().replace("2,2", "2,3"))
    with pytest.raises(DataError, match="clip 00002 is sad in train of fold 1 and neutral in train of fold 4"):
        read_lists(DFEW, dfew)


def test_the_lists_of_another_repository_are_refused_before_a_number_changes(dfew: Path) -> None:
    """Labels from 0: every label would mean the class after its own."""
    for fold in range(1, 6):
        write(dfew, {dfew_list("train", fold): "video_name,label\n9,3\n1,0\n2,1\n"})
    with pytest.raises(DataError, match=r"set_1\.csv:3: '1,0' .*from 0, the published lists from 1"):
        read_listing(DFEW, dfew)


def test_a_listed_clip_without_a_folder_is_named(dfew: Path) -> None:
    path = dfew / dfew_list("train", 1)
    path.write_text(path.read_text() + "77,4\n")
    with pytest.raises(DataError, match="clip_224x224/00077: clip folder cannot be read"):
        read_listing(DFEW, dfew)


def test_a_listed_clip_without_a_frame_is_named(dfew: Path) -> None:
    for frame in (dfew / "Clip/clip_224x224/00003").iterdir():
        frame.unlink()
    with pytest.raises(DataError, match="clip_224x224/00003: no frame in the clip folder"):
        read_listing(DFEW, dfew)


def test_a_video_data_set_without_any_picture_of_a_clip_is_refused(tmp_path: Path) -> None:
    labels = "EXPR_Recognition_Challenge"
    write(tmp_path, {f"{labels}/Train_Set/1.txt": AFFWILD2 + "-1\n4\n"})
    write(tmp_path, {f"{labels}/Validation_Set/2.txt": AFFWILD2 + "-1\n4\n"})
    write(tmp_path, {"cropped_aligned/1/00001.jpg": "", "cropped_aligned/2/00001.jpg": ""})
    with pytest.raises(DataError, match="no listed clip has a picture"):
        read_listing(load_dataset("affwild2"), tmp_path)


@pytest.mark.parametrize("lists", [None, {1: {"train": {"00001": 6}, "test": {"00004": 2}}}])
def test_a_missing_root_names_the_option(lists: object) -> None:
    with pytest.raises(DataError, match="nowhere: no such data root; name the folder of DFEW by --data-root"):
        read_listing(DFEW, Path("nowhere"), lists)  # type: ignore[arg-type]


def test_rendered_faces_are_read_whole(rendered_root: Path) -> None:
    listing = read_listing(load_dataset("rendered"), rendered_root)
    tested = [name for fold in listing.folds.values() for name in fold.test]
    assert len(listing.clips) == 80
    assert sorted(tested) == sorted(listing.clips)
    assert [frame.name for frame in listing.clips["00001"].frames] == [f"{n}.jpg" for n in range(1, 17)]
