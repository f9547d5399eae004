"""OpenFace 2.2 files for rendered clips, with the detector's noise and failures.

Letters: T frames, A action units (18), R units with an intensity (17).

The columns are OpenFace's, in its order, with its blank after each comma; the landmark columns (of eyes and face, some
660) are left out, to keep the files small. Source: OpenFace wiki, Output-Format.
"""

from collections.abc import Sequence

import numpy as np

from harness.au.units import ACTION_UNITS, UNIT_WITHOUT_INTENSITY
from harness.data.rendered.scene import Scene
from harness.data.rendered.tracks import FRAME_RATE, PRESENT

WITH_INTENSITY = [i for i, name in enumerate(ACTION_UNITS) if name != UNIT_WITHOUT_INTENSITY]
GAZE = ("gaze_0_x", "gaze_0_y", "gaze_0_z", "gaze_1_x", "gaze_1_y", "gaze_1_z", "gaze_angle_x", "gaze_angle_y")
POSE = ("pose_Tx", "pose_Ty", "pose_Tz", "pose_Rx", "pose_Ry", "pose_Rz")
COLUMNS = (
    "frame", "face_id", "timestamp", "confidence", "success", *GAZE, *POSE,
    *(f"{ACTION_UNITS[i]}_r" for i in WITH_INTENSITY), *(f"{name}_c" for name in ACTION_UNITS),
)  # fmt: skip

_ROW = ", ".join(
    ["%d", "%d", "%.3f", "%.2f", "%d"]
    + ["%.3f"] * (len(GAZE) + len(POSE))
    + ["%.2f"] * (len(WITH_INTENSITY) + len(ACTION_UNITS))
)

INTENSITY_NOISE = 0.25
"""Standard deviation of the noise on an intensity, and separately of the noise under which presence is decided."""
LOST_CLIPS, LOST_STRETCHES, LOST_FRAMES = 0.004, 0.2, 0.01
"""Shares of clips without any face found, of clips with a stretch of frames lost, and of other frames lost."""


def openface_csv(rng: np.random.Generator, intensity_TA: np.ndarray, scene: Scene, lost: Sequence[int] = ()) -> str:
    """The text of one clip's file; rows with success = 0 hold zeros, as OpenFace writes them.

    No face is found in the frames `lost`, counted from 0, nor in some others.
    """
    found_T = _found(rng, len(intensity_TA))
    found_T[list(lost)] = False
    table = np.concatenate((_measured(rng, scene), _units(rng, intensity_TA)), axis=1)
    confidence_T = np.where(found_T, rng.uniform(0.88, 0.98, found_T.size), rng.uniform(0.02, 0.3, found_T.size))
    frame_T = np.arange(1.0, found_T.size + 1)
    front = np.stack((frame_T, np.zeros(found_T.size), (frame_T - 1) / FRAME_RATE, confidence_T, found_T), axis=1)
    rows = np.concatenate((front, table * found_T[:, None]), axis=1)
    body = "\n".join([_ROW] * found_T.size) % tuple(rows.ravel().tolist())
    return ", ".join(COLUMNS) + "\n" + body + "\n"


def _found(rng: np.random.Generator, frames: int) -> np.ndarray:
    """Frames in which the face was found, bool (T,)."""
    found_T = rng.random(frames) >= LOST_FRAMES
    start, length = int(rng.integers(frames)), int(rng.integers(3, max(4, 1 + frames // 4)))
    if rng.random() < LOST_STRETCHES:
        found_T[start : start + length] = False
    return found_T & (rng.random() >= LOST_CLIPS)


def _units(rng: np.random.Generator, intensity_TA: np.ndarray) -> np.ndarray:
    """17 intensities and 18 presences, each seen with noise of its own, (T, 35)."""
    noise = rng.normal(0.0, INTENSITY_NOISE, (2, *intensity_TA.shape))
    # An unseen action reads as a small positive number in OpenFace; clipping the noise at 0 does the same.
    intensity_TR = np.clip(intensity_TA + noise[0], 0.0, 5.0)[:, WITH_INTENSITY]
    return np.concatenate((intensity_TR, intensity_TA + noise[1] >= PRESENT), axis=1)


def _measured(rng: np.random.Generator, scene: Scene) -> np.ndarray:
    """Gaze and head pose (millimetres, radians) of the scene, (T, 14)."""
    across, down = (0.4 * scene.gaze).T
    away = -np.sqrt(1.0 - across**2 - down**2)
    place = (90.0 * scene.shift[:, 0], 90.0 * scene.shift[:, 1], np.full(across.size, 260.0 / scene.zoom))
    columns = (across, down, away, across, down, away, across, down, *place, scene.pitch, scene.yaw, scene.roll)
    return np.stack(columns, axis=1) + rng.normal(0.0, 0.002, (across.size, len(columns)))
