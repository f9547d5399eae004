import pytest

from harness.analysis.audit.repairs import repairs, search
from harness.analysis.audit.table import Cell, Row, Table, fold_sizes

CLASSES = ("a", "b", "c", "d", "e")
COLUMNS = (*CLASSES, "WAR", "UAR")
SIZES = fold_sizes("D", CLASSES, {1: [489, 379, 181, 29, 97], 2: [491, 380, 180, 29, 98]})
# 400, 200, 90, 3, 50 right clips of fold 1; 391, 120, 33, 1, 88 in the row above it.
RIGHT = {"a": "81.80", "b": "52.77", "c": "49.72", "d": "10.34", "e": "51.55", "WAR": "63.23", "UAR": "49.24"}
ABOVE = {"a": "79.96", "b": "31.66", "c": "18.23", "d": "3.45", "e": "90.72", "WAR": "53.87", "UAR": "44.80"}


def table_of(cells: dict[str, str]) -> Table:
    rows = [{n: Cell(t) for n, t in row.items() if t} for row in (ABOVE, cells)]
    return Table("T", COLUMNS, CLASSES, tuple(Row(number, "A", "", row) for number, row in enumerate(rows, start=1)))


@pytest.mark.parametrize(
    "slip, column, mended",
    [
        ({"c": "49.92"}, "c", "49.72"),
        ({"a": "18.80"}, "a", "81.80"),
        ({"d": "0.34"}, "d", "10.34"),
        ({"UAR": "49.94"}, "UAR", "49.24"),
        ({"WAR": "83.23"}, "WAR", "63.23"),
    ],
)
def test_one_slip_of_the_digits_is_undone(slip: dict[str, str], column: str, mended: str) -> None:
    table = table_of(RIGHT | slip)
    finding = repairs(table.rows[1], table, SIZES)
    assert finding is not None
    assert (finding.kind, finding.column, finding.derived, finding.basis) == ("repair", column, mended, "fold1")
    assert finding.evidence["changes"] == {column: [slip[column], mended]}


def test_exchanged_metrics_are_exchanged_back() -> None:
    table = table_of(RIGHT | {"WAR": RIGHT["UAR"], "UAR": RIGHT["WAR"]})
    finding = repairs(table.rows[1], table, SIZES)
    assert finding is not None
    assert finding.evidence["family"] == "cells exchanged"
    assert finding.evidence["changes"] == {"WAR": ["49.24", "63.23"], "UAR": ["63.23", "49.24"]}


def test_a_row_one_column_to_the_left_is_moved_back() -> None:
    values = list(RIGHT.values())
    shifted = dict(zip(COLUMNS, [values[0], *values[2:], "8.32"], strict=True))
    table = table_of(shifted)
    finding = repairs(table.rows[1], table, SIZES)
    assert finding is not None
    assert (finding.kind, finding.column) == ("shifted", "b")
    low, high = map(float, finding.derived.split(" to "))
    assert low <= 52.77 <= high


def test_a_row_one_column_to_the_right_is_moved_back() -> None:
    values = list(RIGHT.values())
    table = table_of(dict(zip(COLUMNS, [*values[:2], "12.34", *values[2:-1]], strict=True)))
    finding = repairs(table.rows[1], table, SIZES)
    assert finding is not None
    assert finding.kind == "shifted"
    assert finding.evidence["cells"]["WAR"] == "63.23"


def test_a_cell_of_the_row_above_is_worked_out() -> None:
    table = table_of(RIGHT | {"e": ABOVE["e"]})
    finding = repairs(table.rows[1], table, SIZES)
    assert finding is not None
    assert finding.column == "e"
    low, high = map(float, finding.derived.split(" to "))
    assert low <= 51.55 <= high


def test_several_changes_that_would_do_are_counted_and_none_is_offered() -> None:
    # Cells of one decimal stand for 49.95 to 50.05, so UAR for as much, which is 49.9, 50.0 or 50.1.
    big = fold_sizes("D", CLASSES, {1: [40000] * 5})
    table = table_of(dict.fromkeys(CLASSES, "50.0") | {"WAR": "50.0", "UAR": "50.9"})
    found = search(table.rows[1], table, big)
    assert {change.said for change, _ in found.closing} == {"UAR is 50.0, not 50.9", "UAR is 50.1, not 50.9"}
    assert repairs(table.rows[1], table, big) is None


def test_a_row_that_no_single_change_mends_has_none() -> None:
    table = table_of(
        {"a": "11.11", "b": "22.21", "c": "33.31", "d": "44.41", "e": "55.51", "WAR": "66.61", "UAR": "77.71"}
    )
    found = search(table.rows[1], table, SIZES)
    assert (found.closing, repairs(table.rows[1], table, SIZES)) == ((), None)
    assert found.tried > 200
