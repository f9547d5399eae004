import io
import random

import numpy as np
import pytest

from harness.au.fast_csv import IrregularError, parse, read_lines


def numbers(text, place, units=1):
    head, last = parse(text.encode(), text.splitlines()[0].count(",") + 1, place, units, float)
    return np.hstack([head, last])


def test_every_number_of_two_places_is_that_of_float():
    # As OpenFace writes AUs; 0.00 to 9.99 in one column, in single precision as the tables hold them.
    cells = [f"{i / 100:.2f}" for i in range(1000)]
    text = "\n".join(f"{i + 1}, {cell}" for i, cell in enumerate(cells))
    assert numbers(text, (0, 1))[:, 1].astype(np.float32).tolist() == np.array(cells, dtype=np.float32).tolist()


def test_numbers_of_other_widths_are_those_of_float_to_the_bit():
    draw = random.Random(0)
    rows = [
        [f"{draw.uniform(0, 10 ** draw.randint(0, 6)):.{draw.randint(0, 8)}f}" for _ in range(5)] for _ in range(300)
    ]
    found = numbers("\n".join(",".join(row) for row in rows), (0, 1, 2, 3, 4))
    assert found.tolist() == [[float(cell) for cell in row] for row in rows]


@pytest.mark.parametrize("separator", [",", ", ", ",  "])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_separators_and_line_ends(separator, newline, end):
    rows = [["1", "-0.5", "1.00"], ["2", "1e-3", "0.25"]]
    text = newline.join(separator.join(row) for row in rows) + end.replace("\n", newline)
    assert numbers(text, (0, 1, 2)).tolist() == [[1, -0.5, 1], [2, 0.001, 0.25]]


def test_columns_in_any_place_and_order():
    text = "\n".join(",".join(str(10 * row + column) for column in range(9)) for row in (1, 2))
    assert numbers(text, (7, 0, 3)).tolist() == [[17, 10, 13], [27, 20, 23]]


def test_the_last_cells_are_found_whatever_lies_before():
    text = "1,aa,0.10,1.00\n22,b,0.20,0.00"
    assert numbers(text, (0, 2, 3), units=2).tolist() == pytest.approx(np.array([[1, 0.1, 1], [22, 0.2, 0]]))


def test_a_last_cell_of_another_form_does_not_change_the_others():
    text = "1,0.10,1.00\n2,10.20,0.00\n3,nan,1.00"
    found = numbers(text, (0, 1, 2), units=2)
    assert found[:2].tolist() == [[1, 0.1, 1], [2, 10.2, 0]]
    assert np.isnan(found[2, 1])


@pytest.mark.parametrize(
    "text",
    ["1,2,3\n1,2", "1,2\n1,2,3", "1,2,3\n4,5\n6,7,8,9", "1,2,3\n\n4,5,6", "1,x,3", "1,,3", '1,"2",3', "1,2,3\n1 2,3,4"],
)
def test_what_is_not_plain_is_irregular(text):
    with pytest.raises(IrregularError):
        parse(text.encode(), 3, (0, 1, 2), 1, float)


def test_a_line_that_lacks_a_cell_while_another_has_one_more_is_irregular():
    with pytest.raises(IrregularError):
        parse(b"1,0.10,0.20\n2,0.10\n3,0.10,0.20,0.30\n", 3, (0, 1, 2), 2, float)


def test_blocks_have_every_line_once():
    draw = random.Random(1)
    lines = [b"x" * draw.randint(0, 9) + b"\n" for _ in range(200)]
    text = b"header\n" + b"".join(lines)
    for size in (1, 2, 3, 7, 50, len(text)):
        file = io.BytesIO(text)
        parts = [read_lines(file, 7, max(start, 7), start + size) for start in range(0, len(text), size)]
        assert b"".join(parts) == text[7:]
        assert all(part.endswith(b"\n") for part in parts if part)
