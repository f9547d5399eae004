import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from harness.au.files import tables
from harness.au.files.frames import read_frames
from harness.au.files.tables import write_tables
from harness.au.units import ACTION_UNITS
from harness.errors import DataError


@pytest.fixture
def source(tmp_path, row_of, write):
    folder = tmp_path / "openface"
    write(
        folder / "00001.csv",
        row_of(1, {"AU01"}, AU12_r="0.00"),
        row_of(2, {"AU01"}, AU12_r="1.00", confidence="0.50"),
        row_of(3, AU12_r="0.00", success=0),
        row_of(4, AU12_r="0.00"),
        row_of(4, face_id=1, confidence="0.10"),
    )
    write(folder / "s/00002.csv", *(row_of(frame, {"AU02"}) for frame in range(1, 8)))
    write(folder / "00003.csv", row_of(1, success=0))
    return folder


NAMES = ["s/00002", "00004", "00001", "00003"]


def test_the_summary_says_what_was_left_out(source, tmp_path):
    summary = write_tables(source, NAMES, tmp_path / "out")
    assert (summary.frames, summary.usable, summary.without_face, summary.below_confidence) == (12, 10, 2, 0)
    assert (summary.clips, summary.masked, summary.missing, summary.extra_faces) == (3, 1, ("00004",), 1)
    # AU12 of clip 00001: frames 1 and 4 are zero and usable, frame 2 is not zero.
    assert summary.zeros["AU12"] == summary.interpolated["AU12"] == 2
    assert sum(summary.zeros.values()) == 2
    assert summary.lacking == ()
    assert json.loads((tmp_path / "out/summary.json").read_text()) == json.loads(json.dumps(summary.as_json()))
    assert "frames 12: usable 10, 2 without a face, 0 below 0" in summary.lines()


def test_frames_below_the_confidence_are_counted_and_kept_in_the_table(source, tmp_path):
    summary = write_tables(source, NAMES, tmp_path / "out", min_confidence=0.6)
    assert (summary.usable, summary.below_confidence) == (9, 1)
    # Nothing usable of AU12 is left that is not zero.
    assert (summary.zeros["AU12"], summary.interpolated["AU12"]) == (2, 0)
    table = pq.read_table(tmp_path / "out/frames.parquet").to_pandas()
    assert table[table.video == "00001"].success.tolist() == [True, True, False, True]


def test_the_clip_table_has_a_row_for_each_clip_asked_for(source, tmp_path):
    write_tables(source, NAMES, tmp_path / "out")
    table = pq.read_table(tmp_path / "out/clips.parquet").to_pandas()
    assert table.columns.tolist() == ["clip", "frames", "usable", "extra_faces", *ACTION_UNITS, "mask"]
    assert table["clip"].tolist() == NAMES
    assert table["frames"].tolist() == [7, 0, 4, 1]
    assert table["usable"].tolist() == [7, 0, 3, 0]
    assert table["mask"].tolist() == [True, False, True, False]
    assert table[["AU01", "AU02"]].to_numpy().tolist() == [[0, 1], [0, 0], [1, 0], [0, 0]]


@pytest.mark.parametrize("rows", [1, 5, 10**6])
@pytest.mark.parametrize("names", [NAMES, ["00003", "s/00002"], ["00001", "s/00002"]])
def test_the_table_is_read_again_as_the_files_are(source, tmp_path, monkeypatch, rows, names):
    monkeypatch.setattr(tables, "ROWS", rows)
    write_tables(source, NAMES, tmp_path / "out")
    ours, files = (read_frames(place, names, min_confidence=0.6) for place in (tmp_path / "out/frames.parquet", source))
    assert ours.missing == files.missing
    for field in ("offset_V", "frame_F", "confidence_F", "success_F", "intensity_FR", "presence_FA", "has_intensity_R"):
        assert np.array_equal(getattr(ours, field), getattr(files, field)), field


def test_a_source_with_fewer_units_has_fewer_columns(tmp_path):
    (tmp_path / "a.csv").write_text("frame_idx,au_1,au_2_intensity\n0,1,2.5\n1,0,0.0\n")
    summary = write_tables(tmp_path, ["a"], tmp_path / "out")
    table = pq.read_table(tmp_path / "out/frames.parquet")
    assert table.column_names == ["video", "frame", "confidence", "success", "AU02_r", "AU01_c"]
    assert table.column("confidence").null_count == 2
    assert summary.lacking == ACTION_UNITS[1:]
    assert summary.zeros == {"AU02": 1}
    read = read_frames(tmp_path / "out/frames.parquet", ["a"])
    assert np.flatnonzero(read.has_intensity_R).tolist() == [1]
    assert read.intensity_FR[:, 1].tolist() == [2.5, 0]
    with pytest.raises(DataError, match="no confidence"):
        read_frames(tmp_path / "out/frames.parquet", ["a"], min_confidence=0.5)


def test_a_fault_leaves_the_tables_there_before_and_no_summary(source, tmp_path):
    write_tables(source, NAMES, tmp_path / "out")
    before = (tmp_path / "out/frames.parquet").read_bytes()
    (source / "00003.csv").write_text("frame;success\n")
    with pytest.raises(DataError, match="semicolons"):
        write_tables(source, NAMES, tmp_path / "out")
    assert (tmp_path / "out/frames.parquet").read_bytes() == before
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["clips.parquet", "frames.parquet"]


def test_a_file_shorter_than_the_clip_is_refused(source, tmp_path):
    with pytest.raises(DataError, match="AU rows of 00001 end at frame 4, the clip has 5 pictures"):
        write_tables(source, ["s/00002", "00001"], tmp_path / "out", least_frames=[7, 5])


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda table: table.drop_columns("success"), "column 'success' is missing"),
        (lambda table: table.take([0, 8, 1]), r"rows of s/00002 do not lie together"),
        (lambda table: table.take([1, 0]), r"frames of s/00002 do not rise"),
    ],
)
def test_a_table_that_was_changed_is_refused(source, tmp_path, change, message):
    write_tables(source, NAMES, tmp_path / "out")
    path = tmp_path / "out/frames.parquet"
    pq.write_table(change(pq.read_table(path)), path)
    with pytest.raises(DataError, match=message):
        read_frames(path, NAMES)


def test_a_table_that_is_none(tmp_path):
    (tmp_path / "frames.parquet").write_text("x")
    with pytest.raises(DataError, match="cannot be read as a table of AU frames"):
        read_frames(tmp_path / "frames.parquet", ["a"])
    with pytest.raises(DataError, match="cannot be read as a table of AU frames"):
        read_frames(tmp_path / "none.parquet", ["a"])
