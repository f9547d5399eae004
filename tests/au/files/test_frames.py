import logging
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.au.files.careful import read_openface
from harness.au.files.frames import interpolate_zeros, read_frames
from harness.au.units import ACTION_UNITS
from harness.errors import DataError


def test_rows_come_video_by_video_in_the_order_asked_for(tmp_path, row_of, write):
    write(tmp_path / "b/00002.csv", row_of(1, {"AU02"}), row_of(2), row_of(3, {"AU45"}))
    write(tmp_path / "00001.csv", row_of(1, {"AU01"}, confidence="0.50"))
    table = read_frames(tmp_path, ["b/00002", "none", "00001"])
    assert table.offset_V.tolist() == [0, 3, 3, 4]
    assert table.missing == ("none",)
    assert table.frame_F.tolist() == [1, 2, 3, 1]
    assert table.confidence_F.tolist() == pytest.approx([0.98, 0.98, 0.98, 0.5])
    assert [np.flatnonzero(row).tolist() for row in table.presence_FA] == [[1], [], [17], [0]]
    assert table.intensity_FR[3].tolist() == pytest.approx([i / 10 + 0.1 for i in range(17)])
    assert table.intensity_FR.dtype == np.float32
    assert table.has_intensity_R.all()
    assert table.has_presence_A.all()


def test_fast_and_careful_reading_give_the_same_bits(tmp_path, row_of, write):
    rows = [row_of(1), row_of(2, success=0, AU01_r="-nan(ind)"), row_of(3, {"AU09"}, AU05_r="0.123456", AU06_r="1e-05")]
    rows += [row_of(4, {"AU01"}, face_id=0, confidence="0.5"), row_of(4, {"AU02"}, face_id=1, confidence="0.75")]
    path = write(tmp_path / "clip.csv", *rows)
    table, frames = read_frames(tmp_path, ["clip"]), read_openface(path)
    assert table.frame_F.tolist() == frames.frame_T.tolist() == [1, 2, 3, 4]
    assert table.extra_faces == frames.extra_faces == 1
    assert (table.presence_FA == frames.presence_TA).all()
    expected_FR = np.delete(frames.intensity_TA, ACTION_UNITS.index("AU28"), axis=1).astype(np.float32)
    assert np.array_equal(table.intensity_FR, expected_FR, equal_nan=True)


@pytest.mark.parametrize(
    "rows, message",
    [
        ([{"frame": 0}], "column 'frame': 0 is not a frame number, OpenFace 2.2 counts 1 by 1 from 1"),
        ([{"frame": 1.5}], "column 'frame': 1.5 is not a frame number"),
        ([{"frame": 1}, {"frame": 1}], "column 'frame' repeats a number for the same face_id"),
        ([{"frame": 1}, {"frame": 2, "AU05_c": "x"}], "frame line 2, column 'AU05_c': 'x' is not a number"),
        ([{"frame": 1, "AU05_r": "nan"}], "frame 1, column 'AU05_r': nan is not a finite number"),
        ([{"frame": 1, "AU05_c": "0.50"}], "frame 1, column 'AU05_c': 0.5 is not 0 or 1"),
        ([], "has a header and no frame"),
    ],
)
def test_a_wrong_file_has_the_same_line_as_if_read_alone(tmp_path, row_of, write, rows, message):
    path = write(tmp_path / "clip.csv", *(row_of(**cells) for cells in rows))
    with pytest.raises(DataError) as alone:
        read_openface(path)
    with pytest.raises(DataError) as among:
        read_frames(tmp_path, ["clip"])
    assert str(among.value) == str(alone.value)
    assert message in str(alone.value)


def test_a_line_cut_off_in_the_middle_is_refused(tmp_path, row_of, write):
    path = write(tmp_path / "clip.csv", row_of(1), row_of(2))
    path.write_text(path.read_text()[:-40])
    with pytest.raises(DataError, match="the line ends after"):
        read_frames(tmp_path, ["clip"])


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_crlf_and_bom(tmp_path, row_of, write, newline, start):
    path = write(tmp_path / "clip.csv", row_of(1, {"AU01", "AU45"}), newline=newline)
    path.write_bytes(start.encode() + path.read_bytes())
    assert np.flatnonzero(read_frames(tmp_path, ["clip"]).presence_FA[0]).tolist() == [0, 17]


def test_semicolons_are_refused(tmp_path, row_of, write):
    write(tmp_path / "clip.csv", row_of(1), separator=";")
    with pytest.raises(DataError, match="semicolons"):
        read_frames(tmp_path, ["clip"])


def test_frames_below_the_confidence_have_no_success(tmp_path, row_of, write):
    write(tmp_path / "clip.csv", row_of(1, {"AU01"}, confidence="0.79"), row_of(2, {"AU01"}, confidence="0.80"))
    table = read_frames(tmp_path, ["clip"], min_confidence=0.8)
    assert table.success_F.tolist() == [False, True]
    assert table.presence_FA[:, 0].tolist() == [0, 1]


def test_files_of_two_extractors_are_refused(tmp_path, row_of, write):
    write(tmp_path / "a.csv", row_of(1))
    (tmp_path / "b.csv").write_text("frame,FaceScore,AU01\n0,0.9,0.5\n")
    with pytest.raises(DataError, match="b has other action units than a"):
        read_frames(tmp_path, ["a", "b"])


def test_no_confidence_no_minimum(tmp_path):
    (tmp_path / "a.csv").write_text("frame_idx,au_1\n0,1\n")
    assert read_frames(tmp_path, ["a"]).has_presence_A.tolist() == [True] + [False] * 17
    with pytest.raises(DataError, match=r"a has no confidence to compare with 0\.5"):
        read_frames(tmp_path, ["a"], min_confidence=0.5)


def test_nothing_found_and_asked_twice(tmp_path):
    with pytest.raises(DataError, match=r"no AU file for any of 1 clips; expected e\.g\. a\.csv there"):
        read_frames(tmp_path, ["a"])
    with pytest.raises(DataError, match="1 videos are asked for twice"):
        read_frames(tmp_path, ["a", "a"])


def test_progress_and_workers(tmp_path, row_of, write, caplog):
    names = [f"{i:05d}" for i in range(40)]
    for i, name in enumerate(names):
        write(tmp_path / f"{name}.csv", *(row_of(frame) for frame in range(1, 2 + i % 5)))
    said = []
    with caplog.at_level(logging.WARNING):
        table = read_frames(tmp_path, names, workers=4, progress=lambda done, of: said.append((done, of)))
    assert np.diff(table.offset_V).tolist() == [1 + i % 5 for i in range(40)]
    assert said == [(i + 1, 40) for i in range(40)]


def column(values):
    intensity_FR = np.ones((len(values), 17), dtype=np.float32)
    intensity_FR[:, 3] = values
    return intensity_FR


def test_zeros_lie_on_the_line_between_their_neighbours():
    found_FR = interpolate_zeros(column([0, 1, 0, 0, 4, 0]), np.array([0, 6]), np.ones(6, dtype=bool))
    assert found_FR[:, 3].tolist() == [1, 1, 2, 3, 4, 4]
    assert (np.delete(found_FR, 3, axis=1) == 1).all()


def test_zeros_take_nothing_from_another_video():
    found_FR = interpolate_zeros(column([1, 0, 0, 0, 0, 3]), np.array([0, 2, 4, 4, 6]), np.ones(6, dtype=bool))
    assert found_FR[:, 3].tolist() == [1, 1, 0, 0, 3, 3]


def test_frames_that_are_not_usable_neither_give_nor_take():
    usable_F = np.array([True, False, True, False, True])
    found_FR = interpolate_zeros(column([1, 5, 0, 0, 3]), np.array([0, 5]), usable_F)
    assert found_FR[:, 3].tolist() == [1, 5, 2, 0, 3]


def test_lines_run_along_the_frame_numbers_where_these_are_given():
    numbers_F = np.array([1, 2, 5], dtype=np.int32)
    found_FR = interpolate_zeros(column([1, 0, 5]), np.array([0, 3]), np.ones(3, dtype=bool), numbers_F)
    assert found_FR[:, 3].tolist() == [1, 2, 5]


def test_the_table_itself_is_left_as_it_is():
    given_FR = column([1, 0, 3])
    interpolate_zeros(given_FR, np.array([0, 3]), np.ones(3, dtype=bool))
    assert given_FR[:, 3].tolist() == [1, 0, 3]


def test_in_place_the_table_itself_is_filled():
    given_FR = column([1, 0, 3])
    found_FR = interpolate_zeros(given_FR, np.array([0, 3]), np.ones(3, dtype=bool), in_place=True)
    assert given_FR[:, 3].tolist() == found_FR[:, 3].tolist() == [1, 2, 3]


@settings(max_examples=50, deadline=None)
@given(lengths=st.lists(st.integers(0, 9), max_size=6), seed=st.integers(0, 2**16))
def test_interpolation_is_that_of_numpy_video_by_video(lengths, seed):
    rng = np.random.default_rng(seed)
    offset_V = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    intensity_FR = (rng.integers(0, 3, (offset_V[-1], 17)) * rng.random((offset_V[-1], 17))).astype(np.float32)
    usable_F = rng.random(offset_V[-1]) < 0.7
    expected_FR = intensity_FR.copy()
    for start, end in pairwise(offset_V):
        for unit in range(17):
            values = intensity_FR[start:end, unit]
            given_at, zero = np.flatnonzero(usable_F[start:end] & (values != 0)), usable_F[start:end] & (values == 0)
            if len(given_at):
                expected_FR[start:end, unit][zero] = np.interp(np.flatnonzero(zero), given_at, values[given_at])
    found_FR = interpolate_zeros(intensity_FR, offset_V, usable_F, workers=2)
    assert found_FR == pytest.approx(expected_FR, rel=1e-5)
