"""RAVDESS' layout, read as file names."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.data.rendered import shots
from harness.data.rendered.clip import ClipPlan
from harness.data.rendered.ravdess import plan_ravdess
from harness.data.rendered.shots import Shot, ShotJob, write_shot


def codes(root: Path) -> dict[str, list[str]]:
    return {path.name: path.name.split("-") for path in (root / "face_aligned").glob("Actor_*/*")}


def test_names_are_seven_codes_in_the_actors_folder(rendered: Callable[[str], Path]) -> None:
    clips = sorted((rendered("ravdess") / "face_aligned").glob("Actor_*/*"))
    assert len(clips) == 48
    for path in clips:
        parts = path.name.split("-")
        assert parts[:2] == ["02", "01"]
        assert 1 <= int(parts[2]) <= 8
        assert set(parts[3:6]) <= {"01", "02"}
        assert path.parent.name == f"Actor_{parts[6]}"
        assert (rendered("ravdess") / "OpenFace" / path.parent.name / f"{path.name}.csv").is_file()


def test_frames_are_numbered_without_zeros(rendered: Callable[[str], Path]) -> None:
    for folder in (rendered("ravdess") / "face_aligned").glob("*/*"):
        names = {path.name for path in folder.iterdir()}
        assert 20 <= len(names) <= 40
        assert names == {f"{number}.jpg" for number in range(1, len(names) + 1)}


def test_six_folds_of_four_actors_train_and_test_on_every_emotion(rendered: Callable[[str], Path]) -> None:
    every = {f"{emotion:02d}" for emotion in range(1, 9)}
    found = codes(rendered("ravdess")).values()
    assert {int(parts[6]) for parts in found} == set(range(1, 25))
    for first in range(1, 25, 4):
        test = {parts[2] for parts in found if first <= int(parts[6]) < first + 4}
        train = {parts[2] for parts in found if not first <= int(parts[6]) < first + 4}
        assert test == train == every


def test_all_1440_are_the_published_takes(shares_EA: np.ndarray) -> None:
    plan = plan_ravdess(shares_EA, 1440, 0)
    names = {shot.name.split("/")[1] for shot in plan.shots}
    assert len(names) == 1440
    # Four takes of neutral (one intensity), eight of every other emotion, from each of 24 actors.
    assert Counter(name.split("-")[2] for name in names) == {"01": 96, **{f"{code:02d}": 192 for code in range(2, 9)}}
    assert all(name.split("-")[3] == "01" for name in names if name.split("-")[2] == "01")
    # Without calm, as in the manifest: 32 x 6 + 16 clips of four actors.
    assert plan.folds == ((1040, 208),) * 6


def test_24_clips_train_on_every_emotion(shares_EA: np.ndarray) -> None:
    found = [shot.name.split("/")[1].split("-") for shot in plan_ravdess(shares_EA, 24, 0).shots]
    for first in range(1, 25, 4):
        assert len({parts[2] for parts in found if not first <= int(parts[6]) < first + 4}) == 8


def test_calm_has_the_shares_of_neutral(shares_EA: np.ndarray) -> None:
    shown = {shot.name.split("-")[2]: shot.stretches[0][0] for shot in plan_ravdess(shares_EA, 48, 0).shots}
    assert shown["01"] == pytest.approx(shares_EA[2])
    assert shown["02"] == pytest.approx(shares_EA[2])
    assert shown["08"] == pytest.approx(shares_EA[4])
    assert shown["06"] == pytest.approx(shares_EA[6])


def test_an_actor_has_one_face(tmp_path: Path, shares_EA: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    plans: list[ClipPlan] = []

    def look(plan: ClipPlan, moments_T: np.ndarray, size: int) -> np.ndarray:
        plans.append(plan)
        return np.zeros((len(moments_T), size, size, 3), np.uint8)

    monkeypatch.setattr(shots, "render_frames", look)
    for index, person in enumerate((3, 3, 4), start=1):
        shot = Shot(f"Actor_{person:02d}/{index}", ((shares_EA[0], 12),), person)
        write_shot(ShotJob(tmp_path, "face_aligned", "{}.jpg", shot, (0, index, 4), 32))
    assert plans[0].person == plans[1].person != plans[2].person
    assert plans[0].scene.grain_seed != plans[1].scene.grain_seed
