"""Rendered faces in Aff-Wild2's layout: videos with a label for each frame, in a training and a validation set.

A video is a row of stretches, each of one expression. Most are parted by frames without a label (-1), some follow upon
each other at once; in some videos there are stretches of the eighth class, Other. Frames without a label are rendered
with the AU shares of neutral, those of Other with the mean of all. Of a few frames there is no picture: the face was
lost. Letters: E expressions (7), A action units (18).
"""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from harness.au.units import EXPRESSION_INDEX
from harness.data.rendered.shots import LayoutPlan, Shot

WORDS = ("Neutral", "Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise", "Other")
SHOWN = ("neutral", "angry", "disgust", "fear", "happy", "sad", "surprise")
"""The expressions of the first seven words."""
OTHER, UNLABELLED = 7, -1
Video = list[tuple[int, int]]
"""Label and number of frames of each stretch."""
FORMS = ("{}-24-1920x1080", "{}_left", "{}_right", "video{}", "{}")
"""How the videos are named; of a pair _left and _right, two people stand in one video."""
MOST_STRETCHES, FEWEST_STRETCHES = 6, 4
FRAMES, GAP = (8, 30), (3, 10)
"""Frames of a stretch, and of one without a label."""
NO_GAP = 0.3
"""Share of stretches that follow upon the one before at once."""
EVERY_OTHER = 3
"""Every third video has a stretch of Other."""
FRAMES_PER_LOST = 60
"""A video lacks one picture, and another for every so many frames."""
FEWEST_CLIPS = 8
"""Two videos of at least four stretches show all seven expressions: enough for the validation set, a quarter of all."""


def plan_affwild2(shares_EA: np.ndarray, clips: int, seed: int) -> LayoutPlan:
    """`clips` videos, about a quarter of them in the validation set."""
    rng = np.random.default_rng((seed, 0, 3))
    names = _names(rng, clips)
    cut = clips - clips // 4
    # A pair of one video stays together.
    cut -= names[cut].endswith("_right")
    stretches = [*_draw_videos(rng, range(cut)), *_draw_videos(rng, range(cut, clips))]
    shares = [shares_EA[EXPRESSION_INDEX[name]] for name in SHOWN]
    shares += [shares_EA.mean(axis=0), shares_EA[EXPRESSION_INDEX["neutral"]]]
    shots = (
        Shot(name, tuple((shares[label], frames) for label, frames in video), lost=_lost(rng, video))
        for name, video in zip(names, stretches, strict=True)
    )
    parts = ["Train_Set"] * cut + ["Validation_Set"] * (clips - cut)
    counts = [Counter(label for video in part for label, _ in video) for part in (stretches[:cut], stretches[cut:])]
    return LayoutPlan(
        frames_dir="cropped_aligned",
        picture="{:05d}.jpg",
        shots=tuple(shots),
        lists={
            f"EXPR_Recognition_Challenge/{part}/{name}.txt": _list(video)
            for part, name, video in zip(parts, names, stretches, strict=True)
        },
        class_counts={word: counts[0][label] + counts[1][label] for label, word in enumerate(WORDS)},
        folds=((sum(counts[0][label] for label in range(OTHER)), sum(counts[1][label] for label in range(OTHER))),),
        counted="stretches",
    )


def _names(rng: np.random.Generator, clips: int) -> list[str]:
    """Each form of name in turn; _left and _right bear the same number."""
    numbers = rng.permutation(np.arange(1, clips + 1)).tolist()
    turns = (divmod(i, len(FORMS)) for i in range(clips))
    return [FORMS[place].format(numbers[4 * turn + place - (place > 1)]) for turn, place in turns]


def _draw_videos(rng: np.random.Generator, indices: range) -> list[Video]:
    """Videos of one set: the expressions are dealt, so that each comes up before another comes again."""
    deck = _deal(rng)
    return [_draw_video(rng, deck, index % EVERY_OTHER == 0) for index in indices]


def _deal(rng: np.random.Generator) -> Iterator[int]:
    while True:
        yield from rng.permutation(len(SHOWN)).tolist()


def _draw_video(rng: np.random.Generator, deck: Iterator[int], other: bool) -> Video:
    labels = [next(deck) for _ in range(rng.integers(FEWEST_STRETCHES, MOST_STRETCHES + 1))]
    if other:
        labels.insert(int(rng.integers(len(labels) + 1)), OTHER)
    video = [(UNLABELLED, _length(rng, GAP))]
    for label in labels:
        # Two stretches of one class must not run into one.
        if video[-1][0] != UNLABELLED and (video[-1][0] == label or rng.random() >= NO_GAP):
            video.append((UNLABELLED, _length(rng, GAP)))
        video.append((label, _length(rng, FRAMES)))
    return [*video, (UNLABELLED, _length(rng, GAP))]


def _length(rng: np.random.Generator, bounds: tuple[int, int]) -> int:
    return int(rng.integers(bounds[0], bounds[1] + 1))


def _lost(rng: np.random.Generator, video: Video) -> tuple[int, ...]:
    frames = sum(length for _, length in video)
    return tuple(sorted(rng.choice(frames, 1 + frames // FRAMES_PER_LOST, replace=False).tolist()))


def _list(video: Video) -> str:
    """The label file: names of the classes, then a number for each frame."""
    lines = [str(label) for label, frames in video for _ in range(frames)]
    return "\n".join([",".join(WORDS), *lines]) + "\n"
