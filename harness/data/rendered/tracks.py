"""AU tracks: which actions are on in each frame of a clip, and how strongly.

Letters: T frames, A action units (18).

Each AU is a process of its own, given the expression of the clip. In each frame, with probability `REFRESH`, the AU
decides anew to be on with probability p, the share of frames that the data set's pos_weight implies; otherwise it stays
as it was. So its share of frames is p at any moment, and a look k frames later still sees the same decision with
probability (1 - REFRESH)^k.
"""

import numpy as np

FRAME_RATE = 6.25
"""Frames per second of a whole clip: 72 frames are eleven and a half seconds, enough for many episodes of an AU."""
REFRESH = 0.5
"""With 16 of about 72 frames sampled, one sampled frame hardly tells of the next: (1 - 0.5)^4.5 = 0.04."""
SHORTEST, LONGEST = 64, 80
"""Frames of a whole clip; DFEW's median is 70."""
PRESENT = 1.0
"""An AU is present where its intensity (OpenFace's scale, 0 to 5) is at least this."""


def draw_presence(rng: np.random.Generator, share_A: np.ndarray, frames: int) -> np.ndarray:
    """On and off of each AU, bool (T, A), stationary with shares `share_A`."""
    decided_TA = rng.random((frames, share_A.size)) < share_A
    anew_TA = rng.random((frames, share_A.size)) < REFRESH
    anew_TA[0] = True
    since_TA = np.maximum.accumulate(np.where(anew_TA, np.arange(frames)[:, None], 0), axis=0)
    return np.take_along_axis(decided_TA, since_TA, axis=0)


def intensity_of(rng: np.random.Generator, present_TA: np.ndarray) -> np.ndarray:
    """Onset, apex and offset of every episode as intensities in 0-5, (T, A); at least `PRESENT` exactly where present.

    An episode rises and falls over its neighbouring frames: there the AU can be seen a little (below `PRESENT`), inside
    it reaches 60 to 100 % of an apex that wanders between 3 and 5.
    """
    frames, units = present_TA.shape
    padded = np.pad(present_TA.astype(float), ((1, 1), (0, 0)), mode="edge")
    slope_TA = (padded[:-2] + 2.0 * padded[1:-1] + padded[2:]) / 4.0
    wander_TA = rng.normal(0.0, 0.15, (frames, units))
    apex_TA = np.clip(rng.uniform(3.2, 4.8, units) + wander_TA, 3.0, 5.0)
    return np.where(present_TA, apex_TA * (0.2 + 0.8 * slope_TA), 1.6 * slope_TA)


def sampled_frames(frames: int, count: int = 16) -> np.ndarray:
    """The `count` frames of a whole clip that the 16-frame folder keeps: the middles of equal parts, int (count,)."""
    return ((np.arange(count) + 0.5) * frames / count).astype(int)
