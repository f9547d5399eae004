"""The audit's marks on printed values: findings made up by hand, then the paper's."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.analysis.audit.finding import Finding
from harness.analysis.audit.inputs import paper_inputs
from harness.analysis.audit.whole import audit
from harness.manifest import manifests_dir
from harness.report.cells import printed_labels, printed_values
from harness.report.footnotes import marked, marks
from harness.report.printed import Paper, read_paper

ROWS = [("A", ("x", "WAR", "UAR")), ("B", ("x", "WAR", "UAR"))]


def finding(kind: str, row: str, column: str, said: str = "it is wrong", **evidence: Any) -> Finding:
    return Finding(kind, "t", row, column, said, evidence=evidence)


def test_numbers_go_by_the_first_cell() -> None:
    found = marks([finding("uar-not-mean", "B", "UAR"), finding("flops", "A", "WAR")], "t", ROWS)
    assert found.places == {("A", "WAR"): (1,), ("B", "UAR"): (2,)}
    assert found.ids == (("flops/t/A/WAR",), ("uar-not-mean/t/B/UAR",))
    assert found.notes[0] == "It is wrong (certain; `flops/t/A/WAR`)."


def test_a_whole_row_is_marked_at_its_method() -> None:
    assert marks([finding("no-basis", "A", "")], "t", ROWS).places == {("A", "method"): (1,)}


def test_a_suggestion_goes_with_its_fault() -> None:
    found = marks([finding("cell-not-a-fraction", "A", "x"), finding("repair", "A", "x", "try 3")], "t", ROWS)
    assert found.places == {("A", "x"): (1,)}
    assert found.notes == ("It is wrong. Try 3 (certain; `cell-not-a-fraction/t/A/x`, `repair/t/A/x`).",)


def test_columns_exchanged_mark_every_row_and_take_what_follows_with_them() -> None:
    exchanged = finding("columns-exchanged", "", "WAR, UAR", rows=["A", "B"], columns=["WAR, UAR"])
    found = marks([exchanged, finding("war-below-uar", "A", "WAR, UAR")], "t", ROWS)
    assert found.places == {(row, column): (1,) for row in "AB" for column in ("WAR", "UAR")}
    assert len(found.ids[0]) == 2


def test_a_shift_marks_all_that_moved() -> None:
    found = marks([finding("shifted", "A", "x", changes={"x": ["1", ""], "WAR": ["2", "1"]})], "t", ROWS)
    assert set(found.places) == {("A", "x"), ("A", "WAR")}


@pytest.mark.parametrize("kind", ["effect", "replication", "released-constant", "claim-contradicted"])
def test_what_is_not_about_a_cell_has_no_mark(kind: str) -> None:
    assert marks([finding(kind, "A", "x")], "t", ROWS).notes == ()


def test_another_table_has_no_mark() -> None:
    assert marks([finding("flops", "A", "x")], "u", ROWS).notes == ()


@pytest.fixture(scope="module")
def paper() -> Paper:
    return marked(read_paper(manifests_dir() / "paper"), audit(paper_inputs()).findings)


def test_the_papers_slips_are_marked(paper: Paper) -> None:
    """By eye: C3D's fear, EC-STFL's shifted row, FRU-Adapter's, MAE-DFER's fear; Table 3 closes and has no mark."""
    marked_cells = {(row.method, row.arm): set(row.marks) for row in paper.table2 if row.marks}
    assert marked_cells["C3D", "reported"] == {"fear"}
    assert {"sad", "WAR", "UAR"} <= marked_cells["EC-STFL", "reported"]
    assert {"happy", "fear", "UAR"} <= marked_cells["FRU-Adapter", "reported"]
    assert marked_cells["MAE-DFER", "au"] == {"fear", "GFLOPs"}
    assert paper.notes["table3"] == ()
    assert not any(row.marks for row in paper.table3)


def test_every_mark_has_its_note_and_every_note_its_mark(paper: Paper) -> None:
    for name in ("table1", "table2", "table3"):
        numbers = {number for row in getattr(paper, name) for found in row.marks.values() for number in found}
        assert numbers == set(range(1, len(paper.notes[name]) + 1))


def test_digits_stay_as_printed_with_the_mark_behind(paper: Paper) -> None:
    row = next(row for row in paper.table2 if row.method == "C3D")
    number = row.marks["fear"][0]
    assert printed_values(row, ["fear", "WAR"]) == (f"0.51<sup>{number}</sup>", "53.54")
    assert row.values["fear"] == "0.51"
    assert row.ids["fear"][0] == "cell-not-a-fraction/table2/C3D, reported/fear"
    shifted = next(row for row in paper.table2 if row.method == "EC-STFL")
    assert printed_labels(shifted)[0].startswith("EC-STFL [17]<sup>")


def test_without_findings_nothing_changes() -> None:
    plain = read_paper(manifests_dir() / "paper")
    assert marked(plain, []).table2 == plain.table2


def test_no_torch_for_the_marks() -> None:
    code = "import sys; import harness.report.footnotes; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2]).returncode == 0
