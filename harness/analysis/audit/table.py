"""A printed result table and the class sizes of the test folds behind it: the two inputs of the audit.

Form of a table (CSV, UTF-8): a first line of column names, then a row a result, cells as printed, per cent, empty where
nothing is printed. `method` is required; `arm` (or `au_strategy`), `cite` and `replicated` may follow. Then columns of
values: classes by name, `WAR`, `UAR`, `GFLOPs`; in a table of several data sets `<data set>_WAR`, `<data set>_UAR`.

Form of class sizes (CSV): columns `dataset,fold,class,count`, a line per class of a test fold.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from harness.errors import DataError

LABELS = ("method", "cite", "arm", "au_strategy", "replicated")
METRICS = ("WAR", "UAR")
OTHER = ("GFLOPs", "Avg")
PRINTED = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")
"""A number as tables print them: no sign, no exponent, no bare point, digits 0 to 9."""
COUNT = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True)
class Cell:
    """A printed number: its text, and the closed interval of values that round to it (half a unit either way)."""

    text: str

    @property
    def value(self) -> Fraction:
        """The printed number itself, exactly."""
        return Fraction(Decimal(self.text))

    @property
    def unit(self) -> Fraction:
        """One unit of the last printed digit."""
        exponent = Decimal(self.text).as_tuple().exponent
        assert isinstance(exponent, int)
        return Fraction(Decimal(1).scaleb(exponent))

    @property
    def low(self) -> Fraction:
        """The smallest value that rounds to it."""
        return self.value - self.unit / 2

    @property
    def high(self) -> Fraction:
        """The largest value that rounds to it."""
        return self.value + self.unit / 2

    def holds(self, value: Fraction) -> bool:
        """Whether `value`, in the same unit, rounds to the printed number (ties may go either way)."""
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Row:
    """One row: how it is labelled, and its printed cells by column; a column without a number is not there."""

    number: int
    method: str
    arm: str
    cells: Mapping[str, Cell]

    @property
    def name(self) -> str:
        """`METHOD, ARM`, or the method alone where there is no arm."""
        return f"{self.method}, {self.arm}" if self.arm else self.method


@dataclass(frozen=True)
class Table:
    """A printed table. `classes` are its class columns in order; `columns` all columns of values in order."""

    name: str
    columns: tuple[str, ...]
    classes: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class FoldSizes:
    """Test clips per class, in the order of `classes`, of each fold of a data set."""

    dataset: str
    classes: tuple[str, ...]
    sizes: Mapping[int, tuple[int, ...]]

    @property
    def pooled(self) -> tuple[int, ...]:
        """Clips per class over all folds."""
        return tuple(map(sum, zip(*self.sizes.values(), strict=True)))

    def only(self, classes: Sequence[str]) -> FoldSizes:
        """The sizes of some classes, in the order given."""
        places = [self.classes.index(name) for name in classes]
        sizes = {fold: tuple(counts[place] for place in places) for fold, counts in self.sizes.items()}
        return FoldSizes(self.dataset, tuple(classes), sizes)


def read_table(path: Path, name: str = "") -> Table:
    """The table in a CSV file; DataError names file, line and column of what is not of the form above."""
    lines = _lines(path)
    if not lines or "method" not in lines[0]:
        raise DataError(f"{path}: no column 'method'; the form is described in docs/audit.md")
    columns = tuple(column for column in lines[0] if column not in LABELS)
    metrics = [column for column in columns if column.rpartition("_")[2] in METRICS]
    if not metrics:
        raise DataError(f"{path}: no column WAR or UAR; the form is described in docs/audit.md")
    classes = tuple(column for column in columns if column not in metrics and column not in OTHER)
    rows = tuple(_row(path, number, dict(line)) for number, line in enumerate(lines, start=1))
    return Table(name or path.stem, columns, classes, rows)


def read_fold_sizes(path: Path) -> dict[str, FoldSizes]:
    """Class sizes by data set from a CSV file; DataError for a missing class, a count that is none, or uneven folds."""
    found: dict[str, dict[int, dict[str, int]]] = {}
    for number, line in enumerate(_lines(path), start=2):
        if set(line) != {"dataset", "fold", "class", "count"}:
            raise DataError(
                f"{path}: columns are not dataset, fold, class, count; give a line per class of a test fold"
            )
        fold, count = line["fold"], line["count"]
        if not COUNT.fullmatch(fold) or not COUNT.fullmatch(count):
            raise DataError(f"{path}:{number}: fold {fold!r}, count {count!r}: not whole numbers; mend the line")
        classes = found.setdefault(line["dataset"], {}).setdefault(int(fold), {})
        if line["class"] in classes:
            raise DataError(f"{path}:{number}: class {line['class']} of fold {fold} is given twice; mend the file")
        classes[line["class"]] = int(count)
    if not found:
        raise DataError(f"{path}: has no class size; give a line per class of a test fold")
    return {dataset: _fold_sizes(path, dataset, folds) for dataset, folds in found.items()}


def fold_sizes(dataset: str, classes: Sequence[str], counts: Mapping[int, Iterable[int]]) -> FoldSizes:
    """The sizes of a data set as given, e.g. from a manifest."""
    return FoldSizes(dataset, tuple(classes), {fold: tuple(row) for fold, row in sorted(counts.items())})


def _fold_sizes(path: Path, dataset: str, folds: Mapping[int, Mapping[str, int]]) -> FoldSizes:
    classes = tuple(next(iter(folds.values())))
    for fold, counts in folds.items():
        if set(counts) != set(classes):
            raise DataError(
                f"{path}: {dataset}: fold {fold} has other classes than the first; give every class of each"
            )
        if not all(counts.values()):
            raise DataError(f"{path}: {dataset}: fold {fold} has a class without clips; its accuracy is not defined")
    return fold_sizes(dataset, classes, {fold: [counts[name] for name in classes] for fold, counts in folds.items()})


def _row(path: Path, number: int, line: Mapping[str, str]) -> Row:
    cells = {}
    for column, text in line.items():
        if column not in LABELS and text not in ("", "-"):
            cells[column] = _cell(f"{path}:{number + 1}: {column}", text)
    return Row(number, line["method"], line.get("arm") or line.get("au_strategy") or "", cells)


def _cell(where: str, text: str) -> Cell:
    if not PRINTED.fullmatch(text):
        raise DataError(f"{where}: {text!r} is not a number; leave a cell empty where nothing is printed")
    return Cell(text)


def _lines(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as CSV ({error}); give a UTF-8 file parted by commas") from error
    for number, line in enumerate(lines, start=2):
        if None in line or None in line.values():
            raise DataError(f"{path}:{number}: has not as many cells as the first line; mend the line")
    return [{column: text.strip() for column, text in line.items()} for line in lines]
