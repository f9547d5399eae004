"""The audit's marks on printed values: a number behind the cell, a line under the table. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from harness.analysis.audit.finding import Finding
from harness.report.printed import Paper, PrintedRow

OF_CELLS = (
    "columns-exchanged", "shifted", "copied-cells", "no-basis", "uar-not-mean", "war-not-weighted-mean",
    "cell-not-a-fraction", "repair", "same-quantity-differs", "war-below-uar", "dropped-line", "war-no-count",
    "differs-from-literature", "flops",
)  # fmt: skip
"""Kinds that say that a printed cell is wrong or cannot be. Sizes, statements and constants have no mark."""

METHOD = "method"
"""Where a mark stands that is about a whole row."""


@dataclass(frozen=True)
class Marks:
    """Of one table: numbers by (row name, column), and the line of each number."""

    places: dict[tuple[str, str], tuple[int, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    ids: tuple[tuple[str, ...], ...] = ()


def marks(findings: Iterable[Finding], table: str, rows: Sequence[tuple[str, Sequence[str]]]) -> Marks:
    """The marks of a table. rows: names and value columns, in order; numbers go by the first cell that has them.

    A suggested change goes with the fault that it would mend, and what follows from moved cells with what moved them.
    """
    found = _grouped([one for one in findings if one.table == table and one.kind in OF_CELLS], rows)
    order = [(name, column) for name, columns in rows for column in (METHOD, *columns)]
    ranked = sorted(found, key=lambda group: min(map(order.index, group[0])))
    places: dict[tuple[str, str], tuple[int, ...]] = {}
    for number, (cells, _) in enumerate(ranked, start=1):
        for cell in cells:
            places[cell] = (*places.get(cell, ()), number)
    notes = tuple(_note(group) for _, group in ranked)
    return Marks(places, notes, tuple(tuple(one.id for one in group) for _, group in ranked))


def marked(paper: Paper, findings: Sequence[Finding]) -> Paper:
    """The paper with the audit's marks on its rows, and the lines under its tables."""
    rows, notes = {}, {}
    for name in ("table1", "table2", "table3"):
        printed: tuple[PrintedRow, ...] = getattr(paper, name)
        found = marks(findings, name, [(row.audited_as, tuple(row.values)) for row in printed])
        rows[name] = tuple(_marked(row, found) for row in printed)
        notes[name] = found.notes
    return replace(paper, **rows, notes=notes)


def _marked(row: PrintedRow, found: Marks) -> PrintedRow:
    here = {column: numbers for (name, column), numbers in found.places.items() if name == row.audited_as}
    ids = {column: tuple(one for n in numbers for one in found.ids[n - 1]) for column, numbers in here.items()}
    return replace(row, marks=here, ids=ids)


Group = tuple[set[tuple[str, str]], list[Finding]]


def _grouped(findings: Sequence[Finding], rows: Sequence[tuple[str, Sequence[str]]]) -> list[Group]:
    """Findings with their cells; those of the same cells, and those that another explains, in one group."""
    groups: list[Group] = []
    for one in findings:
        cells = _cells(one, rows)
        same = next((group for group in groups if cells and (cells == group[0] or _explains(group, cells, one))), None)
        if same:
            same[1].append(one)
        elif cells:
            groups.append((cells, [one]))
    return groups


def _explains(group: Group, cells: set[tuple[str, str]], one: Finding) -> bool:
    """Whether a finding follows from one that moves whole columns or cells: its cells are among those that moved."""
    follows = one.kind in ("war-below-uar", "same-quantity-differs", "differs-from-literature")
    return follows and group[1][0].kind in ("columns-exchanged", "shifted", "copied-cells") and cells <= group[0]


def _cells(one: Finding, rows: Sequence[tuple[str, Sequence[str]]]) -> set[tuple[str, str]]:
    """The cells that a finding is about. One of several rows names them in its evidence, one of a row has no column."""
    names = [one.row] if one.row else list(one.evidence.get("rows", []))
    moved = ", ".join(one.evidence.get("changes", [])) if one.kind == "shifted" else ""
    columns = moved or one.column or ", ".join(one.evidence.get("columns", [])) or METHOD
    known = {(name, column) for name, there in rows for column in (METHOD, *there)}
    return {(name, column) for name in names for column in columns.split(", ")} & known


def _note(group: Sequence[Finding]) -> str:
    """What is wrong, said once by the first finding, with the ids of all that say so."""
    more = [one.said for one in group[1:] if one.kind == "repair"]
    said = ". ".join(f"{text[:1].upper()}{text[1:]}".rstrip(".") for text in [group[0].said, *more])
    return f"{said} ({group[0].confidence}; {', '.join(f'`{one.id}`' for one in group)})."
