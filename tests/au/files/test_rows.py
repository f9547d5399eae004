from pathlib import Path

import numpy as np
import pytest

from harness.au.files.careful import read_rows
from harness.errors import DataError

PY_FEAT = "frame,FaceScore,AU01,AU02,AU11,input"
LIBREFACE = ",frame_idx,frame_time_in_ms,au_1,au_2,au_1_intensity,au_4_intensity"


def file_of(tmp_path, *lines) -> Path:
    path = tmp_path / "clip.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_py_feat_is_present_from_one_half_and_counts_from_zero(tmp_path):
    path = file_of(tmp_path, PY_FEAT, '0.0,0.99,0.5,0.49,1,"a, b.mp4"', "1.0,,,,,c", "2.0,0.9,0.2,0.9,0,c")
    rows, columns, extra = read_rows(path)
    assert rows.frame_T.tolist() == [1, 2, 3]
    assert rows.success_T.tolist() == [True, False, True]
    assert rows.presence_TA[:, :3].tolist() == [[1, 0, 0], [0, 0, 0], [0, 1, 0]]
    assert columns.presence_units == ("AU01", "AU02")
    assert np.isnan(rows.intensity_TR).all()
    assert extra == 0


def test_py_feat_keeps_the_face_of_the_largest_score(tmp_path):
    rows, _, extra = read_rows(file_of(tmp_path, PY_FEAT, "0,0.5,1,0,0,a", "0,0.9,0,1,0,a", "1,0.7,1,1,0,a"))
    assert rows.presence_TA[:, :2].tolist() == [[0, 1], [1, 1]]
    assert rows.confidence_T.tolist() == pytest.approx([0.9, 0.7])
    assert extra == 1


def test_libreface_gives_some_presences_and_some_intensities(tmp_path):
    rows, columns, _ = read_rows(file_of(tmp_path, LIBREFACE, "0,0,0.0,1,0,2.5,0.25", "1,1,33.3,0,1,0.125,4.5"))
    assert rows.frame_T.tolist() == [1, 2]
    assert rows.presence_TA[:, :3].tolist() == [[1, 0, 0], [0, 1, 0]]
    assert rows.intensity_TR[:, [0, 2]].tolist() == [[2.5, 0.25], [0.125, 4.5]]
    assert np.isnan(rows.intensity_TR[:, 1]).all()
    assert columns.extractor.confidence is None


@pytest.mark.parametrize(
    "lines, message",
    [
        ((PY_FEAT, "0,0.9,1.5,0,0,a"), "frame 0, column 'AU01': 1.5 is not a probability from 0 to 1"),
        ((PY_FEAT, "0,0.9,,0.5,0,a"), "frame 0, column 'AU01': nan is not a probability"),
        ((PY_FEAT, "-1,0.9,0,0,0,a"), "-1 is not a frame number, py-feat counts 1 by 1 from 0"),
        ((LIBREFACE, "0,0,0,2,0,1,1"), "column 'au_1': 2 is not 0 or 1"),
        ((LIBREFACE, "0,0,0,1,0,1,1", "1,0,0,1,0,1,1"), "column 'frame_idx' repeats a number; write"),
    ],
)
def test_wrong_values_are_named(tmp_path, lines, message):
    with pytest.raises(DataError, match=message):
        read_rows(file_of(tmp_path, *lines))
