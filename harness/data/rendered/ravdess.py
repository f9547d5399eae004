"""Rendered faces in RAVDESS' layout: silent speech of 24 actors.

A clip is named 02-01-emotion-intensity-statement-repetition-actor. Calm, which has no class here, is rendered with the
AU shares of neutral. Letters: E expressions (7), A action units (18).
"""

from collections import Counter

import numpy as np

from harness.au.units import EXPRESSION_INDEX
from harness.data.rendered.shots import LayoutPlan, Shot

ACTORS, ACTORS_PER_FOLD = 24, 4
EMOTIONS = ("neutral", "neutral", "happy", "sad", "angry", "fear", "disgust", "surprise")
"""The expression shown for the emotion codes 01 (neutral), 02 (calm), 03 ... 08."""
CALM = 1
CODES = ("01 neutral", "02 calm", "03 happy", "04 sad", "05 angry", "06 fearful", "07 disgust", "08 surprised")
TAKES = 8
"""Intensity, statement and repetition, two of each; neutral has the normal intensity only: the first four."""
SHORTEST, LONGEST = 20, 40
"""Frames of a clip; the published ones are about three times as long."""
FEWEST_CLIPS, MOST_CLIPS = ACTORS, ACTORS * (len(EMOTIONS) * TAKES - TAKES // 2)


def plan_ravdess(shares_EA: np.ndarray, clips: int, seed: int) -> LayoutPlan:
    """The first `clips` of the 1440, in an order in which actors and emotions take turns; one face per actor."""
    said = _order()[:clips]
    frames_N = np.random.default_rng((seed, 0, 4)).integers(SHORTEST, LONGEST + 1, len(said))
    shares = [shares_EA[EXPRESSION_INDEX[EMOTIONS[emotion]]] for _, emotion, _ in said]
    shots = (Shot(_name(*one), ((shares[i], int(frames_N[i])),), person=one[0]) for i, one in enumerate(said))
    codes = Counter(CODES[emotion] for _, emotion, _ in said)
    read = [(actor - 1) // ACTORS_PER_FOLD for actor, emotion, _ in said if emotion != CALM]
    return LayoutPlan(
        frames_dir="face_aligned",
        picture="{}.jpg",
        shots=tuple(shots),
        lists={},
        class_counts={code: codes[code] for code in CODES},
        folds=tuple((len(read) - read.count(fold), read.count(fold)) for fold in range(ACTORS // ACTORS_PER_FOLD)),
    )


def _order() -> list[tuple[int, int, int]]:
    """Actor (from 1), emotion and take (from 0) of all 1440: each round gives every actor one clip.

    A fold's four actors have emotions 1-4 in one round and 5-8 in the next, and the other way in the next fold, so that
    48 clips put every emotion into every fold's test part, and 24 into every train part.
    """
    emotions = len(EMOTIONS)
    order = []
    for turn in range(TAKES * emotions):
        for actor in range(ACTORS):
            fold, place = divmod(actor, ACTORS_PER_FOLD)
            emotion = (place + 4 * (turn + fold) + turn % emotions // 2) % emotions
            take = turn // emotions
            if emotion > 0 or take < TAKES // 2:
                order.append((actor + 1, emotion, take))
    return order


def _name(actor: int, emotion: int, take: int) -> str:
    intensity, statement, repetition = take // 4 + 1, take // 2 % 2 + 1, take % 2 + 1
    parts = (2, 1, emotion + 1, intensity, statement, repetition, actor)
    return f"Actor_{actor:02d}/" + "-".join(f"{part:02d}" for part in parts)
