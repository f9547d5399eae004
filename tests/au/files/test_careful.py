import numpy as np
import pandas as pd
import pytest

from harness.au.files.careful import read_openface
from harness.au.units import ACTION_UNITS
from harness.errors import DataError

NAMES = [
    *("frame", "face_id", "timestamp", "confidence", "success", "gaze_0_x", "pose_Tx"),
    *(f"{unit}_r" for unit in ACTION_UNITS if unit != "AU28"),
    *(f"{unit}_c" for unit in ACTION_UNITS),
]


def row_of(frame, present=(), **changes):
    """One frame as OpenFace prints it: intensities count up from 0.10, units in `present` are 1.00."""
    cells = {"frame": frame, "face_id": 0, "timestamp": "0.033", "confidence": "0.98", "success": 1}
    cells |= {"gaze_0_x": "-0.123", "pose_Tx": "12.3"}
    cells |= {f"{unit}_r": f"{i / 10 + 0.1:.2f}" for i, unit in enumerate(u for u in ACTION_UNITS if u != "AU28")}
    cells |= {f"{unit}_c": "1.00" if unit in present else "0.00" for unit in ACTION_UNITS}
    return cells | changes


def write(path, *rows, names=tuple(NAMES), separator=", ", newline="\n", encoding="utf-8"):
    lines = [separator.join(names), *(separator.join(str(row[name.strip()]) for name in names) for row in rows)]
    path.write_bytes((newline.join(lines) + newline).encode(encoding))
    return path


def test_names_with_leading_spaces_are_found(tmp_path):
    frames = read_openface(write(tmp_path / "a.csv", row_of(1, {"AU12"}), row_of(2, {"AU12", "AU45"})))
    assert frames.frame_T.tolist() == [1, 2]
    assert frames.success_T.tolist() == [True, True]
    assert frames.confidence_T.tolist() == [0.98, 0.98]
    assert [ACTION_UNITS[unit] for unit in np.flatnonzero(frames.presence_TA[1])] == ["AU12", "AU45"]
    assert frames.presence_TA.dtype == np.uint8
    assert frames.extra_faces == 0


def test_au28_has_no_intensity_and_its_neighbours_keep_theirs(tmp_path):
    frames = read_openface(write(tmp_path / "a.csv", row_of(1)))
    assert np.isnan(frames.intensity_TA[0, ACTION_UNITS.index("AU28")])
    assert frames.intensity_TA[0, ACTION_UNITS.index("AU26")] == pytest.approx(1.6)
    assert frames.intensity_TA[0, ACTION_UNITS.index("AU45")] == pytest.approx(1.7)


def test_columns_are_found_by_name_in_any_order(tmp_path):
    path = write(tmp_path / "a.csv", row_of(1, {"AU04"}), row_of(2), names=tuple(reversed(NAMES)))
    frames = read_openface(path)
    table = pd.read_csv(path, skipinitialspace=True)
    assert frames.presence_TA.tolist() == table[[f"{unit}_c" for unit in ACTION_UNITS]].astype(int).to_numpy().tolist()
    assert frames.intensity_TA[:, 0].tolist() == table["AU01_r"].tolist()


@pytest.mark.parametrize(
    "form", [{"newline": "\r\n"}, {"encoding": "utf-8-sig"}, {"separator": ","}], ids=["crlf", "bom", "no-space"]
)
def test_other_ways_to_write_the_same_file(tmp_path, form):
    frames = read_openface(write(tmp_path / "a.csv", row_of(1, {"AU01"}), **form))
    assert frames.presence_TA[0].tolist() == [1] + [0] * 17


def test_quoted_names_and_cells(tmp_path):
    path = write(tmp_path / "a.csv", row_of(1, {"AU01"}), separator=",")
    pd.read_csv(path).to_csv(path, index=False, quoting=1)
    assert '"AU01_c"' in path.read_text()
    assert read_openface(path).presence_TA[0, 0] == 1


def test_a_file_without_face_id_has_one_face(tmp_path):
    names = tuple(name for name in NAMES if name != "face_id")
    assert read_openface(write(tmp_path / "a.csv", row_of(1), names=names)).face_id_T.tolist() == [0]


def test_frames_not_tracked_may_hold_anything(tmp_path):
    lost = row_of(2, {"AU12"}, success=0, AU01_r="nan", AU02_r="-nan(ind)", AU04_c="nan")
    frames = read_openface(write(tmp_path / "a.csv", row_of(1, {"AU12"}), lost))
    assert frames.success_T.tolist() == [True, False]
    assert frames.presence_TA[:, ACTION_UNITS.index("AU12")].tolist() == [1, 0]


def test_of_several_faces_the_most_confident_is_kept(tmp_path):
    rows = [
        row_of(1, {"AU01"}, face_id=0, confidence=0.6),
        row_of(1, {"AU02"}, face_id=1, confidence=0.9),
        row_of(2, {"AU01"}, face_id=0, confidence=0.95),
        row_of(2, {"AU02"}, face_id=1, confidence=0.5),
        row_of(2, {"AU04"}, face_id=2, confidence=0.99, success=0),
        row_of(3, {"AU01"}, face_id=1, confidence=0.8),
        row_of(3, {"AU02"}, face_id=0, confidence=0.8),
    ]
    frames = read_openface(write(tmp_path / "a.csv", *rows))
    assert frames.frame_T.tolist() == [1, 2, 3]
    assert frames.face_id_T.tolist() == [1, 0, 0]
    assert frames.presence_TA[:, :2].tolist() == [[0, 1], [1, 0], [0, 1]]
    assert frames.extra_faces == 4


def test_frames_come_in_the_order_of_their_numbers(tmp_path):
    rows = [row_of(1), row_of(10, {"AU10"}), row_of(2, {"AU02"})]
    frames = read_openface(write(tmp_path / "a.csv", *rows))
    assert frames.frame_T.tolist() == [1, 2, 10]
    assert frames.presence_TA[:, ACTION_UNITS.index("AU10")].tolist() == [0, 0, 1]


def without(name):
    return tuple(other for other in NAMES if other != name)


@pytest.mark.parametrize(
    "rows, form, message",
    [
        ([row_of(1)], {"names": without("AU14_c")}, "1 columns are missing, first 'AU14_c'"),
        ([row_of(1)], {"names": without("AU14_r")}, "1 columns are missing, first 'AU14_r'"),
        ([row_of(1)], {"names": without("success")}, "first 'success'"),
        ([row_of(1)], {"names": (*NAMES, "AU01_c")}, "column 'AU01_c' appears more than once"),
        ([row_of(1)], {"separator": ";"}, "semicolons or tabs"),
        ([row_of(1)], {"separator": "\t"}, "semicolons or tabs"),
        ([row_of(1)], {"encoding": "utf-16"}, "cannot be read as UTF-8"),
        ([], {}, "has a header and no frame"),
        ([row_of(1), row_of(2, AU05_c="x")], {}, "frame line 2, column 'AU05_c': 'x' is not a number"),
        ([row_of(1, AU45_c="")], {}, "column 'AU45_c': '' is not a number"),
        ([row_of(7, AU05_c="2")], {}, "frame 7, column 'AU05_c': 2 is not 0 or 1"),
        ([row_of(7, success="0.5")], {}, "column 'success': 0.5 is not 0 or 1"),
        ([row_of(7, AU05_r="nan")], {}, "column 'AU05_r': nan is not a finite number"),
        ([row_of(7, AU05_r="-nan(ind)")], {}, "column 'AU05_r': nan is not a finite number"),
        ([row_of(1), row_of(1)], {}, "column 'frame' repeats a number for the same face_id"),
    ],
)
def test_a_wrong_file_is_one_line_with_file_and_column(tmp_path, rows, form, message):
    path = write(tmp_path / "clip.csv", *rows, **form)
    with pytest.raises(DataError) as caught:
        read_openface(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_cut_off_in_a_line(tmp_path):
    path = write(tmp_path / "clip.csv", row_of(1), row_of(2))
    path.write_text(path.read_text()[:-40])
    with pytest.raises(DataError, match=r"frame line 2, column 'AU\d\d_c': the line ends after"):
        read_openface(path)


@pytest.mark.parametrize("text", ["", "\n", "\ufeff"])
def test_an_empty_file(tmp_path, text):
    path = tmp_path / "clip.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="is empty"):
        read_openface(path)


def test_a_missing_file(tmp_path):
    with pytest.raises(DataError, match="no such AU file"):
        read_openface(tmp_path / "clip.csv")
