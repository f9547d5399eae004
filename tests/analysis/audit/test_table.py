from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from harness.analysis.audit.table import Cell, fold_sizes, read_fold_sizes, read_table
from harness.errors import DataError


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "given.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("text, low, high", [("3.45", "3.445", "3.455"), ("7.0", "6.95", "7.05"), ("7", "6.5", "7.5")])
def test_a_cell_holds_what_rounds_to_it(text: str, low: str, high: str) -> None:
    cell = Cell(text)
    assert (cell.low, cell.high) == (Fraction(Decimal(low)), Fraction(Decimal(high)))
    assert cell.holds(cell.low)
    assert not cell.holds(cell.high + Fraction(1, 10**9))


def test_a_table_keeps_columns_in_order_and_leaves_out_empty_cells(tmp_path: Path) -> None:
    text = "method,arm,happy,sad,WAR,UAR,GFLOPs\nA,baseline,1.00,,3.00,-,9\nB,,2,4,3,3,\n"
    table = read_table(written(tmp_path, text))
    assert table.classes == ("happy", "sad")
    assert table.columns == ("happy", "sad", "WAR", "UAR", "GFLOPs")
    assert set(table.rows[0].cells) == {"happy", "WAR", "GFLOPs"}
    assert [row.name for row in table.rows] == ["A, baseline", "B"]


def test_metrics_of_several_data_sets_are_no_classes(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "method,DFEW_WAR,DFEW_UAR,MAFW_WAR\nA,1,2,3\n"))
    assert table.classes == ()
    assert len(table.columns) == 3


@pytest.mark.parametrize(
    "text, said",
    [
        ("name,WAR\nA,1\n", "no column 'method'"),
        ("method,happy\nA,1\n", "no column WAR or UAR"),
        ("method,WAR\nA,abc\n", "WAR: 'abc'"),
        ("method,WAR\nA,nan\n", "WAR: 'nan'"),
        ("method,WAR\nA\n", ":2: has not as many cells"),
    ],
)
def test_what_is_no_table_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=r"given\.csv") as error:
        read_table(written(tmp_path, text))
    assert said in str(error.value)


SIZES = "dataset,fold,class,count\nD,1,a,3\nD,1,b,5\nD,2,b,6\nD,2,a,4\n"


def test_class_sizes_go_by_name_and_pool(tmp_path: Path) -> None:
    sizes = read_fold_sizes(written(tmp_path, SIZES))["D"]
    assert sizes.sizes == {1: (3, 5), 2: (4, 6)}
    assert sizes.pooled == (7, 11)
    assert sizes.only(["b"]).sizes == {1: (5,), 2: (6,)}


@pytest.mark.parametrize(
    "text, said",
    [
        (SIZES + "D,2,a,4\n", "is given twice"),
        (SIZES + "D,3,a,4\n", "fold 3 has other classes"),
        (SIZES.replace("b,6", "b,0"), "a class without clips"),
        (SIZES.replace("b,6", "b,six"), "not whole numbers"),
        ("dataset,fold,class,count\n", "has no class size"),
        ("dataset,fold,count\nD,1,2\n", "columns are not"),
    ],
)
def test_class_sizes_that_do_not_fit_together_are_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_fold_sizes(written(tmp_path, text))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.csv"):
        read_fold_sizes(tmp_path / "absent.csv")


def test_sizes_as_given_are_sorted_by_fold() -> None:
    assert list(fold_sizes("D", ["a"], {2: [1], 1: [2]}).sizes.items()) == [(1, (2,)), (2, (1,))]
