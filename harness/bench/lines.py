"""What a benchmark says: one figure a line, with its spread, its bar and whether it is met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from harness.bench.timing import Spread

Side = Literal["at least", "at most"]
Met = Literal["yes", "no", "undecided", ""]


@dataclass(frozen=True)
class Bar:
    """What a figure is held to, and on which kind of machine (docs/bench.md)."""

    side: Side
    value: float

    def __str__(self) -> str:
        return f"{self.side} {self.value:g}"


@dataclass(frozen=True)
class Line:
    """One figure. `value` is None where it cannot be measured here; `note` then says why."""

    part: str
    model: str
    figure: str
    unit: str
    value: Spread | None
    bar: Bar | None = None
    note: str = ""

    @property
    def met(self) -> Met:
        """Whether the bar is met: undecided while the interval lies across it, or where too few rounds give none."""
        if self.bar is None or self.value is None:
            return ""
        low, high = self.value.low, self.value.high
        if low is None or high is None:
            return "undecided"
        if self.bar.side == "at most":
            low, high = -high, -low
        wanted = self.bar.value if self.bar.side == "at least" else -self.bar.value
        return "yes" if low >= wanted else "no" if high < wanted else "undecided"

    def row(self) -> dict[str, str]:
        """For a table."""
        value = self.value
        return {
            "part": self.part,
            "model": self.model,
            "figure": self.figure,
            "median": _figure(value.median) if value else "-",
            "quartiles": f"{_figure(value.first_quartile)} to {_figure(value.third_quartile)}" if value else "",
            "95 % interval": _interval(value),
            "rounds": str(value.rounds) if value else "",
            "unit": self.unit,
            "bar": str(self.bar) if self.bar else "",
            "met": self.met,
            "note": self.note,
        }

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        return {**asdict(self), "met": self.met}


def line_of(data: Mapping[str, Any]) -> Line:
    """A line from what `as_json` made."""
    values = {key: value for key, value in data.items() if key != "met"}
    values["value"] = Spread(**values["value"]) if values["value"] else None
    values["bar"] = Bar(**values["bar"]) if values["bar"] else None
    return Line(**values)


def missing(part: str, model: str, figure: str, why: str) -> Line:
    """A figure that this machine cannot give."""
    return Line(part, model, figure, "", None, None, why)


def rows(lines: Sequence[Line]) -> list[dict[str, str]]:
    """The lines as rows of a table, without the columns that no line has anything in."""
    table = [line.row() for line in lines]
    filled = [key for key in (table[0] if table else {}) if any(row[key] for row in table)]
    return [{key: row[key] for key in filled} for row in table]


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:#.4g}".rstrip(".")


def _interval(value: Spread | None) -> str:
    if value is None or value.low is None or value.high is None:
        return ""
    return f"{_figure(value.low)} to {_figure(value.high)}"
