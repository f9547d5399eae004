"""The verdict on a row: on which basis everything closes, and if on none, what of it cannot be.

A row closes on a basis if whole numbers of right clips exist that round to every class cell and from which UAR and WAR,
worked out exactly, round to the prints. A row that closes has no fault that its numbers can show.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod
from typing import Any

from harness.analysis.audit.basis import (
    WHOLE,
    Basis,
    Interval,
    Span,
    bases,
    clips_behind,
    closing,
    printed,
    recall_of,
    uar_interval,
    uar_not_mean,
    war_interval,
    war_not_weighted_mean,
)
from harness.analysis.audit.finding import Confidence, Finding
from harness.analysis.audit.grim import chance, decimals_of, fits, spans
from harness.analysis.audit.table import Cell, FoldSizes, Row, Table

METRICS = ("WAR", "UAR")

OUTWEIGHED = 1e-5
"""A basis on which random cells fit so many times more easily than on another is no rival to it. On a mean over folds
nearly any cell fits; a row all of whose cells but one are whole clips of one fold is of that fold, one cell wrong."""

MOST_STATEMENTS = 2
"""More faults than this in one row are one finding: the row as a whole does not stand."""


@dataclass(frozen=True)
class RowVerdict:
    """What a row can mean.

    bases: all on which it closes, the one that chance explains least first. counts: by basis and class, the right clips
    where only one number fits; ranges: the fewest and the most for every printed cell. findings: none if it closes.
    chance: how likely random class cells would all be attainable on the first basis (1 if it closes on none).
    """

    row: Row
    bases: tuple[str, ...]
    closes: bool
    counts: dict[str, dict[str, int]]
    ranges: dict[str, dict[str, tuple[int, int]]]
    findings: tuple[Finding, ...]
    chance: float


@dataclass(frozen=True)
class View:
    """A row on one basis: the recalls that fit each class cell, the cells that none fits, and whether it closes."""

    basis: Basis
    options: tuple[tuple[Span, ...], ...]
    misfits: tuple[str, ...]
    closes: bool


def audit_table(table: Table, sizes: FoldSizes) -> list[RowVerdict]:
    """The verdict on every row."""
    return [audit_row(row, table, sizes) for row in table.rows]


def audit_row(row: Row, table: Table, sizes: FoldSizes) -> RowVerdict:
    """The verdict on one row; missing cells leave the checks that are possible without them."""
    views = views_of(row, bases(sizes.only(table.classes)))
    closed = sorted((view for view in views if view.closes), key=lambda view: chance_of(row, view.basis))
    likely = chance_of(row, closed[0].basis) if closed else 1.0
    found = _findings(row, table, views, likely if closed else None) if views else ()
    closed = [] if found else closed
    counts = {view.basis.name: _counts(row, view) for view in closed}
    ranges = {view.basis.name: _ranges(row, view) for view in closed}
    return RowVerdict(row, tuple(counts), bool(closed), counts, ranges, found, likely if closed else 1.0)


def views_of(row: Row, on: Iterable[Basis]) -> list[View]:
    """The row on every basis (folds of the same sizes are worked out once); none if it prints neither class nor WAR."""
    seen: dict[tuple[tuple[int, ...], ...], View] = {}
    views = []
    for basis in on:
        if any(name in row.cells for name in (*basis.classes, "WAR")):
            view = seen.get(basis.folds) or view_of(row, basis)
            seen[basis.folds] = view
            views.append(replace(view, basis=basis))
    return views


def view_of(row: Row, basis: Basis) -> View:
    """The row on one basis."""
    options = tuple(spans(recall_of(row, name), basis, place) for place, name in enumerate(basis.classes))
    misfits = tuple(name for name, found in zip(basis.classes, options, strict=True) if not found)
    # Where class cells are missing they do not make WAR a whole number of clips: then it has to be one by itself.
    possible = not misfits and ("WAR" not in row.cells or fits(row.cells["WAR"], basis.totals))
    uar, war = (printed(row.cells[name]) if name in row.cells else None for name in ("UAR", "WAR"))
    return View(basis, options, misfits, possible and closing(options, basis, uar, war) is not None)


def without(row: Row, column: str) -> Row:
    """The row as if a cell had not been printed."""
    return replace(row, cells={name: cell for name, cell in row.cells.items() if name != column})


def chance_of(row: Row, basis: Basis) -> float:
    """How likely random class cells with the row's decimals are all attainable; without class cells, a random WAR."""
    pairs = zip(basis.classes, basis.columns, strict=True)
    cells = [(row.cells[name], column) for name, column in pairs if name in row.cells]
    if not cells and "WAR" in row.cells:
        cells = [(row.cells["WAR"], basis.totals)]
    return prod(chance(decimals_of(cell), column) for cell, column in cells)


def needed_recall(row: Row, basis: Basis, column: str) -> Interval:
    """The recalls that the other cells, UAR and WAR leave for one class; empty if they contradict each other."""
    rest, place, classes = without(row, column), basis.classes.index(column), len(basis.classes)
    found = WHOLE
    # The intervals of the rest hold the class with all recalls from 0 to 1.
    if "UAR" in row.cells:
        uar, others = printed(row.cells["UAR"]), uar_interval(rest, basis.classes)
        found = found.inside(Interval((uar.low - others.high) * classes + 1, (uar.high - others.low) * classes))
    if "WAR" in row.cells:
        war, others, share = printed(row.cells["WAR"]), war_interval(rest, basis), basis.shares[place]
        found = found.inside(Interval((war.low - others.high) / share + 1, (war.high - others.low) / share))
    return found


def text_of(interval: Interval) -> str:
    """An interval in per cent, with a digit more than tables have."""
    low, high = (f"{float(100 * end):.3f}" for end in interval)
    return low if low == high else f"{low} to {high}"


def _counts(row: Row, view: View) -> dict[str, int]:
    ranges = _ranges(row, view)
    return {name: low for name, (low, high) in ranges.items() if low == high}


def _ranges(row: Row, view: View) -> dict[str, tuple[int, int]]:
    found = {}
    for place, (name, options) in enumerate(zip(view.basis.classes, view.options, strict=True)):
        if name in row.cells and options:
            clips = [span.clips for span in options if span.clips is not None]
            found[name] = (min(clips), max(clips)) if clips else clips_behind(view.basis, place, recall_of(row, name))
    return found


def _findings(row: Row, table: Table, views: Sequence[View], closed: float | None) -> tuple[Finding, ...]:
    """The one cell at fault if the row closes without it; else what is wrong on every basis; else that nothing closes.

    closed: the chance of the basis on which the row does close, if on any; only what outweighs it is then a fault.
    """
    if closed is not None and closed <= OUTWEIGHED:
        return ()
    basis, suspects, likely = _suspects(row, views)
    if closed is not None and (basis is None or likely > OUTWEIGHED * closed):
        return ()
    metrics = [column for column in suspects if column in METRICS]
    if basis and (len(metrics) == 1 or len(suspects) == 1):
        return (_one(row, table, basis, (metrics or suspects)[0], suspects),)
    certain = () if suspects else _certain(row, table, views)
    return certain if 0 < len(certain) <= MOST_STATEMENTS else (_no_basis(row, table, views, suspects),)


def _suspects(row: Row, views: Sequence[View]) -> tuple[Basis | None, list[str], float]:
    """The columns without any one of which the row closes, on the basis that chance explains least, and its chance."""
    found: dict[tuple[tuple[int, ...], ...], list[str]] = {}
    for view in views:
        if len(view.misfits) < 2 and not view.closes and view.basis.folds not in found:
            tried = view.misfits or (*view.basis.classes, *METRICS)
            closed = [name for name in tried if name in row.cells and view_of(without(row, name), view.basis).closes]
            found[view.basis.folds] = closed
    explained = [view for view in views if found.get(view.basis.folds)]
    if not explained:
        return None, [], 1.0
    best = min(explained, key=lambda view: _chance_without(row, view))
    return best.basis, found[best.basis.folds], _chance_without(row, best)


def _chance_without(row: Row, view: View) -> float:
    return chance_of(without(row, view.misfits[0]) if view.misfits else row, view.basis)


def _certain(row: Row, table: Table, views: Sequence[View]) -> tuple[Finding, ...]:
    """What no basis explains: a cell that is a fraction on none, UAR not the mean, WAR no weighted mean."""
    never = [name for name in table.classes if all(name in view.misfits for view in views)]
    found = [_never_a_fraction(row, table, name, views) for name in never]
    mean = uar_not_mean(row, table.classes)
    if mean:
        found.append(_metric(row, table, "UAR", "", mean, {"cells": _cells(row, table)}))
    wars = {view.basis.name: war_not_weighted_mean(row, view.basis) for view in views}
    if all(wars.values()):
        sizes = {view.basis.name: _sizes(view.basis) for view in views}
        missed = {name: text_of(war) for name, war in wars.items() if war is not None}
        nearest = _nearest([war for war in wars.values() if war is not None], row.cells["WAR"])
        evidence = {"cells": _cells(row, table), "allowed": missed, "sizes": sizes}
        found.append(_metric(row, table, "WAR", "", nearest, evidence))
    return tuple(found)


def _nearest(intervals: Sequence[Interval], cell: Cell) -> Interval:
    return min(intervals, key=lambda one: max(one.low - cell.value / 100, cell.value / 100 - one.high))


def _one(row: Row, table: Table, basis: Basis, column: str, suspects: Sequence[str]) -> Finding:
    """The finding about the cell without which the row closes on a basis."""
    rest = without(row, column)
    view = view_of(rest, basis)
    evidence: dict[str, Any] = {"cells": _cells(row, table), "sizes": _sizes(basis), "counts": _counts(rest, view)}
    evidence |= {"ranges": _ranges(rest, view), "chance": chance_of(rest, basis), "closes_without": list(suspects)}
    if column in METRICS:
        return _metric(row, table, column, basis.name, _derived(view, column), evidence)
    needed, place = needed_recall(row, basis, column), basis.classes.index(column)
    fraction = bool(spans(recall_of(row, column), basis, place))
    clash = "does not give UAR and WAR" if fraction else f"is no rounded k/{_sum_of(basis, place)}"
    said = f"{column} {row.cells[column].text} {clash}; all else closes on {basis.name} with {text_of(needed)} there"
    kind = "no-basis" if fraction else "cell-not-a-fraction"
    return _finding(kind, row, table, column, said, text_of(needed), basis.name, evidence, "likely")


def _derived(view: View, metric: str) -> Interval:
    """A metric as it follows from the recalls that fit the class cells."""
    even = (Fraction(1, len(view.options)),) * len(view.options)
    weights = even if metric == "UAR" else view.basis.shares
    off = metric == "WAR"
    pairs = list(zip(weights, view.options, strict=True))
    lows = [min(weight * span.low + off * span.off_low for span in found) for weight, found in pairs]
    highs = [max(weight * span.high + off * span.off_high for span in found) for weight, found in pairs]
    return Interval(sum(lows, Fraction(0)), sum(highs, Fraction(0)))


def _metric(row: Row, table: Table, metric: str, basis: str, derived: Interval, evidence: dict[str, Any]) -> Finding:
    kind = "uar-not-mean" if metric == "UAR" else "war-not-weighted-mean"
    mean = "mean of the class cells" if metric == "UAR" else "class-weighted mean of the cells"
    anywhere = "on every basis" if metric == "UAR" else "nearest of any basis"
    where = f"on {basis}, where all else closes" if basis else anywhere
    said = f"{metric} {row.cells[metric].text} is not the {mean}: {text_of(derived)} {where}"
    sure = uar_not_mean(row, table.classes) is not None if metric == "UAR" else not basis
    return _finding(kind, row, table, metric, said, text_of(derived), basis, evidence, "certain" if sure else "likely")


def _never_a_fraction(row: Row, table: Table, column: str, views: Sequence[View]) -> Finding:
    place = table.classes.index(column)
    evidence: dict[str, Any] = {"sizes": {view.basis.name: view.basis.columns[place] for view in views}}
    decimals = decimals_of(row.cells[column])
    evidence["chance"] = {view.basis.name: chance(decimals, view.basis.columns[place]) for view in views}
    said = f"{column} {row.cells[column].text} is no rounded k/n on any basis"
    return _finding("cell-not-a-fraction", row, table, column, said, "", "", evidence, "certain")


def _no_basis(row: Row, table: Table, views: Sequence[View], suspects: Sequence[str]) -> Finding:
    """What fails on each basis, in one finding; suspects: the columns without any one of which the row would close."""
    fails = {view.basis.name: _failing(row, view) for view in views}
    fewest = min(views, key=lambda view: len(fails[view.basis.name]))
    wrong = ", ".join(fails[fewest.basis.name])
    said = f"the cells close on no basis together; fewest fail on {fewest.basis.name}: {wrong}"
    sizes = {view.basis.name: _sizes(view.basis) for view in views}
    evidence = {"cells": _cells(row, table), "fails": fails, "sizes": sizes, "closes_without": list(suspects)}
    return _finding("no-basis", row, table, "", said, "", "", evidence, "certain")


def _failing(row: Row, view: View) -> list[str]:
    found = list(view.misfits)
    found += ["UAR"] if uar_not_mean(row, view.basis.classes) else []
    found += ["WAR"] if war_not_weighted_mean(row, view.basis) else []
    return found or ["UAR and WAR together, worked out from whole clips"]


def _cells(row: Row, table: Table) -> dict[str, str]:
    return {name: row.cells[name].text for name in (*table.classes, *METRICS) if name in row.cells}


def _sizes(basis: Basis) -> list[list[int]]:
    return [list(fold) for fold in basis.folds]


def _sum_of(basis: Basis, place: int) -> int:
    return sum(basis.columns[place])


def _finding(
    kind: str,
    row: Row,
    table: Table,
    column: str,
    said: str,
    derived: str,
    basis: str,
    evidence: dict[str, Any],
    confidence: Confidence,
) -> Finding:
    text = row.cells[column].text if column else ""
    return Finding(kind, table.name, row.name, column, said, text, derived, basis, evidence, confidence)
