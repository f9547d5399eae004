import random

import numpy as np
import pandas as pd
import pytest

from harness.au.files import folder
from harness.au.files.careful import read_openface
from harness.au.files.frames import read_frames
from harness.au.units import ACTION_UNITS
from harness.errors import DataError


@pytest.fixture
def no_careful_reader(monkeypatch):
    def read_rows(path):
        raise AssertionError(f"{path} went to the careful reader")

    monkeypatch.setattr(folder, "read_rows", read_rows)


def unit(table, name="AU05"):
    return table.intensity_FR[:, [one for one in ACTION_UNITS if one != "AU28"].index(name)]


@pytest.mark.usefixtures("no_careful_reader")
@pytest.mark.parametrize("start", ["", "\ufeff"], ids=["plain", "bom"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("separator", [",", ", "])
@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_plain_lines_need_no_careful_reader(tmp_path, row_of, write, start, newline, separator, end):
    rows = [row_of(1, {"AU45"}), row_of(2, face_id=0), row_of(2, face_id=1, confidence="0.99"), row_of(4, AU05_r="1e0")]
    rows += [row_of(5, success=0, AU05_r="-nan(ind)", AU06_r="nan")]
    path = write(tmp_path / "clip.csv", *rows, newline=newline, separator=separator)
    text = path.read_bytes().rstrip() + end.replace("\n", newline).encode()
    path.write_bytes(start.encode() + text)
    table = read_frames(tmp_path, ["clip"])
    assert table.frame_F.tolist() == [1, 2, 4, 5]
    assert table.success_F.tolist() == [True, True, True, False]
    assert unit(table)[:3].tolist() == pytest.approx([0.4, 0.4, 1])
    assert table.presence_FA[:, 17].tolist() == [1, 0, 0, 0]
    assert table.extra_faces == 1


@pytest.mark.usefixtures("no_careful_reader")
def test_numbers_of_any_width_are_those_of_float_to_the_bit(tmp_path, row_of, write):
    draw = random.Random(0)
    cells = [f"{i / 100:.2f}" for i in range(1000)]
    cells += [f"{draw.uniform(0, 10 ** draw.randint(0, 6)):.{draw.randint(0, 20)}f}" for _ in range(1000)]
    write(tmp_path / "clip.csv", *(row_of(i, AU05_r=cell) for i, cell in enumerate(cells, start=1)))
    expected = np.array([float(cell) for cell in cells]).astype(np.float32)
    assert unit(read_frames(tmp_path, ["clip"])).tolist() == expected.tolist()


@pytest.mark.usefixtures("no_careful_reader")
def test_a_large_file_is_read_in_blocks_as_in_one(tmp_path, row_of, write, monkeypatch):
    rng = np.random.default_rng(0)
    rows = [
        row_of(
            frame,
            {ACTION_UNITS[frame % 18]},
            confidence=f"{rng.uniform(0.5, 1):.2f}",
            AU12_r=f"{rng.uniform(0, 5):.2f}",
        )
        for frame in range(1, 400)
    ]
    path = write(tmp_path / "clip.csv", *rows)
    for block in (500, 1000, 5000, 10**6):
        monkeypatch.setattr(folder, "BLOCK", block)
        table = read_frames(tmp_path, ["clip"], workers=3)
        expected = pd.read_csv(path, skipinitialspace=True)
        assert table.frame_F.tolist() == list(range(1, 400))
        assert table.confidence_F.tolist() == expected["confidence"].astype(np.float32).tolist()
        assert table.intensity_FR[:, 8].tolist() == expected["AU12_r"].astype(np.float32).tolist()
        assert (table.presence_FA == expected[[f"{unit}_c" for unit in ACTION_UNITS]]).all(axis=None)


@pytest.mark.usefixtures("no_careful_reader")
def test_an_empty_cell_is_nan_where_the_extractor_writes_it_so(tmp_path):
    (tmp_path / "clip.csv").write_text("frame,FaceScore,AU01,AU02,input\n0,0.9,1,0,a\n1,,,,a\n")
    assert read_frames(tmp_path, ["clip"]).success_F.tolist() == [True, False]


@pytest.mark.parametrize("cell", ["+1", "1_0", "1.", ".5", "1e-3", "\u0661", "\x0b1"])
def test_whatever_float_takes_is_taken(tmp_path, row_of, write, cell):
    write(tmp_path / "clip.csv", row_of(1, AU05_r=cell))
    assert unit(read_frames(tmp_path, ["clip"])).tolist() == [np.float32(float(cell))]


@pytest.mark.parametrize(
    "cell, message",
    [
        *(
            (cell, f"'{cell}' is not a number")
            for cell in ("", "0x1", "true", "NA", "null", "1 0", "0.5.5", "nan(a-b)")
        ),
        *((cell, "is not a finite number") for cell in ("nan", "NAN(IND)", "-nan(ind)", "inf", "-Infinity", "1e400")),
    ],
)
@pytest.mark.parametrize("success", [0, 1])
def test_a_cell_that_is_no_number_is_refused(tmp_path, row_of, write, cell, message, success):
    path = write(tmp_path / "clip.csv", row_of(1), row_of(2, AU05_r=cell, success=success))
    if "finite" in message and not success:
        assert read_frames(tmp_path, ["clip"]).success_F.tolist() == [True, False]
        return
    with pytest.raises(DataError, match="column 'AU05_r': ") as among:
        read_frames(tmp_path, ["clip"])
    assert message in str(among.value)
    with pytest.raises(DataError) as alone:
        read_openface(path)
    assert str(among.value) == str(alone.value)


def test_an_empty_line_and_one_of_blanks_are_passed_over(tmp_path, row_of, write):
    path = write(tmp_path / "clip.csv", row_of(1), row_of(2), row_of(3))
    first, *lines = path.read_text().splitlines()
    path.write_text("\n".join([first, lines[0], "", lines[1], "  ", lines[2]]))
    assert read_frames(tmp_path, ["clip"]).frame_F.tolist() == [1, 2, 3]


def test_a_line_that_lacks_a_cell_is_refused_though_another_has_one_more(tmp_path, row_of, write):
    path = write(tmp_path / "clip.csv", row_of(1), row_of(2), row_of(3))
    header, first, second, third = path.read_text().splitlines()
    path.write_text("\n".join([header, first, second.rpartition(",")[0], f"{third}, 0.00"]))
    with pytest.raises(DataError, match="frame line 2, column 'AU45_c': the line ends after 41 of 42 cells"):
        read_frames(tmp_path, ["clip"])


def test_quoted_cells_are_read(tmp_path, row_of, write):
    path = write(tmp_path / "clip.csv", row_of(1, {"AU01"}, AU05_r='"0.25"'), separator=",")
    assert unit(read_frames(tmp_path, ["clip"])).tolist() == [0.25]
    path.write_text(path.read_text().replace("-0.123", '"a, b"'))
    assert unit(read_frames(tmp_path, ["clip"])).tolist() == [0.25]


def test_files_come_in_the_order_asked_for_however_few_are_ahead(tmp_path, row_of, write, monkeypatch):
    names = [f"{i:05d}" for i in range(20)]
    for i, name in enumerate(names):
        write(tmp_path / f"{name}.csv", *(row_of(frame) for frame in range(1, 30 - i)))
    for ahead in (0, 10_000, 1 << 24):
        monkeypatch.setattr(folder, "_AHEAD", ahead)
        found = [(one.video, len(one.rows.frame_T)) for one in folder.read_folder(tmp_path, names, workers=3)]
        assert found == [(name, 29 - i) for i, name in enumerate(names)]


def test_a_line_longer_than_a_block_goes_to_the_careful_reader(tmp_path, row_of, write, monkeypatch):
    write(tmp_path / "clip.csv", row_of(1), row_of(2))
    monkeypatch.setattr(folder, "BLOCK", 100)
    assert read_frames(tmp_path, ["clip"]).frame_F.tolist() == [1, 2]
