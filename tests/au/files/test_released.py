import logging

import pytest

from harness.au.files.frames import read_frames
from harness.errors import DataError

ONE = " ".join("1" + "0" * 17)
LAST = " ".join("0" * 17 + "1")


def list_of(tmp_path, *lines, newline="\n", start=""):
    path = tmp_path / "AU_DFEW.txt"
    path.write_bytes((start + newline.join(lines) + newline).encode())
    return path


@pytest.mark.parametrize("form", [{}, {"newline": "\r\n"}, {"start": "\ufeff"}], ids=["lf", "crlf", "bom"])
def test_frames_sorted_as_text_come_by_number(tmp_path, form):
    path = list_of(
        tmp_path, f" 00002.csv/1 {LAST}", f" 00001.csv/1 {ONE}", f" 00001.csv/10 {LAST}", f" 00001.csv/2 {ONE}", **form
    )
    table = read_frames(path, ["00001", "00002"])
    assert table.frame_F.tolist() == [1, 2, 10, 1]
    assert table.offset_V.tolist() == [0, 3, 4]
    assert table.presence_FA[:, 0].tolist() == [1, 1, 0, 0]
    assert table.presence_FA[:, 17].tolist() == [0, 0, 1, 1]
    assert table.has_presence_A.all()
    assert not table.has_intensity_R.any()


def test_clips_of_ferv39k_have_scene_and_class(tmp_path):
    path = list_of(tmp_path, f" Action/Happy/0267/01 {ONE}", f" Action/Happy/0267/02 {ONE}")
    assert read_frames(path, ["Action/Happy/0267"]).frame_F.tolist() == [1, 2]


def test_a_frame_without_units_has_no_success_and_is_counted(tmp_path, caplog):
    path = list_of(tmp_path, f" 00001.csv/1 {ONE}", " 00001.csv/2", " 00001.csv/3 ")
    with caplog.at_level(logging.WARNING):
        table = read_frames(path, ["00001"])
    assert table.success_F.tolist() == [True, False, False]
    assert table.presence_FA[:, 0].tolist() == [1, 0, 0]
    assert [record.getMessage() for record in caplog.records] == [
        f"{path}: 2 frames have no action units and do not count"
    ]


@pytest.mark.parametrize(
    "lines, message",
    [
        ([f" 00001.csv/0 {ONE}"], "line 1: 00001.csv/0: frames are counted from 1"),
        ([f" 00001.csv/1 {ONE}", f" 00001.csv/01 {ONE}"], "line 2: frame 1 of 00001 is there twice"),
        ([f" 00001.csv/1 {ONE} 1"], "line 1: 00001.csv/1 has 19 units, not 18"),
        ([f" 00001.csv/1 {ONE[:-2]}"], "has 17 units, not 18"),
        ([f" 00001.csv/1 {ONE[:-1]}2"], "has a unit '2' that is not 0 or 1"),
        ([f" 00001.csv/1 {ONE[:-1]}nan"], "has a unit 'nan' that is not 0 or 1"),
        (["00001.csv;1;0;1"], "line 1: '00001.csv;1;0;1' is not a clip, a slash and a frame number"),
        ([f" 00002.csv/1 {ONE}"], "none of 1 clips is in the list, e.g. 00001; it begins with 00002"),
        ([""], "is empty"),
    ],
)
def test_other_forms_are_refused_by_line(tmp_path, lines, message):
    with pytest.raises(DataError, match=message):
        read_frames(list_of(tmp_path, *lines), ["00001"])


def test_a_missing_list(tmp_path):
    with pytest.raises(DataError, match="no such AU list"):
        read_frames(tmp_path / "AU.txt", ["00001"])
