"""Rendered faces in MAFW's layout: eleven classes, five folds, frames as PNG.

Nothing is known of the AUs of MAFW's four further classes. So that there is something to render, each gets the mean of
the AU shares of two expressions near to it: contempt of disgust and neutral, anxiety of fear and sad, helplessness of
sad and neutral, disappointment of sad and disgust. This holds for rendered data only.

Letters: N clips, K classes (11), E expressions (7), A action units (18).
"""

import numpy as np

from harness.au.units import EXPRESSION_INDEX
from harness.data.rendered.folds import FOLDS, fold_of, spread_labels
from harness.data.rendered.shots import LayoutPlan, Shot

MAFW_CLIPS = {
    "anger": 1390, "disgust": 639, "fear": 625, "happiness": 1242, "neutral": 1138, "sadness": 1470, "surprise": 1072,
    "contempt": 236, "anxiety": 916, "helplessness": 262, "disappointment": 182,
}  # fmt: skip
"""Single-labelled clips of MAFW per class, as its lists name them."""
MIXED = {
    "anger": ("angry",), "disgust": ("disgust",), "fear": ("fear",), "happiness": ("happy",), "neutral": ("neutral",),
    "sadness": ("sad",), "surprise": ("surprise",), "contempt": ("disgust", "neutral"), "anxiety": ("fear", "sad"),
    "helplessness": ("sad", "neutral"), "disappointment": ("sad", "disgust"),
}  # fmt: skip
"""The expressions whose AU shares a class gets, in their mean."""
SHORTEST, LONGEST = 20, 60
"""Frames of a clip."""
FEWEST_CLIPS = 2 * len(MAFW_CLIPS)


def plan_mafw(shares_EA: np.ndarray, clips: int, seed: int) -> LayoutPlan:
    """Clips in the proportions of the published classes, in five folds."""
    classes = list(MAFW_CLIPS)
    shares_KA = [shares_EA[[EXPRESSION_INDEX[name] for name in MIXED[word]]].mean(axis=0) for word in classes]
    label_N = spread_labels(clips, tuple(MAFW_CLIPS.values()), seed)
    fold_N = fold_of(label_N, seed)
    frames_N = np.random.default_rng((seed, 0, 2)).integers(SHORTEST, LONGEST + 1, clips)
    shots = (Shot(f"{i + 1:05d}", ((shares_KA[label_N[i]], int(frames_N[i])),)) for i in range(clips))
    lines = [f"{i + 1:05d}.mp4 {classes[label]}\n" for i, label in enumerate(label_N)]
    return LayoutPlan(
        frames_dir="frames",
        picture="{:05d}.png",
        shots=tuple(shots),
        lists={
            f"split/single/no_caption/set_{fold + 1}/{part}.txt": "".join(lines[i] for i in np.flatnonzero(member_N))
            for fold in range(FOLDS)
            for part, member_N in (("train", fold_N != fold), ("test", fold_N == fold))
        },
        class_counts={word: int((label_N == label).sum()) for label, word in enumerate(classes)},
        folds=tuple((int((fold_N != fold).sum()), int((fold_N == fold).sum())) for fold in range(FOLDS)),
    )
