"""The slips that made reproductions fail, each provoked once on rendered data: right, or refused by name.

`audfer data check` finds more of them and says more (tests/data/check); here it is what a run does that counts.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.data.prepare import Prepared, prepare
from harness.data.rendered import render
from harness.dataset_manifest import DatasetManifest
from harness.errors import DataError
from harness.manifest import load_dataset
from harness.runs.experiment import dfew_shares
from harness.runs.published import differs_from_published

SIZE = 32
TRAIN = "EmoLabel_DataSplit/train(single-labeled)/set_1.csv"
TEST = "EmoLabel_DataSplit/test(single-labeled)/set_1.csv"
FERV39K_TEST = "4_setups/All_scenes/test_All.csv"
Change = Callable[[Path], None]


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A small set of whole clips in each training layout; tests change copies."""
    folder = tmp_path_factory.mktemp("layouts")
    roots = {name: folder / name for name in ("dfew", "ferv39k", "mafw")}
    for name, root in roots.items():
        render(name, root, dfew_shares(), clips=24, size=SIZE, full_clips=name == "dfew")
    return roots


@pytest.fixture
def copy(originals: dict[str, Path], tmp_path: Path) -> Callable[[str], Path]:
    return lambda name: Path(shutil.copytree(originals[name], tmp_path / name))


def made_ready(root: Path, name: str) -> Prepared:
    return prepare(load_dataset(name), root, SIZE, root.parent / "packs")


def write(path: Path, change: Callable[[str], str]) -> None:
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8", newline="")


def test_the_sets_as_rendered_are_right(originals: dict[str, Path], tmp_path: Path) -> None:
    for name, root in originals.items():
        prepared = prepare(load_dataset(name), root, SIZE, tmp_path)
        assert prepared.pack.quarantined == 0
        assert prepared.au_labels("all").mask_N.any()


def test_a_list_without_its_header_is_refused(copy: Callable[[str], Path]) -> None:
    root = copy("dfew")
    write(root / TEST, lambda text: text.partition("\n")[2])
    with pytest.raises(DataError, match=r"set_1\.csv.*video_name,label"):
        made_ready(root, "dfew")


def test_the_first_line_of_a_list_without_a_header_is_a_clip(copy: Callable[[str], Path]) -> None:
    root = copy("ferv39k")
    lines = (root / FERV39K_TEST).read_text(encoding="utf-8").splitlines()
    test = made_ready(root, "ferv39k").folds[1].test
    assert len(test) == len(lines)
    assert test[0] == lines[0].split()[0]


def test_a_dropped_first_line_makes_other_data_of_it(copy: Callable[[str], Path]) -> None:
    root = copy("ferv39k")
    whole = made_ready(root, "ferv39k")
    published = _published_as(whole, load_dataset("ferv39k"))
    write(root / FERV39K_TEST, lambda text: text.partition("\n")[2])
    said = differs_from_published(published, made_ready(root, "ferv39k"))
    assert said.startswith("fold 1 has ")
    assert " test clips of " in said


@pytest.mark.parametrize(
    ("name", "path", "slip", "said"),
    [
        ("dfew", TEST, lambda line: f"{line[:-1]}{int(line[-1]) - 1}" if line[-1].isdigit() else line, "from 0"),
        ("ferv39k", FERV39K_TEST, lambda line: f"{line.split()[0]} 3", "another repository"),
        ("mafw", "split/single/no_caption/set_1/test.txt", lambda line: f"{line.split()[0]} 3", "another repository"),
    ],
)
def test_the_label_order_of_another_repository_is_refused(
    copy: Callable[[str], Path], name: str, path: str, slip: Callable[[str], str], said: str
) -> None:
    root = copy(name)
    write(root / path, lambda text: "\n".join(map(slip, text.splitlines())) + "\n")
    with pytest.raises(DataError, match=said):
        made_ready(root, name)


def test_a_class_that_its_path_denies_is_refused(copy: Callable[[str], Path]) -> None:
    root = copy("ferv39k")
    write(root / FERV39K_TEST, lambda text: text.replace(" Happy\n", " Fear\n"))
    with pytest.raises(DataError, match=r"test_All\.csv:\d+.*Happy"):
        made_ready(root, "ferv39k")


def _published_as(prepared: Prepared, manifest: DatasetManifest) -> DatasetManifest:
    """The manifest with the class counts of these clips, as if they were the published ones."""
    label_of = dict(zip(prepared.pack.names, prepared.pack.label_N.tolist(), strict=True))
    counts = {
        str(number): {
            part: np.bincount([label_of[name] for name in names], minlength=7).tolist()
            for part, names in (("train", fold.train), ("test", fold.test))
        }
        for number, fold in prepared.folds.items()
    }
    return DatasetManifest.model_validate({**manifest.model_dump(), "counts": counts, "frames_per_clip": None})


def test_frames_are_in_the_order_of_their_numbers_not_of_text(copy: Callable[[str], Path]) -> None:
    root = copy("dfew")
    whole = made_ready(root, "dfew")
    # 1.jpg ... 72.jpg become 01 to 72, whose order as text is that of the numbers.
    for folder in (root / "Clip/clip_224x224").iterdir():
        for frame in folder.iterdir():
            frame.rename(frame.with_name(f"{int(frame.stem):03d}.jpg"))
    padded = made_ready(root, "dfew")
    assert np.array_equal(whole.pack.frames_FHWC, padded.pack.frames_FHWC)


def test_frame_numbers_off_by_one_change_nothing(copy: Callable[[str], Path]) -> None:
    root = copy("mafw")
    whole = made_ready(root, "mafw")
    for folder in (root / "frames").iterdir():
        for frame in sorted(folder.iterdir()):
            frame.rename(frame.with_name(f"{int(frame.stem) - 1:05d}.png"))
    moved = made_ready(root, "mafw")
    assert np.array_equal(whole.pack.frames_FHWC, moved.pack.frames_FHWC)
    assert np.array_equal(whole.au_labels("all").label_NA, moved.au_labels("all").label_NA)


def test_two_frames_of_one_number_are_refused(copy: Callable[[str], Path]) -> None:
    root = copy("dfew")
    folder = next((root / "Clip/clip_224x224").iterdir())
    shutil.copy(folder / "1.jpg", folder / "01.jpg")
    with pytest.raises(DataError, match=f"{folder.name}.*01.jpg"):
        made_ready(root, "dfew")


def test_the_16_frame_folder_in_the_place_of_whole_clips_is_refused(copy: Callable[[str], Path]) -> None:
    root = copy("dfew")
    shutil.rmtree(root / "Clip/clip_224x224")
    (root / "Clip/clip_224x224_16f").rename(root / "Clip/clip_224x224")
    prepared = made_ready(root, "dfew")
    with pytest.raises(DataError, match="16-frame folder"):
        differs_from_published(load_dataset("dfew"), prepared)


def test_clips_with_fewer_frames_than_listed_are_other_data(copy: Callable[[str], Path]) -> None:
    root = copy("dfew")
    for folder in (root / "Clip/clip_224x224").iterdir():
        (folder / "1.jpg").unlink()
    said = differs_from_published(load_dataset("dfew"), made_ready(root, "dfew"))
    assert "frames per clip: fewest 6" in said


def test_a_clip_in_train_and_test_is_refused(copy: Callable[[str], Path]) -> None:
    root = copy("dfew")
    clip = (root / TEST).read_text(encoding="utf-8").splitlines()[1]
    write(root / TRAIN, lambda text: text + clip + "\n")
    with pytest.raises(DataError, match=f"{clip[:5]}.*train.*test"):
        made_ready(root, "dfew")


def test_an_empty_au_list_is_refused(copy: Callable[[str], Path]) -> None:
    root = copy("ferv39k")
    file = next((root / "OpenFace").rglob("*.csv"))
    write(file, lambda text: text.partition("\n")[0] + "\n")
    with pytest.raises(DataError, match=rf"{file.name}.*no frame"):
        made_ready(root, "ferv39k")


def test_an_au_file_shorter_than_its_clip_is_refused(copy: Callable[[str], Path]) -> None:
    root = copy("ferv39k")
    file = next((root / "OpenFace").rglob("*.csv"))
    write(file, lambda text: "".join(text.splitlines(keepends=True)[:-2]))
    with pytest.raises(DataError, match=file.stem):
        made_ready(root, "ferv39k")


def test_a_clip_without_an_au_file_is_masked(copy: Callable[[str], Path]) -> None:
    root = copy("mafw")
    whole = made_ready(root, "mafw")
    usable = np.flatnonzero(whole.au_labels("all").mask_N)
    (root / "OpenFace" / f"{whole.pack.names[usable[0]]}.csv").unlink()
    fewer = made_ready(root, "mafw").au_labels("all")
    assert fewer.mask_N.sum() == len(usable) - 1
    assert not fewer.mask_N[usable[0]]
    assert not fewer.label_NA[usable[0]].any()


def test_nan_in_a_tracked_frame_is_refused(copy: Callable[[str], Path]) -> None:
    root = copy("ferv39k")
    file = next((root / "OpenFace").rglob("*.csv"))

    def poison(text: str) -> str:
        header, *rows = text.splitlines()
        cells = rows[0].split(", ")
        cells[4], cells[-1] = "1", "nan"  # tracked, and no presence
        return "\n".join([header, ", ".join(cells), *rows[1:]]) + "\n"

    write(file, poison)
    with pytest.raises(DataError, match=rf"{file.name}.*AU45_c"):
        made_ready(root, "ferv39k")


def crlf(text: str) -> str:
    return text.replace("\n", "\r\n")


def bom(text: str) -> str:
    return "\ufeff" + text


@pytest.mark.parametrize("change", [crlf, bom])
@pytest.mark.parametrize("name", ["dfew", "ferv39k", "mafw"])
def test_line_ends_and_byte_order_marks_change_nothing(
    copy: Callable[[str], Path], name: str, change: Callable[[str], str]
) -> None:
    root = copy(name)
    before = made_ready(root, name)
    for pattern in ("EmoLabel_DataSplit/**/*.csv", "4_setups/**/*.csv", "split/**/*.txt", "OpenFace/**/*.csv"):
        for path in root.glob(pattern):
            write(path, change)
    after = made_ready(root, name)
    assert after.fingerprint == before.fingerprint
    assert after.au_labels("all").digest == before.au_labels("all").digest


@pytest.mark.parametrize(
    ("name", "path", "change"),
    [
        ("dfew", TEST, lambda text: text.replace(",", ";")),
        ("ferv39k", FERV39K_TEST, lambda text: text.replace(" ", ";")),
        ("mafw", "split/single/no_caption/set_2/train.txt", lambda text: text.replace(" ", ";")),
        ("ferv39k", "OpenFace", lambda text: text.replace(", ", ";")),
    ],
)
def test_semicolons_are_refused(
    copy: Callable[[str], Path], name: str, path: str, change: Callable[[str], str]
) -> None:
    root = copy(name)
    place = root / path
    place = place if place.is_file() else next(place.rglob("*.csv"))
    write(place, change)
    with pytest.raises(DataError, match=rf"{place.name}.*"):
        made_ready(root, name)
