"""Statements of the text as predicates over the tables: each holds, or the cells that contradict it are named.

Form of the claims (TOML): `[[claim]]` with `id`, `says` (in our words), `where`, and either `predicate` with its
arguments, or `unchecked` with the reason; `tendency = true` if it is said of most cells, not of all. Predicates are the
public functions below that take a Context first. The tables are asked as printed, slips included.
"""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from harness.analysis.audit.finding import Finding
from harness.analysis.audit.table import Cell, FoldSizes, Row, Table
from harness.errors import DataError

BASELINE = "baseline"


@dataclass(frozen=True)
class Claim:
    """One statement. table: the one it is about, or empty."""

    id: str
    says: str
    where: str
    predicate: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    unchecked: str = ""
    tendency: bool = False


@dataclass(frozen=True)
class Context:
    """What claims may ask: tables by name, class sizes by data set, official recipes by method (dotted settings)."""

    tables: Mapping[str, Table]
    sizes: Mapping[str, FoldSizes] = field(default_factory=dict)
    recipes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Against:
    """A cell that contradicts a claim: what is printed, and what the claim needs."""

    row: str
    column: str
    printed: str
    needed: str


@dataclass(frozen=True)
class ClaimResults:
    """contradicted: findings. holds: claims that no cell contradicts. unchecked: with the reason in the claim."""

    contradicted: list[Finding]
    holds: list[Claim]
    unchecked: list[Claim]


def read_claims(path: Path) -> tuple[Claim, ...]:
    """The claims of a TOML file; DataError names the file and the claim that is not of the form above."""
    try:
        items = tomllib.loads(path.read_text(encoding="utf-8")).get("claim", [])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"{path}: cannot be read as TOML ({error}); mend the file") from error
    return tuple(_claim(path, dict(item)) for item in items)


def check_claims(claims: Sequence[Claim], context: Context) -> ClaimResults:
    """Every claim asked. A finding's `row` is the claim's id; the cells against it are in the evidence.

    A tendency with fewer than half of its cells against it is only possibly contradicted.
    """
    results = ClaimResults([], [], [])
    for claim in claims:
        if claim.unchecked:
            results.unchecked.append(claim)
            continue
        asked, against = PREDICATES[claim.predicate](context, **claim.arguments)
        if against:
            results.contradicted.append(_finding(claim, asked, against))
        else:
            results.holds.append(claim)
    return results


Answer = tuple[int, list[Against]]  # how many cells were asked, and those against


def arms_beat_baseline(context: Context, table: str, columns: Sequence[str]) -> Answer:
    """Every other arm of a method is above its baseline in every column."""
    asked = _gains(context, table, columns)
    against = [Against(row.name, column, row.cells[column].text, f"above {base.cells[column].text}")
               for base, row, column in asked if row.cells[column].value <= base.cells[column].value]  # fmt: skip
    return len(asked), against


def gains_within(context: Context, table: str, columns: Sequence[str], least: float, most: float) -> Answer:
    """Every gain over the baseline is between `least` and `most` points."""
    asked, low, high = _gains(context, table, columns), Fraction(str(least)), Fraction(str(most))
    against = [Against(row.name, column, f"{float(gain):+.2f}", f"{least:+g} to {most:+g}")
               for base, row, column in asked
               for gain in [row.cells[column].value - base.cells[column].value] if not low <= gain <= high]  # fmt: skip
    return len(asked), against


def gains_exceed(context: Context, table: str, columns: Sequence[str], than: Sequence[str]) -> Answer:
    """The mean gain over `columns` is above that over `than`, for every arm."""
    gains: dict[str, dict[str, Fraction]] = {}
    for base, row, column in _gains(context, table, [*columns, *than]):
        gains.setdefault(row.name, {})[column] = row.cells[column].value - base.cells[column].value
    full = {name: gain for name, gain in gains.items() if {*columns, *than} <= set(gain)}
    against = []
    for name, gain in full.items():
        one, two = (sum((gain[column] for column in some), start=Fraction(0)) / len(some) for some in (columns, than))
        if one <= two:
            against.append(
                Against(name, ", ".join(columns), f"{float(one):+.2f} on average", f"above {float(two):+.2f}")
            )
    return len(full), against


def equal_to_baseline(context: Context, table: str, columns: Sequence[str]) -> Answer:
    """Every other arm prints what its baseline prints."""
    asked = _gains(context, table, columns)
    against = [Against(row.name, column, row.cells[column].text, base.cells[column].text)
               for base, row, column in asked if row.cells[column].value != base.cells[column].value]  # fmt: skip
    return len(asked), against


def best_of_column(context: Context, table: str, columns: Sequence[str], arms: Collection[str]) -> Answer:
    """The best value of every column is in a row of `arms`; against it are the rows above the best of those."""
    rows, asked, against = _table(context, table).rows, 0, []
    for column in columns:
        ours = [row.cells[column] for row in rows if row.arm in arms and column in row.cells]
        others = [row for row in rows if row.arm not in arms and column in row.cells]
        if ours:
            best, asked = max(ours, key=_value), asked + len(others)
            against += [Against(row.name, column, row.cells[column].text, f"at most {best.text}")
                        for row in others if row.cells[column].value > best.value]  # fmt: skip
    return asked, against


def best_arm_among(
    context: Context, table: str, columns: Sequence[str], arms: Collection[str], methods: Collection[str] = ()
) -> Answer:
    """Of each method's arms, baseline included, one of `arms` has the best value of each column; a tie is enough."""
    rows, asked, against = _table(context, table).rows, 0, []
    for method in dict.fromkeys(row.method for row in rows if not methods or row.method in methods):
        for column in columns:
            cells = {
                row.name: (row.arm, row.cells[column]) for row in rows if row.method == method and column in row.cells
            }
            ours = [cell for arm, cell in cells.values() if arm in arms]
            if ours:
                asked += 1
                best, (name, (_, top)) = max(ours, key=_value), max(cells.items(), key=lambda item: item[1][1].value)
                if top.value > best.value:
                    against.append(Against(name, column, top.text, f"at most {best.text}"))
    return asked, against


def cell_is(context: Context, table: str, method: str, arm: str, column: str, value: str) -> Answer:
    """One cell has the value of the text."""
    rows = [
        row for row in _table(context, table).rows if (row.method, row.arm) == (method, arm) and column in row.cells
    ]
    against = [Against(row.name, column, row.cells[column].text, value) for row in rows
               if row.cells[column].value != Cell(value).value]  # fmt: skip
    return len(rows), against


def has_column(context: Context, table: str, column: str) -> Answer:
    """The table has a column."""
    found = column in _table(context, table).columns
    return 1, [] if found else [Against("", column, "no such column", "a column")]


def flatter_columns(context: Context, table: str, flat: Sequence[str], peaked: Sequence[str]) -> Answer:
    """The spread over the rows, largest less smallest, of every column of `flat` is below that of each of `peaked`."""
    rows = _table(context, table).rows
    spread = {column: max(values) - min(values) for column in (*flat, *peaked)
              for values in [[row.cells[column].value for row in rows]]}  # fmt: skip
    least = min(spread[column] for column in peaked)
    against = [Against("", column, f"{float(spread[column]):.2f}", f"below {float(least):.2f}")
               for column in flat if spread[column] >= least]  # fmt: skip
    return len(flat), against


def larger_than_equal_share(context: Context, datasets: Sequence[str], classes: Collection[str]) -> Answer:
    """Of the test clips of all folds, the classes with more than an equal share are `classes`."""
    against = []
    for name in datasets:
        size = context.sizes[name]
        total, share = sum(size.pooled), Fraction(sum(size.pooled), len(size.classes))
        for one, count in zip(size.classes, size.pooled, strict=True):
            if (count > share) != (one in classes):
                needed = f"{'above' if one in classes else 'at most'} {float(share):.1f}"
                against.append(Against(name, one, f"{count} of {total}", needed))
    return len(datasets), against


def recipe_is(context: Context, method: str, setting: str, value: float) -> Answer:
    """The official recipe of a method has the setting."""
    found = context.recipes[method][setting]
    return 1, [] if found == value else [Against(method, setting, f"{value:g}", f"{found:g}")]


PREDICATES: dict[str, Callable[..., Answer]] = {
    one.__name__: one
    for one in (
        arms_beat_baseline, best_arm_among, best_of_column, cell_is, equal_to_baseline, flatter_columns, gains_exceed,
        gains_within, has_column, larger_than_equal_share, recipe_is,
    )
}  # fmt: skip


def _claim(path: Path, item: dict[str, Any]) -> Claim:
    where = f"{path}: claim {item.get('id', '?')}"
    fixed = {name: item.pop(name, "") for name in ("id", "says", "where", "predicate", "unchecked")}
    tendency = item.pop("tendency", False)
    if not all(isinstance(value, str) for value in fixed.values()) or not (fixed["id"] and fixed["says"]):
        raise DataError(f"{where}: has no id or says nothing; mend the claim")
    if bool(fixed["predicate"]) == bool(fixed["unchecked"]):
        raise DataError(f"{where}: needs either a predicate or a reason in 'unchecked'; mend the claim")
    if fixed["predicate"]:
        if fixed["predicate"] not in PREDICATES:
            raise DataError(f"{where}: predicate {fixed['predicate']!r}; known: {', '.join(PREDICATES)}")
        try:
            inspect.signature(PREDICATES[fixed["predicate"]]).bind(None, **item)
        except TypeError as error:
            raise DataError(f"{where}: {fixed['predicate']}: {error}; mend the claim") from error
    return Claim(**fixed, arguments=item, tendency=tendency)


def _table(context: Context, name: str) -> Table:
    if name not in context.tables:
        raise DataError(f"claims: table {name!r} is not given; given: {', '.join(context.tables)}")
    return context.tables[name]


def _gains(context: Context, table: str, columns: Sequence[str]) -> list[tuple[Row, Row, str]]:
    """Baseline, arm and column of every cell that can be compared with its baseline."""
    rows = _table(context, table).rows
    bases = {row.method: row for row in rows if row.arm == BASELINE}
    return [
        (bases[row.method], row, column)
        for row in rows
        if row.method in bases and row.arm != BASELINE
        for column in columns
        if column in row.cells and column in bases[row.method].cells
    ]


def _value(cell: Cell) -> Fraction:
    return cell.value


def _finding(claim: Claim, asked: int, against: Sequence[Against]) -> Finding:
    cells = [f"{one.row}{', ' if one.row else ''}{one.column} {one.printed} ({one.needed} needed)" for one in against]
    return Finding(
        "claim-contradicted",
        str(claim.arguments.get("table", "")),
        claim.id,
        "",
        f"{claim.says} ({claim.where}): against it {len(against)} of {asked} asked: {'; '.join(cells)}.",
        printed=claim.says,
        evidence={
            "where": claim.where,
            "predicate": claim.predicate,
            "arguments": dict(claim.arguments),
            "asked": asked,
            "against": [asdict(one) for one in against],
        },
        confidence="possible" if claim.tendency and 2 * len(against) < asked else "certain",
    )
