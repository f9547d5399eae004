"""Rows beside rows: made-up tables, and the paper's three."""

from fractions import Fraction

import pytest

from harness.analysis.audit.compare import compare_tables, copied_cells, displaced_cells, same_quantity
from harness.analysis.audit.finding import Finding
from harness.analysis.audit.table import Cell, FoldSizes, Row, Table, fold_sizes, read_table
from harness.manifest import load_dataset, manifests_dir

CLASSES = ("happy", "sad", "fear")
SIZES = {"set": FoldSizes("set", CLASSES, {1: (500, 400, 30)})}
NAMES = {"t": "set", "u": "set"}


def table(name: str, *rows: tuple[str, str, str], columns: str = "happy sad fear WAR UAR") -> Table:
    """Rows of method, arm and cells; `-` is an empty cell."""
    names = tuple(columns.split())
    made = [
        Row(i, method, arm, {n: Cell(c) for n, c in zip(names, cells.split(), strict=True) if c != "-"})
        for i, (method, arm, cells) in enumerate(rows, start=1)
    ]
    return Table(name, names, tuple(n for n in names if n in CLASSES), tuple(made))


T = table(
    "t",
    ("A", "reported", "80.20 61.25 10.00 65.12 50.48"),
    ("B", "reported", "70.40 50.00 3.33 55.20 41.24"),
    ("C", "reported", "60.60 55.50 23.33 52.40 46.48"),
    ("D", "reported", "90.80 70.75 43.33 77.00 68.29"),
)  # fmt: skip


def test_the_same_table_twice_has_no_difference() -> None:
    u = Table("u", T.columns, T.classes, T.rows)
    assert list(same_quantity({"t": T, "u": u}, NAMES)) == []


def test_one_quantity_in_two_tables() -> None:
    u = table("u", ("A", "reported", "65.13 50.48"), columns="SET_WAR SET_UAR")
    (found,) = same_quantity({"t": T, "u": u}, NAMES)
    assert (found.table, found.column, found.printed, found.derived) == ("u", "SET_WAR", "65.13", "65.12")
    assert (found.evidence["difference"], found.confidence) == ("0.01", "certain")


def test_fewer_decimals_are_no_difference() -> None:
    u = table("u", ("A", "reported", "65.1 50.5"), columns="WAR UAR")
    assert list(same_quantity({"t": T, "u": u}, NAMES)) == []


def test_other_data_sets_are_not_compared() -> None:
    u = table("u", ("A", "reported", "1.00 2.00"), columns="OTHER_WAR OTHER_UAR")
    assert list(same_quantity({"t": T, "u": u}, NAMES)) == []


def test_a_name_without_its_depth_is_the_same_method_and_another_depth_is_not() -> None:
    t = table("t", ("Net18", "", "50.00"), columns="WAR")
    assert len(list(same_quantity({"t": t, "u": table("u", ("Net", "", "51.00"), columns="WAR")}, NAMES))) == 1
    assert list(same_quantity({"t": t, "u": table("u", ("Net50", "", "51.00"), columns="WAR")}, NAMES)) == []


def test_an_arm_of_another_name_is_found_by_its_equal_cells() -> None:
    t = table("t", ("A", "au", "80.20 61.25 10.00 65.12 50.48"))
    u = table("u", ("A", "global", "81.00 62.00 6.67 66.00 49.89"), ("A", "minor", "80.20 61.25 10.00 65.12 50.84"))
    (found,) = same_quantity({"t": t, "u": u}, NAMES)
    assert (found.row, found.column, found.confidence) == ("A, minor", "UAR", "likely")


def test_unrelated_rows_are_no_copies() -> None:
    assert copied_cells({"t": T}, SIZES, NAMES) == []


def copied(cells: str, closing: tuple[tuple[str, int], ...] = ()) -> list[Finding]:
    rows = [*T.rows, table("t", ("E", "reported", cells)).rows[0]]
    more = Table("t", T.columns, T.classes, (*rows[:-1], Row(5, "E", "reported", rows[-1].cells)))
    return copied_cells({"t": more}, SIZES, NAMES, closing)


def test_a_copied_row_is_found_and_named() -> None:
    (found,) = copied("80.20 61.25 10.00 65.12 50.48")
    assert (found.row, found.evidence["rows"]) == ("E, reported", ["A, reported", "E, reported"])
    assert found.evidence["columns"] == ["happy", "sad", "fear", "WAR", "UAR"]


def test_a_copied_part_says_which_cells() -> None:
    (found,) = copied("80.20 61.25 6.67 65.12 49.37")
    assert found.evidence["columns"] == ["happy", "sad", "WAR"]


def test_few_clips_coincide_by_chance() -> None:
    """fear has 13 attainable values between 1/30 and 13/30, and one equal cell of a large class is chance too."""
    assert copied("71.80 52.75 10.00 57.00 44.85") == []
    assert copied("80.20 52.75 10.00 60.00 47.65") == []


def test_the_row_that_does_not_close_is_the_copy() -> None:
    (found,) = copied("80.20 61.25 6.67 65.12 49.37", (("t", 2), ("t", 5)))
    assert (found.row, found.confidence) == ("A, reported", "certain")


def test_rows_that_both_close_are_copies_only_if_all_classes_are_equal() -> None:
    both = (("t", 1), ("t", 5))
    assert copied("80.20 61.25 6.67 65.12 49.37", both) == []
    assert len(copied("80.20 61.25 10.00 65.12 50.48", both)) == 1


def test_the_chance_of_a_copy_by_hand() -> None:
    """Whole row copied: 10 pairs. happy: 60.6 to 90.8 % of 500, 303 to 454, 152 values; sad: 50 to 70.75 % of 400, 200
    to 283, 84; fear: 1 to 13 of 30, 13. WAR and UAR follow from the classes."""
    (found,) = copied("80.20 61.25 10.00 65.12 50.48")
    assert found.evidence["expected_by_chance"] == pytest.approx(float(Fraction(10, 152 * 84 * 13)))


def test_arms_of_one_method_need_more_equal_cells() -> None:
    rows = ("A", "baseline", "80.20 61.25 10.00 65.12 50.48"), ("A", "au", "80.20 61.75 10.00 65.33 50.65")
    assert copied_cells({"t": table("t", *rows)}, SIZES, NAMES) == []


def test_a_row_shifted_by_one_column_shows_in_the_other_table() -> None:
    other = table("u", ("A", "reported", "65.12 50.48"), columns="WAR UAR")
    rows = [Row(1, "A", "reported", {"sad": Cell("10.00"), "fear": Cell("65.12"), "WAR": Cell("50.48")})]
    shifted = Table("t", T.columns, T.classes, (*rows, *T.rows[1:]))
    (found,) = displaced_cells({"u": other, "t": shifted}, SIZES, NAMES)
    assert (found.kind, found.column, found.evidence["moved_by"]) == ("shifted", "fear, WAR", -1)


def test_cells_of_other_quantities_are_copied_from_elsewhere() -> None:
    other = table("u", ("A", "reported", "33.36 44.48 38.80"), columns="X_WAR X_UAR Y_WAR")
    rows = [
        Row(
            1,
            "A",
            "reported",
            {name: Cell(text) for name, text in zip(CLASSES, ("33.36", "44.48", "38.80"), strict=True)},
        )
    ]
    (found,) = displaced_cells({"u": other, "t": Table("t", T.columns, T.classes, (*rows, *T.rows[1:]))}, SIZES, NAMES)
    assert (found.kind, found.column) == ("copied-cells", "happy, sad, fear")


@pytest.fixture(scope="module")
def paper() -> list[Finding]:
    tables = {f"table{n}": read_table(manifests_dir() / "paper" / f"table{n}.csv") for n in (1, 2, 3)}
    sizes = {}
    for name in ("dfew", "ferv39k", "mafw", "mafw_11"):
        manifest = load_dataset(name)
        sizes[name] = fold_sizes(name, manifest.classes, {int(k): part.test for k, part in manifest.counts.items()})
    return compare_tables(tables, sizes, {"table2": "DFEW", "table3": "DFEW"})


def test_the_papers_quantities_that_differ(paper: list[Finding]) -> None:
    """By eye: two rows of Table 2 (shifted, copied), RDFER's 69.72 and 69.73, MAE-DFER's fear 34.35 and 34.25."""
    places = {
        (one.table, one.row.partition(",")[0], one.column) for one in paper if one.kind == "same-quantity-differs"
    }
    assert places == {
        *(("table2", method, metric) for method in ("EC-STFL", "FRU-Adapter") for metric in ("WAR", "UAR")),
        ("table2", "RDFER", "WAR"), ("table3", "MAE-DFER", "fear"),
    }  # fmt: skip


def test_the_papers_copied_cells(paper: list[Finding]) -> None:
    """By eye: FRU-Adapter's row of Table 2 has five cells of S2D's and four of its own row of Table 1."""
    found = {(one.row, one.column) for one in paper if one.kind == "copied-cells"}
    row = "FRU-Adapter, reported"
    assert found == {(row, "surprise, disgust, fear, WAR, UAR"), (row, "happy, sad, neutral, angry")}


def test_the_papers_shifted_row(paper: list[Finding]) -> None:
    (found,) = [one for one in paper if one.kind == "shifted"]
    assert (found.row, found.column, found.evidence["moved_by"]) == ("EC-STFL, reported", "fear, WAR", -1)
