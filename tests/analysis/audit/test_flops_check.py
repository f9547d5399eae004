"""GFLOPs beside made-up counts: 8 giga multiply-adds a clip of 16 frames."""

import pytest

from harness.analysis.audit.finding import Finding
from harness.analysis.audit.flops_check import flops
from harness.analysis.audit.literature import read_literature
from harness.analysis.audit.table import Cell, Row, Table, read_table
from harness.manifest import load_model, manifests_dir

MEASURED = {"Net-A": {"multiply-adds": 8_004_000_000, "other counter": 7_600_000_000}}


def check(text: str, method: str = "Net-A") -> list[Finding]:
    return flops(Table("t", ("GFLOPs",), (), (Row(1, method, "", {"GFLOPs": Cell(text)}),)), MEASURED)


@pytest.mark.parametrize("text", ["8.00", "8.0", "8"])
def test_the_measured_figure_as_rounded_is_right(text: str) -> None:
    assert check(text) == []


@pytest.mark.parametrize("text, reading", [
    ("16.01", "multiply-adds, two operations each, a clip"),
    ("0.50", "multiply-adds, a frame of 16"),
    ("1.00", "multiply-adds, two operations each, a frame of 16"),
    ("7.60", "other counter, a clip"),
])  # fmt: skip
def test_another_way_of_counting_is_named(text: str, reading: str) -> None:
    (found,) = check(text)
    assert found.evidence["fitting"] == [reading]


def test_a_figure_that_nothing_gives() -> None:
    (found,) = check("5.00")
    assert (found.evidence["fitting"], found.derived, found.evidence["ratio"]) == ([], "8.00", "1.601")


def test_methods_without_a_measurement_are_left_out() -> None:
    assert check("5.00", "Net-B") == []


def test_of_the_paper_two_models_are_off() -> None:
    """43.23, 49.75 and 8.319 measured; 1.66, 26.11 and 8.32 printed. 1.66 is M3DFEL's own published figure."""
    models = [load_model(name) for name in ("m3dfel", "mae_dfer", "former_dfer")]
    measured = {model.title: {"multiply-adds": model.facts["full"].multiply_adds} for model in models}
    paper = manifests_dir() / "paper"
    found = flops(read_table(paper / "table2.csv"), measured, read_literature(paper / "literature.csv"))
    assert [one.row for one in found] == ["M3DFEL, baseline", "M3DFEL, au", "MAE-DFER, baseline", "MAE-DFER, au"]
    assert [bool(one.evidence["published_by"]) for one in found] == [True, True, False, False]
    assert not any(one.evidence["fitting"] for one in found)
