"""Aff-Wild2's layout, read as text."""

from collections.abc import Callable
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np
import pytest

from harness.data.rendered.affwild2 import plan_affwild2

WORDS = "Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other"
SETS = ("Train_Set", "Validation_Set")


def labels(root: Path, part: str) -> dict[str, list[int]]:
    found = {}
    for path in (root / "EXPR_Recognition_Challenge" / part).iterdir():
        first, *numbers = path.read_text().splitlines()
        assert first == WORDS
        found[path.stem] = [int(number) for number in numbers]
    return found


def column(root: Path, video: str, name: str) -> list[float]:
    head, *rows = (root / "OpenFace" / f"{video}.csv").read_text().splitlines()
    at = head.split(", ").index(name)
    return [float(row.split(", ")[at]) for row in rows]


def test_each_video_has_a_label_an_au_row_and_but_for_a_few_a_picture_per_frame(
    rendered: Callable[[str], Path],
) -> None:
    root = rendered("affwild2")
    videos = labels(root, SETS[0]) | labels(root, SETS[1])
    assert sorted(videos) == sorted(path.name for path in (root / "cropped_aligned").iterdir())
    for video, numbers in videos.items():
        success = column(root, video, "success")
        assert len(success) == len(numbers)
        shown = {path.name for path in (root / "cropped_aligned" / video).iterdir()}
        lost = [n for n in range(1, len(numbers) + 1) if f"{n:05d}.jpg" not in shown]
        assert 0 < len(lost) == len(numbers) - len(shown)
        assert all(success[n - 1] == 0 for n in lost)


def test_no_video_stands_in_both_sets(rendered: Callable[[str], Path]) -> None:
    train, validation = (set(labels(rendered("affwild2"), part)) for part in SETS)
    assert not train & validation
    assert len(train | validation) == 10
    assert len(validation) == 2


def test_both_sets_show_every_expression_and_frames_without_one(rendered: Callable[[str], Path]) -> None:
    for part in SETS:
        numbers = {number for video in labels(rendered("affwild2"), part).values() for number in video}
        assert numbers >= {-1, 0, 1, 2, 3, 4, 5, 6}


def test_some_videos_have_frames_of_other_and_some_none(rendered: Callable[[str], Path]) -> None:
    other = [7 in video for part in SETS for video in labels(rendered("affwild2"), part).values()]
    assert sum(other) == 4
    assert len(other) == 10


def test_a_video_holds_several_stretches_some_side_by_side(rendered: Callable[[str], Path]) -> None:
    touching = 0
    for part in SETS:
        for video in labels(rendered("affwild2"), part).values():
            runs = [label for label, _ in groupby(video)]
            assert len(set(runs) - {-1}) >= 4
            assert runs[0] == runs[-1] == -1
            touching += sum(-1 not in pair for pair in pairwise(runs))
    assert touching > 0


def test_names_have_the_published_forms_and_pairs_stay_together(rendered: Callable[[str], Path]) -> None:
    by_part = [set(labels(rendered("affwild2"), part)) for part in SETS]
    names = set.union(*by_part)
    assert sum(name.endswith("-24-1920x1080") for name in names) == 2
    assert sum(name.startswith("video") for name in names) == 2
    lefts = {name.removesuffix("_left") for name in names if name.endswith("_left")}
    assert lefts == {name.removesuffix("_right") for name in names if name.endswith("_right")}
    assert len(lefts) == 2
    assert any({f"{left}_left", f"{left}_right"} <= by_part[0] for left in lefts)


@pytest.mark.parametrize("clips", range(8, 28))
def test_any_number_of_videos_keeps_pairs_together_and_shows_everything(shares_EA: np.ndarray, clips: int) -> None:
    plan = plan_affwild2(shares_EA, clips, 1)
    assert len({shot.name for shot in plan.shots}) == clips == len(plan.lists)
    sets = {path.split("/")[2].removesuffix(".txt"): path.split("/")[1] for path in plan.lists}
    for name, part in sets.items():
        assert sets.get(name.replace("_left", "_right"), part) == part
    for part in SETS:
        texts = [text for path, text in plan.lists.items() if f"/{part}/" in path]
        assert {line for text in texts for line in text.splitlines()[1:]} >= set("0123456")


def test_aus_follow_the_stretch(rendered: Callable[[str], Path]) -> None:
    root = rendered("affwild2")
    present: dict[int, list[float]] = {0: [], 4: []}
    for part in SETS:
        for video, numbers in labels(root, part).items():
            for number, on in zip(numbers, column(root, video, "AU12_c"), strict=True):
                if number in present:
                    present[number].append(on)
    # AU12 is on in half of the frames of Happiness and in one of twenty of Neutral.
    assert np.mean(present[4]) > 0.3
    assert np.mean(present[0]) < 0.2
