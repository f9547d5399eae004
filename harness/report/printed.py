"""Tables 1-3 of the paper as printed: rows in the paper's order, values as text with the digits the paper shows."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.au.units import EXPRESSIONS
from harness.errors import ManifestError
from harness.manifest import Arm

DATASETS = ("DFEW", "FERV39k", "MAFW")
TABLE1_VALUES = tuple(f"{dataset}_{metric}" for dataset in DATASETS for metric in ("WAR", "UAR"))
TABLE3_VALUES = (*EXPRESSIONS, "WAR", "UAR")
TABLE2_VALUES = (*TABLE3_VALUES, "GFLOPs")
STRATEGY_ARM: dict[str, Arm] = {
    "baseline": "baseline",
    "global": "au-global",
    "distinct": "au-distinct",
    "minor": "au-minor",
}


@dataclass(frozen=True)
class PrintedRow:
    """One row of a printed table. `arm` is `reported`, `baseline`, `au` or, in Table 3, an arm of the harness.

    audited_as: the row's name in the audit. marks, ids: by column, the audit's footnotes and the findings behind them.
    """

    method: str
    cite: str
    arm: str
    replicated: bool
    values: dict[str, str]
    audited_as: str = ""
    marks: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    ids: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def model(self) -> str:
        """Name that the harness gives this method's model, where it has one."""
        return self.method.lower().replace("-", "_")


@dataclass(frozen=True)
class Paper:
    """The three printed tables; notes: by table, the line of each of the audit's marks."""

    table1: tuple[PrintedRow, ...]
    table2: tuple[PrintedRow, ...]
    table3: tuple[PrintedRow, ...]
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def models(self) -> dict[str, str]:
        """The models the paper trains, by the harness's name, with the paper's, in the paper's order."""
        return {row.model: row.method for row in self.table1 if row.arm != "reported"}


def read_paper(paper_dir: Path) -> Paper:
    """The tables in `table1.csv` to `table3.csv` of a folder; ManifestError names a missing or malformed file."""
    return Paper(
        table1=_read(paper_dir / "table1.csv", "arm", TABLE1_VALUES),
        table2=_read(paper_dir / "table2.csv", "arm", TABLE2_VALUES),
        table3=_read(paper_dir / "table3.csv", "au_strategy", TABLE3_VALUES),
    )


def _read(path: Path, arm: str, values: tuple[str, ...]) -> tuple[PrintedRow, ...]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read ({error.strerror}); install the harness again") from error
    columns = {"method", "cite", arm, *values}
    if not rows or any(set(row) - {"replicated"} != columns or None in row.values() for row in rows):
        raise ManifestError(f"{path}: columns are not {', '.join(sorted(columns))} in every row; mend the file")
    return tuple(_row(row, arm, values, f"{path}: row {number}") for number, row in enumerate(rows, start=1))


def _row(row: dict[str, str], arm: str, values: tuple[str, ...], where: str) -> PrintedRow:
    known = STRATEGY_ARM if arm == "au_strategy" else {name: name for name in ("reported", "baseline", "au")}
    if row[arm] not in known:
        raise ManifestError(f"{where}: {arm} {row[arm]!r}; known: {', '.join(known)}")
    return PrintedRow(
        method=row["method"],
        cite=row["cite"],
        arm=known[row[arm]],
        replicated=row.get("replicated") == "yes",
        values={name: row[name] for name in values},
        audited_as=f"{row['method']}, {row[arm]}",
    )
