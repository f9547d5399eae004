"""Tables drawn at random, whose truth is known, and the slips that happen to tables: what the audit is measured on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from math import floor
from random import Random
from typing import Literal

from harness.analysis.audit.basis import Basis, bases
from harness.analysis.audit.table import Cell, FoldSizes, Row, Table, fold_sizes

Kind = Literal["digit", "swap", "shift", "copied row", "WAR/UAR exchange"]
KINDS: tuple[Kind, ...] = ("digit", "swap", "shift", "copied row", "WAR/UAR exchange")
METRICS = ("WAR", "UAR")


@dataclass(frozen=True)
class Simulated:
    """A table, the class sizes behind it, and the basis that all of its rows are on."""

    table: Table
    sizes: FoldSizes
    basis: Basis


@dataclass(frozen=True)
class Corrupted:
    """A table with one slip: where, and the row as it was."""

    table: Table
    kind: Kind
    row: int
    column: str
    before: Row


def random_table(random: Random, rows: int = 4, decimals: int | None = None, even: bool | None = None) -> Simulated:
    """A table of `rows` results, 3 to 11 classes, 1 to 5 folds of 5 to 3000 clips a class, on a basis of its own.

    even: the folds hold as nearly as possible the same number of each class, as cross-validation is mostly split;
    otherwise anything, as when it is split by actor. decimals: printed ones; two, or at times one, if not given.
    """
    sizes = random_sizes(random, random.random() < 0.8 if even is None else even)
    decimals = decimals if decimals is not None else random.choice((2, 2, 2, 2, 1))
    basis = random.choice(bases(sizes))
    results = tuple(_row(random, number, sizes, basis, decimals) for number in range(1, rows + 1))
    return Simulated(Table("simulated", (*sizes.classes, *METRICS), sizes.classes, results), sizes, basis)


def random_sizes(random: Random, even: bool) -> FoldSizes:
    """Class sizes of 1 to 5 folds, log-uniform from 5 to 3000."""
    classes = tuple(f"class{number}" for number in range(1, random.randint(3, 11) + 1))
    folds = random.randint(1, 5)
    columns = [_even(random, folds) if even else [_size(random) for _ in range(folds)] for _ in classes]
    return fold_sizes("simulated", classes, {fold + 1: [column[fold] for column in columns] for fold in range(folds)})


def corrupt(random: Random, table: Table, kind: Kind) -> Corrupted:
    """The table with one slip in one row that changes what is printed; a table in which none can is drawn from again.

    digit: one digit of one cell. swap: two neighbouring digits of one cell. shift: the values from one column on stand
    one further left, the last cell holds what the one before it does. copied row: the class cells are those of another
    row. WAR/UAR exchange: each stands in the column of the other.
    """
    for _ in range(100):
        number = random.randrange(len(table.rows))
        row = table.rows[number]
        column, cells = _slip(random, table, row, kind)
        if cells != row.cells:
            rows = (*table.rows[:number], replace(row, cells=cells), *table.rows[number + 1 :])
            return Corrupted(replace(table, rows=rows), kind, number, column, row)
    raise ValueError(f"no slip of kind {kind} changes this table")


def rounded(value: Fraction, decimals: int) -> str:
    """A share as per cent with so many decimals, halves upwards."""
    units = floor(100 * value * 10**decimals + Fraction(1, 2))
    return f"{units // 10**decimals}.{units % 10**decimals:0{decimals}d}" if decimals else str(units)


def _slip(random: Random, table: Table, row: Row, kind: Kind) -> tuple[str, dict[str, Cell]]:
    cells = dict(row.cells)
    column = random.choice(table.columns)
    if kind in ("digit", "swap"):
        text = (_digit if kind == "digit" else _swap)(random, cells[column].text)
        return column, {**cells, column: Cell(text)}
    if kind == "shift":
        column = random.choice(table.columns[:-1])
        moved = table.columns[table.columns.index(column) :]
        return column, {**cells, **{new: cells[old] for new, old in pairwise(moved)}}
    if kind == "copied row":
        other = random.choice([other for other in table.rows if other.number != row.number])
        return "", {**cells, **{name: other.cells[name] for name in table.classes}}
    return "WAR", {**cells, "WAR": cells["UAR"], "UAR": cells["WAR"]}


def _digit(random: Random, text: str) -> str:
    place = random.choice([place for place, letter in enumerate(text) if letter.isdecimal()])
    return text[:place] + random.choice([digit for digit in "0123456789" if digit != text[place]]) + text[place + 1 :]


def _swap(random: Random, text: str) -> str:
    places = [place for place, letter in enumerate(text) if letter.isdecimal()]
    number = random.randrange(len(places) - 1)
    letters = list(text)
    one, two = places[number], places[number + 1]
    letters[one], letters[two] = letters[two], letters[one]
    return "".join(letters)


def _row(random: Random, number: int, sizes: FoldSizes, basis: Basis, decimals: int) -> Row:
    """One result: right clips of every fold, drawn about a recall of each class, read on the basis."""
    right = {fold: [0] * len(sizes.classes) for fold in sizes.sizes}
    for place in range(len(sizes.classes)):
        recall = random.betavariate(2, 1.2)
        for fold, counts in sizes.sizes.items():
            right[fold][place] = _binomial(random, counts[place], recall)
    printed = [Cell(rounded(share, decimals)) for share in _shares(sizes, basis, right)]
    return Row(number, f"method{number}", "", dict(zip((*sizes.classes, *METRICS), printed, strict=True)))


def _shares(sizes: FoldSizes, basis: Basis, right: dict[int, list[int]]) -> list[Fraction]:
    """Recall of each class, WAR and UAR, straight from their definitions."""
    if basis.name.startswith("fold"):
        fold = int(basis.name.removeprefix("fold"))
        return _of_fold(right[fold], sizes.sizes[fold])
    if basis.name == "pooled":
        return _of_fold([sum(counts) for counts in zip(*right.values(), strict=True)], sizes.pooled)
    folds = [_of_fold(right[fold], counts) for fold, counts in sizes.sizes.items()]
    return [sum(values, Fraction(0)) / len(folds) for values in zip(*folds, strict=True)]


def _of_fold(right: Sequence[int], counts: Sequence[int]) -> list[Fraction]:
    recalls = [Fraction(k, n) for k, n in zip(right, counts, strict=True)]
    return [*recalls, Fraction(sum(right), sum(counts)), sum(recalls, Fraction(0)) / len(recalls)]


def _binomial(random: Random, n: int, share: float) -> int:
    return min(n, max(0, round(random.gauss(n * share, (n * share * (1 - share)) ** 0.5))))


def _size(random: Random) -> int:
    return round(5 * 600 ** random.random())


def _even(random: Random, folds: int) -> list[int]:
    whole, rest = divmod(_size(random) * folds + random.randrange(folds), folds)
    column = [whole + (fold < rest) for fold in range(folds)]
    return column if random.random() < 0.5 else column[::-1]
