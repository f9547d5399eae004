"""Reads the AU-expression knowledge matrix (section 3.1, Fig. 4). It is data: the paper's own recipe does not give it.

Shape letters: E expressions, A action units.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.au.units import ACTION_UNITS, EXPRESSIONS
from harness.errors import DataError, HarnessError

Array = NDArray[Any]

CHOICES = ("fig4", "released", "computed:<file>")


def load_knowledge(choice: str, folder: Path) -> Array:
    """knowledge_EA (7, 18) in (0, 1): "fig4" and "released" from `folder`, "computed:<file>" from the file named.

    Raises HarnessError for another choice, DataError for a file that is not such a matrix.
    """
    path = _path_of(choice, folder)
    matrix_EA = read_unit_table(path, EXPRESSIONS)
    outside = np.argwhere((matrix_EA <= 0) | (matrix_EA >= 1))
    if len(outside):
        row, column = outside[0]
        raise DataError(
            f"{path}: {EXPRESSIONS[row]}, {ACTION_UNITS[column]}: {matrix_EA[row, column]:g} is outside (0, 1); "
            "knowledge is the output of a sigmoid (section 3.1)"
        )
    return matrix_EA


def read_unit_table(path: Path, row_names: Sequence[str]) -> Array:
    """A CSV table with a first column of names and one column per action unit, as float64 (rows, 18).

    Rows and columns are found by name and returned in the order of `row_names` and ACTION_UNITS. Raises DataError for
    a missing file, name or cell, a name given twice or not asked for, or a cell that is not a finite number.
    """
    header, *lines = _cells(path)
    _check_names(path, "column", header[1:], ACTION_UNITS)
    _check_names(path, "row", [line[0] for line in lines], row_names)
    by_name = {line[0]: dict(zip(header, line, strict=False)) for line in lines}
    return np.array(
        [[_number(path, name, unit, by_name[name].get(unit, "")) for unit in ACTION_UNITS] for name in row_names]
    )


def unit_table_csv(row_names: Sequence[str], matrix_RA: Array) -> str:
    """A table (rows, 18) as CSV text with every digit: `read_unit_table` gives the same numbers back."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["expression", *ACTION_UNITS])
    writer.writerows([name, *map(repr, row)] for name, row in zip(row_names, matrix_RA.tolist(), strict=True))
    return text.getvalue()


def unit_table_lines(row_names: Sequence[str], matrix_RA: Array, decimals: int = 2) -> list[str]:
    """The same for a terminal: aligned columns, rounded."""
    first = max(map(len, row_names))
    width = max(len(ACTION_UNITS[0]), len(f"{matrix_RA.max():.{decimals}f}"))
    rows = [f"{name:<{first}}" + "".join(f" {value:{width}.{decimals}f}" for value in row)
            for name, row in zip(row_names, matrix_RA.tolist(), strict=True)]  # fmt: skip
    return [" " * first + "".join(f" {unit:>{width}}" for unit in ACTION_UNITS), *rows]


def _path_of(choice: str, folder: Path) -> Path:
    kind, _, file = choice.partition(":")
    if kind == "computed" and file:
        return Path(file)
    if choice in CHOICES[:2]:
        return folder / f"knowledge_{choice}.csv"
    raise HarnessError(f"knowledge matrix '{choice}' is not one of {', '.join(CHOICES)}")


def _cells(path: Path) -> list[list[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [[cell.strip() for cell in line] for line in csv.reader(file) if line]
    except FileNotFoundError:
        raise DataError(f"{path}: no such table; name an existing CSV file of 18 AU columns") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as CSV ({error}); give a UTF-8 file parted by commas") from None
    if not lines:
        raise DataError(f"{path}: is empty; give a table of 18 AU columns")
    return lines


def _check_names(path: Path, what: str, found: Sequence[str], wanted: Sequence[str]) -> None:
    missing = [name for name in wanted if name not in found]
    surplus = [name for i, name in enumerate(found) if name not in wanted or name in found[:i]]
    if missing or surplus:
        parts = [f"missing {', '.join(missing)}"] * bool(missing) + [f"surplus {', '.join(surplus)}"] * bool(surplus)
        raise DataError(f"{path}: {what}s: {'; '.join(parts)}; each of {', '.join(wanted)} must be there once")


def _number(path: Path, row: str, column: str, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"{path}: {row}, {column}: '{cell}' is not a finite number; fill the cell")
    return value
