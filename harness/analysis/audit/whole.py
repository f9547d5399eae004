"""The whole audit: every check on every table, and what they say together. A pure function of its inputs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.analysis.audit.claims import Claim, ClaimResults, Context, check_claims
from harness.analysis.audit.compare import compare_tables
from harness.analysis.audit.effects import effects, table_pairs, war_pairs
from harness.analysis.audit.finding import Finding
from harness.analysis.audit.flops_check import flops
from harness.analysis.audit.inputs import Inputs, class_sizes
from harness.analysis.audit.literature import literature_findings, replications, unknown_methods
from harness.analysis.audit.repairs import repairs
from harness.analysis.audit.rows import RowVerdict, audit_table
from harness.analysis.audit.table import Row, Table
from harness.analysis.audit.wars import Subsets, WarVerdict, fitting_subsets, war_findings, war_totals, war_verdicts

WEIGHT = (
    "columns-exchanged", "shifted", "copied-cells", "no-basis", "uar-not-mean", "war-not-weighted-mean",
    "cell-not-a-fraction", "repair", "same-quantity-differs", "war-below-uar", "dropped-line", "war-no-count",
    "differs-from-literature", "flops", "effect", "claim-contradicted", "replication", "released-constant",
)  # fmt: skip
"""Kinds in the order in which they are told: what moves most cells first."""


@dataclass(frozen=True)
class Audit:
    """What an audit found. rows: by table, of rows with class cells; wars: of WARs without them.

    findings are told in the order of WEIGHT, each once; skipped: by table, methods that no literature is known of.
    """

    inputs: Inputs
    rows: Mapping[str, tuple[RowVerdict, ...]]
    wars: Mapping[str, tuple[WarVerdict, ...]]
    subsets: Mapping[str, tuple[Subsets, ...]]
    findings: tuple[Finding, ...]
    holds: tuple[Claim, ...]
    unchecked: tuple[Claim, ...]
    skipped: Mapping[str, tuple[str, ...]]

    def of(self, kind: str = "", table: str = "", row: str = "") -> list[Finding]:
        """The findings of a kind, about a table, about a row."""
        return [
            one for one in self.findings if kind in ("", one.kind) and table in ("", one.table) and row in ("", one.row)
        ]


def audit(inputs: Inputs) -> Audit:
    """Every check: rows, WARs, rows beside rows, literature, GFLOPs, effects, claims, constants."""
    tables = inputs.tables
    rows = {name: _rows(inputs, table) for name, table in tables.items()}
    wars = {name: tuple(war_verdicts(table, inputs.sizes, inputs.datasets[name])) for name, table in tables.items()}
    subsets = {name: tuple(fitting_subsets(tables[name], found, inputs.sizes)) for name, found in wars.items()}
    claims = check_claims(inputs.claims, Context({**tables, **inputs.figures}, inputs.sizes, inputs.recipes))
    findings = [
        *_row_findings(inputs, rows),
        *(one for name, found in wars.items() for one in war_findings(tables[name], found, inputs.sizes)),
        *compare_tables(tables, inputs.sizes, inputs.datasets, _closing(rows)),
        *_literature(inputs),
        *(one for table in tables.values() for one in flops(table, inputs.measured, inputs.literature)),
        *_effects(inputs, rows, wars),
        *claims.contradicted,
        *inputs.constants,
    ]
    return Audit(inputs, rows, wars, subsets, _told(findings), *_claims(claims), _skipped(inputs))


def closes(audited: Audit, table: str, row: Row) -> bool | None:
    """Whether a row closes; None if its class cells were not asked."""
    found = [one.closes for one in audited.rows[table] if one.row.number == row.number]
    return found[0] if found else None


def _rows(inputs: Inputs, table: Table) -> tuple[RowVerdict, ...]:
    sizes = class_sizes(table, inputs.sizes, inputs.datasets[table.name]) if table.classes else None
    return tuple(audit_table(table, sizes)) if sizes else ()


def _closing(rows: Mapping[str, Sequence[RowVerdict]]) -> set[tuple[str, int]]:
    return {(name, one.row.number) for name, found in rows.items() for one in found if one.closes}


def _row_findings(inputs: Inputs, rows: Mapping[str, Sequence[RowVerdict]]) -> list[Finding]:
    """What is wrong with each row that does not close, and the one change that would mend it."""
    findings: list[Finding] = []
    for name, verdicts in rows.items():
        table = inputs.tables[name]
        sizes = class_sizes(table, inputs.sizes, inputs.datasets[name])
        for one in (one for one in verdicts if one.findings):
            assert sizes is not None
            mended = repairs(one.row, table, sizes)
            findings += [*one.findings, *([mended] if mended else [])]
    return findings


def _literature(inputs: Inputs) -> list[Finding]:
    """Tables beside the literature; repetitions are told once, of the first table that has the method and data set."""
    findings: list[Finding] = []
    classes = {name: len(size.classes) for name, size in inputs.sizes.items()}
    seen: set[tuple[str, str, str]] = set()
    for name, table in inputs.tables.items():
        dataset = inputs.datasets[name]
        findings += literature_findings(table, inputs.literature, dataset)
        for one in replications(table, inputs.literature, dataset, classes):
            source = one.evidence["source"]
            key = one.row, source["dataset"], one.column.rpartition("_")[2]
            findings += [] if key in seen else [one]
            seen.add(key)
    return findings


def _effects(
    inputs: Inputs, rows: Mapping[str, Sequence[RowVerdict]], wars: Mapping[str, Sequence[WarVerdict]]
) -> list[Finding]:
    """Effects of the rows that close, or where there are no class cells, of WARs on one test fold; by table."""
    findings = []
    for name, table in inputs.tables.items():
        ranges = {one.row.number: one.ranges for one in rows[name] if one.closes}
        sizes = class_sizes(table, inputs.sizes, inputs.datasets[name]) if ranges else None
        pairs = table_pairs(table, ranges, sizes) if sizes else []
        findings += effects([*pairs, *war_pairs(table, war_totals(wars[name], inputs.sizes))])
    return findings


def _claims(results: ClaimResults) -> tuple[tuple[Claim, ...], tuple[Claim, ...]]:
    return tuple(results.holds), tuple(results.unchecked)


def _skipped(inputs: Inputs) -> dict[str, tuple[str, ...]]:
    if not inputs.literature:
        return {}
    return {name: unknown_methods(table, inputs.literature) for name, table in inputs.tables.items()}


def _told(findings: Collection[Finding]) -> tuple[Finding, ...]:
    """Each statement once, weightiest kind first, in the tables' order within a kind.

    A statement of one kind about the same cells of the same row, found by two checks, is one with both evidences: a
    shift that closes the row and that another table shows, an exchange that the literature and the class sizes show.
    """
    found: dict[tuple[str, str, str, str], Finding] = {}
    for one in findings:
        key = (one.kind, one.table, one.row, "" if one.kind == "shifted" else one.column)
        found[key] = _joined(found[key], one) if key in found else one
    return tuple(sorted(found.values(), key=lambda one: WEIGHT.index(one.kind)))


def _joined(first: Finding, second: Finding) -> Finding:
    sure = ("certain", "likely", "possible")
    return replace(
        first,
        said=f"{first.said.rstrip('.')}. {second.said}",
        evidence={**first.evidence, "also": {"column": second.column, "printed": second.printed, **second.evidence}},
        confidence=min(first.confidence, second.confidence, key=sure.index),
    )
