"""How many clips each class gets, and the five folds.

Letters: N clips.
"""

from pathlib import Path

import numpy as np

from harness.au.units import EXPRESSIONS

DFEW_CLIPS = (2445, 1894, 2669, 2173, 1469, 145, 902)
"""Single-labelled clips of DFEW per expression, in the order of EXPRESSIONS."""
FOLDS = 5
SPLITS = "EmoLabel_DataSplit"


def apportion(clips: int, counts: tuple[int, ...] = DFEW_CLIPS) -> list[int]:
    """`clips` in the proportions of `counts`, by largest remainder."""
    whole = [count * clips // sum(counts) for count in counts]
    left = [count * clips % sum(counts) for count in counts]
    for index in sorted(range(len(counts)), key=lambda i: -left[i])[: clips - sum(whole)]:
        whole[index] += 1
    return whole


def draw_labels(clips: int, seed: int) -> np.ndarray:
    """The class of each clip (index into EXPRESSIONS) in a random order, (N,)."""
    label_N = np.repeat(np.arange(len(EXPRESSIONS)), apportion(clips))
    return np.random.default_rng((seed, 0)).permutation(label_N)


def fold_of(label_N: np.ndarray, seed: int) -> np.ndarray:
    """The fold (0 to 4) in whose test part each clip stands, (N,).

    Every class is spread evenly, and the folds have the same size, each to one clip.
    """
    shuffled = np.random.default_rng((seed, 0, FOLDS)).permutation(label_N.size)
    by_class = shuffled[np.argsort(label_N[shuffled], kind="stable")]
    fold_N = np.empty(label_N.size, int)
    fold_N[by_class] = np.arange(label_N.size) % FOLDS
    return fold_N


def write_splits(root: Path, label_N: np.ndarray, fold_N: np.ndarray) -> None:
    """The five train and test lists: `video_name,label`, labels 1 to 7; clips are numbered from 1."""
    for fold in range(FOLDS):
        for part, members_N in (("train", fold_N != fold), ("test", fold_N == fold)):
            rows = [f"{i + 1:05d},{label_N[i] + 1}" for i in np.flatnonzero(members_N)]
            path = root / SPLITS / f"{part}(single-labeled)" / f"set_{fold + 1}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(["video_name,label", *rows]) + "\n", encoding="ascii")


def at_least(clips: int, counts: tuple[int, ...], least: int) -> list[int]:
    """`clips` in the proportions of `counts`, but `least` in each class: the largest classes give what is missing."""
    shares = [max(least, share) for share in apportion(clips, counts)]
    while sum(shares) > clips:
        shares[shares.index(max(shares))] -= 1
    return shares


def spread_labels(clips: int, counts: tuple[int, ...], seed: int) -> np.ndarray:
    """The class of each clip in a random order, (N,): in the proportions of `counts`, but every class in every fold.

    Where the clips do not suffice for a clip of each class in each of five test parts, the classes get as many as they
    can, at least two from 2 x classes clips on: one to train, one to test.
    """
    shares = at_least(clips, counts, min(FOLDS, clips // len(counts)))
    return np.random.default_rng((seed, 0)).permutation(np.repeat(np.arange(len(counts)), shares))
