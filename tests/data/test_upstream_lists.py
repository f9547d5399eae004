"""Split lists of the upstreams' repositories: by hand, and the real ones against the manifests' counts."""

import os
import subprocess
from pathlib import Path

import pytest

from harness.data.upstream_lists import read_upstream_lists
from harness.dataset_manifest import DatasetManifest
from harness.errors import DataError
from harness.manifest import load_dataset
from harness.upstream.manifest import load_upstream

FERV39K = load_dataset("ferv39k")
TRAIN = "/data/2_ClipsforFaceCrop/Action/Happy/0015 25 0\n/data/2_ClipsforFaceCrop/Crime/Fear/0003 8 6\n"
TEST = "/data/2_ClipsforFaceCrop/Action/Sad/0001 47 1\n"


def write(clone: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_text(text, encoding="utf-8")
    return clone


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return write(tmp_path, {"annotation/FERV39K_train.txt": TRAIN, "annotation/FERV39K_test.txt": TEST})


def test_the_end_of_the_path_is_the_clip_and_the_number_a_class_by_name(clone: Path) -> None:
    lists, frames = read_upstream_lists(FERV39K, "former_dfer", clone)
    assert lists == {1: {"train": {"Action/Happy/0015": 0, "Crime/Fear/0003": 6}, "test": {"Action/Sad/0001": 1}}}
    assert frames == {"Action/Happy/0015": 25, "Crime/Fear/0003": 8, "Action/Sad/0001": 47}


def test_a_scene_is_read_alone(clone: Path) -> None:
    lists, frames = read_upstream_lists(load_dataset("ferv39k:Action"), "former_dfer", clone)
    assert lists == {1: {"train": {"Action/Happy/0015": 0}, "test": {"Action/Sad/0001": 1}}}
    assert frames == {"Action/Happy/0015": 25, "Action/Sad/0001": 47}


@pytest.mark.parametrize(
    ("name", "expected"), [("mafw", {"00025": 3, "00108": 0}), ("mafw_11", {"00025": 3, "00031": 7, "00108": 0})]
)
def test_numbers_are_read_in_the_repositorys_own_order(tmp_path: Path, name: str, expected: dict[str, int]) -> None:
    # MAE-DFER's order of MAFW: 0 anger, 3 happiness, 7 contempt. Paths only, and no number of frames.
    rows = "/x/frames/00025 0\n/x/frames/00031 7\n/x/frames/00108 3\n"
    for fold in range(1, 6):
        folder = f"saved/data/mafw/single/split{fold:02d}"
        write(tmp_path, {f"{folder}/train.csv": rows, f"{folder}/test.csv": "/x/frames/00111 1\n"})
    lists, frames = read_upstream_lists(load_dataset(name), "mae_dfer", tmp_path)
    assert lists[5] == {"train": expected, "test": {"00111": 5}}
    assert frames == {}


def test_calm_is_left_out(tmp_path: Path) -> None:
    for fold in range(1, 7):
        folder = f"saved/data/ravdess/split{fold:02d}"
        clip = "/x/Actor_01/02-01-0{}-01-01-01-01 {}\n"
        rows = "".join(clip.format(code, code - 1) for code in range(1, 9))
        write(tmp_path, {f"{folder}/train.csv": rows, f"{folder}/test.csv": "/x/Actor_02/02-01-05-01-01-01-02 4\n"})
    lists, _ = read_upstream_lists(load_dataset("ravdess"), "mae_dfer", tmp_path)
    # 01 neutral, 03 happy, 04 sad, 05 angry, 06 fear, 07 disgust, 08 surprise, as in the clips' names.
    assert {name.split("-")[2]: label for name, label in lists[1]["train"].items()} == {
        "01": 2, "03": 0, "04": 1, "05": 3, "06": 6, "07": 5, "08": 4,
    }  # fmt: skip


def dfew_clone(clone: Path, frames: tuple[int, ...]) -> Path:
    for fold, number in enumerate(frames, start=1):
        lines = {"train": f"/x/00001 {number} 0\n", "test": "/x/00002 70 1\n"}
        write(clone, {f"annotation/DFEW_set_{fold}_{part}.txt": text for part, text in lines.items()})
    return clone


@pytest.mark.parametrize("frames", [(12, 16, 16, 16, 16), (16, 16, 12, 16, 16)])
def test_sixteen_for_a_shorter_clip_gives_way_to_its_true_number(tmp_path: Path, frames: tuple[int, ...]) -> None:
    _, found = read_upstream_lists(load_dataset("dfew"), "former_dfer", dfew_clone(tmp_path, frames))
    assert found == {"00001": 12, "00002": 70}


def test_other_disagreements_about_frames_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"DFEW_set_2_train\.txt:1: .*has 71 frames, 70 in another list"):
        read_upstream_lists(load_dataset("dfew"), "former_dfer", dfew_clone(tmp_path, (70, 71, 70, 70, 70)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("/x/Action/Happy/0015 0\n", "_train.txt:1: .*is not path, frames and class number, parted by blanks"),
        ("/x/Action/Happy/0015 25 Happy\n", "_train.txt:1: .*is not path, frames and class number"),
        ("/x/Action/Happy/0015,25,0\n", "_train.txt:1: .*is not path, frames and class number"),
        ("/x/Action/Happy/0015 25 0 0\n", "_train.txt:1: .*is not path, frames and class number"),
        ("0015 25 0\n", "_train.txt:1: .*is not path, frames and class number"),
        ("/x/Action/Happy/0015 25 7\n", r"_train.txt:1: .*has no class of former_dfer \(0 to 6\)"),
        (f"/x/Action/Happy/0015 25 {'9' * 5000}\n", "_train.txt:1: .*is not path, frames and class number"),
        (TRAIN + "/y/Action/Happy/0015 25 0\n", "_train.txt:3: .*lists clip Action/Happy/0015 twice"),
        ("/x/Action/Sad/0001 47 1\n", "fold 1: clip Action/Sad/0001 in train and test"),
        ("\n", "_train.txt: the list is empty"),
    ],
)
def test_a_faulty_list_is_refused_by_name(clone: Path, text: str, message: str) -> None:
    write(clone, {"annotation/FERV39K_train.txt": text})
    with pytest.raises(DataError, match=message):
        read_upstream_lists(FERV39K, "former_dfer", clone)


def test_a_list_that_is_not_there_says_how_to_get_it(clone: Path) -> None:
    (clone / "annotation/FERV39K_test.txt").unlink()
    with pytest.raises(DataError, match=r"FERV39K_test\.txt: no such list; run audfer upstream fetch former_dfer"):
        read_upstream_lists(FERV39K, "former_dfer", clone)


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("ferv39k", r"give --lists former_dfer\|mae_dfer"), ("affwild2", "no upstream has any, put the published lists")],
)
def test_an_upstream_without_lists_names_those_with(tmp_path: Path, name: str, remedy: str) -> None:
    with pytest.raises(DataError, match=f"m3dfel: holds no split lists of .*; {remedy}"):
        read_upstream_lists(load_dataset(name), "m3dfel", tmp_path)


@pytest.fixture(scope="session")
def mirror() -> Path:
    """Bare copies of the real repositories, as `<owner>/<name>`."""
    folder = os.environ.get("AUDFER_MIRROR")
    if not folder:
        pytest.skip("AUDFER_MIRROR is not set")
    return Path(folder)


def checked_out(manifest: DatasetManifest, upstream: str, mirror: Path, clone: Path) -> Path:
    """The lists of this data set at the upstream's pin, by git itself."""
    pinned = load_upstream(upstream)
    (source,) = (one for one in manifest.upstream_lists if one.upstream == upstream)
    for fold in range(1, manifest.folds + 1):
        for part in ("train", "test"):
            path = source.path.format(fold=fold, part=part)
            command = ["git", "-C", str(mirror / pinned.repository), "show", f"{pinned.commit}:{path}"]
            write(clone, {path: subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout})
    return clone


@pytest.mark.upstream
@pytest.mark.parametrize(
    ("name", "upstream"),
    [
        (name, one.upstream)
        for name in ("dfew", "dfew_16f", "ferv39k", "ferv39k:Action", "mafw", "mafw_11", "ravdess")
        for one in load_dataset(name).upstream_lists
    ],
)
def test_the_real_lists_have_the_published_counts(name: str, upstream: str, mirror: Path, tmp_path: Path) -> None:
    manifest = load_dataset(name)
    lists, frames = read_upstream_lists(manifest, upstream, checked_out(manifest, upstream, mirror, tmp_path))
    assert len(lists) == len(manifest.counts) == manifest.folds
    for fold, counts in manifest.counts.items():
        for part, expected in (("train", counts.train), ("test", counts.test)):
            labels = list(lists[int(fold)][part].values())
            assert tuple(labels.count(label) for label in range(len(manifest.classes))) == expected, (fold, part)
    if frames and manifest.frames_per_clip:
        assert (min(frames.values()), max(frames.values())) == (
            manifest.frames_per_clip.least,
            manifest.frames_per_clip.most,
        )
        assert sum(number < 16 for number in frames.values()) == manifest.frames_per_clip.under_16


@pytest.mark.upstream
@pytest.mark.parametrize("name", ["dfew", "ferv39k"])
def test_the_upstreams_agree_on_every_clip(name: str, mirror: Path, tmp_path: Path) -> None:
    manifest = load_dataset(name)
    lists = [
        read_upstream_lists(manifest, one, checked_out(manifest, one, mirror, tmp_path / one))[0]
        for one in ("former_dfer", "mae_dfer")
    ]
    assert lists[0] == lists[1]
