"""Single changes that make a row close which does not: suggestions, each with what was tried and what else would close.

Families, smallest change first: one digit replaced; two neighbouring digits exchanged; one digit left out or put in;
two cells exchanged; a cell that repeats the row above or below; the row's values one column from where they belong. The
first family in which anything closes decides: one change is offered, several are counted and none is offered. A change
that closes the row only on a basis where nearly any cell fits is no rival to one that closes it on a telling basis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from harness.analysis.audit.basis import Basis, bases, recall_of, uar_not_mean
from harness.analysis.audit.finding import Finding
from harness.analysis.audit.grim import decimals_of, spans
from harness.analysis.audit.rows import METRICS, OUTWEIGHED, chance_of, needed_recall, text_of, view_of
from harness.analysis.audit.table import Cell, FoldSizes, Row, Table


@dataclass(frozen=True)
class Change:
    """One change of a row: its family, the first column concerned, the changed cells (None: not known), in words."""

    family: str
    column: str
    cells: Mapping[str, Cell | None]
    said: str

    def of(self, row: Row) -> Row:
        """The row after the change; a cell that is not known is left out."""
        cells = {name: cell for name, cell in {**row.cells, **self.cells}.items() if cell is not None}
        return replace(row, cells=cells)


@dataclass(frozen=True)
class Repairs:
    """What closes a row: all changes of the first family that has any, with their bases, and how many were tried."""

    closing: tuple[tuple[Change, tuple[Basis, ...]], ...]
    tried: int

    @property
    def unique(self) -> bool:
        """Whether there is one change to offer."""
        return len(self.closing) == 1


def repairs(row: Row, table: Table, sizes: FoldSizes) -> Finding | None:
    """The one smallest change that makes a failing row close, as a finding of kind `repair` or `shifted`; or None."""
    found = search(row, table, sizes)
    if not found.unique:
        return None
    change, closed = found.closing[0]
    mended = change.of(row)
    best = min(closed, key=lambda basis: chance_of(mended, basis))
    evidence = {
        "family": change.family,
        "changes": {name: [_text(row, name), cell.text if cell else ""] for name, cell in change.cells.items()},
        "cells": {name: cell.text for name, cell in mended.cells.items()},
        "bases": [basis.name for basis in closed],
        "sizes": [list(fold) for fold in best.folds],
        "tried": found.tried,
        "chance": chance_of(mended, best),
    }
    kind = "shifted" if change.family == "shift" else "repair"
    derived = _derived(change, row, best)
    said = f"the row closes on {best.name} if {change.said}"
    said += f" ({change.column} {derived})" if derived and change.cells[change.column] is None else ""
    was = _text(row, change.column)
    return Finding(kind, table.name, row.name, change.column, said, was, derived, best.name, evidence, "likely")


def search(row: Row, table: Table, sizes: FoldSizes) -> Repairs:
    """The changes that make a row close on any basis, of the first family that has some."""
    on = bases(sizes.only(table.classes))
    columns = tuple(name for name in table.columns if name in (*table.classes, *METRICS))
    near = [other for other in table.rows if abs(other.number - row.number) == 1]
    families: tuple[Callable[[], Iterable[Change]], ...] = (
        lambda: _digits(row, columns),
        lambda: _swapped_digits(row, columns),
        lambda: _lost_digits(row, columns),
        lambda: _exchanged(row, columns),
        lambda: _neighbours(row, columns, near),
        lambda: _shifts(row, columns),
    )
    changes = [[change for change in family() if change.of(row).cells != row.cells] for family in families]
    closing = [[(change, found) for change in family if (found := _closing(change.of(row), on))] for family in changes]
    return Repairs(_smallest(row, closing), sum(map(len, changes)))


Closing = tuple[Change, tuple[Basis, ...]]


def _smallest(row: Row, closing: Sequence[Sequence[Closing]]) -> tuple[Closing, ...]:
    """The first family that closes the row, without changes that close it only where nearly any cell would fit."""
    weighed = [
        [(min(chance_of(change.of(row), basis) for basis in on), (change, on)) for change, on in family]
        for family in closing
    ]
    least = min((chance for family in weighed for chance, _ in family), default=1.0)
    kept = [tuple(one for chance, one in family if chance * OUTWEIGHED <= least) for family in weighed]
    return next((family for family in kept if family), ())


def _closing(row: Row, on: Iterable[Basis]) -> tuple[Basis, ...]:
    """The bases on which the changed row closes; what UAR or WAR rule out at a glance is not worked out exactly."""
    classes = next(iter(on)).classes
    if any(not 0 <= float(row.cells[name].text) <= 100 for name in (*classes, *METRICS) if name in row.cells):
        return ()
    if _beside(row, classes) or uar_not_mean(row, classes):
        return ()
    found: dict[tuple[tuple[int, ...], ...], bool] = {}
    for basis in on:
        if basis.folds not in found:
            found[basis.folds] = _counted(row, basis) and view_of(row, basis).closes
    return tuple(basis for basis in on if found[basis.folds])


def _counted(row: Row, basis: Basis) -> bool:
    """Whether every class cell is a number of clips: mostly the first is not, and the row need not be worked out."""
    return all(spans(recall_of(row, name), basis, place) for place, name in enumerate(basis.classes))


def _beside(row: Row, classes: tuple[str, ...]) -> bool:
    """Whether UAR is so far from the mean of the cells that no rounding explains it (in floats, with room to spare)."""
    if "UAR" not in row.cells or not all(name in row.cells for name in classes):
        return False
    mean = sum(float(row.cells[name].text) for name in classes) / len(classes)
    fewest = min(decimals_of(row.cells[name]) for name in (*classes, "UAR"))
    return abs(mean - float(row.cells["UAR"].text)) > 1.01 * 10**-fewest


def _digits(row: Row, columns: tuple[str, ...]) -> Iterator[Change]:
    for name, text in _printed(row, columns):
        for place, digit in enumerate(text):
            for other in "0123456789" if digit.isdecimal() else "":
                if other != digit:
                    yield _retyped("digit", row, name, text[:place] + other + text[place + 1 :])


def _swapped_digits(row: Row, columns: tuple[str, ...]) -> Iterator[Change]:
    for name, text in _printed(row, columns):
        places = [place for place, digit in enumerate(text) if digit.isdecimal()]
        for one, two in pairwise(places):
            if text[one] != text[two]:
                letters = list(text)
                letters[one], letters[two] = text[two], text[one]
                yield _retyped("digits exchanged", row, name, "".join(letters))


def _lost_digits(row: Row, columns: tuple[str, ...]) -> Iterator[Change]:
    """A digit before the point put in or left out: the print would have the wrong decimals if it were behind."""
    for name, text in _printed(row, columns):
        whole, point, rest = text.partition(".")
        shorter = {whole[:place] + whole[place + 1 :] for place in range(len(whole))} if len(whole) > 1 else set()
        longer = {whole[:place] + digit + whole[place:] for place in range(len(whole) + 1) for digit in "0123456789"}
        longer |= set("123456789") if whole == "0" else set()
        for other in sorted(shorter | longer):
            if len(other) <= 3 and int(other) <= 100 and int(other) != int(whole):
                yield _retyped("digit lost or gained", row, name, f"{int(other)}{point}{rest}")


def _exchanged(row: Row, columns: tuple[str, ...]) -> Iterator[Change]:
    for one, two in pairwise(columns):
        if one in row.cells and two in row.cells and row.cells[one].text != row.cells[two].text:
            cells = {one: row.cells[two], two: row.cells[one]}
            yield Change("cells exchanged", one, cells, f"{one} and {two} are exchanged")


def _neighbours(row: Row, columns: tuple[str, ...], near: Iterable[Row]) -> Iterator[Change]:
    """A cell that is a neighbouring row's by mistake (what belongs there is worked out), or that should be its."""
    seen = set()
    for other in near:
        for name in columns:
            if name in row.cells and name in other.cells:
                same = row.cells[name].text == other.cells[name].text
                cell = None if same else other.cells[name]
                words = "by mistake" if same else f"{other.cells[name].text} as in the row"
                words = f"{name} is {words} of {other.name}"
                if (name, cell) not in seen:
                    seen.add((name, cell))
                    yield Change("neighbouring row", name, {name: cell}, words)


def _shifts(row: Row, columns: tuple[str, ...]) -> Iterator[Change]:
    """Values one column too far left from a lost cell on, or one too far right from an inserted one on."""
    for start in range(len(columns) - 1):
        moved = columns[start:]
        right = {new: row.cells.get(old) for old, new in pairwise(moved)}
        words = f"all values from {moved[0]} on belong one column to the right"
        yield Change("shift", moved[0], {moved[0]: None, **right}, words)
        left = {new: row.cells.get(old) for new, old in pairwise(moved)}
        words = f"all values after {moved[0]} belong one column to the left"
        yield Change("shift", moved[0], {**left, moved[-1]: None}, words)


def _retyped(family: str, row: Row, name: str, text: str) -> Change:
    return Change(family, name, {name: Cell(text)}, f"{name} is {text}, not {row.cells[name].text}")


def _printed(row: Row, columns: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, row.cells[name].text) for name in columns if name in row.cells]


def _text(row: Row, name: str) -> str:
    return row.cells[name].text if name in row.cells else ""


def _derived(change: Change, row: Row, basis: Basis) -> str:
    """What belongs into the changed column: the new print, or where it is not known what UAR and WAR leave for it."""
    cell = change.cells[change.column]
    if cell is not None:
        return cell.text
    return text_of(needed_recall(change.of(row), basis, change.column)) if change.column in basis.classes else ""
