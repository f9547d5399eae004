"""An audit as plain values: inputs, findings, verdicts and claims, so that every finding can be worked out again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from harness.analysis.audit.claims import Claim
from harness.analysis.audit.finding import KINDS
from harness.analysis.audit.grim import WarFit
from harness.analysis.audit.inputs import Inputs
from harness.analysis.audit.literature import Known
from harness.analysis.audit.rows import RowVerdict
from harness.analysis.audit.table import Table
from harness.analysis.audit.wars import WarVerdict
from harness.analysis.audit.whole import Audit

DIGITS = 6
"""Significant digits of a number that is not exact: machines agree on so many."""


def audit_text(audited: Audit) -> str:
    """The audit as JSON text; the same inputs give the same bytes."""
    return json.dumps(audit_json(audited), indent=1, ensure_ascii=False) + "\n"


def audit_json(audited: Audit) -> dict[str, Any]:
    """Inputs, findings, verdict on every row, claims, kinds, and the rates of the property test."""
    found = {
        "inputs": _inputs(audited.inputs),
        "findings": [one.as_json() for one in audited.findings],
        "rows": [_row(name, one) for name, rows in audited.rows.items() for one in rows],
        "wars": [_war(name, one) for name, wars in audited.wars.items() for one in wars],
        "subsets": [{"table": name, **asdict(one)} for name, found in audited.subsets.items() for one in found],
        "claims": {
            "contradicted": [one.id for one in audited.of("claim-contradicted")],
            "holds": [_claim(one) for one in audited.holds],
            "unchecked": [_claim(one) for one in audited.unchecked],
        },
        "skipped_methods": audited.skipped,
        "kinds": KINDS,
        "rates": audited.inputs.rates,
    }
    return dict(plain(found))


def plain(value: Any) -> Any:
    """The value in lists, dictionaries, texts and numbers, with DIGITS digits where it is not exact."""
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple | range):
        return [plain(one) for one in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _inputs(inputs: Inputs) -> dict[str, Any]:
    return {
        "tables": {name: {"dataset": inputs.datasets[name], **_table(table)} for name, table in inputs.tables.items()},
        "figures": {name: _table(table) for name, table in inputs.figures.items()},
        "class_sizes": {
            name: {"source": inputs.sources[name], "classes": size.classes, "folds": size.sizes}
            for name, size in inputs.sizes.items()
        },
        "frames_by_class": inputs.frames,
        "literature": [_known(one) for one in inputs.literature],
        "multiply_adds": inputs.measured,
        "recipes": inputs.recipes,
    }


def _table(table: Table) -> dict[str, Any]:
    rows = [
        {"number": row.number, "row": row.name, "method": row.method, "arm": row.arm,
         "cells": {column: cell.text for column, cell in row.cells.items()}}
        for row in table.rows
    ]  # fmt: skip
    return {"columns": table.columns, "classes": table.classes, "rows": rows}


def _known(known: Known) -> dict[str, Any]:
    values = {metric: cell.text for metric, cell in known.values.items()}
    return {**{name: getattr(known, name) for name in ("method", "also", "dataset", "classes", "variant")},
            "source": known.source, "standing": known.standing, "values": values}  # fmt: skip


def _row(table: str, one: RowVerdict) -> dict[str, Any]:
    return {
        "table": table,
        "number": one.row.number,
        "row": one.row.name,
        "closes": one.closes,
        "bases": one.bases,
        "chance": one.chance,
        "counts": one.counts,
        "ranges": one.ranges,
        "findings": [found.id for found in one.findings],
    }


def _war(table: str, one: WarVerdict) -> dict[str, Any]:
    fits = {name: [_fit(fit) for fit in found] for name, found in one.fits.items()}
    return {"table": table, "number": one.row.number, "row": one.row.name, "column": one.column,
            "possible": one.possible, "fits": fits}  # fmt: skip


def _fit(fit: WarFit) -> dict[str, Any]:
    return {name: getattr(fit, name) for name in ("basis", "total", "lost", "fits", "clips", "chance")}


def _claim(claim: Claim) -> dict[str, Any]:
    return {name: value for name, value in asdict(claim).items() if value or name in ("id", "says", "where")}
