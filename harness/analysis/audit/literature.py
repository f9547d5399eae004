"""Printed values beside those that their sources give: exchanged, of another data set, or simply other ones.

Form of the literature (CSV, UTF-8), a line a value: `method`, `also` (other names, parted by `;`), `dataset`, `classes`
(how many), `variant`, `metric` (WAR, UAR, GFLOPs), `value`, `source`, `standing`. Values of one method, data set,
variant and source belong together. Standing says who states it: `own` (the method's authors), `other` (another method's
table), `survey`, or `audited`: the paper under audit itself, which is no evidence against it and is not compared.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

from harness.analysis.audit.finding import Confidence, Finding
from harness.analysis.audit.table import METRICS, PRINTED, Cell, Row, Table
from harness.errors import DataError

COLUMNS = ("method", "also", "dataset", "classes", "variant", "metric", "value", "source", "standing")
CONFIDENCE: Mapping[str, Confidence] = {"own": "certain", "other": "likely", "survey": "possible"}
TAKEN = ("", "reported")
"""Arms whose values are taken from elsewhere; a value that the paper measured itself may differ from its source's."""

REPEATED = "baseline"


@dataclass(frozen=True)
class Known:
    """What one source gives for one method on one data set: values by metric."""

    method: str
    also: tuple[str, ...]
    dataset: str
    classes: str
    variant: str
    source: str
    standing: str
    values: Mapping[str, Cell]

    @property
    def said(self) -> str:
        """The source, with the variant where there is one."""
        return f"{self.source} ({self.variant})" if self.variant else self.source


def read_literature(path: Path) -> tuple[Known, ...]:
    """The literature in a CSV file; DataError names file and line of what is not of the form above."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read ({error}); give a UTF-8 CSV file") from error
    found: dict[tuple[str, ...], dict[str, Cell]] = {}
    for number, line in enumerate(lines, start=2):
        _check(path, number, line)
        key = tuple(line[name] for name in COLUMNS if name not in ("metric", "value"))
        metric = line["metric"]
        if metric in found.setdefault(key, {}):
            raise DataError(f"{path}:{number}: {line['method']}, {metric} is given twice; name a variant")
        found[key][metric] = Cell(line["value"])
    return tuple(
        Known(method, tuple(also.split(";")) if also else (), dataset, classes, variant, source, standing, values)
        for (method, also, dataset, classes, variant, source, standing), values in found.items()
    )


def method_key(name: str) -> str:
    """A method's name without case, blanks and signs: `R(2+1)D-18` and `r(2+1)d18` are one."""
    return "".join(letter for letter in name.casefold() if letter.isalnum() or letter == "+")


def metric_columns(table: Table, dataset: str = "") -> dict[str, dict[str, str]]:
    """Column by data set (lower case) and metric; `WAR` and `UAR` alone belong to `dataset`."""
    found: dict[str, dict[str, str]] = {}
    for column in table.columns:
        name, _, metric = column.rpartition("_")
        if metric in METRICS:
            found.setdefault((name or dataset).casefold(), {})[metric] = column
    return found


def known_of(method: str, literature: Iterable[Known]) -> list[Known]:
    """What is known of a method, by any of its names, from others than the audited paper."""
    key = method_key(method)
    return [
        known
        for known in literature
        if known.standing != "audited" and key in {method_key(name) for name in (known.method, *known.also)}
    ]


def unknown_methods(table: Table, literature: Sequence[Known]) -> tuple[str, ...]:
    """Methods of the rows taken from elsewhere whose WAR and UAR nobody else gives: they are not compared."""
    scored = [known for known in literature if any(metric in known.values for metric in METRICS)]
    taken = {row.method: None for row in table.rows if row.arm in TAKEN}
    return tuple(method for method in taken if not known_of(method, scored))


def literature_findings(table: Table, literature: Sequence[Known], dataset: str = "") -> list[Finding]:
    """Values that are not those of their source.

    A pair of WAR and UAR that one source gives is right. If WAR is a known UAR and UAR a known WAR, the two columns
    are exchanged (in one source's pair, or of two variants). What is left differs; if the same method has the value on
    another data set, that is named. Rows of another arm than `reported` are the paper's own measurements and are left
    to `replications`; unknown methods are skipped (`unknown_methods`).
    """
    places = metric_columns(table, dataset)
    findings = []
    for row in table.rows:
        everything = known_of(row.method, literature) if row.arm in TAKEN else []
        for name, columns in places.items():
            here = [known for known in everything if known.dataset.casefold() == name]
            printed = {metric: row.cells[column] for metric, column in columns.items() if column in row.cells}
            if here and printed and not any(_gives(known, printed) for known in here):
                findings += _explained(table, row, columns, printed, here, everything)
    return findings


def replications(
    table: Table, literature: Sequence[Known], dataset: str = "", classes: Mapping[str, int] | None = None
) -> list[Finding]:
    """What a method's own authors publish beside the row `baseline` of the paper, and beside its other arms.

    A gain over a baseline that stays below its source may be no gain over the method. Only sources of standing `own`
    count, without a variant. classes: by data set, how many the paper tests; sources with another number are left out.
    """
    findings = []
    for row in table.rows:
        if row.arm != REPEATED:
            continue
        arms = [other for other in table.rows if other.method == row.method and other.arm not in (*TAKEN, row.arm)]
        own = [one for one in known_of(row.method, literature) if one.standing == "own" and not one.variant]
        for name, columns in metric_columns(table, dataset).items():
            for one in own:
                if one.dataset.casefold() == name and str((classes or {}).get(name, one.classes)) == one.classes:
                    findings += [_repeated(table, row, arms, one, *item) for item in columns.items()
                                 if item[0] in one.values and item[1] in row.cells]  # fmt: skip
    return findings


def _check(path: Path, number: int, line: Mapping[str, str]) -> None:
    if set(line) != set(COLUMNS) or None in line.values():
        raise DataError(f"{path}:{number}: columns are not {', '.join(COLUMNS)}; mend the file")
    if line["standing"] not in (*CONFIDENCE, "audited"):
        raise DataError(f"{path}:{number}: standing {line['standing']!r}; known: {', '.join(CONFIDENCE)}, audited")
    if not PRINTED.fullmatch(line["value"]):
        raise DataError(f"{path}:{number}: value {line['value']!r} is not a number; mend the line")


def _gives(known: Known, printed: Mapping[str, Cell]) -> bool:
    """Whether a source gives every printed metric that it has, and has one."""
    shared = [metric for metric in printed if metric in known.values]
    return bool(shared) and all(_same(printed[metric], known.values[metric]) for metric in shared)


def _same(cell: Cell, other: Cell) -> bool:
    """Whether both can be roundings of one value."""
    return abs(cell.value - other.value) <= max(cell.unit, other.unit) / 2


def _holders(cell: Cell | None, metric: str, known: Iterable[Known]) -> list[Known]:
    return [one for one in known if cell and metric in one.values and _same(cell, one.values[metric])]


def _explained(
    table: Table,
    row: Row,
    columns: Mapping[str, str],
    printed: Mapping[str, Cell],
    here: Sequence[Known],
    everything: Sequence[Known],
) -> list[Finding]:
    as_uar = _holders(printed.get("WAR"), "UAR", here)
    as_war = _holders(printed.get("UAR"), "WAR", here)
    if as_uar and as_war:
        return [_exchanged(table, row, columns, printed, as_uar, as_war)]
    findings = []
    for metric, cell in printed.items():
        if not _holders(cell, metric, here) and any(metric in one.values for one in here):
            findings.append(_other_value(table, row, columns[metric], metric, cell, here, everything))
    return findings or [_mixed(table, row, columns, printed, here)]


def _exchanged(
    table: Table,
    row: Row,
    columns: Mapping[str, str],
    printed: Mapping[str, Cell],
    as_uar: Sequence[Known],
    as_war: Sequence[Known],
) -> Finding:
    both = [one for one in as_uar if one in as_war]
    uar_of, war_of = (both[0], both[0]) if both else (as_uar[0], as_war[0])
    whose = f"of {uar_of.said}" if both else f"of two variants: {uar_of.said} and {war_of.said}"
    return Finding(
        "columns-exchanged",
        table.name,
        row.name,
        ", ".join(columns[metric] for metric in METRICS),
        f"{row.method}: the printed WAR {printed['WAR'].text} is the UAR and the printed UAR {printed['UAR'].text} the "
        f"WAR {whose}.",
        printed=f"WAR {printed['WAR'].text}, UAR {printed['UAR'].text}",
        derived=f"WAR {war_of.values['WAR'].text}, UAR {uar_of.values['UAR'].text}",
        evidence={"WAR_from": _plain(war_of), "UAR_from": _plain(uar_of), "one_source": bool(both)},
        confidence=_confidence([uar_of, war_of]),
    )


def _other_value(
    table: Table,
    row: Row,
    column: str,
    metric: str,
    cell: Cell,
    here: Sequence[Known],
    everything: Sequence[Known],
) -> Finding:
    standings = list(CONFIDENCE)
    nearest = min(
        (one for one in here if metric in one.values),
        key=lambda one: (standings.index(one.standing), abs(cell.value - one.values[metric].value)),
    )
    elsewhere = [
        {"dataset": one.dataset, "metric": other, "source": one.said}
        for one, other in product(everything, METRICS)
        if (one.dataset.casefold(), other) != (nearest.dataset.casefold(), metric) and _holders(cell, other, [one])
    ]
    said = f"{row.method}: {column} {cell.text} is not the {nearest.values[metric].text} of {nearest.said}"
    if elsewhere:
        said += f"; it is the method's {elsewhere[0]['metric']} on {elsewhere[0]['dataset']} ({elsewhere[0]['source']})"
    return Finding(
        "differs-from-literature",
        table.name,
        row.name,
        column,
        said + ".",
        printed=cell.text,
        derived=nearest.values[metric].text,
        evidence={
            "known": [_plain(one) for one in here],
            "difference": _text(cell.value - nearest.values[metric].value),
            "value_of": elsewhere,
        },
        confidence=_confidence(here),
    )


def _mixed(
    table: Table, row: Row, columns: Mapping[str, str], printed: Mapping[str, Cell], here: Sequence[Known]
) -> Finding:
    """Every value is known, but no source gives them together."""
    text = ", ".join(f"{metric} {cell.text}" for metric, cell in printed.items())
    return Finding(
        "differs-from-literature",
        table.name,
        row.name,
        ", ".join(columns[metric] for metric in printed),
        f"{row.method}: {text}: each is known, but no source gives both of one variant.",
        printed=text,
        evidence={"known": [_plain(one) for one in here]},
        confidence="possible",
    )


def _repeated(table: Table, row: Row, arms: Sequence[Row], known: Known, metric: str, column: str) -> Finding:
    cell, source = row.cells[column], known.values[metric]
    gap = cell.value - source.value
    reach = {arm.name: _text(arm.cells[column].value - source.value) for arm in arms if column in arm.cells}
    best = max((arm.cells[column].value for arm in arms if column in arm.cells), default=None)
    said = f"{row.method}: the repeated {column} {cell.text} is {_text(abs(gap))} points "
    said += f"{'below' if gap < 0 else 'above'} the {source.text} of {known.said}"
    if best is not None:
        said += f"; the best other arm {'stays below' if best < source.value else 'reaches'} it"
    return Finding(
        "replication",
        table.name,
        row.name,
        column,
        said + ".",
        printed=cell.text,
        derived=source.text,
        evidence={"source": _plain(known), "difference": _text(gap), "other_arms_less_source": reach},
    )


def _confidence(known: Collection[Known]) -> Confidence:
    """That of the best source."""
    for standing, confidence in CONFIDENCE.items():
        if any(one.standing == standing for one in known):
            return confidence
    raise AssertionError("no source")


def _plain(known: Known) -> dict[str, Any]:
    values = {metric: cell.text for metric, cell in known.values.items()}
    return {"dataset": known.dataset, **values, "variant": known.variant, "source": known.source}


def _text(value: Fraction) -> str:
    return f"{float(value):.2f}"
