"""Rendered faces in FERV39k's layout: one split without header lines, clips by scene and expression.

Letters: N clips, E expressions (7), A action units (18).
"""

import csv
from collections import Counter

import numpy as np

from harness.au.units import EXPRESSIONS
from harness.data.rendered.folds import FOLDS, spread_labels
from harness.data.rendered.shots import LayoutPlan, Shot
from harness.manifest import manifests_dir

FERV39K_CLIPS = (7327, 6916, 9748, 7393, 3140, 2300, 2111)
"""Clips of FERV39k per expression, in the order of EXPRESSIONS (the public lists)."""
FOLDERS = ("Happy", "Sad", "Neutral", "Angry", "Surprise", "Disgust", "Fear")
SHORTEST, USUAL, LONGEST = 8, 28, 47
"""Frames per clip; the published mean is 28."""
FEWEST_CLIPS = 2 * len(FOLDERS)


def plan_ferv39k(shares_EA: np.ndarray, clips: int, seed: int) -> LayoutPlan:
    """Clips in the proportions of the published classes and scenes, about one fifth of each class to test."""
    rng = np.random.default_rng((seed, 0, 1))
    label_N = spread_labels(clips, FERV39K_CLIPS, seed)
    scenes, weight_SE = _scenes()
    scene_N = [int(rng.choice(len(scenes), p=weight_SE[:, label])) for label in label_N]
    name_N = _names([f"{scenes[scene]}/{FOLDERS[label]}" for scene, label in zip(scene_N, label_N, strict=True)])
    test_N = _tested(label_N, np.array(scene_N))
    frames_N = rng.triangular(SHORTEST, USUAL + 1, LONGEST + 1, clips).astype(int)
    shots = (Shot(n, ((shares_EA[e], int(t)),)) for n, e, t in zip(name_N, label_N, frames_N, strict=True))
    lines = [f"{name} {FOLDERS[label]}\n" for name, label in zip(name_N, label_N, strict=True)]
    parts = {"train": ~test_N, "test": test_N}
    return LayoutPlan(
        frames_dir="2_ClipsforFaceCrop",
        picture="{:02d}.jpg",
        shots=tuple(shots),
        lists={
            f"4_setups/All_scenes/{part}_All.csv": "".join(lines[i] for i in np.flatnonzero(member_N))
            for part, member_N in parts.items()
        },
        class_counts={name: int((label_N == label).sum()) for label, name in enumerate(FOLDERS)},
        folds=((int((~test_N).sum()), int(test_N.sum())),),
    )


def _scenes() -> tuple[list[str], np.ndarray]:
    """The 22 scenes and, per expression, the share of its clips that each scene has, (22, E)."""
    counts: dict[str, np.ndarray] = {}
    with (manifests_dir() / "datasets" / "ferv39k_scenes.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            here = np.array([int(row[name]) for name in EXPRESSIONS], float)
            counts[row["scene"]] = counts.get(row["scene"], np.zeros(len(EXPRESSIONS))) + here
    count_SE = np.stack(list(counts.values()))
    return list(counts), count_SE / count_SE.sum(axis=0)


def _names(folders: list[str]) -> list[str]:
    """Clips are numbered from 0001 in each folder."""
    seen: Counter[str] = Counter()
    names = []
    for folder in folders:
        seen[folder] += 1
        names.append(f"{folder}/{seen[folder]:04d}")
    return names


def _tested(label_N: np.ndarray, scene_N: np.ndarray) -> np.ndarray:
    """Every fifth clip of a class stands in test, at least one, spread over the scenes; bool (N,)."""
    test_N = np.zeros(len(label_N), bool)
    for label in range(len(FOLDERS)):
        member_N = np.flatnonzero(label_N == label)
        by_scene_N = member_N[np.argsort(scene_N[member_N], kind="stable")]
        test_N[by_scene_N[min(FOLDS // 2, len(member_N) - 1) :: FOLDS]] = True
    return test_N
