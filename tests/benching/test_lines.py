"""Lines: bars and their verdicts, tables, JSON there and back."""

import json

import pytest

from harness.bench.lines import Bar, Line, line_of, missing, rows
from harness.bench.timing import Spread


def line(low: float | None, median: float, high: float | None, bar: Bar | None) -> Line:
    return Line("step", "m3dfel", "a / b", "times", Spread(median, median, median, low, high, 7), bar)


@pytest.mark.parametrize(
    "low,median,high,side,verdict",
    [
        (2.3, 2.5, 2.6, "at least", "yes"),
        (2.0, 2.5, 2.6, "at least", "undecided"),
        (2.0, 2.1, 2.15, "at least", "no"),
        (2.0, 2.1, 2.15, "at most", "yes"),
        (2.0, 2.1, 2.25, "at most", "undecided"),
        (2.3, 2.5, 2.6, "at most", "no"),
        (None, 9.0, None, "at least", "undecided"),
    ],
)
def test_a_bar_is_met_when_the_whole_interval_is_on_its_side(
    low: float | None, median: float, high: float | None, side: str, verdict: str
) -> None:
    assert line(low, median, high, Bar(side, 2.2)).met == verdict  # type: ignore[arg-type]


def test_a_figure_without_bar_or_value_has_no_verdict() -> None:
    assert line(1.0, 2.0, 3.0, None).met == ""
    assert missing("step", "m3dfel", "a / b", "no upstream").met == ""


def test_what_cannot_be_measured_says_why_in_the_table() -> None:
    (row,) = rows([missing("step", "m3dfel", "a / b", "no upstream here")])
    assert row == {"part": "step", "model": "m3dfel", "figure": "a / b", "median": "-", "note": "no upstream here"}


def test_columns_that_no_line_fills_are_left_out() -> None:
    table = rows([line(None, 2.0, None, None), line(None, 1234.5, None, None)])
    assert [row["median"] for row in table] == ["2.000", "1,234"]
    assert "bar" not in table[0]
    assert "95 % interval" not in table[0]


@pytest.mark.parametrize("one", [line(1.0, 2.0, 3.0, Bar("at most", 1.01)), missing("run", "mae_dfer", "x", "y")])
def test_json_there_and_back(one: Line) -> None:
    assert line_of(json.loads(json.dumps(one.as_json()))) == one
