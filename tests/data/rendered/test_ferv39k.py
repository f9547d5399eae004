"""FERV39k's layout, read as text."""

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.data.rendered.ferv39k import plan_ferv39k
from harness.data.rendered.folds import at_least

CLASSES = {"Happy", "Sad", "Neutral", "Angry", "Surprise", "Disgust", "Fear"}
SCENES = Path(__file__).parents[3] / "manifests" / "datasets" / "ferv39k_scenes.csv"


def lines(root: Path, part: str) -> list[str]:
    return (root / "4_setups" / "All_scenes" / f"{part}_All.csv").read_text().splitlines()


def test_lines_are_a_path_and_its_class_without_a_header(rendered: Callable[[str], Path]) -> None:
    with SCENES.open(newline="") as file:
        scenes = {row["scene"] for row in csv.DictReader(file)}
    for line in lines(rendered("ferv39k"), "train") + lines(rendered("ferv39k"), "test"):
        path, word = line.split(" ")
        scene, folder, number = path.split("/")
        assert scene in scenes
        assert folder == word
        assert word in CLASSES
        assert (len(number), number.isdigit()) == (4, True)


def test_train_and_test_part_the_clips(rendered: Callable[[str], Path]) -> None:
    root = rendered("ferv39k")
    train, test = ({line.split(" ")[0] for line in lines(root, part)} for part in ("train", "test"))
    assert not train & test
    there = {str(path.parent.relative_to(root / "OpenFace")) for path in (root / "OpenFace").rglob("*.csv")}
    assert len(train | test) == 42
    assert {name.rsplit("/", 1)[0] for name in train | test} == there


def test_numbers_count_from_one_in_each_folder(rendered: Callable[[str], Path]) -> None:
    for folder in (rendered("ferv39k") / "2_ClipsforFaceCrop").glob("*/*"):
        names = sorted(path.name for path in folder.iterdir())
        assert names == [f"{number:04d}" for number in range(1, len(names) + 1)]


def test_each_class_is_in_train_and_about_a_fifth_of_it_in_test(rendered: Callable[[str], Path]) -> None:
    counts = [Counter(line.split(" ")[1] for line in lines(rendered("ferv39k"), part)) for part in ("train", "test")]
    assert set(counts[0]) == set(counts[1]) == CLASSES
    for word in CLASSES:
        assert counts[1][word] == round((counts[0][word] + counts[1][word]) / 5)


def test_frames_are_numbered_by_two_digits(rendered: Callable[[str], Path]) -> None:
    for folder in (rendered("ferv39k") / "2_ClipsforFaceCrop").glob("*/*/*"):
        names = sorted(path.name for path in folder.iterdir())
        assert 8 <= len(names) <= 47
        assert names == [f"{number:02d}.jpg" for number in range(1, len(names) + 1)]


def test_classes_by_hand() -> None:
    counts = (7327, 6916, 9748, 7393, 3140, 2300, 2111)
    assert at_least(38935, counts, 5) == list(counts)
    # Quotas of 48: 9.03, 8.53, 12.02, 9.11, 3.87, 2.84, 2.60. By largest remainder 9, 8, 12, 9, 4, 3, 3; five for each
    # of the last three are five too many: neutral gives three, then happy and neutral (the first of equals) one each.
    assert at_least(48, counts, 5) == [8, 8, 8, 9, 5, 5, 5]


def test_frames_per_clip_and_scenes_are_near_the_published(shares_EA: np.ndarray) -> None:
    plan = plan_ferv39k(shares_EA, 4000, 0)
    frames = [sum(length for _, length in shot.stretches) for shot in plan.shots]
    assert (min(frames), max(frames)) == (8, 47)
    assert np.mean(frames) == pytest.approx(28, abs=0.5)
    scenes = Counter(shot.name.split("/")[0] for shot in plan.shots)
    assert len(scenes) == 22
    # Action has 855 of the 38,935 clips: 88 of 4000, and 37 are four standard deviations.
    assert scenes["Action"] == pytest.approx(88, abs=37)
