"""WAR below UAR: by hand, two classes of 30 and 10 clips."""

import pytest

from harness.analysis.audit.order import exchanged_columns, war_below_uar
from harness.analysis.audit.table import Cell, FoldSizes, Row, Table

SIZES = {"set": FoldSizes("set", ("a", "b"), {1: (30, 10)})}


def table(*pairs: tuple[str, str], dataset: str = "SET", arm: str = "reported") -> Table:
    columns = (f"{dataset}_WAR", f"{dataset}_UAR")
    rows = [Row(i, f"M{i}", arm, dict(zip(columns, map(Cell, pair), strict=True))) for i, pair in enumerate(pairs, 1)]
    return Table("t", columns, (), tuple(rows))


RIGHT = [("70.0", "60.0")] * 6


def test_how_much_better_the_rare_class_would_be() -> None:
    """WAR - UAR = 3/4 a + 1/4 b - (a + b) / 2 = (a - b) / 4: a gap of 10 is 40 points."""
    (found,) = war_below_uar(table(*RIGHT, ("50.0", "60.0")), SIZES)
    assert (found.row, found.evidence["contrast_points"], found.confidence) == ("M7, reported", "40.0", "likely")


def test_a_gap_that_no_accuracies_give_is_certain() -> None:
    """UAR 20 is at most b = 40, a = 0: WAR 10, a gap of 10."""
    (found,) = war_below_uar(table(*RIGHT, ("9.0", "20.0")), SIZES)
    assert (found.confidence, found.evidence["largest_possible_gap"]) == ("certain", "10.00")


def test_a_small_gap_is_no_finding() -> None:
    assert war_below_uar(table(*RIGHT, ("58.0", "60.0")), SIZES) == []


def test_where_it_is_common_it_is_no_finding() -> None:
    assert war_below_uar(table(*RIGHT[:2], ("50.0", "60.0"), ("50.0", "60.0")), SIZES) == []


def test_class_cells_that_explain_it() -> None:
    columns = ("a", "b", "WAR", "UAR")
    cells = [("80.0", "40.0", "70.0", "60.0")] * 3 + [("40.0", "80.0", "50.0", "60.0")]
    rows = [Row(i, f"M{i}", "", dict(zip(columns, map(Cell, row), strict=True))) for i, row in enumerate(cells, 1)]
    assert war_below_uar(Table("t", columns, ("a", "b"), tuple(rows)), SIZES, "set") == []


def test_a_row_that_closes_is_right() -> None:
    assert war_below_uar(table(*RIGHT, ("50.0", "60.0")), SIZES, closing={("t", 7)}) == []


def test_the_most_lenient_class_set_counts() -> None:
    """Of (90, 10): WAR - UAR = 2/5 (a - b): a gap of 10 is 25 points."""
    sizes = {**SIZES, "set_2": FoldSizes("set_2", ("a", "b"), {1: (90, 10)})}
    (found,) = war_below_uar(table(*RIGHT, ("50.0", "60.0")), sizes)
    assert (found.evidence["dataset"], found.evidence["contrast_points"]) == ("set_2", "25.0")


def test_even_classes_say_nothing() -> None:
    sizes = {"set": FoldSizes("set", ("a", "b"), {1: (10, 10)})}
    assert war_below_uar(table(*RIGHT, ("50.0", "60.0")), sizes) == []


def test_columns_of_all_rows_taken_from_elsewhere() -> None:
    reported = table(*[("50.0", "60.0")] * 3)
    ours = table(*RIGHT, ("72.0", "61.0"), arm="au").rows
    both = Table(
        "t", reported.columns, (), (*reported.rows, *(Row(r.number + 3, r.method, r.arm, r.cells) for r in ours))
    )
    (found,) = exchanged_columns(both, war_below_uar(both, SIZES))
    assert (found.row, found.column, len(found.evidence["rows"])) == ("", "SET_WAR, SET_UAR", 3)


@pytest.mark.parametrize("second, count", [(("50.0", "60.0"), 1), (("70.0", "60.0"), 0)])
def test_a_row_exchanged_in_every_data_set(second: tuple[str, str], count: int) -> None:
    one, two = table(("50.0", "60.0"), *RIGHT), table(second, *RIGHT, dataset="SET2")
    rows = [Row(a.number, a.method, a.arm, {**a.cells, **b.cells}) for a, b in zip(one.rows, two.rows, strict=True)]
    both = Table("t", one.columns + two.columns, (), tuple(rows))
    sizes = {**SIZES, "set2": SIZES["set"]}
    assert [found.row for found in exchanged_columns(both, war_below_uar(both, sizes))] == ["M1, reported"] * count
