"""MAFW's layout, read as text."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.data.rendered.mafw import MAFW_CLIPS, plan_mafw

CLASSES = {
    "anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise", "contempt", "anxiety", "helplessness",
    "disappointment",
}  # fmt: skip
NAMES = [f"{number:05d}" for number in range(1, 56)]


def rows(root: Path, fold: int, part: str) -> dict[str, str]:
    path = root / "split" / "single" / "no_caption" / f"set_{fold}" / f"{part}.txt"
    pairs = [line.split(" ") for line in path.read_text().splitlines()]
    assert len(pairs) == len({video for video, _ in pairs})
    return dict(pairs)


def test_five_folds_part_the_clips_and_agree_on_the_classes(rendered: Callable[[str], Path]) -> None:
    whole = []
    tested: Counter[str] = Counter()
    for fold in range(1, 6):
        train, test = rows(rendered("mafw"), fold, "train"), rows(rendered("mafw"), fold, "test")
        assert not set(train) & set(test)
        whole.append(train | test)
        tested.update(list(test))
    assert sorted(whole[0]) == [f"{name}.mp4" for name in NAMES]
    assert all(labels == whole[0] for labels in whole)
    assert tested == Counter(f"{name}.mp4" for name in NAMES)


@pytest.mark.parametrize("fold", range(1, 6))
def test_every_class_is_in_train_and_test(rendered: Callable[[str], Path], fold: int) -> None:
    for part in ("train", "test"):
        assert set(rows(rendered("mafw"), fold, part).values()) == CLASSES


def test_frames_are_numbered_png_files(rendered: Callable[[str], Path]) -> None:
    folders = sorted((rendered("mafw") / "frames").iterdir())
    assert [folder.name for folder in folders] == NAMES
    for folder in folders:
        names = sorted(path.name for path in folder.iterdir())
        assert 20 <= len(names) <= 60
        assert names == [f"{number:05d}.png" for number in range(1, len(names) + 1)]


def test_all_of_mafw_has_the_published_counts(shares_EA: np.ndarray) -> None:
    plan = plan_mafw(shares_EA, 9172, 0)
    assert plan.class_counts == MAFW_CLIPS
    assert sum(MAFW_CLIPS.values()) == 9172
    assert sorted((test for _, test in plan.folds), reverse=True) == [1835, 1835, 1834, 1834, 1834]


def test_few_clips_put_every_class_into_every_train_part(shares_EA: np.ndarray) -> None:
    plan = plan_mafw(shares_EA, 22, 0)
    for fold in range(1, 6):
        lines = plan.lists[f"split/single/no_caption/set_{fold}/train.txt"].splitlines()
        assert {line.split(" ")[1] for line in lines} == CLASSES


def test_a_further_class_has_the_mean_shares_of_two(shares_EA: np.ndarray) -> None:
    plan = plan_mafw(shares_EA, 55, 0)
    words = dict(line.split(".mp4 ") for text in plan.lists.values() for line in text.splitlines())
    shown = {words[shot.name]: shot.stretches[0][0] for shot in plan.shots}
    # AU04 (column 2) of disgust (row 5) and neutral (row 2); AU01 (column 0) of fear (row 6) and sad (row 1).
    assert shown["contempt"][2] == pytest.approx((shares_EA[5, 2] + shares_EA[2, 2]) / 2)
    assert shown["anxiety"][0] == pytest.approx((shares_EA[6, 0] + shares_EA[1, 0]) / 2)
    assert shown["happiness"] == pytest.approx(shares_EA[0])
