"""Printed GFLOPs beside measured ones, under each convention by which models are counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

from harness.analysis.audit.finding import Finding
from harness.analysis.audit.literature import Known, known_of, method_key
from harness.analysis.audit.table import Row, Table

COLUMN = "GFLOPs"
GIGA = 10**9
FRAMES = 16


def flops(
    table: Table,
    measured: Mapping[str, Mapping[str, int]],
    literature: Iterable[Known] = (),
    frames: int = FRAMES,
) -> list[Finding]:
    """Rows whose GFLOPs are not the multiply-adds of one clip, one fused multiply-add counting as one.

    measured: by method, by counter (the first is the reference), multiply-adds of one clip of `frames` frames. A row is
    right if the reference rounds to its cell. If not, the finding names every reading that does: another counter, two
    operations a multiply-add, a single frame, both; and the published value it equals, if any.
    """
    by_key = {method_key(method): counters for method, counters in measured.items()}
    return [
        _finding(table, row, by_key[method_key(row.method)], list(literature), frames)
        for row in table.rows
        if COLUMN in row.cells
        and method_key(row.method) in by_key
        and not row.cells[COLUMN].holds(Fraction(next(iter(by_key[method_key(row.method)].values())), GIGA))
    ]


def readings(counters: Mapping[str, int], frames: int = FRAMES) -> dict[str, Fraction]:
    """GFLOPs by the way of counting."""
    found = {}
    for counter, count in counters.items():
        for factor, operations in ((1, ""), (2, ", two operations each")):
            for share, what in ((1, "a clip"), (frames, f"a frame of {frames}")):
                found[f"{counter}{operations}, {what}"] = Fraction(count * factor, GIGA * share)
    return found


def _finding(table: Table, row: Row, counters: Mapping[str, int], literature: Iterable[Known], frames: int) -> Finding:
    cell, all_readings = row.cells[COLUMN], readings(counters, frames)
    fitting = [name for name, value in all_readings.items() if cell.holds(value)]
    published = [one.source for one in known_of(row.method, literature)
                 if COLUMN in one.values and one.values[COLUMN].value == cell.value]  # fmt: skip
    reference = Fraction(next(iter(counters.values())), GIGA)
    said = (
        f"{row.name}: {cell.text} GFLOPs printed, {float(reference):.2f} measured, {float(reference / cell.value):.2f} "
    )
    said += "times as many; " + (f"it would be {fitting[0]}" if fitting else "no other way of counting gives it")
    return Finding(
        "flops",
        table.name,
        row.name,
        COLUMN,
        said + ("; it is the published figure." if published else "."),
        printed=cell.text,
        derived=f"{float(reference):.2f}",
        evidence={
            "counters": dict(counters),
            "readings": {name: f"{float(value):.3f}" for name, value in all_readings.items()},
            "fitting": fitting,
            "published_by": published,
            "ratio": f"{float(reference / cell.value):.3f}",
        },
    )
