"""WAR and UAR the wrong way round: WAR below UAR by more than the class sizes make plausible, columns exchanged.

All numbers are exact.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction

from harness.analysis.audit.finding import Finding
from harness.analysis.audit.literature import TAKEN, metric_columns
from harness.analysis.audit.table import METRICS, FoldSizes, Row, Table

Sizes = Mapping[str, FoldSizes]

CONTRAST = 20
"""Points by which rare classes may be recognised better than common ones before it is reported."""


def war_below_uar(
    table: Table, sizes: Sizes, dataset: str = "", closing: Collection[tuple[str, int]] = ()
) -> list[Finding]:
    """WAR below UAR where the class sizes make that implausible.

    Both are means of the class accuracies r, UAR with equal weights, WAR with the shares w of the clips. So WAR - UAR
    is the sum of (w - 1/E) r: W times (mean accuracy of the large classes - that of the small ones), W being what the
    large classes have above 1/E together. A gap therefore says how much better small classes are recognised than large
    ones. With UAR given, the gap is largest if the smallest classes have all of it: a larger one is impossible.
    Reported from CONTRAST points on, if at most a third of the table's pairs have WAR below UAR, and not where the
    row closes on its class cells (`closing`: table and row number), or these show such accuracies at least by half. Of
    several class sets of one data set (`mafw`, `mafw_11`) the most lenient counts.
    """
    places = metric_columns(table, dataset)
    pairs = [(row, name) for row in table.rows for name, columns in places.items()
             if all(columns.get(metric) in row.cells for metric in METRICS)]  # fmt: skip
    turned = [(row, name) for row, name in pairs if _gap(row, places[name]) > 0]
    if not turned or 3 * len(turned) > len(pairs):
        return []
    counts = {"pairs": len(pairs), "pairs_with_WAR_below_UAR": len(turned)}
    return [
        found
        for row, name in turned
        for found in _below(table, row, places[name], sizes_of(name, sizes), counts)
        if (table.name, row.number) not in closing and not _explained(table, row, places[name], sizes_of(name, sizes))
    ]


def exchanged_columns(table: Table, below: Sequence[Finding], dataset: str = "") -> list[Finding]:
    """WAR and UAR exchanged, by the table's own rows: no literature is needed.

    A pair of columns in which every row that is taken from elsewhere has WAR implausibly below UAR, three or more, was
    filled the wrong way round for those rows; a row of which that is true in every data set, two or more, was copied
    the wrong way round.
    """
    places = metric_columns(table, dataset)
    marked = {(found.row, found.column) for found in below}
    columns_of = {name: ", ".join(columns[metric] for metric in METRICS if metric in columns)
                  for name, columns in places.items()}  # fmt: skip
    found = []
    for name, columns in places.items():
        rows = [row for row in table.rows if row.arm in TAKEN and set(columns.values()) <= set(row.cells)]
        if len(rows) >= 3 and all((row.name, columns_of[name]) in marked for row in rows):
            found.append(_exchanged(table, "", columns_of[name], [row.name for row in rows], [columns_of[name]]))
    for row in table.rows:
        pairs = [columns_of[name] for name, columns in places.items() if set(columns.values()) <= set(row.cells)]
        if len(pairs) >= 2 and all((row.name, pair) in marked for pair in pairs):
            found.append(_exchanged(table, row.name, "", [row.name], pairs))
    return found


def sizes_of(dataset: str, sizes: Sizes) -> list[FoldSizes]:
    """The class sizes of a data set, of each of its class sets."""
    return [
        size for name, size in sizes.items() if name.casefold() == dataset or name.casefold().startswith(dataset + "_")
    ]


def _gap(row: Row, columns: Mapping[str, str]) -> Fraction:
    """UAR less WAR in points."""
    return row.cells[columns["UAR"]].value - row.cells[columns["WAR"]].value


def _explained(table: Table, row: Row, columns: Mapping[str, str], sizes: Sequence[FoldSizes]) -> bool:
    """Whether the row's class cells have UAR above WAR by half as much at least, in any fold or in all."""
    if not table.classes or not set(table.classes) <= set(row.cells):
        return False
    cells = {name: row.cells[name].value for name in table.classes}
    mean = sum(cells.values(), start=Fraction(0)) / len(cells)
    gaps = []
    for size in (size for size in sizes if set(size.classes) == set(cells)):
        for counts in (size.pooled, *size.sizes.values()):
            right = sum((n * cells[name] for name, n in zip(size.classes, counts, strict=True)), start=Fraction(0))
            gaps.append(mean - right / sum(counts))
    return any(2 * gap >= _gap(row, columns) for gap in gaps)


def _below(
    table: Table, row: Row, columns: Mapping[str, str], sizes: Sequence[FoldSizes], counts: Mapping[str, int]
) -> list[Finding]:
    gap, uar = _gap(row, columns), row.cells[columns["UAR"]].value
    judged = [(gap / _tilt(size.pooled), _largest_gap(size.pooled, uar), size) for size in sizes if _tilt(size.pooled)]
    if not judged:
        return []
    contrast, largest, size = min(judged, key=lambda one: one[0])
    if contrast < CONTRAST:
        return []
    impossible = all(gap > limit for _, limit, _ in judged)
    text = f"WAR {row.cells[columns['WAR']].text}, UAR {row.cells[columns['UAR']].text}"
    return [Finding(
        "war-below-uar",
        table.name,
        row.name,
        ", ".join(columns[metric] for metric in METRICS),
        f"{row.name}: {text}: by the clips per class of {size.dataset}, its rare classes would be recognised "
        f"{float(contrast):.0f} points better than its common ones"
        + (", more than any accuracies give." if impossible else "."),
        printed=text,
        evidence={"dataset": size.dataset, "gap": f"{float(gap):.2f}", "contrast_points": f"{float(contrast):.1f}",
                  "excess_share_of_common_classes": f"{float(_tilt(size.pooled)):.4f}",
                  "largest_possible_gap": f"{float(largest):.2f}", **counts},
        confidence="certain" if impossible else "likely",
    )]  # fmt: skip


def _tilt(sizes: Sequence[int]) -> Fraction:
    """What the classes with more than their equal share have above it, together."""
    return sum((max(Fraction(n, sum(sizes)) - Fraction(1, len(sizes)), Fraction(0)) for n in sizes), start=Fraction(0))


def _largest_gap(sizes: Sequence[int], uar: Fraction) -> Fraction:
    """The largest UAR - WAR in points with that UAR: all of it in the smallest classes."""
    left, right = uar * len(sizes), Fraction(0)
    for n in sorted(sizes):
        accuracy = min(left, Fraction(100))
        left, right = left - accuracy, right + n * accuracy
    return uar - right / sum(sizes)


def _exchanged(table: Table, row: str, column: str, rows: Sequence[str], pairs: Sequence[str]) -> Finding:
    whose = row or f"the {len(rows)} rows taken from elsewhere"
    return Finding(
        "columns-exchanged",
        table.name,
        row,
        column,
        f"WAR and UAR of {whose} look exchanged in {'; '.join(pairs)}: WAR is implausibly below UAR in every one.",
        evidence={"rows": list(rows), "columns": list(pairs)},
        confidence="likely",
    )
