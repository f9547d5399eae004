"""Rows beside rows: one quantity printed twice, cells copied or shifted between rows.

`datasets` names the data set of each table whose columns `WAR`, `UAR` and classes do not name one; `sizes` are the test
clips by data set. All numbers are exact; a chance is an expected number of such coincidences among unrelated rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import ceil, comb, floor, prod

from harness.analysis.audit.finding import Finding
from harness.analysis.audit.literature import TAKEN, method_key, metric_columns
from harness.analysis.audit.order import Sizes, exchanged_columns, sizes_of, war_below_uar
from harness.analysis.audit.table import METRICS, OTHER, Cell, Row, Table

Quantity = tuple[str, str]  # data set (lower case), class or metric

ODDS = Fraction(1, 100)
"""Equal cells are a copy if unrelated rows would be expected to show fewer such coincidences than this."""

NEAR = 1
"""Points: arms of one method lie close together, so that equal cells say less; their range is taken this much wider."""


@dataclass(frozen=True)
class Alike:
    """Two rows with cells in common. columns: of the first and of the second row, in the same order."""

    first: tuple[Table, Row]
    second: tuple[Table, Row]
    columns: tuple[tuple[str, str], ...]
    expected: Fraction


def compare_tables(
    tables: Mapping[str, Table],
    sizes: Sizes,
    datasets: Mapping[str, str] | None = None,
    closing: Collection[tuple[str, int]] = (),
) -> list[Finding]:
    """All comparisons. closing: (table, row number) of the rows that close on a basis: they are not at fault."""
    named = {name: (datasets or {}).get(name, "").casefold() for name in tables}
    findings = list(same_quantity(tables, named, closing))
    findings += copied_cells(tables, sizes, named, closing)
    findings += displaced_cells(tables, sizes, named)
    for name, table in tables.items():
        below = war_below_uar(table, sizes, named[name], closing)
        findings += below + exchanged_columns(table, below, named[name])
    return findings


def same_quantity(
    tables: Mapping[str, Table], datasets: Mapping[str, str], closing: Collection[tuple[str, int]] = ()
) -> Iterator[Finding]:
    """The same method, arm and quantity in two tables, printed with values that are no roundings of one another.

    Arms of one name are the same. An arm of another name (`au` here, `distinct` there) is the same if at least half of
    the shared cells, and three, are equal, and more than of any other arm; that is likely, not certain. Of the two rows
    the one that does not close is told of, else that of the later table.
    """
    for (name, table), (other_name, other) in combinations(tables.items(), 2):
        here, there = _places(table, datasets[name]), _places(other, datasets[other_name])
        for row, match, certain in _matches(table, other, here, there):
            for quantity in [quantity for quantity in there if quantity in here]:
                columns = here[quantity], there[quantity]
                cell, printed = row.cells.get(columns[0]), match.cells.get(columns[1])
                if cell and printed and not _agree(cell, printed):
                    first, second = (table, row, columns[0]), (other, match, columns[1])
                    right = [(one.name, line.number) in closing for one, line, _ in (first, second)]
                    yield _differs(*((second, first) if right == [False, True] else (first, second)), certain)


def copied_cells(
    tables: Mapping[str, Table],
    sizes: Sizes,
    datasets: Mapping[str, str],
    closing: Collection[tuple[str, int]] = (),
) -> list[Finding]:
    """Rows of one table that share more equal cells in the same columns than chance allows.

    Two unrelated cells of a column are equal with a chance of one over the values attainable in the column's range: k/n
    for a class of n test clips in the smallest fold (so 0.00 or 3/29 says little), or the steps of the printed digit if
    that is fewer; or with the share of equal pairs that the column's other rows show beyond one, if larger. The chances
    multiply, times the ways to choose the equal columns, times the pairs of rows: the expected number of such pairs. If
    every class is equal WAR and UAR follow and are not counted. Of the two rows the one that does not close is called
    the copy, else the later one. Two rows that both close though some classes differ share their cells by chance:
    cells copied in part would not close.
    """
    found = []
    for name, table in tables.items():
        pairs = list(combinations(table.rows, 2))
        for first, second in pairs:
            alike = _alike(table, first, second, len(pairs), sizes, datasets[name])
            if alike and alike.expected < ODDS and not _by_themselves(table, alike, closing):
                found.append(_copied(alike, closing))
    return found


def displaced_cells(tables: Mapping[str, Table], sizes: Sizes, datasets: Mapping[str, str]) -> list[Finding]:
    """Runs of a method's cells that stand in another table under other columns.

    A run is two or more neighbouring cells of one table equal to neighbouring cells of the other, of other quantities.
    If all of them stand one column from their own in the second table, the row is `shifted`; otherwise its cells are
    copied from elsewhere. Chance as in `copied_cells`, times the places where a run could begin (for a shift by one,
    two for each quantity of both tables, else every pair of columns), times the methods of both tables.
    """
    found = []
    for (name, table), (other_name, other) in combinations(tables.items(), 2):
        here, there = _places(table, datasets[name]), _places(other, datasets[other_name])
        matches = [(row, match) for row, match, _ in _matches(table, other, here, there)]
        for row, match in matches:
            run = _run(row, match, here, there)
            moved = _moved(run, here, there)
            starts = 2 * len([quantity for quantity in here if quantity in there]) if moved else len(here) * len(there)
            chances = [_chance(other, column, sizes, datasets[other_name]) for _, column in run]
            expected = len(matches) * starts * prod(chances, start=Fraction(1))
            if len(run) > 1 and expected < ODDS:
                found.append(_displaced(Alike((table, row), (other, match), run, expected), moved))
    return found


def _places(table: Table, dataset: str) -> dict[Quantity, str]:
    """Column of each quantity, in the table's order; FLOPs and averages are no quantity of a data set's clips."""
    metrics = {column: (name, metric) for name, columns in metric_columns(table, dataset).items()
               for metric, column in columns.items()}  # fmt: skip
    return {metrics.get(column, (dataset, column)): column for column in table.columns if column not in OTHER}


def _matches(
    table: Table, other: Table, here: Mapping[Quantity, str], there: Mapping[Quantity, str]
) -> Iterator[tuple[Row, Row, bool]]:
    """Rows of the same method and arm in two tables, and whether that is certain."""
    names = _same_methods(table, other)
    for row in table.rows:
        rows = [match for match in other.rows if names.get(row.method) == match.method]
        same = [match for match in rows if match.arm == row.arm]
        if same:
            yield row, same[0], True
        elif row.arm not in TAKEN:
            equal = {match.number: _equal(row, match, here, there) for match in rows}
            best = max(rows, key=lambda match: equal[match.number], default=None)
            if best and equal[best.number] >= max(3, len([q for q in there if q in here]) / 2):
                yield row, best, False


def _same_methods(table: Table, other: Table) -> dict[str, str]:
    """Method of one table by that of the other: the same key, or one without the other's depth (`R(2+1)D`, `..18`)."""
    keys = {method_key(row.method): row.method for row in table.rows}
    others = {method_key(row.method): row.method for row in other.rows}
    found = {method: others[key] for key, method in keys.items() if key in others}
    for key, method in keys.items():
        near = [one for one in others if one != key and _bare(one) == _bare(key) and _bare(key) in (one, key)]
        if method not in found and len(near) == 1 and others[near[0]] not in found.values():
            found[method] = others[near[0]]
    return found


def _bare(key: str) -> str:
    return key.rstrip("0123456789")


def _equal(row: Row, match: Row, here: Mapping[Quantity, str], there: Mapping[Quantity, str]) -> int:
    """How many quantities both rows give, and give the same."""
    cells = [(row.cells.get(column), match.cells.get(there.get(quantity, ""))) for quantity, column in here.items()]
    return sum(one is not None and two is not None and _agree(one, two) for one, two in cells)


def _agree(cell: Cell, other: Cell) -> bool:
    """Whether both can be roundings of one value."""
    return abs(cell.value - other.value) <= max(cell.unit, other.unit) / 2


def _differs(one: tuple[Table, Row, str], two: tuple[Table, Row, str], certain: bool) -> Finding:
    (table, row, column), (other, match, printed) = one, two
    cell = row.cells[column]
    stands = [name for name, value in match.cells.items() if value.value == cell.value]
    said = f"{other.name} prints {match.cells[printed].text} for {match.name}, {printed}; {table.name} {cell.text} for "
    said += f"{row.name}, {column}" + (f"; that value stands under {', '.join(stands)} there" if stands else "")
    return Finding(
        "same-quantity-differs",
        other.name,
        match.name,
        printed,
        said + ".",
        printed=match.cells[printed].text,
        derived=cell.text,
        evidence={"other_table": table.name, "other_row": row.name, "other_column": column, "stands_under": stands,
                  "difference": f"{float(match.cells[printed].value - cell.value):.2f}"},
        confidence="certain" if certain else "likely",
    )  # fmt: skip


def _alike(table: Table, first: Row, second: Row, pairs: int, sizes: Sizes, dataset: str) -> Alike | None:
    """The equal cells of two rows, and the expected number of pairs of rows with as unlikely ones."""
    shared = [
        column
        for column in table.columns
        if column not in OTHER and {column} <= first.cells.keys() & second.cells.keys()
    ]
    equal = [column for column in shared if first.cells[column].value == second.cells[column].value]
    counted = equal
    if table.classes and set(table.classes) <= set(equal):
        counted = [column for column in equal if column in table.classes]
    if not counted:
        return None
    near = first.method if first.method == second.method else ""
    chance = prod(
        (_chance(table, column, sizes, dataset, (first, second), near) for column in counted), start=Fraction(1)
    )
    expected = pairs * comb(len(shared), len(equal)) * chance
    return Alike((table, first), (table, second), tuple((column, column) for column in equal), expected)


def _by_themselves(table: Table, alike: Alike, closing: Collection[tuple[str, int]]) -> bool:
    """Whether both rows close and only part of their classes is equal."""
    whole = set(table.classes) <= {column for column, _ in alike.columns}
    return not whole and {(table.name, row.number) for _, row in (alike.first, alike.second)} <= set(closing)


def _chance(
    table: Table, column: str, sizes: Sizes, dataset: str, but: tuple[Row, ...] = (), method: str = ""
) -> Fraction:
    """How likely two unrelated cells of a column are equal (`copied_cells`); `but`: a pair of rows not to judge by."""
    rows = [row for row in table.rows if column in row.cells and method in ("", row.method)]
    values = [row.cells[column].value for row in rows]
    margin = NEAR if method else 0
    low, high = max(min(values) - margin, Fraction(0)), min(max(values) + margin, Fraction(100))
    others = [pair for pair in combinations(rows, 2) if pair != but]
    same = sum(one.cells[column].value == two.cells[column].value for one, two in others)
    unit = rows[0].cells[column].unit
    attainable = (high - low) / unit + 1
    low, high = low - unit / 2, high + unit / 2  # what rounds to the ends counts
    for count in _clips(table, column, sizes, dataset):
        attainable = min(attainable, Fraction(floor(high * count / 100) - ceil(low * count / 100) + 1))
    # One equal pair may be another copy: only what is beyond it says that the column's values coincide by themselves.
    return max(1 / max(attainable, Fraction(1)), Fraction(max(same - 1, 0), max(len(others), 1)))


def _clips(table: Table, column: str, sizes: Sizes, dataset: str) -> list[int]:
    """Test clips behind an accuracy, of the smallest fold, as far as known; UAR has no such number."""
    metric = column.rpartition("_")[2]
    name = column.rpartition("_")[0].casefold() or dataset
    found = []
    for size in sizes_of(name if metric in METRICS else dataset, sizes):
        if metric == "WAR":
            found.append(min(map(sum, size.sizes.values())))
        elif column in size.classes:
            found.append(min(counts[size.classes.index(column)] for counts in size.sizes.values()))
    return found


def _copied(alike: Alike, closing: Collection[tuple[str, int]]) -> Finding:
    (table, first), (_, second) = alike.first, alike.second
    closes = [(table.name, row.number) in closing for row in (first, second)]
    source, copy = (second, first) if closes == [False, True] else (first, second)
    columns = [column for column, _ in alike.columns]
    return Finding(
        "copied-cells",
        table.name,
        copy.name,
        ", ".join(columns),
        f"{copy.name} has {len(columns)} cells of {source.name}: {', '.join(columns)}; of unrelated rows "
        f"{float(alike.expected):.1g} such pairs are expected in the table.",
        printed=", ".join(copy.cells[column].text for column in columns),
        evidence={"rows": [source.name, copy.name], "columns": columns, "expected_by_chance": float(alike.expected),
                  "closes": dict(zip((first.name, second.name), closes, strict=True))},
        confidence="certain" if closes.count(True) == 1 else "likely",
    )  # fmt: skip


def _run(
    row: Row, match: Row, here: Mapping[Quantity, str], there: Mapping[Quantity, str]
) -> tuple[tuple[str, str], ...]:
    """The longest run of neighbouring cells that are equal though their quantities differ."""
    one, two = list(here.items()), list(there.items())
    best: tuple[tuple[str, str], ...] = ()
    for i in range(len(one)):
        for j in range(len(two)):
            run = []
            for (quantity, column), (other, place) in zip(one[i:], two[j:], strict=False):
                cell, printed = row.cells.get(column), match.cells.get(place)
                if quantity == other or not cell or not printed or cell.value != printed.value:
                    break
                run.append((column, place))
            best = max(best, tuple(run), key=len)
    return best


def _moved(run: Sequence[tuple[str, str]], here: Mapping[Quantity, str], there: Mapping[Quantity, str]) -> int | None:
    """1 or -1 if every cell of the run stands that far from its quantity's own column."""
    quantity_of, places = {column: quantity for quantity, column in here.items()}, list(there.values())
    moves = {
        places.index(place) - places.index(there[quantity_of[column]]) if quantity_of[column] in there else 0
        for column, place in run
    }
    return moves.pop() if moves in ({1}, {-1}) else None


def _displaced(alike: Alike, moved: int | None) -> Finding:
    (table, row), (other, match) = alike.first, alike.second
    pairs = [f"{place} {match.cells[place].text} is {table.name}'s {column}" for column, place in alike.columns]
    return Finding(
        "shifted" if moved else "copied-cells",
        other.name,
        match.name,
        ", ".join(place for _, place in alike.columns),
        f"{match.name}: {'; '.join(pairs)}: values {'of the row' if moved else 'of other quantities'} in the wrong "
        f"columns ({float(alike.expected):.1g} such runs expected by chance).",
        printed=", ".join(match.cells[place].text for _, place in alike.columns),
        evidence={"other_table": table.name, "other_row": row.name, "columns": [list(pair) for pair in alike.columns],
                  "moved_by": moved, "expected_by_chance": float(alike.expected)},
        confidence="likely",
    )  # fmt: skip
