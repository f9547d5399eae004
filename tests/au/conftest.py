"""AU files for tests, written cell by cell."""

import numpy as np
import pytest

from harness.au.files.rows import Rows, VideoRows
from harness.au.units import ACTION_UNITS

WITH_INTENSITY = [unit for unit in ACTION_UNITS if unit != "AU28"]
NAMES = (
    *("frame", "face_id", "timestamp", "confidence", "success", "gaze_0_x", "pose_Tx"),
    *(f"{unit}_r" for unit in WITH_INTENSITY),
    *(f"{unit}_c" for unit in ACTION_UNITS),
)


@pytest.fixture
def row_of():
    def row_of(frame, present=(), **changes):
        """One frame as OpenFace prints it: intensities count up from 0.10, units in `present` are 1.00."""
        cells = {"frame": frame, "face_id": 0, "timestamp": "0.033", "confidence": "0.98", "success": 1}
        cells |= {"gaze_0_x": "-0.123", "pose_Tx": "12.3"}
        cells |= {f"{unit}_r": f"{i / 10 + 0.1:.2f}" for i, unit in enumerate(WITH_INTENSITY)}
        cells |= {f"{unit}_c": "1.00" if unit in present else "0.00" for unit in ACTION_UNITS}
        return cells | changes

    return row_of


@pytest.fixture
def write():
    def write(path, *rows, names=NAMES, separator=", ", newline="\n"):
        lines = [separator.join(names), *(separator.join(str(row[name]) for name in names) for row in rows)]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((newline.join(lines) + newline).encode())
        return path

    return write


@pytest.fixture
def video_of():
    def video_of(video, frames, presence, success=None, confidence=None, intensity=None):
        """Rows whose first units are the given digits, all units there."""
        presence_TA = np.zeros((len(frames), 18), dtype=np.uint8)
        for frame, digits in enumerate(presence):
            presence_TA[frame, : len(digits)] = [int(digit) for digit in digits]
        nothing = np.zeros(len(frames), dtype=np.int32)
        rows = Rows(
            np.array(frames, dtype=np.int32),
            nothing,
            np.array(confidence or [1.0] * len(frames), dtype=np.float32),
            np.array(success or [True] * len(frames)),
            np.zeros((len(frames), 17), dtype=np.float32) if intensity is None else intensity,
            presence_TA,
        )
        return VideoRows(video, rows, np.ones(17, dtype=bool), np.ones(18, dtype=bool), True, 0)

    return video_of
