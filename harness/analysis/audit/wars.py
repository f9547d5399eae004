"""WAR as a share k/N of a test fold, for data sets without class cells: which folds fit, and which cannot.

A WAR is the share of right clips, so it is a rounded k/N of its test fold. Where N is below the number of printable
values (10,001 with two decimals) some values are none, and such a value shows another N, another rounding, or a mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb, floor, prod
from typing import Any

from harness.analysis.audit.finding import Finding
from harness.analysis.audit.grim import WarFit, decimals_of, integer_solutions, subset_fits, war_fits
from harness.analysis.audit.literature import TAKEN, metric_columns
from harness.analysis.audit.order import Sizes, sizes_of
from harness.analysis.audit.table import Cell, FoldSizes, Row, Table

LOST = 1
"""Lines that a test list may have lost: a reader that takes the first line of a list without header for one."""

TELLING = 0.5
"""A basis that more than this share of all printable values fits says too little of one."""

MANY_SUBSETS = 1000
"""More choices of classes than this are not tried."""


@dataclass(frozen=True)
class WarVerdict:
    """A printed WAR and every total that it was held against, by class set of its data set."""

    row: Row
    column: str
    dataset: str
    fits: Mapping[str, tuple[WarFit, ...]]

    @property
    def possible(self) -> bool:
        """Whether it is a rounded share of the whole list of any fold, or of all."""
        return any(fit.fits and not fit.lost for fits in self.fits.values() for fit in fits)

    @property
    def lost(self) -> tuple[WarFit, ...]:
        """The fits with lost lines."""
        return tuple(fit for fits in self.fits.values() for fit in fits if fit.fits and fit.lost)


@dataclass(frozen=True)
class Subsets:
    """Which choices of classes, on which single fold or pooled, all of some rows' WARs can be shares of.

    of: the data set with more classes; rows: the rows held against it; choices: how many there are; fitting: how many
    fit every row; expected: how many would fit as many unrelated prints.
    """

    column: str
    of: str
    classes: int
    rows: tuple[str, ...]
    choices: int
    fitting: int
    expected: float

    @property
    def said(self) -> str:
        """One sentence for a reader."""
        told = "which were counted WAR cannot tell" if self.fitting <= 3 * self.expected + 3 else "more than by chance"
        return (
            f"{self.column} of the {len(self.rows)} rows of the authors' own: {self.fitting} of {self.choices} choices "
            f"of {self.classes} classes of {self.of} and a fold fit all of them, {self.expected:.3g} would fit as many "
            f"unrelated prints: {told}"
        )


@dataclass(frozen=True)
class Own:
    """How many of a table's own rows (not those taken from elsewhere) a test fold fits, and how many by chance."""

    column: str
    basis: str
    total: int
    rows: int
    fitting: int
    expected: float


def own_fits(verdicts: Sequence[WarVerdict]) -> list[Own]:
    """By column, class set and basis; not of bases that fit nearly any print, which say nothing."""
    found = []
    for column in dict.fromkeys(one.column for one in verdicts):
        own = [one for one in verdicts if one.column == column and one.row.arm not in TAKEN]
        for name in own[0].fits if own else ():
            for fits in zip(*(one.fits[name] for one in own), strict=True):
                expected = sum(fit.chance for fit in fits)
                if not fits[0].lost and expected < TELLING * len(fits):
                    basis = f"{name} {fits[0].basis}" if len(own[0].fits) > 1 else fits[0].basis
                    fitting = sum(fit.fits for fit in fits)
                    found.append(Own(column, basis, fits[0].total, len(fits), fitting, expected))
    return found


def war_verdicts(table: Table, sizes: Sizes, dataset: str = "") -> list[WarVerdict]:
    """Every printed WAR of a table against the folds of its data set; one that class cells stand beside is left out."""
    found = []
    for name, columns in metric_columns(table, dataset).items():
        column = columns.get("WAR", "")
        known = sizes_of(name, sizes)
        if column and known and not (table.classes and column == "WAR"):
            for row in (row for row in table.rows if column in row.cells):
                fits = {size.dataset: war_fits(row.cells[column], size, LOST) for size in known}
                found.append(WarVerdict(row, column, name, fits))
    return found


def war_findings(table: Table, verdicts: Iterable[WarVerdict], sizes: Sizes) -> list[Finding]:
    """The WARs that are a share of no whole list; `dropped-line` if one line less explains it, else `war-no-count`.

    Digits that were cut off instead of rounded would explain it too; the finding says so where they do.
    """
    return [_finding(table, one, sizes) for one in verdicts if not one.possible]


def fitting_subsets(table: Table, verdicts: Sequence[WarVerdict], sizes: Sizes) -> list[Subsets]:
    """Data sets with several class sets: which choices of the smaller number of classes out of the larger set fit.

    Rows of the paper's own are held against all choices, each method's rows and then all of them together.
    """
    found = []
    for column in dict.fromkeys(one.column for one in verdicts):
        rows = [one.row for one in verdicts if one.column == column and one.row.arm not in TAKEN]
        known = sorted(sizes_of(next(one.dataset for one in verdicts if one.column == column), sizes), key=_classes)
        if len(known) > 1 and rows and comb(_classes(known[-1]), _classes(known[0])) <= MANY_SUBSETS:
            found.append(_subsets(column, rows, known[-1], _classes(known[0])))
    return found


def war_totals(verdicts: Iterable[WarVerdict], sizes: Sizes) -> dict[str, dict[str, int]]:
    """By column, the totals that a WAR may be a share of, of data sets with one test fold: the list, and one lost line.

    With several folds WAR alone does not say which it is of.
    """
    found: dict[str, dict[str, int]] = {}
    for column, dataset in {one.column: one.dataset for one in verdicts}.items():
        known = sizes_of(dataset, sizes)
        if len(known) == 1 and len(known[0].sizes) == 1:
            (fold, counts) = next(iter(known[0].sizes.items()))
            found[column] = {f"fold{fold}": sum(counts), f"fold{fold} less {LOST} line": sum(counts) - LOST}
    return found


def _classes(size: FoldSizes) -> int:
    return len(size.classes)


def _subsets(column: str, rows: Sequence[Row], size: FoldSizes, classes: int) -> Subsets:
    by_row = [subset_fits(row.cells[column], size, classes) for row in rows]
    together = list(zip(*by_row, strict=True))
    fitting = sum(all(fit.fits for fit in fits) for fits in together)
    expected = sum(prod(fit.chance for fit in fits) for fits in together)
    return Subsets(column, size.dataset, classes, tuple(row.name for row in rows), len(together), fitting, expected)


def _finding(table: Table, one: WarVerdict, sizes: Sizes) -> Finding:
    cell, whole = one.row.cells[one.column], _totals(one)
    nearest = {name: _nearest(cell, n) for name, n in whole.items()}
    cut = {name: k for name, n in whole.items() if (k := _cut_off(cell, n)) is not None}
    said = f"{one.column} {cell.text} is no rounded k/{', k/'.join(map(str, dict.fromkeys(whole.values())))}"
    other = f"; it is {next(iter(cut.values()))}/{whole[next(iter(cut))]} with the digits cut off" if cut else ""
    evidence: dict[str, Any] = {
        "totals": whole,
        "nearest": nearest,
        "chance_to_fit": {fit.basis: fit.chance for fits in one.fits.values() for fit in fits if not fit.lost},
        "cut_off": cut,
        "taken_from_elsewhere": one.row.arm in TAKEN,
    }
    if not one.lost:
        return Finding("war-no-count", table.name, one.row.name, one.column, f"{said}{other}.", cell.text,
                       evidence=evidence)  # fmt: skip
    fit = one.lost[0]
    assert fit.clips is not None
    derived = f"{fit.clips[0]}/{fit.total}"
    evidence["lost"] = {"lines": fit.lost, "total": fit.total, "clips": list(fit.clips), "chance": fit.chance}
    said += f"; it is {derived}, as if the test list had lost {fit.lost} line{other}"
    return Finding("dropped-line", table.name, one.row.name, one.column, f"{said}.", cell.text, derived,
                   fit.basis, evidence, "possible" if cut else "likely")  # fmt: skip


def _totals(one: WarVerdict) -> dict[str, int]:
    """Clips of each whole fold, by class set and basis where there are several class sets."""
    several = len(one.fits) > 1
    return {
        f"{name} {fit.basis}" if several else fit.basis: fit.total
        for name, fits in one.fits.items()
        for fit in fits
        if not fit.lost
    }


def _nearest(cell: Cell, n: int) -> list[str]:
    """The shares on either side of the print, in per cent with two digits more."""
    k, digits = floor(cell.value * n / 100), decimals_of(cell) + 2
    return [f"{one}/{n} = {float(Fraction(100 * one, n)):.{digits}f}" for one in (k, min(k + 1, n))]


def _cut_off(cell: Cell, n: int) -> int | None:
    """k if k/N with the further digits cut off is the print."""
    k = -floor(-cell.value * n / 100)
    return k if k <= n and Fraction(100 * k, n) < cell.value + cell.unit and not integer_solutions(cell, n) else None
